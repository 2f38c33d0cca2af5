"""The images that lie between two thresholds: on one side of the first, on the other of the second."""

from __future__ import annotations

import numpy as np
import streamlit as st

from derm_model import words
from derm_model.data.manifest import Record
from pages.ui import look, state
from pages.ui.dataset.pictures import Thumbnail, read_thumbnails
from pages.ui.threshold import choosing
from pages.ui.threshold.desk import Desk
from pages.ui.threshold.sources import Choice, Scored

MAX_SHOWN = 12


def draw_gallery(desk: Desk, other: float) -> None:
    """How many images change sides, and which, where they were kept one by one.

    Parameters
    ----------
    desk
    other
        Threshold of point B.
    """
    low, high = sorted((desk.hand.threshold, other))
    positive, negative = desk.curve.called_at([low, high])
    n_pos, n_neg = int(positive[0] - positive[1]), int(negative[0] - negative[1])
    st.markdown(
        f"**{words.plural(n_pos + n_neg, 'image')} of {look.plain(desk.shown.choice.name)} change sides** between "
        f"{low:.3f} and {high:.3f}: {n_pos} with {desk.task.positive_name}, {n_neg} without. "
        "They are above the operating point at the lower threshold only."
    )
    source = _kept(desk)
    if source is None:
        st.caption(
            "Which ones they are is not known here: a model's card holds counts and no images. Evaluate the model on "
            "labelled images, and they are shown: `python -m derm_model evaluate --help`."
        )
        return
    if source.key != desk.shown.choice.key:
        st.caption(f"Shown below are those of {look.plain(source.name)}, whose answers were kept one by one.")
    if st.toggle("Show the images that change sides", key=state.DESK_GALLERY) and source.folder is not None:
        found = desk.shown.scored or choosing.scored(source.folder, desk.sides)
        if found is not None:
            _draw_images(desk, found, low, high)


def _kept(desk: Desk) -> Choice | None:
    """The images shown, else those held out, else any whose answers were kept."""
    kept = [choice for choice in desk.offered if choice.folder is not None]
    kept.sort(key=lambda choice: (choice.key != desk.shown.choice.key, choice.seen != "held out"))
    return next(iter(kept), None)


def between(scored: Scored, low: float, high: float) -> list[int]:
    """Positions of the images with low <= score < high, those with the disease first, then by falling score."""
    positions = np.flatnonzero((scored.scores >= low) & (scored.scores < high))
    order = np.lexsort((-scored.scores[positions], ~scored.labels[positions]))
    return [int(i) for i in positions[order]]


def _draw_images(desk: Desk, scored: Scored, low: float, high: float) -> None:
    positions = between(scored, low, high)
    shown = positions[:MAX_SHOWN]
    if not shown:
        st.caption("None of these images lies between the two thresholds.")
        return
    more = "" if len(shown) == len(positions) else f", the first {len(shown)} shown"
    first = f"those with {desk.task.positive_name} first, then by falling score"
    st.caption(f"{words.plural(len(positions), 'image')}{more}; {first}.")
    pictures = read_thumbnails([str(scored.records[i].path) for i in shown])
    with st.grid(4, min_column_width=140, key="desk_gallery_images"):
        for position, picture in zip(shown, pictures, strict=True):
            with st.container(border=True, gap="xsmall"):
                _draw_image(desk, scored, position, picture)


def _draw_image(desk: Desk, scored: Scored, position: int, picture: Thumbnail) -> None:
    record, diseased = scored.records[position], bool(scored.labels[position])
    name = desk.task.positive_name if diseased else desk.task.negative_name
    text = f"{'▲' if diseased else '●'} {name}, score {scored.scores[position]:.3f}"
    if picture.data is None:
        st.markdown("*No picture: the file is not here, or it cannot be read.*")
    else:
        st.image(picture.data, width="stretch", alt=f"Image {record.image_id}: {text}")
    st.caption(f"{look.plain(text)}{_facts(record)}")


def _facts(record: Record) -> str:
    return f" · {look.plain(record.source)} {look.plain(record.image_id)}"
