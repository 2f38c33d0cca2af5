"""`python -m derm_model report`: one case as PDF, HTML, FHIR, JSON and CSV."""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derm_model import words
from derm_model.card import BundleCard, default_bundle, read_card
from derm_model.commands.prediction_records import Question, Recorder
from derm_model.errors import DermTreeError, UnreadableImage
from derm_model.operating_points import read_points
from derm_model.report import (
    CaseReport,
    MapPicture,
    Paper,
    Seen,
    TaskResult,
    build_case,
    case_json,
    images_csv,
    task_result,
)
from derm_model.taxonomy import Aggregator, Taxonomy, read_tasks, read_taxonomy

if TYPE_CHECKING:
    from derm_model.data.images import DecodedImage
    from derm_model.net.engine import Engine
    from derm_model.net.saliency import SaliencyMap

MAX_IMAGES = 20  # as on the page
DETAIL_PX, VIEW_PX = 720, 1024  # shorter side decoded at least, and longer side shown, as on the page
STRENGTH = 0.7
PAPERS = {"a4": Paper.A4, "letter": Paper.LETTER}
KINDS = ("pdf", "html", "fhir", "json", "csv")
EPILOG = f"""\
The images are views of one lesion, whose answers are averaged, unless --separate says that each is a lesion of its own.
No file holds metadata of the images; JSON and CSV name the files, the others only with --names. docs/reports.md

example:
  python -m derm_model report lesion.jpg --pdf report.pdf --task melanocytic
  python -m derm_model report a.jpg b.jpg --separate --html report.html --fhir report.json --paper letter

{words.NOTICE}"""


@dataclass(frozen=True, eq=False)
class Image:
    """A file that could be read."""

    path: Path
    sha256: str
    decoded: DecodedImage


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "report",
        help="read the images of a case into a report: PDF, HTML, FHIR, JSON, CSV",
        description="Read the images of one case with a model bundle and write reports.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("images", metavar="IMAGE", nargs="+", type=Path, help=f"at most {MAX_IMAGES}")
    parser.add_argument("--bundle", metavar="DIR", type=Path, help="model bundle (default: the first one found)")
    for kind in KINDS:
        parser.add_argument(f"--{kind}", metavar="FILE", type=Path, help=f"write the case as {kind.upper()}")
    parser.add_argument("--paper", choices=tuple(PAPERS), default="a4", help="of the PDF (default: a4)")
    parser.add_argument("--separate", action="store_true", help="the images are separate lesions, not views of one")
    parser.add_argument("--task", metavar="ID", help=f"the question: {', '.join(read_tasks())} (default: what is it?)")
    parser.add_argument("--operating-point", metavar="NAME", help="decide at this one, as in `predict`")
    parser.add_argument("--note", default="", help="typed note of the clinician, for PDF and HTML")
    parser.add_argument("--names", action="store_true", help="name the files in PDF and HTML")
    parser.add_argument("--pixels", action="store_true", help="put the images into the FHIR bundle, too")
    parser.add_argument("--patient-key", metavar="KEY", help="pseudonymous key of the subject, for FHIR")
    parser.add_argument("--no-maps", action="store_true", help="without saliency maps")


def run(args: argparse.Namespace) -> int:
    """Write the reports."""
    wanted = {kind: path for kind in KINDS if (path := getattr(args, kind)) is not None}
    _check(args, wanted)
    taxonomy, folder = read_taxonomy(), args.bundle or default_bundle()
    card = read_card(folder)
    recorder = Recorder(card, taxonomy, operating_point=args.operating_point)
    questions = {task_id: question for task_id, question in recorder.questions.items() if question is not None}
    if args.task is not None and args.task not in questions:
        known = ", ".join(questions) or "none"
        raise DermTreeError(f"--task is a question this model can answer: {known}. {args.task!r} is none.")
    images = [_read(path) for path in args.images]
    from derm_model.net.bundle import load_bundle  # torch: not before the call is known to be sound
    from derm_model.net.engine import Engine

    engine = Engine(load_bundle(folder, taxonomy))
    case = make_case(card, taxonomy, engine, images, questions, args)
    for kind, path in wanted.items():
        data = _writers(args)[kind](case)
        try:
            path.write_bytes(data)
        except OSError as error:
            raise DermTreeError(f"{path} could not be written ({error.strerror}). Choose another place.") from error
        print(path)
    print(words.NOTICE)
    return 0


def _check(args: argparse.Namespace, wanted: Mapping[str, Path]) -> None:
    """Refuse what cannot be made before anything is loaded.

    Raises
    ------
    DermTreeError
        No file is wanted, one would replace an image or another report, a folder is missing, or there are too many
        images.
    """
    if not wanted:
        raise DermTreeError("Say what to write: --pdf FILE, --html FILE, --fhir FILE, --json FILE or --csv FILE.")
    taken = {path.resolve() for path in args.images}
    for kind, path in wanted.items():
        if path.resolve() in taken:
            raise DermTreeError(f"--{kind} {path} would replace an image or another report. Choose another name.")
        taken.add(path.resolve())
        if not path.parent.is_dir():
            raise DermTreeError(f"{path} could not be written: there is no folder {path.parent}. Choose another place.")
    if len(args.images) > MAX_IMAGES:
        raise DermTreeError(f"A case holds at most {MAX_IMAGES} images, got {len(args.images)}. `predict` reads many.")


def _read(path: Path) -> Image:
    """Decode one file.

    Raises
    ------
    UnreadableImage
        Its content is no image, or it cannot be read.
    """
    from derm_model.data.images import decode

    try:
        data = path.read_bytes()
        return Image(path, hashlib.sha256(data).hexdigest(), decode(data, name=path.name, min_side_px=DETAIL_PX))
    except OSError as error:
        raise UnreadableImage(f"{path} could not be read ({error.strerror}). Check the path.") from error
    except UnreadableImage as error:
        raise UnreadableImage(f"{path} could not be read. {error}") from error


def make_case(
    card: BundleCard,
    taxonomy: Taxonomy,
    engine: Engine,
    images: Sequence[Image],
    questions: Mapping[str, Question],
    args: argparse.Namespace,
) -> CaseReport:
    """Ask the network and put everything together."""
    from derm_model.data.quality import check_quality
    from derm_model.net.saliency import Target

    asked = None if args.task is None else questions[args.task].classes
    target = Target.predicted() if asked is None else Target.of_task(asked)
    seen = []
    for image in images:
        decoded = image.decoded
        (prediction,) = engine.predict([decoded.pixels], explain=None if args.no_maps else target)
        picture = _shown(decoded.pixels)
        seen.append(
            Seen(
                file=image.path.name,
                sha256=image.sha256,
                width_px=decoded.original_width_px,
                height_px=decoded.original_height_px,
                is_drawing=False,
                notices=tuple(notice.message for notice in check_quality(decoded)),
                probs=prediction.class_probs,
                ood_percentile=prediction.ood_percentile,
                picture=picture,
                map=_map(picture, prediction.saliency),
            )
        )

    saved = {
        (point.task_id, point.name): words.saved_origin(point.name, point.chosen_on, point.who)
        for point in (read_points(card.bundle_id) if args.operating_point else ())
    }

    def answer(probs: NDArray[np.float64]) -> dict[str, TaskResult]:
        return {
            task_id: task_result(
                q.classes, q.card, probs, q.threshold, q.operating_point, saved.get((task_id, q.operating_point or ""))
            )
            for task_id, q in questions.items()
        }

    return build_case(
        card, Aggregator(taxonomy, card.classes), seen, answer, average=not args.separate, asked=args.task
    )


def _shown(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image as Pictures

    picture = Pictures.fromarray(pixels)
    picture.thumbnail((VIEW_PX, VIEW_PX), Pictures.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(picture)


def _map(picture: NDArray[np.uint8], saliency: SaliencyMap | None) -> MapPicture | None:
    from derm_model.net.overlay import blend

    if saliency is None:
        return None
    return MapPicture(blend(picture, saliency, STRENGTH), saliency.label, saliency.method, saliency.note, STRENGTH)


def _writers(args: argparse.Namespace) -> dict[str, Callable[[CaseReport], bytes]]:
    """By kind of file; each imports its library only when it is called."""

    def pdf(case: CaseReport) -> bytes:
        from derm_model.report.pdf import case_pdf

        return case_pdf(case, PAPERS[args.paper], note=args.note, with_names=args.names)

    def html(case: CaseReport) -> bytes:
        from derm_model.report.html import case_html

        return _encoded(case_html(case, note=args.note, with_names=args.names))

    def fhir(case: CaseReport) -> bytes:
        from derm_model.report.fhir import case_fhir

        return _encoded(case_fhir(case, patient_key=args.patient_key, pixels=args.pixels))

    return {
        "pdf": pdf,
        "html": html,
        "fhir": fhir,
        "json": lambda case: _encoded(case_json(case)),
        "csv": lambda case: _encoded(images_csv(case)),
    }


def _encoded(text: str) -> bytes:
    """UTF-8; what no UTF-8 holds, as in the name of a file, is escaped as in `predict --csv`."""
    return text.encode(errors="backslashreplace")
