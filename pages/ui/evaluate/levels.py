"""How often the right node is named at a level, which is taken for which, and the pictures of that."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.assessment.exports import LEVEL_NAMES
from derm_model.assessment.level_figures import LevelFigures
from derm_model.assessment.numbers import UNDEFINED, share
from pages.ui import look, state
from pages.ui.evaluate import keys, parts, readers
from pages.ui.evaluate.kept import Shown
from pages.ui.train.curves import wait_for_pandas

CLASS_METHOD = "95% intervals: Wilson's for a class; for the mean, images are redrawn within each class."


def draw_levels(of: Shown) -> None:
    """Draw the level that is chosen."""
    levels = {level.level: level for level in of.assessment.levels}
    if not levels:
        st.markdown(
            "Accuracy is **not defined**: no image has a label that the model could be right about at any level."
        )
        return
    state.drop_unless(keys.EVALUATION_LEVEL, levels)
    name = st.segmented_control(
        "Level",
        list(levels),
        format_func=lambda one: LEVEL_NAMES[one].capitalize(),
        key=keys.EVALUATION_LEVEL,
        default=None if keys.EVALUATION_LEVEL in st.session_state else ("nine" if "nine" in levels else None),
        wrap=True,
        persist_state="session",
    )
    level = levels.get(name or "") or next(iter(levels.values()))
    _draw_sentence(level)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _draw_matrix(level)
    with right:
        _draw_classes(level)
    _draw_confused(of, level)
    readers.draw_readers(of, level.level)


def _draw_sentence(level: LevelFigures) -> None:
    top = "".join(f" Right class among the first {t.k}: {share(t.images)}." for t in level.top if t.k > 1)
    unjudged = (
        f" {words.plural(level.n_unjudged, 'image')} could not be judged: labelled above this level, or in no class."
        if level.n_unjudged
        else ""
    )
    st.markdown(
        f"**Mean of the accuracies of the single classes: {look.plain(share(level.accuracy))}**, "
        f"n = {words.count(level.n)}.{look.plain(top + unjudged)}"
    )


def _draw_matrix(level: LevelFigures) -> None:
    wait_for_pandas()
    from derm_model.figures.evaluation import plot_confusion  # plotly: not before there is something to draw

    named = dict(zip(level.nodes, level.names, strict=True))
    worst = next(iter(level.confused), None)
    most = f" Most often confused: {named[worst.truth]} taken for {named[worst.said]}." if worst else ""
    st.markdown("##### Truth in rows, answers in columns")
    parts.chart(
        plot_confusion(level.matrix, level.names, look.palette()),
        f"evaluation_matrix_{level.level}",
        f"Confusion matrix of {len(level.nodes)} classes and {level.n} images.{most} All numbers stand in the tables.",
    )
    st.caption("Per cent of each row. Cells below 5% are blank; rows with · have no image.")


def _draw_classes(level: LevelFigures) -> None:
    st.markdown("##### Single classes")
    rows = [
        (f"{i} {name}", words.count(row.n), UNDEFINED if row.accuracy is None else share(row.accuracy))
        for i, (name, row) in enumerate(zip(level.names, level.rows, strict=True))
    ]
    st.markdown(parts.table(("Class", "n", "Accuracy"), rows))
    st.caption(CLASS_METHOD)


def _draw_confused(of: Shown, level: LevelFigures) -> None:
    st.markdown("##### Most confused")
    if not level.confused:
        st.markdown("No image was answered wrongly at this level.")
        return
    named = dict(zip(level.nodes, level.names, strict=True))
    st.markdown(
        parts.table(
            ("Truth", "Answer", "Images", "of"),
            [
                (named[pair.truth], named[pair.said], words.count(pair.n), words.count(pair.n_of_node))
                for pair in level.confused
            ],
            n_words=2,
        )
    )
    pairs = {f"{pair.truth} {pair.said}": pair for pair in level.confused}
    state.drop_unless(keys.EVALUATION_PAIR, pairs)
    chosen = st.selectbox(
        "Show the images of",
        list(pairs),
        format_func=lambda key: f"{named[pairs[key].truth]} taken for {named[pairs[key].said]}",
        key=keys.EVALUATION_PAIR,
        index=None,
        placeholder="Choose a pair",
    )
    if chosen is None:
        return
    place = {(r.source, r.image_id): i for i, r in enumerate(of.answers.records)}
    pictures = [
        parts.Picture(of.answers.records[place[key]], parts.told(of, place[key])) for key in pairs[chosen].examples
    ]
    order = ", the surest mistakes first" if level.level == "classes" else ""
    st.caption(f"Read from the files of the collection{order}.")
    parts.draw_gallery(pictures, n_all=pairs[chosen].n, key="evaluation_confused")
