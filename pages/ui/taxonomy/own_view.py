"""One taxonomy in full: exports, what differs from the shipped tree, and what the chosen model could do on it."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.errors import DermTreeError
from derm_model.taxonomy import Taxonomy
from derm_model.taxonomy.difference import KINDS, compare_taxonomies
from derm_model.taxonomy.export import to_csv, to_dot, to_json, to_skos
from pages.ui import look, resources
from pages.ui.resources import Model

EXPORTS = (
    ("Table (CSV)", to_csv, "csv", "text/csv"),
    ("JSON", to_json, "json", "application/json"),
    ("SKOS (Turtle)", to_skos, "ttl", "text/turtle"),
    ("Graphviz (DOT)", to_dot, "dot", "text/vnd.graphviz"),
)


def draw(tree: Taxonomy, model: Model | None) -> None:
    """Everything about one tree."""
    st.markdown(
        f"{words.plural(len(tree.nodes), 'node')}, {words.plural(len(tree.leaves()), 'disease')}, "
        f"{words.plural(len(tree.children(None)), 'root')}, digest `{tree.digest}`"
    )
    with st.container(horizontal=True, key="taxonomy_exports"):
        for label, build, ending, mime in EXPORTS:
            st.download_button(
                label,
                lambda build=build: build(tree).encode(),
                f"taxonomy-{tree.digest[:12]}.{ending}",
                mime,
                key=f"taxonomy_export_{ending}",
                icon=":material/download:",
                on_click="ignore",
            )
    if tree.digest == resources.taxonomy().digest:
        return
    _draw_difference(tree)
    if model is not None:
        _draw_model(tree, model)


def _draw_difference(tree: Taxonomy) -> None:
    found = compare_taxonomies(resources.taxonomy(), tree)
    st.markdown("##### What differs from the shipped tree")
    if not found.changes:
        st.markdown("Nothing.")
        return
    st.markdown(", ".join(f"**{words.count(n)}** {KINDS[kind]}" for kind, n in found.counts.items()) + ".")
    st.dataframe(
        [
            {"Change": KINDS[c.kind], "Node": c.name or c.node, "Shipped": c.before, "This tree": c.after}
            for c in found.changes
        ],
        hide_index=True,
        alt="One line per change from the shipped tree to this one",
    )
    st.download_button(
        "Changes (CSV)",
        lambda: found.to_csv().encode(),
        f"changes-{tree.digest[:12]}.csv",
        "text/csv",
        key="taxonomy_changes_csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _draw_model(tree: Taxonomy, model: Model) -> None:
    from derm_model.bundle_move import plan_move

    st.markdown(f"##### What would become of the model {look.plain(model.card.name)}")
    try:
        move = plan_move(model.card, model.taxonomy, tree)
    except DermTreeError as error:
        st.warning(look.plain(str(error)), icon=":material/warning:")
        return
    lost = move.classes.lost
    if not lost and not move.reasons:
        st.markdown(
            f"All {words.plural(len(move.classes.classes), 'class', 'classes')} survive, and every question is "
            "answered by the same classes: its bundle can be moved to this tree (docs/taxonomy.md)."
        )
        return
    st.markdown(
        f"**It cannot be used with this tree.** {words.count(len(lost))} of "
        f"{words.plural(len(move.classes.classes), 'class', 'classes')} would not survive. Train again on this tree, "
        "or keep the nodes named here as they were."
    )
    rows = [{"Class": mapped.old.name, "Why": "; ".join(mapped.reasons)} for mapped in lost]
    rows += [{"Class": "", "Why": reason} for reason in move.reasons]
    st.dataframe(rows, hide_index=True, alt="Classes that do not survive, with the reasons")
