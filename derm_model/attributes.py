"""By what figures are broken down, on a card and in an evaluation: attributes of an image, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from numpy.typing import ArrayLike

from derm_model.data.manifest import Record
from derm_model.data.schema import CONFIRMATIONS
from derm_model.evaluation.subgroups import Subgroups, age_band, age_bands, subgroups

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


def by_attribute(
    records: Sequence[Record], labels: ArrayLike, scores: ArrayLike, threshold: float
) -> dict[str, Subgroups]:
    """Figures of the images' subgroups, by attribute; only attributes with two stated values or more.

    Parameters
    ----------
    records
        n images.
    labels : (n,) bool
        True for diseased images.
    scores : (n,) float
        Higher means more suspicious; finite.
    threshold
        An image is called when its score >= threshold.
    """
    values = {name: [value_of(record) for record in records] for name, value_of in ATTRIBUTES.items()}
    return {
        name: subgroups(labels, scores, threshold, own, order=ORDERS.get(name, ()))
        for name, own in values.items()
        if len(set(own) - {None}) > 1
    }
