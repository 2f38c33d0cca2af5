"""Does the network serve everybody alike: figures by modality, skin type, age, sex, site, ..., and the largest gaps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from derm_model.evaluation.metrics import Z_95, Interval, auc, check_scores, difference_bounds, wilson

Measure = Literal["auc", "sensitivity", "specificity"]
MEASURES: tuple[Measure, ...] = ("auc", "sensitivity", "specificity")

# With fewer images of a kind the 95 % interval of a rate of one half spans more than 40 points (0.30 to 0.70 at 20):
# such a figure cannot tell a coin from a good reader, and shown beside others it would be read as if it could.
MIN_IMAGES = 20
TOO_FEW = (
    f"Too few to say: a figure needs {MIN_IMAGES} images of each kind it is made of (with the disease for sensitivity, "
    "without for specificity, of both for AUC). With fewer, the interval of a rate can span more than 40 points."
)

AGE_EDGES = (30, 50, 70)  # years; multiples of 5, to which public data sets round ages
MAX_AGE = 130  # nobody has been older than 122; a year of birth in the column would be


@dataclass(frozen=True)
class Subgroup:
    """Images that share a value of the attribute.

    Attributes
    ----------
    value
        None where it is not stated.
    n_pos, n_neg
        Diseased and other images.
    auc, sensitivity, specificity
        With 95 % intervals (DeLong's, Wilson's); None where there are too few images to say.
    """

    value: str | None
    n_pos: int
    n_neg: int
    auc: Interval | None
    sensitivity: Interval | None
    specificity: Interval | None

    @property
    def n(self) -> int:
        """Images."""
        return self.n_pos + self.n_neg

    def measure(self, name: Measure) -> Interval | None:
        """`auc`, `sensitivity` or `specificity`."""
        return {"auc": self.auc, "sensitivity": self.sensitivity, "specificity": self.specificity}[name]


@dataclass(frozen=True)
class Gap:
    """A difference of a measure between two stated values of the attribute.

    Attributes
    ----------
    measure
    best, worst
        Values with the highest and the lowest figure.
    difference
        >= 0.
    interval
        (lower, upper) of the difference. The largest of many differences is large by chance alone, so the level is
        Bonferroni's: 95 % for all pairs of the measure together.
    n_compared
        Pairs of values with enough images, >= 1.
    """

    measure: Measure
    best: str
    worst: str
    difference: float
    interval: tuple[float, float]
    n_compared: int

    @property
    def beyond_chance(self) -> bool:
        """Whether the interval leaves no room for "no difference"."""
        return self.interval[0] > 0


@dataclass(frozen=True)
class Subgroups:
    """All values of an attribute, "not stated" last, and the gaps between any two others, by measure, largest first.

    The values may differ in more than the attribute: where one comes from another data set, a gap says nothing about
    its cause.
    """

    rows: tuple[Subgroup, ...]
    gaps: tuple[Gap, ...]

    def largest(self, measure: Measure) -> Gap | None:
        """The largest gap of a measure; None where fewer than two values have enough images.

        The largest is not the surest: it may be that of the smallest groups.
        """
        return next((gap for gap in self.gaps if gap.measure == measure), None)

    @property
    def beyond_chance(self) -> tuple[Gap, ...]:
        """The gaps whose interval leaves no room for "no difference"."""
        return tuple(gap for gap in self.gaps if gap.beyond_chance)

    def in_brief(self) -> Subgroups:
        """The same rows with the gaps worth telling: those beyond chance, and the largest of each measure."""
        largest = [self.largest(measure) for measure in MEASURES]
        return replace(self, gaps=tuple(gap for gap in self.gaps if gap.beyond_chance or gap in largest))


def subgroups(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    attribute: Sequence[str | None],
    *,
    order: Sequence[str] = (),
    min_images: int = MIN_IMAGES,
) -> Subgroups:
    """Return the figures of each value of an attribute, and the gaps between them.

    Images count as independent; several of one lesion or patient make the intervals somewhat too narrow.

    Parameters
    ----------
    labels : (n,) bool
        True for diseased images.
    scores : (n,) float
        Higher means more suspicious; finite.
    threshold
        An image is called when its score >= threshold.
    attribute : (n,)
        None or a blank where it is not stated. Such images are a row of their own and never part of a gap: nobody
        could say who they are.
    order
        Values in the order wanted; those without images are left out, others follow by name.
    min_images
        Images of a kind below which nothing is said. >= 1.

    Raises
    ------
    ValueError
        Lengths differ, labels are not 0 or 1, a score or the threshold is not finite, or min_images < 1.
    """
    label_array, score_array = check_scores(labels, scores)
    if len(attribute) != label_array.size:
        raise ValueError(f"one value per image is needed, got {len(attribute)} for {label_array.size} images")
    if not math.isfinite(threshold) or min_images < 1:
        raise ValueError(f"a finite threshold and a minimum of 1 or more are needed, got {threshold} and {min_images}")
    stated = [value if value and value.strip() else None for value in attribute]
    known = {value for value in stated if value is not None}
    wanted = list(dict.fromkeys(value for value in order if value in known))
    values: list[str | None] = [*wanted, *sorted(known - set(wanted))]
    if None in stated:
        values.append(None)
    members = {value: np.array([own == value for own in stated], dtype=bool) for value in values}
    parts = {value: _Part(label_array[inside], score_array[inside], threshold) for value, inside in members.items()}
    rows = tuple(_row(value, part, min_images) for value, part in parts.items())
    return Subgroups(rows, tuple(_gaps(rows, parts)))


def age_band(age: float | None, edges: Sequence[int] = AGE_EDGES) -> str | None:
    """Return the band of an age in years: "under 30", "30–49", "50–69", "70 and over"; None where it is not known.

    Parameters
    ----------
    age
        None or NaN where it is not known.
    edges
        Rising; each is the first age of a band.

    Raises
    ------
    ValueError
        The age is negative or above 130: not an age in years.
    """
    if age is None or math.isnan(age):
        return None
    if not 0 <= age <= MAX_AGE:
        raise ValueError(f"an age lies between 0 and {MAX_AGE} years, got {age}")
    return age_bands(edges)[sum(age >= edge for edge in edges)]


def age_bands(edges: Sequence[int] = AGE_EDGES) -> tuple[str, ...]:
    """Return the names of all bands, youngest first: the `order` of a subgroup table.

    Raises
    ------
    ValueError
        Edges do not rise.
    """
    if not edges or any(a >= b for a, b in pairwise(edges)):
        raise ValueError(f"at least one edge, rising, is needed, got {tuple(edges)}")
    between = (f"{low}–{high - 1}" for low, high in pairwise(edges))
    return (f"under {edges[0]}", *between, f"{edges[-1]} and over")


@dataclass(frozen=True, eq=False)
class _Part:
    """The images of one value."""

    labels: NDArray[np.bool_]
    scores: NDArray[np.float64]
    threshold: float

    @property
    def n_pos(self) -> int:
        return int(self.labels.sum())

    @property
    def n_neg(self) -> int:
        return self.labels.size - self.n_pos

    def measure(self, name: Measure, z: float) -> Interval | None:
        """At the level of z; None where the images it needs are missing."""
        if name == "auc":
            return auc(self.labels, self.scores, z=z)
        right = (self.scores >= self.threshold) == self.labels
        among = right[self.labels if name == "sensitivity" else ~self.labels]
        return wilson(int(among.sum()), among.size, z=z) if among.size else None


def _row(value: str | None, part: _Part, min_images: int) -> Subgroup:
    enough = {"sensitivity": part.n_pos >= min_images, "specificity": part.n_neg >= min_images}
    enough["auc"] = all(enough.values())
    found = {name: part.measure(name, Z_95) if enough[name] else None for name in MEASURES}
    return Subgroup(value, part.n_pos, part.n_neg, found["auc"], found["sensitivity"], found["specificity"])


def _gaps(rows: Iterable[Subgroup], parts: dict[str | None, _Part]) -> Iterator[Gap]:
    for name in MEASURES:
        told = [row.value for row in rows if row.value is not None and row.measure(name) is not None]
        pairs = list(combinations(told, 2))
        z = NormalDist().inv_cdf(1 - 0.025 / len(pairs)) if pairs else Z_95
        figures = {value: figure for value in told if (figure := parts[value].measure(name, z)) is not None}
        gaps = []
        for pair in pairs:
            best, worst = sorted(pair, key=lambda value: -figures[value].value)
            high, low = figures[best], figures[worst]
            gaps.append(Gap(name, best, worst, high.value - low.value, difference_bounds(high, low), len(pairs)))
        yield from sorted(gaps, key=lambda gap: -gap.difference)
