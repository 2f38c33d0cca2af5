"""Do probabilities of classes mean what they say: temperature scaling, calibration error, Brier score.

The probability of one disease is judged in `reliability`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp

from derm_model.evaluation.reliability import Binning, Reliability, reliability

# A network needing more than this is not miscalibrated but broken; the limit also ends the search when every image
# is classified correctly, where the likelihood improves for ever as the temperature falls.
TEMPERATURE_LIMITS = (0.05, 20.0)
N_BINS = 15  # of equal width, as in Guo et al.


def fit_temperature(logits: ArrayLike, labels: ArrayLike) -> float:
    """Return the temperature T that makes softmax(logits / T) most likely on these images.

    To be fitted on validation images, never on those that judge the model. The order of the classes does not change.

    Parameters
    ----------
    logits : (n, n_classes) float
        n >= 1, n_classes >= 2.
    labels : (n,) int
        0 <= label < n_classes.

    Returns
    -------
    float
        0.05 <= T <= 20; above 1 the network was too sure of itself. A limit is returned where the best T lies beyond.

    Raises
    ------
    ValueError
        No image, shapes that differ, a logit that is not finite, a label outside the classes.

    References
    ----------
    Guo et al., On Calibration of Modern Neural Networks, ICML 2017.
    """
    matrix, index = _check(logits, labels)
    if not index.size or matrix.shape[1] < 2:
        raise ValueError(f"a temperature needs at least one image and two classes, got logits of shape {matrix.shape}")
    rows = np.arange(index.size)

    def loss(log_temperature: float) -> float:
        scaled = matrix / math.exp(log_temperature)
        return float((logsumexp(scaled, axis=1) - scaled[rows, index]).mean())

    low, high = (math.log(limit) for limit in TEMPERATURE_LIMITS)
    inside = float(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).x)
    return math.exp(min((low, inside, high), key=loss))


def expected_calibration_error(probs: ArrayLike, labels: ArrayLike, n_bins: int = N_BINS) -> float | None:
    """Return the mean gap between confidence and accuracy over confidence bins, None without images.

    Parameters
    ----------
    probs : (n, n_classes) float
        Rows of probabilities; the confidence of an image is its largest one (1.0 falls into the last bin).
    labels : (n,) int
        0 <= label < n_classes.
    n_bins
        Bins of equal width over [0, 1].

    Returns
    -------
    float or None
        0 (calibrated) to 1.

    References
    ----------
    Guo et al., ICML 2017, equation 3.
    """
    diagram = top_label_reliability(probs, labels, n_bins=n_bins)
    return None if diagram is None else diagram.error


def top_label_reliability(
    probs: ArrayLike, labels: ArrayLike, *, n_bins: int = N_BINS, binning: Binning = "width"
) -> Reliability | None:
    """Return the reliability diagram of the answers: accuracy against confidence, None without images.

    Parameters
    ----------
    probs, labels
        As in `expected_calibration_error`; the answer is the most probable class (the first of equals).
    n_bins, binning
        As in `reliability`.

    Raises
    ------
    ValueError
        Shapes differ, a label is outside the classes, or values are not probabilities.
    """
    matrix, index = _check(probs, labels)
    if not index.size:
        return None
    return reliability(matrix.argmax(axis=1) == index, matrix.max(axis=1), n_bins=n_bins, binning=binning)


def brier_score(probs: ArrayLike, labels: ArrayLike) -> float | None:
    """Return the mean squared distance between probabilities and truth, 0 (perfect) to 2, None without images.

    Parameters
    ----------
    probs : (n, n_classes) float
    labels : (n,) int

    References
    ----------
    G. W. Brier, Mon. Weather Rev. 78 (1950) 1: the sum runs over all classes.
    """
    matrix, index = _check(probs, labels)
    if not index.size:
        return None
    gap = matrix.copy()
    gap[np.arange(index.size), index] -= 1
    return float((gap**2).sum(axis=1).mean())


def _check(values: ArrayLike, labels: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return a matrix and class indices that fit each other, or raise ValueError."""
    matrix, index = np.asarray(values, dtype=np.float64), np.asarray(labels)
    if matrix.ndim != 2 or index.shape != matrix.shape[:1]:
        raise ValueError(f"one row per label is needed, got shapes {matrix.shape} and {index.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError(f"{int((~np.isfinite(matrix)).sum())} values are not finite")
    if index.size and (index.dtype.kind not in "iu" or index.min() < 0 or index.max() >= matrix.shape[1]):
        raise ValueError(f"labels must be whole numbers from 0 to {matrix.shape[1] - 1}")
    return matrix, index.astype(np.int64)
