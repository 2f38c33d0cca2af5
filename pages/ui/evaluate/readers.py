"""Human readers beside the network, where a closed study asked them about images of the evaluation."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

import streamlit as st

from derm_model.access import Right
from derm_model.errors import DermTreeError
from pages.ui import access, look
from pages.ui.evaluate import parts
from pages.ui.evaluate.kept import Shown

if TYPE_CHECKING:
    from derm_model.reader_result.beside import Beside

LEVELS = ("nine", "three")  # those a study can ask
STUDY = "evaluation_reader_study"  # key of the widget


def draw_readers(of: Shown, level: str) -> None:
    """Offer the studies that fit; nothing where there is none or one may not see them."""
    if level not in LEVELS or not access.may(Right.RUN_STUDIES):
        return
    found = {one.study_id: one for one in offered(of) if one.level == level}
    if not found:
        return
    st.markdown("##### Readers on the same images")
    chosen = st.selectbox(
        "Reader study",
        list(found),
        format_func=lambda study: found[study].study_name,
        key=STUDY,
        index=None,
        placeholder="Choose a study to show its readers beside the network",
    )
    if chosen is not None:
        access.who(Right.RUN_STUDIES)
        _draw(found[chosen])


def offered(of: Shown) -> tuple[Beside, ...]:
    """Studies that fit, for who may run studies; () where the records cannot be reached."""
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.studies import list_studies

    try:
        with reading(records_engine()) as session:
            studies = [(s.study_id, s.n_readings, s.closed_at is not None) for s in list_studies(session)]
        return _offered(of, str(of.folder), of.stamp, tuple(studies))
    except DermTreeError:
        return ()  # an evaluation is looked at without records, too


@st.cache_resource(show_spinner=False, max_entries=8)
def _offered(_of: Shown, folder: str, stamp: Hashable, studies: tuple[Hashable, ...]) -> tuple[Beside, ...]:
    from derm_model.reader_result.beside import all_beside

    model = _of.model
    return tuple(all_beside(_of.answers, model.card, model.folder, model.taxonomy))


def _draw(found: Beside) -> None:
    from derm_model.figures.evaluation import plot_confusion
    from derm_model.figures.readers import alt_confusion

    st.markdown(look.plain(found.sentence))
    left, right = st.columns(2, gap="large")
    for column, who, matrix, unit in (
        (left, "Readers", found.readers, "answers"),
        (right, "Network", found.network, "images"),
    ):
        with column:
            st.markdown(f"**{who}**")
            figure = plot_confusion(matrix, found.names, look.palette(), unit=unit)
            parts.chart(figure, f"evaluation_beside_{who}", alt_confusion(matrix, found.names, who))
    st.caption("Per cent of each row, same images and same order of rows. Readers saw one image each, without history.")
