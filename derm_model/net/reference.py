"""How far an image's features are from those of the training set: the out-of-distribution statistic.

The distance is that of probabilistic principal component analysis (Tipping and Bishop 1999): a Gaussian with its own
variance along the leading components and one common variance across all others. It counts a step along a direction the
training images hardly vary in as further than the same step along a direction they vary in a lot, and sees steps out of
their subspace too. No labels are needed.

Features are first turned into shares of their sum, of which the square root is taken (the Hellinger transform):
pictures of other things excite the network weakly, and without this they lie near the middle of the cloud. On a network
one epoch into fine-tuning, noise moved from the 30th percentile of the validation images to the 97th and photographs
(against a dermoscopic reference) from the 76th to the 100th; screenshots stayed at the 100th.

What the reader is told is the share of VALIDATION images nearer than this one:
the network was fitted to the training images, so theirs are too near to be honest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from derm_model.errors import BundleError

METHOD = "PPCA Mahalanobis distance of Hellinger-transformed features"
MAX_COMPONENTS = 128  # 128 x 2,048 half-precision numbers are 0.5 MB; more directions are mostly noise
N_QUANTILES = 201  # steps of half a per cent
PREFIX = "reference."
FloatArray = NDArray[np.float64]


def hellinger(features: NDArray[np.floating]) -> FloatArray:
    """Square roots of each feature's share of the row's sum.

    Parameters
    ----------
    features : (n, d), >= 0
        Means of rectified activations; anything below zero counts as zero.

    Returns
    -------
    (n, d) float64
        Rows of length 1; a row without any activation stays zero, which is far from everything.
    """
    active = np.maximum(np.asarray(features, dtype=np.float64), 0.0)
    total = active.sum(axis=1, keepdims=True)
    return np.asarray(np.sqrt(active / np.where(total > 0, total, 1.0)))


@dataclass(frozen=True, eq=False)
class FeatureReference:
    """Gaussian of the transformed training features and the distances of the validation images.

    Parameters
    ----------
    mean : (d,)
    components : (k, d), orthonormal rows
    variances : (k,), > 0, along the components
    noise_variance : float, > 0, along every direction outside them
    quantiles : (q,), ascending
        Distances of the validation images at equally spaced probabilities from 0 to 1.
    n_train, n_validation : int
    """

    mean: FloatArray
    components: FloatArray
    variances: FloatArray
    noise_variance: float
    quantiles: FloatArray
    n_train: int
    n_validation: int

    @staticmethod
    def fit(
        train: NDArray[np.floating], validation: NDArray[np.floating], max_components: int = MAX_COMPONENTS
    ) -> FeatureReference:
        """Fit to training features and place the validation images.

        Parameters
        ----------
        train : (n, d), >= 0, n >= 3
        validation : (m, d), >= 0, m >= 2
        max_components : int, >= 1
            Upper bound of k; it is also at most n - 2, so that some variance is left for the other directions.

        Raises
        ------
        ValueError
            Too few images, or training features that do not vary.
        """
        if len(train) < 3 or len(validation) < 2:
            raise ValueError(f"at least 3 training and 2 validation images, not {len(train)} and {len(validation)}")
        x = hellinger(train)
        mean = x.mean(axis=0)
        _, singular, rows = np.linalg.svd(x - mean, full_matrices=False)
        spectrum = singular**2 / (len(x) - 1)
        rank = int(np.count_nonzero(spectrum > 1e-12 * spectrum[0])) if spectrum[0] > 0 else 0
        if rank < 2:
            raise ValueError("the training features must vary in at least two directions")
        k = min(max_components, rank - 1)
        noise = float(spectrum[k:rank].sum() / (x.shape[1] - k))
        # Half precision is what the bundle stores: rounding now makes a loaded reference give the same distances.
        components = rows[:k].astype(np.float16).astype(np.float64)
        unplaced = FeatureReference(mean, components, spectrum[:k], noise, np.zeros(1), len(x), len(validation))
        quantiles = np.quantile(unplaced.distance(validation), np.linspace(0.0, 1.0, N_QUANTILES))
        return FeatureReference(mean, components, spectrum[:k], noise, quantiles, len(x), len(validation))

    def distance(self, features: NDArray[np.floating]) -> FloatArray:
        """Distance to the training distribution; the root mean square over the training images is about 1.

        Parameters
        ----------
        features : (n, d), >= 0

        Returns
        -------
        (n,) float64, >= 0
        """
        centred = hellinger(features) - self.mean
        projected = centred @ self.components.T
        along = (projected**2 / self.variances).sum(axis=1)
        outside = np.maximum((centred**2).sum(axis=1) - (projected**2).sum(axis=1), 0.0) / self.noise_variance
        return np.asarray(np.sqrt((along + outside) / centred.shape[1]))

    def percentile(self, distance: NDArray[np.floating]) -> FloatArray:
        """Share of validation images that are nearer, in per cent.

        Parameters
        ----------
        distance : (n,)

        Returns
        -------
        (n,) float64 in [0, 100]; 100 only at or beyond the furthest validation image.
        """
        steps = np.linspace(0.0, 100.0, len(self.quantiles))
        return np.asarray(np.interp(distance, self.quantiles, steps), dtype=np.float64)

    def distance_at(self, percentile: float) -> float:
        """Distance from which `percentile` (0 to 100) per cent of the validation images are nearer."""
        return float(np.interp(percentile, np.linspace(0.0, 100.0, len(self.quantiles)), self.quantiles))

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Arrays for the weights file, keys with the prefix."""
        arrays: dict[str, NDArray[np.generic]] = {
            "mean": self.mean,
            "components": self.components.astype(np.float16),
            "variances": self.variances,
            "noise_variance": np.array([self.noise_variance]),
            "quantiles": self.quantiles,
            "n_images": np.array([self.n_train, self.n_validation], dtype=np.int64),
        }
        return {PREFIX + name: array for name, array in arrays.items()}

    @staticmethod
    def from_arrays(arrays: Mapping[str, NDArray[np.generic]]) -> FeatureReference:
        """Reference from the arrays of a weights file (other keys are ignored).

        Raises
        ------
        BundleError
            An array is missing or of the wrong shape.
        """
        names = ("mean", "components", "variances", "noise_variance", "quantiles", "n_images")
        missing = [name for name in names if PREFIX + name not in arrays]
        if missing:
            raise BundleError(f"The feature reference lacks {', '.join(missing)}. Copy the bundle again.")
        mean, components, variances, noise, quantiles, n_images = (arrays[PREFIX + name] for name in names)
        fits = mean.ndim == 1 and components.shape == (len(variances), len(mean)) and noise.shape == (1,)
        if not fits or quantiles.ndim != 1 or n_images.shape != (2,):
            raise BundleError("The arrays of the feature reference do not fit together. Copy the bundle again.")
        return FeatureReference(
            mean=mean.astype(np.float64),
            components=components.astype(np.float64),
            variances=variances.astype(np.float64),
            noise_variance=float(noise.astype(np.float64)[0]),
            quantiles=quantiles.astype(np.float64),
            n_train=int(n_images.astype(np.int64)[0]),
            n_validation=int(n_images.astype(np.int64)[1]),
        )
