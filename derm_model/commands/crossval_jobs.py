"""The trainings of a cross-validation: jobs that are found, begun, resumed, watched and cancelled, fold by fold.

Which job belongs to which fold is written in the job itself (`JobRequest.about`), so that nothing is trained twice
however the command that watches them ends.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from derm_model.errors import Cancelled, JobError, TrainingError
from derm_model.evaluation.cross_validation_text import trained_on
from derm_model.evaluation.fold_answers import FoldAnswers, read_answers
from derm_model.jobs import Job, JobState, JobStore, cancel, jobs_per_device, launch, resume
from derm_model.progress import Progress, Report

POLL_S = 0.5
WAITING = 1  # trainings that wait for a device beside those it works on: the next begins at once, and no crowd idles
NEEDLESS = ("checkpoint.pt", "best.safetensors")  # once a fold's answers are written; 350 MB for Inception v3
NAMED = 5  # failed folds whose reason an error tells


@dataclass(frozen=True)
class Piece:
    """One network of a cross-validation: `fold` validates (0-based), the others train."""

    fold: int
    targets: str

    def __str__(self) -> str:
        return f"fold {self.fold}, {trained_on(self.targets)}"


@dataclass(frozen=True)
class Order:
    """What the trainings have in common.

    Attributes
    ----------
    arguments
        Of a piece on a device, as after `python -m derm_model`.
    about
        What the jobs of this cross-validation are found by.
    n_folds
    devices
        Each computes at one piece at a time (`jobs_per_device`).
    keep_weights
        Whether a finished piece keeps its weights.
    """

    arguments: Callable[[Piece, str], Sequence[str]]
    about: dict[str, str]
    n_folds: int
    devices: tuple[str, ...]
    keep_weights: bool = False


class Trainings:
    """The jobs of a cross-validation, and the answers of those that are finished.

    Parameters
    ----------
    store, order
    pieces
        What is to be trained, in this order. Others that were trained before count for the answers.
    """

    def __init__(self, store: JobStore, order: Order, pieces: Sequence[Piece]) -> None:
        self._store, self._order, self._pieces = store, order, tuple(pieces)
        self._jobs: dict[Piece, Job] = {}
        self._problems: dict[Piece, str] = {}
        self.answers: dict[Piece, FoldAnswers] = {}
        for job in reversed(store.list(about=order.about)):  # the newest of a piece last, but a finished one stays
            piece = _piece_of(job)
            if piece is not None and piece not in self.answers:
                self._jobs[piece] = job
                self._collect(piece)
        # One attempt a call: who starts the command again wants everything tried that has ended, or is about to.
        self._tried = {p for p, job in self._jobs.items() if job.is_active and not job.paths.cancel.exists()}

    def train(self, report: Report, on_answers: Callable[[], object]) -> None:
        """Begin and resume what is missing, and wait until all have ended.

        Parameters
        ----------
        report
            Told how many are trained; where it raises `Cancelled`, the trainings are cancelled.
        on_answers
            Called when a piece is finished.

        Raises
        ------
        TrainingError
            Pieces ended without an answer, after all others have been tried.
        """
        try:
            while True:
                self._begin()
                report(self.progress())
                if not self._active and not self._left:
                    break
                time.sleep(POLL_S)
                if self._look():
                    on_answers()
        except (Cancelled, KeyboardInterrupt):
            # listed anew: one may have been begun in the very moment of the interruption
            for job in self._store.list(about=self._order.about):
                with suppress(JobError):  # deleted meanwhile, or its disk is full: the others are asked all the same
                    cancel(self._store, job.id)
            raise
        if missing := [piece for piece in self._pieces if piece not in self.answers]:
            raise TrainingError(self._reasons(missing))

    @property
    def _active(self) -> list[Job]:
        return [job for piece, job in self._jobs.items() if job.is_active and piece in self._pieces]

    @property
    def _left(self) -> list[Piece]:
        """Pieces to begin."""
        return [
            piece
            for piece in self._pieces
            if piece not in self.answers
            and piece not in self._tried
            and not (piece in self._jobs and self._jobs[piece].is_active)
        ]

    def _look(self) -> bool:
        """Read the jobs at work anew; whether one of them has left an answer."""
        found = False
        for piece in [piece for piece in self._pieces if piece in self._jobs and piece not in self.answers]:
            before = self._jobs[piece]
            if not before.is_active and before.status.state is not JobState.LOST:  # a silent one may wake up
                continue
            try:
                self._jobs[piece] = self._store.read(before.id)
            except JobError as error:  # somebody deleted it
                del self._jobs[piece]
                self._problems[piece] = str(error)
            else:
                found = self._collect(piece) or found
        return found

    def _collect(self, piece: Piece) -> bool:
        """Take the answers of a finished piece, and what it needs no longer off the disk."""
        job = self._jobs[piece]
        if job.status.state is not JobState.FINISHED:
            return False
        try:
            self.answers[piece] = read_answers(job.paths.folder, piece.targets, piece.fold)
        except TrainingError as error:
            self._problems[piece] = str(error)
            return False
        if not self._order.keep_weights:
            for name in NEEDLESS:
                with suppress(OSError):
                    (job.paths.folder / name).unlink(missing_ok=True)
        return True

    def _begin(self) -> None:
        """Give every device its work, and one piece more that waits for it."""
        load = Counter(job.request.device for job in self._active)
        most = jobs_per_device() + WAITING
        for piece in self._left:
            job = self._jobs.get(piece)
            goes_on = job is not None and job.is_resumable and job.request.device in self._order.devices
            device = min(self._order.devices, key=lambda name: load[name])
            if job is not None and goes_on:
                device = job.request.device or device
            if load[device] >= most:
                continue
            self._tried.add(piece)
            self._problems.pop(piece, None)
            try:
                self._jobs[piece] = resume(self._store, job.id) if job and goes_on else self._launch(piece, device)
                load[device] += 1
            except JobError as error:
                self._problems[piece] = str(error)

    def _launch(self, piece: Piece, device: str) -> Job:
        title = f"Fold {piece.fold + 1} of {self._order.n_folds}, {trained_on(piece.targets)}"
        about = {**self._order.about, "fold": str(piece.fold), "targets": piece.targets}
        return launch(self._store, self._order.arguments(piece, device), title, about, device=device)

    def progress(self) -> Progress:
        """How many are trained, and how many are at it."""
        n_done = sum(piece in self.answers for piece in self._pieces)
        n_working = sum(job.status.state is JobState.RUNNING for job in self._active)
        n_failed = sum(
            piece in self._tried and piece not in self.answers and not self._is_active(piece) for piece in self._pieces
        )
        stage = f"Cross-validation, {n_working} at work" + (f", {n_failed} failed" if n_failed else "")
        return Progress(stage, n_done, len(self._pieces), "folds", self._remaining_s())

    def _is_active(self, piece: Piece) -> bool:
        return piece in self._jobs and self._jobs[piece].is_active

    def _remaining_s(self) -> float | None:
        """Seconds to the end, by those that were trained without a break; None before the first."""
        taken = [s for piece in self.answers if (s := _seconds(self._jobs[piece])) is not None]
        if not taken:
            return None
        begun = sum(job.status.fraction or 0.0 for job in self._active)
        n_at_once = len(self._order.devices) * jobs_per_device()
        return statistics.fmean(taken) * max(0.0, len(self._left) + len(self._active) - begun) / n_at_once

    def _reasons(self, missing: Sequence[Piece]) -> str:
        reasons = []
        for piece in missing[:NAMED]:
            job = self._jobs.get(piece)
            why = self._problems.get(piece) or (job.status.message or str(job.status.state) if job else "deleted")
            reasons.append(f"{piece}{f' (job {job.id})' if job else ''}: {why}")
        more = f" And {len(missing) - NAMED} more." if len(missing) > NAMED else ""
        return (
            f"{len(missing)} of {len(self._pieces)} folds ended early; the others are trained and kept. "
            f"{' '.join(reasons)}{more} `python -m derm_model jobs log` shows more. Start the same command again to go "
            "on with these."
        )


def _piece_of(job: Job) -> Piece | None:
    about = job.request.about
    try:
        return Piece(int(about["fold"]), about["targets"])
    except (KeyError, ValueError):
        return None


def _seconds(job: Job) -> float | None:
    """How long a job took; None where it was resumed, because then only its end is known."""
    begun, ended = job.status.started_at, job.status.finished_at
    if job.status.n_resumed or begun is None or ended is None:
        return None
    return (datetime.fromisoformat(ended) - datetime.fromisoformat(begun)).total_seconds()


def parent_name(store: JobStore, folder: Path) -> str:
    """What the jobs of a cross-validation call it: the id of its own job, or the folder it writes to."""
    return folder.name if folder.parent == store.root.absolute() else str(folder)
