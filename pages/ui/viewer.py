"""The image with its map, what the map explains, and what was noticed about the image."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from derm_model import words
from derm_model.card import NOTICE_PERCENTILE
from derm_model.taxonomy import Aggregator, TaskClasses
from pages.ui import components, look, state
from pages.ui.case import CaseImage
from pages.ui.reading import Explain, Gradient, Reading, explained_node
from pages.ui.resources import Model

HEIGHT_PX = 440
DEFAULT_STRENGTH = 70  # per cent
NOTICE_ICONS = {
    "small": ":material/photo_size_select_small:",
    "blurred": ":material/blur_on:",
    "far": ":material/zoom_in:",
    "dark": ":material/dark_mode:",
    "bright": ":material/light_mode:",
    "uniform": ":material/crop_square:",
}
GRADIENTS = {Gradient.LOSS: "the loss (as in the paper)", Gradient.SCORE: "the probability"}
HOW_TO_READ = (
    f"{words.MAP}\n\n"
    "The coloured map is smoothed a little and scaled to its own strongest pixels, so two maps cannot be compared in "
    "strength. *Map only* is the same map from white to black, for print.\n\n"
    "*Zoom:* the buttons, the keys + and −, Ctrl with the wheel, two fingers, or a double click; arrow keys move the "
    "zoomed image."
)


def strength() -> float:
    """Strength of the overlay as last set in the viewer, 0 to 1."""
    found = st.session_state.get(state.VIEWER) or {}
    return float(found.get("opacity") or DEFAULT_STRENGTH) / 100


def choose_image(images: Sequence[CaseImage], labels: Sequence[str]) -> None:
    """Which image is in the viewer; drawn only where there are several."""
    if len(images) > 1:
        st.segmented_control(
            "Image",
            range(len(images)),
            format_func=lambda i: f"{i + 1} · {look.plain(images[i].name)} · {labels[i]}",
            key=state.SHOWN,
            required=True,
            default=0 if state.SHOWN not in st.session_state else None,
            label_visibility="collapsed",
            wrap=True,
        )


def draw_viewer(image: CaseImage, reading: Reading) -> None:
    """Image and map."""
    view = reading.map_view
    explained = "" if view.map is None else view.map.label
    components.viewer(
        image=image.view_url,
        overlay=view.overlay_url,
        plain=view.plain_url,
        alt=f"{'Drawing' if image.is_drawing else 'Image'} {image.name}"
        + (f" with the map for {explained}." if explained else "."),
        map_alt=f"Map for {explained}, white to black.",
        opacity_percent=DEFAULT_STRENGTH,
        height_px=HEIGHT_PX,
        key=state.VIEWER,
    )
    if view.map is None:
        st.caption("There is no map: the gradient is zero everywhere, so no pixel would move this answer.")


def explain_choice(model: Model, task: TaskClasses | None) -> tuple[Explain, Gradient]:
    """What the map shall explain, from the session; only what applies to this question and node."""
    options = _explain_options(model.aggregator, model, task)
    chosen = st.session_state.get(state.EXPLAIN)
    if chosen not in options:
        chosen = Explain.QUESTION if task is not None else Explain.PREDICTED
        st.session_state[state.EXPLAIN] = chosen
    return Explain(chosen), Gradient(st.session_state.get(state.GRADIENT, Gradient.LOSS))


def _explain_options(aggregator: Aggregator, model: Model, task: TaskClasses | None) -> list[Explain]:
    options = [Explain.PREDICTED]
    if task is not None:
        options.insert(0, Explain.QUESTION)
    node = state.picked()
    if node is not None and explained_node(aggregator, model.card.classes, node) is not None:
        options.append(Explain.PICKED)
    return options


def draw_explain_controls(model: Model, task: TaskClasses | None, predicted: str) -> None:
    """What the map explains, gradient of what, and how to read it."""
    labels = {Explain.PREDICTED: f"Most probable class: {predicted}"}
    if task is not None:
        labels[Explain.QUESTION] = f"This question: {task.task.positive_name}"
    node = state.picked()
    if node is not None:
        covering = explained_node(model.aggregator, model.card.classes, node)
        if covering is not None:
            labels[Explain.PICKED] = f"Picked: {model.taxonomy.node(covering).name}"
    st.selectbox(
        "The map explains",
        _explain_options(model.aggregator, model, task),
        format_func=labels.__getitem__,
        key=state.EXPLAIN,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("How to read the map", icon=":material/help:", type="tertiary"):
            st.markdown(HOW_TO_READ)
        with st.popover("Gradient", icon=":material/functions:", type="tertiary"):
            st.radio(
                "Gradient of",
                list(Gradient),
                format_func=GRADIENTS.__getitem__,
                key=state.GRADIENT,
                persist_state="session",
                help="The loss is −log P of what is explained; its map stays readable where P is near 0 or 1.",
            )


def draw_notices(image: CaseImage, reading: Reading, shown: int) -> None:
    """What was noticed about the shown image."""
    for notice in image.notices:
        st.warning(notice.message, icon=NOTICE_ICONS.get(notice.kind, ":material/photo_camera:"))
    percentile = reading.predictions[shown].ood_percentile
    if percentile is not None and percentile >= NOTICE_PERCENTILE:
        st.warning(words.unusual(percentile), icon=":material/explore:")
