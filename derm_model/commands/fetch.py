"""`python -m derm_model fetch`: pictures of a public archive into a folder, with their metadata and licences."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from derm_model.data.isic_api import BASE_URL, LICENCES, same_licence

if TYPE_CHECKING:
    from derm_model.data.isic_fetch import Fetched

EXAMPLE = """\
Writes DIR/images/ISIC_*.jpg, DIR/metadata.csv (with the licence of every picture, in the form of the archive's own
export) and DIR/attribution.txt (whom the licences ask to be named). The same command again goes on where it stopped.

example:
  python -m derm_model fetch isic --limit 500 --licence CC-0 --out data/isic
  python -m derm_model fetch isic --query 'diagnosis_1:Malignant AND image_type:dermoscopic' --out data/malignant
  python -m derm_model import isic_archive --root data/isic --out isic.csv

Tested against a local server that speaks the documented form of the archive's API (version 2), not against the archive
itself. Needs a network; asks for public pictures only, sends nothing but the query.
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to a command line."""
    parser = subparsers.add_parser(
        "fetch",
        help="download images and metadata of the ISIC Archive",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("archive", choices=("isic",), help="which archive")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument("--limit", type=_positive, metavar="N", help="at most N pictures, newest first (default: all)")
    parser.add_argument(
        "--licence",
        type=_licence,
        action="append",
        default=[],
        metavar="LICENCE",
        help=f"only pictures under this licence: {', '.join(LICENCES)}; may be given several times (default: any)",
    )
    parser.add_argument("--query", default="", help="in the archive's search language (default: all pictures)")
    parser.add_argument(
        "--collection", type=_positive, action="append", default=[], metavar="NUMBER", help="only this collection"
    )
    parser.add_argument("--base-url", default=BASE_URL, metavar="URL", help="address of the API (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    """Fetch; 1 when some pictures could not be fetched, which are then said on standard error."""
    from derm_model.data.isic_fetch import fetch_isic

    fetched = fetch_isic(
        args.out,
        limit=args.limit,
        licences=args.licence,
        query=args.query,
        collections=args.collection,
        base_url=args.base_url,
        report=args.report,
    )
    for problem in fetched.problems:
        print(problem.message, file=sys.stderr)
    print(summary(fetched, args.out))
    return 1 if fetched.problems else 0


def summary(fetched: Fetched, folder: Path) -> str:
    """Say in a line what was fetched, and under which licences the pictures of the folder stand."""
    parts = [f"{fetched.n_new:,} pictures fetched", f"{fetched.n_present:,} were there"]
    if fetched.n_other_licence:
        parts.append(f"{fetched.n_other_licence:,} passed over for their licence")
    licences = ", ".join(f"{licence or 'not said'} {n:,}" for licence, n in fetched.licences.items())
    return f"ISIC Archive: {'; '.join(parts)}. Licences in {folder}: {licences or 'none, it is empty'}."


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} must be 1 or more")
    return number


def _licence(text: str) -> str:
    for licence in LICENCES:
        if same_licence(text, licence):
            return licence
    raise argparse.ArgumentTypeError(f"the archive's licences are {', '.join(LICENCES)}, not {text!r}")
