"""The desk: cause on top, effects below. One fragment: all of it follows the hand, and nothing else is redrawn."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.evaluation.predictive import PREVALENCES
from pages.ui import access, components, look, state
from pages.ui.threshold import address, charts, comparing, control, people, predictive, saving
from pages.ui.threshold.desk import Desk
from pages.ui.threshold.numbers import FIELDS, kept_rows


@access.fragment
def draw_desk(desk: Desk) -> None:
    """Draw everything below the choice of question and images."""
    if state.is_message_waiting():
        st.rerun()  # something was saved or deleted: the page as a whole says so, and reads what there is now
    control.draw_control(desk)
    draw_readout(desk)
    left, right = st.columns(2, gap="large")
    with left:
        charts.draw_curve(desk)
        charts.draw_scores(desk)
    with right:
        people.draw_people(desk)
        people.draw_counts(desk)
        charts.draw_net_benefit(desk)
    predictive.draw_predictive(desk)
    comparing.draw_comparison(desk)
    saving.draw_saving(desk)
    address.put(desk)
    st.caption("The address of this page holds this view: copy it to come back or to show it to somebody.")


def draw_readout(desk: Desk) -> None:
    """Sensitivity, specificity and predictive values, each with what it depends on; they follow the hand at once."""
    components.readout(
        other=desk.hand.other,
        prevalence=desk.prevalence,
        prevalences=PREVALENCES,
        fields=FIELDS,
        rows=kept_rows(desk),
        metrics=[
            {"label": "Sensitivity", "value": "seText", "note": "seInterval"},
            {"label": "Specificity", "value": "spText", "note": "spInterval"},
            {"label": "PPV", "value": "ppv", "note": "ppvNote"},
            {"label": "NPV", "value": "npv", "note": "npvNote"},
        ],
        key="desk_readout",
    )
    disease = look.plain(desk.task.positive_name)
    n = f"{words.count(desk.curve.n_pos)} + {words.count(desk.curve.n_neg)}"
    st.caption(
        f"Sensitivity: share of the images with {disease} at or above the threshold; specificity: share of the others "
        f"below it; n = {n}. PPV: of the people above the threshold, the share with {disease}; NPV: of those below, "
        "the share without. Intervals are 95% (Wilson; predictive values: Mercaldo, at a given prevalence). "
        f"{words.NPV}"
    )
