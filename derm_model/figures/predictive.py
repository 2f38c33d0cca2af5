"""Predictive values over the prevalence, which differs from place to place by more than any threshold can mend."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import plotly.graph_objects as go

from derm_model.evaluation.curves import OperatingPoint
from derm_model.evaluation.predictive import Bounds, PredictiveValues, over_prevalences, predictive_values
from derm_model.figures.style import template
from derm_model.palette import Palette

HEIGHT_PX = 320
LEAST, MOST = 0.001, 0.9  # from a healthy population to the fullest test set
N_POINTS = 80
TICKS = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
ROW_PX = 18  # of the marks' names above the chart
Mark = tuple[str, float]  # name and prevalence


def prevalence_range(marks: Sequence[Mark]) -> Bounds:
    """Least and greatest prevalence of the axis, so that every mark lies on it."""
    shares = [share for _, share in marks]
    return min(LEAST, *shares), max(MOST, *shares)


def plot_prevalence_axes(marks: Sequence[Mark], palette: Palette, height_px: int = HEIGHT_PX) -> go.Figure:
    """The empty chart, with a dotted line and a name for each mark: a page that follows a hand draws the curves.

    Parameters
    ----------
    marks
        One or two, of any prevalence 0 < p < 1: that in question first, then that of the images.
    """
    figure = go.Figure()
    low, high = map(math.log10, prevalence_range(marks))
    for row, (name, share) in enumerate(marks):
        figure.add_trace(
            go.Scatter(
                x=[share, share],
                y=[0, 1],
                mode="lines",
                line={"color": palette.ink if row == 0 else palette.muted, "width": 1.2, "dash": "dot"},
                hoverinfo="skip",
                name=name,
            )
        )
        at = (math.log10(share) - low) / (high - low)
        figure.add_annotation(
            **{"x": math.log10(share), "y": 1, "xref": "x", "yref": "paper", "yshift": ROW_PX * (len(marks) - 1 - row)},
            **{"xanchor": "left" if at < 0.3 else "right" if at > 0.7 else "center", "yanchor": "bottom"},
            text=name,
            showarrow=False,
            font={"size": 12, "color": palette.ink if row == 0 else palette.muted},
        )
    figure.update_xaxes(
        title="Prevalence",
        type="log",
        range=[low, high],
        tickvals=TICKS,
        tickangle=0,
        ticktext=[f"{tick:.1%}".replace(".0%", "%") for tick in TICKS],
    )
    figure.update_yaxes(title="Predictive value", tickformat=".0%", dtick=0.25, range=[-0.015, 1.02])
    return figure.update_layout(template=template(palette), height=height_px, margin={"t": 6 + ROW_PX * len(marks)})


def plot_predictive_values(
    point: OperatingPoint, marks: Sequence[Mark], palette: Palette, height_px: int = HEIGHT_PX
) -> go.Figure:
    """PPV and NPV of an operating point with their 95 % bands, over the prevalence on a logarithmic axis.

    Parameters
    ----------
    point
    marks
        As in `plot_prevalence_axes`; at the first the two values are dots.
    """
    figure = plot_prevalence_axes(marks, palette, height_px)
    low, high = prevalence_range(marks)
    values = over_prevalences(point, np.geomspace(low, high, N_POINTS).clip(low, high).tolist())
    asked = predictive_values(point, marks[0][1])
    curves = {
        "PPV": ([(v.ppv, v.ppv_interval) for v in values], asked.ppv, palette.accent, palette.tint, "solid"),
        "NPV": ([(v.npv, v.npv_interval) for v in values], asked.npv, palette.ink, _pale(palette.ink), "dash"),
    }
    shares = [v.prevalence for v in values]
    for name, (found, at_mark, colour, band, dash) in curves.items():
        drawn = [(value, bounds) for value, bounds in found if value is not None and bounds is not None]
        if len(drawn) == len(shares):  # a point has a value at every prevalence, or at none
            figure.add_traces(list(_curve(name, shares, drawn, colour, band, dash)))
        if at_mark is not None:
            figure.add_trace(_dot(marks[0][1], at_mark, colour, palette))
    for annotation in _names(values, palette):
        figure.add_annotation(annotation)
    return figure


def _curve(
    name: str, shares: Sequence[float], found: Sequence[tuple[float, Bounds]], colour: str, band: str, dash: str
) -> Iterator[go.Scatter]:
    """Band, then line."""
    low, high = [bounds[0] for _, bounds in found], [bounds[1] for _, bounds in found]
    yield go.Scatter(
        x=[*shares, *reversed(shares)],
        y=[*low, *reversed(high)],
        fill="toself",
        fillcolor=band,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        name=f"95% interval of the {name}",
    )
    yield go.Scatter(
        x=list(shares),
        y=[value for value, _ in found],
        mode="lines",
        line={"color": colour, "width": 2.5, "dash": dash},
        hovertemplate=f"prevalence %{{x:.1%}}<br>{name} %{{y:.1%}}<extra></extra>",
        name=name,
    )


def _dot(share: float, value: float, colour: str, palette: Palette) -> go.Scatter:
    return go.Scatter(
        x=[share],
        y=[value],
        mode="markers",
        marker={"size": 10, "color": palette.page, "line": {"color": colour, "width": 3}},
        hovertemplate="prevalence %{x:.1%}<br>%{y:.1%}<extra></extra>",
        name="In question",
    )


def _names(values: Sequence[PredictiveValues], palette: Palette) -> Iterator[go.layout.Annotation]:
    """Direct labels: between the two curves where they are furthest apart; one alone at the left."""
    gaps = [0.0 if v.ppv is None or v.npv is None else abs(v.ppv - v.npv) for v in values]
    at = int(np.argmax(gaps))
    found = values[at]
    anchor = "left" if at < len(values) / 3 else "right" if at > 2 * len(values) / 3 else "center"
    for name, value, bounds, other in (
        ("PPV", found.ppv, found.ppv_interval, found.npv),
        ("NPV", found.npv, found.npv_interval, found.ppv),
    ):
        if value is None or bounds is None:
            continue
        is_lower = value < (0.5 if other is None else other)
        yield go.layout.Annotation(
            x=math.log10(found.prevalence),
            y=bounds[1] if is_lower else bounds[0],
            xanchor=anchor,
            yanchor="bottom" if is_lower else "top",
            text=f"<b>{name}</b>",
            showarrow=False,
            font={"size": 13, "color": palette.accent if name == "PPV" else palette.ink},
        )


def _pale(colour: str) -> str:
    """A #RRGGBB colour as a translucent one, for a band."""
    return f"rgba({','.join(str(int(colour[k : k + 2], 16)) for k in (1, 3, 5))},.12)"
