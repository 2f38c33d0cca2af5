"""DDI, on a small table of the official form with invented rows."""

from __future__ import annotations

HEADER = ",DDI_ID,DDI_file,skin_tone,malignant,disease"


def test_every_diagnosis_is_histopathology_and_a_pair_of_skin_types_is_none(disk):
    disk.write(
        "ddi_metadata.csv",
        f"""{HEADER}
        0,1,000001.png,56,True,melanoma-in-situ
        1,2,000002.png,12,False,seborrheic-keratosis-irritated""",
    )
    disk.images("images/000001.png", "images/000002.png")
    manifest = disk.read("ddi")
    first, second = manifest.records
    assert (first.image_id, first.node, first.modality) == ("000001", "melanoma-in-situ-nos", "clinical")
    assert (second.node, second.confirmed_by) == ("irritated-seborrheic-keratosis", "histopathology")
    assert {r.fitzpatrick_type for r in manifest.records} == {None}
    (problem,) = manifest.problems
    assert (problem.count, problem.kept, problem.examples) == (2, True, ("000001.png: 56", "000002.png: 12"))


def test_images_may_lie_beside_the_table_and_unknown_diseases_are_reported(disk, kinds):
    disk.write(
        "ddi_metadata.csv",
        f"""{HEADER}
        0,1,000001.png,34,False,lipoma
        1,2,000002.png,34,False,a-disease-of-tomorrow
        2,3,000003.png,34,False,lipoma""",
    )
    disk.images("000001.png", "000002.png")
    manifest = disk.read("ddi")
    assert [r.node for r in manifest.records] == ["lipoma"]
    assert kinds(manifest)["diagnosis unknown to the crosswalk"] == kinds(manifest)["file not found"] == 1
