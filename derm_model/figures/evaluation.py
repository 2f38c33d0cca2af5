"""Figures of an evaluation: confusion matrices, reliability, decision curves. Every one has a table beside it."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Iterator, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from derm_model.evaluation.confusion import ConfusionMatrix
from derm_model.evaluation.curves import OperatingCurve, OperatingPoint
from derm_model.evaluation.decision import DecisionCurve
from derm_model.evaluation.reliability import Reliability
from derm_model.figures.style import mixed, template
from derm_model.palette import Palette, readable_on

CELL_PX = 44
MIN_HEIGHT_PX = 240
LABEL_CHARACTERS = 24  # of a class's name in a line; longer ones are broken, never cut
MAX_NUMBERED = 15  # classes up to which a share fits into its cell
LEAST_NUMBERED = 0.05  # share below which a cell stays blank: the eye then finds what matters
SMALL_PX, CURVE_PX = 260, 420
POINT_MARKS = ("circle", "diamond", "square", "triangle-up", "star", "pentagon", "cross", "hexagram")


def plot_confusion(
    matrix: ConfusionMatrix, names: Sequence[str], palette: Palette, *, unit: str = "images"
) -> go.Figure:
    """Row-normalised confusion matrix, as in Extended Data Figure 2: rows are the truth, columns the answers.

    Cells are per cent of their row, blank below 5; a row without images has a dot in each.

    Parameters
    ----------
    matrix
    names
        Of the classes, in the matrix's order; numbered on the columns, spelled out on the rows.
    palette
    unit
        What the matrix counts: of several readers together it is answers.
    """
    shares, k = matrix.shares, len(names)
    numbers = [str(i) for i in range(k)]
    rows = [f"{_wrapped(name)}  <b>{i}</b>" for i, name in enumerate(names)]
    hover = [
        [f"{t} → {s}<br>{c} of {n} {unit}" for s, c in zip(names, row, strict=True)]
        for t, row, n in zip(names, matrix.counts.tolist(), matrix.n_of_class.tolist(), strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=numbers,
            y=rows,
            customdata=hover,
            hovertemplate="%{customdata}<extra></extra>",
            colorscale=[[0, palette.panel], [1, palette.accent]],
            zmin=0,
            zmax=1,
            showscale=False,
            xgap=2,
            ygap=2,
        )
    )
    if k <= MAX_NUMBERED:
        figure.add_traces(list(_digits(shares, numbers, rows, palette)))
    for i in np.flatnonzero(matrix.n_of_class == 0).tolist():
        for column in numbers:
            figure.add_annotation(x=column, y=rows[i], text="·", showarrow=False, font={"color": palette.muted})
    figure.update_xaxes(title="Answer", side="top", type="category", showgrid=False)
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    return figure.update_layout(template=template(palette), height=max(MIN_HEIGHT_PX, 80 + CELL_PX * k))


def _digits(
    shares: NDArray[np.float64], columns: Sequence[str], rows: Sequence[str], palette: Palette
) -> Iterator[go.Scatter]:
    """Shares as per cent, in white or near-black, whichever contrasts more with the cell."""
    cells: dict[str, list[tuple[str, str, str]]] = {}
    for i, row in enumerate(rows):
        for column, share in zip(columns, shares[i].tolist(), strict=True):
            if share >= LEAST_NUMBERED:  # not so for the NaN of a class without images
                cells.setdefault(readable_on(mixed(palette.panel, palette.accent, share)), []).append(
                    (column, row, f"{100 * share:.0f}")
                )
    for colour, found in cells.items():
        x, y, text = zip(*found, strict=True)
        font = {"size": 12, "color": colour}
        yield go.Scatter(x=x, y=y, text=text, mode="text", textfont=font, hoverinfo="skip", name="Per cent")


def plot_question_curve(
    curve: OperatingCurve,
    points: Sequence[tuple[str, OperatingPoint]],
    palette: Palette,
    *,
    roc: bool = False,
    height_px: int = CURVE_PX,
) -> go.Figure:
    """All thresholds with the 95 % band, and named points with both their intervals.

    Parameters
    ----------
    curve
    points
        Of the same curve, at most as many as `POINT_MARKS`.
    palette
    roc
        The usual axes, sensitivity upwards against 1 - specificity; else those of the paper's Figure 3, specificity
        upwards against sensitivity.
    """
    figure = go.Figure(_curve_traces(curve, palette, roc))
    for (name, point), symbol in zip(points, POINT_MARKS, strict=False):
        figure.add_trace(_named_point(name, point, symbol, palette, roc))
    ticks = {"tickformat": ".0%", "dtick": 0.25, "range": [-0.015, 1.02]}
    figure.update_xaxes(title="1 − specificity" if roc else "Sensitivity", **ticks)
    figure.update_yaxes(title="Sensitivity" if roc else "Specificity", **ticks)
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return figure.update_layout(template=template(palette), height=height_px, showlegend=True, legend=legend)


def _curve_traces(curve: OperatingCurve, palette: Palette, roc: bool) -> list[go.Scatter]:
    """Band and line."""
    (low, high), (sensitivity, specificity) = curve.line_intervals()[0], curve.line()
    band = _oriented(np.concatenate([low, high[::-1]]), np.concatenate([specificity, specificity[::-1]]), roc)
    held = go.Scatter(
        **band,
        fill="toself",
        fillcolor=palette.tint,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        name="95% interval of the sensitivity",
        showlegend=False,
    )
    x, y = ("%{y:.0%}", "%{x:.0%} of the others called") if roc else ("%{x:.0%}", "specificity %{y:.0%}")
    line = go.Scatter(
        **_oriented(sensitivity, specificity, roc),
        customdata=np.append(curve.thresholds, np.inf),
        mode="lines",
        line={"color": palette.accent, "width": 2.5},
        hovertemplate=f"threshold %{{customdata:.3f}}<br>sensitivity {x}<br>{y}<extra></extra>",
        name="Network",
        showlegend=False,
    )
    return [held, line]


def _oriented(
    sensitivity: NDArray[np.float64], specificity: NDArray[np.float64], roc: bool
) -> dict[str, NDArray[np.float64]]:
    return {"x": 1 - specificity, "y": sensitivity} if roc else {"x": sensitivity, "y": specificity}


def _named_point(name: str, point: OperatingPoint, symbol: str, palette: Palette, roc: bool) -> go.Scatter:
    found, spared = (
        (point.sensitivity, *point.sensitivity_interval),
        (point.specificity, *point.specificity_interval),
    )
    if roc:
        value, low, high = spared
        spared = (1 - value, 1 - high, 1 - low)
    (x, x_low, x_high), (y, y_low, y_high) = (spared, found) if roc else (found, spared)
    bar = {"type": "data", "symmetric": False, "color": palette.ink, "thickness": 1.2, "width": 3}
    return go.Scatter(
        x=[x],
        y=[y],
        error_x={**bar, "array": [x_high - x], "arrayminus": [x - x_low]},
        error_y={**bar, "array": [y_high - y], "arrayminus": [y - y_low]},
        mode="markers",
        marker={"symbol": symbol, "size": 12, "color": palette.page, "line": {"color": palette.ink, "width": 2}},
        hovertemplate=f"{html.escape(name)}<br>threshold {point.threshold:.3f}<extra></extra>",
        name=html.escape(name),
    )


def plot_reliability(found: Reliability, palette: Palette, title: str, height_px: int = SMALL_PX) -> go.Figure:
    """Share observed against probability predicted, with Wilson intervals and n; on the dotted line they agree."""
    x = [b.mean_predicted for b in found.bins]
    y = [b.observed.value for b in found.bins]
    figure = go.Figure(
        go.Scatter(
            x=[0, 1], y=[0, 1], mode="lines", line={"color": palette.muted, "width": 1, "dash": "dot"}, hoverinfo="skip"
        )
    )
    figure.add_trace(
        go.Scatter(
            x=x,
            y=y,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [b.observed.high - b.observed.value for b in found.bins],
                "arrayminus": [b.observed.value - b.observed.low for b in found.bins],
                "color": palette.accent,
                "thickness": 1.5,
                "width": 4,
            },
            customdata=[b.n for b in found.bins],
            mode="markers+lines",
            line={"color": palette.accent, "width": 2},
            marker={"size": 8, "color": palette.accent},
            hovertemplate="predicted %{x:.0%}<br>observed %{y:.0%}<br>%{customdata} images<extra></extra>",
        )
    )
    ticks = {"tickformat": ".0%", "dtick": 0.25, "range": [-0.02, 1.02]}
    figure.update_xaxes(title=title, **ticks)
    figure.update_yaxes(title="Observed", **ticks)
    return figure.update_layout(template=template(palette), height=height_px)


def plot_decision(curve: DecisionCurve, palette: Palette, height_px: int = SMALL_PX) -> go.Figure:
    """Net benefit over the probability from which a person wants the biopsy, against all and none (Vickers 2006)."""
    top = max(curve.prevalence, float(curve.model.max()))
    figure = go.Figure()
    for y, name, dash, colour in (
        (curve.model, "model", "solid", palette.accent),
        (curve.treat_all, "biopsy all", "dash", palette.ink),
        (np.zeros_like(curve.model), "biopsy none", "dot", palette.muted),
    ):
        figure.add_trace(
            go.Scatter(
                x=curve.thresholds,
                y=y,
                mode="lines",
                name=name,
                line={"color": colour, "width": 2, "dash": dash},
                hovertemplate=f"{name}<br>threshold %{{x:.0%}}<br>net benefit %{{y:.3f}}<extra></extra>",
            )
        )
    figure.update_xaxes(title="Threshold probability", tickformat=".0%", range=[0, 1])
    figure.update_yaxes(title="Net benefit", range=[-0.15 * top, 1.08 * top])
    return figure.update_layout(
        template=template(palette),
        height=height_px,
        showlegend=True,
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )


def _wrapped(name: str) -> str:
    return "<br>".join(textwrap.wrap(name, LABEL_CHARACTERS))
