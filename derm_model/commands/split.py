"""`split`: test set and folds in which no group straddles, or a check of a split that others made."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from derm_model.data.split_plan import SplitPlan
from derm_model.errors import SplitError

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.data.split_doctor import ForeignSplit, LeakReport

EXAMPLE = """\
Images that belong together (one picture, lesion or patient) are a group, and no group lies in two parts or folds. A
workspace knows its groups and its poor pictures; for a manifest, the groups are found by ids and pictures.
With --check, nothing is split: the groups that lie in several parts of the given split are listed, and the exit code is
1 when there are any.

example:
  python -m derm_model split --workspace var/curation/skin --test-fraction 0.15 --folds 9
  python -m derm_model split --manifest ham10000.csv --test-confirmed-by histopathology --out folds.csv
  python -m derm_model split --workspace var/curation/skin --check challenge.csv --out leaks.csv
  python -m derm_model split --manifest isic2017.csv --check official
"""
OFFICIAL = "official"
SHOWN_LEAKS = 20  # more are read in the file that --out writes


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to a command line."""
    parser = subparsers.add_parser(
        "split",
        help="choose test set and folds, or check a split for leaks",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--workspace", type=Path, metavar="DIR", help="folder of a curation workspace")
    where.add_argument("--manifest", type=Path, metavar="FILE", help="manifest alone, CSV or Parquet")
    parser.add_argument(
        "--groups", type=Path, metavar="CSV", help="groups of a manifest: image_id, group, maybe source"
    )
    parser.add_argument("--by-ids", action="store_true", help="groups of a manifest by ids alone, no picture is read")
    parser.add_argument("--out", type=Path, metavar="FILE", help="folds (or leaks) as CSV, or Parquet by its suffix")
    _add_plan(parser)
    check = parser.add_argument_group("check of a split")
    check.add_argument("--check", metavar="CSV", help='file with an image and a part per row, or "official"')
    check.add_argument("--id-column", metavar="NAME", help="its column of images, if it has an unusual name")
    check.add_argument("--split-column", metavar="NAME", help="its column of parts, if it has an unusual name")


def _add_plan(parser: argparse.ArgumentParser) -> None:
    usual = SplitPlan()
    plan = parser.add_argument_group("plan")
    plan.add_argument("--test-source", action="append", default=[], metavar="NAME", help="source that is a test set")
    plan.add_argument(
        "--test-fraction", type=float, default=usual.test_fraction, metavar="SHARE", help="drawn, e.g. 0.15"
    )
    plan.add_argument("--no-official-test", action="store_true", help="official test images are like any other")
    plan.add_argument(
        "--test-confirmed-by", action="append", metavar="WORD", help="only these test: histopathology, ..."
    )
    plan.add_argument("--folds", type=int, default=usual.n_folds, metavar="K", help=f"default {usual.n_folds}")
    plan.add_argument(
        "--level", type=int, metavar="N", help="spread classes of this taxonomy level (1: roots); default nodes"
    )
    plan.add_argument("--by-source", action="store_true", help="spread each source's classes by themselves")
    plan.add_argument("--seed", type=int, default=usual.seed, metavar="N", help="same seed, same folds")


def run(args: argparse.Namespace) -> int:
    """Split and print the counts; or check, and return 1 when the split leaks."""
    if args.workspace is not None and (args.groups or args.by_ids):
        raise SplitError("A workspace knows its groups. --groups and --by-ids are for a manifest. Leave them out.")
    if args.check is not None:
        return _check(args)
    plan = SplitPlan(
        test_sources=tuple(args.test_source),
        use_official_test=not args.no_official_test,
        test_fraction=args.test_fraction,
        test_confirmations=tuple(args.test_confirmed_by) if args.test_confirmed_by else None,
        n_folds=args.folds,
        stratify_level=args.level,
        stratify_source=args.by_source,
        seed=args.seed,
    )
    if args.workspace is None and args.out is None:
        raise SplitError("Folds of a manifest need a file. None was named. Give --out folds.csv.")
    folds = _split_workspace(args.workspace, plan) if args.workspace is not None else _split_manifest(args, plan)
    if args.out is not None:
        from derm_model.data.folds import write_folds

        write_folds(args.out, folds)
    print("\n".join(_lines(folds)))
    return 0


def _split_workspace(folder: Path, plan: SplitPlan) -> pd.DataFrame:
    from derm_model.curation.stages import make_split
    from derm_model.curation.workspace import Workspace

    return make_split(Workspace(folder), plan)


def _split_manifest(args: argparse.Namespace, plan: SplitPlan) -> pd.DataFrame:
    from derm_model.data.folds import make_folds
    from derm_model.taxonomy import read_taxonomy

    table, groups = _read_manifest(args)
    return make_folds(table, groups, [False] * len(table), plan, read_taxonomy())


def _check(args: argparse.Namespace) -> int:
    from derm_model.data.split_doctor import find_leaks, leak_table

    table, groups = _read_workspace(args.workspace) if args.workspace is not None else _read_manifest(args)
    foreign = _read_split(args, table)
    for problem in foreign.problems:
        print(problem.message, file=sys.stderr)
    report = find_leaks(groups, foreign.parts)
    if args.out is not None:
        from derm_model.data.folds import write_folds

        write_folds(args.out, leak_table(report, table))
    print("\n".join(_leak_lines(report, table)))
    return 1 if report.leaks else 0


def _read_split(args: argparse.Namespace, table: pd.DataFrame) -> ForeignSplit:
    from derm_model.data.split_doctor import official_parts, read_foreign_split

    if args.check == OFFICIAL:
        return official_parts(table)
    return read_foreign_split(Path(args.check), table, id_column=args.id_column, split_column=args.split_column)


def _read_workspace(folder: Path) -> tuple[pd.DataFrame, list[int]]:
    from derm_model.curation.view import load_curation
    from derm_model.curation.workspace import Workspace

    workspace = Workspace(folder)
    workspace.need_table()
    curation = load_curation(workspace)
    return curation.collection.table, curation.groups.tolist()


def _read_manifest(args: argparse.Namespace) -> tuple[pd.DataFrame, list[int]]:
    """Table and groups of a manifest; its problems are lines on standard error."""
    from derm_model.data.duplicates.grouping import groups
    from derm_model.data.manifest import read_manifest
    from derm_model.data.table import to_table
    from derm_model.taxonomy import read_crosswalk, read_taxonomy

    taxonomy = read_taxonomy()
    manifest = read_manifest(args.manifest, taxonomy, read_crosswalk(taxonomy))
    for problem in manifest.problems:
        print(problem.message, file=sys.stderr)
    table = to_table(manifest.records)
    if args.groups is not None:
        return table, read_groups(args.groups, table)
    return table, groups(manifest.records, pixels=not args.by_ids)


def read_groups(path: Path, table: pd.DataFrame) -> list[int]:
    """Read the group of each image from a CSV file with the columns image_id, group and, if ids repeat, source.

    Raises
    ------
    SplitError
        The file cannot be read, lacks a column, or names no group for an image.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
        named = {(row.get("source", ""), row["image_id"]): row["group"].strip() for row in rows}
    except (OSError, ValueError, KeyError, AttributeError, csv.Error) as error:
        raise SplitError(
            f"Groups are read from a CSV file in UTF-8 with the columns image_id and group. {path}: "
            f"{type(error).__name__} {error}. Correct the file."
        ) from error
    keys = list(zip(table["source"], table["image_id"], strict=True))
    found = [named.get(key) or named.get(("", key[1])) for key in keys]
    missing = [key[1] for key, group in zip(keys, found, strict=True) if not group]
    if missing:
        raise SplitError(
            f"Every image belongs to a group, if need be its own. {path} names none for {len(missing):,} images "
            f"({', '.join(missing[:5])}). Add them."
        )
    numbers: dict[str, int] = {}
    return [numbers.setdefault(str(group), len(numbers)) for group in found]


def _lines(folds: pd.DataFrame) -> Iterator[str]:
    """Counts per part and fold, and last the one line a list of jobs shows."""
    yield f"{'':12}  {'images':>8}  {'evaluated':>9}  {'groups':>8}"
    for (part, fold), rows in folds.groupby(["part", "fold"], dropna=False, sort=True):
        name = part if str(fold) == "<NA>" or fold != fold else f"fold {fold}"
        yield f"{name:12}  {len(rows):8,}  {int(rows['evaluate'].sum()):9,}  {rows['group'].nunique():8,}"
    sizes = folds["part"].value_counts()
    n_folds = folds["fold"].nunique()
    yield (
        f"{sizes.get('development', 0):,} images in {n_folds} folds, {sizes.get('test', 0):,} in the test set, "
        f"{sizes.get('left out', 0):,} left out; no group lies in two of them"
    )


def _leak_lines(report: LeakReport, table: pd.DataFrame) -> Iterator[str]:
    """Sizes, the groups found, and last the summary."""
    yield ", ".join(f"{name}: {n:,} images" for name, n in report.part_sizes.items())
    for pair in report.pairs:
        yield (
            f"{pair.first} and {pair.second} share {pair.n_groups:,} group{'' if pair.n_groups == 1 else 's'} "
            f"(a random split {pair.n_expected:,.1f} on average)"
        )
    names = table["image_id"].tolist()
    for leak in report.leaks[:SHOWN_LEAKS]:
        members = (f"{names[i]} ({part})" for i, part in zip(leak.members, leak.parts, strict=True))
        yield f"  group {leak.group}: {', '.join(members)}"
    if len(report.leaks) > SHOWN_LEAKS:
        yield f"  and {len(report.leaks) - SHOWN_LEAKS:,} more groups"
    yield report.summary
