"""Whether a saliency map can be believed: a figure and its alternative text for each test of the lab."""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from derm_model.evaluation.belief import (
    ALIKE,
    ClassSensitivity,
    Perturbation,
    Randomisation,
    Stability,
    signed,
)
from derm_model.figures.style import mixed, template
from derm_model.palette import Palette, readable_on

STAGES_PX, CURVE_PX, ROW_PX, CELL_PX = 340, 320, 26, 44
KEY_PX = 18  # height of a line of the key
LABEL_CHARACTERS = 24  # of a class's name in a line; longer ones are broken, never cut
AIR = 0.03
SYMBOLS = {"●": "circle", "○": "circle-open", "■": "square", "□": "square-open", "◆": "diamond"}


def plot_randomisation(found: Randomisation, palette: Palette) -> go.Figure:
    """Likeness with the trained network's map after each stage, from the trained network on the left.

    The dashed line is the rank correlation from which a map counts as unchanged, over the stages that are judged.
    """
    stages = found.stages
    lines: list[tuple[str, list[float | None], _Look]] = [
        ("rank correlation", [s.rank for s in stages], _Look("●", palette.accent)),
        ("rank, as displayed", [s.shown_rank for s in stages], _Look("○", palette.accent, "dot")),
        ("structural similarity", [s.similarity for s in stages], _Look("■", palette.ink)),
    ]
    if any(stage.signed_rank is not None for stage in stages):
        with_signs: list[float | None] = [stage.signed_rank for stage in stages]
        lines.append(("rank, with signs", with_signs, _Look("◆", palette.muted, "dash")))
    names = ["Trained", *(stage.name for stage in stages)]
    figure = go.Figure()
    figure.add_shape(
        **{"type": "line", "x0": 0.5, "x1": len(found.upper) + 0.5, "y0": ALIKE, "y1": ALIKE},
        line={"color": palette.ink, "width": 1.5, "dash": "dash"},
    )
    figure.add_annotation(
        x=len(found.upper) + 0.5, y=ALIKE, yshift=9, text="unchanged from here", **_text(palette, "right")
    )
    for name, values, look in lines:
        figure.add_trace(
            go.Scatter(
                x=list(range(len(names))),
                y=[1.0, *values],
                customdata=names,
                name=name,
                hovertemplate="%{customdata}: %{y:.2f}<extra>" + name + "</extra>",
                **look.line(),
            )
        )
    low = min([0.0, *(v for _, values, _ in lines for v in values if v is not None)])
    keyed = _key(figure, [(look, name) for name, _, look in lines], 2)
    figure.update_xaxes(
        tickvals=list(range(len(names))), ticktext=names, tickangle=-45, range=[-0.3, len(names) - 0.7], showgrid=False
    )
    figure.update_yaxes(
        title="Likeness with the trained map", range=[low - AIR, 1 + AIR], dtick=0.25, tickformat=".2~f"
    )
    return figure.update_layout(
        template=template(palette), height=STAGES_PX + keyed, margin={"l": 8, "r": 16, "t": keyed + 6, "b": 8}
    )


def alt_randomisation(found: Randomisation) -> str:
    """What the figure shows, in words."""
    first, last = found.stages[0], found.stages[-1]
    return (
        f"{found.reading} Rank correlation {_said(first.rank)} with a random {first.name.lower()}, {_said(last.rank)} "
        f"after {last.name.lower()}; structural similarity {_said(first.similarity)} and {_said(last.similarity)}."
    )


def plot_perturbation(found: Perturbation, palette: Palette) -> go.Figure:
    """The curve of the map over the band, and the mean, of its pattern laid at random places."""
    shares, mean = found.shares, found.random.mean(axis=0)
    low, high = found.random.min(axis=0), found.random.max(axis=0)
    done = "replaced" if found.kind == "deletion" else "put back"
    figure = go.Figure(
        go.Scatter(
            x=np.concatenate([shares, shares[::-1]]),
            y=np.concatenate([low, high[::-1]]),
            **{"fill": "toself", "fillcolor": palette.tint, "line": {"width": 0}, "mode": "lines", "hoverinfo": "skip"},
            name="random places, lowest to highest",
        )
    )
    spread = "" if found.random_sd is None else f" ± {found.random_sd:.2f}"
    lines = (
        (f"the map: area {found.area:.2f}", found.probabilities, _Look("●", palette.accent)),
        (f"random places: area {found.random_areas.mean():.2f}{spread}", mean, _Look("", palette.ink, "dash")),
    )
    for name, values, look in lines:
        hover = f"%{{x:.0%}} {done}: %{{y:.0%}}<extra>{name}</extra>"
        figure.add_trace(go.Scatter(x=shares, y=values, name=name, hovertemplate=hover, **look.line()))
    keyed = _key(figure, [(look, name) for name, _, look in lines], 1)
    figure.update_xaxes(title=f"Share of the pixels {done}", tickformat=".0%", dtick=0.25, range=[-0.02, 1.02])
    figure.update_yaxes(title=_wrapped(f"P of {found.label}"), tickformat=".0%", dtick=0.25, range=[-0.03, 1.03])
    return figure.update_layout(
        template=template(palette), height=CURVE_PX + keyed, margin={"l": 8, "r": 16, "t": keyed + 6, "b": 8}
    )


def alt_perturbation(found: Perturbation) -> str:
    """What the figure shows, in words."""
    start, end = found.probabilities[0], found.probabilities[-1]
    done = "replaced by" if found.kind == "deletion" else "put back on"
    return (
        f"{found.reading} The probability of {found.label} goes from {start:.0%} to {end:.0%} while all pixels are "
        f"{done} {found.baseline}."
    )


def plot_stability(found: Stability, palette: Palette) -> go.Figure:
    """A row for each move: how like the map stays, and the probability beside it."""
    names = [move.name for move in found.moves]
    rows = list(range(len(names)))
    figure = go.Figure()
    if found.mirrored is not None:
        figure.add_vline(found.mirrored, line={"color": palette.muted, "width": 1.5, "dash": "dot"})
        figure.add_annotation(
            x=found.mirrored, y=len(names) - 0.4, text="mirrored", yanchor="top", **_text(palette, "center")
        )
    lines = (
        ("structural similarity", [move.similarity for move in found.moves], _Look("□", palette.ink)),
        ("rank correlation", [move.rank for move in found.moves], _Look("●", palette.accent)),
    )
    for name, values, look in lines:
        there = [row for row in rows if values[row] is not None]
        figure.add_trace(
            go.Scatter(
                x=[values[row] for row in there],
                y=there,
                customdata=[names[row] for row in there],
                mode="markers",
                name=name,
                marker=look.line()["marker"],
                hovertemplate="%{customdata}: %{x:.2f}<extra>" + name + "</extra>",
            )
        )
    keyed = _key(figure, [(look, name) for name, _, look in reversed(lines)], 1)
    known = [*found.ranks, *found.similarities, *([] if found.mirrored is None else [found.mirrored])]
    low = min([0.0, *known]) - AIR
    for row, text in enumerate(["P", *(f"{move.probability:.0%}" for move in found.moves)], start=-1):
        figure.add_annotation(x=1, xref="paper", xshift=12, y=row, text=text, **_text(palette, "left", palette.ink))
    figure.update_xaxes(title="Likeness with the original's map", range=[low, 1 + AIR], tickformat=".2~f")
    figure.update_yaxes(
        tickvals=rows,
        ticktext=[html.escape(name) for name in names],
        range=[len(names) + 0.2, -1.4],
        tickfont={"color": palette.ink},
    )
    return figure.update_layout(
        template=template(palette),
        height=100 + ROW_PX * len(names) + keyed,
        margin={"l": 8, "r": 56, "t": keyed + 6, "b": 8},
    )


def alt_stability(found: Stability) -> str:
    """What the figure shows, in words."""
    rows = "; ".join(f"{move.name}: {_said(move.rank)}" for move in found.moves)
    return f"{found.reading} Rank correlation by move: {rows}."


def plot_class_sensitivity(found: ClassSensitivity, palette: Palette, *, with_signs: bool = False) -> go.Figure:
    """Rank correlation of each map with each of the others, as a lower triangle.

    Parameters
    ----------
    found
    palette
    with_signs
        Of the signed maps.

    Raises
    ------
    ValueError
        Signs are asked of a method that knows no direction.
    """
    matrix = found.signed_ranks if with_signs else found.ranks
    if matrix is None:
        raise ValueError("this method's maps have no signs; draw their magnitudes")
    k = len(found.labels)
    shown = np.where(np.tril(np.ones((k, k), bool), -1), matrix, np.nan)[1:, :-1]
    columns = [str(i + 1) for i in range(k - 1)]
    rows = [f"{_wrapped(label)}  <b>{i}</b>" for i, label in enumerate(found.labels, start=1)]
    hover = [[f"{html.escape(a)}<br>{html.escape(b)}" for b in found.labels[:-1]] for a in found.labels[1:]]
    figure = go.Figure(
        go.Heatmap(
            z=np.abs(shown),
            x=columns,
            y=rows[1:],
            customdata=hover,
            text=[["" if np.isnan(v) else signed(v) for v in row] for row in shown],
            hovertemplate="%{customdata}<br>%{text}<extra></extra>",
            colorscale=[[0, palette.panel], [1, palette.accent]],
            **{"zmin": 0, "zmax": 1, "showscale": False, "xgap": 2, "ygap": 2, "hoverongaps": False},
        )
    )
    for i, row in enumerate(shown.tolist()):
        for j, value in enumerate(row):
            if j <= i:
                known = not np.isnan(value)
                colour = readable_on(mixed(palette.panel, palette.accent, abs(value))) if known else palette.muted
                text = signed(value) if known else "no map"
                font = {"size": 12, "color": colour}
                figure.add_annotation(x=j, y=i, text=text, showarrow=False, font=font)
    figure.update_xaxes(title=f"1 = {_wrapped(found.labels[0])}", side="top", type="category", showgrid=False)
    figure.update_yaxes(autorange="reversed", type="category", showgrid=False, tickfont={"color": palette.ink})
    return figure.update_layout(template=template(palette), height=110 + CELL_PX * (k - 1))


def alt_class_sensitivity(found: ClassSensitivity) -> str:
    """What the figure shows, in words."""
    own = found.ranks[0, 1:].tolist()
    rows = "; ".join(
        f"{label}: {'no map' if np.isnan(value) else signed(value)}"
        for label, value in zip(found.labels[1:], own, strict=True)
    )
    return f"{found.reading} Rank correlation of the map of {found.labels[0]} with that of {rows}."


@dataclass(frozen=True)
class _Look:
    """Mark, colour and dash of a line; without a mark only its line is drawn."""

    mark: str
    colour: str
    dash: str = "solid"

    def line(self) -> dict[str, Any]:
        """What plotly wants to know."""
        line = {"color": self.colour, "width": 2, "dash": self.dash}
        if not self.mark:
            return {"mode": "lines", "line": line}
        around = {"width": 1.5, "color": self.colour}
        marker = {"symbol": SYMBOLS[self.mark], "size": 8, "color": self.colour, "line": around}
        return {"mode": "lines+markers", "line": line, "marker": marker}


def _text(palette: Palette, anchor: str, colour: str | None = None) -> dict[str, Any]:
    return {"showarrow": False, "xanchor": anchor, "font": {"size": 12, "color": colour or palette.muted}}


def _key(figure: go.Figure, entries: Sequence[tuple[_Look, str]], n_columns: int) -> int:
    """Marks with their names in lines above the plot; returns their height in px."""
    n_lines = -(-len(entries) // n_columns)
    for place, (look, name) in enumerate(entries):
        line, column = divmod(place, n_columns)
        figure.add_annotation(
            x=column / n_columns,
            y=1,
            xref="paper",
            yref="paper",
            xanchor="left",
            yanchor="bottom",
            yshift=KEY_PX * (n_lines - 1 - line) + 4,
            text=f"{look.mark or '╌╌'} {name}",
            showarrow=False,
            font={"size": 12, "color": look.colour},
        )
    return KEY_PX * n_lines + 4


def _wrapped(name: str) -> str:
    return html.escape(textwrap.fill(name, LABEL_CHARACTERS)).replace("\n", "<br>")


def _said(value: float | None) -> str:
    return "not defined" if value is None else signed(value)
