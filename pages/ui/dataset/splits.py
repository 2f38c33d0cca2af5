"""Step Splits: the plan, what each part holds, the check, and the split doctor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.curation.view import Curation
from derm_model.errors import DermTreeError
from pages.ui import job_panel, look, resources, state
from pages.ui.dataset import doctor, tables
from pages.ui.dataset.shading import draw_shaded

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.data.split_plan import SplitPlan

LEVELS: dict[int | None, str] = {None: "As labelled", 1: "3 roots", 2: "9 classes"}
COUNTED = {"n_images": "Images", "n_lesions": "Lesions", "n_patients": "Patients"}
NO_BREAK = "\u00a0"
MAX_CLASSES = 30  # rows of the heat map; the table has them all
MAX_TEST_PERCENT = 50
MAX_FOLDS = 20


def draw_splits(curation: Curation) -> None:
    """Form first; the result where there is one; the doctor at the end."""
    if curation.collection.n == 0:
        st.caption("Import a data set first.")
        return
    _draw_form(curation)
    folds = curation.collection.folds
    if folds is not None and len(folds) == curation.collection.n:
        _draw_result(curation, folds)
    doctor.draw_doctor(curation)


def _draw_form(curation: Curation) -> None:
    """The plan; nothing is made before the button is pressed."""
    from derm_model.data.schema import CONFIRMATIONS

    plan, table = curation.settings.plan, curation.collection.table
    made = curation.stage("splits").state
    sources = sorted(table["source"].unique())
    official = int((table["official_split"] == "test").sum())
    with (
        st.expander("Plan", icon=":material/tune:", expanded=made != "done", key="plan"),
        st.form("plan_form", border=False),
    ):
        left, right = st.columns(2, gap="large")
        with left:
            st.markdown("##### Test set")
            named = st.multiselect(
                "Data sets that are test sets, whole",
                sources,
                default=[source for source in plan.test_sources if source in sources],
                help="As the paper's test sets, which come from other places than the training images.",
            )
            use_official = st.checkbox(
                f"Official test images test ({words.count(official)} here)",
                value=plan.use_official_test,
                help="Where a data set says itself which images are for testing.",
            )
            percent = st.number_input(
                "Drawn from the other images, % of each class",
                min_value=0,
                max_value=MAX_TEST_PERCENT,
                value=min(MAX_TEST_PERCENT, round(100 * plan.test_fraction)),
                help="Whole groups are drawn.",
            )
            confirmed = st.multiselect(
                "Only diagnoses confirmed by (empty: any)",
                list(CONFIRMATIONS),
                default=list(plan.test_confirmations or ()),
                format_func=lambda value: value.replace("_", " "),
                help="For biopsy-proven test sets: histopathology.",
            )
        with right:
            st.markdown("##### Folds of the other images")
            n_folds = st.number_input(
                "Folds", min_value=2, max_value=MAX_FOLDS, value=min(MAX_FOLDS, plan.n_folds), help="The paper: 9."
            )
            level = st.selectbox(
                "Spread evenly over the folds",
                list(LEVELS),
                index=list(LEVELS).index(plan.stratify_level) if plan.stratify_level in LEVELS else 0,
                format_func=lambda key: LEVELS[key],
            )
            by_source = st.checkbox("Each data set by itself", value=plan.stratify_source)
            seed = st.number_input("Seed", min_value=0, value=plan.seed, help="The same seed gives the same splits.")
        wanted = replace(
            plan,
            test_sources=tuple(named),
            use_official_test=use_official,
            test_fraction=percent / 100,
            test_confirmations=tuple(confirmed) or None,
            n_folds=int(n_folds),
            stratify_level=level,
            stratify_source=by_source,
            seed=int(seed),
        )
        busy = job_panel.is_busy(curation.collection.workspace)
        label = "Make the splits" if made == "missing" else "Make the splits again"
        if st.form_submit_button(
            label,
            type="secondary" if made == "done" else "primary",
            icon=":material/call_split:",
            disabled=busy,
        ):
            _start(curation, wanted)
    if busy:
        st.caption(job_panel.BUSY)


def _start(curation: Curation, plan: SplitPlan) -> None:
    workspace = curation.collection.workspace
    try:
        job_panel.start(workspace, arguments(workspace.folder, plan), "Making of splits")
    except DermTreeError as error:
        st.error(f"**The splits were not made.** {look.plain(str(error))}", icon=":material/error:")
        return
    st.rerun()


def arguments(folder: Path, plan: SplitPlan) -> list[str]:
    """The command that makes these splits, as after `python -m derm_model`."""
    options = ["--test-fraction", str(plan.test_fraction), "--folds", str(plan.n_folds), "--seed", str(plan.seed)]
    for source in plan.test_sources:
        options += ["--test-source", source]
    for word in plan.test_confirmations or ():
        options += ["--test-confirmed-by", word]
    if plan.stratify_level is not None:
        options += ["--level", str(plan.stratify_level)]
    options += ["--no-official-test"] * (not plan.use_official_test) + ["--by-source"] * plan.stratify_source
    return ["split", "--workspace", str(folder), *options]


def _draw_result(curation: Curation, folds: pd.DataFrame) -> None:
    if curation.stage("splits").state == "stale":
        st.warning(
            "**Out of date.** Images, groups, flags or decisions have changed since these splits were made. "
            "Make them again before you use them.",
            icon=":material/update:",
        )
    _draw_check(folds)
    st.markdown("##### What each part holds")
    with st.container(horizontal=True):
        with st.container(width="content"):
            counted = st.segmented_control(
                "Counted",
                list(COUNTED),
                format_func=COUNTED.__getitem__,
                key=state.COUNTED,
                default=None if state.COUNTED in st.session_state else "n_images",
                required=True,
                wrap=True,
            )
        with st.container(width="content"):
            level = st.segmented_control(
                "Classes",
                [2, 1, None],
                format_func=lambda key: LEVELS[key],
                key=state.SPLIT_LEVEL,
                default=None if state.SPLIT_LEVEL in st.session_state else 2,
                wrap=True,
            )
    counts = _counts(curation, level)
    _draw_heat_map(counts, counted)
    _draw_table(counts)
    _draw_reasons(folds)
    _downloads(curation)


def _draw_check(folds: pd.DataFrame) -> None:
    """The check is made now, on what is on disk."""
    from derm_model.data.folds import check_folds
    from derm_model.errors import SplitError

    n_groups = folds["group"].nunique()
    try:
        check_folds(folds)
    except SplitError as error:
        st.error(f"**A group straddles.** {look.plain(str(error))}", icon=":material/error:")
    else:
        st.markdown(
            f":material/verified: **Checked.** No group lies in two parts or in two folds "
            f"({words.plural(int(n_groups), 'group')}, {words.plural(len(folds), 'image')})."
        )


def _counts(curation: Curation, level: int | None) -> pd.DataFrame:
    """Images, lesions and patients per part and class; `place` is the part or the fold in words."""
    taxonomy = resources.taxonomy()
    counts = resources.split_counts(curation, level).copy()
    counts["place"] = [
        f"fold {fold}" if part == "development" else part
        for part, fold in zip(counts["part"], counts["fold"], strict=True)
    ]
    counts["name"] = [taxonomy.node(node).name for node in counts["class"]]
    counts["order"] = [taxonomy.position(node) for node in counts["class"]]
    return counts


def _places(counts: pd.DataFrame) -> list[str]:
    """Test first, then the folds by number, then what is left out; only those that are there."""
    folds = sorted({int(fold) for fold in counts["fold"].dropna()})
    there = set(counts["place"])
    return [place for place in ("test", *(f"fold {fold}" for fold in folds), "left out") if place in there]


def _draw_heat_map(counts: pd.DataFrame, counted: str) -> None:
    unit = COUNTED[counted].lower()
    if counts[counted].isna().all():
        st.caption(f"No {unit} are named by the data sets.")
        return
    grid = counts.pivot_table(index=["order", "name"], columns="place", values=counted, aggfunc="sum", fill_value=0)
    grid = grid[_places(counts)]
    biggest = grid.sum(axis=1).nlargest(MAX_CLASSES).index
    shown = grid.loc[grid.index.isin(biggest)]
    heads = [place.capitalize() for place in shown.columns]
    draw_shaded(
        [name for _, name in shown.index], heads, shown.to_numpy(dtype=int), f"{COUNTED[counted]} per class and part"
    )
    more = f" The {MAX_CLASSES} largest of {len(grid)} classes are shown." if len(grid) > MAX_CLASSES else ""
    st.caption(f"The stronger the shade, the larger the share of its class: even folds have one shade.{more}")


def _draw_table(counts: pd.DataFrame) -> None:
    """Totals per part, and everything per class folded."""
    places = _places(counts)
    columns = ["n_images", "n_evaluate", "n_lesions", "n_patients"]
    totals = counts.groupby("place")[columns].sum(min_count=1).loc[places]
    heads = ["Part", "Images", "Tested on", "Lesions", "Patients"]
    lines = ["| " + " | ".join(heads) + " |", "|:--|--:|--:|--:|--:|"]
    known = totals.astype(object).where(totals.notna(), None)  # lesions and patients that nobody names are not 0
    for place, row in zip(places, known.itertuples(index=False), strict=True):
        cells = ["–" if value is None else words.count(int(value)) for value in row]
        lines.append(f"| {place.capitalize().replace(' ', NO_BREAK)} | {' | '.join(cells)} |")
    st.markdown("\n".join(lines))
    st.caption(
        "Tested on: without flagged images, which train only. A lesion or patient with images of two classes counts "
        "once in each."
    )
    with st.expander("By class", icon=":material/table:", key="counts_by_class", on_change="rerun") as fold:
        if fold.open:
            names = {
                "place": "Part",
                "name": "Class",
                "n_images": "Images",
                "n_evaluate": "Tested on",
                "n_lesions": "Lesions",
            }
            tables.draw_paged(
                counts[["place", "name", *columns]], "counts_page", "rows", rename={**names, "n_patients": "Patients"}
            )


def _draw_reasons(folds: pd.DataFrame) -> None:
    """Why images are where they are, as far as there is a reason."""
    found = folds.loc[folds["reason"] != "", ["part", "reason"]].value_counts().head(12)
    if len(found):
        st.markdown("##### Why")
        lines = [f"| {part} | {reason} | {words.count(int(n))} |" for (part, reason), n in found.items()]
        st.markdown("\n".join(["| Part | Reason | Images |", "|:--|:--|--:|", *lines]))


def _downloads(curation: Curation) -> None:
    from derm_model.curation.export import export

    tables.draw_downloads(
        f"{curation.collection.workspace.name}-splits",
        {"csv": lambda: export(curation, "images", "csv"), "parquet": lambda: export(curation, "images", "parquet")},
        key="export_splits",
        what="Images with part and fold",
    )
