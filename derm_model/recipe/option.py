"""One option of the recipe as a form shows it; the table of all is `options`. No torch in here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from derm_model.recipe.config import allowed_range


class Kind(StrEnum):
    """How a value is given, as the end of "... wants"."""

    NUMBER = "a number"
    WHOLE = "a whole number"
    FLAG = "true or false"
    CHOICE = "one of its choices"
    TRIPLE = "three numbers, e.g. 0.5,0.5,0.5"
    STAGES = "PX:EPOCHS for each stage, e.g. 192:4 240:2"
    WEIGHTS = "SOURCE=WEIGHT on each line, e.g. PAD-UFES-20=5"
    SOURCE = "imagenet, random, or a path"


@dataclass(frozen=True)
class Option:
    """One field of `TrainConfig`, explained.

    Attributes
    ----------
    name
        Of the field.
    label
        A few words.
    help
        What it does, with the reason or the source of its default.
    kind
    choices
        Value -> words, where it is one of several.
    optional
        Whether it may be without a value.
    only_with
        Field and the values of it with which this one has an effect; None: always.
    step
        A sensible change.
    """

    name: str
    label: str
    help: str
    kind: Kind
    choices: Mapping[str, str] = field(default_factory=dict)
    optional: bool = False
    only_with: tuple[str, tuple[object, ...]] | None = None
    step: float = 1

    @property
    def bounds(self) -> tuple[float, float]:
        """Smallest and largest value, both allowed."""
        return allowed_range(self.name)

    def has_effect(self, values: Mapping[str, object]) -> bool:
        """Whether it does something beside these values of other fields."""
        if self.only_with is None:
            return True
        name, wanted = self.only_with
        return values.get(name) in wanted
