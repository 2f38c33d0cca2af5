"""What a run's card says in one sentence, by state. No Streamlit in here."""

from __future__ import annotations

from derm_model import words
from derm_model.jobs import Job, JobState
from derm_model.jobs.job import seconds_since
from derm_model.jobs.remaining import in_words
from pages.ui.train import machine
from pages.ui.train.run_files import History, last_known

ASKED = "Asked to stop. It ends after the step at hand; the last finished epoch is kept."


def sentence(job: Job, history: History) -> str:
    """Plain text: where it is, or how it ended and what is safe."""
    return {
        JobState.QUEUED: _queued,
        JobState.RUNNING: _running,
        JobState.FINISHED: _finished,
        JobState.FAILED: _failed,
        JobState.CANCELLED: _cancelled,
        JobState.LOST: _lost,
    }[job.status.state](job, history)


def safe(job: Job, history: History) -> str:
    """What can be gone on with."""
    if is_crossval(job):
        return "Finished folds are safe and it can be resumed." if job.is_resumable else ""
    if not job.is_resumable:
        return ""
    if history.epochs and (job.paths.folder / "checkpoint.pt").is_file():
        return f"Epoch {history.epochs[-1].epoch} is safe and can be resumed."
    return "No epoch was finished; it can be started again."


def is_crossval(job: Job) -> bool:
    """Whether it is a cross-validation, whose folds are jobs of their own."""
    return job.request.about.get("kind") == "crossval"


def _queued(job: Job, history: History) -> str:
    if job.paths.cancel.exists():
        return ASKED
    return job.status.message or "Waits for its turn."


def _running(job: Job, history: History) -> str:
    status = job.status
    if job.paths.cancel.exists():
        return ASKED
    if not status.stage:
        return "Starting: torch is imported, images are counted."
    parts = [status.stage.removeprefix("Training, ").capitalize()]
    if status.unit not in ("steps",) and status.total:
        parts.append(f"{words.count(status.done)} of {words.count(status.total)} {status.unit}")
    speed = last_known(history.values("images_per_second"))
    if speed is not None and status.unit == "steps":
        parts.append(f"{speed:.1f} images/s")
    if status.remaining_s is not None:
        parts.append(f"{machine.duration(status.remaining_s)} left")
    return " · ".join(parts)


def _finished(job: Job, history: History) -> str:
    if is_crossval(job):
        return "All folds are trained."
    parts = []
    if history.epochs:
        parts.append(words.plural(len(history.epochs), "epoch"))
        parts.append(machine.duration(sum(s for s in history.values("seconds") if s is not None)))
    if (best := last_known(history.values("accuracy"))) is not None:
        parts.append(f"mean class accuracy {best:.1%} on validation images")
    return " · ".join(parts) or job.status.result or "Done."


def _failed(job: Job, history: History) -> str:
    message = job.status.message or "The log says why."
    more = safe(job, history)
    return message if "can be resumed" in message or "resume to go on" in message else f"{message} {more}".strip()


def _cancelled(job: Job, history: History) -> str:
    if not history.epochs and job.status.message:
        return job.status.message
    return f"Stopped. {safe(job, history)}".strip()


def _lost(job: Job, history: History) -> str:
    silence = seconds_since(job.status.updated_at)
    since = f"no sign of life for {in_words(silence)}" if silence != float("inf") else "no sign of life"
    damaged = "" if job.request.arguments else " Its request.json is damaged, so that it can only be deleted."
    return f"Lost: {since}. {safe(job, history)}{damaged}".strip()
