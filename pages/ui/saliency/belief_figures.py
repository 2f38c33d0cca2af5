"""Figures of the four tests, and what they found as JSON types."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from pages.ui import look
from pages.ui.evaluate import parts
from pages.ui.train.curves import wait_for_pandas

if TYPE_CHECKING:
    from derm_model.evaluation.belief import ClassSensitivity, Perturbation, Randomisation, Stability

PICTURES = ("picture",)  # small maps to look at: no measures


def draw_randomisation(found: Sequence[Randomisation], name: str) -> None:
    """Likeness by stage, and the maps themselves."""
    wait_for_pandas()
    from derm_model.figures.belief import alt_randomisation, plot_randomisation

    (one,) = found
    parts.chart(plot_randomisation(one, look.palette()), "belief_randomisation", f"{name}. {alt_randomisation(one)}")
    pictures = [("Trained", one.picture), *((stage.name, stage.picture) for stage in one.stages)]
    with st.grid(6, min_column_width=64, gap="xsmall", key="belief_stages"):
        for stage, picture in pictures:
            with st.container(gap=None):
                if picture is None:
                    st.caption("no map")
                else:
                    grey = np.round((1 - picture) * 255).astype(np.uint8)
                    st.image(grey, width="stretch", alt=f"The map, {stage.lower()}, white to black")
                st.caption(look.plain(stage))


def draw_perturbations(found: Sequence[Perturbation], name: str) -> None:
    """Both curves."""
    wait_for_pandas()
    from derm_model.figures.belief import alt_perturbation, plot_perturbation

    for one in found:
        parts.chart(plot_perturbation(one, look.palette()), f"belief_{one.kind}", f"{name}. {alt_perturbation(one)}")
        st.markdown(look.plain(one.reading))


def draw_stability(found: Sequence[Stability], name: str) -> None:
    """A row for each move."""
    wait_for_pandas()
    from derm_model.figures.belief import alt_stability, plot_stability

    (one,) = found
    parts.chart(plot_stability(one, look.palette()), "belief_stability", f"{name}. {alt_stability(one)}")


def draw_classes(found: Sequence[ClassSensitivity], name: str) -> None:
    """Every map with every other."""
    wait_for_pandas()
    from derm_model.figures.belief import alt_class_sensitivity, plot_class_sensitivity

    (one,) = found
    parts.chart(plot_class_sensitivity(one, look.palette()), "belief_classes", f"{name}. {alt_class_sensitivity(one)}")


def as_json(found: Any) -> dict[str, Any]:
    """A result's fields without its pictures, and how it is read."""
    content = {field.name: _plain(getattr(found, field.name)) for field in fields(found) if field.name not in PICTURES}
    reading = getattr(found, "reading", None)
    return content if reading is None else content | {"reading": reading}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return as_json(value) if is_dataclass(value) else value
