"""Every number a report's JSON holds, as the page writes it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from derm_model import words
from derm_model.report import CaseReport, case_json

SMALL = 0.01  # below, a class is counted and not listed


def told(report: CaseReport) -> Iterator[str]:
    """Texts that must stand in every report, from the JSON and not from the report's own words."""
    document = json.loads(case_json(report))
    yield from (document["bundle"], document["licence"], document["taxonomy_digest"], document["notice"])
    answers = [document, *document["images"]] if document["class_probs"] else document["images"]
    for answer in answers:
        names = document["names"]
        for key, probability in (answer["nodes"] or {}).items():
            yield names[key]
            if probability is not None and probability >= SMALL:
                yield words.percent(probability)
        for key, probability in answer["class_probs"].items():
            if probability >= SMALL:
                yield from (names[key], words.percent(probability))
        for task in answer["tasks"].values():
            yield from _task(task)
    for image in document["images"]:
        yield f"{image['width_px']:,} × {image['height_px']:,} px"
        yield image["sha256"][:16]
        yield from (notice.replace("**", "") for notice in image["notices"])


def _task(task: dict[str, Any]) -> Iterator[str]:
    score, threshold, rates = task["score"], task["threshold"], task["rates"]
    yield task["question"]
    if score is not None:
        yield words.number(score) if threshold is None else words.number(score, threshold)[:4]
    if threshold is not None and score is not None:
        yield words.number(threshold, score)[:4]
    yield words.percent(task["region_probability"])
    if rates is not None:
        for name in ("sensitivity", "specificity"):
            low, high = rates[f"{name}_interval"]
            yield words.percent(rates[name])
            yield words.interval(low, high)
        yield f"{rates['n_pos']:,} + {rates['n_neg']:,}"
