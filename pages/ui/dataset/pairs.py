"""Gallery of pairs around a threshold: side by side, with the reasons; decided one by one or several at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from derm_model import words
from derm_model.curation.view import Curation
from pages.ui import look, resources, state
from pages.ui.dataset.deciding import Answer, Desk
from pages.ui.dataset.facts import facts_of
from pages.ui.dataset.pictures import Thumbnail, read_thumbnails

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.data.duplicates.decisions import HashPair
    from derm_model.data.duplicates.edges import EdgeKind

PER_PAGE = 6  # three rows of two: what one looks over at a glance, and 12 pictures load in a blink
SHOWS = {
    "undecided": "Undecided",
    "above": "That join",
    "below": "That do not",
    "decided": "Decided",
}
ANSWERS = (
    Answer("same", "decide_same", "Belong together", "A", "link"),
    Answer("different", "decide_different", "Do not belong together", "D", "link_off"),
)
WORDS = {answer.word: answer.label for answer in ANSWERS}


def draw_pairs(curation: Curation, kind: EdgeKind, threshold: float) -> None:
    """Toolbar and one page of pairs, nearest to the threshold first."""
    from derm_model.data.duplicates.review import review_pairs

    show = _choose_show()
    offset = max(0, st.session_state.get(state.PAIR_PAGE, 0)) * PER_PAGE
    found = review_pairs(
        curation.collection.table,
        curation.collection.edges,
        curation.settings.rules,
        curation.pair_decisions,
        kind=kind,
        around=threshold,
        show=show,
        limit=PER_PAGE + 1,
        offset=offset,
        groups=curation.groups,
    )
    shown, more = found.head(PER_PAGE), len(found) > PER_PAGE
    if not len(shown) and offset:
        st.session_state[state.PAIR_PAGE] = 0
        st.rerun()
    keys = [_key(pair) for pair in _pairs(shown)]
    current = next((i for i, decision in enumerate(shown["decision"]) if decision is None), 0)
    _draw_toolbar(curation, shown, current, more)
    if not len(shown):
        st.caption("No pair here. Move the threshold or look at the other pairs.")
        return
    paths = curation.collection.table["file"]
    files = [str(paths.iat[i]) for row in zip(shown["a"], shown["b"], strict=True) for i in row]
    pictures = read_thumbnails(files)
    with st.grid(2, min_column_width=320, gap="medium", key="pairs"):
        for number, row in enumerate(shown.itertuples(index=False)):
            with st.container(border=True, key=f"card_{keys[number]}", gap="xsmall"):
                _draw_pair(
                    curation,
                    row,
                    keys[number],
                    offset + number + 1,
                    pictures[2 * number : 2 * number + 2],
                    number == current,
                )


def _choose_show() -> str:
    with st.container():
        return str(
            st.segmented_control(
                "Pairs, nearest to the threshold first",
                list(SHOWS),
                format_func=SHOWS.__getitem__,
                key=state.PAIR_SHOW,
                default=None if state.PAIR_SHOW in st.session_state else "undecided",
                required=True,
                wrap=True,
                on_change=_first_page,
                help="Undecided: nobody has decided, and no file, lesion, patient or data set joins the two.",
            )
        )


def _first_page() -> None:
    st.session_state[state.PAIR_PAGE] = 0


def _draw_toolbar(curation: Curation, shown: pd.DataFrame, current: int, more: bool) -> None:
    """Decisions about the checked pairs, or the current one; pages; undo. Every button has a key."""
    from derm_model.data.duplicates.decisions import decide_pairs, read_pair_decisions, undo_pairs

    workspace = curation.collection.workspace
    desk = Desk(
        name="pairs",
        page=state.PAIR_PAGE,
        workspace=workspace,
        path=workspace.paths.pair_decisions,
        read=read_pair_decisions,
        decide=decide_pairs,
        withdraw=undo_pairs,
        box=_box,
    )
    pairs = _pairs(shown)
    checked = desk.checked(pairs)
    acted = checked or pairs[current : current + 1]
    acted = [pair for pair in acted if pair[0] != pair[1]]  # one content twice: nothing to decide
    desk.draw(ANSWERS, acted, {pair: curation.pair_decisions.get(pair) for pair in acted}, more)
    if acted:
        which = f"the {words.plural(len(checked), 'checked pair')}" if checked else "the pair marked **next**"
        st.caption(
            f"The first two act on {which}. A decision is kept on disk at once and outlives thresholds and imports."
        )


def _draw_pair(
    curation: Curation, row: Any, key: str, number: int, pictures: Sequence[Thumbnail], is_current: bool
) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.checkbox(f"Pair {number}", key=f"check_{key}")
        if row.decision is not None:
            st.badge(WORDS[row.decision], color="gray", icon=":material/how_to_reg:")
        elif is_current:
            st.badge("next", color="primary", icon=":material/arrow_forward:")
        st.badge("one group now" if row.joined else "apart now", color="gray")
    st.markdown(look.plain(row.reasons) or "No reason is left.")
    columns = st.columns(2, wrap=False, gap="small")
    table = curation.collection.table
    for column, position, picture in zip(columns, (row.a, row.b), pictures, strict=True):
        with column:
            name = str(table["image_id"].iat[position])
            if picture.data is None:
                st.error(f"**Not readable.** {look.plain(picture.reason)}", icon=":material/broken_image:")
            else:
                st.image(picture.data, width="stretch", alt=f"Image {name}")
            st.caption(facts_of(curation, int(position), resources.taxonomy()))


def _pairs(shown: pd.DataFrame) -> list[HashPair]:
    return [(str(a), str(b)) for a, b in zip(shown["content_hash_a"], shown["content_hash_b"], strict=True)]


def _key(pair: HashPair) -> str:
    return f"{pair[0][:12]}_{pair[1][:12]}"


def _box(pair: HashPair) -> str:
    return f"check_{_key(pair)}"
