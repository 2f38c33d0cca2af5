"""`crossval`: folds trained as jobs, found again, gone on with and cancelled; with real processes.

One test trains really; in the others a worker's `train` writes made-up answers, so that they take no minutes.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from derm_model.__main__ import call
from derm_model.data.manifest import Record, write_manifest
from derm_model.errors import Cancelled, DermTreeError, SplitError, TrainingError
from derm_model.evaluation.cross_validation import CrossValidation, read_result
from derm_model.jobs import Job, JobState, JobStore, cancel, launch, runs_root
from derm_model.progress import Progress, Report, quiet
from tests.jobs.rehearsal import wait_until
from tests.net.drawn import draw

ROOT = Path(__file__).resolve().parents[2]
NODES = {  # taxonomy node -> colour of the blob; four of the nine classes, two of the three
    "melanoma-nos": (60, 45, 40),
    "melanocytic-nevus-nos": (190, 90, 80),
    "seborrheic-keratosis": (120, 150, 60),
    "basal-cell-carcinoma-nos": (90, 90, 200),
}
PATIENCE_S = 120.0
REHEARSED = r'''
"""Only in the workers of the tests: `train` reads its data and options, and makes its answers up."""
import os, time
from pathlib import Path
import derm_model.commands.train as train
from derm_model.progress import Progress

def run(args):
    import csv, json
    import numpy as np
    from derm_model.data.manifest import counts
    from derm_model.errors import TrainingError
    from derm_model.taxonomy import make_targets, read_taxonomy
    config, taxonomy = train.read_config(args), read_taxonomy()
    manifest, split = train.read_data(args, taxonomy)
    name = f"{args.fold}-{config.targets}"
    sign = Path(os.environ["DERM_HOME"])
    with (sign / "trained").open("a") as file:
        print(name, args.device, file=file)
    if (sign / f"fail-{name}").exists():
        raise TrainingError("The picture could not be kept.")
    while (sign / f"hang-{name}").exists():
        args.report(Progress("Training", 1, 2, "steps"))
        time.sleep(0.05)
    records = manifest.records
    made = make_targets(taxonomy, counts(records[i] for i in split.counted), targets=config.targets,
                        max_class_size=config.max_class_size).partition
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "config.json").write_text(json.dumps({"partition": made.to_json()}))
    (args.out / "checkpoint.pt").write_bytes(b"weights")
    with (args.out / "validation.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "image_id", "node", *(c.id for c in made.classes)])
        for i in split.validation:
            probs = np.full(len(made.classes), 0.1)
            probs[made.class_index(records[i].node)] = 0.9
            writer.writerow([records[i].source, records[i].image_id, records[i].node, *probs])
    print(f"Trained: {args.out}")
    return 0

train.run = run
'''


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own; trainings that a test leaves behind are ended with it."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("DERM_HOME", str(folder))
    monkeypatch.chdir(tmp_path)
    yield folder
    for job in trainings():
        cancel(store(), job.id, force=True)


@pytest.fixture
def rehearsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "rehearsal"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(REHEARSED, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), str(ROOT)]))


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    rng = np.random.default_rng(0)
    records = []
    for node, colour in NODES.items():
        for i in range(6):
            path = folder / f"{node}-{i}.png"
            draw(rng, colour).save(path)
            records.append(Record(path.stem, path, node, node, "drawn", lesion_id=f"{node}-{i // 2}"))
    write_manifest(folder / "manifest.csv", records)
    return folder / "manifest.csv"


def store() -> JobStore:
    return JobStore(runs_root())


def trainings() -> list[Job]:
    return [job for job in store().list(about={"kind": "train"}) if "crossval" in job.request.about]


def piece(job: Job) -> str:
    return f"{job.request.about['fold']}-{job.request.about['targets']}"


def words(manifest: Path, *more: str) -> list[str]:
    small = [
        "--set",
        "max_class_size=5",
        "--set",
        "architecture=tiny",
        "--initialisation",
        "random",
        "--set",
        "workers=0",
    ]
    small += ["--stages", "75:1", "--set", "read_size_px=75", "--set", "batch_size=4"]
    usual = [] if "--out" in more or any(word.startswith("--out=") for word in more) else ["--out", "cv"]
    return ["crossval", "--manifest", str(manifest), "--devices", "cpu", *usual, *small, *more]


def crossval(manifest: Path, *more: str, report: Report = quiet) -> CrossValidation:
    """Run the command in this process, its trainings in their own; the result it wrote."""
    assert call(words(manifest, *more), report) == 0
    found = read_result(Path("cv"))
    assert found is not None
    return found


def trained(home: Path) -> list[str]:
    """What was trained by a rehearsed worker, in order."""
    path = home / "trained"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def once(condition: Callable[[Job], bool], act: Callable[[Job], None]) -> Report:
    """A report that does something to the first training for which the condition holds, once."""
    done: list[str] = []

    def report(progress: Progress) -> None:
        for job in trainings() if not done else []:
            if condition(job):
                done.append(job.id)
                act(job)
                return

    return report


def kill(job: Job) -> None:
    assert job.status.pid is not None
    os.kill(job.status.pid, signal.SIGKILL)


def works_on(name: str) -> Callable[[Job], bool]:
    return lambda job: piece(job) == name and job.status.state is JobState.RUNNING


@pytest.mark.slow
def test_folds_are_trained_killed_and_gone_on_with_and_their_result_is_the_papers_table(
    manifest: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ("--n-folds", "2", "--targets", "partition", "nine")
    with pytest.raises(
        TrainingError, match=r"1 of 4 folds ended early.*fold 0, directly on nine classes.*same command"
    ):
        crossval(manifest, *chosen, report=once(works_on("0-nine"), kill))
    before = {job.id: job.status.finished_at for job in trainings() if job.status.state is JobState.FINISHED}
    assert len(before) == 3
    partial = read_result(Path("cv"))
    assert partial is not None
    assert [(result.targets, result.folds) for result in partial.results] == [("partition", (0, 1)), ("nine", (1,))]
    result = crossval(manifest, "--targets", "partition", "nine")  # the folds it made before are there
    after = {job.id: job.status.finished_at for job in trainings()}
    assert len(after) == 4
    assert before.items() <= after.items()
    assert [(own.targets, own.folds, sum(own.n_images)) for own in result.results] == [
        ("partition", (0, 1), 24),
        ("nine", (0, 1), 24),
    ]
    assert not list(runs_root().glob("*/checkpoint.pt"))
    assert "directly on nine classes" in capsys.readouterr().out


@pytest.mark.usefixtures("rehearsed")
def test_answers_become_the_result_and_only_the_weights_are_deleted(
    manifest: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[Progress] = []
    result = crossval(manifest, "--n-folds", "2", report=seen.append)
    assert [own.n_classes for own in result.results] == [4, 2, 4]
    assert all(level.mean == 1.0 for own in result.results for level in (own.three, own.nine) if level)
    assert result.of("three") is not None and result.of("three").nine is None  # type: ignore[union-attr]
    assert (seen[0].done, seen[-1].done, seen[-1].total, seen[-1].unit) == (0, 6, 6, "folds")
    assert trained(home) == [f"{fold}-{targets}" for fold in (0, 1) for targets in ("partition", "three", "nine")]
    for job in trainings():
        assert job.request.about["kind"] == "train"
        assert job.request.about["crossval"] == str(Path("cv").absolute())
        assert not (job.paths.folder / "checkpoint.pt").exists()
        assert (job.paths.folder / "validation.csv").exists()
    printed = capsys.readouterr().out
    assert Path("cv/result.txt").read_text("utf-8").strip() in printed
    assert printed.splitlines()[-1] == f"6 folds trained: {Path('cv').absolute()}/result.txt"
    assert Path("cv/result.csv").read_text("utf-8").startswith("trained_on,level,")


@pytest.mark.usefixtures("rehearsed")
def test_a_finished_cross_validation_trains_nothing_and_can_be_widened(manifest: Path, home: Path) -> None:
    crossval(manifest, "--n-folds", "3", "--targets", "nine", "--fold-list", "1", "--keep-weights")
    assert trained(home) == ["1-nine"]
    assert list(runs_root().glob("*/checkpoint.pt"))
    crossval(manifest, "--targets", "nine", "--fold-list", "1")
    assert trained(home) == ["1-nine"]
    assert not list(runs_root().glob("*/checkpoint.pt"))  # they were kept on request only
    result = crossval(manifest, "--targets", "three", "--fold-list", "0", "1")
    assert trained(home) == ["1-nine", "0-three", "1-three"]
    assert [(own.targets, own.folds) for own in result.results] == [("three", (0, 1)), ("nine", (1,))]
    assert result.n_folds == 3


@pytest.mark.usefixtures("rehearsed")
def test_a_fold_that_fails_lets_the_others_finish_and_is_named_with_its_reason(manifest: Path, home: Path) -> None:
    (home / "fail-0-nine").touch()
    with pytest.raises(TrainingError, match=r"1 of 2 folds.*fold 0, directly.*could not be kept.*same command"):
        crossval(manifest, "--n-folds", "2", "--targets", "nine")
    assert trained(home) == ["0-nine", "1-nine"]
    (home / "fail-0-nine").unlink()
    assert crossval(manifest, "--targets", "nine").results[0].folds == (0, 1)
    assert trained(home) == ["0-nine", "1-nine", "0-nine"]
    assert len(trainings()) == 2  # the failed one went on in its own folder


@pytest.mark.usefixtures("rehearsed")
def test_stopping_the_command_cancels_its_trainings_and_it_goes_on_later(manifest: Path, home: Path) -> None:
    (home / "hang-0-nine").touch()

    def stop(job: Job) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        crossval(manifest, "--n-folds", "2", "--targets", "nine", report=once(works_on("0-nine"), stop))
    ended = [wait_until(store(), job, lambda found: not found.is_active) for job in trainings()]
    assert {job.status.state for job in ended} == {JobState.CANCELLED}
    (home / "hang-0-nine").unlink()
    assert crossval(manifest, "--targets", "nine").results[0].folds == (0, 1)
    assert {job.id for job in trainings()} >= {job.id for job in ended}


@pytest.mark.usefixtures("rehearsed")
def test_a_command_that_died_finds_its_trainings_at_work_and_trains_nothing_twice(manifest: Path, home: Path) -> None:
    (home / "hang-0-nine").touch()

    def die(job: Job) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        crossval(manifest, "--n-folds", "2", "--targets", "nine", report=once(works_on("0-nine"), die))
    assert any(job.is_active for job in trainings())
    (home / "hang-0-nine").unlink()
    assert crossval(manifest, "--targets", "nine").results[0].folds == (0, 1)
    assert trained(home) == ["0-nine", "1-nine"]


@pytest.mark.usefixtures("rehearsed")
def test_a_cross_validation_that_is_a_job_cancels_its_trainings_with_itself(manifest: Path, home: Path) -> None:
    (home / "hang-0-nine").touch()
    arguments = words(manifest, "--n-folds", "2", "--targets", "nine", "--out={job}")
    parent = launch(store(), arguments, "Cross-validation", {"kind": "crossval"})
    deadline = time.monotonic() + PATIENCE_S
    while not any(works_on("0-nine")(job) for job in trainings()):
        found = store().read(parent.id)
        assert found.is_active and time.monotonic() < deadline, f"{found.status}\n{found.paths.log.read_text('utf-8')}"
        time.sleep(0.1)
    assert {job.request.about["crossval"] for job in trainings()} == {parent.id}
    cancel(store(), parent.id)
    assert wait_until(store(), parent, lambda found: not found.is_active).status.state is JobState.CANCELLED
    for job in trainings():
        assert wait_until(store(), job, lambda found: not found.is_active).status.state is JobState.CANCELLED


@pytest.mark.usefixtures("rehearsed")
def test_another_recipe_other_folds_or_images_in_the_same_folder_are_refused(manifest: Path, tmp_path: Path) -> None:
    crossval(manifest, "--n-folds", "2", "--targets", "nine", "--fold-list", "0")
    with pytest.raises(TrainingError, match="begun with other recipe"):
        crossval(manifest, "--targets", "nine", "--set", "learning_rate=0.1")
    with pytest.raises(TrainingError, match="begun with 2 folds"):
        crossval(manifest, "--n-folds", "3")
    lines = Path("cv/folds.csv").read_text().splitlines()
    parts = lines[0].split(",")
    swapped = [line.split(",") for line in lines[1:]]
    for row in swapped:
        row[parts.index("fold")] = str(1 - int(row[parts.index("fold")]))
    other = tmp_path / "other.csv"
    other.write_text("\n".join(",".join(row) for row in [parts, *swapped]))
    with pytest.raises(TrainingError, match="begun with other folds"):
        crossval(manifest, "--folds", str(other))
    assert len(trainings()) == 1


@pytest.mark.parametrize(
    ("more", "message", "kind"),
    [
        (["--fold", "0"], "--fold-list", TrainingError),
        (["--holdout", "drawn=0.1"], "Leave --holdout out", TrainingError),
        (["--set", "targets=nine"], "Give --targets", TrainingError),
        (["--n-folds", "1"], "two folds or more", SplitError),
        (["--n-folds", "2", "--fold-list", "2"], "There is no fold 2", SplitError),
        (["--devices", "cuda:7"], "no 'cuda:7'", TrainingError),
        (["--folds", "f.csv", "--n-folds", "2"], "--n-folds is for a manifest without", TrainingError),
    ],
)
def test_what_cannot_work_is_said_before_anything_is_trained(
    more: list[str], message: str, kind: type[DermTreeError], manifest: Path
) -> None:
    Path("f.csv").touch()
    with pytest.raises(kind, match=message):
        crossval(manifest, *more)
    assert trainings() == []


def test_a_job_that_holds_a_device_its_folds_would_wait_for_is_refused(manifest: Path) -> None:
    parent = store().new(["crossval"], "Cross-validation", device="cpu")
    with pytest.raises(TrainingError, match="Start it without a device"):
        call(words(manifest, f"--out={parent.paths.folder}"), quiet)


def test_two_cross_validations_do_not_share_a_folder(manifest: Path) -> None:
    from derm_model.jobs.locks import try_lock

    Path("cv").mkdir()
    lock = try_lock(Path("cv/crossval.lock"))
    assert lock is not None
    with lock, pytest.raises(TrainingError, match="one cross-validation at a time"):
        crossval(manifest, "--n-folds", "2")


def test_the_plan_says_what_it_was_begun_with(manifest: Path) -> None:
    def stop(progress: Progress) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        crossval(manifest, "--n-folds", "2", "--targets", "nine", report=stop)
    plan = json.loads(Path("cv/crossval.json").read_bytes())
    assert (plan["n_folds"], plan["folds"], plan["targets"]) == (2, [0, 1], ["nine"])
    assert plan["recipe"]["architecture"] == "tiny"
    assert set(plan["digests"]) == {"recipe", "images", "folds"}
