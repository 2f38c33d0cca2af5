"""Gallery of images around a quality threshold: kept or left out by hand, one by one or several at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from derm_model import words
from derm_model.curation.view import Curation
from pages.ui import look, resources, state
from pages.ui.dataset.deciding import Answer, Desk
from pages.ui.dataset.facts import facts_of
from pages.ui.dataset.pictures import Thumbnail, read_thumbnails

if TYPE_CHECKING:
    from derm_model.data.quality import QualityRule

PER_PAGE = 12
SHOWS = {"flagged": "Flagged", "passed": "Not flagged", "decided": "Decided"}
ANSWERS = (
    Answer("keep", "verdict_keep", "Keep", "K", "check"),
    Answer("leave out", "verdict_leave_out", "Leave out", "L", "block"),
)


def draw_flagged(curation: Curation, rule: QualityRule, threshold: float) -> None:
    """Toolbar and one page of images, nearest to the threshold first."""
    with st.container():
        show = st.segmented_control(
            "Images, nearest to the threshold first",
            list(SHOWS),
            format_func=SHOWS.__getitem__,
            key=state.FLAG_SHOW,
            default=None if state.FLAG_SHOW in st.session_state else "flagged",
            required=True,
            wrap=True,
            on_change=first_page,
        )
    order = sorted_positions(curation, rule, threshold, show)
    pages = max(1, -(-len(order) // PER_PAGE))
    page = min(st.session_state.get(state.FLAG_PAGE, 0), pages - 1)
    shown = order[page * PER_PAGE : (page + 1) * PER_PAGE]
    table = curation.collection.table
    hashes = [str(table["content_hash"].iat[i]) for i in shown]
    current = next((i for i, h in enumerate(hashes) if curation.quality_decisions.get(h) is None), 0)
    _draw_toolbar(curation, hashes, current, page, pages)
    st.caption(f"{words.plural(len(order), 'image')} · page {page + 1} of {words.count(pages)}")
    pictures = read_thumbnails([str(table["file"].iat[i]) for i in shown])
    values = curation.collection.quality[rule.measure].to_numpy(dtype=np.float64, na_value=np.nan)
    with st.grid(4, min_column_width=150, key="flagged"):
        for number, (position, content_hash, picture) in enumerate(zip(shown, hashes, pictures, strict=True)):
            with st.container(border=True, key=f"flag_card_{position}", gap="xsmall"):
                _draw_image(curation, int(position), content_hash, picture, float(values[position]), number == current)


def sorted_positions(curation: Curation, rule: QualityRule, threshold: float, show: str) -> NDArray[np.intp]:
    """Positions of the images to show, nearest to the threshold first; equal ones in the order of the table.

    Parameters
    ----------
    curation, rule, threshold
    show
        One of `SHOWS`. "decided" are all images somebody decided about, whichever the rule.
    """
    values = curation.collection.quality[rule.measure].to_numpy(dtype=np.float64, na_value=np.nan)
    known = np.isfinite(values)
    over = rule.flags(values, threshold)
    if show == "decided":
        wanted = curation.collection.table["content_hash"].isin(list(curation.quality_decisions.by_hash)).to_numpy()
    else:
        wanted = known & (over == (show == "flagged"))
    positions = np.flatnonzero(wanted)
    distance = np.where(known[positions], np.abs(values[positions] - threshold), np.inf)
    return positions[np.argsort(distance, kind="stable")]


def first_page() -> None:
    """Begin the gallery anew."""
    st.session_state[state.FLAG_PAGE] = 0


def _draw_toolbar(curation: Curation, hashes: Sequence[str], current: int, page: int, pages: int) -> None:
    from derm_model.data.quality import decide_quality, read_decisions, withdraw_quality

    workspace = curation.collection.workspace
    desk = Desk(
        name="flags",
        page=state.FLAG_PAGE,
        workspace=workspace,
        path=workspace.paths.quality_decisions,
        read=read_decisions,
        decide=decide_quality,
        withdraw=withdraw_quality,
        box=_check,
    )
    checked = desk.checked(hashes)
    acted = checked or list(hashes[current : current + 1])
    desk.draw(ANSWERS, acted, {h: curation.quality_decisions.get(h) for h in acted}, page + 1 < pages)
    if acted:
        which = f"the {words.plural(len(checked), 'checked image')}" if checked else "the image marked **next**"
        st.caption(f"Keep: may stand in validation and test sets. Leave out: may not. Both act on {which}.")


def _draw_image(
    curation: Curation, position: int, content_hash: str, picture: Thumbnail, value: float, is_current: bool
) -> None:
    made = curation.quality_decisions.get(content_hash)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.checkbox(
            "–" if np.isnan(value) else f"{value:.4g}",
            key=_check(content_hash),
        )
        if made is not None:
            st.badge("kept" if made.decision == "keep" else "left out", color="gray", icon=":material/how_to_reg:")
        elif is_current:
            st.badge("next", color="primary", icon=":material/arrow_forward:")
    if picture.data is None:
        st.error(f"**Not readable.** {look.plain(picture.reason)}", icon=":material/broken_image:")
    else:
        st.image(picture.data, width="stretch", alt=f"Image {curation.collection.table['image_id'].iat[position]}")
    st.caption(facts_of(curation, position, resources.taxonomy()))


def _check(content_hash: str) -> str:
    return f"flag_{content_hash[:16]}"
