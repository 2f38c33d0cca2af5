"""Step Quality: what each rule flags, its threshold before it is applied, and the images around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from derm_model import words
from derm_model.access import Right
from derm_model.curation.view import Curation
from derm_model.errors import DermTreeError
from pages.ui import access, job_panel, look, state
from pages.ui.dataset import flagged

if TYPE_CHECKING:
    from derm_model.data.quality import Histogram, QualityRule

OUTLINE = (
    "Flagged images leave validation and test sets and stay in training, as in the paper. A decision by hand overrules "
    "every rule."
)
ROBUST_SHARE = 0.0005
N_STEPS = 200  # of a threshold's box over the range of its histogram


def draw_quality(curation: Curation) -> None:
    """Table of rules, then the chosen rule with its histogram and its images."""
    from derm_model.data.quality import DEFAULT_RULES

    measures = curation.collection.quality
    if curation.collection.n == 0:
        st.caption("Import a data set first.")
        return
    if curation.stage("scan").state != "done":
        _draw_scan(curation)
    if measures is None:
        return
    rules = [rule for rule in DEFAULT_RULES if rule.measure in measures and measures[rule.measure].notna().any()]
    st.caption(OUTLINE)
    _draw_rules(curation, rules)
    if not rules:
        st.caption("No measure could be taken: the pictures cannot be read. See the log of the search.")
        return
    names = {rule.measure: rule for rule in rules}
    state.drop_unless(state.MEASURE, names)
    rule = names[
        st.selectbox(
            "Rule to look at",
            list(names),
            format_func=lambda name: names[name].label.capitalize(),
            key=state.MEASURE,
            on_change=flagged.first_page,
            persist_state="session",
        )
    ]
    threshold = _draw_threshold(curation, rule)
    flagged.draw_flagged(curation, rule, threshold)


def _draw_scan(curation: Curation) -> None:
    scan = curation.stage("scan")
    with st.container(border=True, key="measure_pictures"):
        st.markdown(
            f"**{words.count(scan.total - scan.done)} of {words.plural(scan.total, 'image')} are not measured yet.** "
            "Pictures are measured while they are read for the search for duplicates."
        )
        busy = job_panel.is_busy(curation.collection.workspace)
        if st.button("Measure pictures", key="start_scan", type="primary", icon=":material/straighten:", disabled=busy):
            folder = str(curation.collection.workspace.folder)
            try:
                arguments = ["curate", "--workspace", folder, "--only", "scan"]
                job_panel.start(curation.collection.workspace, arguments, "Measuring of pictures")
            except DermTreeError as error:
                st.error(f"**Nothing was started.** {look.plain(str(error))}", icon=":material/error:")
            else:
                st.rerun()
        if busy:
            st.caption(job_panel.BUSY)


def _draw_rules(curation: Curation, rules: Sequence[QualityRule]) -> None:
    """Numbers of all rules at once."""
    flags, n = curation.flags, curation.collection.n
    kept = sum(decision.decision == "keep" for decision in curation.quality_decisions.by_hash.values())
    out = len(curation.quality_decisions) - kept
    with st.grid(3, min_column_width=150):
        st.metric("Flagged images", words.count(int(curation.flagged.sum())), border=True, help=f"Of {words.count(n)}.")
        st.metric("Kept by hand", words.count(kept), border=True)
        st.metric("Left out by hand", words.count(out), border=True)
    lines, off = [], []
    for rule in rules:
        applied = applied_threshold(curation, rule)
        if applied is None:
            off.append(rule.label)
            continue
        count = 0 if flags is None else int(flags[rule.measure].sum())
        side = f"{rule.direction} {number(applied)} {rule.unit}".strip()
        lines.append(f"| {rule.label.capitalize()} | {side} | {words.count(count)} |")
    if lines:
        st.markdown("\n".join(["| Rule | Flagged | Images |", "|:--|:--|--:|", *lines]))
    if off:
        st.caption(f"Measured, but not flagged unless you set a threshold: {', '.join(off)}.")


def applied_threshold(curation: Curation, rule: QualityRule) -> float | None:
    """Threshold in force; None where the rule flags nothing."""
    return curation.settings.thresholds.get(rule.measure, rule.threshold)


def number(value: float) -> str:
    """A threshold as short as it can be told from its neighbours."""
    return f"{value:.3g}" if abs(value) < 1000 else words.count(round(value))


def _draw_threshold(curation: Curation, rule: QualityRule) -> float:
    """Histogram and box of one rule; returns the threshold under the hand."""
    from derm_model.data.quality import histograms

    measures = curation.collection.quality
    values = values_of(curation, rule)
    # nearly the whole range: what a rule flags lies at an end
    histogram = histograms(measures, [rule.measure], robust_share=ROBUST_SHARE)[rule.measure]
    applied = applied_threshold(curation, rule)
    key = f"{state.MEASURE_THRESHOLD}_{rule.measure}"
    start = applied if applied is not None else float(histogram.edges[-1 if rule.direction == "above" else 0])
    step = _step(float(histogram.edges[-1] - histogram.edges[0]))
    st.session_state.setdefault(key, start)
    left, right = st.columns([9, 11], gap="large")
    with left:
        st.markdown(f"##### {rule.label.capitalize()}")
        st.markdown(f"{look.plain(rule.explanation)}")
        unit = f", {rule.unit}" if rule.unit else ""
        chosen = float(
            st.number_input(
                f"Flagged {rule.direction}{unit}",
                step=step,
                format=f"%.{max(0, -int(np.floor(np.log10(step))))}f",
                key=key,
                on_change=flagged.first_page,
                help="Nothing changes before it is applied.",
            )
        )
        count = int(rule.flags(values, chosen).sum())
        share = count / len(values) if len(values) else 0.0
        now = "The rule is off." if applied is None else _in_force(values, rule, applied)
        st.markdown(f"**{words.plural(count, 'image')}** ({words.percent(share)}) would be flagged. {now}")
        if histogram.missing:
            st.caption(f"Not told for {words.plural(histogram.missing, 'image')}: nothing is known against them.")
        _draw_buttons(curation, rule, applied, chosen, key)
        st.caption(
            f"Default: {'none' if rule.threshold is None else number(rule.threshold)}. {look.plain(rule.reason)}"
        )
    with right:
        _draw_histogram(histogram, rule, chosen, count)
    return chosen


def _in_force(values: NDArray[np.float64], rule: QualityRule, applied: float) -> str:
    return f"In force: {number(applied)}, {words.plural(int(rule.flags(values, applied).sum()), 'image')}."


def _draw_buttons(curation: Curation, rule: QualityRule, applied: float | None, chosen: float, key: str) -> None:
    moved = applied is None or abs(chosen - applied) > 1e-9
    with st.container(horizontal=True):
        st.button(
            f"Apply {number(chosen)}",
            key="apply_quality",
            type="primary" if moved else "secondary",
            disabled=not moved,
            on_click=_apply,
            args=(curation, rule, chosen),
        )
        if applied is not None:
            st.button("Switch off", key="switch_off", on_click=_apply, args=(curation, rule, None))
        if rule.threshold is not None and chosen != rule.threshold:
            st.button(
                f"Default, {number(rule.threshold)}", key="default_quality", on_click=_set, args=(key, rule.threshold)
            )


def _set(key: str, value: float) -> None:
    st.session_state[key] = value


def _apply(curation: Curation, rule: QualityRule, chosen: float | None) -> None:
    from derm_model.curation.settings import change_settings, read_settings

    workspace = curation.collection.workspace
    try:
        access.who(Right.RESEARCH)
        change_settings(workspace, thresholds={**read_settings(workspace).thresholds, rule.measure: chosen})
    except DermTreeError as error:
        state.say(look.plain(str(error)), failed=True)
    else:
        state.say(f"{rule.label.capitalize()}: {'off' if chosen is None else f'{number(chosen)} is in force'}.")


def _draw_histogram(histogram: Histogram, rule: QualityRule, chosen: float, count: int) -> None:
    from derm_model.figures.curation import plot_measure  # plotly: not before there is something to draw

    title = f"{rule.measure.replace('_', ' ').capitalize()}{f', {rule.unit}' if rule.unit else ''}"
    st.plotly_chart(
        plot_measure(
            histogram.edges,
            histogram.counts,
            chosen,
            flagged_below=rule.direction == "below",
            title=title,
            palette=look.palette(),
            height_px=240,
        ),
        theme=None,
        key="measure_histogram",
        config={"displayModeBar": False},
        alt=f"{title}: {words.plural(count, 'image')} {rule.direction} {number(chosen)}.",
    )
    outside = histogram.below + histogram.above
    if outside:
        st.caption(f"{words.plural(outside, 'image')} with still more extreme values lie beyond the edges.")


def _step(span: float) -> float:
    """A round step, about a two-hundredth of the range."""
    return float(10.0 ** np.floor(np.log10(span / N_STEPS))) * 2 if span > 0 else 0.01


def values_of(curation: Curation, rule: QualityRule) -> NDArray[np.float64]:
    """The measure of every image, NaN where it cannot be told."""
    values: NDArray[np.float64] = curation.collection.quality[rule.measure].to_numpy(dtype=np.float64, na_value=np.nan)
    return values
