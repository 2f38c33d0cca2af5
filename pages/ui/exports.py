"""Downloads: JSON, CSV and the map as PNG, built when the button is pressed, at the threshold of that moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from derm_model import report, words
from derm_model.report import CaseReport, ImageResult
from pages.ui import viewer
from pages.ui.case import CaseImage
from pages.ui.question import Question
from pages.ui.reading import Reading
from pages.ui.resources import Model

if TYPE_CHECKING:
    from derm_model.net.engine import Prediction


def draw_downloads(
    model: Model,
    images: Sequence[CaseImage],
    shown: int,
    reading: Reading,
    questions: Sequence[Question],
    *,
    average: bool,
) -> None:
    """Three buttons. No file name of a patient's image goes into the name of a download."""
    strength = viewer.strength()

    def build() -> CaseReport:
        return case_report(model, images, reading, questions, average=average)

    st.markdown("##### Take it with you")
    with st.container(horizontal=True, key="downloads"):
        st.download_button(
            "Report (JSON)",
            lambda: report.case_json(build()),
            "dermtree-case.json",
            "application/json",
            on_click="ignore",
            icon=":material/download:",
        )
        st.download_button(
            "Table (CSV)",
            lambda: report.images_csv(build()),
            "dermtree-case.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
        if reading.map_view.map is not None:
            st.download_button(
                "Map (PNG)",
                lambda: map_png(model, images[shown], reading, strength),
                "dermtree-map.png",
                "image/png",
                on_click="ignore",
                icon=":material/download:",
            )
    st.caption(f"Every file says: {words.NOTICE} It names model, threshold and time, and holds no metadata of yours.")


def case_report(
    model: Model, images: Sequence[CaseImage], reading: Reading, questions: Sequence[Question], *, average: bool
) -> CaseReport:
    """Everything the page knows about these images.

    Parameters
    ----------
    questions : sequence of Question
        Every question the model can answer.
    average : bool
        The images are views of one lesion; else there is no common answer, only one per image.
    """
    shared = average or len(images) == 1
    names = {c.id: c.name for c in model.card.classes}
    names |= {node: model.taxonomy.node(node).name for node in _nodes(model)}
    return CaseReport(
        bundle_id=model.card.bundle_id,
        model=model.card.name,
        licence=model.card.licence,
        taxonomy_digest=model.card.taxonomy_digest,
        averaged=average and len(images) > 1,
        images=tuple(_image(model, *pair, questions) for pair in zip(images, reading.predictions, strict=True)),
        class_probs=_class_probs(model, reading.probs) if shared else None,
        nodes=_node_probs(model, reading.probs) if shared else None,
        tasks={q.classes.task.id: q.put_to(reading.probs).result() for q in questions} if shared else {},
        names=names,
        created_at=report.now(),
    )


def _image(model: Model, image: CaseImage, prediction: Prediction, questions: Sequence[Question]) -> ImageResult:
    return ImageResult(
        file=image.name,
        sha256=image.digest,
        width_px=image.width_px,
        height_px=image.height_px,
        is_drawing=image.is_drawing,
        class_probs=_class_probs(model, prediction.class_probs),
        nodes=_node_probs(model, prediction.class_probs),
        ood_percentile=prediction.ood_percentile,
        notices=tuple(notice.message for notice in image.notices),
        tasks={q.classes.task.id: q.put_to(prediction.class_probs).result() for q in questions},
    )


def map_png(model: Model, image: CaseImage, reading: Reading, strength: float) -> bytes:
    """Image with its map at the strength of the viewer, and below it what it is."""
    from derm_model.net.overlay import blend

    saliency = reading.map_view.map
    if saliency is None:
        raise ValueError("there is no map to save: the gradient is zero everywhere")
    drawing = "A drawing made by a program, not a patient. " if image.is_drawing else ""
    return report.captioned_png(
        blend(image.view_pixels, saliency, strength),
        (
            f"{drawing}Map for: {saliency.label}. {saliency.method}. Strength {strength:.0%}.",
            words.MAP.replace("**", ""),
            f"Model {model.card.name}, bundle {model.card.bundle_id}. {report.now().isoformat()}",
        ),
    )


def _nodes(model: Model) -> tuple[str, ...]:
    """Roots and nine classes."""
    return model.taxonomy.cut(1) + model.taxonomy.cut(2)


def _class_probs(model: Model, probs: NDArray[np.float64]) -> dict[str, float]:
    return {c.id: float(p) for c, p in zip(model.card.classes, probs, strict=True)}


def _node_probs(model: Model, probs: NDArray[np.float64]) -> dict[str, float | None]:
    return {node: model.aggregator.probability(probs, node) for node in _nodes(model)}
