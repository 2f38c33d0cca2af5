"""When a map deserves a warning, what beats chance, and that each result says how to read it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from derm_model.evaluation.belief import (
    ClassSensitivity,
    Moved,
    Perturbation,
    Randomisation,
    Stability,
    Stage,
)

PICTURE = np.zeros((4, 4), np.float32)
SHARES = np.linspace(0, 1, 5)


def randomisation(*ranks: float | None, shown: float | None = 0.1) -> Randomisation:
    stages = [Stage(str(i), rank, None, rank, shown, None) for i, rank in enumerate(ranks)]
    return Randomisation("cascading", tuple(stages), PICTURE, 0.2)


def perturbation(kind: str, own: list[float], *random: list[float]) -> Perturbation:
    return Perturbation(kind, "melanoma", "black", SHARES, np.array(own), np.array(random))  # type: ignore[arg-type]


def moved(name: str, rank: float | None, probability: float = 0.5) -> Moved:
    return Moved(name, "rotation", rank, rank, probability)


def sensitivity(*pairs: float, signed: float | None = None) -> ClassSensitivity:
    ranks = np.eye(3)
    for (i, j), value in zip(((0, 1), (0, 2), (1, 2)), pairs, strict=True):
        ranks[i, j] = ranks[j, i] = value
    signed_ranks = None if signed is None else np.full((3, 3), signed)
    return ClassSensitivity(("a", "b", "c"), np.array([0.5, 0.3, 0.2]), ranks, signed_ranks)


def test_guided_gradients_are_warned_of_although_they_change_once_the_lowest_layers_are_random() -> None:
    """Ranks as measured on the demo bundle, every second stage."""
    assert randomisation(1.0, 0.99, 0.97, 0.95, 0.8, 0.57, 0.21).warning


def test_a_gradient_whose_ranks_fall_at_once_is_not_warned_of() -> None:
    found = randomisation(0.58, 0.49, 0.48, 0.42, 0.44, 0.42, 0.43)
    assert not found.warning
    assert found.median == pytest.approx(0.485)
    assert "as it must" in found.reading


def test_a_single_likeness_of_a_coarse_map_by_chance_is_no_reason_to_warn() -> None:
    assert not randomisation(-0.1, 0.2, 0.95, 0.1, 0.9, 0.9, 0.9).warning


def test_maps_that_vanish_count_as_changed_in_the_verdict() -> None:
    assert not randomisation(None, None, 0.99, 0.99, 0.99, 0.99).warning
    assert randomisation(0.99, 0.99, None, None).warning
    assert "no map is left" in randomisation(None, None, None).reading


def test_what_only_the_eye_would_take_for_the_same_map_is_said() -> None:
    found = randomisation(0.55, 0.56, 0.51, 0.5, shown=0.87)
    assert found.only_details and not found.warning
    assert "only the details" in found.reading
    assert not randomisation(0.55, 0.56, 0.51, 0.5, shown=0.6).only_details
    assert not randomisation(0.95, 0.96, 0.91, 0.9, shown=0.97).only_details  # there is a warning already


def test_deletion_wants_a_small_area_and_insertion_a_large_one() -> None:
    low, high = [1, 0.2, 0.1, 0, 0], [1, 0.9, 0.9, 0.8, 0]
    middle = [1, 0.5, 0.5, 0.5, 0]
    assert perturbation("deletion", low, middle, high).beats_random
    assert not perturbation("deletion", middle, low, high).beats_random
    assert perturbation("insertion", high, middle, low).beats_random
    assert perturbation("insertion", middle, low, high).n_beaten == 1
    assert not perturbation("deletion", middle, middle, high).beats_random  # as good is not better


def test_areas_and_their_spread_are_worked_out_by_hand() -> None:
    found = perturbation("deletion", [1, 0.5, 0.5, 0.5, 0], [1, 1, 1, 1, 1], [0, 0, 0, 0, 0])
    assert found.area == pytest.approx(0.5)
    np.testing.assert_allclose(found.random_areas, [1, 0])
    assert found.random_sd == pytest.approx(0.7071068)
    assert "once in 3 times" in perturbation("deletion", [1, 0, 0, 0, 0], [1, 1, 1, 1, 1], [1] * 5).reading


def test_stability_tells_the_mean_the_worst_move_and_the_probabilitys_own_change() -> None:
    found = Stability("melanoma", 0.5, (moved("+5°", 0.9), moved("+10°", 0.7, 0.31), moved("+15°", None, 0.62)), 0.3)
    assert found.mean_rank == pytest.approx(0.8)
    assert found.least is found.moves[1]
    assert found.min_similarity == 0.7
    for part in ("0.80", "0.70 at +10°", "31% to 62%"):
        assert part in found.reading


@pytest.mark.parametrize("rank, words", [(0.95, "stays where"), (0.6, "not its details"), (0.2, "mirror images")])
def test_stability_is_read_against_the_maps_mirror_images(rank: float, words: str) -> None:
    assert words in Stability("melanoma", 0.5, (moved("+5°", rank), moved("−5°", rank)), 0.3).reading


def test_maps_are_the_same_only_if_every_pair_is() -> None:
    assert sensitivity(0.9, 0.95, 0.85).same
    assert sensitivity(0.9, 0.95, 0.5).same is False
    assert sensitivity(0.9, np.nan, np.nan).same
    assert sensitivity(np.nan, np.nan, np.nan).same is None
    assert "−0.80" in sensitivity(0.9, 0.95, 0.85, signed=-0.8).reading


def test_no_reading_reassures_and_each_is_a_sentence() -> None:
    found = [
        randomisation(1.0, 1.0),
        randomisation(0.1, 0.2),
        randomisation(0.1, 0.2, shown=0.9),
        randomisation(None),
        replace(randomisation(0.1, 0.2), mode="independent"),
        perturbation("deletion", [1, 0, 0, 0, 0], [1, 1, 1, 1, 1]),
        perturbation("insertion", [0, 0, 0, 0, 1], [1, 1, 1, 1, 1]),
        Stability("a", 0.5, (moved("+5°", 0.9),), None),
        Stability("a", 0.5, (moved("+5°", None),), None),
        sensitivity(0.9, 0.9, 0.9),
        sensitivity(0.1, 0.9, 0.9),
    ]
    for result in found:
        assert result.reading[0].isupper() and result.reading.endswith(".")
        assert not {"safe", "normal", "diagnosis", "trust"} & set(result.reading.lower().split())


def test_what_a_wholly_random_networks_map_shares_with_this_one_is_said_where_it_is_much() -> None:
    assert "still correlates 0.70" in randomisation(0.5, 0.4, shown=0.7).reading
    assert "still correlates" not in randomisation(0.5, 0.4, shown=0.1).reading
    assert "still correlates" not in replace(randomisation(0.5, 0.4, shown=0.7), mode="independent").reading
