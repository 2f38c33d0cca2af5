"""The out-of-distribution statistic."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.errors import BundleError
from derm_model.net.reference import PREFIX, FeatureReference, hellinger

RNG = np.random.default_rng(7)
SHAPES = np.concatenate([np.full(10, 1.0), np.full(190, 60.0)])  # of gamma variables: the first ten vary most


def features(n_images: int) -> np.ndarray:
    """Positive features of images of one kind."""
    return (RNG.gamma(SHAPES, 1 / SHAPES, (n_images, 200)) * RNG.uniform(0.5, 2, (n_images, 1))).astype(np.float32)


TRAIN, VALIDATION, FRESH = features(600), features(300), features(400)


@pytest.fixture(scope="module")
def reference() -> FeatureReference:
    return FeatureReference.fit(TRAIN, VALIDATION, max_components=20)


def test_the_root_mean_square_distance_of_the_training_images_is_one(reference: FeatureReference) -> None:
    assert np.sqrt((reference.distance(TRAIN) ** 2).mean()) == pytest.approx(1, abs=0.01)


def test_fresh_images_of_the_same_kind_spread_evenly_over_the_percentiles(reference: FeatureReference) -> None:
    percentiles = reference.percentile(reference.distance(FRESH))
    assert np.quantile(percentiles, [0.25, 0.5, 0.75]) == pytest.approx([25, 50, 75], abs=8)


def test_one_odd_feature_is_enough_to_be_further_than_all_validation_images(reference: FeatureReference) -> None:
    for feature in (0, 150):
        far = FRESH[:5].copy()
        far[:, feature] = 60 * TRAIN[:, feature].mean()
        assert (reference.percentile(reference.distance(far)) == 100).all()


def test_a_change_counts_more_where_training_images_hardly_vary(reference: FeatureReference) -> None:
    middle = TRAIN.mean(axis=0)
    wide, narrow = middle.copy(), middle.copy()
    wide[0] *= 3
    narrow[150] *= 3
    distances = reference.distance(np.stack([middle, wide, narrow])) ** 2
    assert distances[2] - distances[0] > 5 * (distances[1] - distances[0])


def test_overall_strength_does_not_count_and_proportions_do(reference: FeatureReference) -> None:
    assert reference.distance(FRESH * 7) == pytest.approx(reference.distance(FRESH), rel=1e-5)
    even_and_weak = np.full((1, 200), 1e-3)
    even_and_weak[0, ::2] = 0
    assert reference.percentile(reference.distance(even_and_weak)) == 100


def test_the_hellinger_transform_gives_rows_of_length_one() -> None:
    rows = hellinger(np.array([[1.0, 3.0], [0.0, 5.0], [-1.0, 2.0]]))
    assert rows == pytest.approx(np.array([[0.5, 0.75**0.5], [0, 1], [0, 1]]))


def test_an_image_that_excites_nothing_is_far_and_not_undefined(reference: FeatureReference) -> None:
    assert reference.percentile(reference.distance(np.zeros((1, 200)))) == 100


def test_the_distance_is_that_of_the_gaussian_it_stands_for(reference: FeatureReference) -> None:
    d = TRAIN.shape[1]
    along = reference.components.T * (reference.variances - reference.noise_variance)
    covariance = along @ reference.components + reference.noise_variance * np.eye(d)
    x = hellinger(FRESH[:10]) - reference.mean
    expected = np.sqrt(np.einsum("ni,ij,nj->n", x, np.linalg.inv(covariance), x) / d)
    # the components are stored in half precision
    assert reference.distance(FRESH[:10]) == pytest.approx(expected, rel=1e-2)


def test_the_percentile_never_falls_with_the_distance(reference: FeatureReference) -> None:
    percentiles = reference.percentile(np.linspace(0, 5, 1000))
    assert (np.diff(percentiles) >= 0).all()
    assert percentiles[0] == 0
    assert percentiles[-1] == 100


def test_a_stored_reference_gives_the_same_distances(reference: FeatureReference) -> None:
    again = FeatureReference.from_arrays(reference.arrays() | {"fc.weight": np.zeros(3)})
    assert np.array_equal(again.distance(FRESH), reference.distance(FRESH))
    assert np.array_equal(again.quantiles, reference.quantiles)
    assert (again.n_train, again.n_validation) == (600, 300)


def test_fewer_images_than_components_still_leave_a_noise_variance() -> None:
    reference = FeatureReference.fit(TRAIN[:30], VALIDATION)
    assert len(reference.components) == 28
    assert reference.noise_variance > 0
    assert np.isfinite(reference.distance(FRESH)).all()


def test_arrays_for_2048_features_stay_below_one_megabyte() -> None:
    wide = RNG.random((140, 2048))
    arrays = FeatureReference.fit(wide, wide[:10]).arrays()
    assert sum(array.nbytes for array in arrays.values()) < 1_000_000


@pytest.mark.parametrize("train, validation", [(TRAIN[:2], VALIDATION), (TRAIN, VALIDATION[:1])])
def test_too_few_images_are_refused(train: np.ndarray, validation: np.ndarray) -> None:
    with pytest.raises(ValueError, match="at least 3 training and 2 validation"):
        FeatureReference.fit(train, validation)


def test_features_that_do_not_vary_are_refused() -> None:
    with pytest.raises(ValueError, match="vary"):
        FeatureReference.fit(np.ones((10, 5)), np.ones((10, 5)))


def test_a_missing_array_is_named(reference: FeatureReference) -> None:
    arrays = reference.arrays()
    del arrays[PREFIX + "variances"]
    with pytest.raises(BundleError, match="lacks variances"):
        FeatureReference.from_arrays(arrays)


def test_arrays_that_do_not_fit_together_are_refused(reference: FeatureReference) -> None:
    with pytest.raises(BundleError, match="do not fit together"):
        FeatureReference.from_arrays(reference.arrays() | {PREFIX + "mean": np.zeros(3)})
