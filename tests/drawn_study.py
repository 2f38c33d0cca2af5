"""A reader study of drawings: files whose names and folders say what they show, as in some data sets."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from derm_model.card import read_card
from derm_model.data.drawings import draw_lesion
from derm_model.data.manifest import Record, write_manifest
from derm_model.reader_questions import study_question
from derm_model.records.engine import records_engine, writing
from derm_model.records.studies import FrozenImage, NewStudy, StudySettings, create_study
from derm_model.taxonomy import read_taxonomy

NODES = {"melanoma-nos": "irregular", "melanocytic-nevus-nos": "nevus"}  # what is drawn of each
SIDE_PX = 160


@contextmanager
def at_home(home: Path) -> Iterator[None]:
    """Work on the records below a folder."""
    before = os.environ.get("DERM_HOME")
    os.environ["DERM_HOME"] = str(home)
    try:
        yield
    finally:
        if before is None:
            del os.environ["DERM_HOME"]
        else:
            os.environ["DERM_HOME"] = before


def draw_records(folder: Path, n: int) -> tuple[Record, ...]:
    """Labelled drawings, one after the other of each kind."""
    records = []
    for number in range(n):
        node, kind = list(NODES.items())[number % len(NODES)]
        path = folder / node / f"{node}-{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        notes = PngInfo()
        notes.add_text("Description", node)  # what must not reach a reader
        Image.fromarray(draw_lesion(number, SIDE_PX, kind)).save(path, pnginfo=notes)
        record = Record(path.stem, path, node, node, "drawn", modality="dermoscopic", lesion_id=f"L{number}")
        records.append(record)
    return tuple(records)


def write_drawn(folder: Path, n: int) -> Path:
    """Drawings with their manifest."""
    write_manifest(folder / "manifest.csv", draw_records(folder, n))
    return folder / "manifest.csv"


def make_study(
    home: Path,
    n: int = 4,
    *,
    name: str = "Drawings",
    question: str = "biopsy-melanocytic",
    bundle: Path | None = None,
    **settings: object,
) -> str:
    """Keep a study of n drawings in the records of a home; its id."""
    card = None if bundle is None else read_card(bundle)
    images = tuple(
        FrozenImage(r.source, r.image_id, hashlib.sha256(r.path.read_bytes()).hexdigest(), str(r.path), r.node)
        for r in draw_records(home / "drawn" / name, n)
    )
    new = NewStudy(
        name=name,
        question=question,
        choices=study_question(question, read_taxonomy()).choice_ids,
        images=images,
        seed=3,
        settings=StudySettings(**settings),  # type: ignore[arg-type]
        bundle_id=None if card is None else card.bundle_id,
        bundle_digest=None if card is None else card.weights_sha256,
    )
    with at_home(home), writing(records_engine()) as session:
        return create_study(session, new, "test")
