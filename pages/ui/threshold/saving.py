"""Keep the operating point under a name, for Classify and for the command line; those that were kept, and their end."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import EvaluationError, NotAllowed
from derm_model.evaluation.curves import OperatingPoint
from derm_model.operating_points import (
    MAX_NAME,
    MAX_WHO,
    MAX_WHY,
    SavedPoint,
    delete_point,
    new_point,
    save_point,
)
from pages.ui import access, audit_trail, look, state
from pages.ui.threshold.desk import BY_COST, Desk
from pages.ui.train.links import draw_page_link


def draw_saving(desk: Desk) -> None:
    """Use it now, save it, and what was saved."""
    st.markdown("##### Use this operating point")
    with st.container(horizontal=True, vertical_alignment="center", key="desk_use"):
        st.button(
            f"Set {desk.hand.threshold:.3f} on Classify",
            key="desk_to_classify",
            icon=":material/center_focus_strong:",
            on_click=_set_on_classify,
            args=(desk,),
            help="For this question and model, in this browser session only.",
        )
        draw_page_link("classify", "Open Classify", ":material/arrow_forward:")
    if access.may(Right.KEEP_THRESHOLDS):
        _draw_keeping(desk)
    for point in desk.saved:
        _draw_saved(desk, point)


def _draw_keeping(desk: Desk) -> None:
    with st.expander("Save it under a name", icon=":material/bookmark_add:", key="desk_saving"):
        _draw_form(desk)


def _set_on_classify(desk: Desk) -> None:
    state.thresholds()[desk.bundle_id, desk.task.id] = desk.hand.threshold
    state.say(f"Classify now uses the threshold {desk.hand.threshold:.3f} for this question, in this session.")


def _draw_form(desk: Desk) -> None:
    st.markdown(
        f"Threshold {desk.hand.threshold:.3f}, chosen on {look.plain(desk.chosen_on)}. Kept with it, as they are now "
        f"on {look.plain(desk.shown.choice.name)}: {_rates(desk.point)}."
    )
    with st.form("desk_save", border=False):
        st.text_input("Name", key=state.DESK_NAME, max_chars=MAX_NAME, placeholder="For example: our clinic")
        st.text_input("Who chose it", key=state.DESK_WHO, max_chars=MAX_WHO)
        st.text_area("Why", key=state.DESK_WHY, max_chars=MAX_WHY, height=80)
        st.form_submit_button("Save", icon=":material/bookmark_add:", on_click=_save, args=(desk,), key="desk_save_it")
    st.caption(
        "It is kept on the server for everybody who uses this model there; the model itself is not changed. Classify "
        'lists it after the presets, and `python -m derm_model predict --operating-point "NAME"` decides at it.'
    )


def _rates(point: OperatingPoint) -> str:
    return (
        f"sensitivity {words.rate(point.sensitivity, point.sensitivity_interval)}, "
        f"specificity {words.rate(point.specificity, point.specificity_interval)}"
    )


def _save(desk: Desk) -> None:
    given = {key: st.session_state[key] for key in (state.DESK_NAME, state.DESK_WHO, state.DESK_WHY)}
    try:
        who = access.who(Right.KEEP_THRESHOLDS)
        point = new_point(
            given[state.DESK_NAME],
            desk.task.id,
            desk.hand.threshold,
            who=given[state.DESK_WHO],
            why=given[state.DESK_WHY],
            chosen_on=desk.chosen_on,
            measured_on=desk.shown.choice.name,
            rates=desk.point,
        )
        save_point(desk.bundle_id, point, taken=[*desk.presets, BY_COST])
    except (EvaluationError, NotAllowed) as error:
        state.say(f"**It was not saved.** {look.plain(str(error))}", failed=True)
        return
    audit_trail.point_kept(desk.bundle_id, point.task_id, point.threshold, point.name, who)
    st.session_state[state.DESK_NAME] = st.session_state[state.DESK_WHY] = ""  # who saves one may save another
    state.say(f"{look.plain(point.name)} is saved.")


def _draw_saved(desk: Desk, point: SavedPoint) -> None:
    with st.container(border=True, key=f"desk_saved_{desk.saved.index(point)}"):
        st.markdown(f"**{look.plain(point.name)}** · threshold {point.threshold:.3f}")
        st.markdown(look.plain(point.why))
        rates = "no rates were known"
        if point.rates is not None:
            rates = f"then, on {look.plain(point.measured_on)}: {_rates(point.rates)}"
        flattering = " **Optimistic:** chosen on the images the rates were counted on." if point.optimistic else ""
        st.caption(
            f"Saved by {look.plain(point.who)}, {look.moment(point.saved_at)}; "
            f"chosen on {look.plain(point.chosen_on)}; {rates}.{flattering}"
        )
        if not access.may(Right.KEEP_THRESHOLDS):
            return
        with st.popover("Delete", icon=":material/delete:"):
            st.markdown(f"{look.plain(point.name)} disappears for everybody who uses this model here.")
            st.button(
                f"Delete {look.plain(point.name)}",
                key=f"desk_delete_{desk.saved.index(point)}",
                on_click=_delete,
                args=(desk, point.name),
            )


def _delete(desk: Desk, name: str) -> None:
    try:
        who = access.who(Right.KEEP_THRESHOLDS)
        gone = delete_point(desk.bundle_id, desk.task.id, name)
    except (EvaluationError, NotAllowed) as error:
        state.say(f"**It was not deleted.** {look.plain(str(error))}", failed=True)
        return
    if gone:
        audit_trail.point_kept(desk.bundle_id, desk.task.id, None, name, who)
    state.say(f"{look.plain(name)} is deleted." if gone else f"{look.plain(name)} was deleted already.")
