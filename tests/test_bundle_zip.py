"""Bundles as zip files: the way out, the way in, and everything that is not let in."""

from __future__ import annotations

import io
import json
import random
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from derm_model import bundle_zip
from derm_model.bundle_zip import card_name, free_name, import_zip, look_into, safe_name, write_zip
from derm_model.card import CARD_FILE, WEIGHTS_FILE, read_card
from derm_model.errors import BundleError, UnsupportedFormat, WrongTaxonomy
from derm_model.net.bundle import load_bundle
from derm_model.taxonomy import Taxonomy

N_DAMAGED = 120


@pytest.fixture
def packed(tiny_bundle: Path) -> bytes:
    return zip_of(tiny_bundle)


def zip_of(folder: Path) -> bytes:
    buffer = io.BytesIO()
    write_zip(folder, buffer)
    return buffer.getvalue()


def made(entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return buffer


def files_of(bundle: Path) -> dict[str, bytes]:
    return {name: (bundle / name).read_bytes() for name in (CARD_FILE, WEIGHTS_FILE)}


def with_card(bundle: Path, change: Callable[[dict[str, Any]], object]) -> io.BytesIO:
    """A zip of the bundle with a changed card."""
    files = files_of(bundle)
    content = json.loads(files[CARD_FILE])
    change(content)
    return made(files | {CARD_FILE: json.dumps(content).encode()})


def take(file: io.BytesIO, taxonomy: Taxonomy, root: Path, name: str | None = None) -> Path:
    return import_zip(file, taxonomy, check=lambda folder: load_bundle(folder, taxonomy), name=name, root=root)


def test_a_bundle_comes_back_from_a_zip_as_it_was(
    packed: bytes, tiny_bundle: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    folder = take(io.BytesIO(packed), taxonomy, tmp_path)
    assert folder == tmp_path / "tiny"
    assert files_of(folder) == files_of(tiny_bundle)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]  # nothing of the work is left
    assert stat.S_IMODE((folder / CARD_FILE).stat().st_mode) & 0o400


def test_the_same_bundle_makes_the_same_zip_and_weights_are_stored_as_they_are(
    packed: bytes, tiny_bundle: Path
) -> None:
    assert zip_of(tiny_bundle) == packed
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        kinds = {info.filename: info.compress_type for info in archive.infolist()}
    assert kinds == {"tiny/bundle.json": zipfile.ZIP_DEFLATED, "tiny/weights.safetensors": zipfile.ZIP_STORED}


def test_a_zip_says_what_is_in_it_before_anything_is_imported(packed: bytes, tiny_bundle: Path) -> None:
    assert look_into(io.BytesIO(packed)).bundle_id == read_card(tiny_bundle).bundle_id


def test_files_may_lie_at_the_top_and_be_compressed(tiny_bundle: Path, taxonomy: Taxonomy, tmp_path: Path) -> None:
    folder = take(made(files_of(tiny_bundle), zipfile.ZIP_DEFLATED), taxonomy, tmp_path)
    assert files_of(folder) == files_of(tiny_bundle)


def test_another_name_changes_neither_weights_nor_id(
    packed: bytes, tiny_bundle: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    folder = take(io.BytesIO(packed), taxonomy, tmp_path, name="  Our   clinic's ")
    assert folder.name == "Our-clinic-s"
    assert read_card(folder).name == "Our clinic's"
    assert (folder / WEIGHTS_FILE).read_bytes() == (tiny_bundle / WEIGHTS_FILE).read_bytes()
    card = json.loads((folder / CARD_FILE).read_bytes())
    assert card | {"name": "tiny"} == json.loads((tiny_bundle / CARD_FILE).read_bytes())


def test_a_model_that_is_there_is_never_replaced(packed: bytes, taxonomy: Taxonomy, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "mine.txt").write_text("mine")
    with pytest.raises(BundleError, match="under another name"):
        take(io.BytesIO(packed), taxonomy, tmp_path)
    assert [path.name for path in (tmp_path / "tiny").iterdir()] == ["mine.txt"]


def test_who_comes_second_in_a_race_replaces_nothing(packed: bytes, taxonomy: Taxonomy, tmp_path: Path) -> None:
    def overtaken(folder: Path) -> None:
        (tmp_path / "tiny").mkdir()
        (tmp_path / "tiny" / "first").touch()

    with pytest.raises(BundleError, match="already"):
        import_zip(io.BytesIO(packed), taxonomy, check=overtaken, root=tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["tiny", "first"]


def test_a_bundle_that_cannot_be_loaded_is_refused_with_the_reason_and_leaves_nothing(
    packed: bytes, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    def refuse(folder: Path) -> None:
        raise BundleError(f"{folder}/{WEIGHTS_FILE} has the wrong shapes. {folder.name}: nothing fits.")

    with pytest.raises(BundleError, match=f"^{WEIGHTS_FILE} has the wrong shapes. the zip: nothing fits.$"):
        import_zip(io.BytesIO(packed), taxonomy, check=refuse, root=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_weights_of_another_bundle_are_refused(tiny_bundle: Path, taxonomy: Taxonomy, tmp_path: Path) -> None:
    files = files_of(tiny_bundle)
    with pytest.raises(BundleError, match="not those its card describes"):
        take(made(files | {WEIGHTS_FILE: files[WEIGHTS_FILE] + b"\0"}), taxonomy, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_bundle_is_not_exported(tiny_bundle: Path, tmp_path: Path) -> None:
    files = files_of(tiny_bundle)
    (tmp_path / CARD_FILE).write_bytes(files[CARD_FILE])
    (tmp_path / WEIGHTS_FILE).write_bytes(files[WEIGHTS_FILE][:-1])
    with pytest.raises(BundleError, match="Copy the bundle again"):
        write_zip(tmp_path, io.BytesIO())


@pytest.mark.parametrize(
    "name",
    [
        "../bundle.json",
        "/bundle.json",
        "a/../bundle.json",
        "..\\bundle.json",
        "C:/bundle.json",
        "a\\bundle.json",
        "./bundle.json",
        "a//bundle.json",
        "bundle.json\0.txt",
    ],
)
def test_names_that_lead_elsewhere_are_refused(
    name: str, tiny_bundle: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    files = files_of(tiny_bundle)
    file = made({"X" * len(name): files[CARD_FILE], WEIGHTS_FILE: files[WEIGHTS_FILE]})
    evil = io.BytesIO(file.getvalue().replace(b"X" * len(name), name.encode()))  # zipfile itself would tidy it
    with pytest.raises(BundleError, match="leads elsewhere"):
        take(evil, taxonomy, tmp_path / "root")
    assert [path.name for path in tmp_path.rglob("*")] == ["root"]


def test_links_are_refused(tiny_bundle: Path, taxonomy: Taxonomy, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(CARD_FILE, files_of(tiny_bundle)[CARD_FILE])
        link = zipfile.ZipInfo(WEIGHTS_FILE)
        link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(BundleError, match="no file but a link"):
        take(buffer, taxonomy, tmp_path)


@pytest.mark.parametrize(
    "entries, message",
    [
        ({}, "this one has no file"),
        ({CARD_FILE: b"{}"}, "no other file"),
        ({CARD_FILE: b"{}", WEIGHTS_FILE: b"", "run.py": b""}, "'run.py'"),
        ({f"a/{CARD_FILE}": b"{}", f"b/{WEIGHTS_FILE}": b""}, "they lie in two"),
        ({f"a/b/{CARD_FILE}": b"{}", f"a/b/{WEIGHTS_FILE}": b""}, "at the top of the zip"),
        ({f"{i}": b"" for i in range(9)}, "lists 9 entries"),
    ],
)
def test_only_the_two_files_of_a_bundle_are_let_in(entries: dict[str, bytes], message: str) -> None:
    with pytest.raises(BundleError, match=message):
        look_into(made(entries))


def test_two_files_of_one_name_are_refused(tiny_bundle: Path) -> None:
    files = files_of(tiny_bundle)
    file = made({CARD_FILE: files[CARD_FILE], "undle.json!": b"{}", WEIGHTS_FILE: files[WEIGHTS_FILE]})
    with pytest.raises(BundleError, match="no other file"):
        look_into(io.BytesIO(file.getvalue().replace(b"undle.json!", b"bundle.json")))


def test_bombs_are_refused_before_they_are_unpacked(
    tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = made(files_of(tiny_bundle) | {WEIGHTS_FILE: bytes(30_000_000)}, zipfile.ZIP_DEFLATED)
    monkeypatch.setattr(bundle_zip, "MAX_BYTES", 20_000_000)
    assert len(file.getvalue()) < 200_000
    with pytest.raises(BundleError, match="It was not unpacked"):
        look_into(file)


def test_a_card_as_large_as_a_model_is_refused(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_zip, "MAX_CARD_BYTES", 1000)
    with pytest.raises(BundleError, match="which no model has"):
        look_into(made(files_of(tiny_bundle)))


def test_a_large_file_is_refused_unread(packed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_zip, "MAX_BYTES", len(packed) - 1)
    with pytest.raises(BundleError, match="MB at most"):
        look_into(io.BytesIO(packed))


def test_a_list_of_thousands_of_entries_is_refused_unread() -> None:
    with pytest.raises(BundleError, match="more than the two files"):
        look_into(made({f"{i:05d}": b"" for i in range(2000)}))


def test_a_zip_of_the_64_bit_kind_is_refused(packed: bytes) -> None:
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, 1)
    with pytest.raises(BundleError, match="more than the two files"):
        look_into(io.BytesIO(packed[:-22] + locator + packed[-22:]))


def test_encrypted_files_and_rare_compressions_are_refused(tiny_bundle: Path) -> None:
    with pytest.raises(BundleError, match="compressed in a way"):
        look_into(made(files_of(tiny_bundle), zipfile.ZIP_BZIP2))
    locked = bytearray(made(files_of(tiny_bundle)).getvalue())
    locked[locked.rindex(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(BundleError, match="encrypted"):
        look_into(io.BytesIO(bytes(locked)))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x05\x06" + bytes(17), bytes(5000)])
def test_what_is_no_zip_is_refused(content: bytes) -> None:
    with pytest.raises(BundleError, match="no zip file"):
        look_into(io.BytesIO(content))


def test_damage_anywhere_is_refused_or_harmless(packed: bytes, taxonomy: Taxonomy, tmp_path: Path) -> None:
    rng = random.Random(1)
    for i in range(N_DAMAGED):
        damaged = bytearray(packed)
        for _ in range(rng.choice([1, 1, 5])):
            damaged[rng.choice([rng.randrange(len(packed)), -rng.randrange(1, 400)])] = rng.randrange(256)
        if rng.random() < 0.1:
            del damaged[rng.randrange(len(damaged)) :]
        try:
            folder = import_zip(io.BytesIO(bytes(damaged)), taxonomy, check=read_card, root=tmp_path / str(i))
        except BundleError:
            continue
        assert read_card(folder).name == "tiny"


def test_a_bundle_of_another_taxonomy_is_refused(tiny_bundle: Path, taxonomy: Taxonomy, tmp_path: Path) -> None:
    foreign = with_card(tiny_bundle, lambda card: card["partition"].update(taxonomy_digest="0" * 64))
    with pytest.raises(WrongTaxonomy, match="made for another taxonomy"):
        take(foreign, taxonomy, tmp_path)


def test_a_bundle_of_a_newer_format_is_refused(tiny_bundle: Path) -> None:
    with pytest.raises(UnsupportedFormat, match=r"; bundle.json says 99"):
        look_into(with_card(tiny_bundle, lambda card: card.update(format_version=99)))


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda card: card.pop("licence"), "licence: field is missing"),
        (lambda card: card.update(surprise=1), "surprise: unknown field"),
        (lambda card: card["partition"]["classes"][0].update(n_images="many"), r"classes\[0\].n_images"),
        (lambda card: card["tasks"]["epidermal"]["presets"][0]["chosen"].update(threshold="low"), "chosen.threshold"),
        (lambda card: card.update(bundle_id="../../etc-" + card["weights_sha256"][:8]), "The id of a model"),
        (lambda card: card.update(bundle_id="demo-00000000"), "The id of a model"),
        (lambda card: card["preprocessing"].update(size_px=100_000), "up to 1024 px"),
    ],
)
def test_a_card_is_read_strictly(change: Callable[[dict[str, Any]], object], message: str, tiny_bundle: Path) -> None:
    with pytest.raises(BundleError, match=message):
        look_into(with_card(tiny_bundle, change))


def test_a_card_that_is_nested_without_end_is_refused(tiny_bundle: Path) -> None:
    with pytest.raises(BundleError, match="nested too deeply"):
        look_into(made(files_of(tiny_bundle) | {CARD_FILE: b"[" * 200_000}))


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda card: card["partition"]["classes"][0].update(node="no-such-node"), "the taxonomy does not have"),
        (
            lambda card: card["partition"]["classes"][0].update(node=card["partition"]["classes"][1]["node"]),
            "two train",
        ),
        (lambda card: card.update(name="\u202e" * 3), "visible characters"),
        (lambda card: card.update(name="x" * 1000), "visible characters"),
    ],
)
def test_classes_and_name_must_fit_here(
    change: Callable[[dict[str, Any]], object], message: str, tiny_bundle: Path, taxonomy: Taxonomy, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=message):
        take(with_card(tiny_bundle, change), taxonomy, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said(packed: bytes, taxonomy: Taxonomy, tmp_path: Path) -> None:
    (tmp_path / "root").write_text("a file")
    with pytest.raises(BundleError, match="could not be kept"):
        take(io.BytesIO(packed), taxonomy, tmp_path / "root")


@pytest.mark.parametrize(
    "text, name",
    [
        ("demo", "demo"),
        ("../../etc/passwd", "etc-passwd"),
        (".hidden", "hidden"),
        ("Klinik Süd 2", "Klinik-Sud-2"),
        ("皮膚", "model"),
        ("a" * 99, "a" * 60),
        ("", "model"),
    ],
)
def test_a_name_becomes_a_safe_folder(text: str, name: str) -> None:
    assert safe_name(text) == name


def test_a_free_name_is_unlike_all_others() -> None:
    assert free_name("demo", []) == "demo"
    assert free_name("demo", ["Demo", "demo 2"]) == "demo 3"
    assert len(free_name("x" * 60, ["x" * 60])) <= bundle_zip.MAX_NAME


def test_names_are_tidied_or_refused() -> None:
    assert card_name("  two   words ") == "two words"
    for wrong in ("", "   ", "a\0b", "x" * 61):
        with pytest.raises(BundleError, match="visible characters"):
            card_name(wrong)
