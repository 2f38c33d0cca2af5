"""Own taxonomies: checked row by row, kept by digest, compared with the shipped tree, exported; and the crosswalk."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError
from derm_model.taxonomy import Taxonomy
from derm_model.taxonomy.reading import check_taxonomy, parse_taxonomy
from derm_model.taxonomy.store import delete_taxonomy, list_taxonomies, load_taxonomy, save_taxonomy
from pages.ui import access, confirming, look, resources, state
from pages.ui.resources import Model
from pages.ui.taxonomy import crosswalk_editor, keys, own_view

SHIPPED = ""
MAX_UPLOAD_MB = 20
MAX_PROBLEMS = 1000  # another file taken by mistake may have millions


def draw(model: Model | None) -> None:
    """Upload, the kept trees, one of them in full, and the crosswalk."""
    left, right = st.columns(2, gap="large")
    with left:
        chosen = _choose()
    with right:
        if access.may(Right.RESEARCH):
            _draw_upload()
        else:
            st.caption("Keeping a taxonomy of your own needs the right to curate data, train and evaluate.")
    if chosen is not None:
        own_view.draw(chosen, model)
        _draw_delete(chosen)
    if access.may(Right.RESEARCH):
        crosswalk_editor.draw()


def _choose() -> Taxonomy | None:
    """Which tree is shown: the shipped one or a kept one."""
    st.markdown("##### Taxonomies here")
    stored = {entry.digest: entry for entry in list_taxonomies()}
    options = {SHIPPED: "The one that ships with DermTree"} | {
        digest: f"{entry.name} · {words.count(entry.n_leaves)} diseases · {look.moment(entry.saved_at)}"
        for digest, entry in stored.items()
    }
    state.drop_unless(keys.TAXONOMY_OWN, options)
    digest = st.selectbox(
        "Taxonomy", list(options), format_func=options.__getitem__, key=keys.TAXONOMY_OWN, persist_state="session"
    )
    if digest == SHIPPED:
        return resources.taxonomy()
    try:
        return load_taxonomy(digest)
    except DermTreeError as error:
        st.error(f"**This taxonomy cannot be opened.** {look.plain(str(error))}", icon=":material/error:")
        return None


def _draw_upload() -> None:
    st.markdown("##### Bring your own")
    file = st.file_uploader(
        "Table (CSV) with the columns id, parent, name, synonyms, malignancy_status, icd10, tier",
        type=["csv"],
        key=keys.TAXONOMY_FILE,
        max_upload_size=MAX_UPLOAD_MB,
        help="Download the shipped tree as CSV, edit it in a spreadsheet, save as CSV (UTF-8) and bring it here.",
    )
    if file is None:
        return
    content = file.getvalue()
    problems = check_taxonomy(content)
    if problems:
        st.error(
            f"**{look.plain(file.name)} has {words.plural(len(problems), 'problem')}.** Correct these rows and bring "
            "the file again. Nothing was kept.",
            icon=":material/error:",
        )
        st.dataframe(
            [
                {"Row": p.row, "Column": p.column, "Kind": p.kind, "What is wrong, and what to do": p.message}
                for p in problems[:MAX_PROBLEMS]
            ],
            hide_index=True,
            alt="One line per problem of the file, in the order of its rows",
        )
        if len(problems) > MAX_PROBLEMS:
            st.caption(
                f"The first {words.count(MAX_PROBLEMS)} are shown; `python -m derm_model taxonomy check` lists all."
            )
        return
    tree = parse_taxonomy(content, file.name)
    st.markdown(
        f"No problem found: {words.plural(len(tree.nodes), 'node')}, {words.plural(len(tree.leaves()), 'disease')}, "
        f"digest `{tree.digest[:12]}`."
    )
    with st.form("keep_taxonomy", border=False):
        st.text_input("Name", key=keys.TAXONOMY_NAME, max_chars=80, placeholder="For example: with our own nevi")
        if st.form_submit_button("Keep it", icon=":material/save:"):
            _keep(content)


def _keep(content: bytes) -> None:
    who = access.who(Right.RESEARCH)
    try:
        kept = save_taxonomy(content, st.session_state[keys.TAXONOMY_NAME] or "", who)
    except (DermTreeError, OSError) as error:
        st.error(f"**Not kept.** {look.plain(str(error))}", icon=":material/error:")
        return
    state.say(f"**{look.plain(kept.name)} is kept** as `{kept.digest[:12]}`. Choose it under “Taxonomies here”.")
    st.rerun()


def _draw_delete(chosen: Taxonomy) -> None:
    if chosen.digest == resources.taxonomy().digest or not access.may(Right.RESEARCH):
        return
    st.button(
        "Delete this taxonomy",
        key="ask_delete_taxonomy",
        icon=":material/delete:",
        on_click=_ask_to_delete,
        args=(chosen.digest,),
    )
    if st.session_state.get(keys.TAXONOMY_DELETING) == chosen.digest:
        _draw_question(chosen)


def _ask_to_delete(digest: str | None) -> None:
    st.session_state[keys.TAXONOMY_DELETING] = digest


@st.dialog("Delete this taxonomy?", on_dismiss=lambda: _ask_to_delete(None))
def _draw_question(chosen: Taxonomy) -> None:
    st.markdown(f"`{chosen.digest[:12]}` with {words.plural(len(chosen.leaves()), 'disease')}. It cannot be undone.")
    confirming.draw_keep_or_delete("taxonomy", lambda: _ask_to_delete(None), lambda: _delete(chosen.digest))


def _delete(digest: str) -> None:
    from derm_model.bundle_move import users_of

    access.who(Right.RESEARCH)
    _ask_to_delete(None)
    try:
        delete_taxonomy(digest, users_of(digest, resources.places()))
    except (DermTreeError, OSError) as error:
        state.say(f"**Not deleted.** {look.plain(str(error))}", failed=True)
    else:
        state.say("The taxonomy is deleted.")
