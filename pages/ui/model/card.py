"""The card: every section folds, and the whole can be taken away as Markdown or with the model as a zip."""

from __future__ import annotations

import io

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.bundle_zip import safe_name, write_zip
from derm_model.card import CARD_FILE, WEIGHTS_FILE
from derm_model.card_text import markdown, sections
from pages.ui import access, look
from pages.ui.resources import Model

OPEN = frozenset({"use", "figures", "limits"})  # what nobody should miss
ICONS = {
    "use": "info",
    "data": "dataset",
    "training": "model_training",
    "partition": "account_tree",
    "figures": "query_stats",
    "calibration": "balance",
    "subgroups": "groups",
    "points": "tune",
    "limits": "warning",
    "files": "fingerprint",
}


def draw_card(model: Model) -> None:
    """Draw it."""
    _draw_downloads(model)
    sizes = file_sizes(model)
    for section in sections(model.card, taxonomy=model.taxonomy, sizes=sizes, plain=look.plain):
        with st.expander(
            section.title,
            expanded=section.key in OPEN,
            icon=f":material/{ICONS[section.key]}:",
            key=f"card_{section.key}",
        ):
            st.markdown(section.text)


def file_sizes(model: Model) -> dict[str, int]:
    """Bytes of the bundle's files; a file that is gone by now has none."""
    files = [model.folder / name for name in (CARD_FILE, WEIGHTS_FILE)]
    return {file.name: file.stat().st_size for file in files if file.is_file()}


def as_zip(model: Model) -> bytes:
    """The bundle as a zip file.

    Raises
    ------
    BundleError
        A file of it is missing or damaged.
    """
    buffer = io.BytesIO()
    write_zip(model.folder, buffer)
    return buffer.getvalue()


def _draw_downloads(model: Model) -> None:
    """Both are built when they are asked for: a model has some 45 MB, and the page is drawn on every click."""
    name = safe_name(model.card.name)
    with st.container(horizontal=True, key="card_downloads"):
        st.download_button(
            "Card (Markdown)",
            access.later(
                Right.CLASSIFY, lambda: markdown(model.card, taxonomy=model.taxonomy, sizes=file_sizes(model))
            ),
            f"{name}-card.md",
            "text/markdown",
            key="card_markdown",
            on_click="ignore",
            icon=":material/download:",
        )
        st.download_button(
            "Model (zip)",
            access.later(Right.CLASSIFY, lambda: as_zip(model)),
            f"{name}.zip",
            "application/zip",
            key="card_zip",
            on_click="ignore",
            icon=":material/folder_zip:",
            help="Card and weights, to be imported on another DermTree. It takes some seconds until it begins.",
        )
    megabytes = sum(file_sizes(model).values()) / 1e6
    st.caption(f"The zip has {megabytes:,.1f} MB. {words.NOTICE} The licence of the model goes with it.")
