"""Files of a study: each read once when it is made, so that nobody meets one that cannot be shown. No Streamlit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from derm_model.data.manifest import Record
from derm_model.errors import UnreadableImage
from pages.ui.readers.pictures import LIMITS

if TYPE_CHECKING:
    from derm_model.records.studies import FrozenImage

_WORKERS = 2
_PROBE_PX = 64


@dataclass(frozen=True)
class Checked:
    """An image as the study keeps it, or why it cannot be kept."""

    record: Record
    image: FrozenImage | None
    reason: str = ""


def check_each(records: Sequence[Record]) -> Iterator[Checked]:
    """Read, hash and decode every file, in their order; 135 photographs of 1 MB take some seconds."""
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="dermtree-freeze") as workers:
        seen: dict[str, Record] = {}
        for checked in workers.map(_check, records):
            if checked.image is None:
                yield checked
                continue
            twin = seen.setdefault(checked.image.content_hash, checked.record)
            if twin is checked.record:
                yield checked
            else:
                yield Checked(checked.record, None, f"It is the same file as {twin.image_id}.")


def _check(record: Record) -> Checked:
    from derm_model.data.images import decode
    from derm_model.records.studies import FrozenImage

    path = record.path.resolve()
    try:
        data = path.read_bytes()
        decode(data, limits=LIMITS, min_side_px=_PROBE_PX)
    except OSError as error:
        return Checked(record, None, f"Its file cannot be read ({error.strerror}).")
    except UnreadableImage as error:
        return Checked(record, None, str(error))
    digest = hashlib.sha256(data).hexdigest()
    return Checked(record, FrozenImage(record.source, record.image_id, digest, str(path), record.node))
