"""Readings that were taken elsewhere: a template, every problem at once, a preview, then all of them or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError
from pages.ui import access, look, state
from pages.ui.evaluate import parts
from pages.ui.readers import result_state

if TYPE_CHECKING:
    from derm_model.reader_result import Material
    from derm_model.reader_result.incoming import Incoming

MAX_MB = 20
MAX_PROBLEMS = 200  # a longer list is a wrong file


def draw_import(material: Material) -> None:
    """The fold with template and uploader; closed studies take nothing."""
    if not material.is_open:
        return
    with st.expander("Import readings", icon=":material/upload:", key="import_readings", on_change="rerun") as fold:
        if fold.open:
            _draw_form(material)


def _draw_form(material: Material) -> None:
    from derm_model.evaluation.readers.csv_file import COLUMNS
    from derm_model.reader_result.tables import template_csv

    answers = ", ".join(material.question.choice_ids)
    told = (
        f"A CSV file with the columns {', '.join(COLUMNS)}; reader, image_id and answer are needed. Readers are codes "
        f"that name nobody. Answers are {answers}. with_ai is yes or no; seconds, confidence (0 to 100) may be empty."
    )
    st.markdown(look.plain(told))
    st.download_button(
        "Template (CSV)",
        access.later(Right.RUN_STUDIES, lambda: template_csv(material).encode()),
        "readings-template.csv",
        "text/csv",
        key="readings_template",
        on_click="ignore",
        icon=":material/download:",
    )
    file = st.file_uploader("File of readings", type=["csv"], key=result_state.file_key(), max_upload_size=MAX_MB)
    if file is not None:
        _draw_file(material, file.getvalue())


def _draw_file(material: Material, content: bytes) -> None:
    from derm_model.reader_result.incoming import look_through

    try:
        found = look_through(content, material)
    except DermTreeError as error:
        st.error(f"**It cannot be imported.** {look.plain(str(error))}", icon=":material/error:")
        return
    if found.problems:
        n = words.plural(len(found.problems), "row is", "rows are")
        listed = "\n".join(f"- {look.plain(text)}" for text in found.problems[:MAX_PROBLEMS])
        more = len(found.problems) - MAX_PROBLEMS
        rest = f"\n- And {words.count(more)} more." if more > 0 else ""
        st.error(f"**{n} wrong, so nothing can be imported.**\n\n{listed}{rest}", icon=":material/error:")
        return
    _draw_preview(found)
    if st.button("Import", key="import_readings_now", type="primary", icon=":material/upload:"):
        _import(material, found)


def _draw_preview(found: Incoming) -> None:
    rows = [
        (one.code, "new" if one.is_new else "known", words.count(one.n), words.count(one.n_with_ai))
        for one in found.readers
    ]
    st.markdown(parts.table(("Reader", "", "Without help", "With help"), rows, n_words=2))
    taken = f" {words.plural(found.n_corrections, 'row corrects', 'rows correct')} an earlier one in the file."
    st.caption(f"{words.plural(len(found.readings), 'reading')}.{taken if found.n_corrections else ''}")


def _import(material: Material, found: Incoming) -> None:
    from derm_model.records.engine import records_engine, writing
    from derm_model.records.importing import import_readings

    who = access.who(Right.RUN_STUDIES)
    try:
        with writing(records_engine()) as session:
            n = import_readings(session, material.study.study_id, found.readings, who)
    except DermTreeError as error:
        st.error(f"**Nothing was imported.** {look.plain(str(error))}", icon=":material/error:")
        return
    result_state.renew_file()
    state.say(f"{words.plural(n, 'reading')} imported.")
    st.rerun()
