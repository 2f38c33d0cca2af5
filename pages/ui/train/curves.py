"""Live curves of a run: loss and accuracy, then learning rate, speed and memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from derm_model.jobs import Job
from derm_model.palette import Palette
from pages.ui import look, resources
from pages.ui.train.run_files import History, last_known

GB = 1e9


@dataclass(frozen=True, eq=False)
class Chart:
    """A figure with its name in keys and what it says to those who cannot see it."""

    name: str
    figure: Any  # plotly's, which is imported in derm_model/figures only
    alt: str


def draw_curves(job: Job) -> None:
    """Five charts, two large and three small; the run has a finished epoch."""
    charts = resources.run_charts(job.paths.folder, look.palette())
    places = [*st.columns(2), *st.columns(3)]
    for place, chart in zip(places, charts, strict=True):
        with place:
            st.plotly_chart(
                chart.figure,
                theme=None,
                key=f"{chart.name}_{job.id}",
                config={"displayModeBar": False},
                alt=chart.alt,
            )


def make_charts(history: History, colours: Palette) -> tuple[Chart, ...]:
    """Loss, accuracy, learning rate, speed and memory; 0.3 s, so that they are kept until there is another epoch."""
    wait_for_pandas()
    from derm_model.figures.training import plot_accuracy, plot_course, plot_loss  # plotly: not before there is a curve

    epochs, stages = history.numbers, history.stages
    training, validation = history.values("loss"), history.values("validation_loss")
    levels = [history.values(name) for name in ("accuracy", "nine", "three")]
    memory = [None if value is None else value / GB for value in history.values("memory_bytes")]
    courses = (
        ("learning_rate", "Learning rate", history.values("learning_rate"), True),
        ("speed", "Images per second", history.values("images_per_second"), False),
        ("memory", "Memory, GB", memory, False),
    )
    after = f"after epoch {epochs[-1]}"
    return (
        Chart(
            "loss",
            plot_loss(epochs, training, validation, colours, stages=stages),
            f"Loss {after}: training {_number(training)}, validation {_number(validation)}.",
        ),
        Chart(
            "accuracy",
            plot_accuracy(epochs, *levels, colours, stages=stages),
            f"Mean class accuracy on validation images {after}: training classes {_share(levels[0])}, "
            f"9 classes {_share(levels[1])}, 3 roots {_share(levels[2])}.",
        ),
        *(
            Chart(name, plot_course(epochs, values, title, colours, log=log), f"{title} {after}: {_number(values)}.")
            for name, title, values, log in courses
        ),
    )


def wait_for_pandas() -> None:
    """Plotly looks into pandas where somebody has imported it, and fails where that is still going on: in the thread
    that works out the preview, when a server has just begun.
    """
    import pandas  # noqa: F401


def _number(values: list[float | None]) -> str:
    last = last_known(values)
    return "not known" if last is None else f"{last:.4g}"


def _share(values: list[float | None]) -> str:
    last = last_known(values)
    return "not known" if last is None else f"{last:.0%}"
