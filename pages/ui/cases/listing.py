"""The list of cases: search, filters, pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.records.body import SITE_IDS, Side
from derm_model.taxonomy import Taxonomy
from pages.ui import look, resources, state
from pages.ui.cases import address, keys, store
from pages.ui.cases.body_map import NAMES, place_in_words
from pages.ui.cases.nodes import choose_node, node_in_words

if TYPE_CHECKING:
    from derm_model.records.cases import CaseFilter, CaseRow

ANY = "any"
WITH, WITHOUT = "with an outcome", "without an outcome"


def draw_list() -> None:
    """Everything of it."""
    chosen = _choose()
    page = store.case_page(chosen, st.session_state.get(keys.PAGE) or 1)
    if not page.n:
        _explain_nothing(chosen)
        return
    first = (page.page - 1) * len(page.rows) + 1 if page.page < page.n_pages else page.n - len(page.rows) + 1
    shown = f"{words.count(first)}–{words.count(first + len(page.rows) - 1)} of " if page.n_pages > 1 else ""
    st.caption(f"{shown}{words.plural(page.n, 'case')}, the most recently active first")
    for row in page.rows:
        _draw_row(row, resources.taxonomy())
    draw_pages(page.page, page.n_pages, keys.PAGE)


def draw_pages(page: int, n_pages: int, key: str) -> None:
    """Choose a page; `page` is the shown one, which is another than the chosen one where there are fewer now."""
    if st.session_state.get(key) not in (None, page):
        del st.session_state[key]
    if n_pages > 1:
        st.pagination(n_pages, default=1 if key in st.session_state else page, key=key)


def _explain_nothing(chosen: CaseFilter) -> None:
    from derm_model.records.cases import CaseFilter

    if chosen != CaseFilter():
        st.markdown("No case fits the search and the filters.")
        return
    with st.container(border=True, key="no_cases"):
        st.markdown("##### No case is saved")
        st.markdown(
            "A case is one lesion of one patient, kept only when somebody chooses to: read images on Classify, then "
            "open *Save to a case* below the answer."
        )


def _choose() -> CaseFilter:
    """Search and filters; a change of them begins with the first page."""
    from derm_model.records.cases import CaseFilter

    search = st.text_input(
        "Search",
        key=keys.SEARCH,
        type="search",
        live="250ms",
        on_change=_first_page,
        placeholder="Patient key, lesion, words of a note, or the beginning of a case id",
    )
    with st.expander("Filters", icon=":material/filter_list:"):
        columns = st.columns(3)
        with columns[0]:
            site = _box("Body site", [site for site in SITE_IDS], keys.SITE, NAMES)
            side = _box("Side", [side.value for side in Side], keys.SIDE)
        with columns[1]:
            outcome = _box("Outcome", [WITH, WITHOUT], keys.OUTCOME)
            state.drop_unless(keys.BUNDLE, [ANY, *(bundles := store.bundles())])
            bundle = _box("Read by model", list(bundles), keys.BUNDLE)
        with columns[2]:
            after = st.date_input("Active from", None, key=keys.DAY_FROM, format="YYYY-MM-DD", on_change=_first_page)
            before = st.date_input("Active until", None, key=keys.DAY_TO, format="YYYY-MM-DD", on_change=_first_page)
        taxonomy = resources.taxonomy()
        node = choose_node(taxonomy, "Outcome is, or is below", keys.DIAGNOSIS, keys.DIAGNOSIS_NODE)
    return CaseFilter(
        search=search or "",
        site=site,
        side=None if side is None else Side(side),
        has_outcome=None if outcome is None else outcome == WITH,
        outcome_nodes=None if node is None else frozenset({node, *taxonomy.descendants(node)}),
        bundle_id=bundle,
        active_from=after,
        active_to=before,
    )


def _box(label: str, options: list[str], key: str, names: dict[str, str] | None = None) -> str | None:
    chosen: str = st.selectbox(
        label, [ANY, *options], key=key, on_change=_first_page, format_func=lambda word: (names or {}).get(word, word)
    )
    return None if chosen == ANY else chosen


def _first_page() -> None:
    st.session_state.pop(keys.PAGE, None)


def _draw_row(row: CaseRow, taxonomy: Taxonomy) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"case_{row.case_id}"):
        st.button(
            f"{look.plain(row.patient_key)} · {look.plain(row.lesion)}",
            key=f"open_{row.case_id}",
            type="tertiary",
            icon=":material/folder_shared:",
            on_click=address.show,
            args=(row.case_id,),
        )
        outcome = "no outcome yet" if row.outcome is None else f"outcome: {node_in_words(taxonomy, row.outcome.node)}"
        n = f"{words.plural(row.n_visits, 'visit')}, {words.plural(row.n_images, 'image')}"
        st.caption(f"{place_in_words(row.site, row.side)} · {n} · last active {row.last_active_on} · {outcome}")
