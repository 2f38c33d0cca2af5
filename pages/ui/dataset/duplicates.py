"""Step Duplicates: search, move a threshold and see what it would do, apply it; then look at pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.curation.view import Curation
from derm_model.errors import DermTreeError
from pages.ui import access, job_panel, look, resources, state
from pages.ui.dataset import pairs, tables

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.data.duplicates.edges import EdgeKind
    from pages.ui.resources import Model

KINDS: dict[EdgeKind, str] = {"features": "Network features", "perceptual": "Fine structure", "exif": "Camera and time"}
UNITS: dict[EdgeKind, str] = {
    "features": "Least cosine of features",
    "perceptual": "Least correlation of fine structure",
    "exif": "Greatest time between shots, seconds",
}
MEANING: dict[EdgeKind, str] = {
    "features": "The network finds two pictures alike: the same lesion in another view, or lesions that look alike.",
    "perceptual": "The same picture, perhaps recoloured, scaled, turned or mirrored.",
    "exif": "Taken with the same camera within a short time, by the files' own records.",
}
CURVE_POINTS = 25  # enough for a smooth step curve; a million edges take half a second
STEPS_OF: dict[EdgeKind, float] = {"features": 0.005, "perceptual": 0.005, "exif": 1.0}
JOB = "Search for duplicates"


def draw_duplicates(curation: Curation, model: Model | None) -> None:
    """Search first; what was found below."""
    if curation.collection.n == 0:
        st.caption("Import a data set first.")
        return
    _draw_search(curation, model)
    _draw_groups(curation)
    edges = edges_in_use(curation)
    if edges is None:
        if curation.collection.edges is not None:
            st.caption("Images have come or gone since the search, so its pairs cannot be shown. Search again.")
        return
    counted = edges["kind"].value_counts()
    kinds = [kind for kind in KINDS if int(counted.get(kind, 0))]
    if not kinds:
        st.caption("The search found no pair of similar pictures: nothing is left to review.")
        return
    kind = _choose_kind(kinds, {kind: int(counted[kind]) for kind in kinds})
    threshold = _draw_threshold(curation, kind)
    pairs.draw_pairs(curation, kind, threshold)


def edges_in_use(curation: Curation) -> pd.DataFrame | None:
    """Edges of the search; None where there was none, or where it was of other images: positions would be wrong."""
    collection = curation.collection
    return collection.edges if collection.edges_facts.get("manifest") == collection.digest else None


def _draw_search(curation: Curation, model: Model | None) -> None:
    """Where the three parts of the search stand, and the button that goes on with them."""
    scan, features, link = (curation.stage(name) for name in ("scan", "features", "duplicates"))
    done = all(stage.state == "done" for stage in (scan, link)) and (features.state == "done" or model is None)
    with st.container(border=True, key="search"):
        for stage, what in ((scan, "Pictures read and measured"), (features, "Network features")):
            share = stage.done / stage.total if stage.total else 0.0
            st.progress(share, f"{what}: {words.count(stage.done)} of {words.plural(stage.total, 'image')}")
        if link.made_at:
            stale = " Something has changed since." if link.state != "done" else ""
            st.caption(f"Searched {look.moment(link.made_at)}.{stale}")
        if model is None:
            st.warning(
                "**No model bundle, so no network features.** Identical and similar pictures are found without; other "
                "views of one lesion are not. The Classify page says where bundles are looked for.",
                icon=":material/visibility_off:",
            )
        busy = job_panel.is_busy(curation.collection.workspace)
        label = "Search again" if link.state != "missing" else "Search for duplicates"
        if st.button(
            label,
            key="start_search",
            type="secondary" if done else "primary",
            icon=":material/search:",
            disabled=busy,
            help="What was read before is not read again: a stopped search goes on where it stopped.",
        ):
            _start(curation, model)
        if busy:
            st.caption(job_panel.BUSY)


def _start(curation: Curation, model: Model | None) -> None:
    workspace = curation.collection.workspace
    arguments = ["curate", "--workspace", str(workspace.folder)]
    if model is None:
        arguments += ["--only", "scan", "link"]
    else:
        arguments += ["--bundle", str(model.folder), "--only", "scan", "features", "link"]
    try:
        job_panel.start(workspace, arguments, JOB)
    except DermTreeError as error:
        st.error(f"**The search was not started.** {look.plain(str(error))}", icon=":material/error:")
        return
    st.rerun()


def _draw_groups(curation: Curation) -> None:
    """Size of what holds together now."""
    sizes = np.bincount(curation.groups)
    big = sizes[sizes >= 2]
    st.markdown("##### Groups in force")
    with st.grid(4, min_column_width=140):
        st.metric("Groups of 2 or more", words.count(len(big)), border=True)
        st.metric("Images in them", words.count(int(big.sum())), border=True)
        st.metric("Largest group", words.count(int(big.max(initial=0))), border=True, help="Images in it.")
        st.metric(
            "Decided pairs", words.count(len(curation.pair_decisions)), border=True, help="By hand, kept on disk."
        )
    _downloads(curation)


def _choose_kind(kinds: list[EdgeKind], counted: dict[EdgeKind, int]) -> EdgeKind:
    state.drop_unless(state.PAIR_KIND, kinds)
    st.markdown("##### Similar pictures")
    with st.container():
        kind: EdgeKind = st.segmented_control(
            "Why two pictures may belong together",
            kinds,
            format_func=lambda kind: f"{KINDS[kind]} · {words.count(counted[kind])}",
            key=state.PAIR_KIND,
            default=None if state.PAIR_KIND in st.session_state else kinds[0],
            required=True,
            wrap=True,
            on_change=_forget_page,
            help="The number is that of candidate pairs that were kept, also far below the threshold.",
        )
    st.caption(MEANING[kind])
    return kind


def _forget_page() -> None:
    st.session_state.pop(state.PAIR_PAGE, None)


def _draw_threshold(curation: Curation, kind: EdgeKind) -> float:
    """Threshold under the hand, its effect, and the button that applies it; returns it."""
    applied = curation.settings.rules.threshold(kind)
    low, high = _range(curation, kind, applied)
    key = f"{state.PAIR_THRESHOLD}_{kind}"
    step = STEPS_OF[kind]
    st.session_state.setdefault(key, applied)
    st.session_state[key] = min(max(st.session_state[key], low), high)
    left, right = st.columns([9, 11], gap="large")
    with left:
        chosen: float = st.slider(
            UNITS[kind],
            min_value=low,
            max_value=high,
            step=step,
            key=key,
            format="%.0f" if kind == "exif" else "%.3f",
            on_change=_forget_page,
            help="Nothing changes before it is applied. With the arrow keys it moves by one step.",
        )
        effect = _effect(curation, kind, applied, chosen, (low, high))
        _effect_table(effect, kind, applied, chosen)
        moved = abs(chosen - applied) > step / 100
        with st.container(horizontal=True):
            st.button(
                f"Apply {_number(kind, chosen)}",
                key="apply_threshold",
                type="primary" if moved else "secondary",
                disabled=not moved,
                on_click=_apply,
                args=(curation, kind, chosen),
            )
            if moved:
                st.button(
                    f"Back to {_number(kind, applied)}", key="reset_threshold", on_click=_reset, args=(key, applied)
                )
    with right:
        _effect_curve(effect, kind, applied, chosen)
    return chosen


def _range(curation: Curation, kind: EdgeKind, applied: float) -> tuple[float, float]:
    """Range of the slider: as far down as pairs were kept, the threshold in force included."""
    from derm_model.data.duplicates.edges import exif_seconds, of_kinds

    edges = curation.collection.edges
    least = float(edges["strength"].to_numpy()[of_kinds(edges, [kind])].min())
    if kind == "exif":
        return 0.0, float(max(np.ceil(exif_seconds(least)), applied, 1.0))
    return float(max(0.0, np.floor(min(least, applied) * 100) / 100)), 1.0


def _number(kind: EdgeKind, value: float) -> str:
    return f"{value:.0f} s" if kind == "exif" else f"{value:.3f}"


def _effect(
    curation: Curation, kind: EdgeKind, applied: float, chosen: float, ends: tuple[float, float]
) -> pd.DataFrame:
    """Effect of thresholds over the range, ascending, with the one in force and the one under the hand among them."""
    thresholds = {*(float(value) for value in np.linspace(*ends, CURVE_POINTS)), applied, chosen}
    return resources.threshold_effect(curation, kind, tuple(sorted(thresholds)))


def _effect_table(effect: pd.DataFrame, kind: EdgeKind, applied: float, chosen: float) -> None:
    """In force against chosen, as a table: the figures behind the curve."""
    now, then = (effect[effect["threshold"] == value].iloc[0] for value in (applied, chosen))
    rows = {
        "Pairs that join": "n_pairs",
        "Groups of 2 or more": "n_groups",
        "Images in groups": "n_images",
        "Largest group": "largest",
    }
    lines = [
        f"| {name} | {words.count(int(now[column]))} | {words.count(int(then[column]))} |"
        for name, column in rows.items()
    ]
    heading = f"| | in force, {_number(kind, applied)} | chosen, {_number(kind, chosen)} |\n|:--|--:|--:|"
    st.markdown("\n".join([heading, *lines]))


def _effect_curve(effect: pd.DataFrame, kind: EdgeKind, applied: float, chosen: float) -> None:
    from derm_model.figures.curation import plot_threshold_effect  # plotly: not before there is something to draw

    most, least = effect["n_images"].max(), effect["n_images"].min()
    st.plotly_chart(
        plot_threshold_effect(
            effect["threshold"],
            effect["n_images"],
            effect["largest"],
            applied=applied,
            chosen=chosen,
            title=UNITS[kind],
            palette=look.palette(),
        ),
        theme=None,
        key="effect",
        config={"displayModeBar": False},
        alt=f"{UNITS[kind]}: from {words.count(int(least))} to {words.count(int(most))} images in groups.",
    )


def _apply(curation: Curation, kind: EdgeKind, chosen: float) -> None:
    from derm_model.curation.settings import change_settings, read_settings

    workspace = curation.collection.workspace
    try:  # read again: somebody else may have applied another threshold since this page was drawn
        access.who(Right.RESEARCH)
        change_settings(workspace, rules=read_settings(workspace).rules.with_threshold(kind, chosen))
    except DermTreeError as error:
        state.say(look.plain(str(error)), failed=True)
    else:
        state.say(f"{KINDS[kind]}: {_number(kind, chosen)} is in force.")


def _reset(key: str, value: float) -> None:
    st.session_state[key] = value


def _downloads(curation: Curation) -> None:
    from derm_model.curation.export import export

    name = curation.collection.workspace.name
    with st.expander("Take it with you", icon=":material/download:", key="export_duplicates"):
        st.caption(
            "Images: with their groups. Edges: who is joined to whom and why. Decisions: what people decided by hand."
        )
        for what in ("images", "edges", "decisions"):
            tables.draw_downloads(
                f"{name}-{what}",
                {
                    "csv": lambda what=what: export(curation, what, "csv"),
                    "parquet": lambda what=what: export(curation, what, "parquet"),
                },
                key=f"export_groups_{what}",
                what=what.capitalize(),
            )
