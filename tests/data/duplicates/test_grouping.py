"""Rules of the duplicate graph."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from derm_model.data.drawings import draw_lesion
from derm_model.data.duplicates import groups
from derm_model.data.duplicates.grouping import fingerprint, fingerprints
from derm_model.data.manifest import Record


def record(path: Path | str, **fields: str) -> Record:
    return Record(image_id=str(path), path=Path(path), node="n", label=None, **({"source": "s"} | fields))


def test_same_lesion_or_patient_joins_within_a_source():
    records = [
        record("a", lesion_id="1"),
        record("b", lesion_id="1", patient_id="p"),
        record("c", patient_id="p"),
        record("d", lesion_id="1", source="other"),
        record("e"),
        record("f"),
    ]
    assert groups(records, pixels=False) == [0, 0, 0, 1, 2, 3]


def test_a_lesion_id_is_no_patient_id():
    assert groups([record("a", lesion_id="7"), record("b", patient_id="7")], pixels=False) == [0, 1]


def test_a_link_joins_across_sources():
    records = [
        Record(image_id=str(i), path=Path(str(i)), node="n", label=None, source=f"s{i}", links=links)
        for i, links in enumerate([("isic:1",), (), ("isic:2", "isic:1")])
    ]
    assert groups(records, pixels=False) == [0, 1, 0]


def test_no_records_are_no_groups():
    assert groups([]) == []


def test_different_drawings_are_not_joined(drawings):
    assert groups([record(path) for path in drawings]) == list(range(len(drawings)))


def test_the_same_bytes_under_two_names_are_joined_even_when_unreadable(tmp_path, drawings):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(b"no picture at all")
    shutil.copy(drawings[0], tmp_path / "c.jpg")
    records = [record(tmp_path / name) for name in ("a.jpg", "c.jpg", "b.jpg")]
    assert groups([*records, record(drawings[0])]) == [0, 1, 0, 1]


@pytest.mark.parametrize("change", ["another encoding", "half the size", "darker", "tinted"])
def test_the_same_picture_in_another_form_is_joined(tmp_path, change):
    picture = Image.fromarray(draw_lesion(5, 320, "irregular"))
    original, copy = tmp_path / "original.png", tmp_path / "copy.jpg"
    picture.save(original)
    match change:
        case "half the size":
            picture = picture.resize((160, 160), Image.Resampling.LANCZOS)
        case "darker":
            picture = ImageEnhance.Brightness(picture).enhance(0.6)
        case "tinted":
            picture = Image.merge("RGB", [band.point(lut) for band, lut in zip(picture.split(), _tint(), strict=True)])
    picture.save(copy, quality=60)
    assert groups([record(original), record(copy)]) == [0, 0]
    assert groups([record(original), record(copy)], pixels=False) == [0, 1]


def _tint() -> list[list[int]]:
    return [[round(255 * (value / 255) ** gamma) for value in range(256)] for gamma in (0.7, 1.0, 1.4)]


def test_the_cache_answers_for_unchanged_files_and_not_for_changed_ones(tmp_path, drawings, monkeypatch):
    cache, path = tmp_path / "cache.npz", tmp_path / "a.jpg"
    shutil.copy(drawings[0], path)
    first = fingerprints([path], cache)[0]
    with monkeypatch.context() as patch:
        patch.setattr("derm_model.data.duplicates.grouping.fingerprint", lambda path: pytest.fail("read again"))
        again = fingerprints([path], cache)[0]
    assert again.sha256 == first.sha256
    assert np.array_equal(again.detail, first.detail)
    shutil.copy(drawings[5], path)
    assert fingerprints([path], cache)[0].sha256 == fingerprint(drawings[5]).sha256


@pytest.mark.parametrize("content", [b"", b"junk", b"PK\x03\x04 damaged"])
def test_a_damaged_cache_is_made_anew(tmp_path, drawings, content):
    cache = tmp_path / "cache.npz"
    cache.write_bytes(content)
    assert fingerprints(drawings[:1], cache)[0].sha256 == fingerprint(drawings[0]).sha256
    assert cache.read_bytes() != content
