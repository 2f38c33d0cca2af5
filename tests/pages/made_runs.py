"""Folders of runs in every state, as workers leave them; nothing in them was ever trained."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from derm_model.files import write_json
from derm_model.jobs import Job, JobState, JobStatus, JobStore, runs_root
from derm_model.recipe.config import PRESETS, TrainConfig
from derm_model.typed_json import encode

ELSEWHERE = "another machine"  # whose lock cannot be seen, so that the heartbeat tells
ARGUMENTS = ("train", "--out={job}", "--workspace=/w", "--preset=small-data", "--set=dropout=0.2", "--name=first")


def moment(minutes_ago: float) -> str:
    then = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def make_run(
    state: JobState = JobState.FINISHED,
    *,
    n_epochs: int = 0,
    of: int = 20,
    title: str = "small-data",
    arguments: Sequence[str] = ARGUMENTS,
    about: dict[str, str] | None = None,
    config: TrainConfig | None = PRESETS["small-data"],
    rate: float = 1.0,
    silent_min: float = 14,
    **status: object,
) -> Job:
    """A run's folder with `n_epochs` finished epochs of `of`; invented figures.

    LOST is a worker on another machine that was last heard of `silent_min` ago; QUEUED and RUNNING go on for hours.
    """
    store = JobStore(runs_root())
    job = store.new(arguments, title, about or {"kind": "train"}, device="cpu")
    heard = moment(silent_min) if state is JobState.LOST else moment(-600) if state.is_active else moment(1)
    written = JobState.RUNNING if state is JobState.LOST else state
    known: dict[str, object] = {"updated_at": heard, "host": ELSEWHERE, "pid": 1, "started_at": moment(200)}
    if n_epochs and state is not JobState.FINISHED:
        known |= {"stage": f"Training, epoch {n_epochs + 1} of {of}", "done": 100 * n_epochs + 40, "total": 100 * of}
        known |= {"unit": "steps"}
    write_json(job.paths.status, encode(JobStatus(**{"state": written, **known, **status})))  # type: ignore[arg-type]
    folder = job.paths.folder
    if config is not None:
        (folder / "config.json").write_text(json.dumps({"config": config.to_json()}))
    if n_epochs:
        (folder / "checkpoint.pt").touch()
        (folder / "metrics.jsonl").write_text("".join(json.dumps(epoch(i, of, rate)) + "\n" for i in range(n_epochs)))
    job.paths.log.write_text("\n".join(f"epoch {i + 1}/{of}: loss {loss(i, rate):.4f}" for i in range(n_epochs)))
    return store.read(job.id)


def loss(i: int, rate: float) -> float:
    return 0.4 + 1.8 * math.exp(-0.2 * rate * (i + 1))


def epoch(i: int, of: int, rate: float = 1.0) -> dict[str, object]:
    gain = 1 - math.exp(-0.25 * rate * (i + 1))
    return {
        "epoch": i + 1,
        "n_epochs": of,
        "size_px": 128 if i < 4 else 192,
        "loss": loss(i, rate),
        "validation_loss": loss(i, rate) + 0.15 + 0.01 * i,
        "accuracy": 0.2 + 0.42 * gain,
        "nine": 0.3 + 0.36 * gain,
        "three": 0.5 + 0.3 * gain,
        "per_class": [0.5, None],
        "learning_rate": 3e-4 * 0.5 * (1 + math.cos(math.pi * i / of)),
        "seconds": 480.0,
        "images_per_second": 6.8 + 0.2 * math.sin(i),
        "memory_bytes": 2_000_000_000 + 10_000_000 * i,
    }


def with_bundle(job: Job, bundle: Path) -> Job:
    """The run with a copy of a bundle as its model."""
    import shutil

    shutil.copytree(bundle, job.paths.folder / "bundle")
    return job
