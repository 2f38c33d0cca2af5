"""Figures as parts of an HTML page that needs no network."""

from __future__ import annotations

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs


def script() -> str:
    """Plotly's own script, once per page; about 5 MB."""
    return str(get_plotlyjs())


def as_html(figure: go.Figure) -> str:
    """A figure as a part of a page that holds `script`."""
    part = figure.to_html(full_html=False, include_plotlyjs=False, config={"displayModeBar": False, "responsive": True})
    return str(part)
