"""How well a bundle tells the two sides of a yes-or-no question apart, and at which price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derm_model.assessment.answers import Answers
from derm_model.assessment.sample_figures import SampleFigures, sample_figures
from derm_model.attributes import by_attribute
from derm_model.card import Preset
from derm_model.data.manifest import Record
from derm_model.evaluation.bootstrap import Bootstrapped, area, bootstrap, sensitivity_at, specificity_at
from derm_model.evaluation.curves import OperatingCurve, OperatingPoint, operating_curve
from derm_model.evaluation.decision import DecisionCurve, decision_curve
from derm_model.evaluation.metrics import Interval, auc
from derm_model.evaluation.predictive import PREVALENCES, PredictiveValues, over_prevalences, predictive_values
from derm_model.evaluation.reliability import CalibrationLine, Reliability, calibration_line, reliability
from derm_model.evaluation.sampling import paper_size
from derm_model.evaluation.subgroups import MEASURES, Subgroups
from derm_model.measuring import HISTOLOGY
from derm_model.taxonomy import TaskClasses, Taxonomy, task_score

ALL = "all images"


@dataclass(frozen=True, eq=False)
class Scored:
    """Images whose truth lies on one of a question's sides.

    Attributes
    ----------
    labels
        (n,) True on the positive side.
    scores
        (n,) in [0, 1].
    records
    positions
        (n,) of the images among those that were answered.
    """

    labels: NDArray[np.bool_]
    scores: NDArray[np.float64]
    records: tuple[Record, ...]
    positions: NDArray[np.int64]

    def part(self, chosen: NDArray[np.bool_]) -> Scored:
        """Only the images chosen, (n,)."""
        records = tuple(r for r, keep in zip(self.records, chosen.tolist(), strict=True) if keep)
        return Scored(self.labels[chosen], self.scores[chosen], records, self.positions[chosen])

    @property
    def has_both(self) -> bool:
        """Whether there is an image on either side, without which nothing is defined."""
        return bool(self.labels.any() and not self.labels.all())

    @property
    def groups(self) -> list[tuple[str, str] | None]:
        """Patient or, where that is not known, lesion of each image; None for an image that stands alone."""
        found = ((r.source, r.patient_id or r.lesion_id) for r in self.records)
        return [(source, key) if key else None for source, key in found]


@dataclass(frozen=True)
class PointFigures:
    """A named threshold on these images.

    Attributes
    ----------
    name
    point
        Rates with Wilson intervals, as if all images were independent.
    sensitivity, specificity
        The same with the intervals of a bootstrap over patients or lesions; None where that cannot answer.
    predictive
        At the prevalence of these images.
    """

    name: str
    point: OperatingPoint
    sensitivity: Bootstrapped | None
    specificity: Bootstrapped | None
    predictive: PredictiveValues


@dataclass(frozen=True, eq=False)
class QuestionFigures:
    """One question on one set of images.

    Attributes
    ----------
    question, images
        Id of the question; which images ("all images", a modality or a data set).
    n_proven
        Images whose label a histopathologist confirmed.
    n_groups
        Patients, or lesions where patients are not known, that the images are of.
    auc
        DeLong's interval, as if all images were independent.
    auc_by_group
        The interval of a bootstrap over patients or lesions; None where that cannot answer.
    points
        The card's presets first.
    subgroups
        By attribute (`derm_model.attributes`), at the first point's threshold; only attributes with two values or more,
        {} without a point.
    sample
        A sample as the paper showed it to readers, beside all images; None where the paper had none for the question
        and the modality, or there are too few images.
    """

    question: str
    positive_name: str
    negative_name: str
    images: str
    n_proven: int
    n_groups: int
    curve: OperatingCurve
    auc: Interval
    auc_by_group: Bootstrapped | None
    points: tuple[PointFigures, ...]
    decision: DecisionCurve
    reliability: Reliability
    line: CalibrationLine | None
    subgroups: Mapping[str, Subgroups]
    sample: SampleFigures | None

    @property
    def prevalence(self) -> float:
        """Share of these images on the positive side; of a test set, not of a clinic."""
        return self.curve.n_pos / (self.curve.n_pos + self.curve.n_neg)

    def to_json(self) -> dict[str, Any]:
        """Return everything as a dict for JSON; what is undefined is None."""
        return {
            "question": self.question,
            "positive": self.positive_name,
            "negative": self.negative_name,
            "images": self.images,
            "n_pos": self.curve.n_pos,
            "n_neg": self.curve.n_neg,
            "prevalence": self.prevalence,
            "n_biopsy_proven": self.n_proven,
            "n_groups": self.n_groups,
            "auc": self.auc.to_json(),
            "auc_by_group": _by_group(self.auc_by_group),
            "points": [
                {
                    "name": p.name,
                    **p.point.to_json(),
                    "sensitivity_by_group": _by_group(p.sensitivity),
                    "specificity_by_group": _by_group(p.specificity),
                    "ppv": p.predictive.ppv,
                    "npv": p.predictive.npv,
                    "needed_to_biopsy": p.predictive.needed_to_biopsy,
                    "over_prevalences": [v.to_json() for v in over_prevalences(p.point, PREVALENCES)],
                }
                for p in self.points
            ],
            "expected_calibration_error": self.reliability.error,
            "reliability": [
                {"mean_predicted": b.mean_predicted, "observed": b.observed.to_json()} for b in self.reliability.bins
            ],
            "subgroups": {name: _subgroups(found) for name, found in self.subgroups.items()},
            "calibration_slope": None if self.line is None else self.line.slope.to_json(),
            "curve": self.curve.to_json(keep=[p.point.threshold for p in self.points]),
            "decision": {
                "thresholds": self.decision.thresholds.tolist(),
                "model": self.decision.model.tolist(),
                "treat_all": self.decision.treat_all.tolist(),
            },
            "sample": None if self.sample is None else self.sample.to_json(),
        }


def score_images(answers: Answers, sides: TaskClasses, taxonomy: Taxonomy) -> Scored:
    """The images of a question with their scores.

    An image belongs to a side when its label lies at or below one of the side's nodes, whether or not a training class
    covers it. Images that the bundle gives the question no probability at all are left out.
    """
    side_of: dict[str, bool] = {}
    for node in {r.node for r in answers.records}:
        for nodes, side in ((sides.task.positive, True), (sides.task.negative, False)):
            if any(taxonomy.is_within(node, one) for one in nodes):
                side_of[node] = side
    scores = task_score(answers.probs, sides)
    asked = np.array([r.node in side_of for r in answers.records], dtype=bool) & np.isfinite(scores)
    positions = np.flatnonzero(asked)
    records = tuple(answers.records[i] for i in positions)
    labels = np.array([side_of[r.node] for r in records], dtype=bool)
    return Scored(labels, scores[positions], records, positions)


def image_sets(scored: Scored) -> Iterator[tuple[str, Scored]]:
    """All images and, where there are several, each modality and each data set that has images on both sides.

    A data set that is all there is of a modality is not told twice.
    """
    yield ALL, scored
    told: set[bytes] = set()
    for values in ([r.modality for r in scored.records], [r.source for r in scored.records]):
        known = sorted({value for value in values if value})
        for value in known if len(set(values)) > 1 else ():
            part = scored.part(np.array([v == value for v in values]))
            images = part.positions.tobytes()
            if part.has_both and images not in told:
                told.add(images)
                yield value, part


def question_figures(
    scored: Scored, sides: TaskClasses, images: str, presets: Sequence[Preset] = (), more: Mapping[str, float] = {}
) -> QuestionFigures | None:
    """Figures of a question on some of its images, None where a side has no image.

    Parameters
    ----------
    scored
    sides
    images
        What they are called.
    presets
        Thresholds of the bundle's card, chosen on its validation images.
    more
        Other thresholds by name.
    """
    curve_auc = auc(scored.labels, scored.scores) if scored.has_both else None
    if curve_auc is None:
        return None
    curve, groups = operating_curve(scored.labels, scored.scores), scored.groups
    named = {p.name: (p.threshold, f"{p.chosen.rule}, chosen on validation images") for p in presets}
    named |= {name: (threshold, name) for name, threshold in more.items()}
    is_calibrated = reliability(scored.labels, scored.scores)
    assert is_calibrated is not None  # there are images
    return QuestionFigures(
        question=sides.task.id,
        positive_name=sides.task.positive_name,
        negative_name=sides.task.negative_name,
        images=images,
        n_proven=sum((r.confirmed_by or "").lower() in HISTOLOGY for r in scored.records),
        n_groups=len(set(groups) - {None}) + groups.count(None),
        curve=curve,
        auc=curve_auc,
        auc_by_group=bootstrap(scored.labels, scored.scores, area, groups=groups),
        points=tuple(_point(scored, curve, name, *rule) for name, rule in named.items()),
        decision=decision_curve(curve),
        reliability=is_calibrated,
        line=calibration_line(scored.labels, scored.scores),
        subgroups=by_attribute(scored.records, scored.labels, scored.scores, next(iter(named.values()))[0])
        if named
        else {},
        sample=_sample(scored, sides.task.id),
    )


def _sample(scored: Scored, question: str) -> SampleFigures | None:
    size = paper_size(question, (r.modality for r in scored.records))
    if size is None:
        return None
    ids = [f"{r.source}\0{r.image_id}" for r in scored.records]
    return sample_figures(scored.labels, scored.scores, ids, size, groups=scored.groups)


def _point(scored: Scored, curve: OperatingCurve, name: str, threshold: float, rule: str) -> PointFigures:
    point = curve.at_threshold(threshold, rule=rule)
    redrawn = [
        bootstrap(scored.labels, scored.scores, statistic(threshold), groups=scored.groups)
        for statistic in (sensitivity_at, specificity_at)
    ]
    return PointFigures(name, point, redrawn[0], redrawn[1], predictive_values(point))


def _subgroups(found: Subgroups) -> dict[str, Any]:
    rows = [
        {"value": row.value, "n_pos": row.n_pos, "n_neg": row.n_neg}
        | {name: None if (figure := row.measure(name)) is None else figure.to_json() for name in MEASURES}
        for row in found.rows
    ]
    return {"rows": rows, "gaps": [gap.__dict__ for gap in found.gaps]}


def _by_group(found: Bootstrapped | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"low": found.interval.low, "high": found.interval.high, "n_groups": found.n_units, "method": found.method}
