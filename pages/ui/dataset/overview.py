"""What a collection holds: numbers and charts of classes, sources, confirmation, modality, skin type, age and sex."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.answer import role_of
from derm_model.curation import summary
from derm_model.curation.view import Curation
from derm_model.palette import MARKS
from derm_model.taxonomy import Taxonomy
from pages.ui import look, resources, state
from pages.ui.dataset import tables
from pages.ui.dataset.bars import Bar, draw_bars

if TYPE_CHECKING:
    import pandas as pd

LEVELS: dict[summary.Level, str] = {"roots": "3 roots", "classes": "9 classes", "nodes": "As labelled"}
MAX_BARS = 20  # more are no chart; the table has them all
CHARTS = {
    "source": "Data set",
    "confirmed_by": "Diagnosis confirmed by",
    "modality": "Modality",
    "fitzpatrick_type": "Skin type (Fitzpatrick)",
    "sex": "Sex",
}
AGE_ALT = "Images by age"


def draw_overview(curation: Curation) -> None:
    """Metrics, classes, then the small charts."""
    table = curation.collection.table
    with st.grid(4, min_column_width=140):
        st.metric("Images", words.count(len(table)), border=True)
        st.metric(
            "Lesions", _distinct(table, "lesion_id"), border=True, help="With an id. Ids count within a data set."
        )
        st.metric(
            "Patients", _distinct(table, "patient_id"), border=True, help="With an id. Ids count within a data set."
        )
        st.metric(
            "Groups",
            words.count(int(curation.groups.max()) + 1 if len(table) else 0),
            border=True,
            help="Images of one group stay on one side of every split. An image without relations is one of its own.",
        )
    left, right = st.columns([11, 9], gap="large")
    with left:
        _classes(table, resources.taxonomy())
    with right:
        _draw_column(table, "source")
        _draw_column(table, "confirmed_by")
    with st.grid(3, min_column_width=180, gap="large"):
        for column in ("modality", "fitzpatrick_type", "sex"):
            with st.container():
                _draw_column(table, column)
    _draw_ages(table)
    _downloads(curation)


def _distinct(table: pd.DataFrame, column: str) -> str:
    known = table.loc[table[column].notna(), ["source", column]]
    return words.count(len(known.drop_duplicates())) if len(known) else "not stated"


def _classes(table: pd.DataFrame, taxonomy: Taxonomy) -> None:
    st.markdown("##### Classes")
    with st.container():
        level = st.segmented_control(
            "Level of the taxonomy",
            list(LEVELS),
            format_func=lambda key: LEVELS[key],
            key=state.CLASS_LEVEL,
            default="classes",
            required=True,
            label_visibility="collapsed",
            wrap=True,
        )
    counted = summary.count_by_level(table, taxonomy, level)
    if level == "nodes":
        counted = counted.sort_values("n", ascending=False, kind="stable")
    palette = look.palette()
    shown = counted.head(MAX_BARS)
    rows = []
    for node, name, n in zip(shown["node"], shown["name"], shown["n"], strict=True):
        role = role_of(taxonomy, node)
        rows.append(Bar(name, int(n), MARKS[role], palette.roles[role]))
    draw_bars(rows, "Images per class")
    if len(counted) > MAX_BARS:
        with st.expander(f"All {words.count(len(counted))} labels", key="all_labels", on_change="rerun") as fold:
            if fold.open:
                tables.draw_paged(counted[["name", "node", "n"]], "labels_page", "labels")
    st.caption("▲ malignant or premalignant · ◆ melanoma · ● benign · ■ non-neoplastic or either")


def _draw_column(table: pd.DataFrame, column: str) -> None:
    counted = summary.count_by(table, column)
    if column == "fitzpatrick_type":
        counted = counted.sort_values("value", kind="stable")  # "1" to "6", then "not stated"
    st.markdown(f"##### {CHARTS[column]}")
    rows = [
        Bar(value.replace("_", " ") if column != "source" else value, int(n))
        for value, n in zip(counted["value"], counted["n"], strict=True)
    ]
    draw_bars(rows[:MAX_BARS], f"Images by {CHARTS[column].lower()}")
    if len(rows) > MAX_BARS:
        st.caption(f"The {MAX_BARS} most frequent of {words.count(len(rows))}.")


def _draw_ages(table: pd.DataFrame) -> None:
    counted = summary.ages(table)
    missing = int(table["age"].isna().sum())
    st.markdown("##### Age")
    if not len(counted):
        st.caption("No age is stated.")
        return
    from derm_model.figures.curation import plot_ages  # plotly: not before there is something to draw

    most = counted.loc[counted["n"].idxmax()]
    st.plotly_chart(
        plot_ages(counted["from_years"].tolist(), counted["n"].tolist(), look.palette()),
        theme=None,
        key="ages",
        config={"displayModeBar": False},
        alt=f"Images by age. Most, {words.count(int(most['n']))}, from {int(most['from_years'])} years on.",
    )
    if missing:
        st.caption(f"Not stated for {words.plural(missing, 'image')}.")


def _downloads(curation: Curation) -> None:
    from derm_model.curation.export import export

    st.markdown("##### Take it with you")
    tables.draw_downloads(
        f"{curation.collection.workspace.name}-images",
        {"csv": lambda: export(curation, "images", "csv"), "parquet": lambda: export(curation, "images", "parquet")},
        key="export_images",
        what="Images",
    )
