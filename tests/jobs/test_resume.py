"""Jobs that go on after they ended too early, and jobs that work in their own folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from derm_model.errors import JobError
from derm_model.jobs import Job, JobState, JobStore, cancel, launch, launcher, resume, runs_root, tail
from derm_model.jobs.launcher import SOURCE_ROOT
from tests.jobs.rehearsal import PATIENCE_S, wait_for_end, wait_for_work, wait_until
from tests.jobs.test_store import ago, worker_alive, write_status

# until the test makes the file: then it ends at once
UNTIL = ("--pieces", "600", "--seconds", "0.05", "--unless", "{job}/enough")


def start(store: JobStore, *more: str, device: str | None = None) -> Job:
    return launch(store, ["rehearse", "--out={job}/out.txt", *more], "Rehearsal", device=device)


def enough(job: Job) -> None:
    (job.paths.folder / "enough").touch()


def cancelled(store: JobStore, *more: str, device: str | None = None) -> Job:
    job = wait_for_work(store, start(store, *UNTIL, *more, device=device))
    cancel(store, job.id)
    job = wait_for_end(store, job)
    assert job.status.state is JobState.CANCELLED
    enough(job)
    return job


def test_a_job_works_in_its_own_folder(store: JobStore) -> None:
    job = wait_for_end(store, start(store))
    assert job.request.arguments[1] == "--out={job}/out.txt"
    assert job.arguments[1] == f"--out={job.paths.folder}/out.txt"
    assert (job.paths.folder / "out.txt").read_text("ascii").split() == ["0", "1", "2"]


def test_a_folder_that_was_moved_goes_on_where_it_is_now(store: JobStore) -> None:
    job = cancelled(store)
    moved = JobStore(store.root.with_name("moved"))
    store.root.rename(moved.root)
    assert wait_for_end(moved, resume(moved, job.id)).status.state is JobState.FINISHED
    assert not store.root.exists()


def test_trainings_have_a_folder_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERM_HOME", str(tmp_path))
    assert runs_root() == tmp_path / "runs"
    JobStore(runs_root()).new(["train", "--out={job}"], "Train", {"kind": "train"})
    assert len(JobStore(runs_root()).list()) == 1
    assert JobStore().list() == []


def test_a_resumed_job_goes_on_in_its_folder_and_says_so(store: JobStore) -> None:
    job = cancelled(store)
    again = resume(store, job.id)
    assert (again.status.state, again.id, again.request) == (JobState.QUEUED, job.id, job.request)
    assert not job.paths.cancel.exists()
    ended = wait_for_end(store, job)
    assert (ended.status.state, ended.status.message, ended.status.n_resumed) == (JobState.FINISHED, "", 1)
    assert ended.status.queued_at is not None
    assert job.request.created_at < ended.status.queued_at
    lines = tail(job.paths.log).splitlines()
    assert "Resumed on" in lines[-2]
    assert lines[-1].startswith("Wrote ")


@pytest.mark.parametrize("how", ["failed", "lost", "forced"])
def test_a_job_that_failed_was_lost_or_was_forced_can_be_resumed(how: str, store: JobStore) -> None:
    job = start(store, *(() if how == "failed" else UNTIL), "--then", "return 3" if how == "failed" else "return 0")
    if how != "failed":
        pid = wait_for_work(store, job).status.pid
        assert pid is not None
        enough(job)
        cancel(store, job.id, force=True) if how == "forced" else os.kill(pid, signal.SIGKILL)
    before = wait_for_end(store, job)
    assert before.status.state == {"forced": "cancelled"}.get(how, how)
    assert before.is_resumable
    resume(store, job.id)
    after = wait_for_end(store, job)
    assert after.status.state is (JobState.FAILED if how == "failed" else JobState.FINISHED)
    assert after.status.n_resumed == 1


def test_a_job_that_is_finished_at_work_or_damaged_is_not_resumed(store: JobStore) -> None:
    working = wait_for_work(store, start(store, *UNTIL))
    with pytest.raises(JobError, match=r"Rehearsal is running\. Let it finish, or stop it first"):
        resume(store, working.id)
    enough(working)
    with pytest.raises(JobError, match=r"Rehearsal is finished\. Start a new one"):
        resume(store, wait_for_end(store, working).id)
    failed = wait_for_end(store, start(store, "--then", "return 3"))
    failed.paths.request.write_bytes(b"{")
    with pytest.raises(JobError, match=r"request\.json"):
        resume(store, failed.id)
    with pytest.raises(JobError, match="has no job"):
        resume(store, "20260101-000000-abcdef")


def test_a_worker_that_hangs_is_not_given_a_second_beside_it(store: JobStore) -> None:
    job = store.new(["rehearse"], "Rehearsal")
    with worker_alive(job):
        write_status(job, state=JobState.RUNNING, updated_at=ago(90))
        with pytest.raises(JobError, match="has one that hangs"):
            resume(store, job.id)


def test_a_worker_that_has_written_its_end_and_is_about_to_go_stands_in_nobodys_way(store: JobStore) -> None:
    job = cancelled(store)
    with worker_alive(job):
        resume(store, job.id)
        time.sleep(0.3)
    assert wait_for_end(store, job).status.state is JobState.FINISHED


def test_a_resumed_job_takes_the_last_place_in_the_queue(store: JobStore) -> None:
    job = cancelled(store, device="cpu")
    holder = wait_for_work(store, start(store, *UNTIL, device="cpu"))
    waiting = start(store, device="cpu")
    resume(store, job.id)
    wait_until(store, job, lambda found: found.status.message == "Waits for 2 other jobs on cpu.")
    enough(holder)
    first, last = wait_for_end(store, waiting).status, wait_for_end(store, job).status
    assert (first.state, last.state) == (JobState.FINISHED, JobState.FINISHED)
    assert str(first.finished_at) <= str(last.started_at)


def test_a_resumed_job_that_is_cancelled_while_it_waits_says_what_is_kept(store: JobStore) -> None:
    job = cancelled(store, device="cpu")
    wait_for_work(store, start(store, *UNTIL, device="cpu"))
    resume(store, job.id)
    wait_until(store, job, lambda found: found.status.message.startswith("Waits"))
    cancel(store, job.id)
    assert wait_for_end(store, job).status.message == "Cancelled before it went on. What was finished before is kept."


def test_threads_that_resume_together_start_one_worker(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    job = cancelled(store)
    refused = []
    check = launcher._check_resumable

    def check_slowly(job: Job) -> None:  # so that all would be within, were they let
        check(job)
        time.sleep(0.1)

    monkeypatch.setattr(launcher, "_check_resumable", check_slowly)

    def try_it() -> None:
        try:
            resume(store, job.id)
        except JobError as error:
            refused.append(str(error))

    threads = [threading.Thread(target=try_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wait_for_end(store, job).status.n_resumed == 1
    assert len(refused) == 5
    assert tail(job.paths.log).count("Resumed on") == 1


def test_processes_that_resume_together_start_one_worker(store: JobStore, tmp_path: Path) -> None:
    job = cancelled(store)
    code = f"""
import time
from pathlib import Path
from derm_model.jobs import JobStore, resume
print("ready", flush=True)
while not Path({str(tmp_path / "go")!r}).exists():
    time.sleep(0.001)
resume(JobStore(Path({str(store.root)!r})), {job.id!r})"""
    command, environment = [sys.executable, "-c", code], os.environ | {"PYTHONPATH": str(SOURCE_ROOT)}
    servers = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) for _ in range(3)
    ]
    for server in servers:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
    (tmp_path / "go").touch()
    assert sorted(server.wait(PATIENCE_S) for server in servers) == [0, 1, 1]
    for server in servers:
        assert server.stdout is not None
        server.stdout.close()
    # this one's rehearsal is not in its path: it fails, but it was run once
    assert wait_for_end(store, job).status.n_resumed == 1
    assert tail(job.paths.log).count("Resumed on") == 1


def test_a_process_that_cannot_be_started_leaves_the_job_as_it_was(
    store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = cancelled(store)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(JobError, match="could not be started"):
            resume(store, job.id)
    assert store.read(job.id).status == job.status
    assert wait_for_end(store, resume(store, job.id)).status.state is JobState.FINISHED
