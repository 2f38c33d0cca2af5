"""Cross-validation: what the figures are, by hand and by their laws, and what is said beside them."""

from __future__ import annotations

import csv
import io
import json
import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from derm_model.errors import TrainingError
from derm_model.evaluation.cross_validation import (
    PUBLISHED,
    RESULT,
    ClassFolds,
    Comparison,
    CrossValidation,
    LevelResult,
    TargetsResult,
    read_result,
)
from derm_model.evaluation.cross_validation_text import as_csv, as_text, compared, notes, percent
from derm_model.evaluation.fold_answers import FoldAnswers, read_answers, summarise
from derm_model.evaluation.metrics import wilson
from derm_model.taxonomy import Partition, Taxonomy, TrainingClass
from tests.taxonomy.trees import tree

TREE = tree()  # benign: melanocytic, epidermal; malignant: melanoma, carcinoma
FINE = ("blue nevus", "keratosis", "nodular", "lentigo", "carcinoma")
NINE = ("melanocytic", "epidermal", "melanoma", "carcinoma")
THREE = ("benign", "malignant")


def classes(*nodes: str) -> tuple[TrainingClass, ...]:
    return tuple(TrainingClass(node, node.title(), node, TREE.descendants(node), 1) for node in nodes)


def answers(targets: str, fold: int, names: tuple[str, ...], said: list[tuple[str, str]]) -> FoldAnswers:
    """True node and answered class of each image, the answer with certainty."""
    probs = np.array([[float(name == answer) for name in names] for _, answer in said]).reshape(len(said), len(names))
    images = tuple(("drawn", f"{fold}-{i}") for i in range(len(said)))
    return FoldAnswers(targets, fold, images, tuple(node for node, _ in said), probs, classes(*names))


def uncertain(
    targets: str, fold: int, names: tuple[str, ...], nodes: list[str], probs: NDArray[np.float64]
) -> FoldAnswers:
    images = tuple(("drawn", f"{fold}-{i}") for i in range(len(nodes)))
    return FoldAnswers(targets, fold, images, tuple(nodes), probs, classes(*names))


@pytest.fixture
def worked() -> CrossValidation:
    """Two folds of three ways to train, small enough to count by hand."""
    truth = ["blue nevus", "blue nevus", "keratosis", "nodular", "nodular", "nodular", "carcinoma", "carcinoma"]
    first = list(
        zip(
            truth,
            ["blue nevus", "keratosis", "keratosis", "lentigo", "nodular", "carcinoma", "carcinoma", "carcinoma"],
            strict=True,
        )
    )
    second = list(
        zip(
            truth,
            ["blue nevus", "blue nevus", "nodular", "nodular", "nodular", "nodular", "blue nevus", "carcinoma"],
            strict=True,
        )
    )
    direct = ["melanocytic", "epidermal", "epidermal", "melanoma", "melanoma", "carcinoma", "melanoma", "melanoma"]
    return summarise(
        TREE,
        [
            answers("partition", 0, FINE, first),
            answers("partition", 1, FINE, second),
            answers("nine", 0, NINE, list(zip(truth, direct, strict=True))),
            answers("nine", 1, NINE, list(zip(truth, direct, strict=True))),
            answers("three", 0, THREE, [(node, "benign") for node in truth]),
            answers("three", 1, THREE, [(node, "malignant") for node in truth]),
        ],
        n_folds=2,
    )


def test_a_worked_example_has_the_figures_counted_by_hand(worked: CrossValidation) -> None:
    partition = worked.of("partition")
    assert partition is not None and partition.three is not None and partition.nine is not None
    # fold 0: benign 3 of 3, malignant 5 of 5; fold 1: benign 2 of 3, malignant 4 of 5
    assert partition.three.accuracies == pytest.approx((1.0, (2 / 3 + 4 / 5) / 2))
    # fold 0: melanocytic 1/2, epidermal 1/1, melanoma 2/3, carcinoma 2/2; fold 1: 1, 0, 1, 1/2
    assert partition.nine.accuracies == pytest.approx(((0.5 + 1 + 2 / 3 + 1) / 4, (1 + 0 + 1 + 0.5) / 4))
    assert partition.nine.mean == pytest.approx((19 / 24 + 15 / 24) / 2)
    assert partition.nine.sd == pytest.approx(statistics.stdev([19 / 24, 15 / 24]))
    assert (partition.nine.n_images, partition.n_images, partition.nine.n_classes_seen) == (16, (8, 8), 4)


def test_the_spread_is_the_sample_standard_deviation(worked: CrossValidation) -> None:
    result = worked.of("partition")
    assert result is not None and result.three is not None
    assert result.three.sd == pytest.approx(float(np.std(np.array(result.three.accuracies, dtype=float), ddof=1)))
    assert replace(result.three, folds=(0,), classes=tuple(first_fold(c) for c in result.three.classes)).sd is None


def first_fold(c: ClassFolds) -> ClassFolds:
    return replace(c, n=c.n[:1], n_correct=c.n_correct[:1])


def test_single_classes_are_pooled_over_the_folds_with_wilsons_interval(worked: CrossValidation) -> None:
    result = worked.of("partition")
    assert result is not None and result.nine is not None
    melanoma = next(c for c in result.nine.classes if c.node == "melanoma")
    assert (melanoma.n, melanoma.n_correct, melanoma.pooled) == ((3, 3), (2, 3), wilson(5, 6))
    assert (melanoma.accuracy(0), melanoma.accuracy(1)) == (pytest.approx(2 / 3), 1.0)


def test_a_network_of_three_classes_knows_no_nine(worked: CrossValidation) -> None:
    result = worked.of("three")
    assert result is not None
    assert result.nine is None
    assert worked.to_json()["results"][1]["nine"] is None
    assert "–" in as_text(worked).splitlines()[3]


def test_the_partition_is_compared_fold_by_fold_with_each_direct_way(worked: CrossValidation) -> None:
    found = {(c.level, c.other): c for c in worked.comparisons}
    assert list(found) == [("three", "three"), ("three", "nine"), ("nine", "nine")]
    pair = found["nine", "nine"]
    direct = (0.5 + 1 + 2 / 3 + 0) / 4
    assert pair.differences == pytest.approx((19 / 24 - direct, 15 / 24 - direct))
    assert (pair.n_larger, pair.interval) == (2, None)  # two folds tell no interval
    assert "larger in 2 of 2." in compared(pair)


def test_the_interval_is_that_of_nadeau_and_bengio() -> None:
    differences = (0.03, 0.01, 0.04, 0.02)
    found = Comparison("three", "three", 9, (0, 1, 2, 3), differences).interval
    half = stats.t.ppf(0.975, 3) * statistics.stdev(differences) * (1 / 4 + (1 / 9) / (8 / 9)) ** 0.5
    assert found == pytest.approx((0.025 - half, 0.025 + half))
    assert found is not None
    plain = stats.t.interval(0.95, 3, 0.025, stats.sem(differences))
    assert found[0] < plain[0] and found[1] > plain[1]  # folds share images: they tell less than they seem to


@pytest.mark.parametrize("differences", [(0.1,), (0.1, 0.2), (0.1, 0.1, 0.1)])
def test_an_interval_nobody_can_know_is_none(differences: tuple[float, ...]) -> None:
    pair = Comparison("three", "three", 3, tuple(range(len(differences))), differences)
    assert pair.interval is None
    assert (pair.sd is None) is (len(differences) == 1)
    assert "interval" not in compared(pair)


def test_a_negative_difference_has_a_minus_sign() -> None:
    assert "−5.0" in compared(Comparison("nine", "nine", 3, (0,), (-0.05,)))


def test_images_that_a_network_of_the_fold_has_no_class_for_are_judged_for_none() -> None:
    said = [("blue nevus", "benign"), ("benign", "benign"), ("nodular", "malignant")]  # the second is labelled coarsely
    three = answers("three", 0, THREE, said)
    nine = answers("nine", 0, NINE, [("blue nevus", "melanocytic"), ("-", "-"), ("nodular", "melanoma")])
    nine = nine.only(frozenset({("drawn", "0-0"), ("drawn", "0-2")}))
    together = summarise(TREE, [three, nine], 2)
    assert together.n_left_out == 1
    assert [result.n_images for result in together.results] == [(2,), (2,)]
    assert any("judged for no network" in note for note in notes(together))
    alone = summarise(TREE, [three], 2)
    assert (alone.n_left_out, alone.results[0].n_images) == (0, (3,))


def test_a_partition_with_a_class_above_the_nine_has_no_nine_way_accuracy() -> None:
    own = TrainingClass("benign--own", "Benign, not further specified", "benign", ("benign",), 1, residual=True)
    made = answers("partition", 0, (*NINE, "benign"), [("blue nevus", "melanocytic"), ("benign", "benign")])
    found = summarise(TREE, [replace(made, classes=(*made.classes[:-1], own))], 2)
    assert found.results[0].nine is None
    assert found.results[0].three is not None
    assert any("one of its classes lies above" in note for note in notes(found))


def test_a_fold_without_a_class_is_the_mean_of_the_others_and_said_to_be() -> None:
    both = answers("nine", 0, NINE, [("blue nevus", "melanocytic"), ("nodular", "epidermal")])
    one = answers("nine", 1, NINE, [("blue nevus", "melanocytic"), ("blue nevus", "melanoma")])
    found = summarise(TREE, [both, one], 2)
    nine = found.results[0].nine
    assert nine is not None
    assert nine.accuracies == (0.5, 0.5)
    assert nine.folds_short_of_classes == (1,)
    assert any("no image in fold 1;" in note for note in notes(found))


def test_a_fold_without_an_image_has_no_accuracy_and_leaves_the_mean_to_the_others() -> None:
    found = summarise(TREE, [answers("nine", 0, NINE, []), answers("nine", 1, NINE, [("nodular", "melanoma")])], 2)
    nine = found.results[0].nine
    assert nine is not None
    assert (nine.accuracies, nine.mean, nine.sd) == ((None, 1.0), 1.0, None)


def test_partial_results_say_how_many_folds_they_rest_on() -> None:
    found = summarise(TREE, [answers("nine", 2, NINE, [("nodular", "melanoma")])], 9)
    assert found.results[0].folds == (2,)
    assert "1 of 9" in as_text(found)
    assert "Not all of the 9 folds are there yet" in notes(found)[0]
    assert found.comparisons == ()


def test_it_is_said_of_how_many_classes_an_accuracy_is_the_mean(worked: CrossValidation) -> None:
    said = "\n".join(notes(worked))
    assert "Only 2 of the three classes have images here" in said
    assert "Only 4 of the nine classes have images here" in said


def test_the_papers_values_are_there_and_said_to_be_of_other_images(worked: CrossValidation) -> None:
    text = as_text(worked)
    for value in ("72.1 ± 0.9%", "55.4 ± 1.7%", "69.4 ± 0.8%", "48.9 ± 1.9%", "65.6%", "66.0%", "53.3%", "55.0%"):
        assert value in text
    assert "Extended Data Table 2" in text
    assert "for orientation only" in text
    assert "of other images" in worked.to_json()["published"]["caveat"]
    assert [p.who for p in PUBLISHED if p.targets is None] == ["Dermatologist 1", "Dermatologist 2"]


def test_json_gives_the_same_result_back(worked: CrossValidation, tmp_path: Path) -> None:
    assert read_result(tmp_path) is None
    (tmp_path / RESULT).write_text(json.dumps(worked.to_json(), allow_nan=False))
    assert read_result(tmp_path) == worked


@pytest.mark.parametrize("text", ["{}", "[]", '{"format": 2}', '{"format": 1, "n_folds": 2, "results": [{}]}', "{"])
def test_a_damaged_result_is_a_value_error(text: str, tmp_path: Path) -> None:
    (tmp_path / RESULT).write_text(text)
    with pytest.raises(ValueError, match=r"."):
        read_result(tmp_path)


def test_csv_has_a_row_per_class_and_fold_and_leaves_the_undefined_empty(worked: CrossValidation) -> None:
    rows = list(csv.DictReader(io.StringIO(as_csv(worked))))
    whole = [row for row in rows if row["trained_on"] == "partition" and row["level"] == "nine" and not row["node"]]
    assert [row["fold"] for row in whole] == ["0", "1", "all"]
    assert float(whole[0]["accuracy"]) == pytest.approx(19 / 24)
    assert (whole[2]["n_images"], whole[2]["low"]) == ("16", "")
    assert float(whole[2]["sd"]) == pytest.approx(statistics.stdev([19 / 24, 15 / 24]))
    assert not [row for row in rows if row["trained_on"] == "three" and row["level"] == "nine"]
    pooled = next(row for row in rows if row["node"] == "melanoma" and row["fold"] == "all")
    assert (pooled["n_images"], pooled["n_correct"], float(pooled["low"])) == ("6", "5", wilson(5, 6).low)


def test_what_is_undefined_is_written_with_a_dash() -> None:
    assert (percent(None), percent(0.5), percent(0.721, 0.009)) == ("–", "50.0%", "72.1 ± 0.9%")


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_summing_a_fine_partition_equals_asking_the_summed_probabilities(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    nodes = rng.choice(["blue nevus", "halo nevus", "keratosis", "nodular", "carcinoma"], n).tolist()
    probs = rng.dirichlet(np.ones(len(FINE)), n)
    coarse = np.stack([probs[:, :2].sum(axis=1), probs[:, 2:].sum(axis=1)], axis=1)
    fine = summarise(TREE, [uncertain("partition", 0, FINE, nodes, probs)], 2).results[0].three
    summed = summarise(TREE, [uncertain("three", 0, THREE, nodes, coarse)], 2).results[0].three
    assert fine == summed


@given(st.permutations(range(4)), st.integers(0, 2**32 - 1))
def test_the_order_of_the_folds_changes_nothing(order: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = [
        uncertain(kind, fold, names, ["blue nevus", "nodular", "carcinoma"], rng.dirichlet(np.ones(len(names)), 3))
        for fold in range(4)
        for kind, names in (("partition", FINE), ("nine", NINE))
    ]
    mixed = [answer for i in order for answer in reversed(made[2 * i : 2 * i + 2])]
    assert summarise(TREE, mixed, 4) == summarise(TREE, made, 4)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=9))
def test_accuracies_lie_between_nothing_and_all(counts: list[tuple[int, int]]) -> None:
    c = ClassFolds("a", "A", tuple(max(pair) for pair in counts), tuple(min(pair) for pair in counts))
    level = LevelResult(tuple(range(len(counts))), (c,))
    assert all(a is None or 0 <= a <= 1 for a in level.accuracies)
    assert (level.mean is None) is (not any(c.n)) is (c.pooled is None)


def test_a_fold_that_is_answered_twice_is_refused() -> None:
    answer = answers("nine", 0, NINE, [("nodular", "melanoma")])
    with pytest.raises(ValueError, match="one answer per fold"):
        summarise(TREE, [answer, answer], 2)
    with pytest.raises(ValueError, match="numbered 0 to 1"):
        summarise(TREE, [replace(answer, fold=2)], 2)


def test_an_image_whose_label_changed_between_two_networks_is_refused() -> None:
    one = answers("nine", 0, NINE, [("nodular", "melanoma")])
    other = answers("three", 0, THREE, [("keratosis", "benign")])
    with pytest.raises(ValueError, match="two true nodes"):
        summarise(TREE, [one, other], 2)


@pytest.mark.parametrize(
    "change", [{"targets": "ten"}, {"nodes": ()}, {"probs": np.zeros((1, 1))}, {"images": (("a", "b"), ("a", "b"))}]
)
def test_answers_that_do_not_fit_together_are_refused(change: dict[str, object]) -> None:
    made = answers("nine", 0, NINE, [("nodular", "melanoma"), ("nodular", "melanoma")])
    with pytest.raises(ValueError, match=r"."):
        replace(made, **change)  # type: ignore[arg-type]


def run_folder(folder: Path, head: list[str], rows: list[list[str]]) -> Path:
    chosen = Partition(classes(*NINE), "nine", 0, TREE.digest)
    (folder / "config.json").write_text(json.dumps({"partition": chosen.to_json()}))
    with (folder / "validation.csv").open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])
    return folder


def test_a_finished_run_is_read_with_its_classes(tmp_path: Path) -> None:
    rows = [["ISIC", "a,b", "nodular", "0.1", "0.2", "0.6", "0.1"]]
    found = read_answers(run_folder(tmp_path, ["source", "image_id", "node", *NINE], rows), "nine", 3)
    assert (found.fold, found.images, found.nodes) == (3, (("ISIC", "a,b"),), ("nodular",))
    assert [c.node for c in found.classes] == list(NINE)
    assert found.probs.tolist() == [[0.1, 0.2, 0.6, 0.1]]


@pytest.mark.parametrize("damage", ["missing", "columns", "number", "short"])
def test_a_damaged_run_is_named_with_what_to_do(damage: str, tmp_path: Path) -> None:
    head = ["source", "image_id", "node", *(NINE[:3] if damage == "columns" else NINE)]
    row = ["ISIC", "a", "nodular", "0.1", "0.2", "0.6", "x" if damage == "number" else "0.1"]
    run_folder(tmp_path, head, [row, row[:-1]] if damage == "short" else [row])
    if damage == "missing":
        (tmp_path / "validation.csv").unlink()
    with pytest.raises(TrainingError, match=r"fold 3 \(nine\).*Delete that job"):
        read_answers(tmp_path, "nine", 3)


def test_the_shipped_tree_has_the_three_and_nine_classes(taxonomy: Taxonomy) -> None:
    one = TrainingClass("melanoma", "Melanoma", "melanoma", taxonomy.descendants("melanoma"), 1)
    made = FoldAnswers("nine", 0, (("a", "b"),), ("melanoma-nos",), np.ones((1, 1)), (one,))
    found = summarise(taxonomy, [made], 2).results[0]
    assert isinstance(found, TargetsResult)
    assert found.nine is not None and found.nine.mean == 1.0
    assert found.three is not None and [c.node for c in found.three.classes] == [taxonomy.at_level("melanoma", 1)]
