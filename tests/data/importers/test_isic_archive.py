"""The ISIC Archive's metadata export, on small files of the official form with invented rows."""

from __future__ import annotations

import pytest

from derm_model.data.importers.isic_archive import read_row
from derm_model.errors import ImportProblem

# the columns that isic-cli writes, as far as they are read; the others of the data dictionary are ignored
HEADER = (
    "isic_id,attribution,copyright_license,acquisition_day,age_approx,anatom_site_1,anatom_site_2,anatom_site_general,"
    "diagnosis_1,diagnosis_2,diagnosis_3,diagnosis_4,diagnosis_5,diagnosis_confirm_type,fitzpatrick_skin_type,"
    "image_manipulation,image_type,lesion_id,patient_id,pixels_x,sex"
)
COLUMNS = HEADER.split(",")
MELANOMA = ("Malignant", "Malignant melanocytic proliferations (Melanoma)", "Melanoma in situ")


def row(number, *levels, **cells):
    cells = {"isic_id": f"ISIC_{number:07d}", "copyright_license": "CC-0", "image_type": "dermoscopic", **cells}
    cells |= {f"diagnosis_{level}": f'"{term}"' for level, term in enumerate(levels, start=1)}
    return ",".join(str(cells.get(column, "")) for column in COLUMNS)


def test_every_column_of_use_is_read(disk):
    first = row(
        9000001,
        *MELANOMA,
        attribution='"Hospital, invented"',
        copyright_license="CC-BY",
        age_approx="70",
        anatom_site_1="Head and neck",
        anatom_site_2="Head",
        diagnosis_confirm_type="histopathology",
        fitzpatrick_skin_type="II",
        lesion_id="IL_9000001",
        patient_id="IP_9000001",
        sex="male",
    )
    disk.write("metadata.csv", f"{HEADER}\n{first}")
    disk.images("images/ISIC_9000001.JPG")
    manifest = disk.read("isic_archive")
    assert manifest.problems == ()
    (record,) = manifest.records
    assert (record.source, record.node, record.modality) == ("ISIC Archive", "melanoma-in-situ-nos", "dermoscopic")
    assert record.label == ":".join(MELANOMA)
    assert (record.lesion_id, record.patient_id, record.confirmed_by) == (
        "IL_9000001",
        "IP_9000001",
        "histopathology",
    )
    assert (record.fitzpatrick_type, record.age, record.sex) == (2, 70, "male")
    assert (record.site, record.licence) == ("Head and neck: Head", "CC-BY")
    assert record.links == ("isic:ISIC_9000001", "isic-lesion:IL_9000001")


def test_a_diagnosis_goes_as_deep_as_it_is_known(disk, by_id):
    rows = [
        row(1, "Benign"),
        row(2, "Benign", "Benign melanocytic proliferations"),
        row(3, "Benign", "Benign melanocytic proliferations", "Nevus", "Blue nevus", "Blue nevus, Cellular"),
    ]
    disk.write("metadata.csv", "\n".join([HEADER, *rows]))
    disk.images(*(f"ISIC_000000{n}.jpg" for n in (1, 2, 3)))
    records = by_id(disk.read("isic_archive"))
    assert [records[f"ISIC_000000{n}"].node for n in (1, 2, 3)] == [
        "benign",
        "benign-melanocytic",
        "cellular-blue-nevus",
    ]


@pytest.mark.parametrize(
    "said, meant",
    [
        ("histopathology", "histopathology"),
        ("serial imaging showing no change", "follow_up"),
        ("single image expert consensus", "consensus"),
        ("confocal microscopy with consensus dermoscopy", "confocal_microscopy"),
        ("single contributor clinical assessment", "single_expert"),
        ("", None),
    ],
)
def test_every_way_of_confirmation_of_the_vocabulary_is_understood(disk, said, meant):
    disk.write("metadata.csv", f"{HEADER}\n{row(1, *MELANOMA, diagnosis_confirm_type=said)}")
    disk.images("ISIC_0000001.jpg")
    manifest = disk.read("isic_archive")
    assert (manifest.records[0].confirmed_by, manifest.problems) == (meant, ())


def test_photographs_are_clinical_and_confocal_or_synthetic_pictures_are_left_out(disk, kinds):
    types = [
        "clinical: overview",
        "clinical: close-up",
        "TBP tile: close-up",
        "RCM: mosaic",
        "RCM: tile",
        "dermoscopic",
    ]
    rows = [row(n, *MELANOMA, image_type=kind) for n, kind in enumerate(types, start=1)]
    rows.append(row(7, *MELANOMA, image_manipulation="synthetic"))
    disk.write("metadata.csv", "\n".join([HEADER, *rows]))
    disk.images(*(f"ISIC_000000{n}.jpg" for n in range(1, 8)))
    manifest = disk.read("isic_archive")
    assert [r.modality for r in manifest.records] == ["clinical", "clinical", "clinical", "dermoscopic"]
    assert kinds(manifest) == {"confocal microscopy, no photograph of the skin": 2, "a synthetic picture": 1}


def test_what_cannot_be_used_is_reported(disk, kinds):
    rows = [
        row(1, *MELANOMA),
        row(2),  # no diagnosis
        row(3, "Benign", "A term of tomorrow"),
        row(4, "Indeterminate"),
        row(5, *MELANOMA),  # no file
        row(6, *MELANOMA, image_type="drawing", sex="?", fitzpatrick_skin_type="IX"),
    ]
    disk.write("metadata.csv", "\n".join([HEADER, *rows]))
    disk.images(*(f"ISIC_000000{n}.jpg" for n in (1, 2, 3, 4, 6)))
    disk.images("ISIC_0000099.jpg", "ISIC_0000001_segmentation.png")
    manifest = disk.read("isic_archive")
    assert [r.image_id for r in manifest.records] == ["ISIC_0000001", "ISIC_0000006"]
    assert (manifest.records[1].modality, manifest.records[1].fitzpatrick_type) == (None, None)
    found = kinds(manifest)
    assert found["diagnosis unknown to the crosswalk"] == found["diagnosis stands for no node"] == 1
    assert found["file not found"] == found["neither node nor diagnosis"] == 1
    assert found["no row of the official files names it"] == 1
    assert len(found) == 8, found


def test_several_exports_are_read_and_a_picture_in_two_of_them_counts_once(disk, kinds):
    disk.write("nevi/metadata.csv", f"{HEADER}\n{row(1, *MELANOMA)}\n{row(2, *MELANOMA)}")
    disk.write("more/metadata.csv", f"{HEADER}\n{row(2, *MELANOMA)}\n{row(3, *MELANOMA)}")
    disk.images("nevi/ISIC_0000001.jpg", "nevi/ISIC_0000002.jpg", "more/ISIC_0000003.jpg")
    manifest = disk.read("isic_archive")
    assert {r.image_id for r in manifest.records} == {"ISIC_0000001", "ISIC_0000002", "ISIC_0000003"}
    assert kinds(manifest) == {"image_id appears twice, the first one was kept": 1}


def test_the_columns_of_the_challenge_of_2024_are_read():
    cells = {"isic_id": "ISIC_0000001", "iddx_1": "Malignant", "iddx_2": MELANOMA[1], "iddx_3": "", "iddx_4": "x"}
    official = read_row(cells, "iddx")
    assert official.label == f"Malignant:{MELANOMA[1]}"  # what stands after a gap has no place in the vocabulary


def test_an_export_from_before_the_diagnosis_columns_is_refused(disk):
    disk.write("metadata.csv", "isic_id,diagnosis\nISIC_0000001,nevus")
    disk.images("ISIC_0000001.jpg")
    with pytest.raises(ImportProblem, match=r"isic_id and diagnosis_1.*export it again"):
        disk.read("isic_archive")
