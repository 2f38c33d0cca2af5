"""Paint over a part of a picture as if only skin were there: to ask a network whether that part mattered.

Nothing of what is covered shows through, nothing outside changes, and the border of the painted part is no structure of
its own: along it the fill has the colours that lie just outside, and runs within a narrow feather into that of the skin
around. Lengths are shares of the picture's shorter side. A painted part has no texture, which a network can see.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from derm_model.data.quality.field import dark_surround, field_of_view
from derm_model.data.quality.working import working_picture
from derm_model.errors import DermTreeError

Fill = Literal["skin", "blur"]
FILLS: dict[Fill, str] = {
    "skin": "the colour of the skin around it",
    "blur": "what is there, strongly blurred",
}

_GAP = 0.012  # between what is covered and the ring of skin: ink and rulers have soft edges
_RING = 0.06  # width of the ring: five times the gap, so that a mask painted too tightly is outvoted by skin
_FEATHER = 0.02
_BLUR = 0.06  # sigma; a lesion's network, dots and border are gone, its place is still darker than the skin
_WORKING_PX = 160  # the fill is smooth: more pixels would cost time and change nothing
_MIN_RING_PX = 30  # of the working picture
_ROUNDS = 5  # of reweighting; with two fifths of the ring under hairs the fifth changes less than a grey level
_MIN_SPREAD = 3.0  # grey levels: noise that is no reason to mistrust a pixel
_TRUST = 0.01  # share of a kernel's mass that has to be known before a finer scale outweighs the coarser one

Plane = NDArray[np.float32]
Mask = NDArray[np.bool_]
Box = tuple[slice, slice]


def cover(pixels: NDArray[np.uint8], mask: Mask, fill: Fill = "skin") -> NDArray[np.uint8]:
    """Picture in which a region is painted over.

    Parameters
    ----------
    pixels : (h, w, 3) uint8
        At any resolution.
    mask : (h, w) bool
        What is covered; it may have several parts and touch the border.
    fill : "skin" or "blur"
        "skin": a smooth continuation of a ring around each part. Hairs and whatever else is the smaller part of the
        ring count for nothing, nor does a dark surround; of a region within the lesion the ring is lesion, and so is
        the fill. "blur": the region's own pixels under a wide Gaussian.

    Returns
    -------
    (h, w, 3) uint8
        A copy, equal to `pixels` wherever the mask is false.

    Raises
    ------
    DermTreeError
        No skin is left outside the mask to take a colour from.
    ValueError
        The mask has another shape than the picture, or the fill is unknown.
    """
    if mask.shape != pixels.shape[:2] or mask.dtype != np.bool_:
        raise ValueError(f"a mask of {pixels.shape[:2]} bool is needed, not {mask.shape} {mask.dtype}")
    if fill not in FILLS:
        raise ValueError(f"the fill is one of {', '.join(FILLS)}, not {fill!r}")
    covered = pixels.copy()
    if not mask.any():
        return covered
    usable = ~mask & _field(pixels)
    for part in _parts(mask):
        box, factor, colours = _blurred(pixels, part) if fill == "blur" else _continued(pixels, part, usable)
        inside = part[box]
        outside = ~mask[box]
        if outside.any():
            along = _spread(*_reduced(pixels[box], outside, factor), 1.0)
            share = _depth(_reduced_mask(inside, factor), _FEATHER * min(mask.shape) / factor)[..., None]
            colours = along * (1 - share) + colours * share
        painted = _enlarged(colours, factor, inside.shape)[inside]
        covered[box][inside] = np.round(np.clip(painted, 0, 255)).astype(np.uint8)
    return covered


def _blurred(pixels: NDArray[np.uint8], part: Mask) -> tuple[Box, int, Plane]:
    """Box around the part, by how much it is reduced, and its blurred colours (h, w, 3)."""
    sigma = _BLUR * min(part.shape)
    box = _box(part, 3 * sigma)
    factor = _factor(box, _WORKING_PX)
    small, _ = _reduced(pixels[box], np.ones_like(part[box]), factor)
    return box, factor, ndimage.gaussian_filter(small, (sigma / factor, sigma / factor, 0), mode="nearest", truncate=3)


def _continued(pixels: NDArray[np.uint8], part: Mask, usable: Mask) -> tuple[Box, int, Plane]:
    """Box around the part, by how much it is reduced, and the colours (h, w, 3) of the skin around it."""
    side = min(part.shape)
    for width in (_RING * side, 4 * _RING * side, float(sum(part.shape))):
        box = _box(part, width + _GAP * side)
        factor = _factor(box, _WORKING_PX)
        values, weights = _reduced(pixels[box], usable[box], factor)
        distance = ndimage.distance_transform_edt(~_reduced_mask(part[box], factor)) * factor
        ring = weights * ((distance > max(_GAP * side, factor)) & (distance <= width + _GAP * side))
        if np.count_nonzero(ring) >= _MIN_RING_PX:
            return box, factor, _skin(values, ring, _RING * side / factor / 2)
    raise DermTreeError(
        "A region is painted over with the colour of the skin around it; nothing is left around this one. "
        "Mark a smaller region, or blur it."
    )


def _skin(values: Plane, ring: Plane, sigma_px: float) -> Plane:
    """Colour (h, w, 3) of the skin everywhere, from a ring of weights (h, w), some of it hairs.

    A plane in each channel (skin is rarely lit evenly) and, upon it, a smooth field of what is left. In both, pixels
    lose their weight with the distance from what the others say (Geman & McClure's function), which finds the colour of
    the majority. What is extrapolated stays within the colours that the ring has.
    """
    known = ring > 0
    base = _base(ring.shape)
    plane, trusted = np.zeros_like(values), ring
    for _ in range(_ROUNDS):
        root = np.sqrt(trusted[known])[:, None]
        slopes, *_rest = np.linalg.lstsq(base[known] * root, values[known] * root, rcond=None)
        plane = base @ slopes
        trusted = _trusted(ring, values - plane)
    rest = values - plane
    field = _spread(rest, ring, sigma_px)
    for _ in range(_ROUNDS):
        trusted = _trusted(ring, rest - field)
        field = _spread(rest, trusted, sigma_px)
    believed = values[trusted > 0.25 * ring.max()] if (trusted > 0.25 * ring.max()).any() else values[known]
    return np.asarray(np.clip(plane + field, believed.min(axis=0), believed.max(axis=0)), dtype=np.float32)


def _base(shape: tuple[int, ...]) -> Plane:
    """Constant and two slopes, (h, w, 3)."""
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    return np.stack([np.ones_like(x), x, y], axis=-1).astype(np.float32)


def _trusted(ring: Plane, away: Plane) -> Plane:
    """Weights (h, w) of the ring, less where a pixel is far from what was expected of it, (h, w, 3)."""
    distance = np.linalg.norm(away, axis=-1)
    spread = max(1.4826 * float(np.median(distance[ring > 0])), _MIN_SPREAD)
    return np.asarray(ring / (1 + (distance / spread) ** 2) ** 2, dtype=np.float32)


def _spread(values: Plane, weights: Plane, finest_px: float) -> Plane:
    """Smooth field (h, w, c) that continues values known with weights (h, w): fine near by, coarse far off."""
    known = weights[..., None]
    field = (values * known).sum((0, 1)) / known.sum() + np.zeros_like(values)
    sigmas = [finest_px]
    while sigmas[-1] < max(weights.shape) / 3:
        sigmas.append(3 * sigmas[-1])
    for sigma in reversed(sigmas):
        both = ndimage.gaussian_filter(np.concatenate([values * known, known], axis=-1), (sigma, sigma, 0), truncate=3)
        field = (both[..., :-1] + _TRUST * field) / (both[..., -1:] + _TRUST)
    return np.asarray(field, dtype=np.float32)


def _field(pixels: NDArray[np.uint8]) -> Mask:
    """The picture without the dark surround of a dermoscope, at its own resolution."""
    small = field_of_view(dark_surround(np.asarray(working_picture(pixels))))
    height, width = pixels.shape[:2]
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.NEAREST), dtype=np.bool_)


def _parts(mask: Mask) -> list[Mask]:
    """Parts of the mask that are far enough from each other to have rings of their own, each (h, w)."""
    side, factor = min(mask.shape), _factor((slice(0, mask.shape[0]), slice(0, mask.shape[1])), 2 * _WORKING_PX)
    small = _reduced_mask(mask, factor)
    near = ndimage.distance_transform_edt(~small) * factor <= _RING * side / 2
    labels, n = ndimage.label(near)
    if n == 1:
        return [mask]
    full = labels.repeat(factor, axis=0).repeat(factor, axis=1)[: mask.shape[0], : mask.shape[1]]
    return [mask & (full == i + 1) for i in range(n)]


def _box(mask: Mask, margin: float) -> Box:
    """What bounds the mask, with a margin as far as the picture goes."""
    found = []
    for axis, length in enumerate(mask.shape):
        there = np.flatnonzero(mask.any(axis=1 - axis))
        found.append(slice(max(0, int(there[0] - margin)), min(length, int(there[-1] + margin) + 2)))
    return found[0], found[1]


def _factor(box: Box, side_px: int) -> int:
    """By how much a box is reduced so that its longer side has at most so many pixels."""
    longest: int = max(part.stop - part.start for part in box)
    return max(1, -(-longest // side_px))


def _reduced(values: NDArray[np.uint8], known: Mask, factor: int) -> tuple[Plane, Plane]:
    """Mean of the known pixels of each block, (h, w, c), 0 where none is, and their share of it, (h, w)."""
    sums = _blocks(np.where(known[..., None], values, 0).astype(np.float32), factor)
    share = _blocks(known[..., None].astype(np.float32), factor)
    return np.asarray(sums / np.maximum(share, 1e-6), dtype=np.float32), share[..., 0]


def _reduced_mask(mask: Mask, factor: int) -> Mask:
    """Blocks of which any pixel is in the mask."""
    return np.asarray(_blocks(mask[..., None].astype(np.float32), factor)[..., 0] > 0, dtype=np.bool_)


def _blocks(values: Plane, factor: int) -> Plane:
    """Means of blocks of (h, w, c); the last ones lack what lies outside, which counts as 0."""
    height, width = (-(-n // factor) for n in values.shape[:2])
    padding = [(0, height * factor - values.shape[0]), (0, width * factor - values.shape[1]), (0, 0)]
    padded = np.pad(values, padding) if factor > 1 else values
    return np.asarray(padded.reshape(height, factor, width, factor, -1).mean(axis=(1, 3)), dtype=np.float32)


def _depth(mask: Mask, feather_px: float) -> Plane:
    """How much of the full fill a pixel gets: 0 at the border of the mask, 1 within the feather; (h, w)."""
    # what lies beyond the picture's border counts as covered, too: there is no edge to hide
    inside = ndimage.distance_transform_edt(mask) if not mask.all() else np.full(mask.shape, np.inf)
    width = min(feather_px, float(inside.max()) / 2)
    share = np.clip((inside - 0.5) / max(width, 0.5), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), dtype=np.float32)


def _enlarged(values: Plane, factor: int, shape: tuple[int, ...]) -> Plane:
    """(h, w, c) at the shape that was reduced by the factor, bilinear; blocks lie where `_blocks` took them from."""
    size = (values.shape[1] * factor, values.shape[0] * factor)
    layers = [
        np.asarray(Image.fromarray(values[..., i]).resize(size, Image.Resampling.BILINEAR))[: shape[0], : shape[1]]
        for i in range(values.shape[2])
    ]
    return np.stack(layers, axis=-1)
