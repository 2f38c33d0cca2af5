"""The map: which images the network finds alike (t-SNE). Click an image, lasso a region, or choose a group."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import streamlit as st

from derm_model import words
from derm_model.answer import role_of
from derm_model.assessment import groupings
from derm_model.assessment.embedding import has_features, like_neighbours, read_embedding
from derm_model.assessment.groupings import Grouping
from derm_model.errors import Cancelled
from pages.ui import access, look, state
from pages.ui.dataset.tables import draw_paged
from pages.ui.evaluate import kept, keys, parts
from pages.ui.evaluate.kept import Shown, Work
from pages.ui.train.curves import wait_for_pandas

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POLL_S = 1.0
MAP_CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["zoom2d", "autoScale2d", "toImage"], "scrollZoom": False}
NOTE = (
    "Near each other: alike for the network. Sizes of clouds and distances between them mean nothing. "
    "Drag around images to choose them, or switch to clicking and press one."
)
LASSO, CLICK = "lasso", "click"
HANDS = {LASSO: "Lasso", CLICK: "Click"}


def draw_map(of: Shown) -> None:
    """The map, or the way to one."""
    points = read_embedding(of.folder)
    if points is not None and len(points) == len(of.answers.records):
        _draw(of, points)
        return
    work = kept.work_of(of, kept.MAP)
    if work is not None and not work.future.done():
        st.skeleton(320)
        access.poll(_draw_progress, POLL_S)(of, work)
        return
    error = None if work is None else work.future.exception()
    if error is not None and not isinstance(error, Cancelled):
        st.warning(f"**There is no map.** {look.plain(kept.explain(error, 'a map'))}", icon=":material/warning:")
    if not has_features(of.folder):
        st.markdown("**There is no map**: the features of these images were not kept. Evaluate them again.")
        return
    n = len(of.answers.records)
    st.markdown(f"A map lays the {words.plural(n, 'image')} out so that those the network finds alike lie together.")
    st.button(
        "Make the map",
        key="make_map",
        icon=":material/scatter_plot:",
        on_click=kept.start_map,
        args=(of,),
        help="Once; it is kept beside the answers. Some seconds for 1,000 images, minutes for 10,000.",
    )


def _draw_progress(of: Shown, work: Work) -> None:
    if work.future.done():
        st.rerun()
    now = work.progress
    share = 0.0 if now is None or not now.total else now.done / now.total
    st.progress(share, "Waiting for another map" if now is None else f"{now.stage}: {share:.0%}")
    if work.stop:
        st.caption("Asked to stop. It ends after the piece at hand.")
    else:
        st.button("Cancel", key="stop_map", icon=":material/stop_circle:", on_click=kept.stop, args=(of, kept.MAP))


def _draw(of: Shown, points: NDArray[np.float32]) -> None:
    state.drop_unless(keys.EVALUATION_COLOUR, groupings.NAMES)
    key = st.segmented_control(
        "Colours and marks",
        list(groupings.NAMES),
        format_func=groupings.NAMES.__getitem__,
        key=keys.EVALUATION_COLOUR,
        default=None if keys.EVALUATION_COLOUR in st.session_state else groupings.DISEASES,
        required=True,
        wrap=True,
        persist_state="session",
        help="Diagnoses are those of the labels. Right or wrong is judged at the nine classes.",
    )
    found = groupings.grouping(key or groupings.DISEASES, of.answers, of.model.card.partition, of.model.taxonomy)
    hand = st.segmented_control(
        "Choose images by",
        list(HANDS),
        format_func=HANDS.__getitem__,
        key=keys.EVALUATION_HAND,
        default=None if keys.EVALUATION_HAND in st.session_state else LASSO,
        required=True,
        persist_state="session",
        help="Lasso: drag around a region. Click: press one image; a phone then scrolls over the map.",
    )
    chosen = _draw_chart(of, points, found, hand or LASSO)
    st.caption(NOTE)
    _draw_words(points, found)
    _draw_chosen(of, found, chosen)


def _draw_chart(of: Shown, points: NDArray[np.float32], found: Grouping, hand: str) -> list[int]:
    """The figure; positions of the images that were clicked or lassoed."""
    wait_for_pandas()
    from derm_model.figures.embedding import clouds, plot_embedding  # plotly: not before there is something to draw

    roles = {name: role_of(of.model.taxonomy, node) for name, node in found.nodes.items()}
    groups = clouds(found.labels, look.palette(), roles)
    hover = [parts.told(of, i) for i in range(len(points))]
    listed = ", ".join(f"{group.name} {len(group.positions):,}" for group in groups)
    event: Any = st.plotly_chart(
        plot_embedding(points, groups, hover, look.palette(), lasso=hand == LASSO),
        theme=None,
        key=f"{keys.EVALUATION_MAP}_{found.key}_{hand}",  # another figure forgets what was chosen
        on_select="rerun",
        selection_mode=("box", "lasso") if hand == LASSO else "points",
        config=MAP_CONFIG,
        alt=f"Map of {len(points):,} images by {groupings.NAMES[found.key].lower()}: {listed}. The table below says "
        "how much the groups mix.",
    )
    selected = event["selection"]["points"] if event else []
    return sorted({int(_first(point["customdata"])) for point in selected if point.get("customdata") is not None})


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list | tuple) else value


def _draw_words(points: NDArray[np.float32], found: Grouping) -> None:
    n_of = Counter(label for label in found.labels if label is not None)
    like = like_neighbours(points, list(found.labels))
    rows = [(name, words.count(n_of[name]), f"{share:.0%}") for name, share in like.items()]
    rest = found.labels.count(None)
    if rest:
        rows.append(("others", words.count(rest), "not defined"))
    with st.expander("The map in words", icon=":material/table_rows:", key="map_in_words"):
        st.markdown(parts.table(("Group", "n", "Of the ten nearest, in the same group"), rows))


def _draw_chosen(of: Shown, found: Grouping, chosen: list[int]) -> None:
    names = sorted({label for label in found.labels if label is not None})
    if not chosen:
        state.drop_unless(keys.EVALUATION_GROUP, names)
        name = st.selectbox(
            "Or show the images of a group",
            names,
            key=keys.EVALUATION_GROUP,
            index=None,
            placeholder="Choose a group",
        )
        if name is None:
            return
        chosen = [i for i, label in enumerate(found.labels) if label == name]
    st.markdown(f"##### {words.plural(len(chosen), 'image')} chosen")
    pictures = [parts.Picture(of.answers.records[i], parts.told(of, i)) for i in chosen[: parts.N_PICTURES]]
    parts.draw_gallery(pictures, n_all=len(chosen), key="evaluation_chosen")
    draw_paged(_table(of, chosen), "evaluation_chosen_page", "images")


def _table(of: Shown, chosen: list[int]) -> Any:
    import pandas as pd

    tree, classes = of.model.taxonomy, of.model.card.classes
    best = of.answers.probs[chosen].argmax(axis=1)
    records = [of.answers.records[i] for i in chosen]
    return pd.DataFrame(
        {
            "Image": [r.image_id for r in records],
            "Data set": [r.source for r in records],
            "Truth": [tree.node(r.node).name for r in records],
            "Answer": [classes[i].name for i in best],
            "Probability": [words.percent(float(of.answers.probs[i, k])) for i, k in zip(chosen, best, strict=True)],
        }
    )
