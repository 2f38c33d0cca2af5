"""Gallery of images around a quality threshold: kept or left out by hand, one by one or several at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from derm_model import words
from derm_model.curation.view import Curation
from derm_model.errors import DermTreeError
from pages.ui import look, resources, state
from pages.ui.dataset.facts import facts_of
from pages.ui.dataset.pictures import Thumbnail, read_thumbnails

if TYPE_CHECKING:
    from derm_model.curation.workspace import Workspace
    from derm_model.data.quality import QualityRule
    from derm_model.data.quality.decisions import Verdict

PER_PAGE = 12
MAX_UNDO = 50
SHOWS = {"flagged": "Flagged", "passed": "Not flagged", "decided": "Decided"}
WORDS: dict[str, str] = {"keep": "Keep", "leave out": "Leave out"}


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
    over = values < threshold if rule.direction == "below" else values > threshold
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
    checked = [h for h in hashes if st.session_state.get(_check(h))]
    acted = checked or list(hashes[current : current + 1])
    workspace = curation.collection.workspace
    stack = state.undo_stack(workspace.name, "quality")
    with st.container(horizontal=True, key="flag_tools"):
        for verdict, shortcut, icon in (("keep", "K", "check"), ("leave out", "L", "block")):
            st.button(
                WORDS[verdict],
                key=f"verdict_{verdict.replace(' ', '_')}",
                shortcut=shortcut,
                icon=f":material/{icon}:",
                disabled=not acted,
                on_click=_decide,
                args=(curation, acted, verdict),
            )
        st.button(
            "Undo",
            key="undo_flags",
            shortcut="U",
            icon=":material/undo:",
            disabled=not stack,
            on_click=_undo,
            args=(workspace,),
        )
        st.button(
            "Previous",
            key="previous_flags",
            shortcut="P",
            icon=":material/arrow_back:",
            disabled=page == 0,
            on_click=_turn,
            args=(page - 1,),
        )
        st.button(
            "Next",
            key="next_flags",
            shortcut="N",
            icon=":material/arrow_forward:",
            disabled=page + 1 >= pages,
            on_click=_turn,
            args=(page + 1,),
        )
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


def _turn(page: int) -> None:
    st.session_state[state.FLAG_PAGE] = max(0, page)


def _decide(curation: Curation, hashes: Sequence[str], verdict: Verdict) -> None:
    from derm_model.data.quality import decide_quality

    workspace = curation.collection.workspace
    before = [(content_hash, curation.quality_decisions.get(content_hash)) for content_hash in hashes]
    try:
        decide_quality(workspace.paths.quality_decisions, hashes, verdict)
    except (DermTreeError, OSError) as error:
        state.say(f"**The decision was not kept.** {look.plain(str(error))}", failed=True)
        return
    stack = state.undo_stack(workspace.name, "quality")
    stack.append((verdict, before))
    del stack[:-MAX_UNDO]
    for content_hash in hashes:
        st.session_state[_check(content_hash)] = False


def _undo(workspace: Workspace) -> None:
    """Take back what this session decided last, unless somebody has decided otherwise since."""
    from derm_model.data.quality import decide_quality, read_decisions, withdraw_quality

    verdict, before = state.undo_stack(workspace.name, "quality").pop()
    path = workspace.paths.quality_decisions
    try:
        now = read_decisions(path)
        ours = [(h, old) for h, old in before if (made := now.get(h)) is not None and made.decision == verdict]
        withdraw_quality(path, [h for h, old in ours if old is None])
        for content_hash, old in ours:
            if old is not None:
                decide_quality(path, [content_hash], old.decision, old.note)
    except (DermTreeError, OSError) as error:
        state.say(f"**Nothing was undone.** {look.plain(str(error))}", failed=True)
        return
    state.say(f"{words.plural(len(ours), 'decision')} taken back.")
