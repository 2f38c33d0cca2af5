"""The tree of diagnoses with its probabilities."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from derm_model.answer import Slice
from derm_model.figures.style import template
from derm_model.palette import Palette, Role, readable_on
from derm_model.words import percent

ALL = "all"  # id of the box above the roots; without a real one plotly draws a nameless root
SMALLEST_SHARE = 0.012  # width of a box without probability, or with hardly any: still wide enough to click


def plot_icicle(slices: Sequence[Slice], picked: str | None, palette: Palette, height_px: int = 300) -> go.Figure:
    """The tree from top to bottom, width by probability; a click selects the node with that ``id``.

    An icicle beats a sunburst: labels stay horizontal, depth reads downwards and it uses the width. Boxes that do not
    resolve are gray and say so.
    """
    widths = _widths(slices)
    boxes: list[tuple[str, str, str, Role, float | None, float]] = [
        (ALL, "", "All diagnoses", Role.ALL, 1.0, widths[None])
    ]
    boxes += [
        (s.answer.node, s.parent or ALL, s.answer.name, s.answer.role, s.answer.probability, widths[s.answer.node])
        for s in slices
    ]
    ids, parents, names, roles, probabilities, values = zip(*boxes, strict=True)
    fills = [palette.roles[role] for role in roles]
    texts = ["not resolved" if p is None else percent(p) for p in probabilities]
    lines = [(3, palette.ink) if node == picked else (1, palette.page) for node in ids]
    figure = go.Figure(
        go.Icicle(
            ids=ids,
            parents=parents,
            labels=names,
            values=values,
            text=texts,
            customdata=[role.value for role in roles],
            branchvalues="total",
            sort=False,
            texttemplate="%{label}<br><b>%{text}</b>",
            hovertemplate="%{label}: %{text}<br>%{customdata}<extra></extra>",
            leaf={"opacity": 1},
            tiling={"orientation": "v", "pad": 2},
            pathbar={"visible": False},
            marker={"colors": fills, "line": {"width": [w for w, _ in lines], "color": [c for _, c in lines]}},
            textfont={"size": 13, "color": [readable_on(fill) for fill in fills]},
        )
    )
    return figure.update_layout(
        template=template(palette),
        height=height_px,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        uniformtext={"minsize": 11, "mode": "hide"},
    )


def _widths(slices: Sequence[Slice]) -> dict[str | None, float]:
    """Width per node id (None: the whole): a leaf's probability, at least a clickable sliver; a parent's is the sum."""
    widths: dict[str | None, float] = {None: 0.0}
    parents = {s.answer.node: s.parent for s in slices}
    inner = set(parents.values())
    for s in slices:
        if s.answer.node in inner:
            continue
        width = max(s.answer.probability or 0.0, SMALLEST_SHARE)
        node: str | None = s.answer.node
        while node is not None:
            widths[node] = widths.get(node, 0.0) + width
            node = parents[node]
        widths[None] += width
    return widths
