"""Figures of a reader study: readers on the network's curve (the paper's Figure 3), and what help changed.

People are ink, never in a class's colour; the network is the accent.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from derm_model import words
from derm_model.evaluation.confusion import ConfusionMatrix
from derm_model.evaluation.curves import OperatingCurve
from derm_model.evaluation.metrics import Interval
from derm_model.evaluation.readers.against_curve import AgainstCurve
from derm_model.evaluation.readers.ai_help import ReaderHelp, added_up
from derm_model.evaluation.readers.points import MeanPoint, ReaderPoint
from derm_model.evaluation.readers.text import outperformed
from derm_model.figures.style import template
from derm_model.palette import Palette

HEIGHT_PX = 460  # square beside the numbers of a page of 1,440
CIRCLE_PX, DIAMOND_PX, STAR_PX = 10, 13, 17
# where the word beside the star may stand, and the middle of the place it takes, as on a phone
WORD_PLACES = {"bottom center": (0.0, -0.07), "top center": (0.0, 0.07), "middle left": (-0.13, 0.0)}
NO_MOVE = 1e-9  # an arrow of no length has no direction
POSITIONS = {"below": "below the curve", "on": "on the curve", "above": "above the curve"}


def plot_readers(
    curve: OperatingCurve,
    area: Interval | None,
    points: Sequence[ReaderPoint],
    mean: MeanPoint | None,
    palette: Palette,
    *,
    you: str | None = None,
    noun: str = "Readers",
    height_px: int = HEIGHT_PX,
) -> go.Figure:
    """Readers as open circles, their mean ± 1 SD both ways as a diamond, the network as a line with its AUC.

    Parameters
    ----------
    curve, area
        Of the network on the study's images.
    points
    mean
        Of the points; without bars where a single reader has no SD.
    palette
    you
        Name of the reader who looks: a star with the word.
    noun
        What the readers are, for the legend.
    """
    figure = go.Figure(_network(curve, area, palette))
    others = [point for point in points if point.reader != you]
    if others:
        figure.add_trace(_circles(others, f"{html.escape(noun)} ({len(others)})", palette, filled=False))
    if mean is not None and mean.n_readers > 1:
        figure.add_trace(_mean(mean, palette))
    for point in points:
        if point.reader == you:
            marks = [*map(_rates, others), *zip(*curve.line(), strict=True), *(_bars(mean) if mean else ())]
            figure.add_trace(_star(point, marks, palette))
    return _laid_out(figure, palette, height_px)


def alt_readers(
    area: Interval | None, found: Sequence[AgainstCurve], mean: MeanPoint | None, *, you: str | None = None
) -> str:
    """What the figure shows, in words."""
    parts = [] if area is None else [f"Network: AUC {_auc(area)}."]
    if found:
        parts.append(outperformed(found))
    if mean is not None and mean.n_readers > 1:
        sensitivity = _spread(mean.sensitivity, mean.sensitivity_sd)
        parts.append(
            f"Mean reader: sensitivity {sensitivity}, specificity {_spread(mean.specificity, mean.specificity_sd)}."
        )
    parts += [
        f"You: sensitivity {one.point.sensitivity.value:.0%}, specificity {one.point.specificity.value:.0%}, "
        f"{POSITIONS[one.position]}."
        for one in found
        if one.point.reader == you
    ]
    return " ".join(parts) or "No reader has answered images of both kinds yet."


def plot_help(
    found: Sequence[ReaderHelp],
    palette: Palette,
    *,
    curve: OperatingCurve | None = None,
    area: Interval | None = None,
    height_px: int = HEIGHT_PX,
) -> go.Figure:
    """An arrow for each reader from the point without the network's help, open, to the one with it, filled.

    Parameters
    ----------
    found
        Readers without images of both kinds in both passes have no arrow.
    palette
    curve, area
        Of the network, to see what was shown to the readers; None leaves it out.
    """
    figure = go.Figure(None if curve is None else _network(curve, area, palette))
    moves = _moves(found)
    for place, name, filled in ((0, "Without help", False), (1, "With help", True)):
        if moves:
            points = [move[place] for move in moves]
            figure.add_trace(_circles(points, f"{name} ({len(points)})", palette, filled=filled))
    for start, end in moves:
        (x0, y0), (x1, y1) = _rates(start), _rates(end)
        if abs(x1 - x0) + abs(y1 - y0) > NO_MOVE:
            figure.add_annotation(
                **{"x": x1, "y": y1, "ax": x0, "ay": y0, "axref": "x", "ayref": "y", "text": "", "showarrow": True},
                **{"arrowhead": 2, "arrowsize": 1, "arrowwidth": 1.5, "arrowcolor": palette.ink},
                **{"standoff": CIRCLE_PX / 2 + 1, "startstandoff": CIRCLE_PX / 2 + 1},
            )
    return _laid_out(figure, palette, height_px)


def alt_help(found: Sequence[ReaderHelp]) -> str:
    """What the figure shows, in words."""
    moves, changes = _moves(found), added_up([one.changes for one in found])
    if not moves or changes is None:
        return "No reader has answered images of both kinds with and without help yet."
    means = [np.mean([_rates(move[place]) for move in moves], axis=0) for place in (0, 1)]
    gains = [sum(_rates(end)[k] > _rates(start)[k] for start, end in moves) for k in (0, 1)]
    misled = changes.n_network_wrong_reader_right
    followed = (
        f" Of {words.plural(misled, 'right answer')} about images the network gets wrong, "
        f"{words.count(changes.n_misled)} became its mistake."
        if misled
        else ""
    )
    return (
        f"With the network's help the mean sensitivity goes from {means[0][0]:.0%} to {means[1][0]:.0%}, the mean "
        f"specificity from {means[0][1]:.0%} to {means[1][1]:.0%}, over {words.plural(len(moves), 'reader')}; the "
        f"sensitivity rises for {gains[0]} and the specificity for {gains[1]} of them. "
        f"{words.count(changes.n_wrong_to_right)} answers became right, {words.count(changes.n_right_to_wrong)} became "
        f"wrong.{followed}"
    )


def alt_confusion(matrix: ConfusionMatrix, names: Sequence[str], who: str) -> str:
    """What a confusion matrix shows, in words: mean of the class accuracies, and the commonest confusion.

    Parameters
    ----------
    matrix
    names
        Of its classes.
    who
        Whose answers these are: "All readers", "The network".
    """
    shares = matrix.shares
    if np.isnan(shares).all():
        return f"{who}: no answers."
    wrong = np.nan_to_num(shares - np.diag(np.diag(shares)), nan=0.0)
    truth, answer = (int(i) for i in np.unravel_index(int(wrong.argmax()), wrong.shape))
    commonest = (
        f" Most often confused: {words.percent(float(wrong[truth, answer]))} of {names[truth]} taken for "
        f"{names[answer]}."
        if wrong[truth, answer] > 0
        else " No class is taken for another."
    )
    return f"{who}: mean of class accuracies {words.percent(float(np.nanmean(np.diag(shares))))}.{commonest}"


def _network(curve: OperatingCurve, area: Interval | None, palette: Palette) -> go.Scatter:
    sensitivity, specificity = curve.line()
    return go.Scatter(
        x=sensitivity,
        y=specificity,
        customdata=np.append(curve.thresholds, np.inf),
        mode="lines",
        line={"color": palette.accent, "width": 2.5},
        hovertemplate="threshold %{customdata:.3f}<br>sensitivity %{x:.0%}<br>specificity %{y:.0%}<extra></extra>",
        name="Network" if area is None else f"Network · AUC {_auc(area)}",
    )


def _circles(points: Sequence[ReaderPoint], name: str, palette: Palette, *, filled: bool) -> go.Scatter:
    fill = palette.ink if filled else palette.page
    return go.Scatter(
        x=[point.sensitivity.value for point in points],
        y=[point.specificity.value for point in points],
        customdata=[_hover(point) for point in points],
        mode="markers",
        marker={"size": CIRCLE_PX, "color": fill, "line": {"color": palette.ink, "width": 1.8}},
        hovertemplate="%{customdata}<extra></extra>",
        name=name,
    )


def _mean(mean: MeanPoint, palette: Palette) -> go.Scatter:
    bar = {"type": "data", "color": palette.ink, "thickness": 2, "width": 6}
    bars = {
        name: {**bar, "array": [sd]}
        for name, sd in (("error_x", mean.sensitivity_sd), ("error_y", mean.specificity_sd))
        if sd is not None
    }
    return go.Scatter(
        x=[mean.sensitivity],
        y=[mean.specificity],
        mode="markers",
        marker={"symbol": "diamond", "size": DIAMOND_PX, "color": palette.ink},
        hovertemplate=f"Mean of {mean.n_readers}<br>sensitivity {_spread(mean.sensitivity, mean.sensitivity_sd)}<br>"
        f"specificity {_spread(mean.specificity, mean.specificity_sd)}<extra></extra>",
        name="Mean ± 1 SD",
        **bars,
    )


def _bars(mean: MeanPoint) -> Iterator[tuple[float, float]]:
    """Places along the bars of the mean."""
    for step in np.linspace(-1, 1, 9).tolist():
        yield mean.sensitivity + step * (mean.sensitivity_sd or 0.0), mean.specificity
        yield mean.sensitivity, mean.specificity + step * (mean.specificity_sd or 0.0)


def _star(point: ReaderPoint, marks: Sequence[tuple[float, float]], palette: Palette) -> go.Scatter:
    """The star, with its word where most room is between the other marks."""
    x, y = _rates(point)

    def room(place: str) -> float:
        dx, dy = WORD_PLACES[place]
        inside = min(1 - y - dy, y + dy, 0.0)  # what the edge would cut counts as taken
        return inside or min((abs(x + dx - a) + abs(y + dy - b) for a, b in marks), default=1.0)

    return go.Scatter(
        x=[x],
        y=[y],
        customdata=[_hover(point)],
        mode="markers+text",
        text=["You"],
        textposition=max(WORD_PLACES, key=room),
        textfont={"color": palette.ink, "size": 13},
        marker={
            "symbol": "star",
            "size": STAR_PX,
            "color": palette.ink,
            "line": {"color": palette.page, "width": 1},
        },
        hovertemplate="%{customdata}<extra></extra>",
        name="You",
    )


def _laid_out(figure: go.Figure, palette: Palette, height_px: int) -> go.Figure:
    ticks: dict[str, Any] = {"tickformat": ".0%", "dtick": 0.25, "range": [-0.02, 1.03]}
    figure.update_xaxes(title="Sensitivity", **ticks)
    figure.update_yaxes(title="Specificity", **ticks)
    legend = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}
    return figure.update_layout(template=template(palette), height=height_px, showlegend=True, legend=legend)


def _moves(found: Sequence[ReaderHelp]) -> list[tuple[ReaderPoint, ReaderPoint]]:
    """Points without and with help of the readers who have both; the pairs have the help first."""
    return [
        (
            ReaderPoint(one.reader, one.sensitivity.second, one.specificity.second),
            ReaderPoint(one.reader, one.sensitivity.first, one.specificity.first),
        )
        for one in found
        if one.sensitivity is not None and one.specificity is not None
    ]


def _rates(point: ReaderPoint) -> tuple[float, float]:
    return point.sensitivity.value, point.specificity.value


def _hover(point: ReaderPoint) -> str:
    rates = [words.rate(one.value, (one.low, one.high)) for one in (point.sensitivity, point.specificity)]
    images = words.plural(point.n, "image")
    return f"{html.escape(point.reader)}<br>sensitivity {rates[0]}<br>specificity {rates[1]}<br>{images}"


def _auc(area: Interval) -> str:
    return f"{area.value:.2f} ({area.low:.2f}–{area.high:.2f})"


def _spread(mean: float, sd: float | None) -> str:
    return f"{mean:.0%}" if sd is None else f"{100 * mean:.0f} ± {sd:.0%} (SD)"
