"""Cross-validation: each fold, mean and spread, and what the paper reports of other images."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from derm_model.evaluation.cross_validation import PUBLISHED, CrossValidation, LevelResult, Published
from derm_model.evaluation.cross_validation_text import WAYS, trained_on
from derm_model.figures.style import template
from derm_model.palette import Palette

PAPER = "paper (other images)"
DOCTORS = "dermatologists"
ROW_PX, HEAD_PX = 58, 70
FOLDS_AT, MEAN_AT = 0.13, -0.17  # within a row: the folds above their mean, so that no circle hides behind it
HALF = 0.36  # height of the paper's mark
MARGIN = 0.03  # of accuracy, left and right of the outermost mark
WRAPPED = {"partition": "partition", "three": "directly on<br>three classes", "nine": "directly on<br>nine classes"}


def plot_cross_validation(result: CrossValidation, palette: Palette) -> go.Figure:
    """A panel for each level; a row for each way of training and one for the paper's dermatologists.

    Open circles are folds, the diamond with its bar is mean ± SD over them. Dashed and muted: the paper's values, of
    other images.

    Parameters
    ----------
    result
        Also of some folds only.
    palette
    """
    rows = {level: _rows(result, level) for level in WAYS}
    heights = [len(rows[level]) + 1 for level in WAYS]
    figure = make_subplots(
        rows=len(WAYS),
        shared_xaxes=True,
        row_heights=heights,
        vertical_spacing=0.12,
        subplot_titles=[f"{WAYS[level].capitalize()} accuracy" for level in WAYS],
    )
    for panel, (level, own) in enumerate(rows.items(), start=1):
        _draw_panel(figure, panel, level, own, palette)
    marks = [x for trace in figure.data for x in _extent(trace)]
    figure.update_xaxes(tickformat=".0%", range=[max(0.0, min(marks) - MARGIN), min(1.01, max(marks) + MARGIN)])
    figure.update_xaxes(title="Mean of class accuracies", row=len(WAYS))
    figure.update_annotations(font={"size": 13, "color": palette.ink})
    for level, panel in zip(WAYS, range(1, len(WAYS) + 1), strict=True):
        _label_paper(figure, panel, level, rows[level], palette)
    return figure.update_layout(
        template=template(palette), height=ROW_PX * sum(heights) + HEAD_PX, margin={"l": 8, "r": 16, "t": 32, "b": 8}
    )


def _rows(result: CrossValidation, level: str) -> list[tuple[str, LevelResult]]:
    """What can be judged at this level, from the top: the kind of outputs, and its folds."""
    found = [(own.targets, own.level(level)) for own in result.results]
    return [(name, folds) for name, folds in found if folds is not None and folds.mean is not None]


def _draw_panel(
    figure: go.Figure, panel: int, level: str, rows: list[tuple[str, LevelResult]], palette: Palette
) -> None:
    for i, (name, folds) in enumerate(rows):
        for trace in (_folds(-i, name, folds, palette), _mean(-i, name, folds, palette)):
            figure.add_trace(trace, row=panel, col=1)
    for y, published in _published(level, rows):
        figure.add_trace(_paper(y, published, level, palette), row=panel, col=1)
    names = [*(WRAPPED[name] for name, _ in rows), DOCTORS]
    figure.update_yaxes(
        tickvals=[-i for i in range(len(names))],
        ticktext=names,
        range=[-len(names) + 0.45, 0.62],
        showgrid=False,
        row=panel,
    )


def _published(level: str, rows: list[tuple[str, LevelResult]]) -> list[tuple[int, Published]]:
    """The paper's values and the row each stands in; its direct networks were trained on the classes of the level."""
    place = {name: -i for i, (name, _) in enumerate(rows)}
    found = []
    for published in PUBLISHED:
        name = level if published.targets == "direct" else published.targets
        if name is None:
            found.append((-len(rows), published))
        elif name in place:
            found.append((place[name], published))
    return found


def _folds(y: int, name: str, folds: LevelResult, palette: Palette) -> go.Scatter:
    there = [(fold, x) for fold, x in zip(folds.folds, folds.accuracies, strict=True) if x is not None]
    return go.Scatter(
        x=[x for _, x in there],
        y=[y + FOLDS_AT] * len(there),
        customdata=[fold for fold, _ in there],
        mode="markers",
        marker={"symbol": "circle-open", "size": 10, "color": palette.ink, "line": {"width": 1.5}},
        hovertemplate=f"{trained_on(name)}<br>fold %{{customdata}}: %{{x:.1%}}<extra></extra>",
        name=f"{name}: folds",
    )


def _mean(y: int, name: str, folds: LevelResult, palette: Palette) -> go.Scatter:
    spread = "" if folds.sd is None else f" ± {folds.sd:.1%}"
    bar = {} if folds.sd is None else {"error_x": {"type": "data", "array": [folds.sd], "thickness": 2, "width": 5}}
    return go.Scatter(
        x=[folds.mean],
        y=[y + MEAN_AT],
        mode="markers",
        marker={"symbol": "diamond", "size": 12, "color": palette.accent},
        hovertemplate=f"{trained_on(name)}<br>mean %{{x:.1%}}{spread}<extra></extra>",
        name=f"{name}: mean",
        **bar,
    )


def _paper(y: int, published: Published, level: str, palette: Palette) -> go.Scatter:
    x, sd = _values(published, level)
    spread = "" if sd is None else f" ± {sd:.1%}"
    return go.Scatter(
        x=[x, x],
        y=[y - HALF, y + HALF],
        mode="lines",
        line={"color": palette.muted, "width": 2, "dash": "dash"},
        hovertemplate=f"{published.who}<br>%{{x:.1%}}{spread}, other images<extra></extra>",
        name=published.who,
    )


def _label_paper(
    figure: go.Figure, panel: int, level: str, rows: list[tuple[str, LevelResult]], palette: Palette
) -> None:
    """One word for all dashed marks of a panel, at the dermatologists', which have a row to themselves."""
    x = max(_values(published, level)[0] for published in PUBLISHED if published.targets is None)
    low, high = figure.layout.xaxis.range
    is_left = x < (low + high) / 2
    figure.add_annotation(
        x=x,
        y=-len(rows),
        text=PAPER,
        showarrow=False,
        xanchor="left" if is_left else "right",
        xshift=8 if is_left else -24,
        font={"size": 12, "color": palette.muted},
        row=panel,
        col=1,
    )


def _values(published: Published, level: str) -> tuple[float, float | None]:
    """Accuracy and SD at a level."""
    return (published.three, published.three_sd) if level == "three" else (published.nine, published.nine_sd)


def _extent(trace: Any) -> list[float]:
    """Leftmost and rightmost of what a trace draws."""
    bars = trace.error_x.array if trace.error_x.array is not None else [0.0] * len(trace.x)
    return [x + side * bar for x, bar in zip(trace.x, bars, strict=True) for side in (-1, 1)]
