"""Pictures with alike features: planted views are found among pictures that share far more than a view does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from derm_model.data.duplicates import neighbours
from derm_model.data.duplicates.neighbours import LINKED_ABOVE, SEARCHED_ABOVE, _Pool, similar_by_features
from derm_model.data.duplicates.whitening import IMAGES_PER_COMPONENT, MIN_IMAGES, whitened
from derm_model.errors import Cancelled
from derm_model.progress import Progress

WIDTH = 256  # cosines of unrelated pictures have a standard deviation of 1/16
DEVIATIONS = (1 + np.arange(WIDTH) / 2) ** -0.5
Features = NDArray[np.float32]


def lesions(n: int, seed: int = 0) -> Features:
    """Features (n, 256), of which a few directions hold most of the variance, as disease and frame do."""
    rng = np.random.default_rng(seed)
    return (np.maximum(4 + rng.standard_normal((n, WIDTH)) * DEVIATIONS @ turn(), 0) ** 2).astype(np.float32)


def turn() -> NDArray[np.float64]:
    """Directions of `DEVIATIONS`, (256, 256) orthogonal."""
    return np.linalg.qr(np.random.default_rng(7).standard_normal((WIDTH, WIDTH)))[0]


def with_views(n: int, n_views: int, seed: int = 0) -> Features:
    """`lesions`, of which the last n_views are second views of the first ones."""
    features = lesions(n, seed)
    rng = np.random.default_rng(seed + 1)
    noise = (0.4 * rng.standard_normal((n_views, WIDTH)) * DEVIATIONS @ turn()).astype(np.float32)
    features[n - n_views :] = (np.sqrt(features[:n_views]) + noise) ** 2
    return features


def found(pairs: NDArray[np.int32]) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for a, b in pairs}


def brute_force(features: Features, min_similarity: float) -> dict[tuple[int, int], float]:
    rows, _ = whitened(features)
    cosine = rows.astype(np.float64) @ rows.T
    a, b = np.nonzero(np.triu(cosine >= min_similarity, 1))
    return {(int(i), int(j)): float(cosine[i, j]) for i, j in zip(a, b, strict=True)}


def test_second_views_are_found_and_unrelated_pictures_are_not() -> None:
    n, n_views = 1300, 30
    features = with_views(n, n_views)
    pairs, cosine = similar_by_features(features, min_similarity=LINKED_ABOVE)
    assert found(pairs) == {(i, n - n_views + i) for i in range(n_views)}
    assert cosine.min() >= LINKED_ABOVE
    plain = features / np.linalg.norm(features, axis=1, keepdims=True)
    assert np.median(plain @ plain.T) > 0.9  # what whitening has to take away


def test_every_pair_is_that_of_all_cosines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "TILE_ROWS", 64)
    features = with_views(500, 20)
    pairs, cosine = similar_by_features(features, max_neighbours=500)
    expected = brute_force(features, SEARCHED_ABOVE)
    assert found(pairs) == set(expected)
    np.testing.assert_allclose(cosine, [expected[pair] for pair in map(tuple, pairs.tolist())], atol=1e-5)


def test_pairs_are_sorted_and_named_once_with_the_lower_position_first() -> None:
    pairs, cosine = similar_by_features(with_views(500, 20), min_similarity=0.2)
    assert pairs.dtype == np.int32 and cosine.dtype == np.float32
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert pairs.tolist() == sorted(pairs.tolist())
    assert len(found(pairs)) == len(pairs)
    assert cosine.max() <= 1


def test_a_pair_stays_when_it_is_near_for_either_of_its_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "POOL_PAIRS", 500)  # far fewer than there are: dropping early changes nothing
    n, rng = 60, np.random.default_rng(3)
    a, b = np.nonzero(np.triu(np.ones((n, n), dtype=bool), 1))
    cosine = rng.permutation(len(a)).astype(np.float32) / len(a)
    nearest = {end: sorted(cosine[(a == end) | (b == end)])[-3:] for end in range(n)}
    expected = {(int(i), int(j)) for i, j, c in zip(a, b, cosine, strict=True) if c in nearest[i] or c in nearest[j]}
    pool = _Pool(n, 3)
    for some in np.array_split(rng.permutation(len(a)), 17):
        pool.add(a[some], b[some], cosine[some])
        pool.add(a[some][:9], b[some][:9], cosine[some][:9])  # cells overlap: the same pair comes again
    pairs, kept = pool.finish()
    assert found(pairs) == expected
    assert dict(zip(map(tuple, pairs.tolist()), kept.tolist(), strict=True)).items() <= {
        ((int(i), int(j)), float(c)) for i, j, c in zip(a, b, cosine, strict=True)
    }


def test_the_search_by_cells_finds_the_planted_views(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "CELL_IMAGES", 150)
    features = with_views(1500, 40)
    exact, exact_cosine = similar_by_features(features, min_similarity=LINKED_ABOVE)
    near, cosine = similar_by_features(features, min_similarity=LINKED_ABOVE, exact_up_to=1499)
    assert found(near) <= found(exact)
    assert len(near) >= 0.95 * len(exact)
    values = dict(zip(map(tuple, exact.tolist()), exact_cosine.tolist(), strict=True))
    np.testing.assert_allclose(cosine, [values[pair] for pair in map(tuple, near.tolist())], atol=1e-5)


def test_the_search_by_cells_repeats_itself() -> None:
    features = with_views(600, 20)
    first, second = (similar_by_features(features, exact_up_to=0) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])


def test_half_and_single_precision_agree() -> None:
    features = with_views(600, 20)
    single, _ = similar_by_features(features, min_similarity=LINKED_ABOVE)
    half, _ = similar_by_features(features.astype(np.float16), min_similarity=LINKED_ABOVE)
    np.testing.assert_array_equal(single, half)


def test_pictures_without_any_activation_are_like_no_other() -> None:
    features = lesions(300)
    features[[5, 50, 200]] = 0
    pairs, _ = similar_by_features(features, min_similarity=0.1, max_neighbours=300)
    assert not {5, 50, 200} & set(pairs.ravel().tolist())


def test_pictures_that_do_not_differ_make_no_pair_of_chance() -> None:
    pairs, cosine = similar_by_features(np.ones((200, 8), dtype=np.float16))
    assert pairs.shape == (0, 2) and cosine.shape == (0,)


def test_dead_features_and_brightness_of_the_whole_row_change_nothing() -> None:
    features = with_views(500, 20)
    louder = features * np.linspace(0.5, 2, 500, dtype=np.float32)[:, None]
    wider = np.concatenate([louder, np.zeros((500, 10), dtype=np.float32)], axis=1)
    expected, cosine = similar_by_features(features, min_similarity=LINKED_ABOVE)
    pairs, values = similar_by_features(wider, min_similarity=LINKED_ABOVE)
    np.testing.assert_array_equal(pairs, expected)
    np.testing.assert_allclose(values, cosine, atol=1e-4)


def test_too_few_pictures_are_linked_by_equal_features_only() -> None:
    features = lesions(MIN_IMAGES - 1)
    features[60] = features[3]
    features[[7, 8]] = 0
    pairs, cosine = similar_by_features(features)
    assert pairs.tolist() == [[3, 60]]
    assert cosine.tolist() == [1]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_a_collection_of_almost_nothing_has_no_pairs(n: int) -> None:
    pairs, cosine = similar_by_features(lesions(n))
    assert pairs.shape == (0, 2) and cosine.shape == (0,)


def test_there_are_many_more_pictures_than_components() -> None:
    rows, deviations = whitened(lesions(200))
    assert rows.shape == (200, 200 // IMAGES_PER_COMPONENT)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert (np.diff(deviations) <= 0).all() and deviations.min() > 0


def test_work_can_be_stopped_between_blocks() -> None:
    def stop(progress: Progress) -> None:
        if progress.unit == "blocks":
            raise Cancelled("stopped by the test")

    with pytest.raises(Cancelled):
        similar_by_features(lesions(200), report=stop)


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), n=st.integers(MIN_IMAGES, 260))
def test_the_order_of_the_pictures_does_not_matter(seed: int, n: int) -> None:
    features = with_views(n, 5, seed)
    order = np.random.default_rng(seed).permutation(n)
    straight = brute_force(features, SEARCHED_ABOVE - 1e-3)
    pairs, cosine = similar_by_features(features[order], max_neighbours=n)
    renamed = [(min(a, b), max(a, b)) for a, b in order[pairs].tolist()]
    np.testing.assert_allclose(cosine, [straight[pair] for pair in renamed], atol=5e-4)
    assert set(renamed) >= {pair for pair, value in straight.items() if value > SEARCHED_ABOVE + 1e-3}
