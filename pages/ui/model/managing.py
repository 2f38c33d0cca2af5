"""Import, rename, delete: what may be done with the chosen model, and why not where it may not."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from derm_model.access import Right
from derm_model.bundle_zip import MAX_NAME
from derm_model.errors import BundleError, NotAllowed
from pages.ui import access, look, resources, state
from pages.ui.confirming import draw_keep_or_delete
from pages.ui.model import importing, shelf
from pages.ui.model.shelf import Kind
from pages.ui.resources import Model
from pages.ui.train.links import draw_page_link

WHY_FIXED = {
    Kind.SHIPPED: "It came with DermTree and is the same on every computer, so it can be neither renamed nor deleted. "
    "To have it under a name of your own, take it away as a zip (in its card) and import that: the import asks for a "
    "name.",
    Kind.OTHER: "It lies in a folder this server was started with (`DERM_BUNDLES`), so whoever runs the server renames "
    "and deletes it.",
}


def draw_manage(model: Model) -> None:
    """The chosen model, then the door for others."""
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("##### This model")
        kind = shelf.kind_of(model.folder)
        if kind in WHY_FIXED:
            st.markdown(WHY_FIXED[kind])
        else:
            _draw_rename(model)
            _draw_delete(model, kind)
        st.caption(f"Folder on the server: {look.plain(str(model.folder))}")
    with right:
        importing.draw_import()


def _draw_rename(model: Model) -> None:
    key = f"{state.MODEL_NAME}_{model.card.bundle_id}_{model.stamp}"
    with st.form("rename_model", border=False):
        st.text_input("Name", value=model.card.name[:MAX_NAME], key=key, max_chars=MAX_NAME)
        st.form_submit_button("Rename", icon=":material/edit:", on_click=_rename, args=(model, key))
    st.caption("For all who use this server. Weights, id, kept answers and saved operating points stay as they are.")


def _rename(model: Model, key: str) -> None:
    others = [other.card.name for other in resources.models()[0] if other.folder != model.folder]
    try:
        access.who(Right.MODELS)
        name = shelf.rename(model.folder, st.session_state[key], others)
    except (BundleError, NotAllowed) as error:
        state.say(f"**It was not renamed.** {look.plain(str(error))}", failed=True)
        return
    state.say(f"The model is called {look.plain(name)} now.")


def _draw_delete(model: Model, kind: Kind) -> None:
    if kind is Kind.TRAINED:
        st.markdown("A trained model is deleted with its run, on the Train page.")
        draw_page_link("train", "Open Train", ":material/model_training:")
        return
    st.button(
        "Delete",
        key="ask_delete_model",
        icon=":material/delete:",
        on_click=state.ask_to_delete_model,
        args=(str(model.folder),),
    )


def draw_question() -> None:
    """Ask before an imported model is deleted; one that is gone by now needs no question."""
    wanted = state.deleting_model()
    found = [model for model in resources.models()[0] if str(model.folder) == wanted]
    if not found:
        state.ask_to_delete_model(None)
        return
    st.dialog("Delete this model?", icon=":material/delete:", on_dismiss=_keep)(_ask)(found[0])


def _ask(model: Model) -> None:
    st.markdown(f"**{look.plain(model.card.name)}** goes for all who use this server. This cannot be undone.")
    st.markdown(
        "Kept answers and saved operating points stay, and are found again when the same model is imported again. To "
        "keep the model itself, take it away as a zip first."
    )
    draw_keep_or_delete("model", _keep, lambda: _delete(model.folder, model.card.name))


def _keep() -> None:
    state.ask_to_delete_model(None)


def _delete(folder: Path, name: str) -> None:
    _keep()
    try:
        access.who(Right.MODELS)
        shelf.delete(folder)
    except (BundleError, NotAllowed) as error:
        state.say(f"**It was not deleted.** {look.plain(str(error))}", failed=True)
        return
    state.say(f"{look.plain(name)} is deleted.")
