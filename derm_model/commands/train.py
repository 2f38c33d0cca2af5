"""`python -m derm_model train`: fine-tune on manifests, resumable, and save a bundle."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from derm_model.commands.images import add_images, read_images
from derm_model.commands.terminal import say
from derm_model.errors import TrainingError
from derm_model.progress import Report, quiet
from derm_model.words import BADGE

if TYPE_CHECKING:
    from derm_model.data.manifest import Manifest
    from derm_model.data.splits import Holdout, Split, SplitRules
    from derm_model.net.run import Run
    from derm_model.net.run_state import RunPaths
    from derm_model.net.team import Team
    from derm_model.net.training import EpochResult
    from derm_model.recipe.config import TrainConfig
    from derm_model.taxonomy import Taxonomy

EXAMPLE = """example:
  python -m derm_model train --manifest ham10000.csv pad.csv --out var/runs/first --preset small-data
  python -m derm_model train --workspace var/curation/skin --fold 0 --out var/runs/fold-0
  python -m derm_model train --manifest ham10000.csv --preset small-data --preview
  torchrun --nnodes=2 --nproc-per-node=8 --rdzv-endpoint=host:29500 --rdzv-backend=c10d -m derm_model train ...
Stop it with Ctrl-C; the same command goes on after the last finished epoch.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the options."""
    parser = subparsers.add_parser(
        "train",
        help="fine-tune a network on manifests and save a bundle",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_data(parser)
    parser.add_argument("--out", type=Path, help="run folder; an unfinished run in it is resumed")
    add_recipe(parser)
    parser.add_argument(
        "--preview", action="store_true", help="print classes, images, time and memory; train nothing, write nothing"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--processes", type=int, default=1, metavar="N", help="processes that divide each batch, one per GPU"
    )
    parser.add_argument(
        "--no-bundle", action="store_true", help="judge the validation images at the end, but save no bundle"
    )
    parser.add_argument("--name", help="name of the bundle; default: the run folder's name")
    parser.add_argument("--card-notes", type=Path, help="JSON file with origin, licence and limitations for the card")


def add_data(parser: argparse.ArgumentParser) -> None:
    """Options that say which images there are and how they are split."""
    data = parser.add_argument_group("data")
    add_images(data)
    data.add_argument("--folds", type=Path, metavar="FILE", help="folds of the manifest, as `split` writes them")
    data.add_argument("--fold", type=int, metavar="K", help="fold that validates, from 0; the others train")
    data.add_argument(
        "--holdout",
        nargs="+",
        default=[],
        metavar="SOURCE=SHARE",
        help="held-out share per source, or SOURCE=official; default 0.15; not with folds",
    )
    data.add_argument(
        "--validation", type=float, default=0.10, help="share of the remaining groups used for validation"
    )


def add_recipe(parser: argparse.ArgumentParser) -> None:
    """Options that change the recipe."""
    recipe = parser.add_argument_group("recipe")
    recipe.add_argument("--preset", default="paper", help="paper (default) or small-data")
    recipe.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any option of the recipe (docs/training.md lists them), e.g. --set learning_rate=1e-4; none for no value",
    )
    recipe.add_argument(
        "--stages", nargs="+", metavar="PX:EPOCHS", help="training crop sizes and epochs, e.g. 192:4 240:2"
    )
    recipe.add_argument("--initialisation", help="imagenet (default), random, or a path to a backbone or a bundle")
    recipe.add_argument(
        "--source-weight", nargs="+", default=[], metavar="SOURCE=WEIGHT", help="extra sampling weight of a source"
    )


def read_config(args: argparse.Namespace) -> TrainConfig:
    """The preset with the options given on top.

    Raises
    ------
    TrainingError
        An unknown preset or option, a value that cannot be read, or a combination that makes no sense.
    """
    from derm_model.recipe.words import from_arguments

    config = from_arguments(
        args.preset,
        settings=args.set,
        stages=args.stages or (),
        source_weights=args.source_weight,
        initialisation=args.initialisation,
    )
    config.check()
    return config


def _shares(holdout: Sequence[str]) -> dict[str, Holdout]:
    """``SOURCE=SHARE`` each, as shares by source."""
    from derm_model.data.splits import OFFICIAL

    shares: dict[str, Holdout] = {}
    for item in holdout:
        try:
            source, share = item.rsplit("=", 1)
            shares[source] = OFFICIAL if share == OFFICIAL else float(share)
        except ValueError:
            raise TrainingError(f"--holdout wants SOURCE=SHARE or SOURCE=official, got {item!r}.") from None
    return shares


def read_data(args: argparse.Namespace, taxonomy: Taxonomy) -> tuple[Manifest, SplitRules | Split]:
    """The images, and how they are split.

    Raises
    ------
    DermTreeError
        A file that cannot be read, folds of other images, or options that exclude each other.
    """
    from derm_model.data.fold_table import read_folds
    from derm_model.data.splits import SplitRules, split_of_fold

    manifest, folds = read_images(args, taxonomy), args.folds
    if args.workspace is not None and folds is None:
        from derm_model.curation.workspace import Workspace

        made = Workspace(args.workspace).paths.folds
        folds = made if made.is_file() else None
    if args.fold is not None and folds is None:
        raise TrainingError(
            "--fold names a fold of a table. There is none. Give --folds FILE, or make a split in the workspace first."
        )
    if folds is not None and (args.fold is not None or args.folds is not None):
        if args.holdout:
            raise TrainingError("Folds say which images are held out. Leave --holdout out, or train without folds.")
        return manifest, split_of_fold(manifest.records, read_folds(folds), args.fold or 0)
    return manifest, SplitRules(holdout=_shares(args.holdout), validation=args.validation)


def run(args: argparse.Namespace) -> int:
    """Train, then evaluate on the held-out images and save the bundle."""
    config = read_config(args)
    if args.out is None and not args.preview:
        raise TrainingError("A run needs a folder. None was named. Give --out DIR.")

    from derm_model.net.launching import is_one_of_several, train_in_processes
    from derm_model.net.precision import find_device
    from derm_model.net.run import prepare_run
    from derm_model.net.run_state import RunPaths
    from derm_model.taxonomy import read_taxonomy

    device = find_device(args.device)
    if args.preview:
        return _preview(args, config, device)
    paths = RunPaths(args.out)
    if args.processes > 1 and not is_one_of_several():
        train_in_processes(args.processes, args.words, paths, args.report)
        return 0
    taxonomy = read_taxonomy()
    manifest, rules = read_data(args, taxonomy)
    for problem in manifest.problems:
        say(problem.message)
    if is_one_of_several():
        return _train_as_one_of_several(args, config, manifest, rules, taxonomy, paths, device)
    with paths.locked():
        prepared = prepare_run(config, manifest.records, taxonomy, rules, paths, fold=args.fold, say=say)
        _say_what_is_trained(prepared)
        train(prepared, paths, device, args.report)
        return finish(args, prepared, paths, device, args.report)


def _train_as_one_of_several(
    args: argparse.Namespace,
    config: TrainConfig,
    manifest: Manifest,
    rules: SplitRules | Split,
    taxonomy: Taxonomy,
    paths: RunPaths,
    device: str,
) -> int:
    """One process of a team: the leader prepares the run and finishes it, all train."""
    from derm_model.net.effort import Clock
    from derm_model.net.launching import ProgressFile, failures_noted
    from derm_model.net.run import prepare_run
    from derm_model.net.team import joined
    from derm_model.net.training import EpochResult, fit

    with failures_noted(paths), joined(device) as (team, own), _locked_by_leader(paths, team):
        if team.leads:
            prepared = prepare_run(config, manifest.records, taxonomy, rules, paths, fold=args.fold, say=say)
            _say_what_is_trained(prepared)
        team.wait()
        if not team.leads:
            prepared = prepare_run(config, manifest.records, taxonomy, rules, paths, fold=args.fold)
        report = ProgressFile(paths) if team.leads else quiet
        clock = Clock(prepared, str(own), team.size)
        for result in fit(prepared, paths, device=own, team=team, stop=paths.stop.exists):
            report(clock.progress(result))
            if team.leads and isinstance(result, EpochResult):
                say(in_words(result))
        return finish(args, prepared, paths, str(own), report) if team.leads else 0


def _locked_by_leader(paths: RunPaths, team: Team) -> AbstractContextManager[None]:
    return paths.locked() if team.leads else nullcontext()


def _say_what_is_trained(run: Run) -> None:
    say(
        f"{len(run.train):,} images to train on, {len(run.validation):,} for validation, {len(run.test):,} held out, "
        f"{len(run.split.excluded):,} left out, {run.not_in_a_class:,} with a diagnosis no class covers, "
        f"{run.not_judged:,} labelled too coarsely to be judged"
    )
    for i, cls in enumerate(run.partition.classes):
        say(f"  class {i}: {cls.name} ({cls.n_images:,} images)")
    for coarse in run.targets.coarse:
        say(f"  {coarse.n_images:,} images of {coarse.node} train the sum of {len(coarse.classes)} classes")


def train(run: Run, paths: RunPaths, device: str, report: Report) -> None:
    """Train to the end of the schedule, telling `report`; whatever it raises stops the training between two steps."""
    from derm_model.net.effort import Clock
    from derm_model.net.training import EpochResult, fit

    clock = Clock(run, device)
    try:
        for result in fit(run, paths, device=device):
            if isinstance(result, EpochResult):
                say(in_words(result))
            report(clock.progress(result))
    except KeyboardInterrupt:
        say("Stopped. The last finished epoch is kept; the same command goes on from it.")
        raise


def finish(args: argparse.Namespace, run: Run, paths: RunPaths, device: str, report: Report) -> int:
    """Judge the finished network on the validation images, then measure it on the held-out ones and save the bundle."""
    from derm_model.net.release import CardNotes, choose, release

    if not len(run.validation):
        if args.no_bundle:
            print(f"Trained: {paths.checkpoint}")
            return 0
        raise TrainingError(
            "A bundle needs validation images for its temperature and thresholds. Use --validation 0.1, or --no-bundle."
        )
    chosen = choose(run, paths, device=device, report=report)
    say(f"The {chosen.model.weights} weights are kept")
    if args.no_bundle:
        print(f"Trained: {paths.validation}")
        return 0
    name = args.name or paths.folder.resolve().name
    folder = release(run, chosen, paths, name, CardNotes.read(args.card_notes), device=device, say=say, report=report)
    print(f"Bundle saved: {folder}. {BADGE}.")
    return 0


def _preview(args: argparse.Namespace, config: TrainConfig, device: str) -> int:
    from derm_model.net.preview import preview, preview_lines
    from derm_model.taxonomy import read_taxonomy

    taxonomy = read_taxonomy()
    manifest, rules = read_data(args, taxonomy)
    seen = preview(config, manifest.records, taxonomy, rules, device=device, fold=args.fold, n_processes=args.processes)
    print("\n".join(preview_lines(seen)))
    return 0


def in_words(result: EpochResult) -> str:
    """An epoch as a line of the log."""
    accuracy = "no validation images" if result.accuracy is None else f"mean class accuracy {result.accuracy:.3f}"
    return (
        f"epoch {result.epoch}/{result.n_epochs} at {result.size_px} px: loss {result.loss:.4f}, {accuracy}, "
        f"{result.images_per_second:.1f} images/s, {result.seconds:.0f} s, {result.memory_bytes / 2**30:.1f} GiB"
    )
