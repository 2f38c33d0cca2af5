"""The control card: threshold, presets, prevalence and what a miss costs. All of them write to the one hand."""

from __future__ import annotations

import streamlit as st

from pages.ui import components, look, state
from pages.ui.threshold.desk import BY_COST, Desk, warnings
from pages.ui.threshold.hand import MAX_COST, MAX_PREVALENCE, MIN_COST, MIN_PREVALENCE

PEOPLE = 1000
OWN = "As in these images"
PREVALENCES = {"1%": 0.01, "5%": 0.05, "20%": 0.2}  # round numbers to begin with; no claim about any clinic


def draw_control(desk: Desk) -> None:
    """Threshold and presets; below them prevalence and cost; then what must be said of the choice."""
    with st.container(border=True, key="desk_control"):
        key = f"{state.DESK_LIVE}_{desk.task.id}"
        components.threshold(desk.hand.threshold, key=key, on_change=lambda: _take_live(desk, key))
        _draw_presets(desk)
        prevalence, cost = st.columns(2)
        with prevalence:
            _draw_prevalence(desk)
        with cost:
            _draw_cost(desk)
    _draw_origin(desk)


def _draw_presets(desk: Desk) -> None:
    by_cost = [BY_COST] if desk.cheapest.point is not None else []
    options = [*desk.presets, *by_cost, *desk.saved_thresholds]
    st.session_state[state.DESK_PRESET] = desk.in_force
    with st.container():
        st.segmented_control(
            "Presets",
            options,
            format_func=look.plain,
            key=state.DESK_PRESET,
            on_change=_take_preset,
            args=(desk,),
            wrap=True,
            help=f"Chosen on {desk.choosing.choice.name}: the highest threshold that reaches a sensitivity, the lowest "
            "that reaches a specificity, the largest sum of both (Youden), or the largest net benefit at the "
            "prevalence and the cost set below (cost ratio).",
        )


def _draw_prevalence(desk: Desk) -> None:
    st.session_state[state.DESK_PREVALENCE] = _per_thousand(desk.prevalence)
    st.number_input(
        "Prevalence: of 1,000 people, how many have the disease?",
        min_value=_per_thousand(MIN_PREVALENCE),
        max_value=_per_thousand(MAX_PREVALENCE),
        step=1,
        key=state.DESK_PREVALENCE,
        on_change=_take_prevalence,
        args=(desk,),
        help="Sensitivity and specificity are properties of threshold and images; predictive values, the 1,000 people "
        "and net benefit depend on how common the disease is where the threshold is used.",
    )
    options = [OWN, *PREVALENCES]
    known = {value: name for name, value in PREVALENCES.items()}
    own = desk.hand.prevalence is None
    st.session_state[state.DESK_PREVALENCES] = OWN if own else known.get(desk.prevalence)
    with st.container():
        st.segmented_control(
            "Prevalence, examples",
            options,
            key=state.DESK_PREVALENCES,
            on_change=_take_example,
            args=(desk,),
            label_visibility="collapsed",
            wrap=True,
        )
    if own:
        st.caption(
            f"**{_per_thousand(desk.prevalence)} of 1,000 is the share in these images.** Test sets are enriched: in a "
            "clinic the disease is far rarer, so that there fewer of the people above the threshold have it."
        )


def _draw_cost(desk: Desk) -> None:
    st.session_state[state.DESK_COST] = desk.hand.cost
    st.number_input(
        "A missed disease costs as much as how many needless alarms?",
        min_value=MIN_COST,
        max_value=MAX_COST,
        step=1.0,
        format="%g",
        key=state.DESK_COST,
        on_change=_take_cost,
        args=(desk,),
        help="Your own judgement; no number here is right for everybody. The preset Cost ratio and net benefit use it.",
    )
    cheapest, odds = desk.cheapest, f"{desk.hand.cost:g}"
    if cheapest.point is None:
        instead = "call everybody" if cheapest.cost_all <= cheapest.cost_none else "call nobody"
        st.caption(
            f"**No threshold is worth using** at this prevalence and cost: to {instead} costs no more, counted on "
            f"{look.plain(desk.choosing.choice.name)}."
        )
    else:
        st.caption(f"Whoever says {odds} would accept {odds} needless alarms to find one disease more, and no more.")


def _draw_origin(desk: Desk) -> None:
    """Where the threshold and the rates come from; a notice where the first may flatter the second."""
    said = warnings(desk)
    if said:
        st.warning(" ".join(said), icon=":material/warning:")
    else:
        st.caption(f"Threshold chosen on {look.plain(desk.chosen_on)}; rates of {look.plain(desk.shown.choice.name)}.")


def _per_thousand(share: float) -> int:
    return round(PEOPLE * share)


def _take_live(desk: Desk, key: str) -> None:
    value = st.session_state[key].get("value")
    if value is not None:
        desk.set_by_hand(value)


def _take_preset(desk: Desk) -> None:
    name = st.session_state[state.DESK_PRESET]
    if name == BY_COST:
        desk.take_cost_ratio()
    elif name is not None:
        desk.take_preset(name)


def _take_prevalence(desk: Desk) -> None:
    desk.set_prevalence(st.session_state[state.DESK_PREVALENCE] / PEOPLE)


def _take_example(desk: Desk) -> None:
    name = st.session_state[state.DESK_PREVALENCES]
    if name is not None:
        desk.set_prevalence(PREVALENCES.get(name))


def _take_cost(desk: Desk) -> None:
    desk.set_cost(st.session_state[state.DESK_COST])
