"""How the answers fared in this clinic that were saved before the outcome was known, beside what the card promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from derm_model import words
from derm_model.evaluation.clinic import AgainstOwn, against_own, running_rates
from derm_model.evaluation.curves import OperatingPoint
from derm_model.evaluation.metrics import Interval
from derm_model.taxonomy import Task, read_tasks
from pages.ui import look, resources, state
from pages.ui.cases import keys, store
from pages.ui.question import Question

if TYPE_CHECKING:
    from derm_model.records.followed import FollowedCases

THEN, NOW = "As decided then", "With the threshold in use now"
PROVEN = ("histopathology",)
BIAS = (
    "**These are not all lesions.** An outcome is known mostly of lesions that looked suspicious enough for a biopsy, "
    "or whose score was high. Those that were missed and never biopsied are not in these figures. So the sensitivity "
    "is likely too high and the specificity too low for everybody who was seen here (verification bias: Begg & "
    "Greenes, Biometrics 39 (1983) 207). Whoever looks after every lesion will find a chance difference sooner or "
    "later."
)


@dataclass(frozen=True, eq=False)
class Compared:
    """Followed lesions, the threshold that decides, and the card's rates at it.

    Attributes
    ----------
    cases
    threshold
        One for all; None: each lesion with its own.
    own
        The card's operating point; None where there is nothing to compare with, and `reason` says why.
    """

    cases: FollowedCases
    threshold: float | None
    own: OperatingPoint | None
    reason: str = ""


def draw_clinic() -> None:
    """Choices, figures, and what they are worth."""
    bundles = store.bundles()
    if not bundles:
        st.markdown("**Nothing to count yet.** No answer is saved to a case.")
        return
    tasks = read_tasks()
    left, right = st.columns(2)
    with left:
        state.drop_unless(keys.CLINIC_BUNDLE, bundles)
        bundle_id = st.selectbox("Model", bundles, format_func=_name, key=keys.CLINIC_BUNDLE)
    with right:
        task_id = st.selectbox(
            "Question", list(tasks), format_func=lambda id_: tasks[id_].question, key=keys.CLINIC_QUESTION
        )
    decided = st.segmented_control(
        "Decisions", [THEN, NOW], default=THEN, required=True, key=keys.CLINIC_DECIDED, wrap=True
    )
    proven = st.toggle("Only outcomes confirmed by histopathology", key=keys.CLINIC_PROVEN)
    compared = _compare(bundle_id, tasks[task_id], PROVEN if proven else None, decided == NOW)
    _draw_left_out(compared.cases)
    if not compared.cases.labels.size:
        st.markdown(
            "**Nothing to count yet.** A lesion counts when its outcome is recorded and lies on either side of this "
            "question, and an answer of this model with a threshold was saved before."
        )
        return
    _draw_rates(compared, tasks[task_id])
    _draw_figure(compared)
    st.warning(BIAS, icon=":material/balance:")


def _name(bundle_id: str) -> str:
    model = _installed(bundle_id)
    return bundle_id if model is None else f"{look.plain(model.card.name)} ({bundle_id})"


def _installed(bundle_id: str) -> resources.Model | None:
    return next((model for model in resources.models()[0] if model.card.bundle_id == bundle_id), None)


def _compare(bundle_id: str, task: Task, confirmed_by: Sequence[str] | None, now: bool) -> Compared:
    from derm_model.records.followed import followed_cases

    cases = followed_cases(store.followed(task.id, bundle_id, confirmed_by), task, resources.taxonomy())
    model = _installed(bundle_id)
    if model is None or task.id not in model.tasks:
        reason = "The model is not on this server any more, so its own rates are not known."
        if now:
            reason += " No threshold of it is in use now either: these are the decisions of then."
        return Compared(cases, None, None, reason)
    uniform = np.full(len(model.card.classes), 1 / len(model.card.classes))
    question = Question(model, model.tasks[task.id], uniform, state.thresholds())
    if question.curve is None:
        return Compared(cases, question.threshold if now else None, None, words.NO_POINT)
    if now:
        return Compared(cases, question.threshold, question.curve.at_threshold(question.threshold))
    used = np.unique(cases.thresholds)
    if used.size == 1:
        return Compared(cases, None, question.curve.at_threshold(float(used[0])))
    reason = "Several thresholds were in use, so there is no one point on the card to compare with. Choose one for all."
    return Compared(cases, None, None, reason if used.size else "")


def _draw_left_out(cases: FollowedCases) -> None:
    said = []
    if cases.n_outside:
        said.append(f"{words.plural(cases.n_outside, 'lesion')} turned out to be on neither side of this question")
    if cases.n_unknown:
        said.append(f"of {words.plural(cases.n_unknown, 'lesion')} this taxonomy does not know the diagnosis")
    if said:
        st.caption(f"Not counted: {'; '.join(said)}.")


def _draw_rates(compared: Compared, task: Task) -> None:
    cases, own = compared.cases, compared.own
    rates = cases.rates(compared.threshold)
    differences = against_own(rates, own) if own is not None else (None, None)
    n_with = int(cases.labels.sum())
    sides = (
        ("Sensitivity here", rates.sensitivity, differences[0], f"with {look.plain(task.positive_name)}"),
        ("Specificity here", rates.specificity, differences[1], "without it"),
    )
    for column, (label, rate, difference, of) in zip(st.columns(2), sides, strict=True):
        with column, st.container(border=True):
            st.markdown(f"**{label}**")
            if rate is None:
                st.markdown(f"Not defined: no lesion {of} among them.")
                continue
            st.markdown(f"### {words.rate(rate.value, (rate.low, rate.high))}")
            st.caption(f"{rate.n_pos} of {rate.n} lesions {of}")
            if difference is not None:
                st.markdown(_difference(difference))
    said = f"n = {words.count(n_with)} + {words.count(cases.labels.size - n_with)} (with + without)."
    if own is not None:
        said += f" The card's rates are those at threshold {own.threshold:.3f}."
    st.caption(
        f"{said} Intervals are 95%: Wilson, differences Newcombe's. {compared.reason} A lesion counts once, with the "
        "last answer saved before its outcome was first recorded."
    )


def _difference(found: AgainstOwn) -> str:
    own = _rate(found.own)
    points = f"{100 * found.difference:+.0f}".replace("-", "−")
    low, high = (f"{100 * bound:.0f}".replace("-", "−") for bound in (found.low, found.high))
    told = "beyond chance" if found.low > 0 or found.high < 0 else "not beyond chance"
    return f"The model's own: {own}. Difference {points} points ({low} to {high}): {told}."


def _rate(rate: Interval) -> str:
    return f"{words.rate(rate.value, (rate.low, rate.high))}, n = {words.count(rate.n)}"


def _draw_figure(compared: Compared) -> None:
    from derm_model.figures.cases import plot_running_rates  # plotly: not before there is something to draw

    cases = compared.cases
    limits = cases.thresholds if compared.threshold is None else compared.threshold
    running = running_rates(cases.labels, cases.scores, limits)
    last = running[-1]
    st.markdown("##### Lesion after lesion")
    said = ", ".join(
        f"{name} {words.percent(rate.value)}"
        for name, rate in (("sensitivity", last.sensitivity), ("specificity", last.specificity))
        if rate is not None
    )
    st.plotly_chart(
        plot_running_rates(running, compared.own, look.palette()),
        theme=None,
        key="clinic_running",
        config={"displayModeBar": False},
        alt=f"Running rates over {cases.labels.size} lesions; after the last: {said}.",
    )
    st.caption(
        "Solid: sensitivity; dashed: specificity; bands: 95% intervals, each for itself. Dotted: the model's own rates."
    )
