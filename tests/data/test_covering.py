"""Painting over a part of a picture: with the known colour of drawn skin, without an edge, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from derm_model.data.covering import FILLS, cover
from derm_model.errors import DermTreeError
from tests.support import noise_image

Mask = NDArray[np.bool_]
SKIN, LESION, INK = (222, 178, 155), (92, 60, 50), (20, 30, 160)


def drawn(height: int = 180, width: int = 240, *, hairs: int = 0, corners: bool = False) -> Image.Image:
    """Skin with a lesion in its middle, with noise, hairs and a dermoscope's black corners."""
    rng = np.random.default_rng(hairs)
    y, x = np.mgrid[0:height, 0:width]
    radius = np.hypot(x - width / 2, y - height / 2)
    pixels = np.where((radius < height / 6)[..., None], LESION, SKIN) + rng.normal(0, 4, (height, width, 3))
    if corners:
        pixels[radius > 0.52 * width] = 4
    image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(hairs):
        ends = rng.uniform(0, 1, 4) * (width, height, width, height)
        pen.line(ends.tolist(), fill=(45, 35, 30), width=2)
    return image


def box(shape: tuple[int, ...], left: float, top: float, right: float, bottom: float) -> Mask:
    """Mask of a rectangle; its sides are shares of the picture's."""
    mask = np.zeros(shape[:2], dtype=np.bool_)
    height, width = mask.shape
    mask[round(top * height) : round(bottom * height), round(left * width) : round(right * width)] = True
    return mask


def inked(image: Image.Image, mask: Mask) -> NDArray[np.uint8]:
    """The picture with stripes of ink wherever the mask is."""
    pixels = np.array(image)
    stripes = mask & (np.arange(mask.shape[1]) % 6 < 3)
    pixels[mask], pixels[stripes] = (250, 250, 250), INK
    return pixels


@pytest.mark.parametrize("fill", FILLS)
@given(seed=st.integers(0, 50), height=st.integers(3, 70), width=st.integers(3, 70), share=st.floats(0.0, 0.7))
def test_nothing_changes_outside_the_mask(fill: str, seed: int, height: int, width: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    pixels = noise_image(seed, height, width)
    mask = rng.random((height, width)) < share if seed % 2 else box((height, width), 0.2, 0.1, 0.2 + share, 0.6)
    before = pixels.copy()
    try:
        painted = cover(pixels, mask, fill)  # type: ignore[arg-type]
    except DermTreeError:  # too little skin left
        assert fill == "skin"
        return
    assert painted.dtype == np.uint8
    assert (painted[~mask] == pixels[~mask]).all()
    assert (pixels == before).all()


@pytest.mark.parametrize("where", [(0.1, 0.7, 0.6, 0.9), (0.0, 0.7, 0.5, 0.95), (0.7, 0.0, 1.0, 0.2)])
def test_the_fill_is_the_colour_of_the_skin_around(where: tuple[float, float, float, float]) -> None:
    image = drawn()
    mask = box((180, 240), *where)
    painted = cover(inked(image, mask), mask, "skin")
    assert np.abs(painted[mask].astype(float) - SKIN).max() < 6
    assert np.abs(painted[mask].mean(axis=0) - SKIN).max() < 1.5


@pytest.mark.parametrize("hairs, corners", [(25, False), (0, True), (25, True)])
def test_hairs_and_black_corners_do_not_darken_the_fill(hairs: int, corners: bool) -> None:
    image = drawn(hairs=hairs, corners=corners)
    mask = box((180, 240), 0.04, 0.72, 0.5, 0.92) & (np.array(image).max(axis=2) > 90 if corners else True)
    painted = cover(inked(image, mask), mask, "skin")[mask].astype(float)
    ring_mean = np.array(image)[box((180, 240), 0.0, 0.65, 0.55, 1.0) & ~mask].mean(axis=0)
    assert (ring_mean < np.subtract(SKIN, 8)).all()  # a plain mean would be fooled
    assert np.abs(np.median(painted, axis=0) - SKIN).max() < 5


def test_a_black_corner_itself_becomes_skin() -> None:
    image = drawn(corners=True)
    mask = np.zeros((180, 240), dtype=np.bool_)
    mask[:60, :60] = np.array(image)[:60, :60].max(axis=2) < 60
    assert mask.sum() > 300
    painted = cover(np.array(image), mask, "skin")
    assert np.abs(np.median(painted[mask].astype(float), axis=0) - SKIN).max() < 4


def test_uneven_light_is_continued() -> None:
    y, x = np.mgrid[0:150, 0:200]
    light = np.array(SKIN) + (x / 5 - 20)[..., None] + (y / 10)[..., None]
    mask = box((150, 200), 0.3, 0.3, 0.7, 0.7)
    pixels = inked(Image.fromarray(light.clip(0, 255).astype(np.uint8)), mask)
    assert np.abs(cover(pixels, mask, "skin")[mask] - light.clip(0, 255)[mask]).max() < 3


def test_a_hair_across_the_lesion_leaves_lesion_in_the_lesion_and_skin_on_the_skin() -> None:
    image = drawn(hairs=0)
    mask = box((180, 240), 0.1, 0.49, 0.9, 0.515)
    painted = cover(inked(image, mask), mask, "skin").astype(float)
    middle = (slice(90, 92), slice(110, 130))
    assert np.abs(painted[middle].mean(axis=(0, 1)) - LESION).max() < 20
    assert np.abs(painted[90:92, 30:60].mean(axis=(0, 1)) - SKIN).max() < 3


@pytest.mark.parametrize("fill", FILLS)
def test_the_border_of_what_is_painted_is_no_edge(fill: str) -> None:
    """Next to a mask that cuts through a lesion the step is no larger than the picture's own noise makes it."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:160, 0:160]
    pixels = np.where((np.hypot(x - 80, y - 80) < 50)[..., None], LESION, SKIN) + rng.normal(0, 3, (160, 160, 3))
    pixels = pixels.clip(0, 255).astype(np.uint8)
    mask = np.zeros((160, 160), dtype=np.bool_)
    mask[:, 80:] = True  # half of the lesion
    painted = cover(pixels, mask, fill).astype(float)  # type: ignore[arg-type]
    inside = slice(50, 110)  # rows within the lesion
    assert np.abs((painted[inside, 80] - painted[inside, 79]).mean(axis=0)).max() < 8
    assert not np.array_equal(painted[:, 84:], pixels[:, 84:])


def test_blur_takes_the_structure_and_leaves_the_tone() -> None:
    image = drawn()
    mask = box((180, 240), 0.2, 0.2, 0.8, 0.8)
    painted = cover(np.array(image), mask, "blur").astype(float)
    assert painted[90, 120].mean() < np.mean(SKIN) - 20  # the lesion's place is still darker
    assert np.abs(np.diff(painted[80:100, 60:180], axis=1)).max() < 8  # but it has no border any more


def test_ink_does_not_shine_through_the_painted_part() -> None:
    image = drawn()
    mask = box((180, 240), 0.1, 0.7, 0.6, 0.9)
    as_ink = cover(inked(image, mask), mask, "skin")
    other = np.array(image)
    other[mask] = 0
    assert (as_ink == cover(other, mask, "skin")).all()


def test_the_same_picture_at_four_times_the_size_is_painted_alike() -> None:
    image = drawn(hairs=12)
    large = image.resize((960, 720), Image.Resampling.BICUBIC)
    masks = [box(shape, 0.1, 0.7, 0.6, 0.9) for shape in ((180, 240), (720, 960))]
    small, big = (
        Image.fromarray(cover(inked(picture, mask), mask)) for picture, mask in zip((image, large), masks, strict=True)
    )
    reduced = np.asarray(big.resize((240, 180), Image.Resampling.BOX)).astype(float)
    inner = box((180, 240), 0.14, 0.74, 0.56, 0.86)
    assert np.abs(reduced - np.asarray(small))[inner].max() < 6


def test_an_empty_mask_changes_nothing_and_a_full_one_leaves_no_skin() -> None:
    pixels = np.array(drawn())
    empty, full = np.zeros((180, 240), np.bool_), np.ones((180, 240), np.bool_)
    assert (cover(pixels, empty) == pixels).all()
    with pytest.raises(DermTreeError, match="smaller region, or blur it"):
        cover(pixels, full, "skin")
    blurred = cover(pixels, full, "blur").astype(float)
    assert blurred.std() < pixels.std()


@pytest.mark.parametrize(
    "mask, fill, message",
    [
        (np.zeros((3, 4), np.bool_), "skin", "a mask of"),
        (np.zeros((180, 240), np.uint8), "skin", "a mask of"),
        (np.zeros((180, 240), np.bool_), "paint", "the fill is one of"),
    ],
)
def test_what_is_no_mask_or_no_fill_is_refused(mask: Mask, fill: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cover(np.array(drawn()), mask, fill)  # type: ignore[arg-type]
