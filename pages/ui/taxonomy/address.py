"""The address of the page holds what is shown: node, section, and how the tree is cut."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from derm_model.taxonomy.partition import MODES
from pages.ui import resources
from pages.ui.address_bar import AddressBar
from pages.ui.taxonomy import keys

NODE, SECTION, LIMIT, RULE, COUNTS, SETS = "node", "section", "limit", "rule", "counts", "sets"
PAPERS_LIMIT = 1000  # Methods: maxClassSize = 1000, which gave 757 classes
HIGHEST_LIMIT = 200_000
MAX_DIGITS = 20  # Python refuses to read a number of thousands
WIDGETS = {
    NODE: keys.TAXONOMY_NODE,
    SECTION: keys.TAXONOMY_SECTION,
    LIMIT: keys.TAXONOMY_LIMIT,
    RULE: keys.TAXONOMY_RULE,
}
BAR = AddressBar("taxonomy", tuple(WIDGETS), tuple(WIDGETS.values()))


def take(sections: tuple[str, ...]) -> None:
    """Choose what a new address says; what cannot be shown is said."""
    query = BAR.news()
    if query:
        BAR.take(query)
        _choose(query, sections)
    BAR.draw_complaints()


def _choose(query: Mapping[str, str], sections: tuple[str, ...]) -> None:
    unusable = []
    tree = resources.taxonomy()
    if NODE in query:
        found = tree.find(query[NODE])
        if found is None:
            unusable.append(NODE)
        else:
            st.session_state[keys.TAXONOMY_NODE] = found
    limit = query.get(LIMIT, "1")
    if not (limit.isascii() and limit.isdigit() and len(limit) <= MAX_DIGITS and 1 <= int(limit) <= HIGHEST_LIMIT):
        unusable.append(LIMIT)
    elif LIMIT in query:
        st.session_state[keys.TAXONOMY_LIMIT] = int(limit)
    for word, allowed in ((SECTION, sections), (RULE, MODES)):
        if word in query:
            if query[word] in allowed:
                st.session_state[WIDGETS[word]] = query[word]
            else:
                unusable.append(word)
    if unusable:
        BAR.complain(f"**Part of the address could not be used** ({', '.join(unusable)}). The rest was.")


def put(section: str) -> None:
    """Let the address say what is shown, so that it can be copied."""
    query = {SECTION: section}
    node = st.session_state.get(keys.TAXONOMY_NODE)
    if node:
        query[NODE] = node
    if section in ("lab", "steps", "compare"):
        query |= {LIMIT: str(limit()), RULE: rule()}
    BAR.put(query)


def limit() -> int:
    """The maxClassSize that was set last."""
    return int(st.session_state.get(keys.TAXONOMY_LIMIT) or PAPERS_LIMIT)


def rule() -> str:
    """How the tree is cut."""
    return str(st.session_state.get(keys.TAXONOMY_RULE) or MODES[0])


def show_node(node: str | None) -> None:
    """Show a node; for callbacks."""
    st.session_state[keys.TAXONOMY_NODE] = node
