"""A sample of the images as the paper showed them to readers, beside all of them: its Figure 3, and other samples."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.assessment import numbers
from derm_model.assessment.question_figures import QuestionFigures
from derm_model.assessment.sample_figures import MIN_SIDE, PAPER_CHANGE, SampleFigures
from derm_model.evaluation.sampling import PAPER_SIZES
from pages.ui import look
from pages.ui.evaluate import parts
from pages.ui.train.curves import wait_for_pandas


def draw_sample(question: QuestionFigures, *, roc: bool) -> None:
    """Folded, with the two areas on its lid; nothing for a question the paper did not ask."""
    if question.question not in {task for task, _ in PAPER_SIZES}:
        return
    found = question.sample
    if found is None:
        st.caption(
            f"{numbers.SAMPLE_TITLE}: not defined here. It needs {MIN_SIDE} images on either side, more images than "
            "the sample has, and one modality where the paper's samples differ by it."
        )
        return
    size = parts.sides(found.size.n_pos, found.size.n_neg)
    lid = f"AUC {found.sample.value:.2f} of {size} images, {found.full.value:.2f} of all"
    with st.expander(f"{numbers.SAMPLE_TITLE}: {lid}", key="evaluation_sample"):
        left, right = st.columns(2, gap="large")
        with left:
            _draw_chart(question, found, lid, roc)
        with right:
            _draw_table(found)
            notes = numbers.sample_notes(found, question.positive_name, question.negative_name)
            st.caption(look.plain(" ".join(notes)))


def _draw_chart(question: QuestionFigures, found: SampleFigures, lid: str, roc: bool) -> None:
    wait_for_pandas()
    from derm_model.figures.sampling import plot_sample  # plotly: not before there is something to draw

    low, high = found.area_range
    band = (found.sensitivities, found.band)
    parts.chart(
        plot_sample(question.curve, found.curve, band, numbers.sample_names(found), look.palette(), roc=roc),
        f"evaluation_sample_{'roc' if roc else 'paper'}",
        f"Curves of a sample and of all images: {lid}. 95% of samples of this size have an AUC of {low:.2f} to "
        f"{high:.2f}.",
    )
    st.caption("Band: the middle 95% of the samples' specificities at each sensitivity.")


def _draw_table(found: SampleFigures) -> None:
    (low, high), (less, more) = found.area_range, found.difference_range
    n = parts.sides(found.size.n_pos, found.size.n_neg)
    rows = [
        ("All images", parts.sides(found.full.n_pos, found.full.n_neg), numbers.decimals(found.full), ""),
        (f"Sample, seed {found.seed}", n, numbers.decimals(found.sample), numbers.signed(found.difference)),
        (
            f"95% of {words.count(found.areas.size)} samples",
            n,
            f"{low:.3f}–{high:.3f}",
            f"{numbers.signed(less)} to {numbers.signed(more)}",
        ),
    ]
    st.markdown(parts.table(("", "n", "AUC", "Difference"), rows))
    st.markdown(
        f"**{words.percent(found.share_within)}** of the samples differ from all images by less than {PAPER_CHANGE}, "
        "as the paper's three samples did."
    )
