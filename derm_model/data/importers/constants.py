"""What a person can say of all images of their own collection at once: source, labels' data set, modality, ..."""

from __future__ import annotations

from dataclasses import replace

from derm_model.data.importers.base import Option, Options, first
from derm_model.data.importers.row import OfficialRow
from derm_model.data.schema import CONFIRMATIONS, MODALITIES, OFFICIAL_SPLITS

OPTIONS = (
    Option("source", "name of the collection; by default the folder's name", "NAME"),
    Option("labels_of", "data set of the crosswalk whose labels are used, e.g. HAM10000; else taxonomy nodes", "NAME"),
    Option("modality", "of all images", choices=MODALITIES),
    Option("confirmed_by", "how all diagnoses were confirmed", choices=CONFIRMATIONS),
    Option("official_split", "part that all images belong to", choices=OFFICIAL_SPLITS),
    Option("licence", "of all images", "TEXT"),
)


def with_constants(row: OfficialRow, options: Options, source: str) -> OfficialRow:
    """Fill what the row does not say itself with what was said of all."""
    return replace(
        row,
        source=row.source or first(options, "source") or source,
        labels_of=first(options, "labels_of"),
        modality=row.modality or first(options, "modality"),
        confirmed_by=row.confirmed_by or first(options, "confirmed_by"),
        official_split=row.official_split or first(options, "official_split"),
        licence=row.licence or first(options, "licence"),
    )
