"""What every import has in common: files are found, problems are counted, the rest is imported."""

from __future__ import annotations

import hashlib

import pytest

from derm_model.data.importers import IMPORTERS, importer
from derm_model.data.importers.collect import import_data_set
from derm_model.data.importers.files import FileIndex
from derm_model.errors import Cancelled, ImportProblem
from derm_model.progress import Progress

HEADER = "image_id,file,diagnosis,lesion_id,patient_id,age,sex"


@pytest.fixture
def read(disk):
    """Import rows of a generic table of HAM10000 labels."""

    def read_rows(*rows: str, header: str = HEADER):
        disk.write("list.csv", "\n".join([header, *rows]))
        return disk.read("csv", source="HAM10000", labels_of="HAM10000")

    return read_rows


def test_nothing_is_dropped_in_silence_and_the_rest_is_imported(disk, read, kinds):
    disk.images(*(f"{name}.jpg" for name in "abcdefghijk"))
    manifest = read(
        "a,,nv,,,,",
        "b,,melanomma,,,,",
        "c,,,,,,",
        "gone,,nv,,,,",
        "a,,mel,,,,",
        ",,nv,,,,",
        "d,,nv,,,1000,female",
        "e,,nv,,,50,robot",
        "f,,nv,L1,P1,,",
        "g,,mel,L1,P1,,",
        "h,,nv,L2,P1,,",
        "i,,nv,L2,P2,,",
        "j,,nv,,,,,,,too many",
    )
    assert [r.image_id for r in manifest.records] == ["a", "d", "e", "h", "i"]
    assert kinds(manifest) == {
        "diagnosis unknown to the crosswalk": 1,
        "neither node nor diagnosis": 1,
        "file not found": 1,
        "image_id appears twice, the first one was kept": 1,
        "image_id is empty": 1,
        "age is no number of years from 0 to 120; the value was emptied": 1,
        "sex is none of female, male; the value was emptied": 1,
        "contradictory labels for one lesion": 2,
        "one lesion under several patients": 1,
        "unreadable row (more cells than columns)": 1,
        "no row of the official files names it": 2,  # j.jpg, whose row nobody can read, and k.jpg
    }
    kept = {problem.kind for problem in manifest.problems if problem.kept}
    assert kept == {
        "age is no number of years from 0 to 120; the value was emptied",
        "sex is none of female, male; the value was emptied",
        "one lesion under several patients",
    }


def test_a_problem_names_what_was_found(disk, read):
    disk.images("a.jpg", "b.jpg", "c.jpg")
    unknown, outside = read("a,,nv,,,,", "b,,melanomma,,,,", "c,,nv,,,,robot").problems
    assert unknown.message.startswith(
        "1 row left out: diagnosis unknown to the crosswalk (b: HAM10000 has no label 'melanomma'; the nearest are "
    )
    assert outside.message == "1 row kept: sex is none of female, male; the value was emptied (c: robot)."


def test_content_hashes_are_of_the_bytes(disk, read):
    disk.images("a.jpg", "b.jpg")
    for record in read("a,,nv,,,,", "b,,nv,,,,").records:
        assert record.content_hash == hashlib.sha256(record.path.read_bytes()).hexdigest()


def test_an_empty_file_is_left_out_and_counted(disk, read):
    disk.images("a.jpg")
    (disk.root / "b.jpg").touch()
    manifest = read("a,,nv,,,,", "b,,nv,,,,")
    assert [r.image_id for r in manifest.records] == ["a"]
    assert [p.message for p in manifest.problems] == ["1 row left out: the file is empty (b.jpg)."]


def test_a_row_that_is_not_utf8_is_left_out_and_counted(disk, kinds):
    disk.images("a.jpg", "b.jpg")
    disk.write("list.csv", "image_id,node,site\na,melanoma,Fuß\nb,melanoma,back", encoding="latin-1")
    manifest = disk.read("csv")
    assert [r.image_id for r in manifest.records] == ["b"]
    assert kinds(manifest) == {"unreadable row (not UTF-8)": 1, "no row of the official files names it": 1}


def test_files_are_found_whatever_the_case_suffix_or_folder(disk, read):
    disk.images("x/A.JPG", "x/y/b.jpeg", "c.png", "d.tif")
    manifest = read("a,,nv,,,,", "B,b.PNG,nv,,,,", "c,./c.png,nv,,,,", "d,D.tif,nv,,,,")
    assert [r.path.relative_to(disk.root).as_posix() for r in manifest.records] == [
        "x/A.JPG",
        "x/y/b.jpeg",
        "c.png",
        "d.tif",
    ]
    assert manifest.problems == ()


def test_of_two_files_of_one_stem_the_photograph_is_taken_and_the_other_reported(disk, read, kinds):
    disk.images("a.png", "a.jpg", "one/b.jpg", "two/b.jpg")
    manifest = read("a,,nv,,,,", "b,two/b.jpg,nv,,,,")
    assert [r.path.relative_to(disk.root).as_posix() for r in manifest.records] == ["a.jpg", "two/b.jpg"]
    first = manifest.problems[0]
    assert (first.kind, first.kept, first.examples) == (
        "several files fit, the first was taken",
        True,
        ("a: a.jpg and a.png",),
    )
    assert manifest.problems[1].examples == ("a.png", "one/b.jpg")


def test_an_exact_name_is_preferred_to_one_that_only_fits_without_downsampled(tmp_path):
    for name in ("I_1.jpg", "I_1_downsampled.jpg", "I_2_downsampled.jpg"):
        (tmp_path / name).touch()
    index = FileIndex(tmp_path)
    assert [[p.name for p in index.find(name)] for name in ("I_1", "I_1_downsampled", "I_2", "I_3")] == [
        ["I_1.jpg"],
        ["I_1_downsampled.jpg"],
        ["I_2_downsampled.jpg"],
        [],
    ]


def test_the_images_may_lie_in_another_folder(disk, tmp_path):
    disk.write("list.csv", "image_id,node\n1,melanoma")
    disk.images("../elsewhere/1.jpg")
    (record,) = disk.read("csv", images=tmp_path / "elsewhere").records
    assert record.path == tmp_path / "elsewhere" / "1.jpg"


def test_an_import_without_a_usable_row_is_an_error_that_says_why(disk, read):
    with pytest.raises(ImportProblem, match=r"1 row left out: file not found \(a\)"):
        read("a,,nv,,,,")
    with pytest.raises(ImportProblem, match="have no rows"):
        read()


def test_a_folder_that_is_not_there_is_an_error(taxonomy, crosswalk, tmp_path):
    with pytest.raises(ImportProblem, match="read from a folder"):
        import_data_set(importer("folders"), tmp_path / "absent", taxonomy, crosswalk)


def test_progress_counts_rows_and_images_and_may_stop_the_work(disk, taxonomy, crosswalk):
    disk.images("melanoma/1.jpg", "melanoma/2.jpg")
    seen: list[Progress] = []
    import_data_set(importer("folders"), disk.root, taxonomy, crosswalk, report=seen.append)
    assert Progress("Reading the official files", 2, None, "rows") in seen
    assert seen[-1] == Progress("Reading images", 2, 2)

    def stop(progress: Progress) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        import_data_set(importer("folders"), disk.root, taxonomy, crosswalk, report=stop)


def test_order_is_that_of_the_official_files(disk, read):
    disk.images("c.jpg", "a.jpg", "b.jpg")
    assert [r.image_id for r in read("c,,nv,,,,", "a,,nv,,,,", "b,,nv,,,,").records] == ["c", "a", "b"]


def test_the_registry_knows_every_importer_by_its_name(crosswalk):
    assert {"ham10000", "isic2016", "isic2017", "isic2018", "isic2019", "isic2020", "pad_ufes_20"} <= set(IMPORTERS)
    assert {"isic_archive", "fitzpatrick17k", "derm7pt", "ddi", "dermofit", "scin", "folders", "csv"} <= set(IMPORTERS)
    for name, entry in IMPORTERS.items():
        assert name == entry.name
        assert entry.title and entry.layout
        assert not entry.source or entry.source in crosswalk.datasets
        assert entry.reference or not entry.source


def test_an_importer_is_found_whatever_the_hyphens(crosswalk):
    assert importer("PAD-UFES-20") is IMPORTERS["pad_ufes_20"]
    with pytest.raises(ImportProblem, match="Choose one of ham10000, "):
        importer("imagenet")
