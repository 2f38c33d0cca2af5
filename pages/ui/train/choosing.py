"""The box in which labelled images are chosen: a workspace, or a manifest whose path is typed. Train and Evaluate."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from derm_model.errors import DermTreeError
from pages.ui.dataset import places
from pages.ui.train import links, sources
from pages.ui.train.sources import Images


def choose_images(label: str, known: Sequence[Images], key: str, *, nothing: str) -> tuple[Images | None, str]:
    """Draw it.

    Parameters
    ----------
    label
        Of the box.
    known
        What is offered.
    key
        Of its session value.
    nothing
        What to say while nothing is chosen.

    Returns
    -------
    tuple
        The collection, and why there is none.
    """
    labels = {images.path: images.label for images in known}
    if st.session_state.get(key) is None and known:
        st.session_state[key] = known[0].path
    permitted = " or ".join(f"`{root}`" for root in places.roots())
    chosen = st.selectbox(
        label,
        list(labels),
        format_func=lambda path: labels.get(path, path),
        key=key,
        accept_new_options=True,
        index=None,
        persist_state="session",
        placeholder="Choose a workspace, or type the path of a manifest",
        help=f"A workspace of the Data page with its folds, or a manifest (CSV or Parquet) below {permitted}.",
    )
    if not known:
        with st.container(border=True, key=f"no_images_{key}", gap="xsmall"):
            st.markdown(
                "**No images yet.** Import a data set on the Data page, or put a manifest "
                f"(docs/data-format.md) below {permitted} and type its path above."
            )
            links.draw_page_link("dataset", "Import images", ":material/dataset:")
    if not chosen:
        return None, nothing
    try:
        return sources.find(chosen, known), ""
    except DermTreeError as error:
        return None, str(error).replace("Data sets may be imported", "Manifests may be read")
