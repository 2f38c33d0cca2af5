"""The probability of one answer while the picture turns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from derm_model.figures.style import template
from derm_model.palette import Palette

HEIGHT_PX = 340
MARGIN_PX = {"l": 8, "r": 16, "t": 28, "b": 8}


@dataclass(frozen=True)
class TurnedLine:
    """Values at each angle; `dash` and `symbol` tell it from others without its colour."""

    name: str
    values: Sequence[float]
    dash: str = "solid"
    symbol: str = "circle"


def plot_rotation(
    angles_deg: Sequence[float], lines: Sequence[TurnedLine], mean: float, sd: float, title: str, palette: Palette
) -> go.Figure:
    """Probability against angle, with the mean of the first line and one standard deviation to either side.

    Parameters
    ----------
    angles_deg
        0 <= angle < 360, ascending; the first one closes the circle at 360.
    lines
        The first is what was asked, the others are to compare with; values in [0, 1].
    mean, sd : float
        Of the first line.
    title : str
        Of the vertical axis.
    palette : Palette
    """
    figure = go.Figure()
    low, high = max(0.0, mean - sd), min(1.0, mean + sd)
    figure.add_trace(
        go.Scatter(
            x=[0, 360, 360, 0],
            y=[low, low, high, high],
            fill="toself",
            fillcolor=palette.tint,
            line={"width": 0},
            mode="lines",
            hoverinfo="skip",
            name="mean ± SD",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=[0, 360],
            y=[mean, mean],
            mode="lines",
            line={"color": palette.accent, "width": 1, "dash": "dash"},
            hoverinfo="skip",
            name="mean",
        )
    )
    x = [*angles_deg, 360.0]
    for number, line in enumerate(lines):
        colour = palette.accent if number == 0 else palette.muted
        figure.add_trace(
            go.Scatter(
                x=x,
                y=[*line.values, line.values[0]],
                name=line.name,
                mode="lines+markers" if number == 0 else "lines",
                line={"color": colour, "width": 2.5 if number == 0 else 1.5, "dash": line.dash},
                marker={"size": 6, "symbol": line.symbol},
                hovertemplate=f"{line.name}<br>%{{x}}°: %{{y:.1%}}<extra></extra>",
            )
        )
    figure.update_xaxes(title="Angle, degrees", range=[0, 360], dtick=45)
    figure.update_yaxes(title=title, tickformat=".0%", range=_range([line.values for line in lines]))
    legend = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"}
    return figure.update_layout(
        template=template(palette), height=HEIGHT_PX, showlegend=True, legend=legend, margin=MARGIN_PX
    )


def _range(values: Sequence[Sequence[float]]) -> list[float]:
    """From 0 to the next tenth above the largest: the height of a line is its probability."""
    return [0.0, min(1.0, np.ceil(10 * max(max(line) for line in values) + 0.5) / 10) + 0.01]
