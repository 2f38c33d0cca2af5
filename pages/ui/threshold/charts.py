"""Curve, scores and net benefit. Marks at the threshold are the readout's, so a chart changes with its data only."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from pages.ui import look, state
from pages.ui.threshold import people
from pages.ui.threshold.desk import Desk
from pages.ui.threshold.numbers import benefit_of_all, benefits, signed

CONFIG = {"displayModeBar": False}


def draw_curve(desk: Desk) -> None:
    """The curve; a click on it moves point A."""
    from derm_model.figures.threshold import plot_desk_curve  # plotly: not before there is something to draw

    n_clicks = state.desk_clicks()
    figure = desk.keep(
        ("curve", look.palette().name, n_clicks), lambda: plot_desk_curve(desk.curve, look.palette(), n_clicks=n_clicks)
    )
    known = "; ".join(f"{name}: {rates}" for name, rates in _preset_rates(desk).items())
    st.markdown("##### Sensitivity and specificity")
    st.plotly_chart(
        figure,
        theme=None,
        key=state.DESK_CURVE,
        on_select=lambda: _take_click(desk),
        selection_mode="points",
        config=CONFIG,
        alt=f"Specificity against sensitivity at all thresholds. {known}. The numbers at the threshold in force stand "
        "above.",
    )
    st.caption(
        "Click the curve to set the threshold. Ring: the threshold in force, with 95% intervals (Wilson). "
        "Band: 95% interval of the sensitivity."
    )


def _preset_rates(desk: Desk) -> dict[str, str]:
    points = {name: desk.curve.at_threshold(value) for name, value in desk.presets.items()}
    return {
        name: f"sensitivity {point.sensitivity:.0%}, specificity {point.specificity:.0%}"
        for name, point in points.items()
    }


def _take_click(desk: Desk) -> None:
    points = st.session_state[state.DESK_CURVE]["selection"]["points"]
    threshold = points[0].get("customdata") if points else None
    if isinstance(threshold, list):
        threshold = threshold[0] if threshold else None
    if threshold is not None:
        desk.set_by_hand(float(threshold))
        state.count_desk_click()


def draw_scores(desk: Desk) -> None:
    """How the scores of the two classes lie about the threshold."""
    from derm_model.figures.threshold import N_BARS, plot_scores, score_counts

    names = (
        f"{words.count(desk.curve.n_pos)} with {desk.task.positive_name}",
        f"{words.count(desk.curve.n_neg)} with {desk.task.negative_name}",
    )
    figure = desk.keep(
        ("scores", look.palette().name), lambda: plot_scores(score_counts(desk.curve), names, look.palette())
    )
    st.markdown("##### Scores of the two classes")
    st.plotly_chart(
        figure,
        theme=None,
        key="desk_scores",
        config=CONFIG,
        alt=f"Scores of {names[0]}, upwards, and {names[1]}, downwards, as shares of each class. How many lie above "
        "and below the threshold stands in the table of counts.",
    )
    stored = ""
    if desk.curve.thresholds.size < desk.curve.n_pos + desk.curve.n_neg:
        stored = (
            f" The curve keeps counts at {words.count(desk.curve.thresholds.size)} scores; an image between two of "
            "them is counted at the lower one."
        )
    st.caption(f"A bar is the share of its class with a score in a range of {1 / N_BARS:g}.{stored}")


def draw_net_benefit(desk: Desk) -> None:
    """What each threshold is worth against treating everybody or nobody."""
    from derm_model.figures.threshold import plot_net_benefit

    (thresholds, along), everybody = benefits(desk), benefit_of_all(desk)
    figure = desk.keep(
        ("benefit", look.palette().name, desk.prevalence, desk.hand.cost),
        lambda: plot_net_benefit(thresholds, along, everybody, look.palette()),
    )
    st.markdown("##### Net benefit")
    st.plotly_chart(
        figure,
        theme=None,
        key="desk_benefit",
        config=CONFIG,
        alt=f"Net benefit per 1,000 people along the thresholds: at most {signed(max(along))}; "
        f"{signed(everybody)} when everybody is treated, 0 when nobody is.",
    )
    people.draw_benefit_text(desk)
    st.caption(
        "Net benefit counts the diseased people found among 1,000, less the needless alarms at that rate of exchange "
        "(Vickers & Elkin 2006)."
    )
