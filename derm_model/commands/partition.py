"""`partition`: cut the taxonomy into training classes for given image counts, and say what is lost."""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from derm_model.errors import CrosswalkError, PartitionError
from derm_model.taxonomy.crosswalk import Crosswalk, read_crosswalk
from derm_model.taxonomy.partition import MODES, NodeImages, Partition, partition
from derm_model.taxonomy.reading import read_taxonomy
from derm_model.taxonomy.search import closest_names
from derm_model.taxonomy.tree import Taxonomy

EXAMPLE = """\
The CSV has a row per node, with the images labelled with exactly that node (id or name), in the columns node and n:

  node,n
  melanocytic-nevus-nos,6194
  Actinic keratosis,113

or a row per label of a known data set, in the columns dataset, label and n:

  dataset,label,n
  HAM10000,nv,6705

example:
  python -m derm_model partition --counts counts.csv --max-class-size 1000
"""
MAX_PROBLEMS_SHOWN = 10


@dataclass(frozen=True)
class Counts:
    """Images per node id, and those whose data-set label stands for no node."""

    per_node: Mapping[str, int]
    n_excluded: int


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to a command line."""
    parser = subparsers.add_parser(
        "partition",
        help="cut the taxonomy into training classes",
        description="Cut the taxonomy into training classes of limited size (Algorithm 1 of Esteva et al. 2017).",
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--counts", required=True, type=Path, metavar="CSV", help="image counts, see below")
    parser.add_argument(
        "--max-class-size", required=True, type=int, metavar="N", help="a node with N images or more is split"
    )
    parser.add_argument(
        "--mode",
        choices=MODES,
        default="practical",
        help="practical (default): no image is lost; faithful: the published pseudocode taken literally",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def run(args: argparse.Namespace) -> int:
    """Print the partition; a PartitionError or CrosswalkError says what is wrong with the input."""
    taxonomy = read_taxonomy()
    counts = read_counts(args.counts, taxonomy)
    result = partition(taxonomy, counts.per_node, args.max_class_size, args.mode)
    if args.json:
        totals = {"n_images": result.n_images, "n_lost": result.n_lost, "n_excluded": counts.n_excluded}
        print(json.dumps({**result.to_json(), **totals}, indent=1))
    else:
        print("\n".join(report_lines(result, taxonomy, counts.n_excluded)))
    return 0


def read_counts(path: Path, taxonomy: Taxonomy) -> Counts:
    """Read image counts per node, or per data-set label through the crosswalk; rows of one node are added.

    Raises
    ------
    PartitionError
        Listing every row that cannot be used (the first ten in words).
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            columns = set(header)
            rows = [(number, _cells(header, cells)) for number, cells in enumerate(reader, start=2) if cells]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PartitionError(f"{path} cannot be read as a UTF-8 CSV file: {error}") from error
    if not ({"node", "n"} <= columns or {"dataset", "label", "n"} <= columns):
        found = ", ".join(sorted(columns)) or "none"
        raise PartitionError(f"{path} must have the columns node, n or dataset, label, n; found {found}")
    crosswalk = read_crosswalk(taxonomy) if "node" not in columns else None
    per_node: Counter[str] = Counter()
    n_excluded = 0
    problems = []
    for number, row in rows:
        try:
            node, count = _node(row, taxonomy, crosswalk), _count(row["n"])
        except (PartitionError, CrosswalkError) as error:
            problems.append(f"row {number}: {error}")
            continue
        if node is None:
            n_excluded += count
        else:
            per_node[node] += count
    if problems:
        more = len(problems) - MAX_PROBLEMS_SHOWN
        rest = f"; and {more} more" if more > 0 else ""
        raise PartitionError(f"correct {path}: {'; '.join(problems[:MAX_PROBLEMS_SHOWN])}{rest}")
    return Counts(per_node, n_excluded)


def _cells(header: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    """A row by column; cells that are missing are empty."""
    return {column: cell.strip() for column, cell in zip_longest(header, cells[: len(header)], fillvalue="")}


def _node(row: Mapping[str, str], taxonomy: Taxonomy, crosswalk: Crosswalk | None) -> str | None:
    if crosswalk is not None:
        return crosswalk.node(row["dataset"], row["label"])
    node = taxonomy.find(row["node"])
    if node is None:
        near = closest_names(row["node"], (name for entry in taxonomy.nodes for name in (entry.id, entry.name)))
        hint = f"; the nearest are {', '.join(near)}" if near else ""
        raise PartitionError(f"the taxonomy has no node {row['node']!r}{hint}")
    return node


def _count(text: str) -> int:
    if not text.isdecimal():
        raise PartitionError(f"n must be a whole number >= 0, got {text!r}")
    return int(text)


def report_lines(result: Partition, taxonomy: Taxonomy, n_excluded: int = 0) -> Iterator[str]:
    """Yield the lines of a readable report: the classes in output order, then what is in none of them."""
    classes = "1 training class" if len(result.classes) == 1 else f"{len(result.classes)} training classes"
    yield f"{classes}, {result.n_images} images"
    yield f"{result.mode}, a node with {result.max_class_size} images or more is split"
    yield ""
    width = max((len(training_class.id) for training_class in result.classes), default=0)
    for index, entry in enumerate(result.classes):
        yield f"{index:4}  {entry.n_images:8}  {entry.id:{width}}  {' > '.join(taxonomy.path(entry.node))}"
    yield ""
    yield f"images in no class: {result.n_lost}"
    yield from _loss_lines("leaves dropped for their size", result.dropped_leaves)
    yield from _loss_lines("own images of groups that were split", result.split_nodes)
    if result.empty_classes:
        yield f"classes without images: {len(result.empty_classes)}"
    if n_excluded:
        yield f"images whose label stands for no node: {n_excluded}"


def _loss_lines(title: str, entries: tuple[NodeImages, ...]) -> Iterator[str]:
    lost = [entry for entry in entries if entry.n_images]
    if lost:
        yield f"  {title}: {', '.join(f'{entry.node} ({entry.n_images})' for entry in lost)}"
