"""`card`: the card of a model as Markdown, to be read or kept beside the results."""

from __future__ import annotations

import argparse
from pathlib import Path

from derm_model.card import CARD_FILE, WEIGHTS_FILE, default_bundle, read_card
from derm_model.card_text import markdown
from derm_model.taxonomy import read_taxonomy
from derm_model.words import NOTICE

EPILOG = f"""\
The card says what the model is for, what it learnt from and under which licences, its training, its classes, its
figures on held-out images with 95 % intervals and n, its calibration, its operating points, its limits and its files.

example:
  python -m derm_model card --bundle assets/bundles/demo > demo.md

{NOTICE}"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "card",
        help="print the card of a model as Markdown",
        description="Print the card of a model bundle as Markdown.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bundle", metavar="DIR", type=Path, help="model bundle (default: the first one found)")


def run(args: argparse.Namespace) -> int:
    """Print it; 0."""
    folder = args.bundle or default_bundle()
    card, tree = read_card(folder), read_taxonomy()
    files = [folder / name for name in (CARD_FILE, WEIGHTS_FILE)]
    sizes = {file.name: file.stat().st_size for file in files if file.is_file()}
    own_tree = tree if tree.digest == card.taxonomy_digest else None  # ids of another tree may mean other diseases here
    print(markdown(card, taxonomy=own_tree, sizes=sizes), end="")
    return 0
