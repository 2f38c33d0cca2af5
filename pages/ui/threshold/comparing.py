"""Two operating points side by side, and the images between them."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from pages.ui.threshold import gallery
from pages.ui.threshold.desk import Desk
from pages.ui.threshold.numbers import numbers_at, people_text, signed


def draw_comparison(desk: Desk) -> None:
    """Button to keep a point as B; with B the table and the images that change sides."""
    st.markdown("##### Compare two operating points")
    with st.container(horizontal=True, vertical_alignment="center", key="desk_compare"):
        st.button(
            f"Keep {desk.hand.threshold:.3f} as B",
            key="desk_keep",
            icon=":material/flag:",
            on_click=desk.hand.keep,
        )
        if desk.other is not None:
            st.button("Swap A and B", key="desk_swap", icon=":material/swap_horiz:", on_click=desk.hand.swap)
            st.button("Remove B", key="desk_drop", icon=":material/close:", on_click=desk.hand.drop)
    if desk.other is None or desk.hand.other is None:
        st.caption("Keep this threshold as B, then move on: the two stand side by side, in the figures above as well.")
        return
    point, other = numbers_at(desk, desk.point), numbers_at(desk, desk.other)
    rows = [(name, text(point), text(other)) for name, text in _ROWS]
    table = ["| | A, in force | B |", "|:--|--:|--:|", *(f"| {' | '.join(row)} |" for row in rows)]
    st.markdown("\n".join(table))
    st.caption(f"People: of 1,000, where {desk.prevalence:.1%} have the disease.")
    gallery.draw_gallery(desk, desk.hand.other)


_ROWS = (
    ("Threshold", lambda n: f"{n.point.threshold:.3f}"),
    ("Sensitivity", lambda n: words.rate(n.point.sensitivity, n.point.sensitivity_interval)),
    ("Specificity", lambda n: words.rate(n.point.specificity, n.point.specificity_interval)),
    ("PPV", lambda n: n.ppv_text),
    ("NPV", lambda n: n.npv_text),
    ("People missed", lambda n: people_text(n.people.missed, n.people.expected[1])),
    ("Needless alarms", lambda n: people_text(n.people.false_alarms, n.people.expected[2])),
    ("Needed to biopsy per disease found", lambda n: n.needed_text),
    ("Net benefit per 1,000 people", lambda n: signed(n.benefit)),
)
