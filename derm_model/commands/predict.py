"""`predict`: read images and folders, one line of JSON (or a CSV row, or a table on a terminal) per image."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from tqdm import tqdm

from derm_model.card import FIRST_PRESET, default_bundle, read_card
from derm_model.commands.prediction_records import Recorder
from derm_model.commands.prediction_writers import CsvWriter, JsonLinesWriter, TableWriter, Writer
from derm_model.errors import UnreadableImage
from derm_model.taxonomy import read_taxonomy
from derm_model.words import NOTICE

if TYPE_CHECKING:
    from derm_model.data.images import DecodedImage
    from derm_model.net.engine import Engine, Prediction

# what is taken from a folder; a file that is named is read whatever it is called
EXTENSIONS = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".dcm", ".dicom")
)
BATCH = 8  # images decoded at a time; the engine's own limit, so memory stays bounded and answers come early
EPILOG = f"""\
One JSON object per line, written as soon as its image is read:
  file, bundle    the path as given, and the id of the model bundle
  class_probs     training class id -> probability; they sum to 1
  nodes           node id -> probability, for the three roots and nine classes; null: not resolved by this model
  tasks           task id -> score, threshold, operating_point (the name of that threshold; "{FIRST_PRESET}" of the
                  bundle's card unless --operating-point says otherwise), positive (score >= threshold) and
                  region_probability (that the image belongs to either side of the question at all)
  level           id -> probability, only with --level
  ood_percentile  images of the model's own kind that are less unusual than this one, in per cent
  width_px, height_px, quality, created_at
                  size of the upright picture, what was noticed about its quality, time (UTC)
A file that cannot be read becomes {{"file", "error"}}; the others go on and the exit code is 1.

example:
  python -m derm_model predict lesion.jpg clinic/ --level classes --json > answers.jsonl
  python -m derm_model predict clinic/ --operating-point "Our clinic"

{NOTICE}"""


@dataclass(frozen=True)
class Unreadable:
    """An input that gave no image, with the sentence that says why."""

    file: str
    error: str


@dataclass(frozen=True, eq=False)
class Answered:
    """An image and what the network says about it."""

    image: DecodedImage
    prediction: Prediction


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "predict",
        help="read images: probabilities at any level of the taxonomy, task scores",
        description="Read images with a model bundle.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        type=Path,
        help=f"image, or folder to search for {' '.join(sorted(EXTENSIONS))}",
    )
    parser.add_argument("--bundle", metavar="DIR", type=Path, help="model bundle (default: the first one found)")
    parser.add_argument(
        "--level",
        metavar="roots|nine|classes|NODE",
        help="also give this level: a cut of the tree, the training classes, or a node (id, name or synonym) with its "
        "children",
    )
    parser.add_argument(
        "--operating-point",
        metavar="NAME",
        help="decide at this operating point: one saved for this bundle on the threshold desk (in $DERM_HOME), or a "
        'preset of its card such as "Youden"; a question that has none of this name keeps its usual one',
    )
    output = parser.add_mutually_exclusive_group()
    output.add_argument("--json", action="store_true", help="JSON lines on stdout (default unless it is a terminal)")
    output.add_argument("--csv", metavar="FILE", type=Path, help="write a table for a spreadsheet instead")


def run(args: argparse.Namespace) -> int:
    """Predict; 0, or 1 when an input could not be read."""
    taxonomy, folder = read_taxonomy(), args.bundle or default_bundle()
    recorder = Recorder(read_card(folder), taxonomy, args.level, args.operating_point)
    inputs = find_images(args.paths)
    with closing(_writer(args, recorder)) as writer:
        from derm_model.net.bundle import load_bundle  # torch: not before the call is known to be sound
        from derm_model.net.engine import Engine

        engine = Engine(load_bundle(folder, taxonomy))
        n_unreadable = 0
        for file, outcome in _with_progress(read_all(engine, inputs), len(inputs)):
            if isinstance(outcome, Unreadable):
                n_unreadable += 1
                writer.write({"file": file, "error": outcome.error})
            else:
                writer.write(recorder.record(file, outcome.prediction, outcome.image))
    if n_unreadable and not args.json:
        print(f"{n_unreadable} of {len(inputs)} inputs could not be read", file=sys.stderr)
    return 1 if n_unreadable else 0


def find_images(paths: Iterable[Path]) -> list[Path | Unreadable]:
    """Return the files to read, each once: a file as given, a folder with its image files, by name, at any depth.

    Hidden files and folders are passed over (`._lesion.jpg` on a memory card is no picture), links to folders are not
    followed. A folder that holds no image or cannot be listed is an `Unreadable`: silence would look like success.
    """
    found: dict[str, Path | Unreadable] = {}
    for path in paths:
        entries: Iterable[Path | Unreadable] = _folder(path) if path.is_dir() else (path,)
        for entry in entries:
            found.setdefault(str(entry) if isinstance(entry, Path) else entry.file, entry)
    return list(found.values())


def _folder(folder: Path) -> list[Path | Unreadable]:
    problems: list[Path | Unreadable] = []

    def note(error: OSError) -> None:
        problems.append(Unreadable(str(error.filename), f"The folder could not be listed ({error.strerror})."))

    files: list[Path | Unreadable] = []
    for top, folders, names in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        shown = (name for name in sorted(names) if not name.startswith("."))
        files += [Path(top, name) for name in shown if Path(name).suffix.lower() in EXTENSIONS]
    if not files and not problems:
        return [Unreadable(str(folder), f"The folder holds no image file ({' '.join(sorted(EXTENSIONS))}).")]
    return files + problems


def read_all(engine: Engine, inputs: Sequence[Path | Unreadable]) -> Iterator[tuple[str, Answered | Unreadable]]:
    """Yield every input with its answer, or with why there is none, in order."""
    rest = iter(inputs)
    while some := list(islice(rest, BATCH)):
        decoded = [_decode(entry, engine.bundle.preprocessing.size_px) for entry in some]
        predictions = iter(engine.predict([image.pixels for image in decoded if not isinstance(image, Unreadable)]))
        for entry, image in zip(some, decoded, strict=True):
            file = entry.file if isinstance(entry, Unreadable) else str(entry)
            yield file, image if isinstance(image, Unreadable) else Answered(image, next(predictions))


def _decode(entry: Path | Unreadable, size_px: int) -> DecodedImage | Unreadable:
    from derm_model.data.images import decode_file

    if isinstance(entry, Unreadable):
        return entry
    try:
        return decode_file(entry, min_side_px=size_px)
    except UnreadableImage as error:
        return Unreadable(str(entry), str(error))


def _writer(args: argparse.Namespace, recorder: Recorder) -> Writer:
    if args.csv is not None:
        return CsvWriter(args.csv, recorder)
    if args.json or not sys.stdout.isatty():
        return JsonLinesWriter(sys.stdout)
    return TableWriter(sys.stdout, recorder)


def _with_progress(
    outcomes: Iterator[tuple[str, Answered | Unreadable]], n: int, stream: TextIO | None = None
) -> Iterator[tuple[str, Answered | Unreadable]]:
    """Pass the outcomes on; a bar on stderr counts them where that is a terminal."""
    stream = stream or sys.stderr
    with tqdm(total=n, unit="image", file=stream, disable=not stream.isatty(), leave=False) as bar:
        for outcome in outcomes:
            bar.clear()  # or a line of the answer would be written behind the bar
            yield outcome
            bar.update()
