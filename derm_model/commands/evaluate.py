"""`python -m derm_model evaluate`: judge a bundle on labelled images, with every figure's interval and n."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from derm_model.assessment.seen import PARTS
from derm_model.card import default_bundle
from derm_model.commands.foreign import Lazily, add_foreign, ask_foreign
from derm_model.commands.images import add_images, read_images
from derm_model.commands.terminal import say
from derm_model.words import BADGE, NOTICE

if TYPE_CHECKING:
    from derm_model.assessment.answers import Answers
    from derm_model.card import BundleCard
    from derm_model.data.manifest import Record

EPILOG = f"""\
The bundle's answers are kept in $DERM_HOME/evaluations by bundle and digest of the images: the same images are not read
twice.

example:
  python -m derm_model evaluate --bundle assets/bundles/demo --manifest own.csv --out var/evaluation
  python -m derm_model evaluate --bundle var/runs/first/bundle --workspace var/curation/skin --part test --out out

{NOTICE}"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the options."""
    parser = subparsers.add_parser(
        "evaluate",
        help="judge a bundle on labelled images",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--bundle", metavar="DIR", type=Path, help="model bundle (default: the first one found)")
    images = parser.add_argument_group("images")
    add_images(images)
    images.add_argument(
        "--split", type=Path, metavar="FILE", help="split.csv of the bundle's training (default: the one beside it)"
    )
    images.add_argument("--part", choices=PARTS, help="only the images that had this part in that training")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the results are written")
    parser.add_argument("--name", help="what the images are called in results; default: the manifest's name")
    parser.add_argument("--again", action="store_true", help="read the images again, though their answers are kept")
    add_foreign(parser)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--workers", type=int, default=1, help="processes that read images (default 1)")


def run(args: argparse.Namespace) -> int:
    """Evaluate; 0, or 1 when an image could not be read."""
    from derm_model.assessment.answers import folder_of
    from derm_model.assessment.assess import assess
    from derm_model.assessment.exports import summary_lines, write_results
    from derm_model.assessment.seen import choose, split_beside
    from derm_model.card import read_card
    from derm_model.evaluation_report import write_report
    from derm_model.taxonomy import read_taxonomy

    taxonomy, folder = read_taxonomy(), args.bundle or default_bundle()
    card = read_card(folder)
    manifest = read_images(args, taxonomy)
    for problem in manifest.problems:
        say(problem.message)
    records, seen = choose(manifest.records, args.split or split_beside(folder), args.part)
    bundle = Lazily(folder, taxonomy)
    answers, n_unreadable = _answers(args, bundle, card, records, seen)
    answers, foreign, n_foreign_unreadable = ask_foreign(args, bundle, card, answers, folder_of(answers.about))
    assessment = assess(answers, card, taxonomy, foreign=foreign)
    write_results(args.out, answers, assessment)
    write_report(args.out, assessment)
    print("\n".join(summary_lines(assessment)))
    print(f"Written: {args.out}. {BADGE}.")
    return 1 if n_unreadable + n_foreign_unreadable else 0


def _answers(
    args: argparse.Namespace,
    bundle: Lazily,
    card: BundleCard,
    records: Sequence[Record],
    seen: str,
) -> tuple[Answers, int]:
    """Kept answers of these images, or new ones; and how many images could not be read."""
    from derm_model.assessment.answers import Answers, about, folder_of, keep_about, read_answers, write_answers

    name = args.name or _name(args)
    what = about(name, card.bundle_id, [c.id for c in card.classes], records, seen)
    if not args.again and folder_of(what).is_dir():
        kept = read_answers(folder_of(what))
        say(f"The answers of {kept.about.created_at} are used; --again reads the images again.")
        told = replace(kept, about=replace(kept.about, name=name, seen=seen))
        if told.about != kept.about:
            keep_about(folder_of(what), told.about)  # what lies beside the answers stays
        return told, 0

    from derm_model.net.answering import answer

    said = answer(bundle(), records, device=args.device, workers=args.workers, report=args.report)
    for record, reason in said.unreadable:
        say(f"{record.path}: {reason}")
    # the digest stays that of the images asked about, so that the same manifest finds these answers
    what = replace(what, n_images=len(said.records))
    answers = Answers(what, said.records, said.probs, said.features, said.unusual, said.distance)
    # as they are kept, so that a second call gives the same figures
    return read_answers(write_answers(answers)), len(said.unreadable)


def _name(args: argparse.Namespace) -> str:
    """What the images are called where nobody says: the workspace, or the manifests."""
    part = f", {args.part}" if args.part else ""
    if args.workspace is not None:
        return f"{args.workspace.resolve().name}{part}"
    return f"{', '.join(path.stem for path in args.manifest)}{part}"
