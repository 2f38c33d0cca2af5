"""Whether the model notices what it does not know: labelled images against pictures that show no lesion."""

from __future__ import annotations

import numpy as np
import streamlit as st

from derm_model import words
from derm_model.assessment.foreign import ForeignPicture
from derm_model.assessment.numbers import UNDEFINED
from derm_model.assessment.separation import DRAWN, UnusualFigures
from derm_model.assessment.separation_text import (
    CAUTION,
    HELD_OUT_HEAD,
    KIND_HEAD,
    NAMES,
    held_out_rows,
    kind_rows,
    sentences,
)
from derm_model.errors import Cancelled
from pages.ui import access, look
from pages.ui.evaluate import kept, parts
from pages.ui.evaluate.kept import Shown, Work
from pages.ui.train.curves import wait_for_pandas

POLL_S = 1.0
N_MOST = 12  # labelled images shown


def draw_unusual(of: Shown) -> None:
    """The figures, or the way to them."""
    found = of.assessment.unusual
    if found is None:
        st.markdown(
            "**Not defined**: this model was saved without a summary of its training features, or the answers are "
            "older than it. Train or evaluate it again."
        )
        return
    lines = list(sentences(found))
    st.markdown(look.plain(lines[0]))
    if found.sets:
        _draw_metrics(found)
        _draw_distances(found)
        st.caption(look.plain(" ".join([*lines[1:], CAUTION])))
    if of.foreign is None or not of.foreign.has_drawings:
        _draw_offer(of)
    if len(found.held_out) > 1:
        st.markdown("##### Labelled images called unusual")
        st.markdown(parts.table(HELD_OUT_HEAD, held_out_rows(found)))
    _draw_examples(of)
    _draw_most(of)


def _draw_metrics(found: UnusualFigures) -> None:
    one = found.set_of(DRAWN) or found.sets[0]
    whose = NAMES[one.name].lower()
    area, alarms, every = one.auc, one.false_alarms, found.held_out[0].noticed
    with st.grid(4, min_column_width=140, key="evaluation_unusual"):
        parts.metric(
            "AUC",
            UNDEFINED if area is None else f"{area.value:.3f}",
            "" if area is None else f"{area.low:.3f}–{area.high:.3f}",
            f"{NAMES[one.name]} against the labelled images, by their distance from the training images. "
            f"n = {parts.sides(one.n, every.n)}. DeLong's interval.",
        )
        parts.metric(
            "FPR at 95% TPR",
            *parts.percent(alarms),
            f"Share of the labelled images that a threshold would call unusual which finds 95% of the {whose}.",
        )
        parts.metric(
            "Found by the app", *parts.percent(one.noticed), f"Share of the {whose} called unusual. n = {one.n}."
        )
        parts.metric(
            "Needless notices",
            *parts.percent(every),
            f"Share of the labelled images called unusual. n = {words.count(every.n)}. Wilson's interval.",
        )


def _draw_distances(found: UnusualFigures) -> None:
    wait_for_pandas()
    from derm_model.figures.unusual import plot_distances  # plotly: not before there is something to draw

    left, right = st.columns(2, gap="large")
    rows = kind_rows(found)
    with left:
        st.markdown("##### Distance from the training images")
        if found.distances:
            parts.chart(
                plot_distances(found.distances, found.foreign_distances, found.notice_distance, look.palette()),
                "evaluation_distances",
                f"Distances of labelled images and of {len(rows)} kinds of other pictures. First in the table: "
                f"{rows[0][0]}, {rows[0][2]} called unusual.",
            )
            st.caption("Bars: 95% and half of the labelled images. Rings: single pictures that show no lesion.")
        else:
            st.markdown("Not kept with these answers, nor their features. Evaluate the images again.")
    with right:
        st.markdown("##### Noticed least first")
        st.markdown(parts.table(KIND_HEAD, rows))


def _draw_offer(of: Shown) -> None:
    """A button that asks about the drawings, and how far that is."""
    work = kept.work_of(of, kept.DRAWINGS)
    if work is not None and not work.future.done():
        access.poll(_draw_progress, POLL_S)(of, work)
        return
    error = None if work is None else work.future.exception()
    if error is not None and not isinstance(error, Cancelled):
        st.warning(f"**It went wrong.** {look.plain(kept.explain(error, 'drawings'))}", icon=":material/warning:")
    st.markdown("The model was not asked yet about pictures that show no lesion.")
    st.button(
        "Ask about drawings",
        key="ask_drawings",
        icon=":material/help_center:",
        on_click=kept.start_drawings,
        args=(of,),
        help="Pages, screenshots, rooms, noise and others, drawn by the program. Once per model; some seconds on a "
        "GPU, a minute without. Your own pictures: `evaluate --foreign FOLDER` on the command line.",
    )


def _draw_progress(of: Shown, work: Work) -> None:
    if work.future.done():
        st.rerun()
    now = work.progress
    share = 0.0 if now is None or not now.total else now.done / now.total
    st.progress(share, "Waiting for other work" if now is None else f"{now.stage}: {share:.0%}")
    if work.stop:
        st.caption("Asked to stop. It ends after the pictures at hand.")
    else:
        st.button(
            "Cancel",
            key="stop_drawings",
            icon=":material/stop_circle:",
            on_click=kept.stop,
            args=(of, kept.DRAWINGS),
        )


def _draw_examples(of: Shown) -> None:
    """Of each kind the drawing that the model finds most usual."""
    if of.foreign is None or not of.foreign.drawn:
        return
    nearest: dict[str, ForeignPicture] = {}
    for picture in of.foreign.drawn:
        known = nearest.get(picture.kind)
        nearest[picture.kind] = picture if known is None or picture.distance < known.distance else known
    st.markdown("##### What passes most easily: the most usual drawing of each kind")
    st.caption("Drawn by the program; nobody's skin. The model gives each a diagnosis, because it knows nothing else.")
    with st.grid(6, min_column_width=140, key="evaluation_drawings"):
        for picture in sorted(nearest.values(), key=lambda one: one.distance):
            text = f"{picture.kind[:1].upper()}{picture.kind[1:]}. {_told(of, picture)}"
            with st.container(gap="xsmall"):
                st.image(kept.drawing(picture.kind, int(picture.name)), width="stretch", alt=f"Drawing. {text}")
                st.caption(look.plain(text))


def _told(of: Shown, picture: ForeignPicture) -> str:
    found = of.assessment.unusual
    assert found is not None  # the section is not drawn without
    called = "Called unusual" if picture.unusual >= found.percentile else "Not called unusual"
    return f"{called}. Answer: {of.model.card.classes[picture.answer].name}, {words.percent(picture.probability)}."


def _draw_most(of: Shown) -> None:
    """The labelled images furthest from the training images."""
    ranks, distance = of.answers.unusual, of.answers.distance
    if ranks is None:
        return
    order = np.argsort(-(ranks if distance is None else distance), kind="stable")[:N_MOST]
    st.markdown("##### The most unusual labelled images")
    pictures = [
        parts.Picture(of.answers.records[i], f"Further than {_rank(ranks[i])}. {parts.told(of, i)}")
        for i in order.tolist()
    ]
    parts.draw_gallery(pictures, n_all=len(ranks), key="evaluation_most_unusual")


def _rank(percentile: float) -> str:
    return "every validation image" if percentile >= 100 else f"{np.floor(percentile):.0f}% of the validation images"
