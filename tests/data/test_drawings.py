"""Rules of the drawings."""

from __future__ import annotations

import numpy as np
import pytest

from derm_model.data.drawings import KINDS, draw_lesion


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size_px", [16, 33, 128])
def test_a_drawing_is_a_square_rgb_picture_of_the_size_asked_for(kind, size_px):
    drawing = draw_lesion(0, size_px, kind)
    assert drawing.shape == (size_px, size_px, 3)
    assert drawing.dtype == np.uint8


def test_the_same_seed_gives_the_same_drawing_and_another_seed_another():
    assert np.array_equal(draw_lesion(3, 64), draw_lesion(3, 64))
    assert not np.array_equal(draw_lesion(3, 64), draw_lesion(4, 64))
    assert not np.array_equal(draw_lesion(3, 64, "nevus"), draw_lesion(3, 64, "pink"))


def test_drawing_leaves_the_global_random_state_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    draw_lesion(0, 32)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize("kind", KINDS)
def test_the_lesion_in_the_middle_differs_from_the_skin_around_it(kind):
    drawing = draw_lesion(1, 96, kind).astype(float)
    middle, corners = drawing[40:56, 40:56].mean((0, 1)), drawing[:12, :12].mean((0, 1))
    assert np.abs(middle - corners).max() > 25


def test_kinds_can_be_told_apart_by_their_colour():
    """So that a tiny network trained on drawings has something to learn."""

    def redness(kind: str) -> list[float]:
        middles = [draw_lesion(seed, 48, kind)[16:32, 16:32].astype(float) for seed in range(12)]
        return [float(middle[..., 0].mean()) for middle in middles]

    assert min(redness("pink")) > max(redness("irregular"))


def test_an_unknown_kind_or_a_tiny_size_is_an_error():
    with pytest.raises(ValueError, match="nevus, irregular, keratosis, pink"):
        draw_lesion(0, 64, "melanoma")
    with pytest.raises(ValueError, match="at least 16"):
        draw_lesion(0, 8)
