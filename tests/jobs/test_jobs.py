"""Jobs as real processes: what they tell, how they end, and what becomes of them when somebody is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from derm_model.errors import JobError
from derm_model.jobs import Job, JobState, JobStore, cancel, launch, tail
from tests.jobs.rehearsal import PATIENCE_S, wait_for_end, wait_for_work, wait_until

LONG = ("--pieces", "600", "--seconds", "0.05")  # half a minute, unless it is stopped


def start(store: JobStore, tmp_path: Path, *more: str) -> Job:
    return launch(
        store, ["rehearse", "--out", str(tmp_path / "aus gabe ß.txt"), *more], "Rehearsal", {"workspace": "w"}
    )


def pieces(tmp_path: Path) -> list[str]:
    return (tmp_path / "aus gabe ß.txt").read_text(encoding="utf-8").split()


def worker_command(job: Job) -> list[str]:
    return [sys.executable, "-m", "derm_model.jobs.worker", str(job.paths.folder)]


def pid_of(job: Job) -> int:
    assert job.status.pid is not None
    return job.status.pid


def test_a_job_says_where_it_stands_and_what_came_out(store: JobStore, tmp_path: Path) -> None:
    job = start(store, tmp_path)
    assert job.status.state == JobState.QUEUED
    ended = wait_for_end(store, job)
    status = ended.status
    assert (status.state, status.stage, status.done, status.total, status.unit) == (
        JobState.FINISHED,
        "Rehearsing",
        3,
        3,
        "pieces",
    )
    assert status.result == f"Wrote 3 pieces to {tmp_path / 'aus gabe ß.txt'}"
    assert (status.exit_code, status.message) == (0, "")
    assert pieces(tmp_path) == ["0", "1", "2"]
    assert status.result in tail(ended.paths.log)


def test_progress_is_there_while_the_job_runs(store: JobStore, tmp_path: Path) -> None:
    job = start(store, tmp_path, *LONG)
    first = wait_for_work(store, job)
    later = wait_until(store, job, lambda found: found.status.done > first.status.done)
    assert later.status.state == JobState.RUNNING
    assert later.status.fraction == later.status.done / 600
    assert later.status.updated_at > first.status.updated_at  # type: ignore[operator]
    assert os.getsid(pid_of(later)) == pid_of(later) != os.getsid(0)  # a terminal's Ctrl-C does not reach it


def test_a_cancelled_job_keeps_what_it_has_finished(store: JobStore, tmp_path: Path) -> None:
    job = wait_for_work(store, start(store, tmp_path, *LONG))
    cancel(store, job.id)
    ended = wait_for_end(store, job)
    assert ended.status.state == JobState.CANCELLED
    assert "What was finished by then is kept" in ended.status.message
    assert 0 < len(pieces(tmp_path)) < 600
    assert pieces(tmp_path) == [str(i) for i in range(len(pieces(tmp_path)))]


def test_a_machine_that_shuts_down_cancels_the_job(store: JobStore, tmp_path: Path) -> None:
    job = wait_for_work(store, start(store, tmp_path, *LONG))
    os.kill(pid_of(job), signal.SIGTERM)
    assert wait_for_end(store, job).status.state == JobState.CANCELLED


def test_a_job_that_reports_nothing_is_stopped_by_force_with_its_children(store: JobStore, tmp_path: Path) -> None:
    job = start(store, tmp_path, "--then", "hang 0")
    job = wait_until(
        store, job, lambda found: tail(found.paths.log).splitlines()[-1:] > [""] and found.status.done == 3
    )
    wait_until(store, job, lambda found: tail(found.paths.log).split()[-1].isdigit())
    child = int(tail(job.paths.log).split()[-1])
    assert cancel(store, job.id).status.state == JobState.RUNNING
    cancel(store, job.id, force=True)
    ended = wait_for_end(store, job)
    assert ended.status.state == JobState.CANCELLED
    assert "force" in ended.status.message
    deadline = time.monotonic() + PATIENCE_S
    while is_running(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds children in /proc")
def test_force_reaches_children_in_sessions_of_their_own(store: JobStore, tmp_path: Path) -> None:
    job = start(store, tmp_path, "--then", "escape")
    wait_until(store, job, lambda found: "grandchild" in tail(found.paths.log))
    grandchild = int(tail(job.paths.log).split()[-1])
    assert os.getsid(grandchild) == grandchild
    cancel(store, job.id, force=True)
    assert wait_for_end(store, job).status.state == JobState.CANCELLED
    deadline = time.monotonic() + PATIENCE_S
    while is_running(grandchild):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="tells zombies by /proc")
def test_is_running_sees_this_process() -> None:
    assert is_running(os.getpid())


def test_a_killed_worker_is_lost_at_once(store: JobStore, tmp_path: Path) -> None:
    job = wait_for_work(store, start(store, tmp_path, *LONG))
    os.kill(pid_of(job), signal.SIGKILL)
    started = time.monotonic()
    ended = wait_for_end(store, job)
    assert ended.status.state == JobState.LOST
    assert "killed" in ended.status.message
    assert time.monotonic() - started < 5  # no need to wait until its heartbeat is old
    assert [found.status.state for found in store.list()] == [JobState.LOST]
    assert cancel(store, job.id).status.state == JobState.LOST  # nothing is left to cancel
    store.delete(job.id)
    assert store.list() == []


@pytest.mark.parametrize("killed", [True, False])
def test_a_zombie_is_no_living_worker(killed: bool, store: JobStore, tmp_path: Path) -> None:
    job = store.new(["rehearse", "--out", str(tmp_path / "o"), *(LONG if killed else ())], "Rehearsal")
    with subprocess.Popen(worker_command(job)) as worker:  # nobody waits for it before the end of this block
        if killed:
            wait_for_work(store, job)
            worker.kill()
        ended = wait_for_end(store, job)
        os.kill(worker.pid, 0)  # the zombie still answers
        assert ended.status.state == (JobState.LOST if killed else JobState.FINISHED)


def test_the_job_goes_on_when_its_launcher_is_killed(store: JobStore, tmp_path: Path) -> None:
    code = f"""
import time
from pathlib import Path
from derm_model.jobs import JobStore, launch
launch(JobStore(Path({str(store.root)!r})), ["rehearse", "--out", "aus gabe ß.txt", "--seconds", "0.4"], "Rehearsal")
print("launched", flush=True)
time.sleep(60)"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=tmp_path) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"launched\n"
        server.kill()
    (job,) = store.list()
    assert job.is_active
    ended = wait_for_end(store, job)
    assert ended.status.state == JobState.FINISHED
    assert pieces(tmp_path) == ["0", "1", "2"]  # relative to the folder it was launched from


def test_a_second_worker_on_one_folder_is_refused(store: JobStore, tmp_path: Path) -> None:
    job = wait_for_work(store, start(store, tmp_path, *LONG))
    second = subprocess.run(worker_command(job), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert second.returncode == 2
    assert "one worker" in second.stderr
    assert store.read(job.id).status.pid == job.status.pid
    cancel(store, job.id)
    assert wait_for_end(store, job).status.state == JobState.CANCELLED
    assert len(pieces(tmp_path)) == len(set(pieces(tmp_path)))


def test_a_job_that_has_ended_is_not_run_again(store: JobStore, tmp_path: Path) -> None:
    job = wait_for_end(store, start(store, tmp_path))
    again = subprocess.run(worker_command(job), capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert again.returncode == 2
    assert "is finished" in again.stderr
    assert pieces(tmp_path) == ["0", "1", "2"]
    assert store.read(job.id).status == job.status


def test_a_job_cancelled_before_it_began_does_nothing(store: JobStore, tmp_path: Path) -> None:
    job = store.new(["rehearse", "--out", str(tmp_path / "o")], "Rehearsal")
    assert cancel(store, job.id).status.state == JobState.CANCELLED
    subprocess.run(worker_command(job), timeout=PATIENCE_S, check=True)
    status = json.loads(job.paths.status.read_text("ascii"))
    assert (status["state"], status["message"]) == ("cancelled", "Cancelled before it began.")
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    "then, code, message, in_log",
    [
        ("raise ours", 2, "It went wrong.", "CurationError"),
        ("raise other", None, "ZeroDivisionError: It went wrong. The log says where.", "Traceback"),
        ("raise memory", None, "The memory of this machine was not enough. The log says where.", "MemoryError"),
        ("return 3", 3, "The command ended with code 3. The log says why.", "Wrote 3 pieces"),
    ],
)
def test_a_job_that_failed_says_why(
    then: str, code: int | None, message: str, in_log: str, store: JobStore, tmp_path: Path
) -> None:
    ended = wait_for_end(store, start(store, tmp_path, "--then", then))
    assert (ended.status.state, ended.status.exit_code) == (JobState.FAILED, code)
    assert ended.status.message == message
    assert in_log in tail(ended.paths.log)


def test_arguments_that_are_not_understood_fail_the_job(store: JobStore) -> None:
    ended = wait_for_end(store, launch(store, ["rehearse", "--nonsense"], "Rehearsal"))
    assert (ended.status.state, ended.status.exit_code) == (JobState.FAILED, 2)
    assert "unrecognized arguments: --nonsense" in tail(ended.paths.log)


def test_a_job_done_with_something_to_look_at_is_finished(store: JobStore, tmp_path: Path) -> None:
    ended = wait_for_end(store, start(store, tmp_path, "--then", "return 1"))
    assert (ended.status.state, ended.status.exit_code) == (JobState.FINISHED, 1)


def test_a_job_at_work_cannot_be_deleted(store: JobStore, tmp_path: Path) -> None:
    job = wait_for_work(store, start(store, tmp_path, *LONG))
    with pytest.raises(JobError, match=r"Rehearsal still is\. Cancel it first"):
        store.delete(job.id)
    assert store.read(job.id).is_active


def test_a_process_that_cannot_be_started_leaves_no_job(store: JobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(JobError, match="could not be started"):
        launch(store, ["rehearse"], "Rehearsal")
    assert store.list() == []
