"""Cross-validation as the paper reports it: accuracy over folds, trained on a partition or directly on a level.

Accuracy is the mean of the accuracies of the single classes, ± the standard deviation over the folds (Esteva et al.
2017, Methods, "Inference algorithm", and Extended Data Table 2). What is kept are counts; every figure follows from
them.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derm_model.evaluation.metrics import Interval, wilson
from derm_model.taxonomy.targets import LEVELS, TARGETS

FORMAT = 1
RESULT = "result.json"  # in the folder of a cross-validation
MIN_FOLDS_FOR_INTERVAL = 3  # the spread of two differences says next to nothing: t of one degree of freedom is 12.7
PARTITION, *DIRECT = TARGETS


@dataclass(frozen=True)
class Published:
    """Accuracies somebody else reported, of other images; `targets` where a network was trained that way."""

    who: str
    targets: str | None
    three: float
    nine: float
    three_sd: float | None = None
    nine_sd: float | None = None


PUBLISHED = (
    Published("Paper, partition", PARTITION, 0.721, 0.554, 0.009, 0.017),
    Published("Paper, direct", "direct", 0.694, 0.489, 0.008, 0.019),
    Published("Dermatologist 1", None, 0.656, 0.533),
    Published("Dermatologist 2", None, 0.660, 0.550),
)
SOURCE = "Esteva et al., Nature 542 (2017) 115, Extended Data Table 2"
CAVEAT = (
    "They are of other images (127,463 of 757 classes, nine folds; the dermatologists read some of them) and stand "
    "here for orientation only: they are no measure of these networks, nor these of them."
)


@dataclass(frozen=True)
class ClassFolds:
    """One node of a level over the folds: its images and the correct answers to them, a number per fold."""

    node: str
    name: str
    n: tuple[int, ...]
    n_correct: tuple[int, ...]

    def accuracy(self, position: int) -> float | None:
        """In the fold at a position; None where that has no image of it."""
        return self.n_correct[position] / self.n[position] if self.n[position] else None

    @property
    def pooled(self) -> Interval | None:
        """Over all folds with Wilson's interval: each image is validated once. None without an image.

        Images count as independent; several of one lesion make the interval somewhat too narrow.
        """
        return wilson(sum(self.n_correct), sum(self.n)) if sum(self.n) else None


@dataclass(frozen=True)
class LevelResult:
    """Accuracy at one level over the folds, which are given by number."""

    folds: tuple[int, ...]
    classes: tuple[ClassFolds, ...]

    @property
    def accuracies(self) -> tuple[float | None, ...]:
        """Per fold, the mean of the accuracies of the classes that have images in it; None without an image."""
        found = []
        for position in range(len(self.folds)):
            seen = [a for c in self.classes if (a := c.accuracy(position)) is not None]
            found.append(statistics.fmean(seen) if seen else None)
        return tuple(found)

    @property
    def mean(self) -> float | None:
        """Over the folds."""
        return _mean(self.accuracies)

    @property
    def sd(self) -> float | None:
        """Sample standard deviation over the folds (n - 1); None with fewer than two."""
        return _sd(self.accuracies)

    @property
    def n_images(self) -> int:
        """Images judged, in all folds."""
        return sum(sum(c.n) for c in self.classes)

    @property
    def n_classes_seen(self) -> int:
        """Classes that have an image in some fold: of what the accuracy is the mean."""
        return sum(any(c.n) for c in self.classes)

    @property
    def folds_short_of_classes(self) -> tuple[int, ...]:
        """Folds without an image of a class that others have: their mean is over fewer classes."""
        seen = [c for c in self.classes if any(c.n)]
        return tuple(fold for i, fold in enumerate(self.folds) if not all(c.n[i] for c in seen))


@dataclass(frozen=True)
class TargetsResult:
    """The networks trained on one kind of outputs.

    Attributes
    ----------
    targets
    n_classes
        Outputs of a network (the most, should folds differ).
    folds
        Numbers of the folds that are there, ascending.
    n_images
        Images judged in each.
    three, nine
        None where the outputs cannot say it: a network of three classes knows no nine.
    """

    targets: str
    n_classes: int
    folds: tuple[int, ...]
    n_images: tuple[int, ...]
    three: LevelResult | None
    nine: LevelResult | None

    def level(self, name: str) -> LevelResult | None:
        """`three` or `nine`."""
        return {"three": self.three, "nine": self.nine}[name]


@dataclass(frozen=True)
class Comparison:
    """The partition minus another way to train, fold by fold on the same images.

    No p-value is given. The training sets of any two folds overlap, so their differences are not independent, and a
    plain paired t-test finds differences that are none far too often (Dietterich 1998).
    """

    level: str
    other: str
    n_folds: int  # of the whole cross-validation, whether they are there or not
    folds: tuple[int, ...]
    differences: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Of the differences."""
        return statistics.fmean(self.differences)

    @property
    def sd(self) -> float | None:
        """Sample standard deviation of the differences; None of a single one."""
        return _sd(self.differences)

    @property
    def n_larger(self) -> int:
        """Folds in which the partition is more accurate."""
        return sum(difference > 0 for difference in self.differences)

    @property
    def interval(self) -> tuple[float, float] | None:
        """95 % interval of the mean difference by the corrected resampled t-test.

        mean ± t(k - 1) * sd * sqrt(1 / k + n_validation / n_train), and n_validation / n_train is 1 / (n_folds - 1).

        It assumes that the differences are normal and that those of two folds correlate by n_validation / (n_validation
        + n_train). That correlation was derived for random splits; folds do not overlap in what they validate, so it
        is a rule of thumb here. None with fewer than three folds, or where all differences are the same.

        References
        ----------
        Nadeau & Bengio, Mach. Learn. 52 (2003) 239, section 3; Bouckaert & Frank, PAKDD (2004) 3, for folds.
        """
        k, sd = len(self.differences), self.sd
        if k < MIN_FOLDS_FOR_INTERVAL or not sd:
            return None
        from scipy.special import stdtrit  # 0.1 s that only this asks for

        half = float(stdtrit(k - 1, 0.975)) * sd * (1 / k + 1 / (self.n_folds - 1)) ** 0.5
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class CrossValidation:
    """What came out so far.

    Attributes
    ----------
    n_folds
        Of the cross-validation, >= 2, also those that are not there yet.
    results
        In the order of `TARGETS`; those with no fold yet are not among them.
    n_left_out
        Images answered by some networks of their fold and not by all, and therefore judged for none: their label lies
        above what some of them can say.
    """

    n_folds: int
    results: tuple[TargetsResult, ...]
    n_left_out: int = 0

    def of(self, targets: str) -> TargetsResult | None:
        """The networks trained on these outputs; None where there are none yet."""
        return next((result for result in self.results if result.targets == targets), None)

    @property
    def comparisons(self) -> tuple[Comparison, ...]:
        """Partition against each direct way, at each level both can say, over the folds both have."""
        pairs = ((level, other) for level in LEVELS for other in sorted(DIRECT, key=lambda name: name != level))
        return tuple(found for level, other in pairs if (found := self._compare(level, other)) is not None)

    def _compare(self, level: str, other: str) -> Comparison | None:
        sides = [result.level(level) if (result := self.of(name)) else None for name in (PARTITION, other)]
        if sides[0] is None or sides[1] is None:
            return None
        one, two = (dict(zip(side.folds, side.accuracies, strict=True)) for side in sides if side is not None)
        pairs = {fold: (a, b) for fold, a in one.items() if a is not None and (b := two.get(fold)) is not None}
        if not pairs:
            return None
        return Comparison(level, other, self.n_folds, tuple(pairs), tuple(a - b for a, b in pairs.values()))

    def to_json(self) -> dict[str, Any]:
        """As JSON types, with every figure beside the counts it follows from; `from_json` reads it back."""
        return {
            "format": FORMAT,
            "n_folds": self.n_folds,
            "n_left_out": self.n_left_out,
            "results": [_result_to_json(result) for result in self.results],
            "comparisons": [
                {**vars(c), "mean": c.mean, "sd": c.sd, "n_larger": c.n_larger, "interval": c.interval}
                for c in self.comparisons
            ],
            "published": {"source": SOURCE, "caveat": CAVEAT, "accuracies": [vars(p) for p in PUBLISHED]},
        }

    @staticmethod
    def from_json(document: Mapping[str, Any]) -> CrossValidation:
        """Read the counts `to_json` wrote.

        Raises
        ------
        ValueError
            Another format, or a field is missing or of another kind.
        """
        try:
            if document["format"] != FORMAT:
                raise ValueError(f"format {document['format']!r} is not {FORMAT}")
            results = tuple(_result_from_json(entry) for entry in document["results"])
            return CrossValidation(int(document["n_folds"]), results, int(document["n_left_out"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this is no result of a cross-validation ({error!r})") from error


def read_result(folder: Path) -> CrossValidation | None:
    """The result in the folder of a cross-validation, of all its folds or of those that are there; None without one.

    Raises
    ------
    ValueError
        The file is damaged, or of another format.
    """
    path = folder / RESULT
    return CrossValidation.from_json(json.loads(path.read_bytes())) if path.is_file() else None


def _mean(values: Sequence[float | None]) -> float | None:
    seen = [value for value in values if value is not None]
    return statistics.fmean(seen) if seen else None


def _sd(values: Sequence[float | None]) -> float | None:
    seen = [value for value in values if value is not None]
    return statistics.stdev(seen) if len(seen) > 1 else None


def _result_to_json(result: TargetsResult) -> dict[str, Any]:
    levels = {name: None if (found := result.level(name)) is None else _level_to_json(found) for name in LEVELS}
    return {**vars(result), **levels}


def _level_to_json(result: LevelResult) -> dict[str, Any]:
    classes = [
        {**vars(c), "pooled": None if (pooled := c.pooled) is None else pooled.to_json()} for c in result.classes
    ]
    return {"mean": result.mean, "sd": result.sd, "accuracies": result.accuracies, "classes": classes}


def _result_from_json(entry: Mapping[str, Any]) -> TargetsResult:
    folds = tuple(int(fold) for fold in entry["folds"])

    def level(name: str) -> LevelResult | None:
        if entry[name] is None:
            return None
        classes = (
            ClassFolds(str(c["node"]), str(c["name"]), tuple(map(int, c["n"])), tuple(map(int, c["n_correct"])))
            for c in entry[name]["classes"]
        )
        return LevelResult(folds, tuple(classes))

    n_images = tuple(int(n) for n in entry["n_images"])
    return TargetsResult(str(entry["targets"]), int(entry["n_classes"]), folds, n_images, level("three"), level("nine"))
