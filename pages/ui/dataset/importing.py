"""Step Import: choose a data set, name its folder, start; and what the collection holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.curation.view import Curation
from derm_model.errors import DermTreeError
from pages.ui import job_panel, look, state
from pages.ui.dataset import overview, places

if TYPE_CHECKING:
    from derm_model.data.importers import Importer

TITLE = "Import of {title}"
PATHS = ("CSV", "DIR", "FILE")  # what an option is that names a file of the server


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
            _start(curation, importer, folder or "", arguments)
        if busy:
            st.caption(job_panel.BUSY)
    with right, st.container(border=True, key="importer_facts"):
        st.markdown(f"##### {look.plain(importer.title)}")
        st.markdown(f"**Expected files.** {look.plain(importer.layout)}")
        st.markdown(f"**Licence.** {look.plain(importer.licence or 'as the rows state, or not stated')}")
        if importer.reference:
            st.caption(look.plain(importer.reference))


def _options(importer: Importer) -> dict[str, list[str]]:
    """Widgets of what an importer can be told, and what was given; empty ones are left out."""
    given: dict[str, list[str]] = {}
    for option in importer.options:
        key = f"option_{importer.name}_{option.name}"
        label = f"{option.name.replace('_', ' ').capitalize()}{'' if option.required else ' (optional)'}"
        if option.choices:
            chosen = st.selectbox(label, option.choices, index=None, key=key, help=option.help)
            values = [chosen] if chosen else []
        elif option.multiple:
            text = st.text_area(
                label, key=key, help=f"{option.help}; one a line", placeholder=option.metavar, height=100
            )
            values = [line.strip() for line in text.splitlines() if line.strip()]
        else:
            text = st.text_input(label, key=key, help=option.help, placeholder=option.metavar).strip()
            values = [text] if text else []
        if values:
            given[option.name] = values
    return given


def _start(curation: Curation, importer: Importer, folder: str, options: dict[str, list[str]]) -> None:
    workspace = curation.collection.workspace
    try:
        root = places.check_folder(folder)
        arguments = ["import", importer.name, f"--root={root}", f"--workspace={workspace.folder}"]
        for option in importer.options:
            for value in options.get(option.name, []):
                given = places.check_file(value, root) if option.metavar in PATHS else value
                arguments.append(f"--{option.name.replace('_', '-')}={given}")  # one word: a value may begin with "-"
        job_panel.start(workspace, arguments, TITLE.format(title=importer.title))
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
