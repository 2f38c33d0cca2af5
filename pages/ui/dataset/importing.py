"""Step Import: choose a data set, name its folder, start; and what the collection holds."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.curation.view import Curation
from derm_model.errors import DermTreeError
from pages.ui import job_panel, look, state
from pages.ui.dataset import overview, places

TITLE = "Import of {title}"


def draw_import(curation: Curation) -> None:
    """Form and charts: before the first import the form stands alone, afterwards the charts come first."""
    if curation.collection.n == 0:
        _form(curation)
        return
    overview.draw_overview(curation)
    with st.expander("Import another data set", icon=":material/add:", key="import_more"):
        _form(curation)
    _imports(curation)


def _form(curation: Curation) -> None:
    from derm_model.data.importers import IMPORTERS

    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("##### Import a data set")
        name = st.selectbox(
            "Data set",
            list(IMPORTERS),
            format_func=lambda key: IMPORTERS[key].title,
            key=state.IMPORTER,
            help="Official files as their publishers give them, one folder per class, or a CSV of your own.",
        )
        importer = IMPORTERS[name]
        known = places.suggestions()
        folder = st.selectbox(
            "Folder on the server",
            known,
            index=None,
            key=state.FOLDER,
            accept_new_options=True,
            placeholder="Choose a folder, or type its path",
            help="Images are read where they lie and are not copied. Below " + _places() + ".",
        )
        arguments = _options(importer)
        busy = job_panel.is_busy(curation.collection.workspace)
        if st.button(
            f"Import {importer.title}", key="start_import", type="primary", icon=":material/play_arrow:", disabled=busy
        ):
            _start(curation, name, importer.title, folder or "", arguments)
        if busy:
            st.caption(job_panel.BUSY)
    with right, st.container(border=True, key="importer_facts"):
        st.markdown(f"##### {look.plain(importer.title)}")
        st.markdown(f"**Expected files.** {look.plain(importer.layout)}")
        st.markdown(f"**Licence.** {look.plain(importer.licence or 'as each row states')}")
        st.caption(look.plain(importer.reference))


def _options(importer: object) -> dict[str, str | list[str]]:
    """Widgets of what an importer can be told; empty ones are left out."""
    given: dict[str, str | list[str]] = {}
    for option in importer.options:
        key = f"option_{importer.name}_{option.name}"
        label = f"{option.name.replace('_', ' ').capitalize()}{'' if option.required else ' (optional)'}"
        if option.choices:
            value = st.selectbox(label, option.choices, index=None, key=key, help=option.help)
        elif option.multiple:
            text = st.text_area(
                label, key=key, help=f"{option.help}. One a line.", placeholder=option.metavar, height=100
            )
            value = [line.strip() for line in text.splitlines() if line.strip()]
        else:
            value = st.text_input(label, key=key, help=option.help, placeholder=option.metavar).strip()
        if value:
            given[option.name] = value
    return given


def _start(curation: Curation, name: str, title: str, folder: str, options: dict[str, str | list[str]]) -> None:
    workspace = curation.collection.workspace
    try:
        root = places.check_folder(folder)
        arguments = ["import", name, "--root", str(root), "--workspace", str(workspace.folder)]
        for option, values in options.items():
            for value in [values] if isinstance(values, str) else values:
                arguments += [f"--{option.replace('_', '-')}", value]
        job_panel.start(workspace, arguments, TITLE.format(title=title))
    except DermTreeError as error:
        st.error(f"**The import was not started.** {look.plain(str(error))}", icon=":material/folder_off:")
        return
    st.rerun()


def _places() -> str:
    return " or ".join(f"`{root}`" for root in places.roots())


def _imports(curation: Curation) -> None:
    """What was imported when, the last one first."""
    st.markdown("##### Imports")
    for note in reversed(curation.collection.imports):
        problems = (
            words.plural(len(note.problems), "kind of problem", "kinds of problems") if note.problems else "no problem"
        )
        images = words.plural(note.n_images, "image")
        st.markdown(f"{look.moment(note.at)} · {look.plain(note.what)} · {images} · {problems}")
