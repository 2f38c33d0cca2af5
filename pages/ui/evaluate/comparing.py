"""Another model on the same images: accuracies beside each other, paired tests of every question."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from derm_model import words
from derm_model.assessment.answers import list_answers
from derm_model.assessment.comparing import Comparison, QuestionPair
from derm_model.assessment.exports import LEVEL_NAMES
from derm_model.assessment.numbers import UNDEFINED, decimals, share
from derm_model.errors import EvaluationError
from derm_model.evaluation.paired import PairedShares
from pages.ui import look, resources, state
from pages.ui.evaluate import kept, keys, parts
from pages.ui.evaluate.kept import Shown
from pages.ui.resources import Model


def others(of: Shown) -> dict[str, tuple[Model, Path]]:
    """Other models of this server that have answered the same images, by bundle id."""
    usable = {model.card.bundle_id: model for model in resources.models()[0]}
    own = of.answers.about
    return {
        about.bundle_id: (usable[about.bundle_id], folder)
        for folder, about in list_answers()
        if about.digest == own.digest and about.bundle_id != own.bundle_id and about.bundle_id in usable
    }


def draw_comparison(of: Shown) -> None:
    """Choose the other model, and draw."""
    found = others(of)
    if not found:
        st.markdown(
            "**No other model has answered these images.** Choose another model in the sidebar, evaluate it on the "
            "same images, then come back: the same images and labels are recognised wherever their files lie."
        )
        return
    state.drop_unless(keys.EVALUATION_OTHER, found)
    chosen = st.selectbox(
        "Compare with",
        list(found),
        format_func=lambda bundle_id: f"{found[bundle_id][0].card.name} ({bundle_id})",
        key=keys.EVALUATION_OTHER,
        persist_state="session",
    )
    other, folder = found[chosen]
    try:
        comparison = kept.comparison(of, other, folder)
    except EvaluationError as error:
        st.error(f"**It cannot be compared.** {look.plain(str(error))}", icon=":material/error:")
        return
    _draw(of, other, comparison)


def _draw(of: Shown, other: Model, found: Comparison) -> None:
    names = (of.model.card.name, other.card.name)
    if names[0] == names[1]:
        names = (f"{names[0]} (this)", f"{names[1]} (other)")
    st.markdown(f"**The {words.plural(found.n, 'image')} that both have answered.**")
    rows = [
        (
            LEVEL_NAMES[level.level].capitalize(),
            *(UNDEFINED if one is None else share(one) for one in (level.first, level.second)),
            *(words.count(0 if one is None else one.n) for one in (level.first, level.second)),
        )
        for level in found.levels
    ]
    st.markdown("##### Mean of the accuracies of the single classes")
    st.markdown(parts.table(("Level", *names, "n", "n"), rows))
    if not found.questions:
        st.markdown("No question is defined for both models on these images.")
    for pair in found.questions:
        _draw_pair(pair, names)


def _draw_pair(pair: QuestionPair, names: tuple[str, str]) -> None:
    task, area, grouped = pair.task, pair.auc, pair.by_group
    st.markdown(f"##### {parts.against(task.positive_name, task.negative_name)}")
    st.markdown(
        parts.table(
            ("", names[0], names[1], "Difference", "n"),
            [
                (
                    "AUC",
                    decimals(area.first),
                    decimals(area.second),
                    _difference(area.difference, area.interval),
                    parts.sides(pair.n_pos, pair.n_neg),
                ),
                *_decision_rows(pair),
            ],
        )
    )
    test = UNDEFINED if area.p is None else _p(area.p)
    by_group = (
        "not defined"
        if grouped is None
        else f"{_difference(grouped.interval.value, (grouped.interval.low, grouped.interval.high))}, redrawing "
        f"{words.count(grouped.n_units)} patients or lesions"
    )
    presets = (
        ""
        if pair.presets is None
        else f" Sensitivity and specificity at each model's own threshold ({look.plain(' and '.join(pair.presets))}, "
        "chosen on its validation images); Newcombe's interval of the difference."
    )
    st.caption(
        f"Difference: {look.plain(names[0])} minus {look.plain(names[1])}. Paired DeLong: p {test}, images taken as "
        f"independent. AUC difference by patient or lesion: {by_group}.{presets}"
    )


def _decision_rows(pair: QuestionPair) -> list[tuple[str, str, str, str, str]]:
    if pair.decisions is None:
        return []
    rows = []
    for name, found in (("Sensitivity", pair.decisions.sensitivity), ("Specificity", pair.decisions.specificity)):
        if found is None:
            rows.append((name, UNDEFINED, UNDEFINED, UNDEFINED, "0"))
        else:
            rows.append((name, share(found.first), share(found.second), _points(found), words.count(found.n)))
    return rows


def _points(found: PairedShares) -> str:
    low, high = found.interval
    return f"{_signed(100 * found.difference, 1)} ({_signed(100 * low, 1)} to {_signed(100 * high, 1)}) points"


def _difference(value: float, interval: tuple[float, float] | None) -> str:
    if interval is None:
        return f"{_signed(value, 3)} (interval {UNDEFINED})"
    return f"{_signed(value, 3)} ({_signed(interval[0], 3)} to {_signed(interval[1], 3)})"


def _signed(value: float, decimals_: int) -> str:
    return f"{value:+.{decimals_}f}".replace("-", "−")


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
