"""A model from a zip: what is in it is said first, then it is checked, loaded once and offered."""

from __future__ import annotations

from pathlib import Path
from typing import IO

import streamlit as st

from derm_model.access import Right
from derm_model.bundle_zip import MAX_MB, MAX_NAME, foreign_taxonomy, free_name, import_zip, look_into
from derm_model.card import BundleCard, find_bundles, folder_name
from derm_model.card_text import summary
from derm_model.errors import BundleError, DermTreeError, NotAllowed
from pages.ui import access, look, resources, state
from pages.ui.model import shelf


def draw_import() -> None:
    """Uploader, and what was found in the file; nothing for who may not import."""
    if not access.may(Right.MODELS):
        return
    st.markdown("##### Import a model")
    if not is_offered(shelf.imports_root()):
        st.markdown(
            "This server was started with models of other folders only (`DERM_BUNDLES`), so an imported one would not "
            "be offered. Whoever runs it can copy a bundle into one of these folders, or leave `DERM_BUNDLES` out."
        )
        return
    file = st.file_uploader(
        "Model as a zip",
        type="zip",
        max_upload_size=MAX_MB,
        key=f"{state.MODEL_FILE}_{state.bundle_door()}",
        help="As another DermTree exports it: bundle.json and weights.safetensors. Nothing in it is ever executed.",
    )
    st.caption(
        "It is checked before it is offered: names, sizes, the card, the SHA-256 of the weights, the taxonomy, and "
        "whether it can be loaded. All who open this server can choose it then. No model is ever replaced."
    )
    if file is None:
        return
    try:
        card = look_into(file)
    except BundleError as error:
        _draw_problem(file.name, str(error))
        return
    _draw_found(file, file.name, card)


def is_offered(root: Path) -> bool:
    """Whether models of this folder are among those this server offers."""
    return root.resolve() in {place.resolve() for place in resources.places()}


def take_imported() -> None:
    """Begin with the model that was just imported; before the frame draws the choice."""
    folder = state.take_imported()
    if folder is not None:
        st.session_state[state.MODEL] = folder
        st.session_state[state.MODEL_VIEW] = "card"


def _draw_found(file: IO[bytes], file_name: str, card: BundleCard) -> None:
    with st.container(border=True, key="model_found"):
        st.markdown(f"**{look.plain(card.name)}:** {summary(card)} Made {look.moment(card.created_at)}.")
        st.markdown(f"**Licence:** {look.plain(card.licence)}")
        own = resources.taxonomy().digest
        if card.taxonomy_digest != own:
            st.warning(
                "**It was made for another taxonomy** "
                f"{foreign_taxonomy(look.plain(card.taxonomy_digest[:12]), own[:12])}",
                icon=":material/account_tree:",
            )
            return
        st.markdown(f"**Taxonomy:** the one used here ({own[:12]}). **Bundle:** {look.plain(card.bundle_id)}")
        twins = [m.card.name for m in resources.models()[0] if m.card.weights_sha256 == card.weights_sha256]
        if twins:
            st.markdown(
                f"The same weights are here already: {look.plain(', '.join(twins))}. A second copy may be made."
            )
        name = f"import_name_{state.bundle_door()}_{card.bundle_id}"
        st.session_state.setdefault(name, free_name(card.name[:MAX_NAME], taken_names()))
        st.text_input("Name here", key=name, max_chars=MAX_NAME)
        wanted = st.button("Import this model", key="import_model", type="primary", icon=":material/download_done:")
        if wanted:
            _import(file, file_name, st.session_state[name])


def taken_names() -> list[str]:
    """Names of the models here, and of the folders of those that cannot be used."""
    return [m.card.name for m in resources.models()[0]] + [folder_name(f) for f in find_bundles([shelf.imports_root()])]


def _draw_problem(file: str, reason: str) -> None:
    st.error(f"**{look.plain(file)} was not imported.** {look.plain(reason)}", icon=":material/error:")


def _import(file: IO[bytes], file_name: str, name: str) -> None:
    """Import it; what is wrong stands beside the button."""
    try:
        access.who(Right.MODELS)
        with st.spinner("Checking the model and loading it once"):
            folder = import_zip(file, resources.taxonomy(), check=load_once, name=name)
    except (BundleError, NotAllowed) as error:
        _draw_problem(file_name, str(error))
        return
    state.renew_bundle_door()
    state.set_imported(str(folder))
    state.say(f"{look.plain(name)} is imported. All pages use it now.")
    st.rerun()


def load_once(folder: Path) -> None:
    """Load a bundle and forget it.

    Raises
    ------
    BundleError
        It cannot be loaded, for whatever reason.
    """
    from derm_model.net.bundle import load_bundle

    try:
        load_bundle(folder, resources.taxonomy())
    except DermTreeError:
        raise
    except Exception as error:  # a stranger's file: what nobody thought of is a reason to refuse it, too
        raise BundleError(f"It cannot be loaded ({type(error).__name__}: {error}). Export it again.") from error
