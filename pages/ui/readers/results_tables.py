"""Readers one by one, comparisons with readers and images as random, and what the network's help changed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from pages.ui import look
from pages.ui.evaluate import parts
from pages.ui.resources import Model

if TYPE_CHECKING:
    from derm_model.evaluation.readers.ai_help import Changes
    from derm_model.evaluation.readers.crossed import StudyComparison
    from derm_model.reader_result import StudyResult

TOO_FEW = (
    "Readers and images as random: it takes two readers who answered the same images, with two of each kind. There are "
    "too few."
)

SAME = "Method as above: Obuchowski–Rockette with Hillis' degrees of freedom, both passes by the same readers."


def draw_readers(result: StudyResult) -> None:
    """A row per reader."""
    from derm_model.reader_result import text

    st.markdown("##### Readers")
    is_yes_no = result.yes_no is not None
    head = text.READER_HEAD["yes_no" if is_yes_no else "classes"]
    st.markdown(parts.table(head, text.reader_rows(result), n_words=2))
    gaps = (
        "Gap: the curve's specificity at the reader's sensitivity minus the reader's, in percentage points; above 0 "
        "the network is better. Of twenty readers as good as the network one interval is off by chance. "
        if is_yes_no
        else ""
    )
    st.caption(look.plain(f"{gaps}Time: median per image, without help."))
    told = text.times(result)
    if told is not None:
        st.markdown(look.plain(told))


def draw_comparisons(result: StudyResult) -> None:
    """The network against the mean reader."""
    from derm_model.reader_result import text

    if result.network is None:
        return
    st.markdown("##### Network against the mean reader")
    if result.yes_no is not None:
        network = result.yes_no.network
        found = () if network is None else network.comparisons
        _draw_comparisons(found, "Network", "Mean reader", method=text.METHOD)
        if network is not None and found:
            st.caption(look.plain(f"The network decides at {network.threshold.rule}."))
    elif result.classes is not None:
        judged = result.classes.network
        one = None if judged is None else judged.comparison
        found = () if one is None else (one,)
        _draw_comparisons(found, "Network", "Mean reader", text.SHARE_RIGHT_NAME, method=text.METHOD)


def draw_help(result: StudyResult, shown_by: Model | None) -> None:
    """The second pass against the first."""
    from derm_model.reader_result import text

    if not result.material.study.settings.second_pass:
        return
    st.markdown("##### With the network's help against without")
    if not any(reader.n_with_ai for reader in result.readers):
        st.markdown("Nobody has answered with the network's help yet.")
        return
    if result.shown is None:
        where = "is not on this server" if shown_by is None else "has not been asked about the images"
        name = look.plain(result.material.study.bundle_id or "")
        st.markdown(f"The model whose answers were shown ({name}) {where}: choose it in the sidebar and ask it.")
        return
    if result.yes_no is not None and result.yes_no.help is not None:
        found = result.yes_no.help
        left, right = st.columns([3, 2], gap="large")
        with left:
            _draw_arrows(result)
        with right:
            if found.total is not None:
                _draw_sentences(found.total)
        _draw_changes([(one.reader, one.changes) for one in found.readers])
        _draw_comparisons(found.comparisons, "With help", "Without", method=SAME)
        st.caption("Readers saw the probability of each answer. The network counts as saying the more probable one.")
    elif result.classes is not None and result.classes.help is not None:
        from derm_model.evaluation.readers.ai_help import added_up

        changes = result.classes.help.changes
        total = added_up([one for _, one in changes])
        if total is not None:
            _draw_sentences(total)
        _draw_changes(changes)
        one = result.classes.help.comparison
        found_one = () if one is None else (one,)
        _draw_comparisons(found_one, "With help", "Without", text.SHARE_RIGHT_NAME, method=SAME)
    else:
        st.markdown("Nobody has answered an image both without and with the network's help.")
        return
    st.caption(
        "Every reader answered without help first: what help changed cannot be told from what a second look changed."
    )


def _draw_arrows(result: StudyResult) -> None:
    from derm_model.figures.readers import alt_help, plot_help

    judged = result.yes_no
    assert judged is not None and judged.help is not None  # asked by the caller
    curve = area = None
    if judged.network is not None and result.network is result.shown:
        curve, area = judged.network.curve, judged.network.area
    figure = plot_help(judged.help.readers, look.palette(), curve=curve, area=area)
    parts.chart(figure, "result_help", alt_help(judged.help.readers))


def _draw_sentences(total: Changes) -> None:
    from derm_model.reader_result import text

    st.markdown("\n".join(f"- {look.plain(one)}" for one in text.changes(total)))


def _draw_changes(changes: Sequence[tuple[str, Changes]]) -> None:
    rows = [
        (
            code,
            words.count(one.n),
            words.count(one.n_wrong_to_right),
            words.count(one.n_right_to_wrong),
            f"{words.count(one.n_misled)} of {words.count(one.n_network_wrong_reader_right)}",
            f"{words.count(one.n_corrected)} of {words.count(one.n_network_right_reader_wrong)}",
        )
        for code, one in changes
    ]
    head = ("Reader", "Images", "Wrong to right", "Right to wrong", "Misled", "Corrected")
    st.markdown(parts.table(head, rows))


def _draw_comparisons(
    found: Sequence[StudyComparison], first: str, second: str, name: str | None = None, *, method: str = ""
) -> None:
    from derm_model.reader_result import text

    if not found:
        st.markdown(TOO_FEW)
        return
    rows = [text.comparison_row(one, name) for one in found]
    st.markdown(parts.table(("", first, second, "Difference", "df", "p"), rows))
    rests = list(dict.fromkeys(text.left_out(one.crossed) for one in found))
    st.caption(look.plain(f"{' '.join(rests)} {method}"))
