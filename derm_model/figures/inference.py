"""How the probability of a node is summed: training classes to the right, the sums on the way to the left."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from derm_model.figures.style import template
from derm_model.inference import InferenceNode, sums
from derm_model.palette import Palette, Role

ROW_PX = 54
MARGIN_PX = 24
SYMBOLS = {
    Role.MALIGNANT: "triangle-up",
    Role.MELANOMA: "diamond",
    Role.BENIGN: "circle",
    Role.NON_NEOPLASTIC: "square",
    Role.ALL: "circle",
}
LINE_LENGTH = 26  # letters of a name before it goes on in the next line


def shown(probability: float) -> str:
    """Three decimals, so that sums can be followed; ``<0.001`` where that would read 0."""
    return "<0.001" if 0 < probability < 0.0005 else f"{probability:.3f}"


def plot_inference(nodes: Sequence[InferenceNode], palette: Palette) -> go.Figure:
    """The tree with the probability of every node on the edge that leads to it.

    Parameters
    ----------
    nodes
        As `inference_tree` makes them.
    """
    places = _places(nodes)
    figure = go.Figure()
    figure.add_trace(_edges(nodes, places, palette))
    figure.add_trace(_edge_numbers(nodes, places, palette))
    figure.add_trace(_marks(nodes, places, palette))
    depth = max(x for x, _ in places.values())
    figure.update_xaxes(visible=False, range=[-0.35, depth + 1.15])
    rows = sum(node.is_class for node in nodes)
    figure.update_yaxes(visible=False, range=[rows - 0.3, -0.9])
    return figure.update_layout(
        template=template(palette),
        height=ROW_PX * (rows + 1) + MARGIN_PX,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
    )


def _places(nodes: Sequence[InferenceNode]) -> dict[str, tuple[float, float]]:
    """(x, y) of every node: ends in a column at the right, a row each; inner nodes halfway beside their children."""
    children = sums(nodes)
    level = {nodes[0].key: 0}
    for node in nodes[1:]:
        level[node.key] = level[str(node.parent)] + 1
    last = max(level.values())
    places: dict[str, tuple[float, float]] = {}

    def place(node: InferenceNode) -> float:
        below = [place(child) for child in children.get(node.key, ())]
        if not below:
            y = float(sum(n.is_class for n in nodes[: nodes.index(node)]))
            places[node.key] = (float(last), y)
            return y
        y = (below[0] + below[-1]) / 2
        places[node.key] = (float(level[node.key]), y)
        return y

    place(nodes[0])
    return places


def _edges(nodes: Sequence[InferenceNode], places: dict[str, tuple[float, float]], palette: Palette) -> go.Scatter:
    xs: list[float | None] = []
    ys: list[float | None] = []
    for node in nodes:
        if node.parent is not None:
            (x0, y0), (x1, y1) = places[node.parent], places[node.key]
            xs += [x0, x0 + 0.3, x1, None]
            ys += [y0, y1, y1, None]
    line = {"color": palette.border, "width": 1.5}
    return go.Scatter(x=xs, y=ys, mode="lines", line=line, hoverinfo="skip", name="Edges")


def _edge_numbers(
    nodes: Sequence[InferenceNode], places: dict[str, tuple[float, float]], palette: Palette
) -> go.Scatter:
    ends = [node for node in nodes if node.parent is not None]
    return go.Scatter(
        x=[places[node.key][0] - 0.06 for node in ends],
        y=[places[node.key][1] for node in ends],
        text=[f"<b>{shown(node.probability)}</b>" for node in ends],
        mode="text",
        textposition="top left",
        textfont={"size": 13, "color": palette.ink},
        hoverinfo="skip",
        name="Probabilities",
    )


def _marks(nodes: Sequence[InferenceNode], places: dict[str, tuple[float, float]], palette: Palette) -> go.Scatter:
    return go.Scatter(
        x=[places[node.key][0] for node in nodes],
        y=[places[node.key][1] for node in nodes],
        ids=[node.key for node in nodes],
        text=[_wrapped(node.name) for node in nodes],
        mode="markers+text",
        textposition=["middle right" if node.is_class else "bottom center" for node in nodes],
        textfont={"size": 12, "color": palette.ink},
        marker={
            "size": 12,
            "symbol": [SYMBOLS[node.role] + ("-open" if node.is_class else "") for node in nodes],
            "color": [palette.muted if node.role is Role.ALL else palette.roles[node.role] for node in nodes],
            "line": {"width": 2},
        },
        customdata=[[node.name, shown(node.probability), len(node.classes)] for node in nodes],
        hovertemplate="%{customdata[0]}<br>%{customdata[1]}, %{customdata[2]} training class(es)<extra></extra>",
        name="Nodes",
    )


def _wrapped(name: str) -> str:
    """At most two lines."""
    if len(name) <= LINE_LENGTH:
        return name
    cut = name.rfind(" ", 0, LINE_LENGTH)
    cut = LINE_LENGTH if cut < 8 else cut
    rest = name[cut:].strip()
    return f"{name[:cut]}<br>{rest if len(rest) <= LINE_LENGTH else rest[: LINE_LENGTH - 1] + '…'}"
