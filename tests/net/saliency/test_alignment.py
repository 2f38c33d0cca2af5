"""A map lies where the original has what it is about: after turning, squashing and a reduced decode."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from derm_model.data.images import decode
from derm_model.net.saliency.explainer import Explainer
from derm_model.net.saliency.method import Settings
from derm_model.net.saliency.methods import METHODS
from derm_model.net.saliency.target import Target
from derm_model.taxonomy import Taxonomy
from tests.net.saliency.networks import SIDE, Detector, make_explainer, run

STORED = (600, 1000)  # height and width in the file; EXIF turns it
SPOT = (180, 720)  # row and column in the file
SETTINGS = Settings(patch_px=16, masks=250)
PIXEL = 1 / SIDE
TOLERANCE = {  # share of a side by which the middle of a map may miss the middle of the spot
    "gradient": PIXEL,
    "input_x_gradient": PIXEL,
    "smoothgrad": PIXEL,
    "vargrad": 2 * PIXEL,  # sixteen copies: a rough variance
    "integrated_gradients": PIXEL,
    "guided_grad_cam": PIXEL,
    "grad_cam": 2 * PIXEL,  # a cell of the last block is four pixels
    "occlusion": 4 * PIXEL,  # half a stride
    "rise": 0.07,  # half a cell of a mask
}


@pytest.fixture(scope="module")
def detector(small_bundle: Path, taxonomy: Taxonomy) -> Explainer:
    return make_explainer(small_bundle, taxonomy, Detector())


def photo(orientation: int) -> bytes:
    """JPEG of grey skin with one white spot, 30 px in radius, to be turned as EXIF says."""
    pixels = np.full((*STORED, 3), 120, np.uint8)
    rows, columns = np.indices(STORED)
    pixels[np.hypot(rows - SPOT[0], columns - SPOT[1]) < 30] = 250
    exif = Image.Exif()
    exif[0x0112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95, exif=exif)
    return buffer.getvalue()


def spot_upright(orientation: int) -> tuple[int, int]:
    """Row and column of the spot in the upright picture; the tag says on which sides row 0 and column 0 are."""
    height, width = STORED
    row, column = SPOT
    return {
        1: (row, column),  # top, left
        6: (column, height - 1 - row),  # right, top
        7: (width - 1 - column, height - 1 - row),  # right, bottom
    }[orientation]


def middle(shown: NDArray[np.float32]) -> tuple[float, float]:
    """Row and column of what is strongest, as shares of the sides."""
    rows, columns = np.nonzero(shown >= 0.8 * shown.max())
    return float(rows.mean() + 0.5) / shown.shape[0], float(columns.mean() + 0.5) / shown.shape[1]


@pytest.mark.parametrize("id", METHODS)
@pytest.mark.parametrize("orientation, reduced", [(1, False), (6, True), (7, True)])
def test_a_map_lies_on_the_spot_of_the_original(detector: Explainer, id: str, orientation: int, reduced: bool) -> None:
    decoded = decode(photo(orientation), min_side_px=SIDE if reduced else None)
    size = (decoded.original_height_px, decoded.original_width_px)
    assert sorted(size) == sorted(STORED)
    assert (decoded.pixels.shape[:2] != size) == reduced
    found = detector.explain(decoded.pixels, METHODS[id], Target.of_class(0), SETTINGS)
    assert found is not None
    row, column = middle(found.resized(*size))
    at = spot_upright(orientation)
    assert row == pytest.approx((at[0] + 0.5) / size[0], abs=TOLERANCE[id])
    assert column == pytest.approx((at[1] + 0.5) / size[1], abs=TOLERANCE[id])


@pytest.mark.parametrize("id", [id for id in METHODS if TOLERANCE[id] == PIXEL])
@pytest.mark.parametrize("row, column", [(20, 70), (64, 3)])
def test_a_single_bright_pixel_s_map_is_on_that_pixel(detector: Explainer, id: str, row: int, column: int) -> None:
    unit = torch.full((1, 3, SIDE, SIDE), 0.3)
    unit[..., row, column] = 1
    values = run(detector, METHODS[id], unit, Target.of_class(0), SETTINGS).values
    assert divmod(int(values.argmax()), SIDE) == (row, column)
    assert values.sum() == pytest.approx(float(values[row, column]), rel=0.05)


@pytest.mark.parametrize("id", ["integrated_gradients", "occlusion", "rise", "input_x_gradient"])
def test_what_speaks_for_the_answer_is_positive(detector: Explainer, id: str) -> None:
    """And the same spot speaks against every other class."""
    pixels = decode(photo(1)).pixels
    for target, sign in ((Target.of_class(0), 1), (Target.of_class(3), -1)):
        found = detector.explain(pixels, METHODS[id], target, SETTINGS)
        assert found is not None and found.signed is not None
        shown = found.resized_signed(*STORED)
        assert shown is not None
        assert sign * shown[SPOT] > 0.5
