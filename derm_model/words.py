"""Sentences and number formats that page, report and command line share, so that they never differ.

Probabilities are whole per cent and never a false 0 or 100; scores and thresholds have two decimals, more only where
two numbers that differ would read the same; ranges use an en dash.
"""

from __future__ import annotations

from derm_model.evaluation.curves import OperatingPoint

BADGE = "Research tool, not a medical device"
NOTICE = f"{BADGE}. It does not replace examination, dermoscopy or biopsy."
PRIVACY = "Images stay in this browser session. Nothing is saved and nothing leaves {place}."
DRAWINGS = "Made by a program to show how the page works. These are not patients, and the numbers mean nothing."
NO_POINT = (
    "This model has no threshold chosen on validation images for this question. Set your own: without images to "
    "measure it on, nothing is known of its error rates."
)
MAP = (
    "Darker marks pixels where a small change would move this answer most. It shows **what the network reacted to**, "
    "not where disease is, and it can be wrong where the answer is right."
)


def percent(share: float) -> str:
    """Share in [0, 1] as whole per cent: ``<1%`` and ``>99%`` where rounding would say 0 or 100 falsely."""
    if 0 < share < 0.01:
        return "<1%"
    if 0.99 < share < 1:
        return ">99%"
    return f"{share:.0%}"


def interval(low: float, high: float) -> str:
    """``84–94%``."""
    return f"{100 * low:.0f}–{high:.0%}"


def rate(value: float, bounds: tuple[float, float]) -> str:
    """``90% (84–94%)``."""
    return f"{value:.0%} ({interval(*bounds)})"


def number(value: float, *others: float) -> str:
    """Score or threshold with two decimals, or as many (up to four) as tell it from 0, 1 and `others`."""
    text = ""
    for decimals in (2, 3, 4):
        text = f"{value:.{decimals}f}"
        if all(value == other or text != f"{other:.{decimals}f}" for other in (0.0, 1.0, *others)):
            break
    return text


def count(n: int) -> str:
    """``8,012``."""
    return f"{n:,}"


def plural(n: int, noun: str, many: str | None = None) -> str:
    """``1 image``, ``3 images``; `many` where an s does not do."""
    return f"{count(n)} {noun if n == 1 else many or noun + 's'}"


def error_rates(point: OperatingPoint, *, disease: str, biopsy_proven: bool, held_out: bool) -> str:
    """The sentence beside a threshold: on which images, how often right, and how many are missed.

    Parameters
    ----------
    disease
        What the question looks for ("melanoma").
    held_out
        Whether the images took part neither in learning nor in choosing the threshold.
    """
    proven = "biopsy-proven " if biopsy_proven else ""
    kind = "held-out" if held_out else "validation"
    missed = round(100 * (1 - point.sensitivity))
    return (
        f"At this threshold, on {count(point.n_pos + point.n_neg)} {proven}{kind} images "
        f"(n = {count(point.n_pos)} + {count(point.n_neg)}): "
        f"sensitivity {rate(point.sensitivity, point.sensitivity_interval)}, "
        f"specificity {rate(point.specificity, point.specificity_interval)}. "
        f"About {missed} of 100 images of {disease} fall below it."
    )
