"""Laying one picture upon another before they are compared: copies are often cropped, shifted or tilted a little.

Gauss-Newton on the squared difference, six affine parameters, for many pairs at once (Lucas and Kanade 1981; Baker and
Matthews 2004, forward additive form), coarse to fine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from derm_model.data.duplicates.detail import SIDE, VERIFY_BAND, spectrum

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class _Level:
    """One step from coarse to fine: cells averaged in blocks, smoothed by so many cells, iterated."""

    block: int
    blur_cells: float
    iterations: int


# The first level draws pictures together that are up to 3 cells apart, the second takes them to a tenth of a cell.
_LEVELS = (_Level(2, 1.0, 8), _Level(1, 1.0, 5))
# Largest move and largest change of scale or tilt. Half the side is 1: 0.25 are 6 of 48 cells, a tenth of the picture.
_MAX_SHIFT, _MAX_SCALE = 0.25, 0.15
# Added to the diagonal of the normal equations, as a share of its mean: structure in one direction only is no reason
# to slide along the other.
_DAMPING = 0.02
# Pairs aligned at once: 20 MB.
_BATCH = 256


def aligned_correlation(first: NDArray[np.int8], second: NDArray[np.int8]) -> Floats:
    """Correlation of structure after laying each second picture upon its first.

    Parameters
    ----------
    first, second : (m, 48, 48) int8
        In the same orientation.

    Returns
    -------
    (m,) float32
        In -1..1; never less than without alignment.
    """
    results = [np.empty(0, dtype=np.float32)]
    for start in range(0, len(first), _BATCH):
        a = first[start : start + _BATCH].astype(np.float32)
        b = second[start : start + _BATCH].astype(np.float32)
        moved = _warp(b, _align(a, b))
        reference = spectrum(a, VERIFY_BAND)
        before, after = ((reference * spectrum(c, VERIFY_BAND)).sum(axis=1) for c in (b, moved))
        results.append(np.maximum(before, after))
    return np.concatenate(results)


def _align(first: Floats, second: Floats) -> Floats:
    """Affine parameters (m, 6) that lay the second pictures upon the first: see `_warp`."""
    parameters = np.zeros((len(first), 6), dtype=np.float32)
    for level in _LEVELS:
        a, b = _prepare(first, level), _prepare(second, level)
        for _ in range(level.iterations):
            parameters += _step(a, _warp(b, parameters))
            np.clip(parameters[:, :2], -_MAX_SHIFT, _MAX_SHIFT, out=parameters[:, :2])
            np.clip(parameters[:, 2:], -_MAX_SCALE, _MAX_SCALE, out=parameters[:, 2:])
    return parameters


def _prepare(cells: Floats, level: _Level) -> Floats:
    side = cells.shape[1] // level.block
    cells = cells.reshape(len(cells), side, level.block, side, level.block).mean(axis=(2, 4))
    cells = gaussian_filter(cells, (0, level.blur_cells, level.blur_cells))
    return np.asarray(cells / np.maximum(cells.std(axis=(1, 2), keepdims=True), 1e-6), dtype=np.float32)


def _step(first: Floats, moved: Floats) -> Floats:
    """One Gauss-Newton step, (m, 6)."""
    m, side = len(first), first.shape[1]
    y, x = _axes(side)
    dy, dx = (np.gradient(moved, axis=axis) * (side / 2) for axis in (1, 2))
    jacobian = np.stack([dy, dx, dy * y, dy * x, dx * y, dx * x], axis=1).reshape(m, 6, -1)
    normal = jacobian @ jacobian.transpose(0, 2, 1)
    damping = _DAMPING * np.trace(normal, axis1=1, axis2=2) / 6
    normal += np.eye(6, dtype=np.float32) * np.maximum(damping, 1e-6)[:, None, None]
    step = np.linalg.solve(normal, jacobian @ (first - moved).reshape(m, -1, 1))[:, :, 0]
    # One cell at most: the gradient says nothing about what is farther away.
    return np.asarray(np.clip(step, -2 / side, 2 / side), dtype=np.float32)


def _warp(cells: Floats, parameters: Floats) -> Floats:
    """Sample each picture at y + p0 + p2 y + p3 x, x + p1 + p4 y + p5 x (half the side is 1), bilinear, 0 outside."""
    m, side = len(cells), cells.shape[1]
    y, x = _axes(side)
    p = parameters[:, :, None, None]
    rows = (y + p[:, 0] + p[:, 2] * y + p[:, 3] * x + 1) * np.float32(side / 2) - np.float32(0.5)
    columns = (x + p[:, 1] + p[:, 4] * y + p[:, 5] * x + 1) * np.float32(side / 2) - np.float32(0.5)
    rows, columns = np.clip(rows, -1, side), np.clip(columns, -1, side)
    top, left = np.floor(rows).astype(np.int32), np.floor(columns).astype(np.int32)
    down, right = rows - top, columns - left
    width = side + 3  # one cell of zeros before, two behind
    flat = np.pad(cells, ((0, 0), (1, 2), (1, 2))).ravel()
    corner = (np.arange(m, dtype=np.int32)[:, None, None] * width + top + 1) * width + left + 1
    upper = flat[corner] * (1 - right) + flat[corner + 1] * right
    lower = flat[corner + width] * (1 - right) + flat[corner + width + 1] * right
    return np.asarray(upper * (1 - down) + lower * down, dtype=np.float32)


def _axes(side: int) -> tuple[Floats, Floats]:
    """Centres of the cells between -1 and 1, as a column and as a row."""
    centres = ((np.arange(side, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / side) - 1).astype(np.float32)
    return centres[:, None], centres[None]


assert all(SIDE % level.block == 0 for level in _LEVELS)
