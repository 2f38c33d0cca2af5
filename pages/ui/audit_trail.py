"""What the app itself writes into the audit log: sessions, answers, thresholds, files that leave, trainings.

Saving, deleting and exporting cases write their own entries, in the transaction of the act: they fail where the log
cannot be written. What stands here must not hold up or break a page: it goes on, and says once per session that the log
cannot be written. Never pixels, file names or keys of patients.

Thresholds follow the hand many times a second. So nobody reports a change: what stands is compared with what was last
written whenever something is done with it (an answer, a saved case, a file) and at the next run of a whole page, if it
has stood for `STANDING_S` by then. A threshold that was moved and left with the closed tab is not written.

The record of a session (`Trail`) is taken while the page is drawn, because a file that leaves is made outside of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from derm_model.access import Right
from derm_model.errors import RecordsError
from pages.ui import access, look, state
from pages.ui.question import Thresholds

if TYPE_CHECKING:
    from pages.ui.case import CaseImage
    from pages.ui.question import Question
    from pages.ui.resources import Model
    from pages.ui.threshold.hand import Hands

STANDING_S = 2.0  # a hand has let go
PAUSE_S = 30.0  # a database that cannot be reached is not asked again before: each try may take seconds
CLASSIFY, DESK = "Classify", "threshold desk"
_KEY = "dermtree_audit_trail"

Content = TypeVar("Content", str, bytes)
Key = tuple[str, str, str]  # page, bundle id, task id

# the import of the database and the first connection must not hold up the first page
_worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dermtree-audit")


@dataclass
class Trail:
    """What this session has written, and what it still has to.

    Attributes
    ----------
    digests
        Of the weights, by bundle id.
    written
        Thresholds as last written.
    moved
        Thresholds that differ from that, and when they were first seen.
    """

    thresholds: Thresholds
    hands: Hands
    began: Future[None] | None = None
    case_id: str | None = None
    classified: set[tuple[str, frozenset[str]]] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)
    written: dict[Key, float] = field(default_factory=dict)
    moved: dict[Key, tuple[float, float]] = field(default_factory=dict)
    trouble: str | None = None
    was_told: bool = False
    failed_at: float | None = None


def trail() -> Trail:
    """Of this session."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = Trail(state.thresholds(), state.hands())
    found: Trail = st.session_state[_KEY]
    return found


def begin_run(who: str, model: Model | None) -> None:
    """At the top of every page: a session that begins, thresholds that stand, and what cannot be written."""
    found = trail()
    if model is not None:
        found.digests[model.card.bundle_id] = model.card.weights_sha256
    if found.began is None:
        found.began = _worker.submit(_write, found, "open", who, details={"what": "session"})
    _settle(found, who, least_s=STANDING_S)
    _draw_trouble(found)


def wait() -> None:
    """Wait until what was handed over to the background is written."""
    _worker.submit(lambda: None).result()


def opened_case(case_id: str | None, who: str) -> None:
    """A saved case is looked at, or (None) no case any more; once until another one is."""
    found = trail()
    if case_id is not None and case_id != found.case_id:
        _write(found, "open", who, subjects=[case_id], details={"what": "case"})
    found.case_id = case_id


def classified(model: Model, images: Collection[CaseImage], question: Question | None, *, separate: bool) -> None:
    """Images were answered; once for each set of images and model."""
    found, key = trail(), (model.card.bundle_id, frozenset(image.digest for image in images))
    if key in found.classified:
        return
    found.classified.add(key)
    who = access.asked(Right.CLASSIFY)
    found.digests[model.card.bundle_id] = model.card.weights_sha256
    _settle(found, who)
    details = {"images": len(images), "lesions": len(images) if separate else 1}
    if drawings := sum(image.is_drawing for image in images):
        details["drawings"] = drawings
    _write(found, "classify", who, details=details, **_asked(model, question))
    _draw_trouble(found)


def settle(who: str) -> None:
    """Write the thresholds as they stand: something is about to be done with them."""
    _settle(trail(), who)


def point_kept(bundle_id: str, task_id: str, threshold: float | None, name: str, who: str) -> None:
    """An operating point was kept under a name; deleted, where there is no threshold."""
    done = "kept" if threshold is not None else "deleted"
    _write(
        trail(),
        "threshold change",
        who,
        bundle_digest=trail().digests.get(bundle_id),
        threshold=threshold,
        task_id=task_id,
        details={"operating point": name[:100], "what": done},
    )


def training_started(job_id: str, kind: str, who: str) -> None:
    """A training or cross-validation was launched."""
    _write(trail(), "training start", who, subjects=[job_id], details={"kind": kind})


def exporting(
    build: Callable[[], Content],
    what: str,
    right: Right,
    *,
    model: Model | None = None,
    question: Question | None = None,
    n_images: int | None = None,
) -> Callable[[], Content]:
    """The maker of a file, which also writes that the file left.

    Call it while the page is drawn. Whoever may not have the file is refused now, and again when it is made.

    Parameters
    ----------
    build
    what
        Which file, in a few words; never its name.
    right
    model, question, n_images
        What the file is about, where it is about one.

    Raises
    ------
    NotAllowed
        They may not.
    """
    who, found = access.asked(right), trail()

    def make() -> Content:
        content = build()
        details: dict[str, Any] = {"what": what}
        if n_images is not None:
            details["images"] = n_images
        _settle(found, who)
        _write(found, "export", who, details=details, **_asked(model, question))
        return content

    return access.later(right, make)  # asked again when the button is pressed


def _asked(model: Model | None, question: Question | None) -> dict[str, Any]:
    asked: dict[str, Any] = {"bundle_digest": None if model is None else model.card.weights_sha256}
    if question is not None:
        asked |= {"task_id": question.classes.task.id, "threshold": question.threshold}
    return asked


def _settle(found: Trail, who: str, least_s: float = 0.0) -> None:
    now = time.monotonic()
    for key, value in _standing(found).items():
        if found.written.get(key, _first(found, key)) == value:
            found.moved.pop(key, None)
            continue
        last, since = found.moved.get(key, (value, now))
        if last != value:
            since = now
        found.moved[key] = (value, since)
        if now - since < least_s:
            continue
        page, bundle_id, task_id = key
        _write(
            found,
            "threshold change",
            who,
            bundle_digest=found.digests.get(bundle_id),
            threshold=value,
            task_id=task_id,
            details={"on": page},
        )
        found.written[key] = value
        found.moved.pop(key, None)


def _standing(found: Trail) -> Mapping[Key, float]:
    on_classify = {(CLASSIFY, *key): value for key, value in found.thresholds.items()}
    return on_classify | {(DESK, *key): hand.threshold for key, hand in found.hands.items()}


def _first(found: Trail, key: Key) -> float | None:
    """What the desk began with, which nobody has set; Classify knows only what somebody did set."""
    hand = found.hands.get(key[1:]) if key[0] == DESK else None
    return None if hand is None else hand.first


def _write(found: Trail, action: str, who: str, **entry: Any) -> None:
    """Append one entry, or remember why that failed."""
    if found.failed_at is not None and time.monotonic() - found.failed_at < PAUSE_S:
        return
    try:
        from derm_model.records import audit
        from derm_model.records.engine import records_engine, writing

        with writing(records_engine()) as session:
            audit.append(session, audit.Action(action), who, **entry)
    except (RecordsError, OSError) as error:
        found.failed_at = time.monotonic()
        found.trouble = str(error)
    else:
        found.failed_at = None


def _draw_trouble(found: Trail) -> None:
    if found.trouble is not None and not found.was_told:
        found.was_told = True
        st.warning(
            f"**The audit log cannot be written: {look.plain(found.trouble)}** The page works on; cases cannot be "
            "saved or exported until it can.",
            icon=":material/history_edu:",
        )
