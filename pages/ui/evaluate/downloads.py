"""The evaluation as files, made when a button is pressed."""

from __future__ import annotations

import streamlit as st

from derm_model.assessment.exports import CSV_FILE, JSON_FILE, answers_csv, evaluation_json
from pages.ui.evaluate.kept import Shown

REPORT_FILE = "report.html"


def draw_downloads(of: Shown) -> None:
    """Report, figures, and a row per image."""
    st.markdown("##### Files")
    with st.container(horizontal=True, key="evaluation_files"):
        for label, build, name, mime in (
            ("Report (HTML)", lambda: _report(of), REPORT_FILE, "text/html"),
            ("Figures (JSON)", lambda: evaluation_json(of.assessment).encode("ascii"), JSON_FILE, "application/json"),
            ("Answers (CSV)", lambda: _bytes(answers_csv(of.answers)), CSV_FILE, "text/csv"),
        ):
            st.download_button(
                label,
                build,
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


def _report(of: Shown) -> bytes:
    from derm_model.evaluation_report import html_report  # plotly and 5 MB of its script

    return _bytes(html_report(of.assessment))


def _bytes(text: str) -> bytes:
    """UTF-8; a file's name that is none is shown as far as it can be."""
    return text.encode("utf-8", errors="replace")
