"""A model bundle as a zip file: written to be carried elsewhere, and read as what it is, a file from a stranger.

A zip holds ``bundle.json`` and ``weights.safetensors``, alone or in one folder, and nothing else. Nothing of a name in
it becomes a path: the two files are written under their own names into a folder that is named here. No torch in here:
that the weights make a network is what `check` of `import_zip` says.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
import stat
import struct
import tempfile
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from derm_model.card import CARD_FILE, WEIGHTS_FILE, BundleCard, read_card, write_card
from derm_model.errors import BundleError, DermTreeError, WrongTaxonomy
from derm_model.evaluation.curves import OperatingPoint
from derm_model.home import home
from derm_model.taxonomy import Aggregator, Partition, Taxonomy
from derm_model.typed_json import FieldError, decode_dataclass

FOLDER = "bundles"  # below $DERM_HOME; one of derm_model.card.bundle_roots
MAX_MB = 128  # an Inception v3 takes 45 in half and 90 in single precision
MAX_BYTES = MAX_MB * 1_000_000  # of the zip, and of what is in it
MAX_CARD_BYTES = 8_000_000  # the shipped card has 55 kB
MAX_ENTRIES = 4  # two files and the folders they may lie in
MAX_LIST_BYTES = 64_000  # of the list of entries: read as a whole before the first entry can be refused
MAX_SIZE_PX = 1024  # side of the network's input; memory grows with its square
MAX_NAME = 60

_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_END = struct.Struct("<4s4H2LH")  # of a zip file: signature, ..., bytes of the list (5), its place, bytes of a comment
_END_MARK, _ZIP64_MARK, _ZIP64_BYTES = b"PK\x05\x06", b"PK\x06\x07", 20
_CHUNK = 1 << 20
_TIME = (1980, 1, 1, 0, 0, 0)  # the same bundle makes the same zip, whenever it is made
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_AGAIN = f"Export the model again where it works, or zip its folder with {CARD_FILE} and {WEIGHTS_FILE} alone."


def write_zip(folder: Path, file: IO[bytes]) -> None:
    """Write the bundle in `folder` as a zip into `file`; the weights, which no compression makes smaller, as they are.

    Raises
    ------
    BundleError
        A file is missing or damaged; `file` then holds no complete zip.
    """
    card = read_card(folder)
    name, found = safe_name(card.name), hashlib.sha256()
    try:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(_entry(name, CARD_FILE), (folder / CARD_FILE).read_bytes(), zipfile.ZIP_DEFLATED)
            with (folder / WEIGHTS_FILE).open("rb") as source, archive.open(_entry(name, WEIGHTS_FILE), "w") as target:
                _copy(source, target, MAX_BYTES, found.update)
    except OSError as error:
        raise BundleError(f"{folder.name} could not be written as a zip ({error.strerror}).") from error
    if found.hexdigest() != card.weights_sha256:
        raise BundleError(f"{folder.name}: the weights are not those its card describes. Copy the bundle again, whole.")


def _entry(folder: str, file: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(f"{folder}/{file}", _TIME)
    info.external_attr = 0o644 << 16  # by default only its owner could read what is unpacked
    return info


def look_into(file: IO[bytes]) -> BundleCard:
    """Card of the bundle in a zip, read strictly; the weights are not looked at.

    Raises
    ------
    BundleError
        No zip with a bundle in it; the message says what is wrong and what to do.
    """
    with tempfile.TemporaryDirectory() as scratch, _opened(file) as archive:
        _extract(archive, CARD_FILE, Path(scratch), MAX_CARD_BYTES)
        return _card(Path(scratch))


def import_zip(
    file: IO[bytes],
    taxonomy: Taxonomy,
    *,
    check: Callable[[Path], object],
    name: str | None = None,
    root: Path | None = None,
) -> Path:
    """Unpack a bundle and offer it, once everything about it was looked at.

    Parameters
    ----------
    file
    taxonomy
        The tree in use; a bundle of another one is refused.
    check : callable
        Gets the unpacked folder and raises a `DermTreeError` where the bundle cannot be loaded.
    name
        What the model is called here, by default what its card says. Neither weights nor id depend on it.
    root
        Default: ``$DERM_HOME/bundles``.

    Returns
    -------
    Path
        The new folder in `root`. A reader sees all of it or nothing; nothing is left of a bundle that was refused.

    Raises
    ------
    WrongTaxonomy, UnsupportedFormat
    BundleError
        It must not be used, or its name is taken; the message says why and what to do.
    """
    root = home() / FOLDER if root is None else root
    with _room(root) as scratch:
        inner = scratch / "bundle"
        inner.mkdir()
        with _opened(file) as archive:
            _extract(archive, CARD_FILE, inner, MAX_CARD_BYTES)
            card = _card(inner)
            _check_taxonomy(card, taxonomy)
            name = card_name(card.name if name is None else name)
            target = root / safe_name(name)
            if target.exists():
                raise _taken(target)
            found = _extract(archive, WEIGHTS_FILE, inner, MAX_BYTES)
        if found != card.weights_sha256:
            raise BundleError(
                f"The weights in the zip are not those its card describes (sha256 {found[:12]} instead of "
                f"{card.weights_sha256[:12]}): the file is damaged, or card and weights are of two models. {_AGAIN}"
            )
        if name != card.name:
            write_card(dataclasses.replace(card, name=name), inner)
        with _said_of_the_zip(inner):
            check(inner)
        try:
            inner.rename(target)
        except OSError as error:  # somebody was faster
            raise _taken(target) from error
    return target


def card_name(text: str) -> str:
    """A name as a card may have it: white space is tidied.

    Raises
    ------
    BundleError
        Empty, too long, or with characters that cannot be seen.
    """
    tidy = " ".join(text.split())
    if not tidy or len(tidy) > MAX_NAME or not tidy.isprintable():
        raise BundleError(
            f"A model's name has 1 to {MAX_NAME} visible characters; this one has {len(tidy)}. Choose another."
        )
    return tidy


def safe_name(text: str) -> str:
    """Folder or file name made of a model's name: letters, digits, ``.``, ``_`` and ``-``, never hidden or empty."""
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", ascii_only).strip("-._")[:MAX_NAME].rstrip("-._") or "model"


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """`wanted`, or with the first number behind it that makes it unlike every taken one, also as a folder's name."""
    used = {safe_name(name).casefold() for name in taken}
    name, number = wanted, 2
    while safe_name(name).casefold() in used:
        name, number = f"{wanted[: MAX_NAME - 5]} {number}", number + 1
    return name


@contextmanager
def _room(root: Path) -> Iterator[Path]:
    """A hidden folder in `root`, so that what is ready is renamed and not copied; gone at the end."""
    scratch = None
    try:
        root.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".import.", suffix=".tmp", dir=root))
        yield scratch
    except OSError as error:
        raise BundleError(
            f"The model could not be kept in {root} ({error.strerror}). Free some space, or let the server write there."
        ) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)


@contextmanager
def _opened(file: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    """The zip, once its outside is known to be harmless."""
    _check_outside(file)
    try:
        with zipfile.ZipFile(file) as archive:
            _check_entries(archive)
            yield archive
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, ValueError) as error:
        raise BundleError(f"The zip is damaged ({error}). {_AGAIN}") from error


def _check_outside(file: IO[bytes]) -> None:
    """Size, and the size of the list of entries, before `zipfile` makes an object of each."""
    n_bytes = file.seek(0, 2)
    if n_bytes > MAX_BYTES:
        raise BundleError(f"A model as a zip has {MAX_MB} MB at most; this file has {n_bytes / 1e6:,.0f} MB.")
    file.seek(max(0, n_bytes - _END.size - _ZIP64_BYTES))
    tail = file.read()
    end = tail[-_END.size :]
    if len(end) < _END.size or not end.startswith(_END_MARK) or end[-2:] != b"\0\0":
        raise BundleError(f"The file is no zip file, or a truncated one, or one with a comment. {_AGAIN}")
    if tail.startswith(_ZIP64_MARK) or _END.unpack(end)[5] > MAX_LIST_BYTES:
        raise BundleError(f"The zip lists more than the two files of a model. {_AGAIN}")


def _check_entries(archive: zipfile.ZipFile) -> None:
    """Exactly the files of a bundle, in one place, plain and of a sensible size."""
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise BundleError(f"The zip lists {len(entries)} entries; a model has two files. {_AGAIN}")
    for entry in entries:
        _check_entry(entry)
    files = [entry.filename for entry in entries if not entry.is_dir()]
    if sorted(Path(name).name for name in files) != sorted((CARD_FILE, WEIGHTS_FILE)):
        listed = ", ".join(repr(name) for name in files) or "no file"
        raise BundleError(
            f"A zip of a model holds {CARD_FILE} and {WEIGHTS_FILE} and no other file; this one has {listed}. {_AGAIN}"
        )
    if len({name.rpartition("/")[0] for name in files}) > 1:
        raise BundleError(f"The two files of a model lie in one folder of the zip; here they lie in two. {_AGAIN}")
    if sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise BundleError(f"Unpacked, a model has {MAX_MB} MB at most; this zip would give more. It was not unpacked.")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename  # as it stands in the file: zipfile shortens names at a NUL
    parts = name.rstrip("/").split("/")
    if "\\" in name or ":" in name or not name.isprintable() or any(part in ("", ".", "..") for part in parts):
        raise BundleError(
            f"A name in the zip leads elsewhere: {name!r}. The files of a model lie side by side or in one folder, and "
            f"names are parted by '/'. {_AGAIN}"
        )
    if len(parts) > 2:
        raise BundleError(f"The files of a model lie at the top of the zip or in one folder, not in {name!r}. {_AGAIN}")
    mode = stat.S_IFMT(entry.external_attr >> 16)
    if mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BundleError(f"{name!r} is no file but a link or a device; those are not unpacked. {_AGAIN}")
    if entry.flag_bits & 0x1:
        raise BundleError(f"{name!r} is encrypted. Zip the model without a password.")
    if entry.compress_type not in _PLAIN:
        raise BundleError(f"{name!r} is compressed in a way that is not read here. Use plain zip (deflate or stored).")


def _extract(archive: zipfile.ZipFile, file: str, folder: Path, most: int) -> str:
    """Write one file into `folder`; sha256 of what was written. What a zip says of sizes is not believed."""
    (entry,) = (entry for entry in archive.infolist() if entry.filename.rpartition("/")[2] == file)
    found = hashlib.sha256()
    with archive.open(entry) as source, (folder / file).open("xb") as target:
        _copy(source, target, most, found.update)
    return found.hexdigest()


def _copy(source: IO[bytes], target: IO[bytes], most: int, each: Callable[[bytes], None]) -> None:
    n_bytes = 0
    while chunk := source.read(_CHUNK):
        n_bytes += len(chunk)
        if n_bytes > most:
            raise BundleError(f"A file of the model has more than {most / 1e6:,.0f} MB, which no model has. {_AGAIN}")
        each(chunk)
        target.write(chunk)


def _card(folder: Path) -> BundleCard:
    """The card in `folder`, with all that `read_card` trusts because the bundles it reads were made here."""
    with _said_of_the_zip(folder):
        try:
            card = read_card(folder)
            _check_card(card, json.loads((folder / CARD_FILE).read_bytes()))
        except RecursionError as error:
            raise BundleError(f"{CARD_FILE} is nested too deeply to be a card. {_AGAIN}") from error
        except FieldError as error:
            raise BundleError(f"{CARD_FILE} does not follow the bundle format: {error}. {_AGAIN}") from error
    return card


def _check_card(card: BundleCard, content: dict[str, Any]) -> None:
    decode_dataclass(Partition, content["partition"], "partition", complete=True)
    for task, values in content["tasks"].items():
        for i, preset in enumerate(values["presets"]):
            for which in ("chosen", "held_out"):
                if preset[which] is not None:
                    place = f"tasks.{task}.presets[{i}].{which}"
                    decode_dataclass(OperatingPoint, preset[which], place, complete=True)
    if not _ID.fullmatch(card.bundle_id) or not card.bundle_id.endswith(f"-{card.weights_sha256[:8]}"):
        raise BundleError(
            "The id of a model is made of letters, digits, '.', '_' and '-' and ends with the first eight digits of "
            f"the sha256 of its weights. {card.bundle_id[:100]!r} is no such id. {_AGAIN}"
        )
    size = card.preprocessing.get("size_px")
    if not isinstance(size, int) or not 0 < size <= MAX_SIZE_PX:
        raise BundleError(f"A network here reads squares of up to {MAX_SIZE_PX} px; the card says {size!r}. {_AGAIN}")


def foreign_taxonomy(made_for: str, here: str) -> str:
    """What to do with a model made for another taxonomy, as the end of a sentence; both are named by their digests."""
    return (
        f"({made_for}, here {here}), so its classes would be read wrongly. Unpack it on the "
        "server and run `python -m derm_model taxonomy move` with its folder, which says whether its classes survive. "
        "Or use the DermTree version it was made with, or train it again here."
    )


def _check_taxonomy(card: BundleCard, taxonomy: Taxonomy) -> None:
    if card.taxonomy_digest != taxonomy.digest:
        digests = card.taxonomy_digest[:12], taxonomy.digest[:12]
        raise WrongTaxonomy(f"The model was made for another taxonomy {foreign_taxonomy(*digests)}")
    nodes = {node for c in card.classes for node in (c.node, *c.members)}
    if unknown := sorted(nodes - set(taxonomy.index)):
        raise BundleError(f"The card names {unknown[0]!r}, which the taxonomy does not have. {_AGAIN}")
    try:
        Aggregator(taxonomy, card.classes)
    except DermTreeError as error:
        raise BundleError(f"The classes of the card do not fit the taxonomy: {error}. {_AGAIN}") from error


@contextmanager
def _said_of_the_zip(folder: Path) -> Iterator[None]:
    """What is said of the folder it was unpacked to, which nobody will ever see, is said of the zip."""
    try:
        yield
    except BundleError as error:
        text = str(error).replace(f"{folder}/", "").replace(f"{folder.name}:", "the zip:")
        raise type(error)(text) from error


def _taken(target: Path) -> BundleError:
    return BundleError(
        f"There is a model in {target} already, and none is ever replaced. Import this one under another name."
    )
