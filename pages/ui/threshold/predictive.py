"""Predictive values over the prevalence: the chart's axes and the table's frame; the readout fills both in."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.assessment import numbers
from derm_model.evaluation.predictive import PREVALENCES
from pages.ui import components, look
from pages.ui.threshold.charts import CONFIG
from pages.ui.threshold.desk import Desk

HEADING = "Predictive values and prevalence"


def draw_predictive(desk: Desk) -> None:
    """PPV, NPV and number needed to biopsy where the disease is rarer or more common; they follow the hand at once."""
    st.markdown(f"##### {HEADING}")
    left, right = st.columns(2, gap="large")
    with left:
        _draw_axes(desk)
    with right:
        _draw_table()
    st.caption(f"At the threshold in force. Bands: 95% (Mercaldo et al. 2007), at a given prevalence. {words.NPV}")


def _draw_axes(desk: Desk) -> None:
    from derm_model.figures.predictive import plot_prevalence_axes  # plotly: not before there is something to draw

    own, share = desk.own_prevalence, desk.prevalence
    marks = [(f"these images, {own:.0%}", own)]
    if desk.hand.prevalence is not None:
        marks.insert(0, (numbers.prevalence(share), share))
    figure = desk.keep(
        ("predictive", look.palette().name, share, own), lambda: plot_prevalence_axes(marks, look.palette())
    )
    st.plotly_chart(
        figure,
        theme=None,
        key="desk_predictive",
        config=CONFIG,
        alt=f"PPV and NPV over the prevalence from 0.1% on, with marks at {' and '.join(name for name, _ in marks)}. "
        "The numbers at the threshold in force stand in the table.",
    )


def _draw_table() -> None:
    rows = [
        [numbers.prevalence(share), f"{{ppv{i}}}", f"{{npv{i}}}", f"{{needed{i}}}"]
        for i, share in enumerate(PREVALENCES)
    ]
    components.live(table={"label": HEADING, "columns": list(numbers.PREDICTIVE_HEAD), "rows": rows}, key="desk_needed")
    st.caption("Biopsies per case: calls for each case of the disease among them, 1 / PPV.")
