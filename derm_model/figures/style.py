"""What all charts share. Every default sits in one template: those set on the figure are lost by a later update."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from derm_model.palette import Palette

FONT = '"Source Sans", "Source Sans Pro", sans-serif'


def template(palette: Palette) -> go.layout.Template:
    """Defaults of every chart: no axis line, quiet grid, fixed range so that a phone scrolls over the chart."""
    axis: dict[str, Any] = {
        "gridcolor": palette.grid,
        "tickfont": {"size": 12, "color": palette.muted},
        "zeroline": False,
        "automargin": True,
        "fixedrange": True,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": "rgba(0,0,0,0)",
        "showline": False,
        "title": {"font": {"size": 13, "color": palette.ink}, "standoff": 8},
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": palette.ink},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "xaxis": axis,
            "yaxis": axis,
            "hovermode": "closest",
            "dragmode": False,
            "showlegend": False,
            "margin": {"l": 8, "r": 16, "t": 12, "b": 8},
            "hoverlabel": {
                "bgcolor": palette.panel,
                "bordercolor": palette.grid,
                "font": {"color": palette.ink, "size": 13},
            },
        }
    )


def mixed(one: str, other: str, share: float) -> str:
    """The colour at a share of the way from one #RRGGBB colour to another."""
    pairs = ((int(one[k : k + 2], 16), int(other[k : k + 2], 16)) for k in (1, 3, 5))
    return "#" + "".join(f"{round(a + share * (b - a)):02X}" for a, b in pairs)
