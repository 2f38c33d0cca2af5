"""Split doctor: what a split of others leaks, with pictures, and what a random split would have leaked."""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.curation.view import Curation
from derm_model.errors import SplitError
from pages.ui import look, resources, state
from pages.ui.dataset import tables
from pages.ui.dataset.facts import facts_of
from pages.ui.dataset.pictures import read_thumbnails

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.data.split_doctor import ForeignSplit, Leak, LeakReport

SOURCES = {"official": "Official split", "file": "A CSV file"}
PER_PAGE = 5  # groups
PICTURES = 6  # of one group; a patient may have hundreds
MAX_UPLOAD_MB = 20
AUTOMATIC = "found by its name"
EXAMPLE = "image_id,split\nISIC_0000000,train\nISIC_0000001,test"


def draw_doctor(curation: Curation) -> None:
    """Choice of a split, what it leaks, and the groups."""
    st.markdown("##### Split doctor")
    st.caption(
        "Looks for groups that lie in several parts of a split. A test image whose copy, other view or patient was "
        "trained on makes results look better than they are. Groups are those in force here."
    )
    with st.container():
        source = st.segmented_control(
            "Split to look at",
            list(SOURCES),
            format_func=SOURCES.__getitem__,
            key=state.DOCTOR_SOURCE,
            wrap=True,
            on_change=_first_page,
        )
    if source is None:
        return
    try:
        found = _official(curation) if source == "official" else _uploaded(curation)
    except SplitError as error:
        st.error(f"**This split cannot be looked at.** {look.plain(str(error))}", icon=":material/error:")
        return
    if found is not None:
        _draw_report(curation, *found)


def _first_page() -> None:
    st.session_state[state.LEAK_PAGE] = 1


def _official(curation: Curation) -> tuple[ForeignSplit, LeakReport]:
    from derm_model.data.split_doctor import official_parts

    if curation.collection.table["official_split"].isna().all():
        raise SplitError("No data set of this collection states an official split. Give a CSV file instead.")
    return resources.leaks(curation, "official", lambda table: official_parts(table))


def _uploaded(curation: Curation) -> tuple[ForeignSplit, LeakReport] | None:
    file = st.file_uploader(
        "CSV file with a row per image",
        key=state.DOCTOR_FILE,
        max_upload_size=MAX_UPLOAD_MB,
        help="A column with the image's id or file name, and one with its part.",
    )
    if file is None:
        st.code(EXAMPLE, language=None)
        return None
    data = file.getvalue()
    header = _header(data)
    left, right = st.columns(2)
    columns = [AUTOMATIC, *header]
    id_column = left.selectbox("Column of images", columns, key="doctor_id_column")
    split_column = right.selectbox("Column of parts", columns, key="doctor_split_column")
    asked = [None if name == AUTOMATIC else name for name in (id_column, split_column)]
    key = f"{hashlib.sha256(data).hexdigest()} {asked}"
    return resources.leaks(curation, key, lambda table: _read(data, file.name, table, *asked))


def _header(data: bytes) -> list[str]:
    first = data.partition(b"\n")[0].decode("utf-8-sig", errors="replace")
    return [name.strip() for name in next(csv.reader(io.StringIO(first)), []) if name.strip()]


def _read(data: bytes, name: str, table: pd.DataFrame, id_column: str | None, split_column: str | None) -> ForeignSplit:
    """Read an uploaded file; messages name it as the user does."""
    from derm_model.data.split_doctor import read_foreign_split

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "split.csv")
        path.write_bytes(data)
        try:
            return read_foreign_split(path, table, id_column=id_column, split_column=split_column)
        except SplitError as error:
            raise SplitError(str(error).replace(str(path), Path(name).name)) from error


def _draw_report(curation: Curation, foreign: ForeignSplit, report: LeakReport) -> None:
    with st.grid(4, min_column_width=140):
        st.metric("Leaking groups", words.count(len(report.leaks)), border=True, help="Groups in two parts or more.")
        st.metric("Images in them", words.count(report.n_leaking_images), border=True)
        st.metric("Groups that could", words.count(report.n_groups), border=True, help="Groups of two images or more.")
        st.metric(
            "Random split",
            f"{report.n_expected:,.1f}",
            border=True,
            help="Groups that a random split into parts of the same sizes would have cut, on average (hypergeometric).",
        )
    st.markdown(report.summary)
    lines = [
        f"| {look.plain(p.first)} and {look.plain(p.second)} | {words.count(p.n_groups)} | {p.n_expected:,.1f} |"
        for p in report.pairs
    ]
    sizes = " · ".join(f"{look.plain(part)} {words.plural(n, 'image')}" for part, n in report.part_sizes.items())
    st.markdown("\n".join(["| Groups in both | found | random split |", "|:--|--:|--:|", *lines]))
    st.caption(sizes)
    if foreign.problems:
        with st.expander(f"What could not be used ({len(foreign.problems)})", icon=":material/report:", key="foreign"):
            for problem in foreign.problems:
                st.markdown(look.plain(problem.message))
    if report.leaks:
        _draw_leaks(curation, report)


def _draw_leaks(curation: Curation, report: LeakReport) -> None:
    from derm_model.data.split_doctor import leak_table

    st.markdown("##### Leaking groups, largest first")
    name = curation.collection.workspace.name

    def build(form: str) -> bytes:
        return tables.to_bytes(leak_table(report, curation.collection.table), form)

    tables.draw_downloads(
        f"{name}-leaks",
        {"csv": lambda: build("csv"), "parquet": lambda: build("parquet")},
        key="export_leaks",
        what="Leaking images",
    )
    start, end = tables.choose_page(len(report.leaks), PER_PAGE, state.LEAK_PAGE, "groups")
    for leak in report.leaks[start:end]:
        _draw_leak(curation, leak)


def _draw_leak(curation: Curation, leak: Leak) -> None:
    """Pictures of one group, of every part at least one."""
    members = sorted(zip(leak.members, leak.parts, strict=True), key=lambda member: leak.parts.index(member[1]))
    shown = _from_every_part(members)
    table = curation.collection.table
    counts = {part: leak.parts.count(part) for part in dict.fromkeys(leak.parts)}
    with st.container(border=True, key=f"leak_{leak.group}", gap="xsmall"):
        held = ", ".join(f"{n} in {look.plain(part)}" for part, n in counts.items())
        st.markdown(f"**{words.plural(len(members), 'image')}:** {held}")
        pictures = read_thumbnails([str(table["file"].iat[position]) for position, _ in shown])
        with st.grid(PICTURES, min_column_width=120):
            for (position, part), picture in zip(shown, pictures, strict=True):
                with st.container(gap="xsmall"):
                    st.badge(look.plain(part), color="gray")
                    if picture.data is None:
                        st.error(f"**Not readable.** {look.plain(picture.reason)}", icon=":material/broken_image:")
                    else:
                        st.image(picture.data, width="stretch", alt=f"Image {table['image_id'].iat[position]}")
                    st.caption(facts_of(curation, int(position), resources.taxonomy()))
        if len(members) > len(shown):
            st.caption(f"{words.count(len(shown))} of {words.count(len(members))} are shown; the download has all.")


def _from_every_part(members: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """At most `PICTURES` members, taking turns between the parts, in the order of the parts."""
    turns: dict[str, int] = {}
    ranked = []
    for member in members:
        turns[member[1]] = turns.get(member[1], 0) + 1
        ranked.append((turns[member[1]], member))
    chosen = {member for _, member in sorted(ranked, key=lambda entry: entry[0])[:PICTURES]}
    return [member for member in members if member in chosen]
