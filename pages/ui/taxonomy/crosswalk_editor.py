"""What unknown labels mean: ranked suggestions, chosen by hand, saved as the user's own crosswalk."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.data.unmapped import read_labels
from derm_model.errors import DermTreeError
from derm_model.taxonomy.crosswalk import Entry, own_path
from derm_model.taxonomy.own_crosswalk import UnmappedLabel, read_own, remove_own, save_own, unmapped_labels
from pages.ui import access, look, resources, state
from pages.ui.taxonomy import kept, keys
from pages.ui.train import sources

MAX_SHOWN = 40  # labels at a time: the most frequent first, the next ones when these are saved
UPLOAD = "upload"
UNDECIDED, NOTHING = "", "-"


def draw() -> None:
    """Choose a table, decide about its unknown labels, and see what was decided before."""
    st.markdown("##### Crosswalk: what labels mean")
    st.caption(
        "Imports leave out images whose label the crosswalk does not know. Decide here what such labels stand for: "
        "your own crosswalk goes before the one that ships, in every later import."
    )
    try:
        content = _choose_table()
        if content is not None:
            _draw_unknown(unmapped_labels(read_labels(content), resources.taxonomy(), kept.crosswalk()))
        _draw_own(read_own(resources.taxonomy()))
    except (DermTreeError, OSError) as error:
        st.error(f"**The labels cannot be read.** {look.plain(str(error))}", icon=":material/error:")


def _choose_table() -> bytes | None:
    tables = {im.path: im.label for im in sources.offered() if not im.is_workspace and im.path.endswith(".csv")}
    options = {UPLOAD: "A table from this computer"} | tables
    state.drop_unless(keys.TAXONOMY_WORKSPACE, options)
    chosen = st.selectbox(
        "Labels of",
        list(options),
        format_func=options.__getitem__,
        key=keys.TAXONOMY_WORKSPACE,
        persist_state="session",
    )
    if chosen in tables:
        access.who(Right.RESEARCH)
        return Path(chosen).read_bytes()
    file = st.file_uploader(
        "Table (CSV) with the columns source and diagnosis, or dataset and label; one row per image",
        type=["csv"],
        key="taxonomy_labels_file",
        max_upload_size=20,
    )
    return None if file is None else file.getvalue()


def _draw_unknown(unknown: tuple[UnmappedLabel, ...]) -> None:
    if not unknown:
        st.markdown("The crosswalk knows every label of this table.")
        return
    n_images = sum(label.n_images for label in unknown)
    st.markdown(f"**{words.plural(len(unknown), 'unknown label')}** with {words.plural(n_images, 'image')}.")
    with st.form("crosswalk_form", border=False):
        for number, label in enumerate(unknown[:MAX_SHOWN]):
            _draw_choice(number, label)
        saved = st.form_submit_button("Save what was decided", icon=":material/save:")
    if len(unknown) > MAX_SHOWN:
        st.caption(f"{words.count(len(unknown) - MAX_SHOWN)} more, less frequent, come when these are saved.")
    if saved:
        _save(unknown[:MAX_SHOWN])


def _draw_choice(number: int, label: UnmappedLabel) -> None:
    tree = resources.taxonomy()
    options = {UNDECIDED: "not decided"}
    for found in label.suggestions:
        path = tree.path(found.node)
        group = f" · {path[-2]}" if len(path) > 1 else ""
        options[found.node] = f"{path[-1]}{group} ({words.percent(found.score)}, {found.why})"
    options[NOTHING] = "stands for nothing here"
    st.selectbox(
        f"{look.plain(label.dataset)}: {look.plain(label.label)} · {words.plural(label.n_images, 'image')}",
        list(options),
        format_func=lambda node: options.get(node, node),
        key=_key(label, number),
        accept_new_options=True,
        help="Choose a suggestion, or type the name, a synonym or the id of any node.",
    )


def _key(label: UnmappedLabel, number: int) -> str:
    return f"crosswalk_{number}_{label.dataset}_{label.label}"


def _save(labels: tuple[UnmappedLabel, ...]) -> None:
    who = access.who(Right.RESEARCH)
    tree = resources.taxonomy()
    entries, unknown = [], []
    for number, label in enumerate(labels):
        typed = st.session_state.get(_key(label, number))
        if typed in (None, UNDECIDED):
            continue
        node = None if typed == NOTHING else tree.find(str(typed))
        if node is None and typed != NOTHING:
            unknown.append(str(typed))
        else:
            entries.append(Entry(label.dataset, label.label, node, f"decided by {who}"))
    if unknown:
        st.error(
            f"**Nothing was saved.** The taxonomy has no {look.plain(', '.join(unknown))}. Search it for the name.",
            icon=":material/error:",
        )
        return
    if not entries:
        st.warning("**Nothing was decided.** Choose what a label stands for first.", icon=":material/info:")
        return
    try:
        save_own(tree, entries)
    except (DermTreeError, OSError) as error:
        st.error(f"**Not saved.** {look.plain(str(error))}", icon=":material/error:")
        return
    state.say(f"{words.plural(len(entries), 'label')} saved in your own crosswalk. Import the data again to use them.")
    st.rerun()


def _draw_own(entries: tuple[Entry, ...]) -> None:
    if not entries:
        return
    with st.expander(f"Your own crosswalk, {words.plural(len(entries), 'label')}", icon=":material/swap_horiz:"):
        st.dataframe(
            [
                {"Data set": e.dataset, "Label": e.label, "Stands for": e.node or "nothing", "Note": e.note}
                for e in entries
            ],
            hide_index=True,
            alt="Labels of your own crosswalk and the nodes they stand for",
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.download_button(
                "Crosswalk (CSV)",
                lambda: own_path().read_bytes(),
                "crosswalk.csv",
                "text/csv",
                key="taxonomy_crosswalk_csv",
                icon=":material/download:",
                on_click="ignore",
            )
            st.selectbox(
                "Row to take out",
                [(e.dataset, e.label) for e in entries],
                format_func=": ".join,
                key=keys.TAXONOMY_ROW,
                width=320,
            )
            # a callback gets what was pressed: by the next run somebody else may have changed the rows
            st.button("Take it out", key="crosswalk_remove", icon=":material/delete:", on_click=_remove)


@access.act(Right.RESEARCH)
def _remove() -> None:
    dataset, label = st.session_state[keys.TAXONOMY_ROW]
    try:
        remove_own(resources.taxonomy(), dataset, label)
    except (DermTreeError, OSError) as error:
        state.say(f"**Not taken out.** {look.plain(str(error))}", failed=True)
    else:
        state.say(f"{look.plain(dataset)} {look.plain(label)} is taken out of your own crosswalk.")
