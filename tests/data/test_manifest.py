"""Rules of the manifest: what is read, what is left out, what is reported."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from derm_model.data.manifest import Manifest, Record, counts, join, read_manifest, write_manifest
from derm_model.errors import ManifestError

HEADER = "image_id,file,source,modality,diagnosis,lesion_id,patient_id,confirmed_by,official_split,licence\n"


@pytest.fixture
def read(tmp_path, drawings, taxonomy, crosswalk):
    """Write a CSV beside two image files a.jpg, b.jpg and read it."""
    shutil.copy(drawings[0], tmp_path / "a.jpg")
    shutil.copy(drawings[1], tmp_path / "b.jpg")

    def read_text(text: str, encoding: str = "utf-8") -> Manifest:
        path = tmp_path / "metadata.csv"
        path.write_bytes(text.encode(encoding))
        return read_manifest(path, taxonomy, crosswalk)

    return read_text


def test_a_row_becomes_a_record_with_the_node_of_its_label(read, tmp_path, crosswalk):
    manifest = read(HEADER + "1,a.jpg,HAM10000,dermoscopy,mel,L1,P1,histology,val,CC0\n")
    assert manifest.problems == ()
    assert manifest.records == (
        Record(
            image_id="1",
            path=tmp_path / "a.jpg",
            node=crosswalk.node("HAM10000", "mel"),
            label="mel",
            source="HAM10000",
            modality="dermoscopic",
            lesion_id="L1",
            patient_id="P1",
            confirmed_by="histopathology",
            licence="CC0",
            official_split="validation",
        ),
    )


def test_empty_cells_are_none_and_not_empty_strings(read):
    record = read(HEADER + "1,a.jpg,HAM10000,,nv,,,,,\n").records[0]
    optional = (record.modality, record.lesion_id, record.patient_id, record.confirmed_by, record.licence)
    assert (*optional, record.official_split) == (None,) * 6


def test_a_node_wins_over_the_diagnosis_and_may_be_given_by_name(read, taxonomy):
    root = taxonomy.children(None)[0]
    manifest = read(
        "image_id,file,source,node,diagnosis\n"
        f"1,a.jpg,HAM10000,{root},mel\n"
        f'2,b.jpg,elsewhere,"{taxonomy.node(root).name.upper()}",\n'
    )
    assert [record.node for record in manifest.records] == [root, root]
    assert [record.label for record in manifest.records] == ["mel", None]


def test_nothing_is_dropped_in_silence(read):
    rows = [
        "good,a.jpg,HAM10000,nv,",
        "gone,nowhere.jpg,HAM10000,nv,",
        "folder,.,HAM10000,nv,",
        "odd,a.jpg,HAM10000,melanomma,",
        "alien,a.jpg,No Such Set,nv,",
        "blank,a.jpg,HAM10000,,",
        "good,b.jpg,HAM10000,nv,",
        ",b.jpg,HAM10000,nv,",
        "part,b.jpg,HAM10000,nv,tset",
    ]
    manifest = read("image_id,file,source,diagnosis,official_split\n" + "\n".join(rows) + "\n")
    assert len(manifest.records) + sum(problem.count for problem in manifest.problems) == len(rows)
    kinds = {problem.kind: problem.count for problem in manifest.problems}
    assert kinds == {
        "file not found": 2,
        "diagnosis unknown to the crosswalk": 2,
        "neither node nor diagnosis": 1,
        "image_id appears twice, the first one was kept": 1,
        "image_id is empty": 1,
        "official_split is none of train, validation, test": 1,
    }


def test_an_unknown_node_is_a_problem_with_the_word_that_was_found(read):
    manifest = read("image_id,file,source,node\n1,a.jpg,x,no such disease\n2,b.jpg,x,melanoma\n")
    (problem,) = manifest.problems
    assert problem.kind == "node is not in the taxonomy"
    assert problem.examples == ("1: no such disease",)


def test_a_problem_shows_at_most_five_examples_and_the_whole_count(read):
    rows = "".join(f"{i},missing{i}.jpg,HAM10000,nv\n" for i in range(1200))
    (problem,) = read("image_id,file,source,diagnosis\n0a,a.jpg,HAM10000,nv\n" + rows).problems
    assert (problem.count, len(problem.examples)) == (1200, 5)
    assert problem.message.startswith("1,200 rows left out: file not found (missing0.jpg, ")
    assert problem.message.endswith(", …).")


@pytest.mark.parametrize("missing", ["image_id", "file", "source", "diagnosis"])
def test_a_missing_column_is_named(read, missing):
    columns = [name for name in ("image_id", "file", "source", "diagnosis") if name != missing]
    with pytest.raises(ManifestError, match=f"lacks .*{missing}"):
        read(",".join(columns) + "\n1,2,3\n")


def test_a_manifest_without_usable_rows_is_an_error_that_says_why(read):
    with pytest.raises(ManifestError, match=r"1 row left out: file not found \(no.jpg\)"):
        read("image_id,file,source,diagnosis\n1,no.jpg,HAM10000,nv\n")
    with pytest.raises(ManifestError, match="no rows"):
        read("image_id,file,source,diagnosis\n")


def test_a_missing_or_unreadable_file_is_an_error(read, tmp_path, taxonomy, crosswalk):
    with pytest.raises(ManifestError, match="readable CSV"):
        read_manifest(tmp_path / "absent.csv", taxonomy, crosswalk)
    with pytest.raises(ManifestError, match="UTF-8"):
        read("image_id,file,source,diagnosis\nä,a.jpg,HAM10000,nv\n", encoding="latin-1")


def test_a_byte_order_mark_and_spaces_of_a_spreadsheet_do_no_harm(read):
    text = "image_id, file ,source,diagnosis\n1, a.jpg ,HAM10000,nv\n"
    assert [record.image_id for record in read(text, encoding="utf-8-sig").records] == ["1"]


def test_what_is_written_is_read_back_the_same(read, tmp_path, taxonomy, crosswalk, drawings):
    records = list(read(HEADER + '1,a.jpg,HAM10000,dermoscopy,mel,"L, ""1""",P,consensus,test,CC0\n').records)
    records.append(replace(records[0], image_id="2", path=drawings[3], label=None, lesion_id=None))
    copy = tmp_path / "copy.csv"
    write_manifest(copy, records)
    assert read_manifest(copy, taxonomy, crosswalk).records == tuple(records)
    assert "\n1,a.jpg," in copy.read_text()  # below the folder: relative, so that the folder can be moved


def test_a_failed_write_leaves_the_old_manifest(read, tmp_path):
    record = read(HEADER + "1,a.jpg,HAM10000,,nv,,,,,\n").records[0]
    before = (tmp_path / "metadata.csv").read_bytes()

    def records():
        yield record
        raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        write_manifest(tmp_path / "metadata.csv", records())
    assert (tmp_path / "metadata.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "b.jpg", "metadata.csv"]


def test_joining_keeps_order_and_reports_images_that_come_twice(read):
    first = read("image_id,file,source,diagnosis\n1,a.jpg,HAM10000,nv\n2,gone.jpg,HAM10000,nv\n")
    second = read("image_id,file,source,diagnosis\n1,b.jpg,HAM10000,mel\n3,b.jpg,HAM10000,mel\n")
    joined = join([first, second])
    assert [record.image_id for record in joined.records] == ["1", "3"]
    assert [problem.count for problem in joined.problems] == [1, 1]


def test_counts_are_of_images_labelled_with_the_node_itself(read, crosswalk):
    records = read("image_id,file,source,diagnosis\n1,a.jpg,HAM10000,nv\n2,b.jpg,HAM10000,nv\n").records
    assert counts(records) == {crosswalk.node("HAM10000", "nv"): 2}
    assert counts([]) == {}


def test_paths_are_relative_to_the_manifest_and_not_to_the_working_folder(read, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    (record,) = read("image_id,file,source,diagnosis\n1,a.jpg,HAM10000,nv\n").records
    assert Path(record.path).is_file()


def test_every_column_of_the_format_is_read(read):
    text = (
        "image_id,file,source,diagnosis,content_hash,fitzpatrick_type,age,sex,site,links\n"
        f"1,a.jpg,HAM10000,nv,{'ab' * 32},IV,44.5,F,back,isic:ISIC_1 pair:2\n"
    )
    (record,) = read(text).records
    assert (record.content_hash, record.fitzpatrick_type, record.age) == ("ab" * 32, 4, 44.5)
    assert (record.sex, record.site, record.links) == ("female", "back", ("isic:ISIC_1", "pair:2"))


def test_a_value_outside_its_vocabulary_is_emptied_and_reported_and_the_image_stays(read):
    manifest = read("image_id,file,source,diagnosis,modality,age\n1,a.jpg,HAM10000,nv,drawing,old\n")
    assert [(r.modality, r.age) for r in manifest.records] == [(None, None)]
    assert [(problem.count, problem.kept) for problem in manifest.problems] == [(1, True)] * 2


LESIONS = "image_id,file,source,node,lesion_id,patient_id\n"


def test_images_of_a_lesion_with_contradictory_labels_are_left_out(read):
    manifest = read(LESIONS + "1,a.jpg,s,melanoma,L1,\n2,b.jpg,s,dermatofibroma,L1,\n3,a.jpg,s,melanoma,L2,\n")
    assert [record.image_id for record in manifest.records] == ["3"]
    assert [problem.message for problem in manifest.problems] == [
        "2 rows left out: contradictory labels for one lesion (1: L1 is melanoma and dermatofibroma, "
        "2: L1 is melanoma and dermatofibroma)."
    ]


def test_a_label_and_a_finer_one_do_not_contradict_each_other(read):
    manifest = read(LESIONS + "1,a.jpg,s,malignant,L1,\n2,b.jpg,s,melanoma-nos,L1,\n3,b.jpg,s,melanoma,L1,\n")
    assert len(manifest.records) == 3
    assert manifest.problems == ()


def test_two_finer_labels_of_one_node_do_contradict_each_other(read):
    rows = (
        "1,a.jpg,s,malignant,L1,\n2,b.jpg,s,melanoma-nos,L1,\n3,b.jpg,s,basal-cell-carcinoma,L1,\n4,a.jpg,s,benign,,\n"
    )
    manifest = read(LESIONS + rows)
    assert [record.image_id for record in manifest.records] == ["4"]


def test_lesion_ids_of_two_sources_have_nothing_to_do_with_each_other(read):
    manifest = read(LESIONS + "1,a.jpg,s,melanoma,L1,P1\n1,b.jpg,t,dermatofibroma,L1,P2\n")
    assert len(manifest.records) == 2
    assert manifest.problems == ()


def test_a_lesion_under_two_patients_is_kept_and_reported_and_its_labels_are_compared_within_each(read):
    rows = "1,a.jpg,s,melanoma,L1,P1\n2,b.jpg,s,dermatofibroma,L1,P2\n3,b.jpg,s,melanoma,L1,P2\n"
    manifest = read(LESIONS + rows)
    assert [record.image_id for record in manifest.records] == ["1"]
    assert [(problem.kind, problem.kept, problem.examples) for problem in manifest.problems] == [
        ("one lesion under several patients", True, ("L1: P1, P2",)),
        (
            "contradictory labels for one lesion",
            False,
            ("2: L1 is dermatofibroma and melanoma", "3: L1 is dermatofibroma and melanoma"),
        ),
    ]


def test_lesions_are_compared_across_joined_manifests(read, taxonomy):
    first = read(LESIONS + "1,a.jpg,s,melanoma,L1,P1\n2,b.jpg,s,melanoma,L2,P1\n")
    second = read(LESIONS + "3,b.jpg,s,dermatofibroma,L1,P1\n4,a.jpg,s,melanoma,L2,P9\n")
    joined = join([first, second], taxonomy)
    assert [record.image_id for record in joined.records] == ["2", "4"]
    assert {problem.kind: problem.count for problem in joined.problems} == {
        "contradictory labels for one lesion": 2,
        "one lesion under several patients": 1,
    }


def test_one_picture_with_contradictory_labels_in_two_data_sets_is_kept_and_reported(read, taxonomy):
    header = "image_id,file,source,diagnosis,links\n"
    first = read(header + "1,a.jpg,HAM10000,nv,isic:ISIC_1\n2,b.jpg,HAM10000,mel,isic:ISIC_2\n")
    second = read(header + "1_downsampled,a.jpg,ISIC 2019,MEL,isic:ISIC_1\n2,b.jpg,ISIC 2019,MEL,isic:ISIC_2\n")
    joined = join([first, second], taxonomy)
    assert len(joined.records) == 4
    assert [problem.message for problem in joined.problems] == [
        "1 picture kept: contradictory labels for one picture in several data sets (ISIC_1 is nv and MEL)."
    ]
