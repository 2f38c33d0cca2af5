"""PAD-UFES-20, on a small metadata table of the official form with invented rows."""

from __future__ import annotations

HEADER = (
    "patient_id,lesion_id,smoke,drink,background_father,background_mother,age,pesticide,gender,skin_cancer_history,"
    "cancer_history,has_piped_water,has_sewage_system,fitspatrick,region,diameter_1,diameter_2,diagnostic,itch,grew,"
    "hurt,changed,bleed,elevation,img_id,biopsed"
)


def row(patient, lesion, diagnosis, biopsed, *, age="61", sex="FEMALE", skin="2.0", number=1):
    blank = "True,False,UNK,UNK"
    return (
        f"{patient},{lesion},{blank},{age},False,{sex},True,True,True,True,{skin},FOREARM,6.0,5.0,{diagnosis},"
        f"True,False,False,False,False,True,{patient}_{lesion}_{number}.png,{biopsed}"
    )


def test_every_column_of_use_is_read(disk):
    rows = [
        row("PAT_1", "11", "BCC", "True"),
        row("PAT_1", "12", "ACK", "False"),
        row("PAT_2", "13", "NEV", "False", age="8", sex="", skin=""),
    ]
    disk.write("metadata.csv", "\n".join([HEADER, *rows]))
    disk.images("imgs_part_1/PAT_1_11_1.png", "imgs_part_2/PAT_1_12_1.png", "imgs_part_3/PAT_2_13_1.png")
    manifest = disk.read("pad_ufes_20")
    assert manifest.problems == ()
    first, second, third = manifest.records
    assert (first.image_id, first.node, first.modality) == ("PAT_1_11_1", "basal-cell-carcinoma-nos", "clinical")
    assert (first.patient_id, first.lesion_id, first.confirmed_by) == ("PAT_1", "PAT_1_11", "histopathology")
    assert (first.fitzpatrick_type, first.age, first.sex, first.site) == (2, 61, "female", "forearm")
    assert second.confirmed_by == "consensus"
    assert (third.fitzpatrick_type, third.age, third.sex) == (None, 8, None)


def test_converted_copies_are_found_by_their_stem(disk):
    disk.write("metadata.csv", f"{HEADER}\n{row('PAT_1', '11', 'BCC', 'True')}")
    disk.images("images/PAT_1_11_1.jpg")
    (record,) = disk.read("pad_ufes_20").records
    assert record.path.name == "PAT_1_11_1.jpg"


def test_a_lesion_number_under_two_patients_is_two_lesions_and_is_reported(disk):
    rows = [
        row("PAT_1", "11", "BCC", "True"),
        row("PAT_2", "11", "NEV", "False"),
        row("PAT_2", "11", "NEV", "False", number=2),
        row("PAT_3", "11", "NEV", "False"),
    ]
    disk.write("metadata.csv", "\n".join([HEADER, *rows]))
    disk.images("PAT_1_11_1.png", "PAT_2_11_1.png", "PAT_2_11_2.png", "PAT_3_11_1.png")
    manifest = disk.read("pad_ufes_20")
    assert [r.lesion_id for r in manifest.records] == ["PAT_1_11", "PAT_2_11", "PAT_2_11", "PAT_3_11"]
    (problem,) = manifest.problems
    assert (problem.count, problem.kept, problem.examples) == (1, True, ("11: PAT_1 and PAT_2",))


def test_another_table_of_that_name_is_not_taken_for_the_official_one(disk):
    disk.write("a/metadata.csv", "image_id,file\n1,x.png")
    disk.write("b/metadata.csv", f"{HEADER}\n{row('PAT_1', '11', 'BCC', 'True')}")
    disk.images("PAT_1_11_1.png")
    assert len(disk.read("pad_ufes_20").records) == 1
