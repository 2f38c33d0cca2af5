"""How alike two saliency maps are, how much of a map lies in a region, and the area under a curve of deletion.

Ranks and structure are compared, never raw values: two methods have different units, and a map of a random network has
another scale than that of a trained one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

# Wang et al. 2004, section III-C; the constants are shares of the range of values, which is 1 here.
WINDOW_PX, WINDOW_SIGMA_PX = 11, 1.5
K1, K2 = 0.01, 0.03
CLIP_PERCENTILE = 99.5  # as a map is displayed: divided by its maximum, a map of gradients would be nearly all zero

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Inside:
    """A map in a region.

    Parameters
    ----------
    share : float
        Of the map's mass that lies in the region, 0 to 1.
    area : float
        Of the image that the region takes, above 0 and below 1: what `share` would be if the map were even.
    """

    share: float
    area: float

    @property
    def concentration(self) -> float:
        """How many times the mass of an even map lies in the region: 1 says that it is no matter to the map."""
        return self.share / self.area


def rank_correlation(one: ArrayLike, other: ArrayLike, *, magnitudes: bool = False) -> float | None:
    """Spearman's rank correlation of two maps; tied values share the mean of their ranks.

    Parameters
    ----------
    one, other : (h, w) or (n,), finite
    magnitudes
        Compare absolute values: how strong a pixel is, and not for or against what.

    Returns
    -------
    float or None
        -1 to 1; None where a map is the same everywhere and has no order.

    Raises
    ------
    ValueError
        Shapes differ, or a value is not finite.
    """
    ranks = [_standard_ranks(np.abs(found) if magnitudes else found) for found in _pair(one, other)]
    if ranks[0] is None or ranks[1] is None:
        return None
    return float(np.clip((ranks[0] * ranks[1]).mean(), -1, 1))


def mirror_correlation(values: ArrayLike) -> float | None:
    """What two maps of an image agree to for no better reason than that lesions lie in the middle.

    Maps are smooth and strongest near the middle, so that no table says how large a chance correlation gets. A map
    mirrored or turned by quarters keeps its values, its smoothness and its middle, and forgets all else: the mean of
    its rank correlations with itself so mirrored and turned is the level above which an agreement says something. Of a
    symmetric map that level is high, and rightly so.

    Parameters
    ----------
    values : (h, w), finite
        Quarter turns are left out where it is no square.

    Returns
    -------
    float or None
        None where the map is the same everywhere.
    """
    map_, _ = _pair(values, values)
    mirrored = [map_[::-1], map_[:, ::-1], map_[::-1, ::-1]]
    if map_.shape[0] == map_.shape[1]:
        mirrored += [map_.T, *(other.T for other in mirrored)]
    found = [rank_correlation(map_, other) for other in mirrored]
    known = [value for value in found if value is not None]
    return float(np.mean(known)) if known else None


def structural_similarity(one: ArrayLike, other: ArrayLike, where: NDArray[np.bool_] | None = None) -> float | None:
    """Mean structural similarity (SSIM) of two maps, each brought to [0, 1] first.

    Adebayo et al. (2018) compare maps normalised to [0, 1]. Here the weakest value becomes 0 and the 99.5th percentile
    1, as a map is displayed: divided by its maximum, a few extreme pixels leave a gradient's map so near to 0 that
    the constants of SSIM call any two such maps alike.

    Parameters
    ----------
    one, other : (h, w), finite, >= 0
    where : (h, w) bool, optional
        Only this part is compared, in the windows that lie wholly in it.

    Returns
    -------
    float or None
        At most 1; None where a map is the same everywhere, or no window fits.

    Raises
    ------
    ValueError
        Shapes differ, or a value is not finite.

    References
    ----------
    Wang, Bovik, Sheikh & Simoncelli, IEEE Trans. Image Process. 13 (2004) 600: window of 11 x 11 px, Gaussian with
    sigma 1.5, K1 = 0.01, K2 = 0.03, mean over the windows that lie within the image.
    """
    pair = _pair(one, other)
    if pair[0].ndim != 2:
        raise ValueError(f"structure is that of maps (h, w), got {pair[0].shape}")
    if min(pair[0].shape) < WINDOW_PX:
        return None
    part = np.ones(pair[0].shape, bool) if where is None else where
    edge = WINDOW_PX // 2
    windows = ndimage.binary_erosion(part, np.ones((WINDOW_PX, WINDOW_PX), bool))[edge:-edge, edge:-edge]
    x, y = (_normalised(found, part) for found in pair)
    if x is None or y is None or not windows.any():
        return None
    mean_x, mean_y = _windowed(x), _windowed(y)
    variance_x, variance_y = _windowed(x * x) - mean_x**2, _windowed(y * y) - mean_y**2
    covariance = _windowed(x * y) - mean_x * mean_y
    c1, c2 = K1**2, K2**2
    likeness = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    likeness /= (mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2)
    return float(likeness[windows].mean())


def inside(values: ArrayLike, mask: ArrayLike) -> Inside | None:
    """How much of a map lies in a region, beside how much of the image the region takes.

    Parameters
    ----------
    values : (h, w), finite, >= 0
    mask : (H, W) bool
        On the original image; it is brought to the map's grid, where a pixel may belong to the region in part.

    Returns
    -------
    Inside or None
        None where the region is empty or the whole image, or the map zero everywhere.

    Raises
    ------
    ValueError
        A value is negative or not finite, or something is not a picture.
    """
    found, region = np.asarray(values, dtype=np.float64), np.asarray(mask)
    if found.ndim != 2 or region.ndim != 2 or not found.size or not region.size:
        raise ValueError(f"a map and a mask have two dimensions, got {found.shape} and {region.shape}")
    if not np.isfinite(found).all() or (found < 0).any():
        raise ValueError("the mass of a map needs finite values of at least 0")
    covered = _on_grid(region.astype(bool), found.shape)
    area, total = float(covered.mean()), float(found.sum())
    if not region.any() or region.all() or total == 0 or area == 0:
        return None
    return Inside(float((found * covered).sum()) / total, area)


def share_inside(values: ArrayLike, mask: ArrayLike) -> float | None:
    """`Inside.share`; say the area beside it, because a share alone means nothing."""
    found = inside(values, mask)
    return None if found is None else found.share


def area_under(x: ArrayLike, y: ArrayLike) -> float | None:
    """Area under a line through points (trapezium rule), with x brought to 0 to 1: the mean of y.

    Parameters
    ----------
    x : (n,), ascending
    y : (n,), finite

    Returns
    -------
    float or None
        None where there are fewer than two points, or all are at one place.

    Raises
    ------
    ValueError
        Shapes differ, x descends or a value is not finite.
    """
    places, heights = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if places.ndim != 1 or places.shape != heights.shape:
        raise ValueError(f"a curve needs one y for each x, got shapes {places.shape} and {heights.shape}")
    if not (np.isfinite(places).all() and np.isfinite(heights).all()) or (np.diff(places) < 0).any():
        raise ValueError("a curve needs finite values and ascending x")
    if len(places) < 2 or places[0] == places[-1]:
        return None
    return float(np.trapezoid(heights, places) / (places[-1] - places[0]))


def _pair(one: ArrayLike, other: ArrayLike) -> tuple[Floats, Floats]:
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    if first.shape != second.shape or not first.size:
        raise ValueError(f"two maps of one shape are compared, got {first.shape} and {second.shape}")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError("a map with values that are not finite cannot be compared")
    return first, second


def _standard_ranks(values: Floats) -> Floats | None:
    """Ranks with mean 0 and variance 1, so that a correlation is a mean of products."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    if len(counts) < 2:
        return None
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[place].reshape(values.shape)
    ranks -= ranks.mean()
    ranks /= np.sqrt((ranks**2).mean())
    return ranks


def _normalised(values: Floats, part: NDArray[np.bool_]) -> Floats | None:
    inner = values[part]
    low, high = (float(inner.min()), float(inner.max())) if inner.size else (0.0, 0.0)
    if high == low:
        return None
    # With fewer than 0.5 % of the pixels above the weakest the percentile is the weakest, and the maximum has to serve.
    clipped = float(np.percentile(inner, CLIP_PERCENTILE))
    found: Floats = np.clip((values - low) / ((clipped if clipped > low else high) - low), 0, 1)
    return found


def _windowed(values: Floats) -> Floats:
    """Weighted means over the windows that lie within the image."""
    edge = WINDOW_PX // 2
    means = ndimage.gaussian_filter(values, WINDOW_SIGMA_PX, truncate=edge / WINDOW_SIGMA_PX)
    return np.asarray(means[edge:-edge, edge:-edge], dtype=np.float64)


def _on_grid(region: NDArray[np.bool_], shape: tuple[int, ...]) -> Floats:
    """Share of each of the map's pixels that the region covers."""
    if region.shape == shape:
        return region.astype(np.float64)
    rows, columns = (_overlaps(n_from, n_to) for n_from, n_to in zip(region.shape, shape, strict=True))
    return np.asarray(rows @ region.astype(np.float32) @ columns.T, dtype=np.float64).clip(0, 1)


def _overlaps(n_from: int, n_to: int) -> NDArray[np.float32]:
    """(n_to, n_from): share of each new pixel that lies over each old one; rows sum to 1."""
    new, old = np.arange(n_to + 1) / n_to, np.arange(n_from + 1) / n_from
    low, high = np.maximum(new[:-1, None], old[:-1]), np.minimum(new[1:, None], old[1:])
    return np.asarray(np.clip(high - low, 0, None) * n_to, dtype=np.float32)
