"""Dataclasses to JSON and back, strictly.

A file that others write is read by the type hints of the dataclasses themselves: a missing field, an unknown field or a
value of another kind is an error that names the place (``tasks.melanocytic.presets[0].name``).
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin


class FieldError(ValueError):
    """A value does not fit the field it was read for; the message begins with the field's place."""


def encode(value: Any) -> Any:
    """Value as JSON types.

    Parameters
    ----------
    value : dataclass, mapping, sequence or scalar; an object with ``to_json()`` is asked for it.

    Raises
    ------
    FieldError
        A value JSON has no word for (NaN and infinity among them).
    """
    if hasattr(value, "to_json"):
        return value.to_json()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: encode(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [encode(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise FieldError(f"{value} cannot be written: a number that is undefined is written as null")
        return float(value)
    raise FieldError(f"a {type(value).__name__} cannot be written as JSON")


def decode(hint: Any, value: Any, place: str = "") -> Any:
    """JSON value as an object of the type ``hint``.

    Parameters
    ----------
    hint : type or annotation
        Dataclass, class with ``from_json``, scalar, enumeration, ``tuple[X, ...]``, ``tuple[X, Y]``,
        ``Mapping[str, X]``, ``Literal[...]``, ``X | None`` or ``Any``.
    value : what ``json.loads`` gave
    place : str
        Where the value stands, for messages.

    Raises
    ------
    FieldError
        The value does not fit; the message says where, what is expected and what was found.
    """
    origin = get_origin(hint)
    if hint is Any:
        return value
    if origin in (Union, types.UnionType):
        return _decode_optional(hint, value, place)
    if origin is tuple:
        return _decode_tuple(hint, value, place)
    if origin is Literal:
        return _one_of(get_args(hint), value, place)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        item_hint = get_args(hint)[1]
        return {key: decode(item_hint, item, f"{place}.{key}") for key, item in _mapping(value, place).items()}
    if hasattr(hint, "from_json"):
        return _from_json(hint, value, place)
    if dataclasses.is_dataclass(hint):
        return decode_dataclass(hint, value, place)
    return _decode_scalar(hint, value, place)


def _decode_optional(hint: Any, value: Any, place: str) -> Any:
    if value is None:
        return None
    (inner,) = (arg for arg in get_args(hint) if arg is not type(None))
    return decode(inner, value, place)


def _decode_tuple(hint: Any, value: Any, place: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise FieldError(f"{place}: a list is expected, found {_kind(value)}")
    hints = get_args(hint)
    if len(hints) == 2 and hints[1] is Ellipsis:
        hints = (hints[0],) * len(value)
    if len(hints) != len(value):
        raise FieldError(f"{place}: {len(hints)} entries are expected, found {len(value)}")
    return tuple(
        decode(item_hint, item, f"{place}[{i}]") for i, (item_hint, item) in enumerate(zip(hints, value, strict=True))
    )


def _from_json(hint: Any, value: Any, place: str) -> Any:
    try:
        return hint.from_json(_mapping(value, place))
    except FieldError:
        raise
    except Exception as error:  # the class's own complaint, whatever its type, belongs to this place
        what = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise FieldError(f"{place}: {what}") from error


def decode_dataclass(hint: Any, value: Any, place: str = "", *, complete: bool = False) -> Any:
    """JSON object as the dataclass `hint`, field by field; with `complete`, fields with a default must be there too.

    Raises
    ------
    FieldError
        A field is missing, unknown or of the wrong kind.
    """
    given = _mapping(value, place)
    fields = {field.name: field for field in dataclasses.fields(hint)}
    unknown = [name for name in given if name not in fields]
    if unknown:
        raise FieldError(f"{_join(place, unknown[0])}: unknown field")
    missing = [name for name, field in fields.items() if name not in given and (complete or not _has_default(field))]
    if missing:
        raise FieldError(f"{_join(place, missing[0])}: field is missing")
    hints = _type_hints(hint)
    return hint(**{name: decode(hints[name], item, _join(place, name)) for name, item in given.items()})


@functools.cache  # they are evaluated anew each time otherwise, which takes longer than all the rest
def _type_hints(hint: Any) -> dict[str, Any]:
    return typing.get_type_hints(hint)


def _decode_scalar(hint: Any, value: Any, place: str) -> Any:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if hint is float and is_number and math.isfinite(value):
        return float(value)
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint in (str, bool) and isinstance(value, hint):
        return value
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(_one_of([member.value for member in hint], value, place))
    raise FieldError(f"{place}: {hint.__name__} is expected, found {_kind(value)}")


def _one_of(allowed: Sequence[Any], value: Any, place: str) -> Any:
    if value not in allowed:
        raise FieldError(f"{place}: one of {', '.join(map(str, allowed))} is expected, found {_kind(value)}")
    return value


def _has_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING


def _mapping(value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise FieldError(f"{place or 'file'}: an object with named fields is expected, found {_kind(value)}")
    return value


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name


def _kind(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"
