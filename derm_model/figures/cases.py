"""A lesion over time, and how the tool fares in a clinic, lesion after lesion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import plotly.graph_objects as go

from derm_model.evaluation.clinic import ClinicRates
from derm_model.evaluation.curves import OperatingPoint
from derm_model.evaluation.metrics import Interval
from derm_model.figures.style import template
from derm_model.palette import Palette

HEIGHT_PX = 300
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "star")  # bundles are told apart by marks, not by colours
DASHES = ("solid", "dash", "dot")
EDGE = 0.06  # of the time shown, free at both ends
LEAST_DAYS = 3  # of a lesion that was seen once


@dataclass(frozen=True)
class TimePoint:
    """What a bundle said on a day: score, and the threshold in use (None where nobody had chosen one)."""

    day: date
    score: float
    threshold: float | None
    bundle: str


def plot_lesion(
    points: Sequence[TimePoint], outcome: tuple[date, str] | None, palette: Palette, height_px: int = HEIGHT_PX
) -> go.Figure:
    """Score over time: a line per bundle, never joined with another's; filled at or above its threshold.

    Parameters
    ----------
    points
        One or more, by day.
    outcome
        Day and name of what the lesion turned out to be.
    palette
    height_px
    """
    figure = go.Figure()
    days = [point.day for point in points] + ([outcome[0]] if outcome else [])
    bundles = list(dict.fromkeys(point.bundle for point in points))
    for number, bundle in enumerate(bundles):
        own = [point for point in points if point.bundle == bundle]
        figure.add_traces(list(_bundle(own, number, palette)))
    if outcome is not None:
        day, name = outcome
        figure.add_trace(_upright(day, palette))
        figure.add_annotation(
            x=day.isoformat(),
            y=1,
            yref="paper",
            yanchor="bottom",
            xanchor="right" if day >= max(days) else "center",
            text=f"outcome: {name}",
            showarrow=False,
            font={"size": 12, "color": palette.ink},
        )
    spare = max(timedelta(days=LEAST_DAYS), EDGE * (max(days) - min(days)))
    few = sorted({point.day for point in points})
    figure.update_xaxes(
        type="date",
        range=[(min(days) - spare).isoformat(), (max(days) + spare).isoformat()],
        tickformat="%Y-%m-%d",
        nticks=5,
        tickangle=0,
        **({"tickvals": [day.isoformat() for day in few]} if len(few) <= 2 else {}),
    )
    figure.update_yaxes(title="Score", range=[-0.03, 1.03], dtick=0.25)
    return figure.update_layout(template=template(palette), height=height_px, margin={"t": 30})


def _bundle(points: Sequence[TimePoint], number: int, palette: Palette) -> Iterator[go.Scatter]:
    symbol = SYMBOLS[number % len(SYMBOLS)]
    above = [point.threshold is not None and point.score >= point.threshold for point in points]
    known = [point for point in points if point.threshold is not None]
    yield go.Scatter(
        x=[point.day.isoformat() for point in known],
        y=[point.threshold for point in known],
        mode="markers",
        marker={"symbol": "line-ew", "size": 22, "line": {"color": palette.ink, "width": 2}},
        hovertemplate="%{x}<br>threshold %{y:.2f}<extra></extra>",
        name="threshold in use",
    )
    yield go.Scatter(
        x=[point.day.isoformat() for point in points],
        y=[point.score for point in points],
        mode="lines+markers",
        line={"color": palette.accent, "width": 2, "dash": DASHES[number % len(DASHES)]},
        marker={
            "symbol": symbol,
            "size": 11,
            "color": [palette.accent if is_above else palette.page for is_above in above],
            "line": {"color": palette.accent, "width": 2.5},
        },
        hovertemplate="%{x}<br>score %{y:.2f}<extra></extra>",
        name=points[0].bundle,
    )


def _upright(day: date, palette: Palette) -> go.Scatter:
    return go.Scatter(
        x=[day.isoformat(), day.isoformat()],
        y=[0, 1],
        mode="lines",
        line={"color": palette.muted, "width": 1.2, "dash": "dot"},
        hoverinfo="skip",
        name="outcome",
    )


def plot_running_rates(
    running: Sequence[ClinicRates], own: OperatingPoint | None, palette: Palette, height_px: int = HEIGHT_PX
) -> go.Figure:
    """Sensitivity and specificity after each lesion with their 95 % intervals; dotted what the bundle's card says.

    Parameters
    ----------
    running
        From `derm_model.evaluation.clinic.running_rates`, one or more.
    own
        The bundle's rates at the same threshold; None where there are none to compare with.
    palette
    height_px
    """
    figure = go.Figure()
    sides = (
        ("Sensitivity", [r.sensitivity for r in running], palette.accent, "solid", own and own.sensitivity),
        ("Specificity", [r.specificity for r in running], palette.ink, "dash", own and own.specificity),
    )
    for name, rates, colour, dash, card in sides:
        figure.add_traces(list(_running(name, rates, colour, dash)))
        if card is not None:
            figure.add_trace(
                go.Scatter(
                    x=[0.5, len(running) + 0.5],
                    y=[card, card],
                    mode="lines",
                    line={"color": colour, "width": 1.2, "dash": "dot"},
                    hovertemplate=f"{name} on the model's card %{{y:.0%}}<extra></extra>",
                    name=f"{name} on the card",
                )
            )
    figure.update_xaxes(title="Lesions with an outcome, by day of diagnosis", range=[0.5, len(running) + 0.5])
    figure.update_xaxes(tickformat="d", **({"dtick": 1} if len(running) <= 12 else {"nticks": 8}))
    figure.update_yaxes(title="Rate", tickformat=".0%", dtick=0.25, range=[-0.02, 1.02])
    return figure.update_layout(template=template(palette), height=height_px, margin={"t": 24, "r": 24})


def _running(name: str, rates: Sequence[Interval | None], colour: str, dash: str) -> Iterator[go.Scatter]:
    known = [(number, rate) for number, rate in enumerate(rates, start=1) if rate is not None]
    if not known:
        return
    numbers = [number for number, _ in known]
    red, green, blue = (int(colour[k : k + 2], 16) for k in (1, 3, 5))
    yield go.Scatter(
        x=[*numbers, *reversed(numbers)],
        y=[*(rate.low for _, rate in known), *(rate.high for _, rate in reversed(known))],
        fill="toself",
        fillcolor=f"rgba({red},{green},{blue},.12)",
        line={"width": 0},
        mode="lines",
        hoverinfo="skip",
        name=f"95% interval of the {name.lower()}",
    )
    yield go.Scatter(
        x=numbers,
        y=[rate.value for _, rate in known],
        mode="lines+markers",
        line={"color": colour, "width": 2.5, "dash": dash},
        marker={"size": 6, "color": colour},
        hovertemplate=f"after %{{x}} lesions<br>{name} %{{y:.0%}}<extra></extra>",
        name=name,
    )
