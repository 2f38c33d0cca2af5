"""Network features turned so that their cosine tells "the same lesion", not "the same disease in the same frame".

The network was trained to give unlike pictures of one disease like features, perhaps on these very pictures. A few
directions therefore hold nearly all variance (disease, dark corners, hair, tint), and the plain cosine of any two nevi
is above 0.9. What tells one nevus from another lies in the many directions of little variance. So: each feature's share
of the row's sum, square root (Hellinger, as in `derm_model.net.reference`), minus the mean, divided by the standard
deviation along each principal component (whitening), and scaled to length 1.

Measured on HAM10000, ISIC 2017 and PAD-UFES-20 (9,037 pictures, 41 million pairs; features of the demo bundle, which
was trained on most of them). "Above" is the number of other pairs that are more alike than the least alike of the 11
known copies in ISIC 2017 (the last two or three are true pairs nobody had listed); "moved" is the share of 440 views
made of 220 of the pictures (turned up to 25 degrees, enlarged up to 1.3, shifted, recoloured) that are more alike than
all but 30 pairs:

    transform                                     above     moved
    cosine                                     > 40,000       1 %
    minus the mean                               11,666       2 %
    Hellinger, minus the mean                     3,079       4 %
      and whitened along 128 components             310       4 %
                         256                         43       7 %
                         512                         19      12 %
                         1,024                        5      19 %
                         1,400                        3      24 %
                         1,800                        3      27 %
                         2,048 (all)                  2      26 %
      and half-whitened, 1,024                       30       9 %
    whitened without Hellinger, 1,024                 8      18 %

Mean and components must be those of the collection itself: with those of the other two collections, whatever ISIC
2017 has in common is taken for likeness (its 30th most alike unrelated pair went from 0.39 to 0.80). And they must be
of many more pictures than components: with as many components as pictures every two pictures are orthogonal, whatever
they show.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# See the table: more gain little, and cost time in proportion.
MAX_COMPONENTS = 1536
# Known copies stay above unrelated pairs with 300 and 1,000 pictures of ISIC 2017 at four to six pictures a component;
# at one a component, re-encoded copies fell from 0.82 to 0.04.
IMAGES_PER_COMPONENT = 5
# Below, twenty components are left: chance alone makes cosines of 0.5.
MIN_IMAGES = 100
# A direction with less than this share of the mean variance (a dead feature, rounding of half precision) says nothing.
MIN_VARIANCE = 1e-4
# Of a row's squared length, 1, shared by d features: single precision makes 1e-14 of equal pictures, real ones 1e-4.
ROUNDING = 1e-9
# Rows have length 1: what varies less than this is rounding, also where nothing varies at all.
ROUNDING = 1e-10
# 32 pictures a feature are plenty for a covariance; evenly spread ones, so that the result can be repeated.
MAX_FIT_IMAGES = 65_536
CHUNK_ROWS = 4096  # 32 MB of single-precision features at a time

FloatArray = NDArray[np.float32]


def whitened(features: NDArray[np.floating]) -> tuple[FloatArray, FloatArray]:
    """Whiten features along their own leading components.

    Parameters
    ----------
    features : (n, d), n >= `MIN_IMAGES`, >= 0
        Means of rectified activations, of half or single precision; anything below zero counts as zero.

    Returns
    -------
    rows : (n, k) float32
        Of length 1; zero for a picture without any activation, which is like no other. k is at most
        n / `IMAGES_PER_COMPONENT`, d and `MAX_COMPONENTS`; 0 where the pictures do not differ.
    deviations : (k,) float32
        Standard deviations along the components, descending: `rows * deviations` points where the features did before
        they were whitened.
    """
    n, d = features.shape
    mean, covariance = _moments(features)
    variances, vectors = np.linalg.eigh(covariance)
    k = min(n // IMAGES_PER_COMPONENT, d, MAX_COMPONENTS)
    k = min(k, int(np.count_nonzero(variances > max(MIN_VARIANCE * variances.mean(), ROUNDING))))
    deviations = np.sqrt(variances[::-1][:k])
    projection = (vectors[:, ::-1][:, :k] / deviations).astype(np.float32)
    rows = np.empty((n, k), dtype=np.float32)
    for start in range(0, n, CHUNK_ROWS):
        shares = _hellinger(features[start : start + CHUNK_ROWS])
        rows[start : start + CHUNK_ROWS] = _unit((shares - mean) @ projection) * shares.any(axis=1, keepdims=True)
    return rows, deviations.astype(np.float32)


def _hellinger(features: NDArray[np.floating]) -> FloatArray:
    """Square roots of each feature's share of the row's sum; zero for a row without any activation."""
    active = np.maximum(features.astype(np.float32), 0)
    total = active.sum(axis=1, keepdims=True)
    return np.asarray(np.sqrt(active / np.where(total > 0, total, 1)))


def _moments(features: NDArray[np.floating]) -> tuple[FloatArray, NDArray[np.float64]]:
    """Mean (d,) and covariance (d, d) of the transformed features of at most `MAX_FIT_IMAGES` pictures."""
    picked = np.unique(np.linspace(0, len(features) - 1, min(len(features), MAX_FIT_IMAGES)).astype(np.intp))
    chunks = [picked[start : start + CHUNK_ROWS] for start in range(0, len(picked), CHUNK_ROWS)]
    d = features.shape[1]
    total, products = np.zeros(d), np.zeros((d, d))
    for chunk in chunks:
        total += _hellinger(features[chunk]).sum(axis=0, dtype=np.float64)
    mean = (total / len(picked)).astype(np.float32)
    for chunk in chunks:  # a second pass: products of values around zero keep the digits of small variances
        centred = _hellinger(features[chunk]) - mean
        products += centred.T @ centred  # single precision within a chunk, double across them
    return mean, products / len(picked)


def _unit(rows: FloatArray) -> FloatArray:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(length > 0, length, 1))
