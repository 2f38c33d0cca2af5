"""Collections without official files: one folder per class, and any CSV with a column mapping."""

from __future__ import annotations

import pytest

from derm_model.errors import ImportProblem


def test_folders_are_named_after_nodes(disk, kinds):
    disk.images("Basal cell carcinoma/a.jpg", "melanoma/b.JPG", "melanoma/2019/c.png", "holiday/d.jpg", "loose.jpg")
    manifest = disk.read("folders")
    assert [(r.image_id, r.node) for r in manifest.records] == [
        ("Basal cell carcinoma/a.jpg", "basal-cell-carcinoma"),
        ("melanoma/b.JPG", "melanoma"),
        ("melanoma/2019/c.png", "melanoma"),
    ]
    assert {r.source for r in manifest.records} == {"data"}  # the folder's name
    assert kinds(manifest) == {"node is not in the taxonomy": 1, "no row of the official files names it": 1}


def test_folders_may_be_named_after_the_labels_of_a_data_set(disk):
    disk.images("NV/a.jpg", "mel/a.jpg", "mel/a.png")
    manifest = disk.read("folders", labels_of="HAM10000", source="Our clinic", modality="dermoscopic", licence="ours")
    assert manifest.problems == ()
    assert [(r.label, r.node) for r in manifest.records] == [
        ("NV", "melanocytic-nevus-nos"),
        ("mel", "melanoma-nos"),
        ("mel", "melanoma-nos"),
    ]
    assert {(r.source, r.modality, r.licence) for r in manifest.records} == {("Our clinic", "dermoscopic", "ours")}


def test_folders_inside_train_and_test_folders_give_the_official_split(disk):
    disk.images("train/melanoma/a.jpg", "VAL/melanoma/b.jpg", "test/melanoma/c.jpg", "test/loose.jpg")
    manifest = disk.read("folders")
    assert [r.official_split for r in manifest.records] == ["validation", "test", "train"]
    assert [r.node for r in manifest.records] == ["melanoma"] * 3
    assert [p.examples for p in manifest.problems] == [("test/loose.jpg",)]


def test_hidden_files_and_those_of_macos_are_no_images(disk):
    disk.images("melanoma/a.jpg", "melanoma/._a.jpg", "__MACOSX/melanoma/a.jpg", ".trash/melanoma/a.jpg")
    manifest = disk.read("folders")
    assert ([r.image_id for r in manifest.records], manifest.problems) == (["melanoma/a.jpg"], ())


def test_a_csv_is_read_through_its_column_mapping(disk):
    disk.write(
        "list.csv",
        """photo;dx;case;fst;years;gender;proof
        shots/1.jpg;mel;c1;IV;61;F;biopsy
        2;nv;c2;2;44.5;m;expert""",
    )
    disk.images("shots/1.jpg", "shots/2.jpeg")
    columns = {"image_id": "photo", "diagnosis": "dx", "lesion_id": "case", "fitzpatrick_type": "fst"}
    columns |= {"age": "years", "sex": "gender", "confirmed_by": "proof", "links": "case"}
    manifest = disk.read(
        "csv",
        column=tuple(f"{name}={column}" for name, column in columns.items()),
        labels_of="HAM10000",
        modality="clinical",
        source="Clinic",
    )
    assert manifest.problems == ()
    one, two = manifest.records
    assert (one.image_id, one.path.name, one.node, one.source) == ("shots/1.jpg", "1.jpg", "melanoma-nos", "Clinic")
    assert (one.fitzpatrick_type, one.age, one.sex, one.confirmed_by) == (4, 61, "female", "histopathology")
    assert (two.fitzpatrick_type, two.age, two.sex, two.confirmed_by) == (2, 44.5, "male", "single_expert")
    assert (two.modality, two.lesion_id, two.links) == ("clinical", "c2", ("Clinic:c2",))


def test_a_csv_with_the_manifests_own_column_names_needs_no_mapping(disk):
    disk.write("list.csv", "image_id,node,modality\n1,melanoma,dermoscopy")
    disk.images("1.jpg")
    (record,) = disk.read("csv", modality="clinical").records
    assert (record.node, record.modality) == ("melanoma", "dermoscopic")  # the row's own word wins


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (("image_id=photo", "photo"), "wants NAME=COLUMN"),
        (("image_id=photo", "weight=photo"), "wants NAME=COLUMN"),
        (("image_id=phot",), "no column 'phot'; it has photo, dx"),
        (("image_id=photo",), "node or diagnosis"),
        (("node=dx",), "image_id or file"),
    ],
)
def test_a_wrong_mapping_is_an_error_that_names_the_columns(disk, columns, words):
    disk.write("list.csv", "photo,dx\n1,melanoma")
    disk.images("1.jpg")
    with pytest.raises(ImportProblem, match=words):
        disk.read("csv", column=columns)


def test_several_tables_need_one_to_be_named(disk):
    disk.images("1.jpg")
    with pytest.raises(ImportProblem, match="Found none"):
        disk.read("csv")
    disk.write("a.csv", "image_id,node\n1,melanoma")
    disk.write("b.csv", "image_id,node\n1,melanoma")
    with pytest.raises(ImportProblem, match=r"Found a\.csv, b\.csv"):
        disk.read("csv")
    assert len(disk.read("csv", table="b.csv").records) == 1
    with pytest.raises(ImportProblem, match="must be a file"):
        disk.read("csv", table="c.csv")


def test_options_are_checked(disk):
    disk.images("melanoma/1.jpg")
    with pytest.raises(ImportProblem, match="no option 'colour'"):
        disk.read("folders", colour="red")
    with pytest.raises(ImportProblem, match="one of clinical, dermoscopic"):
        disk.read("folders", modality="x-ray")
    with pytest.raises(ImportProblem, match="given once"):
        disk.read("folders", source=("a", "b"))
