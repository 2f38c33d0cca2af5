"""By what an evaluation is broken down: attributes of an image, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from derm_model.data.manifest import Record
from derm_model.data.schema import CONFIRMATIONS
from derm_model.evaluation.subgroups import age_band, age_bands

# In pairs, as studies of skin tone report them: single types are seldom told apart reliably, and seldom many.
SKIN_TYPES = {1: "I–II", 2: "I–II", 3: "III–IV", 4: "III–IV", 5: "V–VI", 6: "V–VI"}


def _skin_type(record: Record) -> str | None:
    return None if record.fitzpatrick_type is None else SKIN_TYPES[record.fitzpatrick_type]


def _confirmation(record: Record) -> str | None:
    return None if record.confirmed_by is None else record.confirmed_by.replace("_", " ")


ATTRIBUTES: Mapping[str, Callable[[Record], str | None]] = {
    "Modality": lambda record: record.modality,
    "Data set": lambda record: record.source,
    "Fitzpatrick type": _skin_type,
    "Age": lambda record: age_band(record.age),
    "Sex": lambda record: record.sex,
    "Site": lambda record: record.site,
    "Confirmed by": _confirmation,
}
ORDERS: Mapping[str, tuple[str, ...]] = {
    "Fitzpatrick type": tuple(dict.fromkeys(SKIN_TYPES.values())),
    "Age": age_bands(),
    "Confirmed by": tuple(name.replace("_", " ") for name in CONFIRMATIONS),
}
