"""How well the distance from the training images tells pictures that show no lesion from those that show one.

The score is the distance itself: its rank among the validation images, which the app shows, is 100 for everything that
lies beyond all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derm_model.assessment.answers import Answers
from derm_model.assessment.foreign import GIVEN, Foreign, ForeignPicture
from derm_model.card import NOTICE_PERCENTILE
from derm_model.data.non_lesions import BORDERLINE, KINDS
from derm_model.evaluation.bootstrap import Floats, Statistic, bootstrap
from derm_model.evaluation.metrics import Interval, auc, wilson
from derm_model.evaluation.resampling import Counts, Labels

ALL_IMAGES = "all images"
DRAWN = "drawings"
SENSITIVITY = 0.95  # of the field's figure, see `false_alarms_at`


@dataclass(frozen=True)
class HeldOutFigures:
    """Labelled images, of which none should be called unusual.

    Attributes
    ----------
    name
        All images, a modality or a data set.
    noticed
        Share that the app calls unusual, needlessly; Wilson.
    auc
        Of these images against the drawings; None where there are none, or where no distances were kept.
    """

    name: str
    noticed: Interval
    auc: Interval | None

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dict for JSON."""
        return {"images": self.name, "n": self.noticed.n, "noticed": self.noticed.to_json(), "auc": _json(self.auc)}


@dataclass(frozen=True)
class ForeignFigures:
    """Pictures that show no lesion, against all labelled images.

    Attributes
    ----------
    name
        Which they are: `DRAWN` (all but the borderline kind), `GIVEN`, or one kind of drawing.
    n
    noticed
        Share that the app calls unusual, rightly; Wilson.
    auc
        DeLong's interval, as if images were independent. None where no distances were kept.
    false_alarms
        `false_alarms_at` 95 %, by a bootstrap of both sides, or Wilson's where that cannot answer; None for a single
        kind, of which there are too few, and where no distances were kept.
    """

    name: str
    n: int
    noticed: Interval
    auc: Interval | None
    false_alarms: Interval | None

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dict for JSON."""
        return {
            "pictures": self.name,
            "n": self.n,
            "noticed": self.noticed.to_json(),
            "auc": _json(self.auc),
            "fpr_at_95_tpr": _json(self.false_alarms),
        }


@dataclass(frozen=True, eq=False)
class UnusualFigures:
    """The out-of-distribution score of a bundle.

    Attributes
    ----------
    percentile
        Of the validation images from which the app calls an image unusual.
    notice_distance
        The same as a distance; None without foreign pictures.
    held_out
        All images first, then modalities and data sets where there are several.
    sets
        Drawings and the user's pictures, whichever there are.
    kinds
        Each kind of drawing.
    distances
        Of the labelled images, by their parts, or all where there is one; {} where none were kept.
    foreign_distances
        By kind of drawing, and `GIVEN`.
    """

    percentile: float
    notice_distance: float | None
    held_out: tuple[HeldOutFigures, ...]
    sets: tuple[ForeignFigures, ...]
    kinds: tuple[ForeignFigures, ...]
    distances: Mapping[str, NDArray[np.float64]]
    foreign_distances: Mapping[str, NDArray[np.float64]]

    def set_of(self, name: str) -> ForeignFigures | None:
        """The set of a name, None where there are no such pictures."""
        return next((one for one in self.sets if one.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Return everything but the distances as a dict for JSON; what is undefined is None."""
        return {
            "notice_percentile": self.percentile,
            "held_out": [one.to_json() for one in self.held_out],
            "no_lesion": [one.to_json() for one in self.sets],
            "kinds": [one.to_json() for one in self.kinds],
        }


def unusual_figures(answers: Answers, foreign: Foreign | None) -> UnusualFigures | None:
    """Make every figure; None where the bundle has no feature reference, or there is no image."""
    ranks = answers.unusual
    if ranks is None or not len(ranks):
        return None
    own = answers.distance
    pictures = {} if foreign is None else _by_name(foreign)
    sets = {name: pictures[name] for name in (DRAWN, GIVEN) if name in pictures}
    kinds = {name: pictures[name] for name in KINDS if name in pictures}
    parts = dict(_parts(answers))
    drawn = _distances(pictures.get(DRAWN, ()))
    single = list(parts)[1:] or list(parts)
    return UnusualFigures(
        percentile=NOTICE_PERCENTILE,
        notice_distance=None if foreign is None else foreign.notice_distance,
        held_out=tuple(
            HeldOutFigures(name, _noticed(ranks[chosen]), None if own is None else _area(own[chosen], drawn))
            for name, chosen in parts.items()
        ),
        sets=tuple(_foreign(name, found, own, whole=True) for name, found in sets.items()),
        kinds=tuple(_foreign(name, found, own, whole=False) for name, found in kinds.items()),
        distances={} if own is None else {name: own[parts[name]] for name in single},
        foreign_distances={name: _distances(found) for name, found in pictures.items() if name != DRAWN},
    )


def false_alarms_at(sensitivity: float) -> Statistic:
    """Share of the other images called when the threshold finds `sensitivity` of the positive ones (FPR at 95 % TPR).

    Positive are here the pictures that show no lesion, as in Hendrycks, Mazeika & Dietterich, Deep Anomaly Detection
    with Outlier Exposure, ICLR 2019, section 4.1. (Liang, Li & Srikant, ICLR 2018, who brought the figure into the
    field, and many after them call the model's own images positive; the AUC of Hendrycks & Gimpel, A Baseline for
    Detecting Misclassified and Out-of-Distribution Examples, ICLR 2017, is the same either way.)
    """

    def statistic(labels: Labels, scores: Floats, counts: Counts) -> Floats:
        falling = np.argsort(-scores[labels], kind="stable")
        found = counts[:, np.flatnonzero(labels)[falling]].cumsum(axis=1)
        # the first picture with which enough are found: its score is the threshold; rounding must not ask for one more
        last = (found >= sensitivity * found[:, -1:] - 1e-9).argmax(axis=1)
        thresholds = scores[labels][falling][last]
        order = np.argsort(scores[~labels], kind="stable")
        below = np.zeros((counts.shape[0], order.size + 1), dtype=np.int64)
        np.cumsum(counts[:, np.flatnonzero(~labels)[order]], axis=1, out=below[:, 1:])
        n_below = np.searchsorted(scores[~labels][order], thresholds, side="left")
        total = below[:, -1]
        called = total - below[np.arange(len(below)), n_below]
        defined = (total > 0) & (found[:, -1] > 0)
        return np.asarray(np.divide(called, total, out=np.full(len(total), np.nan), where=defined))

    return statistic


def _foreign(
    name: str, pictures: Sequence[ForeignPicture], own: NDArray[np.float64] | None, *, whole: bool
) -> ForeignFigures:
    scores = _distances(pictures)
    return ForeignFigures(
        name,
        len(pictures),
        _noticed(np.array([picture.unusual for picture in pictures])),
        None if own is None else _area(own, scores),
        None if own is None or not whole else _false_alarms(own, scores),
    )


def _false_alarms(own: NDArray[np.float64], scores: NDArray[np.float64]) -> Interval:
    labels = np.repeat([True, False], [scores.size, own.size])
    both, statistic = np.concatenate([scores, own]), false_alarms_at(SENSITIVITY)
    found = bootstrap(labels, both, statistic)
    if found is not None:
        return found.interval
    share = float(statistic(labels, both, np.ones((1, labels.size), dtype=np.int64))[0])
    return wilson(round(share * own.size), own.size)


def _by_name(foreign: Foreign) -> dict[str, tuple[ForeignPicture, ...]]:
    """Pictures by what they are called in the figures; no name without a picture."""
    drawn = foreign.drawn
    found = {DRAWN: tuple(p for p in drawn if p.kind not in BORDERLINE), GIVEN: foreign.given}
    found |= {kind: tuple(p for p in drawn if p.kind == kind) for kind in KINDS}
    return {name: pictures for name, pictures in found.items() if pictures}


def _parts(answers: Answers) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """All images and, where there are several, each modality and data set; none twice."""
    yield ALL_IMAGES, np.ones(len(answers.records), dtype=bool)
    told: set[bytes] = set()
    for values in ([r.modality for r in answers.records], [r.source for r in answers.records]):
        for value in sorted({v for v in values if v}) if len(set(values)) > 1 else ():
            chosen = np.array([v == value for v in values])
            if chosen.tobytes() not in told:
                told.add(chosen.tobytes())
                yield value, chosen


def _noticed(ranks: NDArray[np.float64]) -> Interval:
    return wilson(int((ranks >= NOTICE_PERCENTILE).sum()), len(ranks))


def _area(own: NDArray[np.float64], foreign: NDArray[np.float64]) -> Interval | None:
    return auc(np.repeat([True, False], [foreign.size, own.size]), np.concatenate([foreign, own]))


def _distances(pictures: Sequence[ForeignPicture]) -> NDArray[np.float64]:
    return np.array([picture.distance for picture in pictures], dtype=np.float64)


def _json(found: Interval | None) -> dict[str, Any] | None:
    return None if found is None else found.to_json()
