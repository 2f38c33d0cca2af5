"""Step Problems: what an import met, with examples, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.curation.view import Curation
from pages.ui import look
from pages.ui.dataset import tables

if TYPE_CHECKING:
    from derm_model.data.problems import Problem


def draw_problems(curation: Curation) -> None:
    """One block an import, the last one first; what was left out stands before what was kept."""
    imports = curation.collection.imports
    if not imports:
        st.caption("Problems appear here after the first import: rows without a file, unknown labels, contradictions.")
        return
    st.caption(
        "An import never stops at a row and drops nothing in silence. **Left out:** not in the collection. "
        "**Kept:** it is, perhaps with a value emptied."
    )
    for number, note in enumerate(reversed(imports)):
        st.markdown(f"##### {look.plain(note.what)}")
        st.caption(f"{look.moment(note.at)} · {words.plural(note.n_images, 'image')}")
        if not note.problems:
            st.markdown("No problem was met.")
            continue
        for place, problem in enumerate(sorted(note.problems, key=lambda p: (p.kept, -p.count))):
            _problem(problem, f"problem_{number}_{place}")
    _downloads(curation)


def _problem(problem: Problem, key: str) -> None:
    with st.container(border=True, key=key, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.badge(
                "Kept" if problem.kept else "Left out",
                color="gray" if problem.kept else "yellow",
                icon=":material/check:" if problem.kept else ":material/remove:",
            )
            st.markdown(f"**{words.plural(problem.count, problem.unit)}:** {look.plain(problem.kind)}", width="content")
        if problem.examples:
            more = (
                f" … and {words.count(problem.count - len(problem.examples))} more"
                if problem.count > len(problem.examples)
                else ""
            )
            st.caption("For example: " + " · ".join(look.plain(e) for e in problem.examples) + more)


def _downloads(curation: Curation) -> None:
    from derm_model.curation.export import export

    tables.draw_downloads(
        f"{curation.collection.workspace.name}-problems",
        {
            "csv": lambda: export(curation, "problems", "csv"),
            "parquet": lambda: export(curation, "problems", "parquet"),
        },
        key="export_problems",
        what="Problems",
    )
