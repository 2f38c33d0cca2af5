"""Importers: from the official files of public data sets to manifests. One module each, one registry.

A module holds an `Importer` named `IMPORTER` and is named in `MODULES`; its place there is its place in lists.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from types import MappingProxyType

from derm_model.data.importers.base import Importer
from derm_model.errors import ImportProblem

MODULES = (
    "ham10000",
    "isic2016",
    "isic2017",
    "isic2018",
    "isic2019",
    "isic2020",
    "isic_archive",
    "pad_ufes_20",
    "fitzpatrick17k",
    "derm7pt",
    "ddi",
    "dermofit",
    "scin",
    "folders",
    "csv_table",
)

__all__ = ["IMPORTERS", "Importer", "importer"]


@lru_cache(maxsize=1)
def _registry() -> Mapping[str, Importer]:
    found = [import_module(f"{__name__}.{module}").IMPORTER for module in MODULES]
    return MappingProxyType({entry.name: entry for entry in found})


IMPORTERS: Mapping[str, Importer] = _registry()


def importer(name: str) -> Importer:
    """Return the importer of a data set by its command-line name; case, hyphens and underscores do not count."""
    wanted = name.strip().casefold().replace("-", "_")
    try:
        return IMPORTERS[wanted]
    except KeyError:
        raise ImportProblem(f"There is no importer {name!r}. Choose one of {', '.join(IMPORTERS)}.") from None
