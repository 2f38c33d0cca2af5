"""`python -m derm_model import`: from the official files of a data set to a manifest, or into a curation workspace."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from derm_model.data.importers import IMPORTERS, Importer
from derm_model.data.importers.base import Option
from derm_model.errors import ImportProblem

if TYPE_CHECKING:
    from derm_model.data.manifest import Manifest
    from derm_model.taxonomy import Taxonomy

EXAMPLE = """example:
  python -m derm_model import ham10000 --root data/HAM10000 --out ham10000.csv
  python -m derm_model import csv --root data/clinic --column image_id=photo --column diagnosis=dx \\
      --labels-of HAM10000 --modality clinical --workspace var/curation/clinic
  python -m derm_model import --list
Options of one data set: python -m derm_model import NAME --help
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the options: those of every import, and below each data set its own."""
    parser = subparsers.add_parser(
        "import",
        help="make a manifest from a data set's official files",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--list", action="store_true", help="list the data sets that can be imported")
    data_sets = parser.add_subparsers(dest="data_set", metavar="NAME")
    for importer in IMPORTERS.values():
        _add_data_set(data_sets, importer)


def _add_data_set(data_sets: argparse._SubParsersAction[argparse.ArgumentParser], importer: Importer) -> None:
    description = f"{importer.title}. {_sentence(importer.layout)}"
    parser = data_sets.add_parser(importer.name, help=importer.title, description=description)
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder with the official files")
    parser.add_argument("--images", type=Path, metavar="DIR", help="folder with the images, if it is another")
    parser.add_argument("--out", type=Path, metavar="FILE", help="manifest to write, .csv or .parquet")
    parser.add_argument("--workspace", type=Path, metavar="DIR", help="curation workspace to add the images to")
    for option in importer.options:
        _add_option(parser, option)


def _add_option(parser: argparse.ArgumentParser, option: Option) -> None:
    parser.add_argument(
        f"--{option.name.replace('_', '-')}",
        dest=f"option_{option.name}",
        action="append",  # `check_options` says more of a second value than argparse would: it would keep the last one
        default=[],
        choices=option.choices or None,
        metavar=None if option.choices else option.metavar,
        required=option.required,
        help=option.help.replace("%", "%%"),  # argparse reads a single % as a place for a value
    )


def run(args: argparse.Namespace) -> int:
    """Import one data set; every problem is a line on standard error, the counts are a line on standard output."""
    if args.list:
        print("\n".join(list_lines()))
        return 0
    if args.data_set is None:
        raise ImportProblem(f"Name a data set. Choose one of {', '.join(IMPORTERS)}. See python -m derm_model import.")
    if args.out is None and args.workspace is None:
        raise ImportProblem("An import needs a place for its result. Give --out FILE, --workspace DIR, or both.")

    from derm_model.data.importers.collect import import_data_set
    from derm_model.data.manifest import write_manifest
    from derm_model.taxonomy import read_crosswalk, read_taxonomy

    importer = IMPORTERS[args.data_set]
    given = {option.name: tuple(getattr(args, f"option_{option.name}")) for option in importer.options}
    taxonomy = read_taxonomy()
    manifest = import_data_set(
        importer,
        args.root,
        taxonomy,
        read_crosswalk(taxonomy),
        images=args.images,
        options={name: values for name, values in given.items() if values},
        report=args.report,
    )
    for problem in manifest.problems:
        print(problem.message, file=sys.stderr)
    where = []
    if args.out is not None:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        write_manifest(args.out, manifest.records)
        where.append(str(args.out))
    if args.workspace is not None:
        where.append(_add_to_workspace(args.workspace, manifest, importer))
    print(f"{importer.title}: {summary(manifest, taxonomy)}. Written to {' and '.join(where)}.")
    return 0


def _add_to_workspace(folder: Path, manifest: Manifest, importer: Importer) -> str:
    from derm_model.curation.stages import add_manifest
    from derm_model.curation.workspace import make_workspace

    workspace = make_workspace(folder)
    added = add_manifest(workspace, manifest, importer.title)
    return f"workspace {workspace.name} ({added:,} new images)"


def summary(manifest: Manifest, taxonomy: Taxonomy) -> str:
    """Say how much there is, e.g. "2,750 images, 801 named lesions, 3 diagnoses (most: Melanocytic nevus, 1,843)"."""
    from derm_model.data.manifest import counts

    records = manifest.records
    parts = [_count(len(records), "image", "images")]
    for name in ("lesion", "patient"):
        ids = {(r.source, value) for r in records if (value := getattr(r, f"{name}_id"))}
        parts += [_count(len(ids), f"named {name}", f"named {name}s")] if ids else []
    nodes = counts(records)
    most = max(nodes, key=lambda node: nodes[node])
    diagnoses = _count(len(nodes), "diagnosis", "diagnoses")
    return f"{', '.join(parts)}, {diagnoses} (most: {taxonomy.node(most).name}, {nodes[most]:,})"


def _count(n: int, one: str, several: str) -> str:
    return f"{n:,} {one if n == 1 else several}"


def list_lines() -> Iterator[str]:
    """Yield a line or two per data set: its name, title, licence, what is expected."""
    width = max(len(name) for name in IMPORTERS)
    for importer in IMPORTERS.values():
        licence = f" ({importer.licence})" if importer.licence else ""
        yield f"{importer.name:{width}}  {importer.title}{licence}"
        yield f"{'':{width}}  {_sentence(importer.layout)}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}".rstrip(".") + "."
