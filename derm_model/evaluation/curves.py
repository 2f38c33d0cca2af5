"""Sensitivity against specificity: the curve of a score, and the points on it where one decides.

A decision is `score >= threshold`. A curve keeps whole counts, never only rates, so that every interval drawn from
it is exact, also after the bundle's card has stored a thinned copy.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derm_model.evaluation.metrics import check_scores, wilson, wilson_bounds

# operating points that stay exact in a thinned curve
PRESET_SENSITIVITIES = (0.8, 0.9, 0.95, 0.975)
PRESET_SPECIFICITIES = (0.8, 0.9, 0.95)
MAX_POINTS = 400  # enough for a smooth line on any screen, about 10 KB as JSON


@dataclass(frozen=True)
class TwoByTwo:
    """Images by truth and call; `missed` diseased ones and `false_alarms` are the errors."""

    found: int
    missed: int
    false_alarms: int
    spared: int

    @property
    def n_called(self) -> int:
        """Images at or above the threshold."""
        return self.found + self.false_alarms

    @property
    def n(self) -> int:
        """All images."""
        return self.n_called + self.missed + self.spared


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold and how often it errs on known images; intervals are Wilson's, 95 %, as (low, high)."""

    threshold: float
    sensitivity: float
    specificity: float
    sensitivity_interval: tuple[float, float]
    specificity_interval: tuple[float, float]
    n_pos: int
    n_neg: int
    rule: str

    @property
    def counts(self) -> TwoByTwo:
        """The images behind the rates."""
        found, spared = round(self.sensitivity * self.n_pos), round(self.specificity * self.n_neg)
        return TwoByTwo(found, self.n_pos - found, self.n_neg - spared, spared)

    def decide(self, score: float) -> bool:
        """Return whether `score` is at or above the threshold; a NaN score is refused, not called negative."""
        if math.isnan(score):
            raise ValueError("there is no score to decide on: the network gives this question no probability at all")
        return score >= self.threshold

    def to_json(self) -> dict[str, Any]:
        """Return the fields as a dict for JSON."""
        return {
            **self.__dict__,
            "sensitivity_interval": list(self.sensitivity_interval),
            "specificity_interval": list(self.specificity_interval),
        }

    @staticmethod
    def from_json(document: dict[str, Any]) -> OperatingPoint:
        """Return the point `to_json` wrote."""
        intervals = {key: tuple(document[key]) for key in ("sensitivity_interval", "specificity_interval")}
        return OperatingPoint(**{**document, **intervals})


@dataclass(frozen=True, eq=False)
class OperatingCurve:
    """Counts of called images at every distinct threshold.

    Parameters
    ----------
    thresholds : (k,) float
        Strictly ascending; k >= 1. Above the last one nothing is called.
    true_positives, false_positives : (k,) int
        Diseased and other images with score >= threshold, never rising from one threshold to the next.
    n_pos, n_neg
        Diseased and other images; both >= 1.

    Raises
    ------
    ValueError
        When a rule above is broken.
    """

    thresholds: NDArray[np.float64]
    true_positives: NDArray[np.int64]
    false_positives: NDArray[np.int64]
    n_pos: int
    n_neg: int

    def __post_init__(self) -> None:
        if self.n_pos < 1 or self.n_neg < 1:
            raise ValueError(
                f"a curve needs images with and without the disease, got {self.n_pos} with and {self.n_neg} without"
            )
        if not self.thresholds.size or not np.isfinite(self.thresholds).all() or (np.diff(self.thresholds) <= 0).any():
            raise ValueError("thresholds must be at least one finite number, strictly ascending")
        for counts, n in ((self.true_positives, self.n_pos), (self.false_positives, self.n_neg)):
            if counts.shape != self.thresholds.shape or counts[0] > n or counts[-1] < 0 or (np.diff(counts) > 0).any():
                raise ValueError(f"counts must fall from at most {n} to at least 0 along the thresholds")

    @cached_property
    def sensitivity(self) -> NDArray[np.float64]:
        """(k,) share of diseased images with score >= threshold."""
        return self.true_positives / self.n_pos

    @cached_property
    def specificity(self) -> NDArray[np.float64]:
        """(k,) share of the other images with score < threshold."""
        return 1 - self.false_positives / self.n_neg

    def line(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (sensitivity, specificity), each (k + 1,), to draw: it ends at (0, 1) where nothing is called."""
        return np.append(self.sensitivity, 0.0), np.append(self.specificity, 1.0)

    def line_intervals(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the 95 % Wilson bounds of `line`'s (sensitivity, specificity), each (2, k + 1): lower, then upper.

        They hold point by point: that the whole true curve lies inside is less sure than 95 %.
        """
        found, spared = np.append(self.true_positives, 0), self.n_neg - np.append(self.false_positives, 0)
        return np.stack(wilson_bounds(found, self.n_pos)), np.stack(wilson_bounds(spared, self.n_neg))

    def called_at(self, thresholds: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the (true positives, false positives) at any thresholds, (m,) each of (m,).

        Raises
        ------
        ValueError
            A threshold is not a finite number.
        """
        wanted = np.asarray(thresholds, dtype=np.float64)
        if not np.isfinite(wanted).all():
            raise ValueError("thresholds must be finite numbers")
        position = np.searchsorted(self.thresholds, wanted, side="left")
        return np.append(self.true_positives, 0)[position], np.append(self.false_positives, 0)[position]

    def at_threshold(self, threshold: float, *, rule: str = "threshold set by hand") -> OperatingPoint:
        """Return the point at any threshold, between or beyond the scores too.

        Raises
        ------
        ValueError
            The threshold is not a finite number.
        """
        if not math.isfinite(threshold):
            raise ValueError(f"a threshold must be a finite number, got {threshold}")
        position = int(np.searchsorted(self.thresholds, threshold, side="left"))
        return self._point(position, float(threshold), rule)

    def at_sensitivity(self, sensitivity: float) -> OperatingPoint | None:
        """Return the point with the highest threshold, so the best specificity, that reaches `sensitivity`.

        None when only calling every image reaches it: that is no operating point.

        Raises
        ------
        ValueError
            Unless 0 < sensitivity <= 1.
        """
        if not 0 < sensitivity <= 1:
            raise ValueError(f"a sensitivity lies above 0 and up to 1, got {sensitivity}")
        position = self._reaching(sensitivity)
        if position is None or self.false_positives[position] == self.n_neg:
            return None
        return self._point(position, float(self.thresholds[position]), f"sensitivity >= {sensitivity * 100:.4g}%")

    def at_specificity(self, specificity: float) -> OperatingPoint | None:
        """Return the point with the lowest threshold, so the best sensitivity, that reaches `specificity`.

        None when no threshold reaches it and finds a diseased image: calling nothing is no operating point.

        Raises
        ------
        ValueError
            Unless 0 < specificity <= 1.
        """
        if not 0 < specificity <= 1:
            raise ValueError(f"a specificity lies above 0 and up to 1, got {specificity}")
        # from counts: 1 - 0.9 is less than 0.1, and one of ten spared images would not reach 10 %
        reaching = np.flatnonzero((self.n_neg - self.false_positives) / self.n_neg >= specificity)
        if not reaching.size or self.true_positives[reaching[0]] == 0:
            return None
        position = int(reaching[0])
        return self._point(position, float(self.thresholds[position]), f"specificity >= {specificity * 100:.4g}%")

    def youden(self) -> OperatingPoint:
        """Return the point with the largest sensitivity + specificity - 1; of equals the most sensitive one.

        References
        ----------
        W. J. Youden, Cancer 3 (1950) 32.
        """
        # in whole counts, so that rounding cannot decide between equals
        index = self.true_positives * self.n_neg - self.false_positives * self.n_pos
        position = int(np.argmax(index))  # the first of equals: thresholds ascend, so the most sensitive
        return self._point(position, float(self.thresholds[position]), "largest sensitivity + specificity (Youden)")

    def threshold_interval(self, point: OperatingPoint) -> tuple[float, float]:
        """Return the thresholds between which a score is too close to the point's threshold to be sure of its side.

        The sensitivity at a threshold is known only within its 95 % interval. The thresholds at which this curve
        has exactly those sensitivities bound the thresholds that these images cannot tell from the chosen one.
        Few diseased images give a wide interval, as they should.

        Returns
        -------
        (low, high)
            low <= point.threshold <= high.
        """
        least, most = point.sensitivity_interval
        low, high = self._reaching(most), self._reaching(least)
        low_threshold = self.thresholds[0] if low is None else self.thresholds[low]
        high_threshold = self.thresholds[0] if high is None else self.thresholds[high]
        return min(point.threshold, float(low_threshold)), max(point.threshold, float(high_threshold))

    def is_close(self, score: float, point: OperatingPoint) -> bool:
        """Return whether `score` lies within `threshold_interval` of the point, ends included."""
        low, high = self.threshold_interval(point)
        return low <= score <= high

    def thinned(self, max_points: int = MAX_POINTS, *, keep: Iterable[float] = ()) -> OperatingCurve:
        """Return a curve of at most `max_points` points on which no preset has moved.

        Both ends, Youden's point, the presets with the bounds of their sensitivities' intervals and the points at the
        thresholds in `keep` stay exactly. The others are spread evenly along the line, so between two kept
        thresholds sensitivity and specificity are off by about 2 / max_points together at most.

        Parameters
        ----------
        keep
            Thresholds, not necessarily scores of this curve, at which `at_threshold` must stay exact,
            e.g. those chosen on validation images.

        Raises
        ------
        ValueError
            `max_points` is too small for what must be kept.
        """
        n = self.thresholds.size
        if n <= max_points:
            return self
        fixed = self._fixed_positions(keep)
        n_free = max_points - len(fixed)
        if n_free < 0:
            raise ValueError(f"{len(fixed)} points must be kept, so max_points must be at least that, got {max_points}")
        travelled = (1 - self.sensitivity) + self.specificity  # 0 ... 2, rising along the line
        even = np.searchsorted(travelled, np.linspace(0, travelled[-1], n_free)) if n_free else np.array([], int)
        chosen = np.array(sorted(fixed | set(np.minimum(even, n - 1).tolist())))
        return OperatingCurve(
            self.thresholds[chosen], self.true_positives[chosen], self.false_positives[chosen], self.n_pos, self.n_neg
        )

    def to_json(self, max_points: int = MAX_POINTS, *, keep: Iterable[float] = ()) -> dict[str, Any]:
        """Return the `thinned` curve as a dict for JSON; thresholds keep all their digits."""
        curve = self.thinned(max_points, keep=keep)
        return {
            "thresholds": curve.thresholds.tolist(),
            "true_positives": curve.true_positives.tolist(),
            "false_positives": curve.false_positives.tolist(),
            "n_pos": curve.n_pos,
            "n_neg": curve.n_neg,
        }

    @staticmethod
    def from_json(document: dict[str, Any]) -> OperatingCurve:
        """Return the curve `to_json` wrote.

        Raises
        ------
        ValueError
            A key is missing or the numbers are no curve.
        """
        try:
            return OperatingCurve(
                np.asarray(document["thresholds"], dtype=np.float64),
                np.asarray(document["true_positives"], dtype=np.int64),
                np.asarray(document["false_positives"], dtype=np.int64),
                int(document["n_pos"]),
                int(document["n_neg"]),
            )
        except KeyError as error:
            raise ValueError(f"an operating curve needs {error}, which is missing") from None

    def _reaching(self, sensitivity: float) -> int | None:
        """Position of the highest threshold whose sensitivity is at least this one."""
        n_reaching = int((self.sensitivity >= sensitivity).sum())
        return n_reaching - 1 if n_reaching else None

    def _point(self, position: int, threshold: float, rule: str) -> OperatingPoint:
        beyond = position >= self.thresholds.size
        found = wilson(0 if beyond else int(self.true_positives[position]), self.n_pos)
        spared = wilson(self.n_neg - (0 if beyond else int(self.false_positives[position])), self.n_neg)
        return OperatingPoint(
            threshold,
            found.value,
            spared.value,
            (found.low, found.high),
            (spared.low, spared.high),
            self.n_pos,
            self.n_neg,
            rule,
        )

    def _fixed_positions(self, keep: Iterable[float]) -> set[int]:
        last = self.thresholds.size - 1
        points = [self.youden(), *(self.at_sensitivity(s) for s in PRESET_SENSITIVITIES)]
        points += [self.at_specificity(s) for s in PRESET_SPECIFICITIES]
        points += [self.at_threshold(threshold) for threshold in keep]
        positions = {0, last}
        for point in points:
            if point is None:
                continue
            positions.add(min(last, int(np.searchsorted(self.thresholds, point.threshold, side="left"))))
            positions |= {p for bound in point.sensitivity_interval if (p := self._reaching(bound)) is not None}
        return positions


def operating_curve(labels: ArrayLike, scores: ArrayLike) -> OperatingCurve:
    """Return the curve of a score on known images.

    Parameters
    ----------
    labels : (n,) bool
        True for diseased images.
    scores : (n,) float
        Higher means more suspicious; finite.

    Raises
    ------
    ValueError
        Diseased or other images are missing, shapes differ, or a score is not finite.
    """
    label_array, score_array = check_scores(labels, scores)
    thresholds, inverse = np.unique(score_array, return_inverse=True)
    called = []
    for mask in (label_array, ~label_array):
        per_score = np.bincount(inverse[mask], minlength=thresholds.size)
        called.append(per_score[::-1].cumsum()[::-1])
    n_pos = int(label_array.sum())
    return OperatingCurve(thresholds, called[0], called[1], n_pos, label_array.size - n_pos)
