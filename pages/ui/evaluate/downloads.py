"""The evaluation as files, made when a button is pressed."""

from __future__ import annotations

import streamlit as st

from derm_model.access import Right
from derm_model.assessment.exports import CSV_FILE, JSON_FILE, answers_csv, evaluation_json
from pages.ui import access, audit_trail
from pages.ui.evaluate import readers
from pages.ui.evaluate.kept import Shown

REPORT_FILE = "report.html"


def draw_downloads(of: Shown) -> None:
    """Report, figures, and a row per image."""
    st.markdown("##### Files")
    answers = audit_trail.exporting(  # a row per image; the other files hold figures of all of them
        lambda: _bytes(answers_csv(of.answers)),
        "answers of an evaluation (CSV)",
        Right.RESEARCH,
        model=of.model,
        n_images=of.answers.about.n_images,
    )
    # whoever may run studies gets their readers beside the network; who they are is asked again when it is made
    may_see = access.may(Right.RUN_STUDIES)
    report_right = Right.RUN_STUDIES if may_see else Right.RESEARCH
    with st.container(horizontal=True, key="evaluation_files"):
        for label, build, name, mime, right in (
            ("Report (HTML)", lambda: _report(of, may_see), REPORT_FILE, "text/html", report_right),
            ("Figures (JSON)", lambda: _figures(of), JSON_FILE, "application/json", Right.RESEARCH),
            ("Answers (CSV)", answers, CSV_FILE, "text/csv", Right.RESEARCH),
        ):
            st.download_button(
                label,
                access.later(right, build),
                name,
                mime,
                key=f"evaluation_file_{name}",
                on_click="ignore",
                icon=":material/download:",
            )
    st.caption(
        "The report holds all figures and tables on one page, to be printed or sent; it needs no network. Answers are "
        "a row per image: source, id, label and the probability of each training class."
    )


def _report(of: Shown, with_readers: bool) -> bytes:
    from derm_model.evaluation_report import html_report  # plotly and 5 MB of its script

    return _bytes(html_report(of.assessment, readers=readers.offered(of) if with_readers else ()))


def _figures(of: Shown) -> bytes:
    return evaluation_json(of.assessment).encode("ascii")


def _bytes(text: str) -> bytes:
    """UTF-8; a file's name that is none is shown as far as it can be."""
    return text.encode("utf-8", errors="replace")
