"""A study's result as files, without the readers' codes; every file that leaves is written into the audit log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from derm_model.access import Right
from pages.ui import access

if TYPE_CHECKING:
    from derm_model.reader_result import Material, StudyResult


def draw_export(material: Material, result: StudyResult) -> None:
    """Buttons; each file is made when it is pressed.

    Parameters
    ----------
    material
        Of all readers.
    result
        Of those who are looked at.
    """
    st.markdown("##### Files")
    with st.container(horizontal=True, key="result_files"):
        for label, name, mime in (
            ("Readings (CSV)", "readings.csv", "text/csv"),
            ("Readers (CSV)", "readers.csv", "text/csv"),
            ("Images (CSV)", "images.csv", "text/csv"),
            ("Result (JSON)", "result.json", "application/json"),
        ):
            st.download_button(
                label,
                _later(material, result, name),
                name,
                mime,
                key=f"result_file_{name}",
                on_click="ignore",
                icon=":material/download:",
            )
    st.caption(
        "Readers are numbered, the same in all files; which code a number stands for is told by none. Images are named "
        "with their truth and the network's answer, without where they lie. Readers and result are of the readers "
        "chosen above, readings and images of the whole study."
    )


def _later(material: Material, result: StudyResult, name: str) -> Callable[[], bytes]:
    who = access.who(Right.RUN_STUDIES)  # the file is made outside of the session, where `later` asks again
    return access.later(Right.RUN_STUDIES, lambda: _made(material, result, name, who))


def _made(material: Material, result: StudyResult, name: str, who: str) -> bytes:
    from derm_model.reader_result.exports import export
    from derm_model.records import audit
    from derm_model.records.engine import records_engine, writing

    content = export(material, result, name)
    with writing(records_engine()) as session:
        audit.append(
            session,
            audit.Action.EXPORT,
            who,
            subjects=[material.study.study_id],
            details={"file": name, "readings": len(material.readings)},
        )
    return content
