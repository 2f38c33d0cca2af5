"""The threshold desk: a curve to click, the scores of the two classes, net benefit.

None of them shows the threshold in force: the page draws its mark over them, so that a figure stays as it is while a
slider moves, and the mark follows the hand at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from derm_model.evaluation.curves import OperatingCurve
from derm_model.figures.operating import plot_operating_curve
from derm_model.figures.style import template
from derm_model.palette import MARKS, Palette, Role

N_BARS = 25  # 0.04 of the score each: with a few hundred images a bar still holds some
CURVE_HEIGHT_PX, SCORES_HEIGHT_PX, BENEFIT_HEIGHT_PX = 400, 280, 260
HEADROOM = 1.3  # above the tallest bar, for the name of the class


@dataclass(frozen=True, eq=False)
class ScoreCounts:
    """Images per bar of a score in [0, 1].

    Attributes
    ----------
    edges : (n + 1,) float
    positive, negative : (n,) int
        Images with and without the disease; their sums are those of the curve.
    """

    edges: NDArray[np.float64]
    positive: NDArray[np.int64]
    negative: NDArray[np.int64]


def score_counts(curve: OperatingCurve, n_bars: int = N_BARS) -> ScoreCounts:
    """Count the images in equal ranges of the score, from the counts that a curve keeps.

    An image is counted in the bar below an edge unless the curve keeps a threshold from the edge up to its score: in a
    whole curve every image stands in its own bar, in a thinned one an image near an edge may stand in the bar below.
    """
    edges = np.linspace(0, 1, n_bars + 1)
    above = curve.called_at(edges[1:-1])
    bars = [-np.diff(np.concatenate([[n], a, [0]])) for a, n in zip(above, (curve.n_pos, curve.n_neg), strict=True)]
    return ScoreCounts(edges, bars[0], bars[1])


def plot_desk_curve(
    curve: OperatingCurve, palette: Palette, *, n_clicks: int = 0, height_px: int = CURVE_HEIGHT_PX
) -> go.Figure:
    """Curve whose line can be clicked: a click gives a point of the trace "Network" with its threshold as customdata.

    Parameters
    ----------
    curve
    palette
    n_clicks
        Another number makes another figure, which forgets what was clicked: so the same place can be clicked again.
    """
    figure = plot_operating_curve(curve, curve.youden(), palette, height_px)
    figure.data = [trace for trace in figure.data if trace.name in ("95% interval", "Network")]
    quiet: dict[str, Any] = {"marker": {"opacity": 0}}  # plotly clicks markers only; these are there, unseen
    figure.update_traces(
        {"mode": "lines+markers", "marker": {"opacity": 0, "size": 14}, "selected": quiet, "unselected": quiet},
        selector={"name": "Network"},
    )
    return figure.update_layout(clickmode="event+select", meta={"n_clicks": n_clicks})


def plot_scores(
    counts: ScoreCounts, names: tuple[str, str], palette: Palette, height_px: int = SCORES_HEIGHT_PX
) -> go.Figure:
    """Scores of the two classes, mirrored: with the disease upwards, without downwards, as shares of each class.

    Parameters
    ----------
    counts
    names
        What the sides are called, with their numbers.
    """
    figure = go.Figure()
    middles, width = (counts.edges[:-1] + counts.edges[1:]) / 2, float(counts.edges[1] - counts.edges[0])
    sides = ((counts.positive, Role.MALIGNANT, 1), (counts.negative, Role.BENIGN, -1))
    for (bars, role, sign), name in zip(sides, names, strict=True):
        figure.add_trace(_score_bars(bars, sign, middles, width, palette.roles[role], name))
        figure.add_annotation(
            text=f"{MARKS[role]} {name}",
            **{"xref": "paper", "yref": "paper", "x": 0.99, "y": 1.0 if sign > 0 else 0.0},
            **{"xanchor": "right", "yanchor": "top" if sign > 0 else "bottom", "showarrow": False},
            font={"color": palette.ink, "size": 13},
        )
    figure.update_xaxes(title="Score", range=[0, 1], dtick=0.25)
    top = max(float(_shares(bars).max()) for bars, _, _ in sides)
    ticks = _even_ticks(top)
    figure.update_yaxes(
        title="Share of each class",
        range=[-top * HEADROOM, top * HEADROOM],
        tickvals=[*(-t for t in reversed(ticks)), 0, *ticks],
        ticktext=[f"{abs(t):.0%}" for t in (*reversed(ticks), 0, *ticks)],
        zeroline=True,
        zerolinecolor=palette.muted,
        zerolinewidth=1,
    )
    figure.update_layout(template=template(palette), height=height_px, bargap=0.08, barmode="overlay")
    return figure.update_layout(margin={"t": 24})


def _shares(bars: NDArray[np.int64]) -> NDArray[np.float64]:
    return bars / max(1, int(bars.sum()))


def _even_ticks(top: float) -> list[float]:
    """One or two round shares below `top`."""
    step = next((s for s in (0.02, 0.05, 0.1, 0.2, 0.25, 0.5) if top / s < 3), 1.0)
    return [step * i for i in range(1, int(top / step) + 1)]


def _score_bars(
    bars: NDArray[np.int64], sign: int, middles: NDArray[np.float64], width: float, colour: str, name: str
) -> go.Bar:
    return go.Bar(
        x=middles,
        y=sign * _shares(bars),
        width=width * 0.92,
        marker={"color": colour},
        customdata=bars,
        hovertemplate="score around %{x:.2f}: %{customdata} images<extra></extra>",
        name=name,
    )


def plot_net_benefit(
    thresholds: Sequence[float],
    benefit: Sequence[float],
    treat_all: float,
    palette: Palette,
    height_px: int = BENEFIT_HEIGHT_PX,
) -> go.Figure:
    """Net benefit along the thresholds of the score, against treating all and treating none; per 1,000 people.

    Parameters
    ----------
    thresholds, benefit : (k,) float
        Ascending thresholds; `benefit` holds from the threshold before, excluded, to each.
    treat_all
        Net benefit when everybody is treated; that of treating nobody is 0.
    """
    figure = go.Figure()
    lines = (("treat none", 0.0, "dot"), ("treat all", treat_all, "dash"))
    low, high = _benefit_range([*benefit, treat_all])
    for name, value, dash in lines:
        figure.add_trace(
            go.Scatter(
                x=[0, 1],
                y=[value, value],
                mode="lines",
                line={"color": palette.muted, "width": 1.5, "dash": dash},
                hovertemplate=f"{name}: %{{y:.1f}}<extra></extra>",
                name=name,
            )
        )
    figure.add_trace(
        go.Scatter(
            x=thresholds,
            y=benefit,
            mode="lines",
            line={"color": palette.accent, "width": 2.5, "shape": "vh"},
            hovertemplate="threshold %{x:.3f}<br>net benefit %{y:.1f}<extra></extra>",
            name="Network",
        )
    )
    for name, value, _ in lines:
        figure.add_annotation(_line_name(name, value, (low, high), palette))
    figure.update_xaxes(title="Threshold on the score", range=[-0.02, 1.02], dtick=0.25)
    figure.update_yaxes(title="Net benefit per 1,000 people", range=[low, high])
    return figure.update_layout(template=template(palette), height=height_px)


def _benefit_range(values: Sequence[float]) -> tuple[float, float]:
    """The part that matters: far below zero a line says only that it is bad."""
    top, lowest = max(0.0, *values), min(0.0, *values)
    span = top or -lowest or 1.0
    return max(lowest, -span) - 0.15 * span, top + 0.2 * span


def _line_name(name: str, value: float, bounds: tuple[float, float], palette: Palette) -> go.layout.Annotation:
    """Direct label at the right end; where the line lies below the picture, that is said."""
    below = value < bounds[0]
    return go.layout.Annotation(
        x=1,
        y=bounds[0] if below else value,
        xanchor="right",
        yanchor="top" if value == 0 else "bottom",  # at the right end the network comes down to treating none
        text=f"{name}, far below: {value:.0f}".replace("-", "−") if below else name,
        showarrow=False,
        font={"color": palette.muted, "size": 12},
    )
