"""Cases to make reports of: the demo bundle's card, made-up probabilities, drawn pictures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from derm_model.card import BundleCard, read_card
from derm_model.data.drawings import draw_lesion
from derm_model.report import CaseReport, MapPicture, Seen, TaskResult, build_case, task_result
from derm_model.taxonomy import Aggregator, Taxonomy, read_tasks, restrict

DEMO = Path(__file__).parents[2] / "assets" / "bundles" / "demo"
TIME = datetime(2026, 11, 23, 3, 58, tzinfo=UTC)
FILE = "Mrs-Miller-arm.jpg"
NOTICE = "**The image looks blurred.** Take it again with the lesion in focus."


def card() -> BundleCard:
    return read_card(DEMO)


def picture(seed: int, width: int = 320, height: int = 240) -> NDArray[np.uint8]:
    side = max(width, height)
    return np.ascontiguousarray(draw_lesion(seed, max(side, 64))[:height, :width])


def probabilities(seed: int, n: int) -> NDArray[np.float64]:
    values = np.random.default_rng(seed).dirichlet(np.full(n, 0.5))
    return np.asarray(values)


def seen(seed: int, n_classes: int, *, pixels: NDArray[np.uint8] | None = None, with_map: bool = True) -> Seen:
    shown = picture(seed) if pixels is None else pixels
    found = MapPicture(shown[::-1].copy(), "melanoma", "L1 norm over RGB", "", 0.7) if with_map else None
    return Seen(
        file=FILE,
        sha256=f"{seed:064x}",
        width_px=4000 + seed,
        height_px=3000,
        is_drawing=True,
        notices=(NOTICE,) if seed % 2 else (),
        probs=probabilities(seed, n_classes),
        ood_percentile=99.0 if seed == 1 else 42.0,
        picture=shown,
        map=found,
    )


def case(
    taxonomy: Taxonomy,
    *images: Seen,
    n: int = 1,
    average: bool = True,
    asked: str | None = "melanocytic",
    decided: bool = True,
) -> CaseReport:
    """A case of the demo bundle; `decided`: there are thresholds."""
    about = card()
    tasks = {task.id: restrict(task, taxonomy, about.classes) for task in read_tasks().values()}

    def answer(probs: NDArray[np.float64]) -> dict[str, TaskResult]:
        found = {}
        for task_id, classes in tasks.items():
            assert classes is not None
            known = about.tasks[task_id]
            threshold = known.presets[0].threshold if decided else None
            rule = known.presets[0].name if decided else None
            found[task_id] = task_result(classes, known, probs, threshold, rule)
        return found

    given = images or tuple(seen(seed, len(about.classes)) for seed in range(1, n + 1))
    report = build_case(about, Aggregator(taxonomy, about.classes), given, answer, average=average, asked=asked)
    return replace(report, created_at=TIME)
