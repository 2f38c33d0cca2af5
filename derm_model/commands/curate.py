"""`curate`: images into a workspace, scanned, with features and the edges of the duplicate graph."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from derm_model.errors import CurationError

if TYPE_CHECKING:
    from derm_model.curation.view import Curation
    from derm_model.curation.workspace import Workspace
    from derm_model.progress import Report

STEPS = ("scan", "features", "link")
EXAMPLE = """\
A workspace is a folder; it is made where it is not there yet. Every step can be stopped with Ctrl-C: the same command
goes on where it stopped. What the app's Data page shows is the same folder when it lies in $DERM_HOME/curation.

example:
  python -m derm_model curate ham10000.csv pad.csv --workspace var/curation/skin --bundle assets/bundles/demo
  python -m derm_model curate --workspace var/curation/skin --only link
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to a command line."""
    parser = subparsers.add_parser(
        "curate",
        help="find duplicates and poor pictures in a collection",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "manifests", nargs="*", type=Path, metavar="MANIFEST", help="manifests to add (docs/data-format.md)"
    )
    parser.add_argument("--workspace", type=Path, required=True, metavar="DIR", help="folder of the workspace")
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="model bundle whose features are compared")
    parser.add_argument(
        "--only", nargs="+", choices=STEPS, metavar="STEP", help=f"only these steps: {', '.join(STEPS)}"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")


def run(args: argparse.Namespace) -> int:
    """Do the steps and print what was found; 1 when some files could not be read."""
    from derm_model.curation import stages
    from derm_model.curation.view import load_curation
    from derm_model.curation.workspace import make_workspace

    steps = args.only or [step for step in STEPS if step != "features" or args.bundle]
    if "features" in steps and args.bundle is None:
        raise CurationError("Features are those of a model. Name its folder: --bundle DIR.")
    workspace = make_workspace(args.workspace)
    for path in args.manifests:
        _add(workspace, path, args.report)
    if "scan" in steps:
        stages.scan(workspace, args.report)
    if "features" in steps:
        from derm_model.net.precision import find_device

        stages.embed_features(workspace, args.bundle, args.report, device=find_device(args.device))
    if "link" in steps:
        stages.link(workspace, args.report)
    curation = load_curation(workspace)
    print("\n".join(_lines(curation)))
    return 1 if _unreadable(curation) else 0


def _add(workspace: Workspace, path: Path, report: Report) -> None:
    from derm_model.curation.stages import add_manifest
    from derm_model.data.manifest import read_manifest
    from derm_model.taxonomy import read_crosswalk, read_taxonomy

    taxonomy = read_taxonomy()
    manifest = read_manifest(path, taxonomy, read_crosswalk(taxonomy))
    added = add_manifest(workspace, manifest, path.name, report)
    print(f"{path}: {added:,} images added")
    for problem in manifest.problems:
        print(f"  {problem.message}")


def _lines(curation: Curation) -> list[str]:
    """How far each stage is, what was found, and last the one line a list of jobs shows."""
    lines = [f"{stage.name}: {stage.state} ({stage.done:,} of {stage.total:,})" for stage in curation.stages]
    counts = curation.collection.edges_facts.get("counts", {})
    if counts:
        lines.append("edges found: " + ", ".join(f"{kind} {n:,}" for kind, n in counts.items()))
    if curation.flags is not None:
        why = ", ".join(f"{name} {int(n):,}" for name, n in curation.flags.sum().items() if n)
        left_out = int(curation.flagged.sum())
        lines.append(f"{left_out:,} images leave validation and test ({why or 'no rule flags any'})")
        if n := _unreadable(curation):
            lines.append(f"files that could not be read: {n:,}")
    return [*lines, _groups_line(curation)]


def _groups_line(curation: Curation) -> str:
    import numpy as np

    sizes = np.bincount(curation.groups) if len(curation.groups) else np.zeros(0, dtype=np.int64)
    grouped = sizes[sizes > 1]
    line = f"{curation.collection.n:,} images in {len(sizes):,} groups"
    if not len(grouped):
        return f"{line}, each on its own"
    return f"{line}; {len(grouped):,} of them hold {int(grouped.sum()):,} images, the largest {int(grouped.max()):,}"


def _unreadable(curation: Curation) -> int:
    quality = curation.collection.quality
    return 0 if quality is None else int(quality["unreadable"].notna().sum())
