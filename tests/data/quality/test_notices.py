"""Rules of the quality notices."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from derm_model.data.drawings import KINDS, draw_lesion
from derm_model.data.images import DecodedImage
from derm_model.data.quality import check_quality
from tests.data.quality.pictures import as_bytes, ellipse, skin, with_lesion


def kinds(pixels: np.ndarray, width_px: int | None = None, height_px: int | None = None) -> list[str]:
    height, width = pixels.shape[:2]
    image = DecodedImage(pixels, width_px or width, height_px or height, "PNG")
    return [notice.kind for notice in check_quality(image)]


def blurred(pixels: np.ndarray, radius_px: float) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius_px)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size_px", [300, 640])
def test_there_is_nothing_to_say_about_a_clean_picture(kind, size_px):
    assert kinds(draw_lesion(1, size_px, kind)) == []


@pytest.mark.parametrize("size_px", [128, 224])
def test_a_clean_small_picture_is_small_and_not_blurred(size_px):
    assert kinds(draw_lesion(1, size_px, "keratosis")) == ["small"]


def test_small_is_judged_by_the_shorter_side_of_the_original_and_not_of_a_reduced_decode():
    reduced = draw_lesion(1, 256)
    assert kinds(reduced, 2560, 2560) == []
    (notice,) = check_quality(DecodedImage(reduced, 4000, 298, "JPEG"))
    assert notice.message.startswith("**The image is small (4000 x 298 pixels).** Fine structure is missing.")
    assert notice.value == 298


@pytest.mark.parametrize("size_px", [320, 640])
@pytest.mark.parametrize("kind", KINDS)
def test_a_blurred_picture_is_blurred_in_every_resolution(kind, size_px):
    assert kinds(blurred(draw_lesion(2, size_px, kind), 2.5 * size_px / 224)) == ["blurred"]


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_contrast_does_not_decide_about_blur(share):
    def pale(pixels):
        return (150 + share * (pixels.astype(float) - 150)).clip(0, 255).astype(np.uint8)

    sharp = draw_lesion(2, 400, "keratosis")
    assert kinds(pale(sharp)) == []
    assert kinds(pale(blurred(sharp, 5))) == ["blurred"]


def test_dark_and_bright_pictures_are_named():
    drawing = draw_lesion(1, 400, "keratosis").astype(float)
    assert kinds((drawing * 0.25).astype(np.uint8)) == ["dark"]
    assert "bright" in kinds((drawing * 0.15 + 225).clip(0, 255).astype(np.uint8))


def test_dark_skin_is_not_called_dark():
    """Seed 2's keratosis is drawn on brown skin; half its brightness is still no dark photograph."""
    drawing = draw_lesion(2, 400, "keratosis")
    assert np.median(drawing) < 150
    assert kinds(drawing) == []


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_picture_of_one_colour_is_uniform_and_not_blurred(value):
    found = kinds(np.full((400, 400, 3), value, dtype=np.uint8))
    assert "uniform" in found
    assert "blurred" not in found


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (3000, 2), (299, 4000)])
def test_odd_shapes_are_judged_without_failing(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3)).astype(np.uint8)
    assert ("small" in kinds(pixels)) == (min(shape) < 299)


def test_a_lesion_far_away_is_named_and_one_as_large_as_usual_is_not():
    small = with_lesion(skin(400), ellipse(400, 0.006))
    (notice,) = check_quality(DecodedImage(as_bytes(small), 400, 400, "PNG"))
    assert notice.kind == "far"
    assert notice.value == pytest.approx(0.006, abs=0.003)
    assert notice.message == (
        "**The lesion fills little of the frame.** Small structures may be lost. A closer view would help."
    )
    assert kinds(as_bytes(with_lesion(skin(400), ellipse(400, 0.05)))) == []


def test_skin_without_a_lesion_is_not_called_far_away():
    assert kinds(as_bytes(skin(400))) == []
