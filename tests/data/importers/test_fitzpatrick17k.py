"""Fitzpatrick17k, on a small table of the official form with invented rows."""

from __future__ import annotations

import pytest

from derm_model.errors import ImportProblem

HEADER = (
    "md5hash,fitzpatrick_scale,fitzpatrick_centaur,label,nine_partition_label,three_partition_label,qc,url,url_alphanum"
)


def row(number, label, *, scale="3", qc=""):
    name = f"{number:032x}"
    return f"{name},{scale},2,{label},inflammatory,non-neoplastic,{qc},https://a.example/{number}.jpg,httpsa{number}jpg.jpg"


def test_label_and_skin_type_are_read(disk):
    rows = [row(1, "psoriasis", scale="6"), row(2, "melanoma", scale="-1", qc="1 Diagnostic")]
    disk.write("fitzpatrick17k.csv", "\n".join([HEADER, *rows]))
    disk.images(f"images/{1:032x}.jpg", f"images/{2:032x}.png")
    manifest = disk.read("fitzpatrick17k")
    assert manifest.problems == ()
    first, second = manifest.records
    assert (first.image_id, first.node, first.fitzpatrick_type) == (f"{1:032x}", "psoriasis-vulgaris", 6)
    assert (first.source, first.modality, first.licence) == ("Fitzpatrick17k", "clinical", "CC BY-NC-SA 3.0")
    assert (first.lesion_id, first.patient_id, first.confirmed_by, first.official_split) == (None, None, None, None)
    assert (second.node, second.fitzpatrick_type) == ("melanoma-nos", None)


def test_rows_that_its_own_check_found_wrong_are_left_out_and_their_files_are_no_strays(disk, kinds):
    rows = [row(1, "psoriasis"), row(2, "psoriasis", qc="3 Wrongly labelled")]
    disk.write("fitzpatrick17k.csv", "\n".join([HEADER, *rows]))
    disk.images(f"{1:032x}.jpg", f"{2:032x}.jpg")
    assert kinds(disk.read("fitzpatrick17k")) == {"wrongly labelled, as the data set's own check says": 1}


def test_images_may_be_named_as_they_come_from_their_addresses(disk):
    disk.write("fitzpatrick17k.csv", f"{HEADER}\n{row(1, 'psoriasis')}")
    disk.images("httpsa1jpg.jpg")
    (record,) = disk.read("fitzpatrick17k", names="url_alphanum").records
    assert (record.image_id, record.path.name) == (f"{1:032x}", "httpsa1jpg.jpg")
    with pytest.raises(ImportProblem, match="file not found"):
        disk.read("fitzpatrick17k")


def test_a_folder_without_the_table_is_said(disk):
    disk.images("1.jpg")
    with pytest.raises(ImportProblem, match="Fitzpatrick17k table is needed"):
        disk.read("fitzpatrick17k")
