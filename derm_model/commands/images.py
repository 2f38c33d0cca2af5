"""Options that say which labelled images a command works on: manifests, or a workspace of the Data page."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from derm_model.data.manifest import Manifest
    from derm_model.taxonomy import Taxonomy


def add_images(group: argparse._ArgumentGroup) -> None:
    """Declare the options; one of the two must be given."""
    where = group.add_mutually_exclusive_group(required=True)
    where.add_argument("--manifest", type=Path, nargs="+", help="manifests, CSV or Parquet (docs/data-format.md)")
    where.add_argument("--workspace", type=Path, metavar="DIR", help="curation workspace, with its folds")


def read_images(args: argparse.Namespace, taxonomy: Taxonomy) -> Manifest:
    """The images of the options, with what could not be used of them.

    Raises
    ------
    DermTreeError
        A file that cannot be read, or no workspace.
    """
    from derm_model.data.manifest import join, read_manifest
    from derm_model.taxonomy import read_crosswalk

    files = args.manifest
    if args.workspace is not None:
        from derm_model.curation.workspace import Workspace

        files = [Workspace(args.workspace).paths.manifest]
    crosswalk = read_crosswalk(taxonomy)
    return join([read_manifest(file, taxonomy, crosswalk) for file in files], taxonomy)
