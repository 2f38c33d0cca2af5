"""Operating curves. Axes as in the paper: sensitivity to the right, specificity upwards."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from derm_model.evaluation.curves import OperatingCurve, OperatingPoint
from derm_model.figures.style import template
from derm_model.palette import Palette

POINT_SIZE_PX = 15


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
    low, high = curve.line_intervals()[0]
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
