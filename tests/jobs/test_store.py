"""What is read off a job's folder, also a damaged one."""

from __future__ import annotations

import fcntl
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from derm_model.errors import JobError
from derm_model.files import write_json
from derm_model.jobs import Job, JobPaths, JobState, JobStatus, JobStore
from derm_model.jobs.status_file import StatusFile
from derm_model.jobs.store import has_worker
from derm_model.jobs.worker import claimed
from derm_model.progress import Progress
from derm_model.typed_json import encode


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def write_status(job: Job, **changes: object) -> None:
    write_json(job.paths.status, encode(replace(JobStatus(), **changes)))  # type: ignore[arg-type]


@contextmanager
def worker_alive(job: Job) -> Iterator[None]:
    """A lock held, as the worker of a job holds it."""
    with job.paths.lock.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_a_new_job_is_queued_and_knows_what_was_asked_for(store: JobStore) -> None:
    job = store.new(["import", "ham10000", "--root", "/d ü"], "Import HAM10000", {"workspace": "skin"})
    assert store.read(job.id) == job
    assert job.status.state == JobState.QUEUED
    assert job.request.arguments == ("import", "ham10000", "--root", "/d ü")
    assert job.request.folder == str(Path.cwd())


def test_jobs_are_listed_newest_first_and_by_what_they_are_about(store: JobStore) -> None:
    assert store.list() == []
    jobs = [store.new([], str(i), {"workspace": "a" if i % 2 else "b"}) for i in range(4)]
    for i, job in enumerate(jobs):
        request = json.loads(job.paths.request.read_text("ascii")) | {"created_at": ago(100 - i)}
        write_json(job.paths.request, request)
    assert [job.request.title for job in store.list()] == ["3", "2", "1", "0"]
    assert [job.request.title for job in store.list(about={"workspace": "a"})] == ["3", "1"]


@pytest.mark.parametrize(
    "damage",
    [b"", b"{", b"[]", b"null", b'{"state": "dreaming"}', b'{"state": 3}', b"\xff\xfe", b'{"done": "x"}', None],
)
def test_a_damaged_status_breaks_no_list(damage: bytes | None, store: JobStore) -> None:
    job, other = store.new([], "damaged"), store.new([], "whole")
    job.paths.status.unlink() if damage is None else job.paths.status.write_bytes(damage)
    found = {j.id: j for j in store.list()}
    assert found[other.id] == other
    assert found[job.id].status.state == JobState.LOST
    assert "status.json is missing or damaged" in found[job.id].status.message
    with worker_alive(job):
        assert store.read(job.id).status.state == JobState.RUNNING  # it will write it again
    store.delete(job.id)


@pytest.mark.parametrize("damage", [b"", b"[1]", b'{"arguments": 3}', None])
def test_a_damaged_request_breaks_no_list(damage: bytes | None, store: JobStore) -> None:
    job = store.new([], "damaged")
    job.paths.request.unlink() if damage is None else job.paths.request.write_bytes(damage)
    (found,) = store.list()
    assert found.request.title == f"Damaged job {job.id}"


def test_other_things_in_the_folder_are_no_jobs(store: JobStore) -> None:
    job = store.new([], "job")
    (store.root / "notes.txt").write_text("hello", encoding="utf-8")
    (store.root / "old").mkdir()
    (store.root / "20260101-000000-abcdef").write_text("a file", encoding="utf-8")
    assert [found.id for found in store.list()] == [job.id]


@pytest.mark.parametrize("name", ["", "..", "../x", "20260101-000000-abcdef", "/etc"])
def test_there_is_no_job_of_another_name(name: str, store: JobStore) -> None:
    store.new([], "job")
    with pytest.raises(JobError, match="has no job"):
        store.read(name)


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(JobError, match="cannot be written"):
        JobStore(tmp_path / "file" / "jobs").new([], "job")


def test_a_silent_worker_is_lost_until_it_speaks_again(store: JobStore) -> None:
    job = store.new([], "job")
    with worker_alive(job):
        write_status(job, state=JobState.RUNNING, updated_at=ago(30))
        assert store.read(job.id).status.state == JobState.RUNNING
        write_status(job, state=JobState.RUNNING, updated_at=ago(90))
        found = store.read(job.id).status
        assert found.state == JobState.LOST
        assert "no sign of life for 90 s" in found.message
        with pytest.raises(JobError, match="Cancel it first"):
            store.delete(job.id)  # it may well go on
        write_status(job, state=JobState.RUNNING, updated_at=ago(0))
        assert store.read(job.id).status.state == JobState.RUNNING


def test_a_worker_of_another_machine_is_judged_by_its_heartbeat(store: JobStore) -> None:
    job = store.new([], "job")
    write_status(job, state=JobState.RUNNING, updated_at=ago(5), host="another machine")
    assert store.read(job.id).status.state == JobState.RUNNING
    write_status(job, state=JobState.RUNNING, updated_at=ago(90), host="another machine")
    assert store.read(job.id).status.state == JobState.LOST


def test_a_job_that_never_began_is_lost_after_a_minute(store: JobStore) -> None:
    job = store.new([], "job")
    write_status(job, state=JobState.QUEUED, updated_at=ago(30))
    assert store.read(job.id).status.state == JobState.QUEUED
    write_status(job, state=JobState.QUEUED, updated_at=ago(61))
    assert store.read(job.id).status.state == JobState.LOST


@pytest.mark.parametrize("state", [JobState.FINISHED, JobState.FAILED, JobState.CANCELLED])
def test_an_end_is_believed_however_old_it_is(state: JobState, store: JobStore) -> None:
    job = store.new([], "job")
    write_status(job, state=state, updated_at=ago(1e6), message="why")
    assert store.read(job.id).status == JobStatus(state, updated_at=store.read(job.id).status.updated_at, message="why")


def test_looking_at_a_job_never_drives_its_worker_away(store: JobStore) -> None:
    job, over = store.new([], "job"), threading.Event()

    def look() -> None:
        while not over.is_set():
            has_worker(job.paths)

    job.paths.lock.touch()
    lookers = [threading.Thread(target=look) for _ in range(2)]
    for looker in lookers:
        looker.start()
    try:
        for _ in range(20):
            with claimed(job.paths):
                assert has_worker(job.paths)
    finally:
        over.set()
        for looker in lookers:
            looker.join()
    assert not has_worker(job.paths)


def test_a_status_that_cannot_be_written_does_not_end_the_work(
    store: JobStore, capsys: pytest.CaptureFixture[str]
) -> None:
    job = store.new([], "job")
    file = StatusFile(job.paths, job.status)
    job.paths.folder.rename(job.paths.folder.with_name("elsewhere"))
    file(Progress("Reading", 1))
    assert not file.write()
    assert "could not be written" in capsys.readouterr().err


def test_the_fraction_is_unknown_without_a_total() -> None:
    assert JobStatus(done=3).fraction is None
    assert JobStatus(done=3, total=4).fraction == 0.75
    assert JobPaths(Path("x")).log == Path("x/log.txt")
