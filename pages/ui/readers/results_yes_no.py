"""Readers on the network's curve, in the paper's layout: the figure on the left, the numbers beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.evaluation.readers.text import BELOW
from pages.ui import look
from pages.ui.evaluate import parts
from pages.ui.readers import results_network
from pages.ui.resources import Model

if TYPE_CHECKING:
    from derm_model.reader_result import StudyResult
    from derm_model.reader_result.yes_no import NetworkPoint, YesNoResult


def draw_first(result: StudyResult, judged: YesNoResult, model: Model | None) -> None:
    """Figure and numbers."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("##### Readers against the network")
        if judged.network is None:
            _draw_without(result, model)
        else:
            _draw_figure(result, judged, judged.network)
    with right, st.grid(2, min_column_width=140, key="result_metrics"):
        for label, value, note, told in _metrics(result, judged):
            parts.metric(label, value, note, told)


def _draw_without(result: StudyResult, model: Model | None) -> None:
    if model is None:
        st.markdown("There is no model here to compare the readers with.")
    elif result.network is None:
        results_network.draw_asking(model, result.material)
    else:
        st.markdown("The study has no curve: it needs images of both kinds.")


def _draw_figure(result: StudyResult, judged: YesNoResult, network: NetworkPoint) -> None:
    from derm_model.figures.readers import alt_readers, plot_readers  # plotly: not before there is something to draw
    from derm_model.reader_result.text import headline

    complete = {reader.code for reader in result.complete}
    points = [point for point in judged.points if point.reader in complete]
    parts.chart(
        plot_readers(network.curve, network.area, points, judged.mean, look.palette()),
        "result_curve",
        alt_readers(network.area, result.against, judged.mean),
    )
    told = headline(result)
    st.markdown(look.plain(told) if told is not None else "No reader has answered every image yet.")
    st.caption(look.plain(BELOW))


Row = tuple[str, str, str, str]


def _metrics(result: StudyResult, judged: YesNoResult) -> Iterator[Row]:
    """Label, value, what stands below it, and what it means."""
    from derm_model.evaluation.readers.against_curve import n_below
    from derm_model.reader_result import text

    against, n = result.against, len(result.complete)
    whom = f"Of the {words.plural(n, 'reader')} who answered every image."
    if against:
        yield "Below the curve", f"{n_below(against)} of {len(against)}", "readers", f"{BELOW} {whom}"
    value, interval = text.kappa(result.kappa)
    yield (
        "Agreement (Fleiss κ)",
        value,
        interval,
        f"Among readers, beyond chance; 1 is full agreement. {whom} Interval by redrawing images.",
    )
    mean = judged.mean
    if mean is not None:
        for name, rate, sd in (
            ("sensitivity", mean.sensitivity, mean.sensitivity_sd),
            ("specificity", mean.specificity, mean.specificity_sd),
        ):
            spread = "one reader" if sd is None else f"± {sd:.0%} SD"
            told = f"{whom} Each counts the same; the SD says how much readers differ, not how well the mean is known."
            yield f"Mean {name}", f"{rate:.0%}", spread, told
    if judged.network is not None:
        yield from _network_metrics(judged, judged.network)


def _network_metrics(judged: YesNoResult, network: NetworkPoint) -> Iterator[Row]:
    from derm_model.reader_result import text

    area, point = network.area, network.point
    n = f"n = {parts.sides(area.n_pos, area.n_neg)}."
    yield "Network AUC", f"{area.value:.2f}", f"{area.low:.2f}–{area.high:.2f}", f"{n} DeLong's interval."
    if network.partial is not None:
        value, interval = text.partial(network.partial)
        yield "Partial AUC", value, interval, text.partial_range(network.partial)
    for name, value, bounds in (
        ("sensitivity", point.sensitivity, point.sensitivity_interval),
        ("specificity", point.specificity, point.specificity_interval),
    ):
        told = f"At the threshold {words.number(point.threshold)}: {point.rule}. {n} Wilson's interval."
        yield f"Network {name}", f"{value:.0%}", words.interval(*bounds), told
