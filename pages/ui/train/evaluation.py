"""What a finished run's model does on images it never saw: the figures of its card."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from derm_model import words
from derm_model.card import CARD_FILE, BundleCard, Metric
from derm_model.errors import BundleError
from derm_model.jobs import Job
from pages.ui import look, resources
from pages.ui.train import links
from pages.ui.train.run_files import last_known


def bundle_of(job: Job) -> Path:
    """Folder of the model a run gives."""
    return job.paths.folder / "bundle"


def has_bundle(job: Job) -> bool:
    """Whether it is there."""
    return (bundle_of(job) / CARD_FILE).is_file()


def is_usable(job: Job) -> bool:
    """Whether the model can be chosen: whole, of this taxonomy, and among those this server offers."""
    folder = bundle_of(job)
    return has_bundle(job) and any(model.folder == folder for model in resources.models()[0])


def draw_evaluation(job: Job) -> None:
    """Held-out figures with intervals and n, then validation; a clear sentence where a card cannot be read."""
    try:
        card = resources.card(bundle_of(job))
    except BundleError as error:
        st.warning(f"**The model's card cannot be read.** {look.plain(str(error))}", icon=":material/warning:")
        return
    held_out = _unique(card)
    if held_out:
        st.markdown("**Held-out images**, used for nothing else")
        st.markdown(_table(held_out))
        st.caption("95% intervals. n = with disease + without, where a figure has two sides.")
    else:
        st.markdown("No image was held out, so nothing is known of images this model never saw.")
    _draw_validation(job, card)
    if bundle_of(job) in {model.folder for model in resources.models()[0]}:
        links.draw_page_link("classify", "Read images with it", ":material/center_focus_strong:")
    else:
        st.caption("This server offers other models only (DERM_BUNDLES), or the model is of another taxonomy.")


def _draw_validation(job: Job, card: BundleCard) -> None:
    history = resources.history(job.paths.folder)
    n = card.training.n_validation
    shares = [
        f"{label} {value:.1%}"
        for label, name in (("training classes", "accuracy"), ("9 classes", "nine"), ("3 roots", "three"))
        if (value := last_known(history.values(name))) is not None
    ]
    if shares:
        st.markdown(
            f"**Validation images** (n = {words.count(n)}), after the last epoch: mean class accuracy "
            f"{look.plain(', '.join(shares))}. They chose weights and thresholds, so these figures flatter."
        )


def _unique(card: BundleCard) -> list[Metric]:
    return list(dict.fromkeys(card.metrics))


def _table(found: list[Metric]) -> str:
    lines = ["| Figure | Images of | Value | n |", "|:--|:--|--:|--:|"]
    for metric in found:
        n = f"{metric.n_pos} + {metric.n_neg}" if metric.n_pos is not None else words.count(metric.n)
        cells = (look.plain(metric.name), look.plain(metric.data_set), _in_one_line(_value(metric)), _in_one_line(n))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _value(metric: Metric) -> str:
    """Accuracy as per cent, AUC and error with two decimals; the interval behind it."""
    as_share = metric.name.startswith("balanced accuracy")
    if metric.low is None or metric.high is None:
        return f"{metric.value:.1%}" if as_share else f"{metric.value:.2f}"
    if as_share:
        return words.rate(metric.value, (metric.low, metric.high))
    return f"{metric.value:.2f} ({metric.low:.2f}–{metric.high:.2f})"


def _in_one_line(text: str) -> str:
    """No break at spaces or dashes: a number and its interval belong together."""
    return text.replace(" ", "\u00a0").replace("–", "\u2060–\u2060")
