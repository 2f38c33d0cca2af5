"""The ISIC challenges and HAM10000, on small files of the official form with invented rows."""

from __future__ import annotations

import pytest

from derm_model.errors import ImportProblem

HAM = "lesion_id,image_id,dx,dx_type,age,sex,localization"
ONE_HOT_2019 = "image,MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK"
ONE_HOT_2018 = "image,MEL,NV,BCC,AKIEC,BKL,DF,VASC"


def test_ham10000_says_how_each_diagnosis_was_confirmed(disk, by_id):
    disk.write(
        "HAM10000_metadata.csv",
        f"""{HAM}
        HAM_9000001,ISIC_9000001,nv,follow_up,45.0,male,back
        HAM_9000002,ISIC_9000002,mel,histo,80,female,scalp
        HAM_9000003,ISIC_9000003,nv,confocal,,unknown,unknown
        HAM_9000004,ISIC_9000004,df,consensus,0.0,,acral""",
    )
    disk.images("HAM10000_images_part_1/ISIC_9000001.jpg", "HAM10000_images_part_1/ISIC_9000002.jpg")
    disk.images("HAM10000_images_part_2/ISIC_9000003.jpg", "HAM10000_images_part_2/ISIC_9000004.JPG")
    manifest = disk.read("ham10000")
    assert manifest.problems == ()
    assert [r.confirmed_by for r in manifest.records] == [
        "follow_up",
        "histopathology",
        "confocal_microscopy",
        "consensus",
    ]
    assert [r.age for r in manifest.records] == [45, 80, None, 0]
    assert [r.sex for r in manifest.records] == ["male", "female", None, None]
    assert [r.site for r in manifest.records] == ["back", "scalp", None, "acral"]
    record = by_id(manifest)["ISIC_9000002"]
    assert (record.source, record.node, record.modality) == ("HAM10000", "melanoma-nos", "dermoscopic")
    assert (record.lesion_id, record.patient_id, record.licence) == ("HAM_9000002", None, "CC BY-NC 4.0")
    assert record.links == ("isic:ISIC_9000002", "isic-lesion:HAM_9000002")
    assert len({r.content_hash for r in manifest.records}) == 4


@pytest.mark.parametrize("found", ["beside", "option"])
def test_ham10000_akiec_is_told_apart_by_the_ground_truth_of_2019(disk, tmp_path, found):
    disk.write(
        "HAM10000_metadata.csv",
        f"""{HAM}
        HAM_1,ISIC_9000001,akiec,histo,70,male,face
        HAM_2,ISIC_9000002,akiec,histo,71,male,face
        HAM_3,ISIC_9000003,akiec,histo,72,male,face""",
    )
    disk.images("ISIC_9000001.jpg", "ISIC_9000002.jpg", "ISIC_9000003.jpg")
    options = {"isic2019": str(tmp_path / "ISIC_2019_Training_GroundTruth.csv")} if found == "option" else {}
    place = "ISIC_2019_Training_GroundTruth.csv" if found == "beside" else options["isic2019"]
    disk.write(
        place,
        f"""{ONE_HOT_2019}
        ISIC_9000001_downsampled,0.0,0.0,0.0,1.0,0.0,0.0,0.0,0.0,0.0
        ISIC_9000002,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0,0.0""",
    )
    records = disk.read("ham10000", **options).records
    assert [r.label for r in records] == ["akiec:ak", "akiec:scc", "akiec"]
    assert [r.node for r in records] == ["actinic-keratosis", "bowen-disease", "malignant-epidermal"]


def test_ham10000_is_read_as_dataverse_serves_it(disk):
    disk.write(
        "HAM10000_metadata.tab", (HAM + ",dataset\nHAM_1,ISIC_9,nv,histo,5,f,ear,vidir_modern").replace(",", "\t")
    )
    disk.images("ISIC_9.jpg")
    (record,) = disk.read("ham10000").records
    assert (record.label, record.age, record.sex) == ("nv", 5, "female")


def test_isic2016_has_no_header_and_two_spellings(disk, kinds):
    disk.write("ISBI2016_ISIC_Part3_Training_GroundTruth.csv", "ISIC_9000001,benign\nISIC_9000002,malignant")
    disk.write("ISBI2016_ISIC_Part3_Test_GroundTruth.csv", "ISIC_9000003,1.0\nISIC_9000004,0.0\nISIC_9000005,0.5")
    disk.images(*(f"ISBI2016_ISIC_Part3_Training_Data/ISIC_900000{i}.jpg" for i in range(1, 5)))
    manifest = disk.read("isic2016")
    assert [r.label for r in manifest.records] == ["benign", "malignant", "malignant", "benign"]
    assert [r.node for r in manifest.records] == ["benign", "melanoma-nos", "melanoma-nos", "benign"]
    assert [r.official_split for r in manifest.records] == ["train", "train", "test", "test"]
    assert kinds(manifest) == {"the row does not say benign or malignant": 1}


def test_isic2016_with_the_header_of_a_mirror_is_read_too(disk):
    disk.write("ISBI2016_ISIC_Part3_Training_GroundTruth.csv", "image_id,target\nISIC_9000001,benign")
    disk.images("ISIC_9000001.jpg")
    manifest = disk.read("isic2016")
    assert (len(manifest.records), manifest.problems) == (1, ())


def isic2017(disk, training="0.0,1.0"):
    header = "image_id,melanoma,seborrheic_keratosis\n"
    disk.write("ISIC-2017_Training_Part3_GroundTruth.csv", f"{header}ISIC_9000001,{training}\nISIC_9000002,0.0,0.0")
    disk.write("ISIC-2017_Validation_Part3_GroundTruth.csv", f"{header}ISIC_9000003,1.0,0.0")
    disk.write("ISIC-2017_Test_v2_Part3_GroundTruth.csv", f"{header}ISIC_9000004,0,0")
    disk.images("ISIC-2017_Training_Data/ISIC_9000001.jpg", "ISIC-2017_Training_Data/ISIC_9000002.jpg")
    disk.images("ISIC-2017_Validation_Data/ISIC_9000003.jpg", "ISIC-2017_Test_v2_Data/ISIC_9000004.jpg")


def test_isic2017_parts_become_the_official_split(disk):
    isic2017(disk)
    manifest = disk.read("isic2017")
    assert manifest.problems == ()
    assert [(r.label, r.official_split, r.confirmed_by) for r in manifest.records] == [
        ("seborrheic keratosis", "train", None),
        ("nevus", "train", None),
        ("melanoma", "validation", "histopathology"),
        ("nevus", "test", None),
    ]


def test_isic2017_superpixels_and_masks_are_no_images_and_are_counted(disk, kinds):
    isic2017(disk)
    disk.images("ISIC-2017_Training_Data/ISIC_9000001_superpixels.png", "masks/ISIC_9000001_Segmentation.png")
    manifest = disk.read("isic2017")
    assert len(manifest.records) == 4
    assert kinds(manifest) == {"a mask or superpixels, no image": 2}


def test_isic2017_age_and_sex_come_from_the_metadata_table(disk, by_id):
    isic2017(disk)
    disk.write(
        "ISIC-2017_Training_Data/ISIC-2017_Training_Data_metadata.csv",
        """image_id,age_approximate,sex
        ISIC_9000001,55,female
        ISIC_9000002,unknown,unknown""",
        encoding="utf-8-sig",
    )
    records = by_id(disk.read("isic2017"))
    assert [(r.age, r.sex) for r in records.values()] == [(55, "female"), (None, None), (None, None), (None, None)]


def test_isic2017_the_corrected_test_part_counts(disk, by_id):
    isic2017(disk)
    disk.write("ISIC-2017_Test_Part3_GroundTruth.csv", "image_id,melanoma,seborrheic_keratosis\nISIC_9000004,1.0,0.0")
    assert by_id(disk.read("isic2017"))["ISIC_9000004"].label == "nevus"


@pytest.mark.parametrize("cells", ["1.0,1.0", "0.5,0.0", "yes,no", ","])
def test_isic2017_a_row_that_is_not_0_or_1_is_left_out(disk, kinds, cells):
    isic2017(disk, cells)
    manifest = disk.read("isic2017")
    assert len(manifest.records) == 3
    assert sum(kinds(manifest).values()) == 1  # and its file is not called one without a row
    assert "ISIC_9000001" in manifest.problems[0].examples[0]


@pytest.mark.parametrize("name", ["isic2016", "isic2017"])
def test_older_challenges_learn_their_lesions_from_the_metadata_of_2019(disk, name):
    disk.write("ISBI2016_ISIC_Part3_Training_GroundTruth.csv", "ISIC_9000001,benign\nISIC_9000002,benign")
    isic2017(disk, "0.0,0.0")
    disk.write(
        "ISIC_2019_Training_Metadata.csv",
        """image,age_approx,anatom_site_general,lesion_id,sex
        ISIC_9000001_downsampled,55,,MSK4_9,male
        ISIC_9000002,55,,,male""",
    )
    first, second, *_ = disk.read(name).records
    assert (first.lesion_id, first.links) == ("MSK4_9", ("isic:ISIC_9000001", "isic-lesion:MSK4_9"))
    assert (second.lesion_id, second.links) == (None, ("isic:ISIC_9000002",))


def test_isic2018_lesions_and_confirmation_come_from_the_groupings(disk):
    disk.write(
        "ISIC2018_Task3_Training_GroundTruth/ISIC2018_Task3_Training_GroundTruth.csv",
        f"""{ONE_HOT_2018}
        ISIC_9000001,0.0,1.0,0.0,0.0,0.0,0.0,0.0
        ISIC_9000002,0.0,0.0,0.0,1.0,0.0,0.0,0.0
        ISIC_9000003,0.0,0.0,0.0,0.0,0.0,0.0,0.0""",
    )
    disk.write(
        "ISIC2018_Task3_Training_LesionGroupings.csv",
        """image,lesion_id,diagnosis_confirm_type
        ISIC_9000001,HAM_9000001,serial imaging showing no change
        ISIC_9000002,HAM_9000002,confocal microscopy with consensus dermoscopy""",
    )
    disk.write("ISIC2018_Task3_Validation_GroundTruth.csv", f"{ONE_HOT_2018}\nISIC_9000004,1.0,0,0,0,0,0,0")
    disk.write("ISIC2018_Task3_Test_GroundTruth.csv", f"{HAM}\nHAM_9,ISIC_9000005,akiec,histo,60,male,face")
    disk.images(*(f"ISIC_900000{i}.jpg" for i in range(1, 6)))
    manifest = disk.read("isic2018")
    assert [(r.label, r.official_split, r.lesion_id, r.confirmed_by) for r in manifest.records] == [
        ("NV", "train", "HAM_9000001", "follow_up"),
        ("AKIEC", "train", "HAM_9000002", "confocal_microscopy"),
        ("MEL", "validation", None, None),
        ("AKIEC", "test", "HAM_9", "histopathology"),
    ]
    assert manifest.records[0].links == ("isic:ISIC_9000001", "isic-lesion:HAM_9000001")
    (problem,) = manifest.problems
    assert problem.message == "1 row left out: not exactly one class is 1 (ISIC_9000003)."


def test_isic2019_ids_and_files_may_or_may_not_say_downsampled(disk):
    disk.write(
        "ISIC_2019_Training_GroundTruth.csv",
        f"""{ONE_HOT_2019}
        ISIC_9000001_downsampled,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0
        ISIC_9000002_downsampled,0.0,1.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0
        ISIC_9000003,0.0,0.0,0.0,0.0,0.0,0.0,0.0,0.0,1.0""",
    )
    disk.write(
        "ISIC_2019_Training_Metadata.csv",
        """image,age_approx,anatom_site_general,lesion_id,sex
        ISIC_9000001_downsampled,55.0,anterior torso,MSK4_9000001,female
        ISIC_9000002_downsampled,,,,""",
    )
    disk.images("ISIC_9000001_downsampled.jpg", "ISIC_9000002.jpg", "ISIC_9000003.jpg")
    manifest = disk.read("isic2019")
    one, two = manifest.records
    assert (one.image_id, one.label, one.age, one.site) == ("ISIC_9000001_downsampled", "MEL", 55, "anterior torso")
    assert one.links == ("isic:ISIC_9000001", "isic-lesion:MSK4_9000001")
    assert (two.path.name, two.lesion_id, two.links) == ("ISIC_9000002.jpg", None, ("isic:ISIC_9000002",))
    (problem,) = manifest.problems
    assert problem.message == "1 row left out: diagnosis stands for no node (ISIC_9000003: ISIC 2019 UNK)."


def test_isic2019_test_part_has_weights_beside_its_classes(disk):
    disk.write(
        "ISIC_2019_Test_GroundTruth.csv",
        f"{ONE_HOT_2019},score_weight,validation_weight\nISIC_9000009,0,0,1.0,0,0,0,0,0,0,1.0,0.0",
    )
    disk.write(
        "ISIC_2019_Test_Metadata.csv", "image,age_approx,anatom_site_general,sex\nISIC_9000009,60,head/neck,male"
    )
    disk.images("ISIC_9000009.jpg")
    (record,) = disk.read("isic2019").records
    assert (record.label, record.official_split, record.age, record.lesion_id) == ("BCC", "test", 60, None)


def test_isic2020_keeps_its_listed_duplicates_together_and_knows_what_was_biopsied(disk):
    header = "image_name,patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target"
    disk.write(
        "ISIC_2020_Training_GroundTruth.csv",
        f"""{header}
        ISIC_9000001,IP_1,male,45.0,head/neck,unknown,benign,0
        ISIC_9000002,IP_2,female,50.0,torso,melanoma,malignant,1
        ISIC_9000003,IP_3,,,,nevus,benign,0""",
    )
    disk.write(
        "ISIC_2020_Training_Duplicates.csv",
        "image_name_1,image_name_2\nISIC_9000001,ISIC_9000003\nISIC_9000003,ISIC_9999999",
    )
    disk.images(*(f"jpeg/train/ISIC_900000{i}.jpg" for i in range(1, 4)))
    manifest = disk.read("isic2020")
    assert manifest.problems == ()
    assert [r.node for r in manifest.records] == ["benign", "melanoma-nos", "melanocytic-nevus-nos"]
    assert [r.patient_id for r in manifest.records] == ["IP_1", "IP_2", "IP_3"]
    assert [r.confirmed_by for r in manifest.records] == [None, "histopathology", None]
    assert manifest.records[0].links == ("isic:ISIC_9000001", "isic2020-pair:1")
    assert manifest.records[2].links == ("isic:ISIC_9000003", "isic2020-pair:1", "isic2020-pair:2")


def test_isic2020_version_2_knows_lesions(disk):
    columns = "patient_id,sex,age_approx,anatom_site_general_challenge,diagnosis,benign_malignant,target"
    disk.write("ISIC_2020_Training_GroundTruth.csv", f"image_name,{columns}\nISIC_9,IP_1,,,,nevus,benign,0")
    disk.write(
        "ISIC_2020_Training_GroundTruth_v2.csv", f"image_name,lesion_id,{columns}\nISIC_9,IL_9,IP_1,,,,nevus,benign,0"
    )
    disk.images("ISIC_9.jpg")
    assert disk.read("isic2020").records[0].lesion_id == "IL_9"


@pytest.mark.parametrize("name", ["ham10000", "isic2016", "isic2017", "isic2018", "isic2019", "isic2020"])
def test_a_missing_official_file_is_named(disk, name):
    disk.images("ISIC_9000001.jpg")
    with pytest.raises(ImportProblem, match=r"is needed: a file named like .*(metadata|GroundTruth)"):
        disk.read(name)


def test_the_same_picture_in_two_challenges_has_one_link(disk):
    disk.write("HAM10000_metadata.csv", f"{HAM}\nHAM_1,ISIC_9,nv,histo,5,female,ear")
    disk.write("ISIC_2019_Training_GroundTruth.csv", f"{ONE_HOT_2019}\nISIC_9_downsampled,0,1,0,0,0,0,0,0,0")
    disk.images("ISIC_9.jpg")
    ham, challenge = disk.read("ham10000").records[0], disk.read("isic2019").records[0]
    assert set(ham.links) & set(challenge.links) == {"isic:ISIC_9"}
