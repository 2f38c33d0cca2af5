"""Laying one picture upon another before they are compared: copies are often cropped, shifted or tilted a little.

Gauss-Newton on the squared difference, six affine parameters, for many pairs at once (Lucas and Kanade 1981; Baker and
Matthews 2004, forward additive form), coarse to fine.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from derm_model.data.duplicates.detail import SEARCH_BAND, VERIFY_BAND, Band, spectrum

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class _Level:
    """One step from coarse to fine: cells averaged in blocks, smoothed by so many cells, iterated."""

    block: int
    blur_cells: float
    iterations: int


# The first level draws pictures together that are up to 3 cells apart, the second takes them to a tenth of a cell.
_COARSE, _FINE = _Level(2, 1.0, 4), _Level(1, 1.0, 5)
# A pair less alike than this after the first level is given up: five of six candidates, and it would cost four times as
# much to go on. True pairs have 0.85 or more; none that ends above 0.6 is lost. More than four iterations before change
# nothing of that.
MIN_COARSE = 0.65
# Largest move and largest change of scale or tilt. Half the side is 1: 0.25 are 6 of 48 cells, a tenth of the picture.
_MAX_SHIFT, _MAX_SCALE = 0.25, 0.15
# Added to the diagonal of the normal equations, as a share of its mean: structure in one direction only is no reason
# to slide along the other.
_DAMPING = 0.02
# Pairs aligned at once: their arrays stay in the processor's cache.
_BATCH = 64


def orientations(cells: Floats) -> tuple[Floats, ...]:
    """The eight orientations of pictures (m, s, s): four mirrorings, straight and with rows and columns swapped."""
    mirrored = (cells, cells[:, ::-1], cells[:, :, ::-1], cells[:, ::-1, ::-1])
    return (*mirrored, *(m.transpose(0, 2, 1) for m in mirrored))


def best_orientation(first: Floats, second: Floats) -> NDArray[np.intp]:
    """Number (m,) of the orientation in which each second picture (m, s, s) is most like its first one."""
    reference = spectrum(first, SEARCH_BAND)
    correlation = [(reference * spectrum(option, SEARCH_BAND)).sum(axis=1) for option in orientations(second)]
    return np.asarray(np.argmax(np.stack(correlation), axis=0), dtype=np.intp)


def aligned_correlation(first: NDArray[np.int8], second: NDArray[np.int8]) -> Floats:
    """Correlation of structure after turning each second picture and laying it upon its first.

    Parameters
    ----------
    first, second : (m, 48, 48) int8

    Returns
    -------
    (m,) float32
        In -1..1, never less than without alignment; NaN where the pictures are too little alike to go on
        (`MIN_COARSE`).
    """
    results = [np.empty(0, dtype=np.float32)]
    for start in range(0, len(first), _BATCH):
        a = first[start : start + _BATCH].astype(np.float32)
        b = second[start : start + _BATCH].astype(np.float32)
        results.append(_aligned_correlation(a, b))
    return np.concatenate(results)


def _aligned_correlation(a: Floats, b: Floats) -> Floats:
    small_a, small_b = _averaged(a, _COARSE.block), _averaged(b, _COARSE.block)
    turn = best_orientation(small_a, small_b)
    b, small_b = _turned(b, turn), _turned(small_b, turn)
    moves = _align(small_a, small_b, _COARSE, np.zeros((len(a), 6), dtype=np.float32))
    coarse = np.maximum(*(_correlation(small_a, c, SEARCH_BAND) for c in (small_b, _warp(small_b, moves))))
    result = np.full(len(a), np.nan, dtype=np.float32)
    on = coarse >= MIN_COARSE
    if not on.any():
        return result
    a, b = a[on], b[on]
    moved = _warp(b, _align(a, b, _FINE, moves[on]))
    result[on] = np.maximum(_correlation(a, b, VERIFY_BAND), _correlation(a, moved, VERIFY_BAND))
    return result


def _turned(cells: Floats, turn: NDArray[np.intp]) -> Floats:
    options = orientations(cells)
    turned = np.empty_like(cells)
    for number in np.unique(turn):
        turned[turn == number] = options[number][turn == number]
    return turned


def _correlation(a: Floats, b: Floats, band: Band) -> Floats:
    return np.asarray((spectrum(a, band) * spectrum(b, band)).sum(axis=1), dtype=np.float32)


def _align(first: Floats, second: Floats, level: _Level, moves: Floats) -> Floats:
    """Better affine parameters (m, 6) that lay the second pictures upon the first: see `_warp`."""
    a, b = _prepare(first, level), _prepare(second, level)
    moves = moves.copy()
    for _ in range(level.iterations):
        moves += _step(a, _warp(b, moves))
        np.clip(moves[:, :2], -_MAX_SHIFT, _MAX_SHIFT, out=moves[:, :2])
        np.clip(moves[:, 2:], -_MAX_SCALE, _MAX_SCALE, out=moves[:, 2:])
    return moves


def _prepare(cells: Floats, level: _Level) -> Floats:
    cells = gaussian_filter(cells, (0, level.blur_cells, level.blur_cells))
    return np.asarray(cells / np.maximum(cells.std(axis=(1, 2), keepdims=True), 1e-6), dtype=np.float32)


def _averaged(cells: Floats, block: int) -> Floats:
    """Means of block x block cells."""
    side = cells.shape[1] // block
    return np.asarray(cells.reshape(len(cells), side, block, side, block).mean(axis=(2, 4)), dtype=np.float32)


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
    top, left = np.floor(rows), np.floor(columns)
    down, right = rows - top, columns - left
    top, left = top.astype(np.intp), left.astype(np.intp)
    width = side + 3  # one cell of zeros before, two behind
    flat = np.pad(cells, ((0, 0), (1, 2), (1, 2))).ravel()
    corner = (np.arange(m, dtype=np.intp)[:, None, None] * width + top + 1) * width + left + 1

    def at(offset: int) -> Floats:  # "clip" only spares the check: every index is inside
        return np.asarray(np.take(flat, corner + offset, mode="clip"), dtype=np.float32)

    upper, lower = at(0), at(width)
    upper += (at(1) - upper) * right
    lower += (at(width + 1) - lower) * right
    return np.asarray(upper + (lower - upper) * down, dtype=np.float32)


def _axes(side: int) -> tuple[Floats, Floats]:
    """Centres of the cells between -1 and 1, as a column and as a row."""
    centres = ((np.arange(side, dtype=np.float32) + np.float32(0.5)) * np.float32(2 / side) - 1).astype(np.float32)
    return centres[:, None], centres[None]
