"""`python -m derm_model crossval`: train every fold on the partition, and directly on three and nine classes; compare.

The paper's Extended Data Table 2. Each fold is a job of its own; what is finished is not done again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from derm_model.commands.crossval_jobs import Order, Piece, Trainings, parent_name
from derm_model.commands.terminal import say
from derm_model.commands.train import add_data, add_recipe, read_config, read_data
from derm_model.errors import TrainingError
from derm_model.evaluation.cross_validation import RESULT, CrossValidation
from derm_model.evaluation.cross_validation_text import as_csv, as_text
from derm_model.evaluation.fold_answers import summarise
from derm_model.files import replaced, write_json
from derm_model.jobs import JobPaths, JobStore, runs_root
from derm_model.jobs.locks import try_lock
from derm_model.jobs.store import read_request
from derm_model.taxonomy.targets import TARGETS

if TYPE_CHECKING:
    from derm_model.data.manifest import Record
    from derm_model.recipe.config import TrainConfig
    from derm_model.taxonomy import Taxonomy

PAPERS_FOLDS = 9  # Methods: "nine-fold cross-validation"
PLAN, FOLDS, LOCK = "crossval.json", "folds.csv", "crossval.lock"
EXAMPLE = """example:
  python -m derm_model crossval --workspace var/curation/skin --out var/runs/cv --preset small-data
  python -m derm_model crossval --manifest ham10000.csv --n-folds 3 --targets partition nine --out var/runs/cv
Folds are trained as jobs (python -m derm_model jobs list), one at a time per device. Ctrl-C stops them; the same
command goes on with what is missing. --out holds result.json, result.csv and result.txt, also while folds are missing.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the options."""
    parser = subparsers.add_parser(
        "crossval",
        help="compare training on the partition with training on a level, over folds",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data(parser)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where plan and result are kept")
    parser.add_argument(
        "--n-folds", type=int, metavar="K", help=f"folds to make where there are none; default {PAPERS_FOLDS}"
    )
    parser.add_argument("--fold-list", type=int, nargs="+", metavar="K", help="only these folds, from 0; default all")
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS), help="default all three")
    parser.add_argument(
        "--devices", nargs="+", metavar="NAME", help="train on these, e.g. cuda:0 cuda:1; default every GPU, else cpu"
    )
    parser.add_argument("--keep-weights", action="store_true", help="keep each fold's checkpoint")
    add_recipe(parser)


@dataclass(frozen=True)
class Setting:
    """What is the same in every fold.

    Attributes
    ----------
    digests
        Of recipe, images and folds: a folder belongs to one set of them.
    """

    folder: Path
    config: TrainConfig
    taxonomy: Taxonomy
    n_folds: int
    pieces: tuple[Piece, ...]
    digests: dict[str, str]


def run(args: argparse.Namespace) -> int:
    """Train what is missing, then print and write the result."""
    config = read_config(args)
    _check_options(args)
    folder: Path = args.out.absolute()
    store = JobStore(runs_root())
    _check_parent(store, folder)
    devices = _devices(args.devices or ())
    with _held(folder):
        setting = _prepare(args, config, folder)
        about = {"kind": "train", "crossval": parent_name(store, folder), "recipe": _one(setting.digests)}

        def arguments(piece: Piece, device: str) -> Sequence[str]:
            return train_arguments(args, folder / FOLDS, piece, device)

        order = Order(arguments, about, setting.n_folds, devices, args.keep_weights)
        trainings = Trainings(store, order, setting.pieces)

        def write() -> CrossValidation:
            result = summarise(setting.taxonomy, trainings.answers.values(), setting.n_folds)
            _write_result(folder, result)
            return result

        if trainings.answers:
            write()
        try:
            trainings.train(args.report, write)
        finally:
            if trainings.answers:
                print(as_text(write()))
    print(f"{len(setting.pieces)} folds trained: {folder / 'result.txt'}")
    return 0


def _check_options(args: argparse.Namespace) -> None:
    if args.fold is not None:
        raise TrainingError("A cross-validation trains every fold. --fold names one. Give --fold-list, or nothing.")
    if args.holdout:
        raise TrainingError("The folds say which images are held out. Leave --holdout out, or make the folds yourself.")
    if any(item.partition("=")[0] == "targets" for item in args.set):
        raise TrainingError("What is compared are the outputs. --set targets fixes them. Give --targets instead.")
    if args.n_folds is not None and (args.folds is not None or args.workspace is not None):
        raise TrainingError("The folds are there already. --n-folds is for a manifest without. Leave it out.")


def _check_parent(store: JobStore, folder: Path) -> None:
    """A job that holds a device, and waits for jobs on that device, would wait for ever."""
    request = read_request(JobPaths(folder))
    if folder.parent == store.root.absolute() and request is not None and request.device is not None:
        raise TrainingError(
            f"A cross-validation computes nothing itself. Its job was started on {request.device}, for which its folds "
            "would wait for ever. Start it without a device."
        )


def _devices(names: Sequence[str]) -> tuple[str, ...]:
    """The devices that are named, each once; by default every GPU, and the CPU where there is none.

    Raises
    ------
    TrainingError
        One of them is not there.
    """
    from derm_model.net.devices import gpu_names

    gpus = tuple(f"cuda:{i}" for i in range(len(gpu_names())))
    for name in names:
        if name not in (*gpus, "cpu"):
            raise TrainingError(
                f"A device is named like cpu or cuda:0. This machine has {', '.join((*gpus, 'cpu'))}, and no {name!r}. "
                "Leave --devices out to take all there are."
            )
    return tuple(dict.fromkeys(names)) or gpus or ("cpu",)


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep other cross-validations out of the folder, which is made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = try_lock(folder / LOCK)
    except OSError as error:
        raise TrainingError(f"--out must be a folder that can be written. {folder}: {error.strerror}.") from error
    if lock is None:
        raise TrainingError(f"A folder has one cross-validation at a time. {folder} has one at work. Wait for it.")
    with lock:
        yield


def _prepare(args: argparse.Namespace, config: TrainConfig, folder: Path) -> Setting:
    """Images, folds and what is to be trained, checked against each other and what the folder was begun with."""
    from derm_model.taxonomy import read_taxonomy

    taxonomy = read_taxonomy()
    manifest, _ = read_data(args, taxonomy)
    for problem in manifest.problems:
        say(problem.message)
    table = _folds(args, folder, manifest.records, taxonomy)
    columns = [list(map(str, table[name])) for name in ("source", "image_id", "part", "fold", "evaluate")]
    n_folds = 1 + max((int(fold) for fold in table["fold"].dropna()), default=-1)
    folds = sorted(set(range(n_folds) if args.fold_list is None else args.fold_list))
    recipe = config.to_json()
    del recipe["targets"]
    digests = {
        "recipe": _digest(recipe),
        "images": _digest(sorted([r.source, r.image_id, r.node, str(r.content_hash)] for r in manifest.records)),
        "folds": _digest(sorted(zip(*columns, strict=True))),
    }
    targets = [name for name in TARGETS if name in args.targets]
    setting = Setting(
        folder, config, taxonomy, n_folds, tuple(Piece(k, name) for k in folds for name in targets), digests
    )
    _check_pieces(setting, manifest.records, table)
    _write_or_check_plan(setting, table, {"recipe": recipe, "n_folds": n_folds, "folds": folds, "targets": targets})
    return setting


def _folds(args: argparse.Namespace, folder: Path, records: Sequence[Record], taxonomy: Taxonomy) -> Any:
    """The table of folds: the one named, the workspace's, the folder's own from before, or made now."""
    from derm_model.data.fold_table import read_folds

    path = args.folds
    if path is None and args.workspace is not None:
        from derm_model.curation.workspace import Workspace

        path = Workspace(args.workspace).paths.folds
        if not path.is_file():
            raise TrainingError(f"A cross-validation needs folds. {args.workspace} has none. Make a split in it first.")
    if path is None and (folder / FOLDS).is_file():
        path = folder / FOLDS
        table = read_folds(path)
        n_folds = table["fold"].nunique()
        if args.n_folds is not None and args.n_folds != n_folds:
            raise TrainingError(
                f"{folder} was begun with {n_folds} folds. {args.n_folds} asked for. Take another --out."
            )
        return table
    if path is not None:
        return read_folds(path)
    from derm_model.data.folds import SplitPlan, make_folds
    from derm_model.data.splits import groups
    from derm_model.data.table import to_table

    n_folds = PAPERS_FOLDS if args.n_folds is None else args.n_folds
    plan = SplitPlan(n_folds=n_folds)
    say(f"Grouping {len(records):,} images by lesion, patient and picture")
    return make_folds(to_table(records), groups(records), [False] * len(records), plan, taxonomy)


def _check_pieces(setting: Setting, records: Sequence[Record], table: Any) -> None:
    """Find out before anything is trained what could be trained nowhere.

    Raises
    ------
    DermTreeError
        There is no such fold, or no image to train on or to validate with; or options that make no sense together.
    """
    from derm_model.data.splits import split_of_fold
    from derm_model.net.run import plan_run

    for piece in setting.pieces:
        config = replace(setting.config, targets=piece.targets)
        config.check()
        split = split_of_fold(records, table, piece.fold)
        planned = plan_run(config, records, setting.taxonomy, split, fold=piece.fold)
        planned.check()
        if not len(planned.validation):
            raise TrainingError(
                f"A fold is judged by its images. {str(piece).capitalize()}, has none that can be judged. "
                "Make fewer folds, or leave it out with --fold-list."
            )


def _write_or_check_plan(setting: Setting, table: Any, plan: dict[str, Any]) -> None:
    """Write crossval.json and folds.csv, or refuse a folder that was begun with others."""
    from derm_model.data.fold_table import write_folds

    path = setting.folder / PLAN
    if path.exists():
        try:
            begun = dict(json.loads(path.read_bytes())["digests"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise TrainingError(f"{path} cannot be read ({error}). Take another --out.") from error
        if changed := [name for name, digest in setting.digests.items() if begun.get(name) != digest]:
            raise TrainingError(
                f"All folds of a cross-validation have one recipe, the same images and folds. {setting.folder} was "
                f"begun with other {' and '.join(changed)}. Take another --out, or the options it was begun with."
            )
    else:
        write_folds(setting.folder / FOLDS, table)
    write_json(path, {"format": 1, **plan, "digests": setting.digests})


def train_arguments(args: argparse.Namespace, folds: Path, piece: Piece, device: str) -> list[str]:
    """How one piece is trained, as after `python -m derm_model`; paths are absolute."""
    words = ["train"]
    if args.workspace is not None:
        words += ["--workspace", str(args.workspace.absolute())]
    else:
        words += ["--manifest", *(str(path.absolute()) for path in args.manifest)]
    words += ["--folds", str(folds), "--fold", str(piece.fold), "--preset", args.preset]
    for item in (*args.set, f"targets={piece.targets}"):
        words += ["--set", item]
    if args.stages:
        words += ["--stages", *args.stages]
    if args.initialisation:
        first = Path(args.initialisation)
        words += ["--initialisation", str(first.absolute()) if first.exists() else args.initialisation]
    if args.source_weight:
        words += ["--source-weight", *args.source_weight]
    return [*words, "--device", device, "--no-bundle", "--out={job}"]


def _write_result(folder: Path, result: CrossValidation) -> None:
    try:
        write_json(folder / RESULT, result.to_json())
        for name, text in (("result.csv", as_csv(result)), ("result.txt", as_text(result))):
            with replaced(folder / name) as temporary:
                temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TrainingError(
            f"The result needs some space. {folder} cannot be written ({error.strerror}). The folds are kept: free "
            "some space, and start the same command again."
        ) from error


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode("utf-8", "surrogateescape")).hexdigest()


def _one(digests: dict[str, str]) -> str:
    return _digest(digests)[:16]
