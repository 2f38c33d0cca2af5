"""Redrawing images, or whole lesions or patients, with replacement.

A resample is a row of counts, how often each image was drawn, so that one statistic serves thousands of resamples at
once and images are never copied.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.bool_]
Counts = NDArray[np.int64]

MAX_LEFT_OUT = 1000  # of a stratum: its skewness is then known to about 0.08, and matters less the more units there are
_CELLS = 1_000_000  # counts held at once, 8 MB: enough to amortise a call, small enough to stay in the cache


@dataclass(frozen=True, eq=False)
class Units:
    """What is redrawn.

    Attributes
    ----------
    of_image : (n,) int
        The unit of each image, 0 <= unit < n_units.
    strata
        The units that are drawn among each other; each unit is in one of them.
    can_vary
        Whether every class that is there has several units to draw from. Otherwise resamples say nothing about how that
        class would vary.
    """

    of_image: Counts
    strata: tuple[Counts, ...]
    can_vary: bool

    @staticmethod
    def of(labels: Labels, groups: Sequence[Hashable] | None, stratified: bool) -> Units:
        """Images, or groups of them; stratified by what a unit holds: diseased images, others, or both.

        An image whose group is None is a group of its own.

        Raises
        ------
        ValueError
            Not one group per image.
        """
        if groups is None:
            of_image = np.arange(labels.size)
        elif len(groups) != labels.size:
            raise ValueError(f"one group per image is needed, got {len(groups)} for {labels.size} images")
        else:
            number: dict[Hashable, int] = {}
            keys = ((None, i) if group is None else (group, -1) for i, group in enumerate(groups))
            of_image = np.array([number.setdefault(key, len(number)) for key in keys], dtype=np.int64)
        n_units = int(of_image.max()) + 1 if of_image.size else 0
        holds = [np.bincount(of_image[mask], minlength=n_units) > 0 for mask in (labels, ~labels)]
        kind = holds[0] + 2 * holds[1]  # 1: diseased images only, 2: others only, 3: both
        strata = [np.flatnonzero(kind == k) for k in (1, 2, 3)] if stratified else [np.arange(n_units)]
        choices = [[m.size for m in strata if m.size and held[m].any()] for held in holds]
        can_vary = any(choices) and all(max(sizes) > 1 for sizes in choices if sizes)
        return Units(of_image, tuple(members for members in strata if members.size), can_vary)

    @property
    def n(self) -> int:
        """Number of units."""
        return sum(members.size for members in self.strata)

    def drawn(self, n_resamples: int, seed: int) -> Iterator[Counts]:
        """How often each image is drawn, (r, n) at a time, n_resamples rows in all; the same seed, the same rows."""
        rng = np.random.default_rng(seed)
        for start in range(0, n_resamples, self._step):
            rows = min(self._step, n_resamples - start)
            counts = np.empty((rows, self.n), dtype=np.int64)
            for members in self.strata:
                picks = rng.integers(0, members.size, size=(rows, members.size))
                picks += np.arange(rows)[:, None] * members.size
                drawn = np.bincount(picks.ravel(), minlength=rows * members.size)
                counts[:, members] = drawn.reshape(rows, members.size)
            yield counts[:, self.of_image]

    def left_out(self) -> Iterator[tuple[int, Iterator[Counts]]]:
        """The images without one unit at a time: for each stratum its number of units, and counts (r, n) at a time.

        Of a stratum of more than 1,000 units it is a sample of 1,000, always the same.
        """
        rng = np.random.default_rng(0)
        for members in self.strata:
            chosen = members if members.size <= MAX_LEFT_OUT else rng.choice(members, MAX_LEFT_OUT, replace=False)
            yield members.size, self._without(chosen)

    def _without(self, chosen: Counts) -> Iterator[Counts]:
        for start in range(0, chosen.size, self._step):
            yield (chosen[start : start + self._step, None] != self.of_image).astype(np.int64)

    @property
    def _step(self) -> int:
        return max(1, _CELLS // self.of_image.size)
