"""Which images a model may be judged on, by the split of its training."""

from __future__ import annotations

from pathlib import Path

import pytest

from derm_model.assessment.seen import HELD_OUT, TRAIN, UNKNOWN, VALIDATION, choose, split_beside
from derm_model.data.manifest import Record
from derm_model.errors import EvaluationError

RECORDS = [Record(name, Path(f"{name}.png"), "melanoma", None, "own") for name in ("a", "b", "c", "d")]


@pytest.fixture
def split(tmp_path: Path) -> Path:
    file = tmp_path / "split.csv"
    file.write_text("source,image_id,part,counted\nown,a,train,1\nown,b,validation,0\nown,c,test,0\nelse,d,train,1\n")
    return file


@pytest.mark.parametrize(
    "part, image, seen", [("train", "a", TRAIN), ("validation", "b", VALIDATION), ("test", "c", HELD_OUT)]
)
def test_a_part_is_chosen_by_source_and_image(split: Path, part: str, image: str, seen: str) -> None:
    chosen, found = choose(RECORDS, split, part)
    assert ([r.image_id for r in chosen], found) == ([image], seen)


def test_without_a_split_nothing_is_known() -> None:
    assert choose(RECORDS, None, None) == (tuple(RECORDS), UNKNOWN)
    with pytest.raises(EvaluationError, match="--split"):
        choose(RECORDS, None, "test")


def test_images_that_made_the_model_are_not_judged_in_silence(split: Path) -> None:
    with pytest.raises(EvaluationError, match="1 train images and 1 validation images"):
        choose(RECORDS, split, None)


def test_images_the_training_never_met_are_held_out(split: Path) -> None:
    assert choose(RECORDS[2:], split, None) == (tuple(RECORDS[2:]), HELD_OUT)


def test_an_empty_part_and_a_foreign_table_are_refused(split: Path) -> None:
    with pytest.raises(EvaluationError, match="No image of the manifest"):
        choose(RECORDS[3:], split, "test")
    split.write_text("id,fold\n1,2\n")
    with pytest.raises(EvaluationError, match="columns source, image_id and part"):
        choose(RECORDS, split, "test")


def test_the_split_lies_beside_the_bundle_of_a_run(split: Path) -> None:
    bundle = split.parent / "bundle"
    bundle.mkdir()
    assert split_beside(bundle) == split
    assert split_beside(split.parent.parent) is None
