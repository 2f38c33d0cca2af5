"""A sample of the images beside all of them: the paper's Figure 3, with what other samples would have shown."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from derm_model.evaluation.curves import OperatingCurve
from derm_model.figures.style import template
from derm_model.palette import Palette

HEIGHT_PX = 420
Floats = NDArray[np.float64]


def plot_sample(
    full: OperatingCurve,
    sample: OperatingCurve,
    band: tuple[Floats, Floats],
    names: tuple[str, str],
    palette: Palette,
    *,
    roc: bool = False,
    height_px: int = HEIGHT_PX,
) -> go.Figure:
    """Curve of all images and that of one sample, over a pale band of the curves of many samples.

    Parameters
    ----------
    full, sample
        A sample's line is thin and broken.
    band
        Sensitivities (k,), ascending, and specificities (2, k), lower and upper, of the samples.
    names
        What stands beside the two curves, such as their areas; in the corner that curves leave free.
    palette
    roc
        The usual axes, sensitivity upwards against 1 - specificity; else those of the paper's figure, specificity
        upwards against sensitivity.
    """
    figure = go.Figure(_band(*band, palette, roc))
    keys = (
        (full, {"color": palette.accent, "width": 2.5}, "All images"),
        (sample, {"color": palette.ink, "width": 1.6, "dash": "dash"}, "Sample"),
    )
    for row, ((curve, line, name), text) in enumerate(zip(keys, names, strict=True)):
        sensitivity, specificity = curve.line()
        x, y = ("%{y:.0%}", "%{x:.0%} of the others called") if roc else ("%{x:.0%}", "specificity %{y:.0%}")
        figure.add_trace(
            go.Scatter(
                **_oriented(sensitivity, specificity, roc),
                customdata=np.append(curve.thresholds, np.inf),
                mode="lines",
                line=line,
                hovertemplate=f"{name}<br>threshold %{{customdata:.3f}}<br>sensitivity {x}<br>{y}<extra></extra>",
                name=name,
            )
        )
        _add_key(figure, row, text, line, palette, roc)
    _add_key(figure, 2, "95% of samples", {"color": palette.tint, "width": 12}, palette, roc)
    ticks = {"tickformat": ".0%", "dtick": 0.25, "range": [-0.015, 1.02]}
    figure.update_xaxes(title="1 − specificity" if roc else "Sensitivity", **ticks)
    figure.update_yaxes(title="Sensitivity" if roc else "Specificity", **ticks)
    return figure.update_layout(template=template(palette), height=height_px)


def _band(sensitivity: Floats, specificity: Floats, palette: Palette, roc: bool) -> go.Scatter:
    low, high = specificity
    return go.Scatter(
        **_oriented(np.concatenate([sensitivity, sensitivity[::-1]]), np.concatenate([low, high[::-1]]), roc),
        fill="toself",
        fillcolor=palette.tint,
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        name="95% of samples",
    )


def _oriented(sensitivity: Floats, specificity: Floats, roc: bool) -> dict[str, Floats]:
    return {"x": 1 - specificity, "y": sensitivity} if roc else {"x": sensitivity, "y": specificity}


def _add_key(figure: go.Figure, row: int, text: str, line: dict[str, object], palette: Palette, roc: bool) -> None:
    """A piece of the line and its name, in the lower corner that no curve better than chance enters."""
    y = 0.26 - 0.085 * row
    x0 = 0.36 if roc else 0.03
    figure.add_trace(
        go.Scatter(x=[x0, x0 + 0.07], y=[y, y], mode="lines", line=line, hoverinfo="skip", name=f"Key: {text}")
    )
    figure.add_annotation(
        **{"x": x0 + 0.09, "y": y, "xanchor": "left", "yanchor": "middle", "showarrow": False},
        **{"text": text, "font": {"size": 13, "color": palette.ink}},
    )
