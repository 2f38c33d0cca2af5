"""Rules of the drawings that show no lesion."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from derm_model.data.non_lesions import BORDERLINE, KINDS, MIN_SIZE_PX, draw_non_lesion

SIZE_PX = 96


@pytest.fixture(scope="module")
def drawings() -> dict[str, list[NDArray[np.uint8]]]:
    return {kind: [draw_non_lesion(seed, SIZE_PX, kind) for seed in range(8)] for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size_px", [MIN_SIZE_PX, 75])
def test_a_drawing_is_a_square_rgb_picture_of_the_size_asked_for(kind: str, size_px: int) -> None:
    drawing = draw_non_lesion(0, size_px, kind)
    assert drawing.shape == (size_px, size_px, 3) and drawing.dtype == np.uint8


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_drawing_and_every_other_one_another(
    kind: str, drawings: dict[str, list[NDArray[np.uint8]]]
) -> None:
    assert np.array_equal(draw_non_lesion(3, SIZE_PX, kind), drawings[kind][3])
    assert len({drawing.tobytes() for drawing in drawings[kind]}) == len(drawings[kind])


def test_no_two_kinds_share_a_drawing(drawings: dict[str, list[NDArray[np.uint8]]]) -> None:
    assert len({found[0].tobytes() for found in drawings.values()}) == len(KINDS) >= 10
    assert set(BORDERLINE) < set(KINDS)


def test_drawings_are_what_they_are_called(drawings: dict[str, list[NDArray[np.uint8]]]) -> None:
    def spread(kind: str) -> list[float]:
        return [float(drawing.astype(float).std(axis=(0, 1)).mean()) for drawing in drawings[kind]]

    def grain(kind: str) -> list[float]:
        """Mean step from pixel to pixel."""
        return [float(np.abs(np.diff(drawing.astype(float), axis=1)).mean()) for drawing in drawings[kind]]

    assert max(spread("flat colour")) == 0
    assert max(grain("room out of focus")) < 5 < 50 < min(grain("pixel noise"))
    for drawing in drawings["X-ray"]:
        assert np.ptp(drawing.astype(int), axis=2).max() == 0  # grey
    for drawing in drawings["histology"]:
        red, green, blue = drawing.astype(float).mean(axis=(0, 1))
        assert red > green + 15 and blue > green + 15  # pink and purple
    for drawing in drawings["document"]:
        assert np.median(drawing) > 180 and np.quantile(drawing, 0.05) < 150  # ink on paper
    for drawing in drawings["skin without lesion"]:
        red, green, blue = drawing.astype(float).mean(axis=(0, 1))
        assert red > green > blue


def test_an_unknown_kind_or_a_tiny_size_is_an_error() -> None:
    with pytest.raises(ValueError, match="X-ray"):
        draw_non_lesion(0, 64, "nevus")
    with pytest.raises(ValueError, match="at least 32"):
        draw_non_lesion(0, 8, "document")
