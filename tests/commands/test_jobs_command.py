"""`jobs`: what is listed and shown, how a job is named, and that each action reaches the right folder."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from derm_model.__main__ import main
from derm_model.files import write_json
from derm_model.jobs import Job, JobState, JobStatus, JobStore, jobs_root, runs_root
from derm_model.jobs.job import utc_now
from derm_model.typed_json import encode
from tests.jobs.rehearsal import rehearsal, wait_for_end, wait_for_work

__all__ = ["rehearsal"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def make(title: str, state: JobState, *, run: bool = False, **changes: object) -> Job:
    store = JobStore(runs_root() if run else jobs_root())
    job = store.new(["rehearse", "--out={job}/o ut"], title, {"kind": "train"}, device="cpu" if run else None)
    status = replace(JobStatus(updated_at=utc_now(), state=state), **changes)  # type: ignore[arg-type]
    write_json(job.paths.status, encode(status))
    time.sleep(0.002)  # the newest is told by the millisecond
    return store.read(job.id)


def call(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["jobs", *arguments]) == code
    found = capsys.readouterr()
    return found.err if code else found.out


def test_a_list_of_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(capsys, "list") == "There are no jobs.\n"
    assert json.loads(call(capsys, "list", "--json")) == []
    assert "There are no jobs" in call(capsys, "show", code=2)


def test_the_list_shows_jobs_and_runs_newest_first_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    host = {"host": "another machine", "pid": 1}
    old = make("Import HAM10000", JobState.FINISHED, stage="Reading images", done=9037, total=9037)
    queued = make("Second", JobState.QUEUED, run=True, message="Waits for 1 other job on cpu.", **host)
    running = make(
        "Train",
        JobState.RUNNING,
        run=True,
        stage="Training",
        done=3,
        total=12,
        unit="epochs",
        remaining_s=700.0,
        **host,
    )
    lines = call(capsys, "list").splitlines()
    column = lines[0].index("TITLE")
    assert [line[column:] for line in lines] == ["TITLE", "Train", "Second", "Import HAM10000"]
    assert lines[1].split() == f"{running.id} running Training: 3 of 12 epochs (25%) 12 min Train".split()
    assert lines[2].split() == f"{queued.id} queued Waits for 1 other job on cpu. Second".split()
    assert lines[3].split()[:2] == [old.id, "finished"]


def test_old_jobs_are_listed_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for i in range(13):
        make(f"job {i}", JobState.FINISHED)
    lines = call(capsys, "list").splitlines()
    assert (len(lines), lines[-1]) == (12, "3 more that ended earlier: --all")
    assert len(call(capsys, "list", "--all").splitlines()) == 14
    assert len(json.loads(call(capsys, "list", "--json", "--all"))) == 13


def test_the_list_says_how_lost_jobs_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    lost = make("Train", JobState.RUNNING, run=True, pid=1)
    make("Failed", JobState.FAILED)
    lines = call(capsys, "list").splitlines()
    assert lines[2].split()[1] == "lost"
    assert lines[-2] == "This one ended without a word; what was finished is kept. Go on with:"
    assert lines[-1] == f"  python -m derm_model jobs resume {lost.id}"


def test_show_tells_all_and_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    job = make("Train", JobState.FAILED, run=True, message="It went wrong.", n_resumed=2, queued_at="then")
    make("Newer", JobState.FINISHED)
    said = call(capsys, "show", job.id)
    for words in ("It went wrong.", "2 times, last then", "cpu", "kind: train", str(job.paths.folder)):
        assert words in said
    assert f"python -m derm_model rehearse '--out={job.paths.folder.absolute()}/o ut'" in said
    assert said.endswith(f"Go on with: python -m derm_model jobs resume {job.id}\n")
    assert "Newer" in call(capsys, "show")
    shown = json.loads(call(capsys, "show", "--json", job.id))
    assert (shown["id"], shown["status"]["state"], shown["request"]["device"]) == (job.id, "failed", "cpu")


def test_a_job_is_named_by_a_beginning_or_an_end_that_is_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    job, other = make("one", JobState.FINISHED), make("two", JobState.FINISHED, run=True)
    assert "one" in call(capsys, "show", job.id[-6:])
    assert "two" in call(capsys, "show", other.id[-6:])
    said = call(capsys, "show", job.id[:2], code=2)
    assert job.id in said and other.id in said and "Give more of it" in said
    assert "None has 'zzz'" in call(capsys, "delete", "zzz", code=2)
    assert "None has ''" in call(capsys, "delete", "", code=2)


def test_the_log_shows_as_many_lines_as_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    job = make("one", JobState.FINISHED)
    job.paths.log.write_text("".join(f"line {i}\n" for i in range(300)), encoding="utf-8")
    assert call(capsys, "log").splitlines() == [f"line {i}" for i in range(100, 300)]
    assert call(capsys, "log", job.id, "--lines", "2") == "line 298\nline 299\n"
    assert "--lines is 1 or more" in call(capsys, "log", job.id, "--lines", "0", code=2)


def test_a_job_is_deleted_with_its_folder_but_not_while_it_is_at_work(capsys: pytest.CaptureFixture[str]) -> None:
    ended, waiting = make("one", JobState.FINISHED, run=True), make("two", JobState.QUEUED)
    assert "two still is" in call(capsys, "delete", waiting.id, code=2)
    assert call(capsys, "delete", ended.id) == f"{ended.id}: deleted\n"
    assert not ended.paths.folder.exists()


def test_a_job_is_stopped_and_resumed_as_a_process(capsys: pytest.CaptureFixture[str]) -> None:
    from derm_model.jobs import launch

    store = JobStore(runs_root())
    arguments = ["rehearse", "--out={job}/out", "--pieces", "600", "--seconds", "0.05", "--unless", "{job}/enough"]
    job = wait_for_work(store, launch(store, arguments, "Rehearsal", device="cpu"))
    assert "asked to stop" in call(capsys, "stop", job.id[-6:])
    wait_for_end(store, job)
    assert call(capsys, "stop", job.id) == f"{job.id}: cancelled\n"
    assert call(capsys, "resume", job.id) == f"{job.id}: goes on\n"
    wait_for_work(store, job)
    assert "is being ended" in (said := call(capsys, "stop", "--force", job.id)) or "cancelled" in said
    assert wait_for_end(store, job).status.state is JobState.CANCELLED
    (job.paths.folder / "enough").touch()
    call(capsys, "resume", job.id)
    assert wait_for_end(store, job).status.state is JobState.FINISHED
    assert "is finished" in call(capsys, "resume", job.id, code=2)
