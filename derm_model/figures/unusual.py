"""How far images and pictures that show no lesion are from the training images; a table stands beside it."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from derm_model.figures.style import template
from derm_model.palette import Palette

ROW_PX, REST_PX = 26, 84
JITTER = 0.26  # of a row, to either side: marks of like distance do not hide each other
TICKS = (0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5, 10, 20, 50, 100)
QUANTILES = (0.025, 0.25, 0.5, 0.75, 0.975)


def plot_distances(
    own: Mapping[str, NDArray[np.float64]],
    foreign: Mapping[str, NDArray[np.float64]],
    notice: float | None,
    palette: Palette,
) -> go.Figure:
    """A row for each part of the labelled images, as bars, and for each kind of other pictures, as single marks.

    Parameters
    ----------
    own
        Distances, (n,) > 0, n >= 1: the thin bar holds 95 % of the images, the thick one half of them.
    foreign
        Distances, (n,) > 0, n >= 1; those nearest to the labelled images come first.
    notice
        Distance from which the app calls an image unusual: a line.
    """
    figure = go.Figure()
    ordered = sorted(foreign, key=lambda name: float(np.median(foreign[name])))
    names = [*own, *ordered]
    for row, name in enumerate(own):
        figure.add_traces(list(_bars(own[name], row, name, palette)))
    for row, name in enumerate(ordered, start=len(own)):
        figure.add_trace(_marks(foreign[name], row, name, palette))
    if notice is not None:
        figure.add_vline(notice, line={"color": palette.ink, "width": 1.5, "dash": "dash"})
        figure.add_annotation(
            x=np.log10(notice),  # plotly places annotations of a logarithmic axis by their logarithm
            y=-0.9,
            text="called unusual →",
            **{"showarrow": False, "xanchor": "left", "xshift": 4, "font": {"size": 12, "color": palette.ink}},
        )
    figure.update_xaxes(title="Distance from the training images", type="log", tickvals=TICKS)
    figure.update_yaxes(
        tickvals=list(range(len(names))),
        ticktext=[html.escape(name) for name in names],
        range=[len(names) - 0.4, -1.4],
        showgrid=False,
        tickfont={"color": palette.ink},
    )
    return figure.update_layout(template=template(palette), height=REST_PX + ROW_PX * len(names))


def _bars(found: NDArray[np.float64], row: int, name: str, palette: Palette) -> Iterator[go.Scatter]:
    low, quarter, middle, three_quarters, high = np.quantile(found, QUANTILES).tolist()
    told = f"{html.escape(name)}: {len(found):,} images<br>half of them {quarter:.2f} to {three_quarters:.2f}<br>95% "
    for start, end, width in ((low, high, 3), (quarter, three_quarters, 11)):
        yield go.Scatter(
            x=[start, end],
            y=[row, row],
            mode="lines",
            line={"color": palette.accent, "width": width},
            hovertemplate=f"{told}{low:.2f} to {high:.2f}<extra></extra>",
            name=name,
        )
    yield go.Scatter(
        x=[middle],
        y=[row],
        mode="markers",
        marker={"symbol": "line-ns", "size": 12, "line": {"color": palette.page, "width": 2}},
        hovertemplate=f"median %{{x:.2f}}<extra>{html.escape(name)}</extra>",
        name=name,
    )


def _marks(found: NDArray[np.float64], row: int, name: str, palette: Palette) -> go.Scatter:
    # by place and not by chance: the same figure every time
    steps = (np.arange(len(found)) * 0.618034) % 1 - 0.5
    return go.Scatter(
        x=found,
        y=row + 2 * JITTER * steps,
        mode="markers",
        marker={"symbol": "circle-open", "size": 7, "color": palette.ink, "line": {"width": 1.2}},
        hovertemplate="distance %{x:.2f}<extra>" + html.escape(name) + "</extra>",
        name=name,
    )
