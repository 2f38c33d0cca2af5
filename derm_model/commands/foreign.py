"""Part of `evaluate`: pictures that show no lesion, asked about once and kept beside the answers."""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from derm_model.card import NOTICE_PERCENTILE
from derm_model.commands.terminal import say

if TYPE_CHECKING:
    from derm_model.assessment.answers import Answers
    from derm_model.assessment.foreign import Ask, Foreign, ForeignPicture
    from derm_model.card import BundleCard
    from derm_model.net.bundle import ModelBundle
    from derm_model.net.reference import FeatureReference
    from derm_model.taxonomy import Taxonomy


def add_foreign(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    group = parser.add_argument_group("pictures that show no lesion")
    group.add_argument(
        "--no-drawings",
        action="store_true",
        help="do not ask the bundle about drawings of other things (else once per bundle; a minute of a CPU)",
    )
    group.add_argument(
        "--foreign", metavar="DIR", type=Path, nargs="+", help="files or folders of your own pictures without a lesion"
    )


class Lazily:
    """A bundle that is loaded when it is first needed: kept answers need none."""

    def __init__(self, folder: Path, taxonomy: Taxonomy) -> None:
        self._folder, self._taxonomy = folder, taxonomy
        self._loaded: ModelBundle | None = None

    def __call__(self) -> ModelBundle:
        """The bundle, the same every time."""
        from derm_model.net.bundle import load_bundle

        self._loaded = self._loaded or load_bundle(self._folder, self._taxonomy)
        return self._loaded


def ask_foreign(
    args: argparse.Namespace, bundle: Lazily, card: BundleCard, answers: Answers, folder: Path
) -> tuple[Answers, Foreign | None, int]:
    """Ask about what is not kept yet.

    Parameters
    ----------
    args, bundle, card
    answers
        To labelled images.
    folder
        Where they are kept.

    Returns
    -------
    Answers
        Those of the time before distances were kept get them, where their features were.
    Foreign or None
        None where the bundle cannot say how unusual a picture is, or was never asked.
    int
        The user's pictures that could not be read.

    Raises
    ------
    EvaluationError
        None of the user's pictures can be read, or nothing be kept.
    """
    from derm_model.assessment.answers import keep_distance
    from derm_model.assessment.foreign import Foreign, known_drawings, read_foreign, write_foreign
    from derm_model.data.non_lesions import VERSION

    if card.feature_reference is None:
        say("The bundle has no feature reference: it cannot say how unusual a picture is.")
        return answers, None, 0
    kept = read_foreign(folder) or (None if args.again else known_drawings(card.bundle_id))
    drawn, given, n_unreadable = _pictures(args, bundle, kept)
    if not drawn and not given:
        return answers, None, 0
    notice = _reference(bundle).distance_at(NOTICE_PERCENTILE) if kept is None else kept.notice_distance
    found = Foreign(notice, VERSION if drawn else None, (*drawn, *given))
    write_foreign(folder, found)
    if answers.distance is None and answers.features is not None:
        distance = _reference(bundle).distance(answers.features)
        keep_distance(folder, distance)
        answers = replace(answers, distance=distance)
    return answers, found, n_unreadable


def _pictures(
    args: argparse.Namespace, bundle: Lazily, kept: Foreign | None
) -> tuple[tuple[ForeignPicture, ...], tuple[ForeignPicture, ...], int]:
    """Drawings and the user's pictures, asked about where they are not kept; and how many could not be read."""
    from derm_model.assessment.foreign import ask_drawings, ask_files
    from derm_model.commands.predict import find_images

    drawn = kept.drawn if kept is not None and kept.has_drawings else ()
    if not args.no_drawings and (args.again or not drawn):
        drawn = ask_drawings(_ask(args, bundle), args.report)
    if not args.foreign:
        return drawn, () if kept is None else kept.given, 0
    files = find_images(args.foreign)
    missing = [one for one in files if not isinstance(one, Path)]
    given, unreadable = ask_files(_ask(args, bundle), [one for one in files if isinstance(one, Path)], args.report)
    for name, reason in (*((one.file, one.error) for one in missing), *unreadable):
        say(f"{name}: {reason}")
    return drawn, given, len(missing) + len(unreadable)


def _ask(args: argparse.Namespace, bundle: Lazily) -> Ask:
    from derm_model.net.answering import ask_of

    return partial(ask_of, bundle(), device=args.device)


def _reference(bundle: Lazily) -> FeatureReference:
    reference = bundle().feature_reference
    assert reference is not None  # the card says that there is one
    return reference
