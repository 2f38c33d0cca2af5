"""On which side of an operating point a score lies, and what may be said about it.

The words speak of the image and the threshold, never of a patient's fate: "above" suggests a next step, "below"
reassures nobody.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from derm_model.evaluation.curves import OperatingCurve

ABOVE = "Consider biopsy or referral."
BELOW = "This does not exclude malignancy. Decide on the clinical picture."
CLOSE = "A slightly different threshold or image would change the side."


@dataclass(frozen=True)
class Verdict:
    """A score against a threshold; `close` when known images cannot tell this threshold from one at the score."""

    score: float
    threshold: float
    above: bool
    close: bool

    @property
    def mark(self) -> str:
        """Arrow that goes with the heading."""
        return "↑" if self.above else "↓"

    @property
    def heading(self) -> str:
        """Side in words."""
        side = "Above" if self.above else "Below"
        return f"Close to the operating point, just {side.lower()} it" if self.close else f"{side} the operating point"

    @property
    def suggestion(self) -> str:
        """What follows from the side; the suggestion for the side stays when the score is close."""
        side = ABOVE if self.above else BELOW
        return f"{CLOSE} {side}" if self.close else side


def judge(score: float, threshold: float, curve: OperatingCurve | None) -> Verdict:
    """Verdict on `score` at `threshold`.

    Parameters
    ----------
    score : float
        Task score in [0, 1].
    curve
        Curve on known images from which the closeness is taken; without one nothing is called close.

    Raises
    ------
    ValueError
        The score is NaN: there is nothing to decide on.
    """
    if math.isnan(score):
        raise ValueError("there is no score to decide on: the network gives this question no probability at all")
    close = curve is not None and curve.is_close(score, curve.at_threshold(threshold))
    return Verdict(score=score, threshold=threshold, above=score >= threshold, close=close)
