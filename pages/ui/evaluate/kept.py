"""Kept evaluations as the page shows them: read and worked out beside the page, once for all sessions.

They are of labelled collections on this server, which every session may choose; nothing that anybody uploaded is here.
The caches stand here and not in resources.py, which has no room left.
"""

from __future__ import annotations

import io
import logging
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st
from PIL import Image

from derm_model.access import Right
from derm_model.assessment.answers import ABOUT, Answers, keep_distance, read_answers
from derm_model.assessment.assess import Assessment, assess
from derm_model.assessment.comparing import Comparison, compare
from derm_model.assessment.foreign import (
    FOREIGN,
    Foreign,
    ask_drawings,
    draw,
    known_drawings,
    read_foreign,
    write_foreign,
)
from derm_model.assessment.question_figures import ALL, QuestionFigures, question_figures, score_images
from derm_model.card import NOTICE_PERCENTILE
from derm_model.data.non_lesions import VERSION
from derm_model.errors import Cancelled, DermTreeError
from derm_model.evaluation.curves import operating_curve
from derm_model.progress import Progress, Report
from derm_model.taxonomy import TaskClasses
from pages.ui import access
from pages.ui.resources import Model
from pages.ui.train.sources import file_version

log = logging.getLogger(__name__)

_worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dermtree-assess")
_maker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dermtree-make")

MAP, DRAWINGS = "map", "drawings"


@dataclass(frozen=True, eq=False)
class Shown:
    """An evaluation: the model's answers, without the features, and every figure made of them."""

    model: Model
    folder: Path
    answers: Answers
    assessment: Assessment
    foreign: Foreign | None = None

    @property
    def stamp(self) -> Hashable:
        """Changes when the images are evaluated again or the model's card changes."""
        return _stamp(self.model, self.folder)


def shown(model: Model, folder: Path) -> Future[Shown]:
    """The evaluation, being worked out or ready: intervals are resampled, which takes seconds.

    A failure is forgotten: the next call tries again.
    """
    key = (str(folder), _stamp(model, folder))
    future = _shown(model, *key)
    if future.done() and future.exception() is not None:
        _shown.clear(model, *key)
    return future


def _stamp(model: Model, folder: Path) -> Hashable:
    return (model.card.bundle_id, model.stamp, file_version(folder / ABOUT), file_version(folder / FOREIGN))


@st.cache_resource(show_spinner=False, max_entries=4)  # 10,000 images with 30 classes: some 10 MB
def _shown(_model: Model, folder: str, stamp: Hashable) -> Future[Shown]:
    return _worker.submit(_make, _model, Path(folder))


def _make(model: Model, folder: Path) -> Shown:
    # features are for the map, which is kept on its own: 10,000 images' are 80 MB
    answers = replace(read_answers(folder), features=None)
    foreign = read_foreign(folder)
    found = assess(answers, model.card, model.taxonomy, [sides.task for sides in model.tasks.values()], foreign)
    return Shown(model, folder, answers, found, foreign)


def own_question(of: Shown, sides: TaskClasses) -> tuple[QuestionFigures | None, tuple[int, int]]:
    """Figures of a question that somebody put together, None where a side has no image; and the images of its sides."""
    return _own_question(of, sides, str(of.folder), of.stamp, sides.task.positive, sides.task.negative)


@st.cache_resource(show_spinner="Working out the figures", max_entries=8)
def _own_question(
    _of: Shown,
    _sides: TaskClasses,
    folder: str,
    stamp: Hashable,
    positive: tuple[str, ...],
    negative: tuple[str, ...],
) -> tuple[QuestionFigures | None, tuple[int, int]]:
    scored = score_images(_of.answers, _sides, _of.model.taxonomy)
    n_pos = int(scored.labels.sum())
    more: dict[str, float] = {}
    if scored.has_both:
        curve = operating_curve(scored.labels, scored.scores)
        points = {"Sensitivity 90%": curve.at_sensitivity(0.9), "Youden": curve.youden()}
        more = {name: point.threshold for name, point in points.items() if point is not None}
    return question_figures(scored, _sides, ALL, (), more), (n_pos, scored.labels.size - n_pos)


def comparison(of: Shown, other: Model, folder: Path) -> Comparison:
    """The evaluation beside another model's of the same images.

    Raises
    ------
    EvaluationError
        The other answers cannot be read.
    """
    return _comparison(of, other, str(of.folder), of.stamp, str(folder), _stamp(other, folder))


@st.cache_resource(show_spinner="Comparing", max_entries=8)
def _comparison(
    _of: Shown, _other: Model, folder: str, stamp: Hashable, other_folder: str, other_stamp: Hashable
) -> Comparison:
    answers = replace(read_answers(Path(other_folder)), features=None)
    tasks = {**_of.model.tasks, **_other.tasks}
    return compare(
        (_of.answers, _of.model.card),
        (answers, _other.card),
        _of.model.taxonomy,
        [sides.task for sides in tasks.values()],
    )


@dataclass(eq=False)
class Work:
    """Something being made for an evaluation, and where that is."""

    future: Future[Any] = field(default_factory=Future)
    progress: Progress | None = None
    stop: bool = False


@st.cache_resource(show_spinner=False)
def _works() -> tuple[threading.Lock, dict[tuple[str, str, Hashable], Work]]:
    return threading.Lock(), {}


def work_of(of: Shown, what: str) -> Work | None:
    """What is being made for an evaluation where somebody has asked for it since the server began."""
    lock, works = _works()
    with lock:
        return works.get((what, str(of.folder), of.stamp))


@access.act(Right.RESEARCH)
def start_map(of: Shown) -> None:
    """Begin to make the map."""
    from derm_model.assessment.embedding import make_embedding

    start(of, MAP, lambda report: make_embedding(of.folder, report=report))


@access.act(Right.RESEARCH)
def start_drawings(of: Shown) -> None:
    """Begin to ask the model about drawings that show no lesion."""
    start(of, DRAWINGS, lambda report: _ask_drawings(of, report))


def _ask_drawings(of: Shown, report: Report) -> None:
    from derm_model.net.answering import ask_of
    from derm_model.net.bundle import load_bundle

    # a copy of its own: that of the Classify page stays on its device
    bundle = load_bundle(of.model.folder, of.model.taxonomy)
    reference = bundle.feature_reference
    assert reference is not None  # the button is not there without
    known, before = known_drawings(of.model.card.bundle_id), read_foreign(of.folder)
    drawn = ask_drawings(partial(ask_of, bundle), report) if known is None else known.drawn
    answers = read_answers(of.folder)
    if answers.distance is None and answers.features is not None:
        keep_distance(of.folder, reference.distance(answers.features))
    given = () if before is None else before.given
    write_foreign(of.folder, Foreign(reference.distance_at(NOTICE_PERCENTILE), VERSION, (*drawn, *given)))


@st.cache_resource(show_spinner=False, max_entries=200)
def drawing(kind: str, seed: int) -> bytes:
    """A drawing as a small JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(draw(kind, seed)).reduce(2).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def start(of: Shown, what: str, make: Callable[[Report], object]) -> None:
    """Begin to make something beside the page; a second time does nothing unless the first has failed."""
    lock, works = _works()
    key = (what, str(of.folder), of.stamp)
    with lock:
        known = works.get(key)
        if known is not None and not (known.future.done() and known.future.exception() is not None):
            return
        work = works[key] = Work()

    def report(progress: Progress) -> None:
        work.progress = progress
        if work.stop:
            raise Cancelled("Stopped.")

    work.future = _maker.submit(make, report)


@access.act(Right.RESEARCH)
def stop(of: Shown, what: str) -> None:
    """Have it end where it next reports."""
    work = work_of(of, what)
    if work is not None:
        work.stop = True


def explain(error: BaseException, what: str) -> str:
    """What to say of something that could not be worked out; what nobody foresaw goes to the log in full."""
    if isinstance(error, DermTreeError):
        return str(error)
    log.error("%s could not be worked out", what, exc_info=error)
    return "It could not be worked out, by an unexpected error; the log of the server has the details."
