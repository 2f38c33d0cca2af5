"""A disk that is full: work ends with a reason, and the reason is written."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from derm_model.disk import RESERVE_BYTES, free_reserve, full_disk, keep_reserve
from derm_model.errors import CurationError, JobError
from derm_model.jobs import JobState, JobStore, cancel, launch, resume
from tests.jobs.rehearsal import wait_for_end


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    yield folder
    for job in JobStore(folder / "jobs").list():
        cancel(JobStore(folder / "jobs"), job.id, force=True)
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(path: Path) -> None:
    """Take the space that is left."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while file.write(bytes(512)):
            pass


def test_a_file_that_may_not_grow_fails_the_job_with_a_reason_and_the_log_ends_no_work(store: JobStore) -> None:
    job = launch(store, ["rehearse", "--out={job}/o", "--then", "limit 20000"], "Rehearsal")
    ended = wait_for_end(store, job)
    assert ended.status.state is JobState.FAILED
    assert ended.status.message == (
        "The disk is full: File too large. Free some space, then resume; what was finished is kept."
    )
    assert ended.paths.log.stat().st_size <= 20_000
    assert ended.status.result == "A log that is full, too, ends no work."
    assert not ended.paths.reserve.exists()


def test_on_a_full_disk_the_end_is_written_all_the_same_and_the_job_goes_on_later(small_disk: Path) -> None:
    store = JobStore(small_disk / "jobs")
    filler = small_disk / "filler"
    arguments = ["rehearse", "--out={job}/o", "--then", f"fill {filler}"]
    ended = wait_for_end(store, launch(store, arguments, "Rehearsal", device="cpu"))
    assert ended.status.state is JobState.FAILED
    assert ended.status.message.startswith("The disk is full: No space left on device. Free some space, then resume;")
    # whoever comes now is told, and nothing breaks
    fill(small_disk / "rest")
    with pytest.raises(JobError, match="The disk is full: No space left on device"):
        resume(store, ended.id)
    assert store.read(ended.id).status == ended.status
    with pytest.raises(JobError, match=r"cannot be written \(No space left"):
        store.new(["rehearse"], "Rehearsal")
    (small_disk / "rest").unlink()
    filler.unlink()
    filler.mkdir()  # now it fails for another reason: it was run again
    again = wait_for_end(store, resume(store, ended.id))
    assert "IsADirectoryError" in again.paths.log.read_text("utf-8")


def test_a_full_disk_is_named_whatever_became_of_its_error() -> None:
    def raised(error: Exception, cause: Exception | None = None) -> Exception:
        try:
            try:
                if cause is not None:
                    raise cause
            finally:
                raise error
        except Exception as found:
            return found

    full = OSError(errno.ENOSPC, "No space left on device", "/x/checkpoint.pt")
    sentence = "The disk is full: No space left on device (/x/checkpoint.pt). Free some space, then resume; "
    assert full_disk(full) == sentence + "what was finished is kept."
    assert full_disk(raised(RuntimeError("unexpected pos"), full)) == full_disk(full)
    assert full_disk(OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))) is not None
    assert full_disk(CurationError("I/O error: No space left on device (os error 28)")) is not None
    assert full_disk(OSError(errno.EACCES, "Permission denied")) is None
    assert full_disk(ValueError("x")) is None


def test_the_reserve_takes_space_and_gives_it_back(tmp_path: Path) -> None:
    reserve = tmp_path / "reserve"
    keep_reserve(reserve)
    assert reserve.stat().st_blocks * 512 >= RESERVE_BYTES
    free_reserve(reserve)
    free_reserve(reserve)
    keep_reserve(tmp_path / "nowhere" / "reserve")
    assert list(tmp_path.iterdir()) == []
