"""Figures with their intervals as text, the same in terminal, report and page."""

from __future__ import annotations

from derm_model.assessment.question_figures import PointFigures
from derm_model.evaluation.bootstrap import Bootstrapped
from derm_model.evaluation.metrics import Interval

UNDEFINED = "not defined"


def decimals(found: Interval) -> str:
    """``0.912 (0.885–0.941)``."""
    return f"{found.value:.3f} ({found.low:.3f}–{found.high:.3f})"


def share(found: Interval) -> str:
    """``62.3% (56.1–68.3%)``; an interval without width is none: every redrawing of few images gave the same."""
    if found.low == found.high:
        return f"{found.value:.1%} (interval {UNDEFINED})"
    return _share(found.value, found.low, found.high)


def rates(found: PointFigures) -> tuple[str, str]:
    """Sensitivity and specificity, with intervals over patients or lesions; Wilson's where these cannot answer."""
    point = found.point
    return (
        _rate(point.sensitivity, point.sensitivity_interval, found.sensitivity),
        _rate(point.specificity, point.specificity_interval, found.specificity),
    )


def by_group(found: Bootstrapped | None) -> str:
    """The interval over patients or lesions; "" where there is none."""
    if found is None:
        return ""
    return f"{found.interval.low:.3f}–{found.interval.high:.3f} over {found.n_units:,} patients or lesions"


def _rate(value: float, wilson: tuple[float, float], redrawn: Bootstrapped | None) -> str:
    low, high = wilson if redrawn is None else (redrawn.interval.low, redrawn.interval.high)
    return _share(value, low, high)


def _share(value: float, low: float, high: float) -> str:
    return f"{value:.1%} ({100 * low:.1f}–{high:.1%})"
