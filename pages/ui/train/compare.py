"""Several runs in one chart, and where their recipes differ. A fragment of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from derm_model.jobs import Job
from derm_model.recipe.config import TrainConfig
from derm_model.recipe.options import OPTIONS
from derm_model.recipe.words import in_words
from pages.ui import access, look, resources, state
from pages.ui.train import actions
from pages.ui.train.curves import wait_for_pandas
from pages.ui.train.run_files import last_known, read_config

METRICS = {
    "accuracy": ("Accuracy of training classes", True),
    "nine": ("Accuracy, 9 classes", True),
    "three": ("Accuracy, 3 roots", True),
    "validation_loss": ("Validation loss", False),
    "loss": ("Training loss", False),
    "images_per_second": ("Images per second", False),
}
MOST = 9  # `derm_model.figures.training.MAX_RUNS`, whose module would import plotly
POLL_S = 10.0  # epochs take minutes
NAME_CHARS = 22


def draw_compare(runs: Sequence[Job]) -> None:
    """Draw it where there are two runs with epochs."""
    if sum(bool(resources.history(run.paths.folder).epochs) for run in runs) < 2:
        return
    st.markdown("### Compare")
    access.poll(_draw, POLL_S if any(run.is_active for run in runs) else None)()


def _draw() -> None:
    runs = {run.id: run for run in actions.store().list() if resources.history(run.paths.folder).epochs}
    names = _names(list(runs.values()))
    st.session_state[state.COMPARED] = [run for run in st.session_state.get(state.COMPARED) or [] if run in runs]
    chosen = st.multiselect(
        "Runs",
        list(runs),
        format_func=lambda run: f"{names[run]} ({look.moment(runs[run].request.created_at)})",
        key=state.COMPARED,
        max_selections=MOST,
        wrap=True,
        placeholder="Choose two or more",
        persist_state="session",
    )
    with st.container():
        metric = st.segmented_control(
            "Figure",
            list(METRICS),
            format_func=lambda name: METRICS[name][0],
            key=state.COMPARED_METRIC,
            default=None if state.COMPARED_METRIC in st.session_state else "accuracy",
            required=True,
            wrap=True,
            persist_state="session",
        )
    if len(chosen) < 2:
        st.caption("Choose two runs or more to see them in one chart.")
        return
    _draw_chart({names[run]: runs[run] for run in chosen}, metric)
    _draw_recipes({names[run]: read_config(runs[run].paths.folder) for run in chosen})


def _draw_chart(runs: Mapping[str, Job], metric: str) -> None:
    wait_for_pandas()
    from derm_model.figures.training import plot_runs  # plotly: not before there is something to draw

    title, is_share = METRICS[metric]
    found = {name: resources.history(run.paths.folder) for name, run in runs.items()}
    ends = {name: last_known(history.values(metric)) for name, history in found.items()}
    said = ", ".join(
        f"{name} {'not known' if end is None else f'{end:.1%}' if is_share else f'{end:.4g}'}"
        for name, end in ends.items()
    )
    st.plotly_chart(
        plot_runs(
            {name: (history.numbers, history.values(metric)) for name, history in found.items()},
            title,
            look.palette(),
            percent=is_share,
        ),
        theme=None,
        key="compared_chart",
        config={"displayModeBar": False},
        alt=f"{title} over epochs, at the end: {said}.",
    )
    st.caption(f"At the end: {look.plain(said)}. Validation images are the same only where images and split are.")


def _draw_recipes(recipes: Mapping[str, TrainConfig | None]) -> None:
    known = {name: recipe for name, recipe in recipes.items() if recipe is not None}
    if missing := [name for name in recipes if name not in known]:
        st.caption(f"The recipe cannot be read: {look.plain(', '.join(missing))}.")
    rows = [
        (OPTIONS[option].label, [in_words(option, getattr(recipe, option)) for recipe in known.values()])
        for option in OPTIONS
        if len({repr(getattr(recipe, option)) for recipe in known.values()}) > 1
    ]
    if len(known) < 2:
        return
    if not rows:
        st.markdown("Their recipes are the same.")
        return
    lines = ["| Differs | " + " | ".join(map(look.plain, known)) + " |", "|:--|" + ":--|" * len(known)]
    lines += [f"| {look.plain(label)} | {' | '.join(map(look.plain, cells))} |" for label, cells in rows]
    st.markdown("\n".join(lines))


def _names(runs: Sequence[Job]) -> dict[str, str]:
    """Short names, all different: the title, with a number where several have the same."""
    found: dict[str, str] = {}
    taken: dict[str, int] = {}
    for run in sorted(runs, key=lambda one: one.id):
        title = run.request.title
        short = title if len(title) <= NAME_CHARS else title[: NAME_CHARS - 1] + "…"
        taken[short] = taken.get(short, 0) + 1
        found[run.id] = short if taken[short] == 1 else f"{short} {taken[short]}"
    return {run.id: found[run.id] for run in runs}
