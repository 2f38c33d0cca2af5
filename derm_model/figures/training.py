"""Curves of a training over its epochs. Lines carry their names at their ends; what is not known leaves a gap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

from derm_model.figures.style import template
from derm_model.palette import Palette

Values = Sequence[float | None]

LABEL_PX = 17  # height of a label: two that are closer would cover each other
CHAR_PX = 7.2  # mean width of a character of 13 px Source Sans, rounded up
MARGIN_PX = {"t": 12, "b": 46}
MARKERS_UP_TO = 60  # epochs: beyond, markers run into each other
# Runs are told apart by dashes and marks first: there are three colours that mean nothing else in this app.
DASHES = ("solid", "dash", "dot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "star", "pentagon", "hexagram", "x")
MAX_RUNS = len(SYMBOLS)


@dataclass(frozen=True)
class Curve:
    """One line: `epochs` are 1-based and ascending, `values` has None where nothing is known."""

    name: str
    epochs: Sequence[int]
    values: Values
    colour: str
    dash: str = "solid"
    symbol: str = "circle"


def plot_loss(
    epochs: Sequence[int],
    training: Values,
    validation: Values,
    palette: Palette,
    *,
    stages: Mapping[int, int] | None = None,
    height_px: int = 240,
) -> go.Figure:
    """Loss of training (dotted, open markers) and validation (solid).

    Parameters
    ----------
    epochs
        1-based, ascending.
    training, validation
        Of each epoch; None where there is none.
    palette
    stages
        Epoch with which a stage begins -> its crop's side in px, where there are several.
    height_px
    """
    curves = (
        Curve("validation", epochs, validation, palette.accent),
        Curve("training", epochs, training, palette.accent, "dot", "circle-open"),
    )
    return _plot(curves, "Loss", palette, height_px, stages=stages)


def plot_accuracy(
    epochs: Sequence[int],
    classes: Values,
    nine: Values,
    three: Values,
    palette: Palette,
    *,
    stages: Mapping[int, int] | None = None,
    height_px: int = 240,
) -> go.Figure:
    """Mean of per-class accuracies on the validation images at three levels; parameters as `plot_loss`."""
    curves = (
        Curve("3 roots", epochs, three, palette.accent),
        Curve("9 classes", epochs, nine, palette.ink, symbol="square"),
        Curve("training classes", epochs, classes, palette.muted, symbol="diamond"),
    )
    return _plot(curves, "Accuracy", palette, height_px, stages=stages, percent=True)


def plot_course(
    epochs: Sequence[int], values: Values, title: str, palette: Palette, *, log: bool = False, height_px: int = 170
) -> go.Figure:
    """One quantity of a machine or a schedule; `log` where it falls by powers."""
    figure = _plot((Curve("", epochs, values, palette.accent),), title, palette, height_px)
    known = [value for value in values if value is not None and value > 0]
    if log and known and max(known) > 5 * min(known):
        # labels of their own, because plotly's SI prefixes would call 0.0003 "300µ"
        figure.update_yaxes(type="log", range=None, autorange=True, tickformat=".0e", exponentformat="e", nticks=4)
    elif log:
        figure.update_yaxes(tickformat=".2~g", exponentformat="e")
    else:
        figure.update_yaxes(rangemode="tozero", range=[0, 1.1 * max(known, default=1)])
    return figure


def plot_runs(
    runs: Mapping[str, tuple[Sequence[int], Values]],
    title: str,
    palette: Palette,
    *,
    percent: bool = False,
    height_px: int = 320,
) -> go.Figure:
    """One quantity of several runs.

    Parameters
    ----------
    runs
        Name -> epochs and values; at most `MAX_RUNS`.
    title
        Of the quantity.
    palette
    percent
        Whether the values are shares.
    height_px
    """
    if len(runs) > MAX_RUNS:
        raise ValueError(f"{len(runs)} runs, at most {MAX_RUNS} can be told apart")
    colours = (palette.accent, palette.ink, palette.muted)
    curves = [
        Curve(name, epochs, values, colours[i % 3], DASHES[(i // 3) % 3], SYMBOLS[i])
        for i, (name, (epochs, values)) in enumerate(runs.items())
    ]
    return _plot(curves, title, palette, height_px, percent=percent)


def _plot(
    curves: Sequence[Curve],
    title: str,
    palette: Palette,
    height_px: int,
    *,
    stages: Mapping[int, int] | None = None,
    percent: bool = False,
) -> go.Figure:
    figure = go.Figure()
    shown = ":.1%" if percent else ":.4~g"
    for curve in curves:
        few = len(curve.epochs) <= MARKERS_UP_TO
        figure.add_trace(
            go.Scatter(
                x=list(curve.epochs),
                y=list(curve.values),
                mode="lines+markers" if few else "lines",
                connectgaps=False,
                line={"color": curve.colour, "width": 2, "dash": curve.dash},
                marker={"symbol": curve.symbol, "size": 7, "color": curve.colour},
                name=curve.name,
                hovertemplate=f"epoch %{{x}}: %{{y{shown}}}<extra>{_escaped(curve.name)}</extra>",
            )
        )
    low, high = _range([v for curve in curves for v in curve.values if v is not None], is_share=percent)
    last = max((e for curve in curves for e in curve.epochs), default=1)
    first = min((e for curve in curves for e in curve.epochs), default=1)
    room = 0.04 * max(1, last - first)
    figure.update_xaxes(title="Epoch", range=[first - room, last + room], tickformat=",d")
    figure.update_xaxes(dtick=1) if last - first < 8 else figure.update_xaxes(nticks=8)
    figure.update_yaxes(title=title, range=[low, high])
    if percent:
        figure.update_yaxes(tickformat=".0%")
    _label_ends(figure, curves, (low, high), height_px, last)
    _mark_stages(figure, stages or {}, palette)
    right = 16 + max((CHAR_PX * len(curve.name) for curve in curves), default=0)
    return figure.update_layout(
        template=template(palette),
        height=height_px,
        margin={"l": 8, "r": min(right, 170), **MARGIN_PX} | ({"t": 24} if stages else {}),
    )


def _range(values: Sequence[float], *, is_share: bool = False) -> tuple[float, float]:
    """Axis around the values, with some air; sensible without values, and for shares not beyond 0 and 1."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    air = 0.08 * (high - low) or 0.1 * abs(high) or 0.1
    low, high = low - air, high + air
    if is_share:  # a mark on the edge stays whole
        return max(low, -0.02), min(high, 1.02)
    return low, high


def _label_ends(
    figure: go.Figure, curves: Sequence[Curve], axis: tuple[float, float], height_px: int, last: int
) -> None:
    """Names beside the last known points, moved apart where they would cover each other."""
    ends = []
    for curve in curves:
        known = [(e, v) for e, v in zip(curve.epochs, curve.values, strict=True) if v is not None]
        if known and curve.name:
            ends.append((known[-1][1], known[-1][0], curve))
    per_px = (axis[1] - axis[0]) / max(1, height_px - sum(MARGIN_PX.values()))
    ends.sort(key=lambda end: end[0])
    places = spread([value for value, _, _ in ends], LABEL_PX * per_px, axis)
    for place, (_, epoch, curve) in zip(places, ends, strict=True):
        at_the_end = epoch == last
        figure.add_annotation(
            x=1 if at_the_end else epoch,
            xref="paper" if at_the_end else "x",
            y=place,
            text=_escaped(curve.name),
            showarrow=False,
            xanchor="left",
            xshift=4 if at_the_end else 8,
            font={"size": 12},
        )


def spread(values: Sequence[float], gap: float, axis: tuple[float, float]) -> list[float]:
    """Ascending places at least `gap` apart, as near to the ascending values as one pass up and one down gives."""
    places = list(values)
    for i in range(1, len(places)):
        places[i] = max(places[i], places[i - 1] + gap)
    top = axis[1] - gap / 2
    for i in range(len(places) - 1, -1, -1):
        places[i] = min(places[i], top)
        top = places[i] - gap
    return places


def _mark_stages(figure: go.Figure, stages: Mapping[int, int], palette: Palette) -> None:
    """A quiet line where the crop's size changes: the curves may jump there for no other reason."""
    for epoch, size_px in stages.items():
        line = {"color": palette.border, "width": 1, "dash": "dot"}
        figure.add_shape(type="line", x0=epoch - 0.5, x1=epoch - 0.5, y0=0, y1=1, yref="paper", line=line)
        figure.add_annotation(
            x=epoch - 0.5,
            y=1,
            yref="paper",
            text=f"{size_px} px",
            showarrow=False,
            xanchor="left",
            yanchor="bottom",
            font={"size": 12, "color": palette.muted},
        )


def _escaped(text: str) -> str:
    """Names come from users; plotly reads a few HTML tags."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
