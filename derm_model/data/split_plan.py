"""How a collection is to be split. Light: settings and forms read it without pandas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from derm_model.errors import SplitError
from derm_model.typed_json import FieldError, decode_dataclass, encode


@dataclass(frozen=True)
class SplitPlan:
    """How to split.

    Attributes
    ----------
    test_sources
        Sources that are test sets, whole.
    use_official_test
        Whether the images that a data set itself calls test are test images. Where they are not, they are development
        images like any other.
    test_fraction
        Share of each class's other images to draw for the test set, by group (0 <= fraction < 1).
    test_confirmations
        Only images whose `confirmed_by` is one of these test, e.g. ("histopathology",); None for any.
    n_folds
        Of the development images, >= 2. The paper: 9.
    stratify_level
        Level of the taxonomy (1: roots) whose classes are spread evenly; None for the nodes themselves.
    stratify_source
        Whether each source's classes are spread evenly by themselves.
    seed
        Draws between groups that weigh the same.
    """

    test_sources: tuple[str, ...] = ()
    use_official_test: bool = True
    test_fraction: float = 0.0
    test_confirmations: tuple[str, ...] | None = None
    n_folds: int = 9
    stratify_level: int | None = None
    stratify_source: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.test_fraction < 1:
            raise SplitError(
                f"The share of test images must be at least 0 and below 1. It is {self.test_fraction}. Give e.g. 0.15."
            )
        if self.n_folds < 2:
            raise SplitError(f"Cross-validation needs two folds or more. {self.n_folds} asked for. The paper has 9.")
        if self.stratify_level is not None and self.stratify_level < 1:
            raise SplitError(f"Levels of the taxonomy start at 1, the roots. {self.stratify_level} asked for.")

    def to_json(self) -> dict[str, Any]:
        """As JSON types; `plan_from_json` reads it back."""
        # not encode(self), which would ask this method
        return {name: encode(value) for name, value in vars(self).items()}


def plan_from_json(values: Mapping[str, Any]) -> SplitPlan:
    """Read a plan back; what is missing has its default.

    Raises
    ------
    SplitError
        A value does not fit.
    """
    try:
        plan: SplitPlan = decode_dataclass(SplitPlan, dict(values))
    except FieldError as error:
        raise SplitError(
            f"A plan of a split holds the fields of SplitPlan. {error}. Choose the split again."
        ) from error
    return plan
