"""The map of an evaluation: the same seed, the same picture; kept beside the answers, and only where it can be made."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from derm_model.assessment.embedding import (
    EMBEDDING,
    Recipe,
    embed,
    like_neighbours,
    make_embedding,
    principal_components,
    read_embedding,
)
from derm_model.errors import Cancelled, EvaluationError
from derm_model.progress import Progress

SHORT = Recipe(n_components=8, n_early=50, n_late=50)
KINDS = np.arange(60) % 3


@pytest.fixture(scope="module")
def features() -> NDArray[np.float32]:
    rng = np.random.default_rng(0)
    return (rng.normal(0, 1, (60, 20)) + 8 * np.eye(20)[KINDS]).astype(np.float32)


@pytest.fixture(scope="module")
def picture(features: NDArray[np.float32]) -> NDArray[np.float32]:
    return embed(features, SHORT)


def test_the_same_seed_gives_the_same_picture(features: NDArray[np.float32], picture: NDArray[np.float32]) -> None:
    assert picture.shape == (60, 2) and np.isfinite(picture).all()
    np.testing.assert_array_equal(embed(features.copy(), SHORT), picture)


def test_alike_images_lie_together_and_the_picture_can_be_said_in_words(picture: NDArray[np.float32]) -> None:
    labels: list[str | None] = [f"kind {kind}" for kind in KINDS]
    assert min(like_neighbours(picture, labels).values()) > 0.9
    mixed = like_neighbours(picture, [*np.random.default_rng(0).permutation(labels)[:-1].tolist(), None])
    assert set(mixed) == {"kind 0", "kind 1", "kind 2"} and max(mixed.values()) < 0.6


def test_principal_components_agree_with_a_singular_value_decomposition(features: NDArray[np.float32]) -> None:
    for matrix in (features, features[:10]):  # more images than features, and fewer
        u, s, _ = np.linalg.svd(matrix - matrix.mean(axis=0, dtype=np.float64), full_matrices=False)
        np.testing.assert_allclose(np.abs(principal_components(matrix, 5)), np.abs((u * s)[:, :5]), atol=1e-4)
    assert (principal_components(features, 3).max(axis=0) >= -principal_components(features, 3).min(axis=0)).all()


def test_progress_ends_at_the_end_and_a_report_may_stop_the_work(features: NDArray[np.float32]) -> None:
    said: list[Progress] = []
    embed(features, SHORT, said.append)
    assert (said[0].done, said[-1].done) == (0, said[-1].total) == (0, 100)

    def stop(progress: Progress) -> None:
        if progress.done:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        embed(features, SHORT, stop)


@pytest.mark.parametrize(
    "bad, why",
    [
        (np.zeros((5, 4), np.float32), "needs 10 images"),
        (np.ones((20, 4), np.float32), "all the same"),
        (np.full((20, 4), np.nan, np.float32), "finite"),
    ],
)
def test_what_has_no_picture_is_refused_with_the_reason(bad: NDArray[np.float32], why: str) -> None:
    with pytest.raises(EvaluationError, match=why):
        embed(bad, SHORT)


def test_a_picture_is_kept_with_its_recipe_and_goes_with_the_answers(
    features: NDArray[np.float32], picture: NDArray[np.float32], tmp_path: Path
) -> None:
    with pytest.raises(EvaluationError, match="Evaluate the bundle"):
        make_embedding(tmp_path, SHORT)
    np.save(tmp_path / "features.npy", features.astype(np.float32))
    assert read_embedding(tmp_path, SHORT) is None
    made = make_embedding(tmp_path, SHORT)
    np.testing.assert_array_equal(made, picture)
    kept = read_embedding(tmp_path, SHORT)
    assert kept is not None
    np.testing.assert_array_equal(kept, made)
    assert read_embedding(tmp_path, Recipe(seed=1)) is None  # another recipe, another picture
    (tmp_path / EMBEDDING).write_bytes(b"damaged")
    assert read_embedding(tmp_path, SHORT) is None
    shutil.rmtree(tmp_path)
