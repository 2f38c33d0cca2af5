"""Charts of a collection: ages, what a threshold joins, and distributions of quality."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from derm_model.figures.style import template
from derm_model.palette import Palette

BAR_GAP = 0.08


def plot_ages(from_years: Sequence[int], counts: Sequence[int], palette: Palette, height_px: int = 200) -> go.Figure:
    """Images per step of age.

    Parameters
    ----------
    from_years
        Lower end of each step, years, ascending and evenly spaced.
    counts
        Images in each step.
    palette, height_px
    """
    step = from_years[1] - from_years[0] if len(from_years) > 1 else 1
    figure = go.Figure(
        go.Bar(
            x=[start + step / 2 for start in from_years],
            y=list(counts),
            width=step * (1 - BAR_GAP),
            customdata=[
                f"{start} to {start + step - 1} years" if step > 1 else f"{start} years" for start in from_years
            ],
            marker={"color": palette.accent},
            hovertemplate="%{customdata}: %{y:,} images<extra></extra>",
            name="Images",
        )
    )
    figure.update_xaxes(title="Age, years", showgrid=False)
    figure.update_yaxes(title="Images", rangemode="tozero", tickformat=",d")
    return figure.update_layout(template=template(palette), height=height_px)


def plot_threshold_effect(
    thresholds: ArrayLike,
    n_images: ArrayLike,
    largest: ArrayLike,
    *,
    applied: float,
    chosen: float,
    title: str,
    palette: Palette,
    height_px: int = 250,
) -> go.Figure:
    """What joining above each threshold would do: images in groups of two or more, and the size of the largest group.

    Parameters
    ----------
    thresholds : (m,)
        Ascending.
    n_images, largest : (m,)
        Images in groups of two or more, and images in the largest group, at each threshold.
    applied, chosen
        Threshold in force (dotted line) and the one under the hand (solid line).
    title
        Of the axis of thresholds.
    palette, height_px
    """
    x, joined, biggest = (np.asarray(values) for values in (thresholds, n_images, largest))
    figure = go.Figure()
    above, below = {"yanchor": "bottom", "yshift": 2}, {"yanchor": "top", "yshift": -2}
    for y, name, dash, colour, side in (
        (joined, "in groups", "solid", palette.accent, above),
        (biggest, "largest group", "dash", palette.ink, below),
    ):
        figure.add_trace(
            go.Scatter(
                x=x,
                y=y,
                mode="lines",
                line={"color": colour, "width": 2.5, "dash": dash, "shape": "hv"},
                hovertemplate=f"from %{{x:.3f}}: %{{y:,}} images {name}<extra></extra>",
                name=name,
            )
        )
        figure.add_annotation(
            x=x[0], y=_on_axis(y[0]), yref="y", text=name, showarrow=False, xanchor="left", bgcolor=palette.page, **side
        )
    _mark(figure, chosen, "chosen", palette, dash="solid")
    if abs(applied - chosen) > 1e-9:
        _mark(figure, applied, "in force", palette, dash="dot")
    figure.update_xaxes(title=title, showgrid=False)
    # groups grow by powers of ten when the threshold falls: a linear axis would show the last step only
    figure.update_yaxes(title="Images", type="log", dtick=1, tickformat=",d", rangemode="tozero")
    top = float(max(joined.max(initial=1), biggest.max(initial=1), 10))
    figure.update_yaxes(range=[-0.1, np.log10(top) + 0.35])
    return figure.update_layout(template=template(palette), height=height_px, margin={"l": 8, "r": 16, "t": 24, "b": 8})


def _on_axis(value: float) -> float:
    """Where an annotation stands on a logarithmic axis (plotly wants the exponent)."""
    return float(np.log10(max(value, 1)))


def plot_measure(
    edges: ArrayLike,
    counts: ArrayLike,
    threshold: float,
    *,
    flagged_below: bool,
    title: str,
    palette: Palette,
    height_px: int = 180,
) -> go.Figure:
    """Histogram of a measure; bars on the flagged side are hollow, and the threshold is a line.

    Parameters
    ----------
    edges : (m + 1,)
    counts : (m,)
        Images between neighbouring edges.
    threshold
    flagged_below
        Which side of the threshold is flagged.
    title
        Of the axis: the measure with its unit.
    palette, height_px
    """
    bounds, heights = np.asarray(edges, dtype=np.float64), np.asarray(counts)
    middles, widths = (bounds[1:] + bounds[:-1]) / 2, np.diff(bounds)
    flagged = middles < threshold if flagged_below else middles > threshold
    figure = go.Figure(
        go.Bar(
            x=middles,
            y=heights,
            width=widths * (1 - BAR_GAP),
            marker={
                "color": [palette.page if f else palette.accent for f in flagged],
                "line": {"color": palette.accent, "width": 1},
            },
            hovertemplate="about %{x:.3g}: %{y:,} images<extra></extra>",
            name="Images",
        )
    )
    _mark(figure, threshold, "flagged below" if flagged_below else "flagged above", palette, dash="solid")
    span = bounds[-1] - bounds[0]
    figure.update_xaxes(
        title=title,
        showgrid=False,
        range=[min(bounds[0], threshold) - 0.02 * span, max(bounds[-1], threshold) + 0.02 * span],
    )
    figure.update_yaxes(title="Images", rangemode="tozero", tickformat=",d", nticks=4)
    return figure.update_layout(template=template(palette), height=height_px, margin={"l": 8, "r": 16, "t": 24, "b": 8})


def _mark(figure: go.Figure, x: float, text: str, palette: Palette, *, dash: str) -> None:
    """Line over the whole height with a word above it."""
    figure.add_vline(
        x=x,
        line={"color": palette.ink, "width": 2, "dash": dash},
        annotation={"text": text, "font": {"size": 12, "color": palette.ink}},
        annotation_position="top",
    )
