"""A study's result as JSON. Readers are numbered and stand in the order of numbers; what is undefined is null."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from derm_model.evaluation.bootstrap import Bootstrapped
from derm_model.evaluation.metrics import Interval
from derm_model.evaluation.readers.agreement import Kappa
from derm_model.evaluation.readers.ai_help import Changes, ReaderHelp
from derm_model.evaluation.readers.crossed import StudyComparison
from derm_model.evaluation.readers.mrmc import MeanOverReaders
from derm_model.reader_result.classes import ClassesResult
from derm_model.reader_result.network import NetworkAnswers
from derm_model.reader_result.result import StudyResult
from derm_model.reader_result.text import METHOD, headline
from derm_model.reader_result.yes_no import YesNoResult
from derm_model.words import NOTICE

FORMAT = 1
T = TypeVar("T")


def result_json(result: StudyResult, called: Mapping[str, str]) -> str:
    """The result as JSON in ASCII.

    Parameters
    ----------
    result
    called
        What each reader is called, by code (`tables.names_of`).
    """
    return json.dumps(as_dict(result, called), indent=1, ensure_ascii=True, allow_nan=False)


def as_dict(result: StudyResult, called: Mapping[str, str]) -> dict[str, Any]:
    """The result as a dict for JSON."""
    study, material = result.material.study, result.material
    return {
        "format_version": FORMAT,
        "notice": NOTICE,
        "warnings": result.warnings(called),
        "notes": result.notes(called),
        "study": {
            "name": study.name,
            "question": study.question,
            "choices": list(study.choices),
            "made_at": study.created_at.isoformat(),
            "closed_at": None if study.closed_at is None else study.closed_at.isoformat(),
            "seed": study.seed,
            "washout_s": study.settings.washout_s,
            "second_pass": study.settings.second_pass,
            "pause_days": study.settings.pause_days,
            "n_images": len(material.images),
            "n_left_out": material.n_left_out,
        },
        "group": result.group,
        "headline": headline(result),
        "method": METHOD,
        "readers": [
            {
                "reader": called[reader.code],
                "experience": reader.experience,
                "is_script": reader.is_script,
                "is_complete": reader.is_complete,
                "n": reader.n,
                "n_with_ai": reader.n_with_ai,
                "n_corrections": reader.n_corrections,
                "median_seconds": reader.seconds,
                "median_seconds_with_ai": reader.seconds_with_ai,
                "kappa_with_network": _kappa(agreed.kappa) if (agreed := result.agreement.get(reader.code)) else None,
            }
            for reader in _by_number(result.readers, lambda one: one.code, called)
        ],
        "fleiss_kappa": _kappa(result.kappa),
        "median_seconds": result.times.without,
        "median_seconds_with_ai": result.times.with_ai,
        "network": _answers(result.network),
        "shown_in_second_pass": _answers(result.shown),
        "yes_no": None if result.yes_no is None else _yes_no(result.yes_no, called),
        "classes": None if result.classes is None else _classes(result.classes, called),
    }


def _by_number(found: Iterable[T], code_of: Callable[[T], str], called: Mapping[str, str]) -> list[T]:
    """In the order of the numbers: that of the codes would tell which is which."""
    place = {code: i for i, code in enumerate(called)}
    return sorted(found, key=lambda one: place[code_of(one)])


def _answers(network: NetworkAnswers | None) -> dict[str, Any] | None:
    if network is None:
        return None
    return {
        "bundle_id": network.bundle_id,
        "name": network.bundle_name,
        "seen": network.seen,
        "n_answered": int(network.answered.size),
    }


def _yes_no(found: YesNoResult, called: Mapping[str, str]) -> dict[str, Any]:
    network = found.network
    return {
        "positive": found.positive,
        "n_pos": found.n_pos,
        "n_neg": found.n_neg,
        "mean": None if found.mean is None else dict(found.mean.__dict__),
        "points": [
            {
                "reader": called[point.reader],
                "sensitivity": point.sensitivity.to_json(),
                "specificity": point.specificity.to_json(),
                "confusion": dict(point.counts.__dict__),
            }
            for point in _by_number(found.points, lambda one: one.reader, called)
        ],
        "network": None
        if network is None
        else {
            "auc": network.area.to_json(),
            "partial_auc": None
            if network.partial is None
            else {
                "over": network.partial.rate,
                "low": network.partial.low,
                "high": network.partial.high,
                "standardised": network.partial.standardised,
                "mean_sensitivity": network.partial.mean,
                "interval": _redrawn(network.partial.bootstrapped),
            },
            "threshold": dict(network.threshold.__dict__),
            "point": {**network.point.to_json(), "confusion": dict(network.point.counts.__dict__)},
            "curve": {
                "threshold": network.curve.thresholds.tolist(),
                "true_positives": network.curve.true_positives.tolist(),
                "false_positives": network.curve.false_positives.tolist(),
            },
            "against_curve": [
                {
                    "reader": called[one.point.reader],
                    "position": one.position,
                    "curve_specificity": one.curve_specificity,
                    "specificity_gap": _redrawn(one.at_sensitivity),
                    "sensitivity_gap": _redrawn(one.at_specificity),
                }
                for one in _by_number(network.against, lambda other: other.point.reader, called)
            ],
            "comparisons_with_readers": [_comparison(one) for one in network.comparisons],
        },
        "help": None
        if found.help is None
        else {
            "readers": [
                _helped(one, called) for one in _by_number(found.help.readers, lambda other: other.reader, called)
            ],
            "total": None if found.help.total is None else _changes(found.help.total),
            "comparisons": [_comparison(one) for one in found.help.comparisons],
        },
    }


def _classes(found: ClassesResult, called: Mapping[str, str]) -> dict[str, Any]:
    network, complete = found.network, found.complete
    readers = () if found.readers is None else found.readers.readers
    return {
        "classes": list(found.classes),
        "names": list(found.names),
        "n_of_class": list(found.n_of_class),
        "mean_accuracy": None if complete is None else complete.mean,
        "sd_accuracy": None if complete is None else complete.sd,
        "confusion": None if complete is None else complete.confusion.to_json(),
        "readers": [
            {"reader": called[one.reader], "accuracy": one.accuracy.to_json(), "confusion": one.confusion.to_json()}
            for one in _by_number(readers, lambda other: other.reader, called)
        ],
        "network": None
        if network is None
        else {
            "accuracy": network.accuracy.to_json(),
            "confusion": network.confusion.to_json(),
            "comparison_with_readers": None if network.comparison is None else _comparison(network.comparison),
        },
        "help": None
        if found.help is None
        else {
            "readers": [
                {"reader": called[code], **_changes(one)}
                for code, one in _by_number(found.help.changes, lambda pair: pair[0], called)
            ],
            "comparison": None if found.help.comparison is None else _comparison(found.help.comparison),
        },
    }


def _comparison(found: StudyComparison) -> dict[str, Any]:
    one, part = found.comparison, found.crossed
    return {
        "figure": one.figure,
        "first": float(one.first.mean()),
        "second": float(one.second.mean()),
        "first_mean": _mean(one.first_mean),
        "second_mean": _mean(one.second_mean),
        "difference": _mean(one.difference),
        "n_readers": one.n_readers,
        "n_images": int(part.images.size),
        "n_readers_left_out": part.n_readers_left_out,
        "n_images_left_out": part.n_images_left_out,
    }


def _mean(found: MeanOverReaders | None) -> dict[str, Any] | None:
    if found is None:
        return None
    df = found.df
    return {
        "value": found.value,
        "interval": None if found.interval is None else list(found.interval),
        "df": None if df is None or math.isinf(df) else df,
        "p": found.p,
    }


def _helped(found: ReaderHelp, called: Mapping[str, str]) -> dict[str, Any]:
    sides: dict[str, Any] = {}
    for name, paired in (("sensitivity", found.sensitivity), ("specificity", found.specificity)):
        sides[name] = (
            None
            if paired is None
            else {
                "with_help": paired.first.to_json(),
                "without": paired.second.to_json(),
                "difference": paired.difference,
                "interval": list(paired.interval),
                "p": paired.p,
            }
        )
    return {"reader": called[found.reader], **sides, **_changes(found.changes)}


def _changes(found: Changes) -> dict[str, Any]:
    return {**found.__dict__, "misled": found.misled, "corrected": found.corrected}


def _kappa(found: Kappa | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {**found.__dict__, "interval": None if found.interval is None else list(found.interval)}


def _redrawn(found: Bootstrapped | None) -> dict[str, Any] | None:
    if found is None:
        return None
    one: Interval = found.interval
    return {"value": one.value, "low": one.low, "high": one.high, "method": found.method}
