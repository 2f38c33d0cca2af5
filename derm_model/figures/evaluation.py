"""Figures of an evaluation: confusion matrices, reliability, decision curves. Every one has a table beside it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from derm_model.evaluation.confusion import ConfusionMatrix
from derm_model.evaluation.decision import DecisionCurve
from derm_model.evaluation.reliability import Reliability
from derm_model.figures.style import template
from derm_model.palette import Palette

CELL_PX = 44
MIN_HEIGHT_PX = 240
LABEL_CHARACTERS = 24  # of a class's name in a line; longer ones are broken, never cut
MAX_NUMBERED = 15  # classes up to which a share fits into its cell
SMALL_PX = 260


def plot_confusion(matrix: ConfusionMatrix, names: Sequence[str], palette: Palette) -> go.Figure:
    """Row-normalised confusion matrix, as in Extended Data Figure 2: rows are the truth, columns the answers.

    Parameters
    ----------
    matrix
    names
        Of the classes, in the matrix's order; numbered on the columns, spelled out on the rows.
    """
    shares, k = matrix.shares, len(names)
    numbers = [str(i) for i in range(k)]
    rows = [f"{_wrapped(name)}  <b>{i}</b>" for i, name in enumerate(names)]
    text = np.where(np.isnan(shares), "", np.char.mod("%.2f", np.nan_to_num(shares))) if k <= MAX_NUMBERED else None
    hover = [
        [f"{t} → {s}<br>{c} of {n} images" for s, c in zip(names, row, strict=True)]
        for t, row, n in zip(names, matrix.counts.tolist(), matrix.n_of_class.tolist(), strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=numbers,
            y=rows,
            text=text,
            texttemplate="%{text}" if text is not None else None,
            textfont={"size": 11},
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
    figure.update_xaxes(title="Answer", side="top", type="category", showgrid=False)
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False)
    return figure.update_layout(template=template(palette), height=max(MIN_HEIGHT_PX, 80 + CELL_PX * k))


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
