"""Dermofit, on a small library of the known form: a folder per kind, a folder per lesion, a mask beside the picture."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from derm_model.data.importers.dermofit import KINDS, kind_of
from derm_model.errors import ImportProblem


def test_pictures_take_the_label_of_their_folder_and_masks_are_none(disk, by_id, kinds):
    disk.images("AK/A1/A1.png", "AK/A1/A1mask.png", "mel/D20a/D20a.png", "mel/D20b/D20b.png", "mel/D20a/D20amask.png")
    manifest = disk.read("dermofit")
    records = by_id(manifest)
    assert {name: record.node for name, record in records.items()} == {
        "A1": "actinic-keratosis",
        "D20a": "melanoma-nos",
        "D20b": "melanoma-nos",
    }
    assert (records["A1"].label, records["A1"].modality, records["A1"].confirmed_by) == (
        "Actinic Keratosis",
        "clinical",
        "consensus",
    )
    assert kinds(manifest) == {"a mask or superpixels, no image": 2}


def test_names_that_differ_in_their_last_letter_are_kept_together(disk, by_id):
    disk.images("ML/B7a/B7a.png", "ML/B7b/B7b.png", "ML/B8/B8.png")
    links = {name: record.links for name, record in by_id(disk.read("dermofit")).items()}
    assert links == {"B7a": ("dermofit:B7",), "B7b": ("dermofit:B7",), "B8": ("dermofit:B8",)}


@pytest.mark.parametrize("code", KINDS)
def test_every_kind_is_known_by_its_code_and_its_name(code):
    for folder in (code, code.lower(), KINDS[code], KINDS[code].replace(" ", "_"), "Melanocytic_Nevus"):
        wanted = KINDS["ML"] if folder == "Melanocytic_Nevus" else KINDS[code]
        assert kind_of(PurePosixPath("library", folder, "X1", "X1.png")) == wanted
    assert kind_of(PurePosixPath("library", "lists", "X1.png")) is None


def test_other_pictures_are_reported(disk, kinds):
    disk.images("SK/C1/C1.png", "overview.png")
    assert kinds(disk.read("dermofit")) == {"no row of the official files names it": 1}


def test_a_folder_without_kinds_is_no_dermofit(disk):
    disk.images("somewhere/1.png")
    with pytest.raises(ImportProblem, match=r"a folder per kind of lesion, named AK, BCC.*found: somewhere"):
        disk.read("dermofit")
