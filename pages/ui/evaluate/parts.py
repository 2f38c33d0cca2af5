"""Tables, charts and galleries of the page; what every section draws with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from derm_model import words
from derm_model.assessment.numbers import UNDEFINED
from derm_model.data.manifest import Record
from derm_model.evaluation.metrics import Interval
from pages.ui import look
from pages.ui.dataset.pictures import read_thumbnails
from pages.ui.evaluate.kept import Shown

CONFIG = {"displayModeBar": False}
N_PICTURES = 24


@dataclass(frozen=True)
class Picture:
    """An image of the collection and what is said of it."""

    record: Record
    text: str


def table(head: Sequence[str], rows: Sequence[Sequence[str]], n_words: int = 1) -> str:
    """A Markdown table: the first `n_words` columns are words; numbers stand to the right, and do not break."""
    lines = [
        " | ".join(map(look.plain, head)),
        " | ".join(":--" if i < n_words else "--:" for i in range(len(head))),
        *(" | ".join([*map(look.plain, row[:n_words]), *map(_in_one_line, row[n_words:])]) for row in rows),
    ]
    return "\n".join(f"| {line} |" for line in lines)


def _in_one_line(text: str) -> str:
    if len(text) > 24:  # a sentence may break
        return look.plain(text)
    return look.plain(text).replace(" ", "\u00a0").replace("–", "\u2060–\u2060")


def chart(figure: Any, key: str, alt: str) -> None:
    """A figure that is looked at and not clicked."""
    st.plotly_chart(figure, theme=None, key=key, config=CONFIG, alt=alt)


def metric(label: str, value: str, note: str, text: str) -> None:
    """A figure in a box, its interval below, and what it rests on as its help."""
    st.metric(label, value, note, delta_color="off", delta_arrow="off", border=True, help=text)


def percent(found: Interval | None) -> tuple[str, str]:
    """A share and its interval: ``62.3%`` and ``56.1–68.3%``."""
    if found is None:
        return UNDEFINED, ""
    return f"{found.value:.1%}", f"{100 * found.low:.1f}–{found.high:.1%}"


def against(positive: str, negative: str) -> str:
    """Heading of a question, safe in Markdown: ``Melanoma against nevus``."""
    text = f"{positive} against {negative}"
    return look.plain(text[:1].upper() + text[1:])


def sides(n_pos: int, n_neg: int) -> str:
    """``130 + 225``: with the disease and without."""
    return f"{words.count(n_pos)} + {words.count(n_neg)}"


def told(of: Shown, position: int) -> str:
    """Truth, answer and its probability of one image."""
    record = of.answers.records[position]
    probs = of.answers.probs[position]
    best = int(probs.argmax())
    truth = of.model.taxonomy.node(record.node).name
    return f"Truth: {truth}. Answer: {of.model.card.classes[best].name}, {words.percent(float(probs[best]))}."


def draw_gallery(pictures: Sequence[Picture], *, n_all: int | None = None, key: str) -> None:
    """The first pictures, read from the files at reduced scale and never stored; a word where a file is not here."""
    shown = pictures[:N_PICTURES]
    n = len(pictures) if n_all is None else n_all
    more = "" if len(shown) == n else f", the first {len(shown)} shown"
    st.caption(f"{words.plural(n, 'image')}{more}")
    thumbnails = read_thumbnails([str(picture.record.path) for picture in shown])
    if shown and not any(thumbnail.data for thumbnail in thumbnails):
        st.markdown("*The files of these images are not on this server, so there are no pictures.*")
        return
    with st.grid(6, min_column_width=140, key=key):
        for picture, thumbnail in zip(shown, thumbnails, strict=True):
            with st.container(gap="xsmall"):
                if thumbnail.data is None:
                    st.markdown("*No picture: the file is not here, or it cannot be read.*")
                else:
                    name = f"Image {picture.record.image_id}. {picture.text}"
                    st.image(thumbnail.data, width="stretch", alt=name)
                st.caption(f"{look.plain(picture.text)} {look.plain(picture.record.image_id)}")
