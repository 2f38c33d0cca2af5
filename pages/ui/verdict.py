"""The verdict card: score, threshold and error rates of one question, all following the hand on the threshold."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from derm_model import words
from pages.ui import access, components, look, state
from pages.ui.question import Question, sides
from pages.ui.threshold.doors import draw_desk_link

CURVE_HEIGHT_PX = 220


def draw_region_notice(question: Question) -> None:
    """Say so where the question may not fit the image."""
    task = question.classes.task
    notice = words.doubtful_region(question.region_probability, task.positive_name, task.negative_name)
    if notice is not None:
        st.warning(notice, icon=":material/alt_route:")


@access.fragment
def draw_verdict(question: Question, views: Sequence[Question], *, lesions: bool) -> None:
    """Card with verdict, score, threshold and error rates; moving the threshold reruns only this.

    Parameters
    ----------
    question : Question
        Put to what the card speaks of.
    views : sequence of Question
        The same question, put to every image.
    lesions : bool
        The images are separate lesions, and the page lists them: when one changes sides, the page is drawn anew.
    """
    with st.container(border=True, key="verdict", gap="small"):
        verdict = question.verdict
        if verdict is None:
            st.markdown("##### No score")
            st.markdown(words.NO_SCORE)
            return
        st.markdown(f"##### {verdict.mark} {verdict.heading}")
        st.markdown(verdict.suggestion)
        st.html(look.score_line(verdict.score, verdict.threshold))
        if not lesions:
            _disagreement(views)
        _rates(question)
        _controls(question)
        _curve(question)
        draw_desk_link(question)
    if lesions and sides(views) != state.listed_sides():
        st.rerun()


def _disagreement(views: Sequence[Question]) -> None:
    found = sides(views)
    told = words.views_disagree(sum(side is True for side in found), len(found))
    if told is not None:
        st.caption(told)


def _rates(question: Question) -> None:
    point, card = question.point, question.card
    if point is None or card is None:
        st.caption(words.NO_POINT)
        return
    rates = words.error_rates(
        point,
        disease=question.classes.task.positive_name,
        biopsy_proven=card.biopsy_proven,
        held_out=card.holdout is not None,
    )
    saved = question.saved_in_force
    if saved is not None:
        origin = words.saved_origin(look.plain(saved.name), look.plain(saved.chosen_on), look.plain(saved.who))
    elif card.holdout is None:
        origin = words.OPTIMISTIC
    else:
        origin = words.PRESETS_ELSEWHERE
    st.caption(f"{rates} {origin}")


def _controls(question: Question) -> None:
    """Presets, range and number: all write the one threshold and are drawn from it."""
    task_id = question.classes.task.id
    if question.presets:
        in_force = question.presets_in_force
        if st.session_state.get(state.PRESET) not in in_force:
            st.session_state[state.PRESET] = next(iter(in_force), None)
        with st.container():  # resets the column rule that would cut the options off
            st.segmented_control(
                "Threshold presets",
                list(question.presets),
                format_func=look.plain,
                key=state.PRESET,
                on_change=_take_preset,
                args=(question,),
                wrap=True,
                help="Chosen on validation images: the highest threshold with at least this sensitivity, or the "
                "largest sum of sensitivity and specificity (Youden). Those marked as saved were saved on the "
                "threshold desk; what they were chosen on stands beside their rates.",
            )
    if question.saved_problem:
        st.caption(f"**Saved operating points are missing here.** {look.plain(question.saved_problem)}")
    key = f"{state.LIVE}_{task_id}"
    components.threshold(question.threshold, key=key, on_change=lambda: _take_live(question, key))


def _take_preset(question: Question) -> None:
    name = st.session_state[state.PRESET]
    if name is not None:
        question.set_threshold(question.presets[name])


def _take_live(question: Question, key: str) -> None:
    value = st.session_state[key].get("value")
    if value is not None:
        question.set_threshold(value)


def _curve(question: Question) -> None:
    point, curve = question.point, question.curve
    if point is None or curve is None:
        return
    from derm_model.figures.operating import plot_operating_curve  # plotly: not before there is something to draw

    st.plotly_chart(
        plot_operating_curve(curve, point, look.palette(), CURVE_HEIGHT_PX),
        theme=None,
        key="curve",
        config={"displayModeBar": False},
        alt=f"Sensitivity and specificity at all thresholds. At threshold {words.number(point.threshold)}: "
        f"sensitivity {point.sensitivity:.0%}, specificity {point.specificity:.0%}.",
    )
    st.caption(
        "Ring: this threshold, with 95% intervals (Wilson). Band: 95% interval of the sensitivity. "
        f"n = {words.count(curve.n_pos)} + {words.count(curve.n_neg)} (with + without)."
    )
