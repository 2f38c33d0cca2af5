"""Where a model comes from, and what may be done with it: renaming and deleting. No Streamlit in here.

A new name is written into the card (``bundle.json``), and only there: the id, under which answers, features and
operating points are kept, was made of the first name and the weights, stays, and so do the weights. The stamp of the
folder changes, so that every session reads the card again.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from derm_model.bundle_zip import FOLDER, card_name
from derm_model.card import RUN_BUNDLE, bundle_roots, read_card, write_card
from derm_model.errors import BundleError, JobError
from derm_model.home import home
from derm_model.jobs import JobStore, runs_root


class Kind(StrEnum):
    """How a model came to this server, as the page says it."""

    SHIPPED = "Shipped with DermTree"
    IMPORTED = "Imported"
    TRAINED = "Trained here"
    OTHER = "In a folder of the server"


def imports_root() -> Path:
    """Folder of the imported models."""
    return home() / FOLDER


def kind_of(folder: Path) -> Kind:
    """By where it lies."""
    here = folder.resolve()
    if here.parent == imports_root().resolve():
        return Kind.IMPORTED
    if here.name == RUN_BUNDLE and here.parents[1] == runs_root().resolve():
        return Kind.TRAINED
    return Kind.SHIPPED if here.parent == bundle_roots()[0].resolve() else Kind.OTHER


def rename(folder: Path, name: str, taken: Iterable[str]) -> str:
    """Give a model another name; the new one as it is written.

    Parameters
    ----------
    folder
    name
    taken
        Names of the other models, which would be mistaken for it.

    Raises
    ------
    BundleError
        It may not be renamed, or not to this.
    """
    kind = kind_of(folder)
    if kind not in (Kind.IMPORTED, Kind.TRAINED):
        raise BundleError(f"A model can be renamed where it was imported or trained. This one: {kind.value.lower()}.")
    if kind is Kind.TRAINED and _is_training(folder.parent.name):
        raise BundleError("The training of this model is going on and may write it anew. Rename it afterwards.")
    tidy = card_name(name)
    if tidy.casefold() in {other.casefold() for other in taken}:
        raise BundleError(f"Another model here is called {tidy!r}. Choose another name.")
    try:
        write_card(replace(read_card(folder), name=tidy), folder)
    except OSError as error:
        raise BundleError(f"The card could not be written ({error.strerror}). The name is the one it was.") from error
    return tidy


def delete(folder: Path) -> None:
    """Delete an imported model; first it is renamed, so that nobody sees half of one.

    Raises
    ------
    BundleError
        It is none, or the folder cannot be changed.
    """
    if kind_of(folder) is not Kind.IMPORTED:
        raise BundleError("Only imported models are deleted here. Trained ones go with their run, on the Train page.")
    gone = folder.with_name(f".{folder.name}.deleted")
    try:
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
    except OSError as error:
        raise BundleError(f"{folder.name} could not be deleted ({error.strerror}). Nothing was changed.") from error
    shutil.rmtree(gone, ignore_errors=True)


def _is_training(run: str) -> bool:
    try:
        return JobStore(runs_root()).read(run).is_active
    except JobError:  # a training that was started from a terminal
        return False
