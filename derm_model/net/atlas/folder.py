"""The folder of an atlas.

maps.json      the order, so that no second run mixes maps of another kind into it
maps.jsonl     a line for each image that is finished, written as it is; what a killed run had finished is known by it
maps.csv       the table, replaced whole at the end of a run, however it ends
maps/SOURCE/   pictures (ID.png) and raw values (ID.npy, ID.signed.npy)
"""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from derm_model.errors import DermTreeError
from derm_model.files import replaced, write_json
from derm_model.net.atlas.order import Item
from derm_model.net.atlas.rows import COLUMNS, Row

ORDER, JOURNAL, TABLE, PICTURES = "maps.json", "maps.jsonl", "maps.csv", "maps"
FORMAT = 1
LONGEST_NAME = 120  # characters; file systems take 255 bytes, and suffixes come behind it


class Atlas:
    """Maps of many images in one folder.

    Parameters
    ----------
    folder
    order
        `Order.described`.
    again
        Begin anew: what earlier runs left is forgotten, and its files are replaced or deleted.

    Raises
    ------
    DermTreeError
        The folder cannot be used, or holds maps that were made to another order.
    """

    def __init__(self, folder: Path, order: dict[str, Any], *, again: bool = False) -> None:
        self.folder = folder
        self._rows: dict[str, tuple[Row, list[int]]] = {}
        about = {"format": FORMAT, **order}
        digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()[:16]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if again:
                self._forget()
            elif (folder / ORDER).exists():
                self._check(about, digest)
                self._rows = dict(self._read())
            write_json(folder / ORDER, {**about, "digest": digest})
        except OSError as error:
            raise _unusable(folder, error) from error

    def finished(self, item: Item) -> bool:
        """Whether an image's map is there, made of this very file and label."""
        kept = self._rows.get(item.key)
        if kept is None or kept[1] != _state(item) or kept[0].node != item.node:
            return False
        files = (kept[0].picture, kept[0].values)
        return all(file is None or (self.folder / file).is_file() for file in files)

    def files_of(self, item: Item) -> tuple[Path, Path]:
        """Where picture and values of an image go, relative to the folder; the place is there."""
        place = Path(PICTURES, _safe(item.source), *map(_safe, Path(item.image_id).parts))
        try:
            (self.folder / place.parent).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self.folder, error) from error
        return place.with_name(f"{place.name}.png"), place.with_name(f"{place.name}.npy")

    def add(self, item: Item, row: Row) -> None:
        """Note that an image is finished: its files are there.

        Raises
        ------
        DermTreeError
            It cannot be written.
        """
        state = _state(item)
        self._rows[item.key] = (row, state)
        line = json.dumps({"row": dataclasses.asdict(row), "state": state})
        try:
            with (self.folder / JOURNAL).open("a", encoding="ascii") as file:
                file.write(f"{line}\n")
        except OSError as error:
            raise _unusable(self.folder, error) from error

    def row(self, item: Item) -> Row | None:
        """The row of an image that is finished."""
        kept = self._rows.get(item.key)
        return None if kept is None else kept[0]

    def write_table(self, first: Iterable[Item] = (), troubled: Iterable[Row] = ()) -> None:
        """Write all rows: those of `first` in that order, then what other runs left, then images without a map.

        Raises
        ------
        DermTreeError
            It cannot be written.
        """
        keys = dict.fromkeys([item.key for item in first if item.key in self._rows] + list(self._rows))
        rows = [*(self._rows[key][0] for key in keys), *troubled]
        try:
            with (
                replaced(self.folder / TABLE) as temporary,
                temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file,
            ):
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(COLUMNS)
                writer.writerows([_text(getattr(row, name)) for name in COLUMNS] for row in rows)
        except OSError as error:
            raise _unusable(self.folder, error) from error

    def _check(self, about: dict[str, Any], digest: str) -> None:
        try:
            kept = json.loads((self.folder / ORDER).read_bytes())
            same = kept["digest"] == digest
        except (ValueError, KeyError, TypeError) as error:
            raise DermTreeError(
                f"{self.folder / ORDER} says how the maps of this folder were made, and cannot be read ({error}). "
                "Choose another folder, or make them --again."
            ) from error
        if not same:
            names = [name for name in about if kept.get(name) != about[name]]
            differences = "; ".join(f"{name} {_short(kept.get(name))}, now {_short(about[name])}" for name in names)
            raise DermTreeError(
                f"The maps of one folder are all made alike. Those in {self.folder} differ: {differences}. Choose "
                "another folder, or make them --again."
            )

    def _read(self) -> Iterable[tuple[str, tuple[Row, list[int]]]]:
        """Rows of the journal; a last line that a killed run left unfinished is passed over, and so closed."""
        path = self.folder / JOURNAL
        text = path.read_text("ascii") if path.exists() else ""
        if text and not text.endswith("\n"):
            with path.open("a", encoding="ascii") as file:
                file.write("\n")
        for line in text.splitlines():
            try:
                kept = json.loads(line)
                row, state = Row(**kept["row"]), list(kept["state"])
            except (ValueError, KeyError, TypeError):
                continue
            yield Item(row.source, row.image_id, Path(row.file)).key, (row, state)

    def _forget(self) -> None:
        """Delete what earlier runs made here, and nothing else."""
        for row, _ in dict(self._read()).values():
            for name in filter(None, (row.picture, row.values)):
                file = self.folder / name
                file.unlink(missing_ok=True)
                file.with_name(f"{file.stem}.signed.npy").unlink(missing_ok=True)
        for name in (JOURNAL, TABLE, ORDER):
            (self.folder / name).unlink(missing_ok=True)


def _state(item: Item) -> list[int]:
    """What changes when the image's file does: its size and when it was written (ns); empty where it is gone."""
    try:
        found = item.path.stat()
    except OSError:
        return []
    return [found.st_size, found.st_mtime_ns]


def _safe(name: str) -> str:
    """A name as part of a path: letters, digits and a few signs; what had to change gets a digest, to stay unique."""
    safe = re.sub(r"[^\w.() +-]", "_", name, flags=re.ASCII).strip(". ")[:LONGEST_NAME]
    if safe == name:
        return name
    digest = hashlib.sha256(name.encode(errors="surrogateescape")).hexdigest()[:8]
    return f"{safe}-{digest}" if safe else digest


def _short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 120 else f"{text[:117]}..."


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)


def _unusable(folder: Path, error: OSError) -> DermTreeError:
    return DermTreeError(f"The maps cannot be kept in {folder} ({error.strerror}). Choose another --out.")
