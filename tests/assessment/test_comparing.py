"""Two bundles on the same images."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from derm_model.assessment.answers import Answers, read_answers
from derm_model.assessment.comparing import compare, shared
from derm_model.card import BundleCard, read_card
from derm_model.evaluation.paired import compare_aucs
from derm_model.taxonomy import Taxonomy, read_tasks, restrict, task_score
from tests.pages.made_answers import make_answers


@pytest.fixture
def pair(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[BundleCard, Answers, Answers]:
    monkeypatch.setenv("DERM_HOME", str(tmp_path))
    first = read_answers(make_answers(tiny_bundle, sure=0.5))
    second = read_answers(make_answers(tiny_bundle, seed=1))
    return read_card(tiny_bundle), first, second


def test_images_are_matched_by_their_ids_and_not_by_their_place(
    pair: tuple[BundleCard, Answers, Answers], taxonomy: Taxonomy
) -> None:
    card, first, second = pair
    order = np.random.default_rng(0).permutation(len(second.records))[:-7]
    shuffled = replace(second, records=tuple(second.records[i] for i in order), probs=second.probs[order])
    one, two = shared(first, shuffled)
    assert [r.image_id for r in one.records] == [r.image_id for r in two.records]
    assert len(one.records) == len(first.records) - 7
    whole = {r.image_id: row for r, row in zip(second.records, second.probs, strict=True)}
    for record, row in zip(two.records, two.probs, strict=True):
        np.testing.assert_array_equal(row, whole[record.image_id])
    assert compare((first, card), (shuffled, card), taxonomy).n == len(one.records)


def test_areas_and_accuracies_are_those_of_each_model_and_the_test_is_paired(
    pair: tuple[BundleCard, Answers, Answers], taxonomy: Taxonomy
) -> None:
    card, first, second = pair
    found = compare((first, card), (second, card), taxonomy)
    assert [level.level for level in found.levels] == ["nine", "three"]
    assert all(level.first and level.second and level.first.value > level.second.value for level in found.levels)
    task = read_tasks()["melanocytic"]
    sides = restrict(task, taxonomy, card.classes)
    assert sides is not None
    asked = [i for i, r in enumerate(first.records) if r.node.startswith("melano")]
    labels = [first.records[i].node == "melanoma-nos" for i in asked]
    expected = compare_aucs(labels, task_score(first.probs[asked], sides), task_score(second.probs[asked], sides))
    melanocytic = next(q for q in found.questions if q.task.id == "melanocytic")
    assert melanocytic.auc == expected
    assert (melanocytic.n_pos, melanocytic.n_neg) == (20, 20)
    assert melanocytic.decisions is not None and melanocytic.decisions.sensitivity is not None
    assert melanocytic.decisions.sensitivity.n == 20


def test_nothing_in_common_is_nothing_to_compare(pair: tuple[BundleCard, Answers, Answers], taxonomy: Taxonomy) -> None:
    card, first, second = pair
    elsewhere = replace(second, records=tuple(replace(r, source="another") for r in second.records))
    found = compare((first, card), (elsewhere, card), taxonomy)
    assert (found.n, found.levels, found.questions) == (0, (), ())
