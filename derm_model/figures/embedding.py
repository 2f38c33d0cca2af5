"""Where images lie for the network: a cloud of marks for each group (the paper's Figure 4)."""

from __future__ import annotations

import html
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from derm_model.figures.style import template
from derm_model.palette import Palette, Role

HEIGHT_PX = 520
# Up to here SVG: sharp in print, and there without WebGL, which some browsers refuse. Beyond it a browser slows down.
MAX_SVG = 1500
SMALL_MARK_FROM = 2000
DIMMED = 0.12  # what was not chosen
OTHERS = "others"
LABEL_CHARACTERS = 32  # of a name in the legend in a line: longer ones leave a phone
# Of one role by turns, filled and open: two benign groups share a colour and never a mark.
ROLE_SYMBOLS: Mapping[Role, tuple[str, ...]] = {
    Role.MELANOMA: ("diamond", "diamond-open", "diamond-tall"),
    Role.MALIGNANT: ("triangle-up", "triangle-up-open", "triangle-down", "triangle-down-open"),
    Role.BENIGN: ("circle", "square-open", "circle-open", "square"),
    Role.NON_NEOPLASTIC: ("square", "cross", "square-open", "x"),
    Role.UNRESOLVED: ("circle-open",),
    Role.ALL: ("circle-open",),
}
SYMBOLS = ("circle", "square-open", "triangle-up", "diamond-open", "cross", "star", "pentagon-open", "x", "hexagram")
MAX_CLOUDS = len(SYMBOLS)


@dataclass(frozen=True, eq=False)
class Cloud:
    """Images of one name, (k,) positions among all, with the colour and mark they are drawn in."""

    name: str
    positions: NDArray[np.int64]
    colour: str
    symbol: str


def clouds(labels: Sequence[str | None], palette: Palette, roles: Mapping[str, Role] | None = None) -> list[Cloud]:
    """Groups of images with their colours and marks, "others" first, so that they lie below the rest.

    Parameters
    ----------
    labels
        One per image; None joins "others", as do all but the `MAX_CLOUDS` most frequent.
    palette
    roles
        What names mean to a reader; without, three colours that mean nothing else are told apart by marks.
    """
    frequent = Counter(label for label in labels if label is not None).most_common(MAX_CLOUDS)
    names = sorted(name for name, _ in frequent)
    rest = [i for i, label in enumerate(labels) if label not in names]
    found = []
    if rest:
        found.append(Cloud(OTHERS, np.array(rest), palette.roles[Role.UNRESOLVED], "circle-open"))
    used: Counter[Role] = Counter()
    for number, name in enumerate(names):
        positions = np.array([i for i, label in enumerate(labels) if label == name])
        role = (roles or {}).get(name)
        if role is None:
            colour = (palette.accent, palette.ink, palette.roles[Role.NON_NEOPLASTIC])[number % 3]
            found.append(Cloud(name, positions, colour, SYMBOLS[number]))
            continue
        symbols = ROLE_SYMBOLS[role]
        found.append(Cloud(name, positions, palette.roles[role], symbols[used[role] % len(symbols)]))
        used[role] += 1
    return found


def plot_embedding(
    points: NDArray[np.float32],
    groups: Sequence[Cloud],
    hover: Sequence[str],
    palette: Palette,
    *,
    lasso: bool = True,
    height_px: int = HEIGHT_PX,
) -> go.Figure:
    """All images as marks; what is chosen gives positions as customdata. Axes mean nothing and are hidden.

    Parameters
    ----------
    points : (n, 2)
    groups
    hover
        One text per image.
    palette
    lasso
        Dragging chooses a region; else a click chooses an image, and a phone scrolls over the figure. Not both: while
        dragging chooses, clicks are not reported.
    """
    scatter = go.Scatter if len(points) <= MAX_SVG else go.Scattergl
    size = 5 if len(points) >= SMALL_MARK_FROM else 8
    figure = go.Figure()
    for group in groups:
        figure.add_trace(
            scatter(
                x=points[group.positions, 0],
                y=points[group.positions, 1],
                customdata=group.positions,
                text=[html.escape(hover[i]) for i in group.positions],
                mode="markers",
                name="<br>".join(
                    textwrap.wrap(f"{html.escape(group.name)} ({len(group.positions):,})", LABEL_CHARACTERS)
                ),
                marker={"color": group.colour, "symbol": group.symbol, "size": size, "opacity": 0.75},
                selected={"marker": {"opacity": 1}},
                unselected={"marker": {"opacity": DIMMED}},
                hovertemplate="%{text}<extra></extra>",
            )
        )
    figure.update_xaxes(visible=False, fixedrange=not lasso)
    figure.update_yaxes(visible=False, fixedrange=not lasso, scaleanchor="x")
    return figure.update_layout(
        template=template(palette),
        height=height_px,
        dragmode="lasso" if lasso else False,
        clickmode="event+select",
        showlegend=True,
        legend={"orientation": "h", "y": -0.02, "yanchor": "top", "x": 0, "itemsizing": "constant"},
        modebar={"color": palette.muted, "activecolor": palette.accent, "bgcolor": "rgba(0,0,0,0)"},
    )
