"""Kept evaluations as the page shows them: read and worked out beside the page, once for all sessions.

They are of labelled collections on this server, which every session may choose; nothing that anybody uploaded is here.
The caches stand here and not in resources.py, which has no room left.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from derm_model.assessment.answers import ABOUT, Answers, read_answers
from derm_model.assessment.assess import Assessment, assess
from derm_model.assessment.comparing import Comparison, compare
from derm_model.assessment.question_figures import ALL, QuestionFigures, question_figures, score_images
from derm_model.errors import Cancelled, DermTreeError
from derm_model.evaluation.curves import operating_curve
from derm_model.progress import Progress
from derm_model.taxonomy import TaskClasses
from pages.ui.resources import Model
from pages.ui.train.sources import file_version

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

_worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dermtree-assess")
_mapper = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dermtree-map")


@dataclass(frozen=True, eq=False)
class Shown:
    """An evaluation: the model's answers, without the features, and every figure made of them."""

    model: Model
    folder: Path
    answers: Answers
    assessment: Assessment

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
    return (model.card.bundle_id, model.stamp, file_version(folder / ABOUT))


@st.cache_resource(show_spinner=False, max_entries=4)  # 10,000 images with 30 classes: some 10 MB
def _shown(_model: Model, folder: str, stamp: Hashable) -> Future[Shown]:
    return _worker.submit(_make, _model, Path(folder))


def _make(model: Model, folder: Path) -> Shown:
    # features are for the map, which is kept on its own: 10,000 images' are 80 MB
    answers = replace(read_answers(folder), features=None)
    found = assess(answers, model.card, model.taxonomy, [sides.task for sides in model.tasks.values()])
    return Shown(model, folder, answers, found)


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
class MapWork:
    """A map being made, and where that is."""

    future: Future[NDArray[np.float32]] = field(default_factory=Future)
    progress: Progress | None = None
    stop: bool = False


@st.cache_resource(show_spinner=False)
def _maps() -> tuple[threading.Lock, dict[tuple[str, Hashable], MapWork]]:
    return threading.Lock(), {}


def map_work(of: Shown) -> MapWork | None:
    """The map of an evaluation where somebody has asked for it since the server began."""
    lock, works = _maps()
    with lock:
        return works.get((str(of.folder), of.stamp))


def start_map(of: Shown) -> None:
    """Begin to make it; a second time does nothing unless the first has failed."""
    from derm_model.assessment.embedding import make_embedding

    lock, works = _maps()
    key = (str(of.folder), of.stamp)
    with lock:
        known = works.get(key)
        if known is not None and not (known.future.done() and known.future.exception() is not None):
            return
        work = works[key] = MapWork()

    def report(progress: Progress) -> None:
        work.progress = progress
        if work.stop:
            raise Cancelled("Stopped.")

    work.future = _mapper.submit(make_embedding, of.folder, report=report)


def stop_map(of: Shown) -> None:
    """Have it end where it next reports."""
    work = map_work(of)
    if work is not None:
        work.stop = True


def explain(error: BaseException, what: str) -> str:
    """What to say of something that could not be worked out; what nobody foresaw goes to the log in full."""
    if isinstance(error, DermTreeError):
        return str(error)
    log.error("%s could not be worked out", what, exc_info=error)
    return "It could not be worked out, by an unexpected error; the log of the server has the details."
