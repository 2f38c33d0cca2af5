"""What stands behind the numbers, from the card of the bundle."""

from __future__ import annotations

from collections.abc import Iterable

import streamlit as st

from derm_model import words
from derm_model.card import BundleCard, Metric, TaskCard
from pages.ui import look
from pages.ui.resources import Model


def draw_evidence(model: Model) -> None:
    """Model, data, tests, thresholds, limits; folded, after the answer."""
    card = model.card
    with st.expander("Evidence: what stands behind these numbers", icon=":material/fact_check:", key="evidence"):
        st.markdown("##### Model")
        first, *others = _model_lines(card)
        st.markdown(_table(first, others))
        st.markdown("##### Learnt from")
        st.markdown(_table(("Data set", "Kind", "Train", "Validation", "Held out", "Licence"), _data_lines(card)))
        st.caption(f"Split: {look.plain(card.split_rule)}")
        st.markdown("##### Tested on images it never saw")
        by_question = {metric for task in card.tasks.values() for metric in task.auc}
        general = [metric for metric in card.metrics if metric not in by_question]
        st.markdown(_table(("Figure", "Data set", "Value (95% interval)", "n"), _metric_lines(general)))
        for task_id, task in card.tasks.items():
            name = model.tasks[task_id].task.name if task_id in model.tasks else task_id
            _draw_task(name, task)
        st.markdown("##### Limits")
        st.markdown("\n".join(f"- {look.plain(limit)}" for limit in card.limitations))
        st.markdown(look.plain(card.intended_use))
        st.markdown(
            "Where a test set holds few images of a skin colour, body site or diagnosis, little is known of the error "
            "rates there. The taxonomy was not reviewed by a dermatologist."
        )


def _model_lines(card: BundleCard) -> list[tuple[str, ...]]:
    network, training = card.network, card.training
    n_classes = words.plural(len(card.classes), "training class", "training classes")
    length = f"{words.plural(training.epochs, 'epoch')}, {_duration(training.seconds)}"
    lines: list[tuple[str, ...]] = [
        ("Bundle", f"`{card.bundle_id}`"),
        ("Name, made at", f"{look.plain(card.name)}, {look.plain(card.created_at[:16].replace('T', ' '))} UTC"),
        ("Network", f"{look.plain(network.architecture)}, {n_classes}"),
        ("First weights", look.plain(network.origin)),
        ("Training", f"{length}, {look.plain(training.hardware)}"),
        ("Classes", "; ".join(look.plain(c.name) for c in card.classes)),
        ("Calibration", f"temperature {card.temperature:.2f}"),
        ("Licence", look.plain(card.licence)),
    ]
    reference = card.feature_reference
    if reference is not None:
        compared = f"distance to {words.plural(reference.n_train, 'training image')}, ranked among "
        lines.append(("Unlike-image notice", f"{compared}{words.plural(reference.n_validation, 'validation image')}"))
    return lines


def _data_lines(card: BundleCard) -> list[tuple[str, ...]]:
    return [
        (
            look.plain(source.name),
            look.plain(source.modality),
            words.count(source.n_train),
            words.count(source.n_validation),
            words.count(source.n_test),
            look.plain(source.licence),
        )
        for source in card.data
    ]


def _metric_lines(metrics: Iterable[Metric]) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = []
    for metric in metrics:
        bounds = "" if metric.low is None or metric.high is None else f" ({metric.low:.2f}–{metric.high:.2f})"
        n = words.count(metric.n)
        if metric.n_pos is not None and metric.n_neg is not None:
            n = f"{words.count(metric.n_pos)} + {words.count(metric.n_neg)}"
        lines.append((look.plain(metric.name), look.plain(metric.data_set), f"{metric.value:.2f}{bounds}", n))
    return lines


def _draw_task(name: str, task: TaskCard) -> None:
    st.markdown(f"##### Question: {look.plain(name)}")
    if task.auc:
        st.markdown(
            _table(("Figure", "Data set", "Value (95% interval)", "n (with + without)"), _metric_lines(task.auc))
        )
    lines = []
    for preset in task.presets:
        held_out = preset.held_out
        rates = (
            ("", "")
            if held_out is None
            else (
                words.rate(held_out.sensitivity, held_out.sensitivity_interval),
                words.rate(held_out.specificity, held_out.specificity_interval),
            )
        )
        lines.append((look.plain(preset.name), look.plain(preset.chosen.rule), f"{preset.threshold:.3f}", *rates))
    columns = ("Preset", "Chosen on validation by", "Threshold", "Held-out sensitivity", "Held-out specificity")
    st.markdown(_table(columns, lines))
    proven = (
        "Every held-out image is biopsy-proven." if task.biopsy_proven else "Not every held-out image is biopsy-proven."
    )
    validation = (
        f"Thresholds were chosen on {words.plural(task.validation.n_pos + task.validation.n_neg, 'validation image')}."
    )
    st.caption(f"{validation} {proven}")


def _table(heads: tuple[str, ...], lines: Iterable[tuple[str, ...]]) -> str:
    rows = [heads, tuple(":--" for _ in heads), *lines]
    return "\n".join("| " + " | ".join(cell or " " for cell in row) + " |" for row in rows)


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
