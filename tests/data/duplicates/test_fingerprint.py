"""Rules of what is read off one file: equal pixels give equal hashes, EXIF gives camera and time and nothing else."""

from __future__ import annotations

import hashlib
import io
from datetime import datetime

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from derm_model.data.drawings import draw_lesion
from derm_model.data.duplicates.detail import details_of
from derm_model.data.duplicates.edges import exif_seconds
from derm_model.data.duplicates.exif import edges_of_exif
from derm_model.data.duplicates.fingerprint import PRINT_COLUMNS, Fingerprint, fingerprint_of, to_prints
from derm_model.data.duplicates.shot import Shot, read_shot
from derm_model.data.images import decode

TIME = "2019:05:04 10:20:30"


def encoded(
    file_format: str = "PNG",
    *,
    make: object = None,
    model: object = None,
    serial: object = None,
    time: object = None,
    changed: object = None,
    orientation: int | None = None,
) -> bytes:
    exif = Image.Exif()
    for tag, value in {0x010F: make, 0x0110: model, 0x0132: changed, 0x0112: orientation}.items():
        if value is not None:
            exif[tag] = value
    block = exif.get_ifd(0x8769)
    for tag, value in {0xA431: serial, 0x9003: time}.items():
        if value is not None:
            block[tag] = value
    buffer = io.BytesIO()
    Image.fromarray(draw_lesion(3, 96)).save(buffer, file_format, exif=exif)
    return buffer.getvalue()


def print_of(data: bytes) -> Fingerprint:
    return fingerprint_of(data, decode(data))


def test_another_container_has_the_same_pixels_and_another_content():
    png, tiff = print_of(encoded("PNG")), print_of(encoded("TIFF"))
    assert png.pixel_hash == tiff.pixel_hash
    assert png.content_hash == hashlib.sha256(encoded("PNG")).hexdigest() != tiff.content_hash
    assert np.array_equal(png.detail, tiff.detail)
    assert print_of(encoded("JPEG")).pixel_hash != png.pixel_hash


def test_pixels_are_hashed_upright_and_with_their_shape():
    turned = print_of(encoded(orientation=6))
    assert turned.pixel_hash != print_of(encoded()).pixel_hash
    assert turned.pixel_hash == print_of(turned_by_hand()).pixel_hash
    flat = [fingerprint_of(b"", decode(plain(*size))).pixel_hash for size in ((4, 6), (6, 4), (8, 3))]
    assert len(set(flat)) == 3


def turned_by_hand() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(draw_lesion(3, 96)).transpose(Image.Transpose.ROTATE_270).save(buffer, "PNG")
    return buffer.getvalue()


def plain(width_px: int, height_px: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width_px, height_px), (120, 90, 80)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_camera_and_time_are_read_from_every_format_with_exif(file_format):
    data = encoded(file_format, make="Acme", model="Derm 3", serial="77", time=TIME)
    assert read_shot(data) == Shot("Acme Derm 3 #77", datetime(2019, 5, 4, 10, 20, 30))


def test_the_camera_of_a_tiff_is_read():
    assert read_shot(encoded("TIFF", make="Acme", model="Derm 3")) == Shot("Acme Derm 3")


def test_camera_and_time_are_read_from_a_phone_photograph():
    import pillow_heif

    exif = Image.Exif()
    exif[0x010F], exif.get_ifd(0x8769)[0x9003] = "Acme", TIME
    file = pillow_heif.from_pillow(Image.fromarray(draw_lesion(3, 96)))
    file[0].info["exif"] = exif.tobytes()
    buffer = io.BytesIO()
    file.save(buffer)
    assert read_shot(buffer.getvalue()) == Shot("Acme", datetime(2019, 5, 4, 10, 20, 30))


@pytest.mark.parametrize(
    "given, camera",
    [
        ({"make": "Acme", "model": "ACME Derm 3"}, "ACME Derm 3"),
        ({"make": " Acme \0", "model": "\0"}, "Acme"),
        ({"make": "Acme", "serial": "5"}, "Acme #5"),
        ({"make": "  "}, None),
        ({}, None),
    ],
)
def test_a_camera_is_make_model_and_serial_number_as_far_as_they_are_there(given, camera):
    assert read_shot(encoded(**given)).camera == camera


@pytest.mark.parametrize("time", ["0000:00:00 00:00:00", "1980:01:01 00:00:00", "yesterday", "", "2019:13:40 10:20:30"])
def test_an_unset_clock_tells_no_time(time):
    assert read_shot(encoded(time=time)).taken_at is None


def test_the_time_of_the_last_change_is_not_that_of_the_shot():
    assert read_shot(encoded(changed=TIME)).taken_at is None


@pytest.mark.parametrize("data", [b"", b"no picture", encoded("JPEG")[:40], b"\xff\xd8\xff\xe1\x00\x10Exif\0\0II*\0"])
def test_damaged_metadata_says_nothing(data):
    assert read_shot(data) == Shot()


def test_prints_are_a_table_with_missing_values_for_what_cannot_be_read():
    whole = print_of(encoded("JPEG", make="Acme", time=TIME))
    flat = print_of(plain(200, 200))
    prints = to_prints([("a", whole), ("b", None), ("c", flat)])
    assert list(prints.columns) == list(PRINT_COLUMNS)
    assert prints["content_hash"].tolist() == ["a", "b", "c"]
    assert prints["width_px"].tolist()[::2] == [96, 200]
    assert prints["taken_at"][0] == pd.Timestamp("2019-05-04 10:20:30")
    assert prints.drop(columns="content_hash").iloc[1].isna().all()
    details = details_of(prints)
    assert np.array_equal(details[0], whole.detail)
    assert not details[1:].any()
    assert to_prints([("b", None)]).dtypes.equals(prints.dtypes)


def shots(rows: list[tuple[str | None, str | None, str | None]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Table and prints of (camera, time of day, patient)."""
    hashes = [f"hash{i}" for i in range(len(rows))]
    table = pd.DataFrame({"content_hash": hashes, "source": "s", "patient_id": [patient for _, _, patient in rows]})
    prints = pd.DataFrame(
        {
            "content_hash": hashes,
            "camera": pd.array([camera for camera, _, _ in rows], dtype="string"),
            "taken_at": pd.to_datetime([time and f"2019-05-04 {time}" for _, time, _ in rows]).astype("datetime64[s]"),
        }
    )
    return table, prints.iloc[::-1]


def test_neighbouring_shots_of_one_camera_are_joined_with_the_time_between():
    table, prints = shots(
        [("A", "10:00:00", None), ("B", "10:00:01", None), ("A", "10:00:40", None), ("A", "10:00:12", None)]
    )
    edges = edges_of_exif(table, prints)
    assert edges[["a", "b"]].to_numpy().tolist() == [[0, 3], [2, 3]]
    assert exif_seconds(edges["strength"]).tolist() == [12, 28]
    assert len(edges_of_exif(table, prints, max_seconds=20)) == 1


def test_shots_of_patients_known_to_differ_are_not_joined():
    table, prints = shots([("A", "10:00:00", "p"), ("A", "10:00:05", "q"), ("A", "10:00:07", None)])
    assert edges_of_exif(table, prints)[["a", "b"]].to_numpy().tolist() == [[1, 2]]


def test_shots_of_two_data_sets_are_not_joined():
    table, prints = shots([("A", "10:00:00", None), ("A", "10:00:05", None)])
    assert len(edges_of_exif(table.assign(source=["s", "t"]), prints)) == 0


def test_a_clock_that_stands_still_joins_nothing():
    table, prints = shots([("A", "10:00:00", None)] * 6 + [("A", "10:00:03", None), ("A", "10:00:04", None)])
    assert edges_of_exif(table, prints)[["a", "b"]].to_numpy().tolist() == [[6, 7]]


def test_a_shot_without_camera_or_time_is_joined_to_none():
    table, prints = shots([(None, "10:00:00", None), (None, "10:00:01", None), ("A", None, None), ("A", None, None)])
    assert len(edges_of_exif(table, prints)) == 0
