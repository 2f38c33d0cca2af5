"""Derm7pt, on small files of the form of release_v0 with invented rows."""

from __future__ import annotations

import pytest

from derm_model.errors import ImportProblem

HEADER = (
    "case_num,diagnosis,seven_point_score,pigment_network,streaks,pigmentation,regression_structures,dots_and_globules,"
    "blue_whitish_veil,vascular_structures,level_of_diagnostic_difficulty,elevation,location,sex,management,clinic,derm,"
    "case_id,notes"
)


def row(number, diagnosis, clinic, derm, *, sex="female"):
    criteria = "absent,absent,absent,absent,absent,absent,absent"
    return f"{number},{diagnosis},1,{criteria},low,flat,back,{sex},excision,{clinic},{derm},,"


@pytest.fixture
def release(disk):
    rows = [
        row(1, "melanoma (less than 0.76 mm)", "AAA/Aaa001.jpg", "AAA/Aaa002.jpg"),
        row(2, "clark nevus", "AAA/Aaa003.jpg", "AAA/Aaa004.JPG", sex="male"),
        row(3, "seborrheic keratosis", "", "BBB/Bbb001.jpg"),
    ]
    disk.write("meta/meta.csv", "\n".join([HEADER, *rows]))
    disk.write("meta/train_indexes.csv", "indexes\n0")
    disk.write("meta/valid_indexes.csv", "indexes\n2")
    disk.write("meta/test_indexes.csv", "indexes\n1")
    disk.images("images/AAA/Aaa001.jpg", "images/AAA/Aaa002.jpg", "images/AAA/Aaa003.jpg", "images/AAA/Aaa004.JPG")
    disk.images("images/BBB/Bbb001.jpg")
    return disk


def test_the_two_pictures_of_a_case_are_one_lesion(release):
    manifest = release.read("derm7pt")
    assert manifest.problems == ()
    assert [(r.image_id, r.modality, r.lesion_id) for r in manifest.records] == [
        ("AAA/Aaa002", "dermoscopic", "1"),
        ("AAA/Aaa001", "clinical", "1"),
        ("AAA/Aaa004", "dermoscopic", "2"),
        ("AAA/Aaa003", "clinical", "2"),
        ("BBB/Bbb001", "dermoscopic", "3"),
    ]
    first = manifest.records[0]
    assert (first.node, first.label) == ("melanoma-nos", "melanoma (less than 0.76 mm)")
    assert (first.sex, first.site, first.confirmed_by) == ("female", "back", None)


def test_the_official_parts_name_rows_by_their_number_from_0(release, by_id):
    records = by_id(release.read("derm7pt"))
    assert [records[name].official_split for name in ("AAA/Aaa001", "AAA/Aaa004", "BBB/Bbb001")] == [
        "train",
        "test",
        "validation",
    ]


def test_a_row_in_two_parts_counts_as_test(release, by_id):
    release.write("meta/train_indexes.csv", "indexes\n0\n1")
    assert by_id(release.read("derm7pt"))["AAA/Aaa004"].official_split == "test"


def test_numbers_that_an_unreadable_row_has_shifted_are_not_used(release):
    rows = (release.root / "meta" / "meta.csv").read_text(encoding="utf-8").splitlines()
    rows[1] += ",one cell too many"
    release.write("meta/meta.csv", "\n".join(rows))
    with pytest.raises(ImportProblem, match=r"2 readable rows of 3.*take the \*_indexes.csv files away"):
        release.read("derm7pt")
    for part in ("train", "valid", "test"):
        (release.root / "meta" / f"{part}_indexes.csv").unlink()
    assert {r.official_split for r in release.read("derm7pt").records} == {None}


def test_numbers_beyond_the_table_belong_to_another_one(release):
    release.write("meta/test_indexes.csv", "indexes\n1\n3")
    with pytest.raises(ImportProblem, match="the highest number is 3"):
        release.read("derm7pt")


def test_cases_that_share_a_clinical_picture_are_kept_together(disk, by_id, kinds):
    rows = [
        row(1, "clark nevus", "AAA/Aaa001.jpg", "AAA/Aaa002.jpg"),
        row(2, "dermal nevus", "AAA/AAA001.JPG", "AAA/Aaa003.jpg"),
    ]
    disk.write("meta/meta.csv", "\n".join([HEADER, *rows]))
    disk.images("images/AAA/Aaa001.jpg", "images/AAA/Aaa002.jpg", "images/AAA/Aaa003.jpg")
    records = by_id(disk.read("derm7pt"))
    assert records["AAA/Aaa002"].links == records["AAA/Aaa003"].links == ("derm7pt:aaa/aaa001.jpg",)


def test_a_table_cut_down_to_diagnosis_and_dermoscopic_picture_is_read(disk, kinds):
    disk.write("derm7pt_meta.csv", "diagnosis,derm\nblue nevus,AAA/a.jpg\nmiscellaneous,AAA/b.jpg")
    disk.images("AAA/a.jpg", "AAA/b.jpg")
    manifest = disk.read("derm7pt")
    (record,) = manifest.records
    assert (record.node, record.lesion_id, record.official_split, record.links) == ("common-blue-nevus", None, None, ())
    assert kinds(manifest) == {"diagnosis stands for no node": 1}
