"""Figures of the app: pure functions from domain objects and a palette to plotly figures. No streamlit.

Every default sits in one template, because defaults set on the figure are lost by a later ``update_xaxes(title=...)``.
Axes as in the paper: sensitivity to the right, specificity upwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from derm_model.answer import Slice
from derm_model.evaluation.curves import OperatingCurve, OperatingPoint
from derm_model.evaluation.metrics import wilson
from derm_model.palette import Palette, Role, readable_on
from derm_model.words import percent

FONT = '"Source Sans", "Source Sans Pro", sans-serif'
ALL = "all"  # id of the box above the roots; without a real one plotly draws a nameless root
SMALLEST_SHARE = 0.012  # width of a box without probability, or with hardly any: still wide enough to click
POINT_SIZE_PX = 15


def template(palette: Palette) -> go.layout.Template:
    """Defaults of every chart: no axis line, quiet grid, fixed range so that a phone scrolls over the chart."""
    axis: dict[str, Any] = {
        "gridcolor": palette.grid,
        "tickfont": {"size": 12, "color": palette.muted},
        "zeroline": False,
        "automargin": True,
        "fixedrange": True,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "rgba(0,0,0,0)",
        "showline": False,
        "title": {"font": {"size": 13, "color": palette.ink}, "standoff": 8},
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": palette.ink},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": axis,
            "yaxis": axis,
            "hovermode": "closest",
            "dragmode": False,
            "showlegend": False,
            "margin": {"l": 8, "r": 16, "t": 12, "b": 8},
            "hoverlabel": {
                "bgcolor": palette.panel,
                "bordercolor": palette.grid,
                "font": {"color": palette.ink, "size": 13},
            },
        }
    )


def plot_operating_curve(
    curve: OperatingCurve, point: OperatingPoint, palette: Palette, height_px: int = 260
) -> go.Figure:
    """Specificity against sensitivity with the 95 % band of the sensitivity, and the point with both its intervals.

    Parameters
    ----------
    curve : OperatingCurve
    point : OperatingPoint
        A point of the same curve.
    """
    figure = go.Figure()
    figure.add_trace(_band(curve, palette))
    sensitivity, specificity = curve.line()
    figure.add_trace(
        go.Scatter(
            x=sensitivity,
            y=specificity,
            customdata=np.append(curve.thresholds, np.inf),
            mode="lines",
            line={"color": palette.accent, "width": 2.5},
            hovertemplate="threshold %{customdata:.3f}<br>sensitivity %{x:.0%}<br>specificity %{y:.0%}<extra></extra>",
            name="Network",
        )
    )
    figure.add_trace(_guides(point, palette))
    figure.add_trace(_marked_point(point, palette))
    ticks = {"tickformat": ".0%", "dtick": 0.25, "range": [-0.015, 1.02]}
    figure.update_xaxes(title="Sensitivity", **ticks)
    figure.update_yaxes(title="Specificity", **ticks)
    return figure.update_layout(template=template(palette), height=height_px)


def _band(curve: OperatingCurve, palette: Palette) -> go.Scatter:
    """95 % interval of the sensitivity at every specificity of the curve."""
    found = np.append(curve.true_positives, 0)
    bounds = [wilson(int(k), curve.n_pos) for k in found]
    low, high = np.array([b.low for b in bounds]), np.array([b.high for b in bounds])
    specificity = curve.line()[1]
    return go.Scatter(
        x=np.concatenate([low, high[::-1]]),
        y=np.concatenate([specificity, specificity[::-1]]),
        fill="toself",
        fillcolor=palette.tint,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        name="95% interval",
    )


def _guides(point: OperatingPoint, palette: Palette) -> go.Scatter:
    """Dotted lines from the point to both axes."""
    return go.Scatter(
        x=[point.sensitivity, point.sensitivity, 0],
        y=[0, point.specificity, point.specificity],
        mode="lines",
        line={"color": palette.muted, "width": 1, "dash": "dot"},
        hoverinfo="skip",
        name="Guides",
    )


def _marked_point(point: OperatingPoint, palette: Palette) -> go.Scatter:
    """Ring with a bar for the interval in each direction."""
    (se_low, se_high), (sp_low, sp_high) = point.sensitivity_interval, point.specificity_interval
    bar = {"type": "data", "symmetric": False, "color": palette.accent, "thickness": 1.5, "width": 4}
    return go.Scatter(
        x=[point.sensitivity],
        y=[point.specificity],
        error_x={**bar, "array": [se_high - point.sensitivity], "arrayminus": [point.sensitivity - se_low]},
        error_y={**bar, "array": [sp_high - point.specificity], "arrayminus": [point.specificity - sp_low]},
        mode="markers",
        marker={"size": POINT_SIZE_PX, "color": palette.page, "line": {"color": palette.accent, "width": 4}},
        hoverinfo="skip",
        name="This threshold",
    )


def plot_icicle(slices: Sequence[Slice], picked: str | None, palette: Palette, height_px: int = 300) -> go.Figure:
    """The tree from top to bottom, width by probability; a click selects the node with that ``id``.

    An icicle beats a sunburst: labels stay horizontal, depth reads downwards and it uses the width. Boxes that do not
    resolve are gray and say so.
    """
    widths = _widths(slices)
    boxes: list[tuple[str, str, str, Role, float | None, float]] = [
        (ALL, "", "All diagnoses", Role.ALL, 1.0, widths[None])
    ]
    boxes += [
        (s.answer.node, s.parent or ALL, s.answer.name, s.answer.role, s.answer.probability, widths[s.answer.node])
        for s in slices
    ]
    ids, parents, names, roles, probabilities, values = zip(*boxes, strict=True)
    fills = [palette.roles[role] for role in roles]
    texts = ["not resolved" if p is None else percent(p) for p in probabilities]
    lines = [(3, palette.ink) if node == picked else (1, palette.page) for node in ids]
    figure = go.Figure(
        go.Icicle(
            ids=ids,
            parents=parents,
            labels=names,
            values=values,
            text=texts,
            customdata=[role.value for role in roles],
            branchvalues="total",
            sort=False,
            texttemplate="%{label}<br><b>%{text}</b>",
            hovertemplate="%{label}: %{text}<br>%{customdata}<extra></extra>",
            leaf={"opacity": 1},
            tiling={"orientation": "v", "pad": 2},
            pathbar={"visible": False},
            marker={"colors": fills, "line": {"width": [w for w, _ in lines], "color": [c for _, c in lines]}},
            textfont={"size": 13, "color": [readable_on(fill) for fill in fills]},
        )
    )
    return figure.update_layout(
        template=template(palette),
        height=height_px,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        uniformtext={"minsize": 11, "mode": "hide"},
    )


def _widths(slices: Sequence[Slice]) -> dict[str | None, float]:
    """Width per node id (None: the whole): a leaf's probability, at least a clickable sliver; a parent's is the sum."""
    widths: dict[str | None, float] = {None: 0.0}
    parents = {s.answer.node: s.parent for s in slices}
    inner = set(parents.values())
    for s in slices:
        if s.answer.node in inner:
            continue
        width = max(s.answer.probability or 0.0, SMALLEST_SHARE)
        node: str | None = s.answer.node
        while node is not None:
            widths[node] = widths.get(node, 0.0) + width
            node = parents[node]
        widths[None] += width
    return widths
