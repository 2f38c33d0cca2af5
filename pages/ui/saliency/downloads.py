"""The maps as numbers and the measures as a file, made when a button is pressed. The picture is made in the browser."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import streamlit as st

from derm_model import report, words
from derm_model.access import Right
from pages.ui import audit_trail, state
from pages.ui.audit_trail import Content
from pages.ui.case import CaseImage
from pages.ui.resources import Model
from pages.ui.saliency import outline
from pages.ui.saliency.believing import results_of
from pages.ui.saliency.grid import Panel
from pages.ui.saliency.outline import Mask
from pages.ui.saliency.wish import Wish


def draw_downloads(model: Model, image: CaseImage, wish: Wish, panels: Sequence[Panel], mask: Mask | None) -> None:
    """Two buttons. No file name of a patient's image goes into the name of a download; `mask` is the outline."""
    done = [panel for panel in panels if panel.map is not None]
    if not done:
        return
    single, tests = len(done) == 1, state.lab().tests  # the session is not there when a file is made

    def logged(make: Callable[[], Content], what: str) -> Callable[[], Content]:
        return audit_trail.exporting(make, what, Right.CLASSIFY, model=model, n_images=1)

    with st.container(horizontal=True, key="saliency_files"):
        st.download_button(
            "Map as numbers (NPY)" if single else "Maps as numbers (NPY in a ZIP)",
            logged(lambda: npy(done[0]) if single else npy_zip(done), "maps as numbers"),
            f"dermtree-map-{done[0].entry.id}.npy" if single else "dermtree-maps.zip",
            "application/octet-stream" if single else "application/zip",
            key="saliency_npy",
            on_click="ignore",
            icon=":material/download:",
        )
        st.download_button(
            "Measures (JSON)",
            logged(lambda: measures_json(model, image, wish, done, mask, results_of(done, tests)), "measures (JSON)"),
            "dermtree-saliency.json",
            "application/json",
            key="saliency_json",
            on_click="ignore",
            icon=":material/download:",
        )
    st.caption(
        "Numbers are raw: float32 at the network's resolution, the whole image squashed to a square. Save the picture "
        "with its labels by the button below the maps."
    )


def npy(panel: Panel) -> bytes:
    """A map as an NPY file, (size, size) float32."""
    assert panel.map is not None
    buffer = io.BytesIO()
    np.save(buffer, panel.map.values, allow_pickle=False)
    return buffer.getvalue()


def npy_zip(panels: Sequence[Panel]) -> bytes:
    """Maps by the id of their method."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for panel in panels:
            archive.writestr(f"{panel.entry.id}.npy", npy(panel))
    return buffer.getvalue()


def measures_json(
    model: Model, image: CaseImage, wish: Wish, panels: Sequence[Panel], mask: Mask | None, tests: Sequence[Any]
) -> str:
    """What was explained how, and every number the page showed of it."""
    content = {
        "notice": words.NOTICE,
        "created_at": report.now().isoformat(),
        "model": model.card.name,
        "bundle": model.card.bundle_id,
        "image_sha256": image.digest,
        "is_drawing": image.is_drawing,
        "explained": asdict(wish),
        "maps": [_map_json(panel, mask) for panel in panels],
        "outline_area": None if mask is None else float(mask.mean()),
        "tests": list(tests),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)


def _map_json(panel: Panel, mask: Mask | None) -> dict[str, Any]:
    assert panel.map is not None and panel.work is not None
    part = outline.inside(panel.map.values, mask)
    return {
        "method": panel.entry.id,
        "name": panel.entry.name,
        "paper": panel.entry.paper,
        "explained": panel.map.label,
        "how": panel.map.method,
        "settings": {name: getattr(panel.settings, name) for name in panel.entry.method.settings},
        "seconds": panel.work.seconds,
        "strongest": float(panel.map.values.max()),
        "share_inside_outline": None if part is None else part.share,
    }
