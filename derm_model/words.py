"""Sentences and number formats that page, report and command line share, so that they never differ.

Probabilities are whole per cent and never a false 0 or 100; scores and thresholds have two decimals, more only where
two numbers that differ would read the same; ranges use an en dash.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from derm_model.evaluation.curves import OperatingPoint
from derm_model.evaluation.subgroups import MEASURES, Gap, Subgroups

BADGE = "Research tool, not a medical device"
NOTICE = f"{BADGE}. It does not replace examination, dermoscopy or biopsy."
PRIVACY = "Images stay in this browser session. Nothing is saved unless you save it, and nothing leaves {place}."
DRAWINGS = "Made by a program to show how the page works. These are not patients, and the numbers mean nothing."
NO_POINT = (
    "This model has no threshold chosen on validation images for this question. Set your own: without images to "
    "measure it on, nothing is known of its error rates."
)
NO_SCORE = "The model puts no probability on either side of this question: it does not apply to this image."
OPTIMISTIC = "**Optimistic.** The presets were chosen on the images these rates were counted on."
PRESETS_ELSEWHERE = "The presets were chosen on validation images, not on these."
DOUBTFUL_REGION = 0.5  # below this probability it is more likely than not that a question does not apply
NPV = "NPV is high wherever a disease is rare, also with a poor test, and excludes nothing in one patient."
GROUPS_DIFFER = "Groups differ in more than the attribute: a gap says nothing about its cause."
FEW = "too few to say"
ANY_MAP = (
    "It shows **what the network reacted to**, not where disease is, and it can be wrong where the answer is right."
)
MAP = f"Darker marks pixels where a small change would move this answer most. {ANY_MAP}"


def percent(share: float) -> str:
    """Share in [0, 1] as whole per cent: ``<1%`` and ``>99%`` where rounding would say 0 or 100 falsely."""
    if 0 < share < 0.01:
        return "<1%"
    if 0.99 < share < 1:
        return ">99%"
    return f"{share:.0%}"


def fine_percent(share: float) -> str:
    """One decimal, for predictive values: ``99.3%``, ``>99.9%`` and ``<0.1%`` where rounding would say 100 or 0."""
    if 0.9995 <= share < 1:
        return ">99.9%"
    if 0 < share < 0.0005:
        return "<0.1%"
    return f"{share:.1%}"


def interval(low: float, high: float) -> str:
    """``84–94%``."""
    return f"{100 * low:.0f}–{high:.0%}"


def rate(value: float, bounds: tuple[float, float]) -> str:
    """``90% (84–94%)``; a rate of 1,994 in 2,000 is ``>99%``, as it would be for a probability."""
    return f"{percent(value)} ({interval(*bounds)})"


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
    few = missed == 0 and point.counts.missed > 0
    return (
        f"At this threshold, on {count(point.n_pos + point.n_neg)} {proven}{kind} images "
        f"(n = {count(point.n_pos)} + {count(point.n_neg)}): "
        f"sensitivity {rate(point.sensitivity, point.sensitivity_interval)}, "
        f"specificity {rate(point.specificity, point.specificity_interval)}. "
        f"{'Fewer than 1' if few else f'About {missed}'} of 100 images of {disease} fall below it."
    )


def saved_origin(name: str, chosen_on: str, who: str) -> str:
    """Where a saved threshold comes from."""
    return f"{name} was chosen on {chosen_on} by {who}."


def doubtful_region(probability: float, positive_name: str, negative_name: str) -> str | None:
    """Notice that a question may not fit; None where it is more likely than not to apply."""
    if probability >= DOUBTFUL_REGION:
        return None
    return (
        f"**This question may not fit this image.** The model puts only {percent(probability)} on "
        f"{positive_name} or {negative_name}; the score compares these two with each other."
    )


def unusual(percentile: float) -> str:
    """Notice that an image is unlike those the model learnt from; `percentile` as of a `Prediction`."""
    share = "every one" if percentile >= 100 else f"{math.floor(percentile)}%"
    return (
        f"**Unlike the images the model learnt from** (further than {share} of the validation images). "
        "Treat all numbers with extra caution."
    )


def not_unusual(percentile: float) -> str:
    """Sentence on an image that gets no such notice, which is no praise of it."""
    return f"Further from the training images than {percent(percentile / 100)} of the validation images."


def views_disagree(above: int, n: int) -> str | None:
    """Sentence for views of which some lie above the threshold and some below; None where they agree."""
    if not 0 < above < n:
        return None
    return f"The views disagree: {above} of {n} images are above the threshold on their own."


def gaps(found: Subgroups) -> str:
    """Sentence: of each measure the largest gap beyond chance between subgroups, else the largest gap."""
    sure = found.beyond_chance
    told = _largest(sure or found.gaps)
    listed = "; ".join(map(_gap, told))
    if not told:
        return "No two groups have enough images to be compared."
    if not sure:
        return f"No gap beyond chance. The largest: {listed}."
    more = len(sure) - len(told)
    return f"Gaps beyond chance: {listed}{f'; and {count(more)} more' if more else ''}."


def _largest(ordered: Sequence[Gap]) -> list[Gap]:
    """The first gap of each measure."""
    first = {measure: next((gap for gap in ordered if gap.measure == measure), None) for measure in MEASURES}
    return [gap for gap in first.values() if gap is not None]


def _gap(gap: Gap) -> str:
    """``sensitivity 12 points (3 to 21) between dermoscopic and clinical``; an area has no points."""
    low, high = gap.interval
    if gap.measure == "auc":
        size = f"AUC {gap.difference:.2f} ({_signed(low, 2)} to {_signed(high, 2)})"
    else:
        points = plural(round(100 * gap.difference), "point")
        size = f"{gap.measure} {points} ({_signed(100 * low, 0)} to {_signed(100 * high, 0)})"
    return f"{size} between {gap.best} and {gap.worst}"


def _signed(value: float, decimals: int) -> str:
    """With a minus sign, and no sign before a zero."""
    return f"{round(value, decimals) + 0.0:.{decimals}f}".replace("-", "−")
