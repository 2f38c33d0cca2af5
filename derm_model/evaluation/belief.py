"""Whether a saliency map can be believed: what four tests of it found, and how each is to be read.

The tests themselves run a network and stand in `derm_model.net.belief`; here is what they return.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from derm_model.evaluation.map_measures import area_under

# Rank correlation from which two maps of one image count as the same. On the demo bundle, with the upper half of the
# network random, it was at most 0.62 for gradients, their relatives, Grad-CAM, occlusion and RISE, at least 0.94 for
# guided gradients, and 1 for an edge detector. Structural similarity could not tell them apart: of coarse maps it was
# 0.5 to 0.9 whatever they showed.
ALIKE = 0.8
NOTABLE = 0.5  # rank correlation of a random network's map, as displayed, from which it is worth a sentence

Mode = Literal["cascading", "independent"]
Kind = Literal["deletion", "insertion"]
Picture = NDArray[np.float32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stage:
    """A map after some layers were made random, beside the map of the trained network.

    Parameters
    ----------
    name : str
        Of the layer that was randomised last.
    rank : float, optional
        Rank correlation of the magnitudes, pixel by pixel; None where the map has become zero or the same everywhere.
    signed_rank : float, optional
        The same with signs, of methods that know a direction.
    similarity : float, optional
        Structural similarity (SSIM) of the magnitudes.
    shown_rank : float, optional
        Rank correlation of the magnitudes smoothed, as the maps are displayed: what the eye compares.
    picture : (n, n) float32 in [0, 1], optional
        The map as it is displayed, small; None where there is none.
    """

    name: str
    rank: float | None
    signed_rank: float | None
    similarity: float | None
    shown_rank: float | None
    picture: Picture | None


@dataclass(frozen=True, eq=False)
class Randomisation:
    """Model randomisation test (Adebayo et al., Sanity checks for saliency maps, 2018).

    Parameters
    ----------
    mode : "cascading" or "independent"
        Layers are made random one after the other and stay so, or each alone.
    stages : tuple of Stage
        From the last layer to the stem.
    picture : (n, n) float32 in [0, 1]
        Map of the trained network as it is displayed, small.
    mirrored : float, optional
        Mean rank correlation of the map with itself mirrored and turned by quarters: what its middle alone makes up.
    """

    mode: Mode
    stages: tuple[Stage, ...]
    picture: Picture
    mirrored: float | None

    @property
    def upper(self) -> tuple[Stage, ...]:
        """Stages in which the upper half of the network, or a layer of it, is random: it answers at random by then."""
        return self.stages[: -(-len(self.stages) // 2)]

    @property
    def median(self) -> float | None:
        """Median rank correlation over the upper half; None where no map was left in any stage."""
        found = [stage.rank for stage in self.upper if stage.rank is not None]
        return float(np.median(found)) if found else None

    @property
    def warning(self) -> bool:
        """The map does not change: in most stages of the upper half it is as good as the trained network's.

        The upper half is judged, and most of its stages: a coarse map of a random network can resemble another one by
        chance, and a guided gradient does change once the lowest layers, which find its edges, are random.
        """
        return _mostly_alike([stage.rank for stage in self.upper])

    @property
    def only_details(self) -> bool:
        """There is no warning, but smoothed, as they are displayed, the maps do not change: only their details do."""
        return not self.warning and _mostly_alike([stage.shown_rank for stage in self.upper])

    @property
    def reading(self) -> str:
        """How to read it."""
        if self.median is None:
            return "With random layers no map is left at all: what the map shows comes from what the network learnt."
        found = f"median rank correlation {self.median:.2f}; from {ALIKE:.2f} on a map counts as unchanged"
        if self.warning:
            return (
                f"The map hardly changes when the upper half of the network is random ({found}): it shows the image "
                "itself, such as its edges, and not what the network learnt. Do not take it for a reason of the answer."
            )
        if self.only_details:
            return (
                f"Pixel by pixel the map changes when the upper half of the network is random ({found}), but smoothed, "
                "as it is displayed, it hardly does: the areas that the eye sees come from the image itself, and only "
                "the details within them depend on what the network learnt."
            )
        return f"The map changes when the upper half of the network is random ({found}), as it must.{self._rest()}"

    def _rest(self) -> str:
        """What a wholly random network's map has in common with it, for the eye."""
        last = self.stages[-1].shown_rank
        if self.mode == "independent" or last is None or last < NOTABLE:
            return ""
        return (
            f" Smoothed as it is displayed, the map of the wholly random network still correlates {signed(last)} with "
            "it: that much comes from the image alone."
        )


@dataclass(frozen=True, eq=False)
class Perturbation:
    """Deletion or insertion curve (Petsiuk et al., RISE, 2018) beside those of random orders.

    Parameters
    ----------
    kind : "deletion" or "insertion"
        Pixels are replaced by the baseline, or put back on it, the strongest of the map first.
    label : str
        What is explained.
    baseline : str
        What replaces pixels, in words.
    shares : (n,) float64
        Share of the pixels that was replaced or put back, from 0 to 1.
    probabilities : (n,) float64
        Of what is explained, at each share; of a difference of two nodes, the share of the first in both.
    random : (m, n) float64, m >= 1
        The same for the map's own pattern turned and laid at random places.
    """

    kind: Kind
    label: str
    baseline: str
    shares: Floats
    probabilities: Floats
    random: Floats

    @property
    def area(self) -> float:
        """Area under the curve, 0 to 1: low is good for deletion, high for insertion."""
        return _area(self.shares, self.probabilities)

    @property
    def random_areas(self) -> Floats:
        """(m,) areas of the random orders."""
        return np.array([_area(self.shares, row) for row in self.random])

    @property
    def random_sd(self) -> float | None:
        """Standard deviation of the random areas; None for a single one."""
        return float(self.random_areas.std(ddof=1)) if len(self.random) > 1 else None

    @property
    def n_beaten(self) -> int:
        """Random orders that are worse than the map's."""
        sign = 1 if self.kind == "deletion" else -1
        return int((sign * self.area < sign * self.random_areas).sum())

    @property
    def beats_random(self) -> bool:
        """The map's order is better than each random one; by chance that happens once in m + 1 times."""
        return self.n_beaten == len(self.random)

    @property
    def reading(self) -> str:
        """How to read it."""
        m = len(self.random)
        spread = "" if self.random_sd is None else f" ± {self.random_sd:.2f}"
        found = f"area {self.area:.2f}, against {self.random_areas.mean():.2f}{spread} of the same pattern elsewhere"
        if not self.beats_random:
            return (
                f"The map's order is better than {self.n_beaten} of {m} random ones ({found}): as far as this test can "
                "tell, what it marks matters no more to the answer than other places."
            )
        done = "Replacing" if self.kind == "deletion" else "Putting back"
        moves = "moves the answer down sooner" if self.kind == "deletion" else "brings the answer back sooner"
        return (
            f"{done} what the map marks first {moves} than at each of {m} random places ({found}); a random map would "
            f"manage that once in {m + 1} times. Images with parts replaced are unlike any the network learnt from."
        )


@dataclass(frozen=True)
class Moved:
    """The map of the image turned or cropped, laid back on the original.

    Parameters
    ----------
    name : str
        Such as "+5°" or "90 %".
    kind : "rotation" or "crop"
    rank, similarity : float, optional
        Rank correlation and SSIM with the original's map on the part both show, both smoothed as they are displayed;
        None where one of them is not defined.
    probability : float
        Of what is explained, on the moved image.
    """

    name: str
    kind: Literal["rotation", "crop"]
    rank: float | None
    similarity: float | None
    probability: float


@dataclass(frozen=True)
class Stability:
    """Does the map stay where it is when the image is moved a little?

    Parameters
    ----------
    label : str
        What is explained.
    probability : float
        Of what is explained, on the image as it is.
    moves : tuple of Moved, not empty
    mirrored : float, optional
        Mean rank correlation of the map with itself mirrored and turned by quarters: what its middle alone makes up.
    """

    label: str
    probability: float
    moves: tuple[Moved, ...]
    mirrored: float | None

    @property
    def ranks(self) -> list[float]:
        """Rank correlations there are."""
        return [move.rank for move in self.moves if move.rank is not None]

    @property
    def similarities(self) -> list[float]:
        """Structural similarities there are."""
        return [move.similarity for move in self.moves if move.similarity is not None]

    @property
    def mean_rank(self) -> float | None:
        """Mean rank correlation; None where no moved image has a map."""
        return float(np.mean(self.ranks)) if self.ranks else None

    @property
    def least(self) -> Moved | None:
        """The move under which the map changes most."""
        there = [move for move in self.moves if move.rank is not None]
        return min(there, key=lambda move: move.rank or 0.0, default=None)

    @property
    def mean_similarity(self) -> float | None:
        """Mean structural similarity; None where no moved image has a map."""
        return float(np.mean(self.similarities)) if self.similarities else None

    @property
    def min_similarity(self) -> float | None:
        """Least structural similarity."""
        return min(self.similarities, default=None)

    @property
    def reading(self) -> str:
        """How to read it."""
        low, high = (f(move.probability for move in self.moves) for f in (min, max))
        answer = f"the probability itself, {self.probability:.0%}, was {low:.0%} to {high:.0%} on the moved images"
        if self.least is None or self.mean_rank is None or self.least.rank is None:
            return f"No moved image has a map, so nothing can be said of its stability; {answer}."
        found = f"mean rank correlation {signed(self.mean_rank)}, least {signed(self.least.rank)} at {self.least.name}"
        if self.mean_rank >= ALIKE:
            said = "The map stays where it is when the image is turned or cropped a little"
        elif self.mirrored is not None and self.mean_rank <= self.mirrored:
            said = (
                "Turned or cropped a little, the image gets a map that is no more like this one than its mirror images"
            )
        else:
            said = "The map moves when the image is turned or cropped a little: read its areas, not its details"
        return f"{said} ({found}); {answer}."


@dataclass(frozen=True, eq=False)
class ClassSensitivity:
    """Does the map depend on which class is explained?

    Parameters
    ----------
    labels : tuple of str, k >= 2
        What was explained, the map in question first.
    probabilities : (k,) float64
    ranks : (k, k) float64
        Rank correlations of the magnitudes; NaN where a map is not defined.
    signed_ranks : (k, k) float64, optional
        With signs; None of methods that know no direction.
    """

    labels: tuple[str, ...]
    probabilities: Floats
    ranks: Floats
    signed_ranks: Floats | None

    @property
    def pairs(self) -> Floats:
        """Rank correlations of the pairs that are defined, (n_pairs,)."""
        return _pairs(self.ranks)

    @property
    def same(self) -> bool | None:
        """Whether all maps are the same as far as their magnitudes go; None where no two are defined."""
        return bool((self.pairs >= ALIKE).all()) if self.pairs.size else None

    @property
    def reading(self) -> str:
        """How to read it."""
        if not self.pairs.size:
            return "Fewer than two of these maps are defined, so they cannot be compared."
        n = int(np.isfinite(np.diag(self.ranks)).sum())
        found = f"rank correlation {signed(self.pairs.min())} to {signed(self.pairs.max())} among {n} maps"
        rivals = "Classes that compete share places by construction, as what raises one probability lowers the other."
        if not self.same:
            return f"The map depends on what is explained ({found}). {rivals}"
        said = (
            f"Whatever is explained, the map is the same ({found}): it says where the network looks, not why. {rivals}"
        )
        directions = None if self.signed_ranks is None else _pairs(self.signed_ranks)
        if directions is None or not directions.size:
            return said
        return f"{said} With signs they correlate {signed(directions.min())} to {signed(directions.max())}."


def signed(value: float) -> str:
    """Two decimals, with a minus sign and never a negative zero."""
    return f"{round(value, 2) + 0.0:.2f}".replace("-", "−")


def _mostly_alike(ranks: list[float | None]) -> bool:
    """Most of them count as the same map; one that is not defined does not."""
    return sum(rank is not None and rank >= ALIKE for rank in ranks) > len(ranks) / 2


def _pairs(matrix: Floats) -> Floats:
    found = matrix[np.triu_indices(len(matrix), 1)]
    return np.asarray(found[np.isfinite(found)], dtype=np.float64)


def _area(shares: Floats, probabilities: Floats) -> float:
    found = area_under(shares, probabilities)
    assert found is not None  # shares run from 0 to 1
    return found
