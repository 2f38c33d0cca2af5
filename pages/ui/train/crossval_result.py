"""What a cross-validation gave, of all its folds or of those that are there: table, chart, honest sentences, files."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from derm_model.access import Right
from derm_model.evaluation.cross_validation import CAVEAT, RESULT, SOURCE, CrossValidation, read_result
from derm_model.evaluation.cross_validation_text import (
    WAYS,
    as_csv,
    class_rows,
    compared,
    notes,
    paper_rows,
    summary_rows,
    trained_on,
)
from derm_model.jobs import Job
from derm_model.taxonomy.targets import LEVELS
from pages.ui import access, look

HEAD = ("Trained on", "Outputs", "Three-way", "Nine-way", "Folds", "Images")


def draw_crossval(job: Job) -> None:
    """Draw the result of a cross-validation's job; a sentence where no fold is finished yet."""
    try:
        result = read_result(job.paths.folder)
    except (OSError, ValueError):
        st.warning(f"{RESULT} of this cross-validation cannot be read. Start it again: finished folds are kept.")
        return
    if result is None or not result.results:
        st.caption("No fold is finished yet. The result appears here fold by fold.")
        return
    st.markdown("##### Accuracy over the folds")
    st.markdown(_table(HEAD, summary_rows(result)))
    st.caption("Mean of the accuracies of the single classes; mean ± SD over the folds.")
    _draw_figure(result, f"crossval_{job.id}")
    for comparison in result.comparisons:
        st.markdown(look.plain(compared(comparison)))
    st.markdown("\n".join(f"- {look.plain(note)}" for note in notes(result)))
    _draw_paper()
    _draw_classes(result, f"classes_{job.id}")
    _draw_downloads(job, result)


def _draw_figure(result: CrossValidation, key: str) -> None:
    from derm_model.figures.cross_validation import plot_cross_validation  # plotly: not before there is something

    st.plotly_chart(
        plot_cross_validation(result, look.palette()),
        theme=None,
        key=key,
        config={"displayModeBar": False},
        alt=figure_text(result),
    )
    st.caption("Open circles: folds. Diamond: mean ± SD over them. Dashed: the paper, of other images.")


def figure_text(result: CrossValidation) -> str:
    """The chart for those who cannot see it."""
    rows = (f"{name}: three-way {three}, nine-way {nine}" for name, _, three, nine, _, _ in summary_rows(result))
    return f"Accuracy of each fold, with mean and SD. Trained on {'; '.join(rows)}.".replace("–", "not defined")


def _draw_paper() -> None:
    with st.expander("What the paper reports", icon=":material/menu_book:"):
        st.markdown(_table(("", "Three-way", "Nine-way"), paper_rows()))
        st.caption(look.plain(f"{SOURCE}. {CAVEAT}"))


def _draw_classes(result: CrossValidation, key: str) -> None:
    with st.expander("Single classes", icon=":material/table_rows:", key=key):
        for own in result.results:
            for name in LEVELS:
                if (level := own.level(name)) is not None:
                    st.markdown(f"**{look.plain(trained_on(own.targets).capitalize())}, {WAYS[name]}**")
                    head = ("Class", "Images", "Accuracy (95% interval)", *(f"Fold {fold}" for fold in level.folds))
                    st.markdown(_table(head, class_rows(level)))
        st.caption(
            "Accuracy over all folds, each image validated once, with Wilson's interval; then correct answers of the "
            "images of each fold. Images of one lesion count as independent, which makes the intervals somewhat too "
            "narrow."
        )


def _draw_downloads(job: Job, result: CrossValidation) -> None:
    with st.container(horizontal=True, key=f"crossval_files_{job.id}"):
        st.download_button(
            "Result (CSV)",
            access.later(Right.RESEARCH, lambda: as_csv(result).encode("utf-8")),
            "cross-validation.csv",
            "text/csv",
            key=f"crossval_csv_{job.id}",
            on_click="ignore",
            icon=":material/download:",
        )
        st.download_button(
            "Result (JSON)",
            access.later(Right.RESEARCH, lambda: (job.paths.folder / RESULT).read_bytes()),
            "cross-validation.json",
            "application/json",
            key=f"crossval_json_{job.id}",
            on_click="ignore",
            icon=":material/download:",
        )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; numbers stand to the right."""
    lines = [head, (":--", *("--:" for _ in head[1:])), *(tuple(map(look.plain, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
