"""Jobs that name a device wait for each other; real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path

import pytest

from derm_model.errors import JobError
from derm_model.files import write_json
from derm_model.jobs import Job, JobState, JobStore, cancel, launch
from derm_model.jobs.job import seconds_since
from tests.jobs.rehearsal import PATIENCE_S, wait_for_end, wait_for_work, wait_until

LONG = ("--pieces", "600", "--seconds", "0.05")


def start(store: JobStore, *more: str, device: str | None = "cpu") -> Job:
    return launch(store, ["rehearse", "--out={job}/out.txt", *more], "Rehearsal", {"kind": "train"}, device=device)


def wait_for_queue(store: JobStore, job: Job, message: str) -> Job:
    return wait_until(store, job, lambda found: found.status.message == message or not found.is_active)


@pytest.fixture
def holder(store: JobStore) -> Job:
    """A job that computes on the processor as long as the test."""
    return wait_for_work(store, start(store, *LONG))


def test_jobs_on_one_device_run_one_at_a_time_in_the_order_they_were_asked_for(store: JobStore) -> None:
    jobs = [start(store, "--pieces", "2", "--seconds", "0.1") for _ in range(3)]
    assert all(job.status.state is JobState.QUEUED for job in jobs)
    ended = [wait_for_end(store, job).status for job in jobs]
    assert [status.state for status in ended] == [JobState.FINISHED] * 3
    for before, after in pairwise(ended):
        assert before.finished_at is not None and after.started_at is not None
        assert before.finished_at <= after.started_at


def test_a_waiting_job_says_for_what_and_gives_signs_of_life(store: JobStore, holder: Job) -> None:
    second = wait_for_queue(store, start(store), "Waits for 1 other job on cpu.")
    third = wait_for_queue(store, start(store), "Waits for 2 other jobs on cpu.")
    assert json.loads(second.paths.status.read_text("ascii"))["state"] == "queued"
    assert second.status.state is third.status.state is JobState.QUEUED
    assert second.status.pid and second.status.host
    later = wait_until(store, second, lambda found: found.status.updated_at != second.status.updated_at)
    assert seconds_since(later.status.updated_at) < 30
    assert later.status.started_at is None
    cancel(store, holder.id)
    ran = wait_for_end(store, second)
    assert (ran.status.state, ran.status.message) == (JobState.FINISHED, "")


def test_another_device_another_store_and_no_device_wait_for_nobody(
    store: JobStore, holder: Job, tmp_path: Path
) -> None:
    elsewhere = JobStore(tmp_path / "elsewhere")
    for where, device in ((store, "cuda:0"), (store, None), (elsewhere, "cpu")):
        assert wait_for_end(where, start(where, device=device)).status.state is JobState.FINISHED
    assert store.read(holder.id).status.state is JobState.RUNNING


@pytest.mark.parametrize("force", [False, True])
def test_a_job_is_cancelled_while_it_waits(force: bool, store: JobStore, holder: Job) -> None:
    job = wait_for_queue(store, start(store), "Waits for 1 other job on cpu.")
    cancel(store, job.id, force=force)
    ended = wait_for_end(store, job)
    assert (ended.status.state, ended.status.message) == (JobState.CANCELLED, "Cancelled before it began.")
    assert not (job.paths.folder / "out.txt").exists()
    assert store.read(holder.id).status.state is JobState.RUNNING


def test_a_killed_job_makes_room_and_a_killed_waiting_one_is_lost_and_passed_over(store: JobStore, holder: Job) -> None:
    second, third = start(store), start(store)
    second = wait_for_queue(store, second, "Waits for 1 other job on cpu.")
    assert second.status.pid and holder.status.pid
    os.kill(second.status.pid, signal.SIGKILL)
    assert wait_for_end(store, second).status.state is JobState.LOST
    os.kill(holder.status.pid, signal.SIGKILL)
    assert wait_for_end(store, third).status.state is JobState.FINISHED


def test_a_forked_child_of_a_killed_job_keeps_neither_its_device_nor_its_life(store: JobStore) -> None:
    first = start(store, "--then", "fork")
    found = wait_until(store, first, lambda found: "forked" in found.paths.log.read_text("utf-8"))
    child = int(found.paths.log.read_text("utf-8").split()[-1])
    try:
        assert found.status.pid
        os.kill(found.status.pid, signal.SIGKILL)
        assert wait_for_end(store, first).status.state is JobState.LOST
        assert wait_for_end(store, start(store)).status.state is JobState.FINISHED
        os.kill(child, 0)  # it was there all the time
    finally:
        os.kill(child, signal.SIGKILL)


def test_more_jobs_share_a_device_when_the_environment_says_so(
    store: JobStore, holder: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = wait_for_queue(store, start(store), "Waits for 1 other job on cpu.")
    monkeypatch.setenv("DERM_JOBS_PER_DEVICE", "2")
    beside = start(store)
    cancel(store, waiting.id)
    assert wait_for_end(store, beside).status.state is JobState.FINISHED
    assert store.read(holder.id).status.state is JobState.RUNNING


@pytest.mark.parametrize("value", ["0", "-1", "two", "", "1.5", "²"])
def test_a_number_of_jobs_that_is_none_is_refused_before_anything_is_made(
    value: str, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERM_JOBS_PER_DEVICE", value)
    with pytest.raises(JobError, match="DERM_JOBS_PER_DEVICE is a whole number"):
        start(store)
    assert store.list() == []
    assert wait_for_end(store, start(store, device=None)).status.state is JobState.FINISHED


def test_a_worker_that_finds_a_wrong_number_of_jobs_says_so(store: JobStore) -> None:
    job = store.new(["rehearse"], "Rehearsal", device="cpu")
    command = [sys.executable, "-m", "derm_model.jobs.worker", str(job.paths.folder)]
    subprocess.run(command, env=os.environ | {"DERM_JOBS_PER_DEVICE": "x"}, check=True, timeout=PATIENCE_S)
    status = store.read(job.id).status
    assert status.state is JobState.FAILED
    assert "Found 'x'" in status.message


@pytest.mark.parametrize("device", ["", "a/b", "a b", "x" * 65])
def test_a_device_that_is_no_name_is_refused(device: str, store: JobStore) -> None:
    with pytest.raises(JobError, match="A device is named like"):
        store.new([], "job", device=device)


def test_jobs_of_an_older_version_are_read_and_wait_for_nobody(store: JobStore, holder: Job) -> None:
    job = store.new(["rehearse", "--out={job}/o"], "Rehearsal")
    for path, new in ((job.paths.request, ("device",)), (job.paths.status, ("queued_at", "n_resumed"))):
        values = json.loads(path.read_text("ascii"))
        write_json(path, {name: value for name, value in values.items() if name not in new})
    found = store.read(job.id)
    assert (found.request.device, found.turn) == (None, (job.request.created_at, job.id))
    command = [sys.executable, "-m", "derm_model.jobs.worker", str(job.paths.folder)]
    subprocess.run(command, check=True, timeout=PATIENCE_S)
    assert store.read(job.id).status.state is JobState.FINISHED


def test_workers_that_start_together_run_a_job_once(store: JobStore) -> None:
    job = store.new(["rehearse", "--out={job}/out.txt", "--seconds", "0.6"], "Rehearsal", device="cpu")
    command = [sys.executable, "-m", "derm_model.jobs.worker", str(job.paths.folder)]
    workers = [subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for _ in range(4)]
    assert sorted(worker.wait(PATIENCE_S) for worker in workers) == [0, 2, 2, 2]
    assert (job.paths.folder / "out.txt").read_text("ascii").split() == ["0", "1", "2"]


def test_jobs_launched_by_several_at_once_all_run_one_after_the_other(store: JobStore) -> None:
    threads = [threading.Thread(target=start, args=(store,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = sorted((wait_for_end(store, job).status for job in store.list()), key=lambda status: str(status.started_at))
    assert [status.state for status in ended] == [JobState.FINISHED] * 4
    times = [moment for status in ended for moment in (status.started_at, status.finished_at)]
    assert times == sorted(times, key=str)


def test_a_waiting_worker_has_loaded_nothing_heavy() -> None:
    code = "import sys, derm_model.jobs.worker as w; print([m for m in sys.modules if m.partition('.')[0] in names])"
    code = f"names = ('numpy', 'torch', 'pandas', 'PIL', 'argparse', 'streamlit')\n{code}"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # without the rehearsal
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=PATIENCE_S, env=environment
    )
    assert done.stdout.strip() == "[]"
