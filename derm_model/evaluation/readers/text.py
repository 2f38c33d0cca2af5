"""Sentences about readers and the network, each no stronger than what was counted."""

from __future__ import annotations

from collections.abc import Sequence

from derm_model.evaluation.readers.against_curve import AgainstCurve, n_below

BELOW = "A point below the curve: the network has a higher specificity at that reader's sensitivity, on these images."


def outperformed(found: Sequence[AgainstCurve], noun: str = "readers") -> str:
    """Return how many readers the network outperformed in the paper's sense: whose points lie below its curve.

    Parameters
    ----------
    found
        At least one.
    noun
        What the readers are, in the plural.

    Raises
    ------
    ValueError
        There are none.
    """
    if not found:
        raise ValueError("there is no reader with a point to speak of")
    n_on = sum(one.position == "on" for one in found)
    on = f", {n_on} on it" if n_on else ""
    return (
        f"The network outperformed {n_below(found)} of {len(found)} {noun}{on}: at such a reader's sensitivity its "
        "specificity is higher, on these images."
    )
