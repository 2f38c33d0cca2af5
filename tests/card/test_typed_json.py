"""Strict reading of JSON by type hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import pytest

from derm_model.typed_json import FieldError, decode, encode


@dataclass(frozen=True)
class Inner:
    name: str
    share: float | None


@dataclass(frozen=True)
class Outer:
    n: int
    flag: bool
    pair: tuple[float, float]
    inner: tuple[Inner, ...]
    named: Mapping[str, Inner]
    anything: Mapping[str, Any]
    note: str = "none"


WHOLE = Outer(3, True, (0.5, 1.0), (Inner("a", None),), {"b": Inner("b", 0.25)}, {"x": [1, "two", None]})


def test_what_was_written_is_read_back_as_the_same() -> None:
    assert decode(Outer, encode(WHOLE)) == WHOLE


def test_a_field_with_a_default_may_be_missing() -> None:
    content = encode(WHOLE)
    del content["note"]
    assert decode(Outer, content) == WHOLE


def test_a_whole_number_is_a_float_and_not_the_other_way_round() -> None:
    assert decode(float, 3) == 3.0
    with pytest.raises(FieldError):
        decode(int, 3.0, "n")


@pytest.mark.parametrize(
    "change, message",
    [
        ({"n": True}, "^n: int is expected, found bool True"),
        ({"n": "3"}, "^n: int is expected, found str '3'"),
        ({"flag": 1}, "^flag: bool is expected"),
        ({"pair": [1.0]}, "^pair: 2 entries are expected, found 1"),
        ({"pair": [1.0, float("nan")]}, r"^pair\[1\]: float is expected"),
        ({"inner": {}}, "^inner: a list is expected"),
        ({"inner": [{"name": "a"}]}, r"^inner\[0\].share: field is missing"),
        ({"named": {"b": {"name": 1, "share": None}}}, "^named.b.name: str is expected"),
        ({"named": []}, "^named: an object with named fields is expected"),
        ({"extra": 1}, "^extra: unknown field"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_its_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError, match=message):
        decode(Outer, encode(WHOLE) | change)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
def test_what_json_has_no_word_for_cannot_be_written(value: object) -> None:
    with pytest.raises(FieldError, match="cannot be written"):
        encode({"value": value})


def test_a_literal_is_one_of_its_words() -> None:
    assert decode(Literal["high", "low"], "low") == "low"
    for wrong in ("lower", None, ["low"], 1):
        with pytest.raises(FieldError, match=r"^at: one of high, low is expected"):
            decode(Literal["high", "low"], wrong, "at")


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


def test_an_enumeration_is_written_as_its_value_and_read_strictly() -> None:
    written = encode(Colour.RED)
    assert written == "red" and type(written) is str
    assert decode(Colour, written) is Colour.RED
    with pytest.raises(FieldError, match=r"^c: one of red, blue is expected, found str 'green'"):
        decode(Colour, "green", "c")
