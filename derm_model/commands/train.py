"""`python -m derm_model train`: fine-tune on manifests, resumable, and save a bundle."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from derm_model.errors import TrainingError
from derm_model.words import BADGE

if TYPE_CHECKING:
    from derm_model.data.splits import SplitRules
    from derm_model.net.config import TrainConfig

EXAMPLE = """example:
  python -m derm_model train --manifest ham10000.csv pad.csv --out var/runs/first --preset small-data
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
    parser.add_argument("--manifest", type=Path, nargs="+", required=True, help="manifest CSV files (docs/training.md)")
    parser.add_argument("--out", type=Path, required=True, help="run folder; an unfinished run in it is resumed")
    parser.add_argument("--preset", default="paper", help="paper (default) or small-data")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="any option of the recipe (derm_model/net/config.py), e.g. --set learning_rate=1e-4",
    )
    parser.add_argument(
        "--stages", nargs="+", metavar="PX:EPOCHS", help="training crop sizes and epochs, e.g. 192:4 240:2"
    )
    parser.add_argument("--initialisation", help="imagenet (default), random, or a path to a backbone or a bundle")
    parser.add_argument(
        "--holdout",
        nargs="+",
        default=[],
        metavar="SOURCE=SHARE",
        help="held-out share per source, or SOURCE=official; default 0.15",
    )
    parser.add_argument(
        "--validation", type=float, default=0.10, help="share of the remaining groups used for validation"
    )
    parser.add_argument(
        "--source-weight", nargs="+", default=[], metavar="SOURCE=WEIGHT", help="extra sampling weight of a source"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument(
        "--no-bundle", action="store_true", help="stop after the last epoch, without evaluating and bundling"
    )
    parser.add_argument("--name", help="name of the bundle; default: the run folder's name")
    parser.add_argument("--card-notes", type=Path, help="JSON file with origin, licence and limitations for the card")


def read_config(args: argparse.Namespace) -> TrainConfig:
    """The preset with the options given on top.

    Raises
    ------
    TrainingError
        An unknown preset or option, or a value that cannot be read.
    """
    from derm_model.net.config import PRESETS, Stage, TrainConfig

    if args.preset not in PRESETS:
        raise TrainingError(f"Unknown preset {args.preset!r}. Choose one of {', '.join(PRESETS)}.")
    config = PRESETS[args.preset]
    values = {name: _value(name, text, config) for name, text in (_pair(item, "--set") for item in args.set)}
    if args.initialisation:
        values["initialisation"] = args.initialisation
    if args.source_weight:
        values["source_weights"] = {
            k: _number(v, k) for k, v in (_pair(item, "--source-weight") for item in args.source_weight)
        }
    if args.stages:
        pairs = [item.split(":") for item in args.stages]
        if not all(len(p) == 2 and all(x.isdigit() and int(x) > 0 for x in p) for p in pairs):
            raise TrainingError(f"--stages wants PX:EPOCHS, e.g. 192:4; got {' '.join(args.stages)}.")
        values["stages"] = tuple(Stage(int(px), int(epochs)) for px, epochs in pairs)
    return TrainConfig.from_json({f.name: getattr(config, f.name) for f in dataclasses.fields(config)} | values)


def _pair(item: str, option: str) -> tuple[str, str]:
    name, equals, value = item.partition("=")
    if not equals:
        raise TrainingError(f"{option} wants NAME=VALUE, got {item!r}.")
    return name, value


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise TrainingError(f"{name} wants a number, got {text!r}.") from None


def _value(name: str, text: str, config: TrainConfig) -> object:
    """Read a value as the type its default has."""
    if not hasattr(config, name):
        known = ", ".join(f.name for f in dataclasses.fields(config))
        raise TrainingError(f"Unknown training option {name!r}. Known: {known}.")
    default = getattr(config, name)
    if isinstance(default, bool):
        if text.lower() not in ("true", "false"):
            raise TrainingError(f"{name} wants true or false, got {text!r}.")
        return text.lower() == "true"
    if isinstance(default, tuple):
        return tuple(_number(part, name) for part in text.split(","))
    if isinstance(default, int):
        return int(_number(text, name))
    if isinstance(default, float) or default is None:
        return _number(text, name)
    return text


def read_rules(args: argparse.Namespace) -> SplitRules:
    """Split rules from --holdout and --validation."""
    from derm_model.data.splits import OFFICIAL, SplitRules

    pairs = (_pair(item, "--holdout") for item in args.holdout)
    shares = {name: OFFICIAL if value == "official" else _number(value, name) for name, value in pairs}
    return SplitRules(holdout=shares, validation=args.validation)


def run(args: argparse.Namespace) -> int:
    """Train, then evaluate on the held-out images and save the bundle. 130 after Ctrl-C."""
    config, rules = read_config(args), read_rules(args)

    from derm_model.data.manifest import join, read_manifest
    from derm_model.net.precision import find_device
    from derm_model.net.run import prepare_run
    from derm_model.net.run_state import RunPaths
    from derm_model.net.training import fit
    from derm_model.taxonomy import read_crosswalk, read_taxonomy

    taxonomy = read_taxonomy()
    crosswalk = read_crosswalk(taxonomy)
    manifest = join([read_manifest(path, taxonomy, crosswalk) for path in args.manifest], taxonomy)
    for problem in manifest.problems:
        say(problem.message)
    paths = RunPaths(args.out)
    prepared = prepare_run(config, manifest.records, taxonomy, rules, paths, say=say)
    say(
        f"{len(prepared.train.records):,} images to train on, {len(prepared.validation.records):,} for validation, "
        f"{len(prepared.test.records):,} held out, {len(prepared.split.excluded):,} left out beside test images, "
        f"{prepared.not_in_a_class:,} with a diagnosis no class covers"
    )
    for i, cls in enumerate(prepared.partition.classes):
        say(f"  class {i}: {cls.name} ({cls.n_images:,} images)")
    device = find_device(args.device)
    try:
        for result in fit(
            config, prepared.train, prepared.validation, len(prepared.partition.classes), paths, device=device
        ):
            accuracy = (
                "no validation images" if result.accuracy is None else f"mean class accuracy {result.accuracy:.3f}"
            )
            say(
                f"epoch {result.epoch}/{result.n_epochs} at {result.size_px} px: loss {result.loss:.4f}, {accuracy}, "
                f"{result.images_per_second:.1f} images/s, {result.seconds:.0f} s"
            )
    except KeyboardInterrupt:
        say("Stopped. The last finished epoch is kept; the same command goes on from it.")
        return 130
    if args.no_bundle:
        return 0

    from derm_model.net.release import CardNotes, release

    notes = CardNotes.read(args.card_notes)
    folder = release(prepared, taxonomy, paths, args.name or paths.folder.name, notes, device=device, say=say)
    say(f"Bundle saved: {folder}. {BADGE}.")
    return 0


def say(text: str) -> None:
    """One line of progress on standard error."""
    print(text, file=sys.stderr, flush=True)
