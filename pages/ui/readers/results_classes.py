"""Accuracy of a question with several answers, and confusion matrices of readers beside the network's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from pages.ui import look, state
from pages.ui.evaluate import parts
from pages.ui.readers import result_state, results_network
from pages.ui.resources import Model

if TYPE_CHECKING:
    from derm_model.evaluation.confusion import ConfusionMatrix
    from derm_model.reader_result import StudyResult
    from derm_model.reader_result.classes import ClassesResult


def draw_first(result: StudyResult, judged: ClassesResult, model: Model | None) -> None:
    """Mean accuracy of readers and network, and their agreement."""
    from derm_model.reader_result import text

    mean = judged.complete
    n = words.plural(len(result.complete), "reader")
    with st.grid(4, min_column_width=140, key="result_metrics"):
        if mean is not None:
            spread = "one reader" if mean.sd is None else f"± {100 * mean.sd:.1f}% SD"
            told = f"Mean of the accuracies of the single classes, then over the {n} who answered every image."
            parts.metric("Mean accuracy", f"{mean.mean:.1%}", spread, told)
        if judged.network is not None:
            value, interval = parts.percent(judged.network.accuracy)
            told = f"Mean of the accuracies of the single classes. n = {words.count(judged.network.accuracy.n)}."
            parts.metric("Network accuracy", value, interval, told)
        value, interval = text.kappa(result.kappa)
        told = f"Among the {n} who answered every image, beyond chance; 1 is full agreement."
        parts.metric("Agreement (Fleiss κ)", value, interval, told)
    if result.network is None and model is not None:
        results_network.draw_asking(model, result.material)


def draw_matrices(result: StudyResult) -> None:
    """All readers beside the network, then a single one who is chosen."""
    from derm_model.reader_result.matrices import matrices

    found = matrices(result)
    if not found.of_reader:
        return
    st.markdown("##### Truth in rows, answers in columns")
    left, right = st.columns(2, gap="large")
    with left:
        if found.readers is not None:
            n = words.plural(len(result.complete), "reader")
            draw_one(found.readers, found.names, f"Readers, mean of {n}", "result_matrix_readers", "answers")
        else:
            st.markdown("No reader has answered every image yet.")
    with right:
        if found.network is not None:
            draw_one(found.network, found.names, "Network", "result_matrix_network")
        else:
            st.markdown("The network has not been asked yet.")
    codes = sorted(found.of_reader)
    state.drop_unless(result_state.READER, codes)
    facts = {reader.code: reader for reader in result.readers}
    left, right = st.columns(2, gap="large")
    with left:
        chosen = st.selectbox(
            "One reader",
            codes,
            key=result_state.READER,
            index=None,
            placeholder="Choose a reader",
            format_func=lambda code: f"{code}{', a script' if facts[code].is_script else ''}",
        )
        if chosen is not None:
            draw_one(found.of_reader[chosen], found.names, chosen, "result_matrix_reader")
    st.caption("Per cent of each row. Cells below 5% are blank; rows with · have no image.")


def draw_one(matrix: ConfusionMatrix, names: Sequence[str], who: str, key: str, unit: str = "images") -> None:
    """A matrix under whose answers it holds."""
    from derm_model.figures.evaluation import plot_confusion
    from derm_model.figures.readers import alt_confusion

    st.markdown(f"**{look.plain(who)}**")
    parts.chart(plot_confusion(matrix, names, look.palette(), unit=unit), key, alt_confusion(matrix, names, who))
