"""The view of the desk as the query of its address, and back. No Streamlit.

An address holds numbers, the id of a bundle, of a question and of images, and never a name, a path or an image: who
opens it on another server sees nothing but what that server would show anyway.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from pages.ui.threshold.hand import MAX_COST, MAX_PREVALENCE, MIN_COST, MIN_PREVALENCE, Hand

KEYS = ("model", "question", "images", "threshold", "chosen", "prevalence", "cost", "compare", "compared")
_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,199}")
BY_COST = "cost"  # as `chosen`: by the cost ratio, on validation images


@dataclass(frozen=True)
class Link:
    """What an address says; None where it says nothing. `unusable` names what it said wrongly.

    Attributes
    ----------
    model, question, images
        Ids: of the bundle, the question, and the images shown.
    threshold, compare
        Points A and B, in [0, 1].
    chosen
        Key of the images A was chosen on; `compared` of those B was.
    prevalence, cost
        As in `Hand`.
    follows_cost
    """

    model: str | None = None
    question: str | None = None
    images: str | None = None
    threshold: float | None = None
    chosen: str | None = None
    prevalence: float | None = None
    cost: float | None = None
    compare: float | None = None
    compared: str | None = None
    follows_cost: bool = False
    unusable: tuple[str, ...] = ()

    def onto(self, hand: Hand) -> None:
        """Set what the address says; a threshold without a word on its origin is of unknown origin."""
        if self.threshold is not None:
            hand.move(self.threshold, self.chosen or "", by_cost=self.follows_cost)
        hand.other, hand.other_chosen_on = self.compare, self.compared or ""
        hand.prevalence = self.prevalence
        if self.cost is not None:
            hand.cost = self.cost


def read(query: Mapping[str, str]) -> Link:
    """What a query says; keys of others are passed over, and what cannot be is left out and named."""
    unusable: list[str] = []

    def word(key: str) -> str | None:
        text = query.get(key)
        if text is None or _ID.fullmatch(text):
            return text
        unusable.append(key)
        return None

    def number(key: str, low: float, high: float) -> float | None:
        if key not in query:
            return None
        try:
            value = float(query[key])
        except ValueError:
            value = math.nan
        if low <= value <= high:
            return value
        unusable.append(key)
        return None

    chosen = word("chosen")
    by_cost = chosen is not None and chosen.endswith(f".{BY_COST}")
    return Link(
        model=word("model"),
        question=word("question"),
        images=word("images"),
        threshold=number("threshold", 0, 1),
        chosen=chosen.removesuffix(f".{BY_COST}") if chosen else None,
        prevalence=number("prevalence", MIN_PREVALENCE, MAX_PREVALENCE),
        cost=number("cost", MIN_COST, MAX_COST),
        compare=number("compare", 0, 1),
        compared=word("compared"),
        follows_cost=by_cost,
        unusable=tuple(unusable),
    )


def write(model: str, question: str, images: str, hand: Hand) -> dict[str, str]:
    """The query of a view; `read` gives the same view, to the last digit."""
    chosen = f"{hand.chosen_on}.{BY_COST}" if hand.follows_cost else hand.chosen_on
    query = {
        "model": model,
        "question": question,
        "images": images,
        "threshold": repr(hand.threshold),
        "chosen": chosen or None,
        "prevalence": None if hand.prevalence is None else repr(hand.prevalence),
        "cost": repr(hand.cost),
        "compare": None if hand.other is None else repr(hand.other),
        "compared": hand.other_chosen_on or None,
    }
    return {key: value for key, value in query.items() if value is not None}
