"""Drawings of skin lesions, made by arithmetic: examples to try the app with, and pictures for tests.

They look like dermoscopy at a glance and show no patient. Everything is drawn from one seed with numpy and Pillow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from derm_model.data.brushes import Plane, hairs, light, mix, noise, skin, skin_tone


@dataclass(frozen=True)
class _Style:
    """How one kind of lesion is drawn; lengths as shares of the picture's side.

    Attributes
    ----------
    radius
        Smallest and largest mean radius.
    lobes
        Depth of the outline's waves, as a share of the radius.
    ragged
        How far noise moves the outline.
    edge
        Width of the soft border.
    colours
        From the lightest to the darkest parts, RGB.
    spread
        How strongly the colours alternate; 0 is one colour.
    opacity
        Of the lesion over the skin in its middle.
    """

    radius: tuple[float, float]
    lobes: float
    ragged: float
    edge: float
    colours: tuple[tuple[int, int, int], ...]
    spread: float
    opacity: float


_STYLES = {
    "nevus": _Style((0.19, 0.25), 0.05, 0.010, 0.040, ((150, 98, 66), (118, 72, 48), (88, 54, 38)), 0.55, 0.88),
    "irregular": _Style(
        (0.20, 0.27), 0.22, 0.030, 0.018, ((134, 78, 56), (82, 46, 40), (44, 26, 32), (70, 70, 86)), 1.5, 0.95
    ),
    "keratosis": _Style((0.20, 0.27), 0.08, 0.016, 0.010, ((176, 134, 92), (150, 106, 70), (116, 80, 54)), 0.9, 0.92),
    "pink": _Style((0.18, 0.25), 0.10, 0.012, 0.050, ((216, 138, 124), (200, 108, 98), (176, 84, 82)), 0.7, 0.72),
}
KINDS = tuple(_STYLES)


def draw_lesion(seed: int, size_px: int, kind: str = "nevus") -> NDArray[np.uint8]:
    """Draw a lesion on skin.

    Parameters
    ----------
    seed
        Same seed, size and kind: same picture. Different seeds differ in skin, place, outline, colours and hairs.
    size_px
        Side of the square picture, >= 16.
    kind
        One of `KINDS`: "nevus" (even, round), "irregular" (lobed, dark, several colours), "keratosis" (sharp border,
        pale and dark dots), "pink" (red, fine vessels).

    Returns
    -------
    (size_px, size_px, 3) uint8
        sRGB.
    """
    if kind not in _STYLES:
        raise ValueError(f"A drawing must be of a known kind ({', '.join(KINDS)}), not {kind!r}.")
    if size_px < 16:
        raise ValueError(f"A drawing needs at least 16 pixels a side, not {size_px}.")
    style = _STYLES[kind]
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    tone = skin_tone(rng)
    canvas = skin(rng, size_px, tone)
    depth = _depth(rng, size_px, style)
    canvas = _pigment(rng, canvas, depth, style, tone)
    if kind == "keratosis":
        canvas = _dots(rng, canvas, depth)
    if kind == "pink":
        canvas = _vessels(rng, canvas, depth)
    canvas = hairs(rng, canvas)
    canvas *= light(rng, size_px)[..., None]
    canvas += rng.normal(0, 2.0, (size_px, size_px, 1)).astype(np.float32)  # sensor noise
    return np.asarray(np.clip(canvas, 0, 255).round(), dtype=np.uint8)


def _depth(rng: np.random.Generator, size_px: int, style: _Style) -> Plane:
    """Signed distance to the lesion's outline in widths of its border: > 0 inside."""
    axis = (np.arange(size_px, dtype=np.float32) + 0.5) / size_px
    x, y = np.meshgrid(axis - rng.uniform(0.44, 0.56), axis - rng.uniform(0.44, 0.56))
    stretch, turn = rng.uniform(0.8, 1.0), rng.uniform(0, np.pi)
    u, v = x * np.cos(turn) + y * np.sin(turn), (y * np.cos(turn) - x * np.sin(turn)) / stretch
    angle, distance = np.arctan2(v, u), np.hypot(u, v)
    wave = np.zeros_like(angle)
    for k in range(2, 7):
        wave += rng.uniform(0.4, 1.0) / k * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    radius = rng.uniform(*style.radius) * (1 + style.lobes * wave) + style.ragged * noise(rng, size_px, 9, 3)
    return np.asarray((radius - distance) / style.edge, dtype=np.float32)


def _inside(depth: Plane) -> Plane:
    return np.asarray(1 / (1 + np.exp(-np.clip(3 * depth, -30, 30))), dtype=np.float32)


def _pigment(rng: np.random.Generator, canvas: Plane, depth: Plane, style: _Style, tone: Plane) -> Plane:
    """Colour the lesion: between the style's colours by noise, darker towards the middle, with a faint network."""
    size_px = len(depth)
    # The outermost border belongs to both; `middle` runs from 0 there to 1 well inside.
    middle = np.clip(depth * style.edge / 0.16, 0, 1)
    darkness = 0.25 + 0.45 * middle + 0.22 * style.spread * noise(rng, size_px, 5, 4)
    stops = np.linspace(0, 1, len(style.colours))
    colours = np.array(style.colours, dtype=np.float32)
    channels = [np.interp(darkness, stops, colours[:, channel]) for channel in range(3)]
    colour = np.stack(channels, axis=-1).astype(np.float32)
    # On darker skin the same pigment is darker, too.
    colour *= (tone.mean() / 190) ** 0.5
    network = np.exp(-((noise(rng, size_px, 34, 1) / 0.3) ** 2)) * np.clip(1.2 - middle, 0, 1)
    colour *= (1 - 0.13 * network)[..., None]
    halo = 0.10 * _inside(depth * style.edge / 0.05 + 1.0)  # a breath of colour around the lesion
    share = np.maximum(_inside(depth) * style.opacity, halo)
    return mix(canvas, colour, np.asarray(share, dtype=np.float32))


def _dots(rng: np.random.Generator, canvas: Plane, depth: Plane) -> Plane:
    """Pale milia and dark openings, scattered over the inside."""
    size_px = len(depth)
    rows, columns = np.nonzero(depth * 0.01 > 0.02)  # not on the border itself
    if len(rows) == 0:
        return canvas
    for pick in rng.choice(len(rows), size=26):
        pale = bool(rng.random() < 0.5)
        radius = size_px * rng.uniform(0.006, 0.013)
        row, column, reach = int(rows[pick]), int(columns[pick]), int(3 * radius) + 1
        window = np.s_[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
        yy, xx = np.mgrid[window].astype(np.float32)
        spot = np.exp(-((yy - row) ** 2 + (xx - column) ** 2) / radius**2) * (0.65 if pale else 0.6)
        colour = np.array((228, 204, 168) if pale else (70, 44, 34), dtype=np.float32)
        canvas[window] = mix(canvas[window], colour, np.asarray(spot, dtype=np.float32))
    return canvas


def _vessels(rng: np.random.Generator, canvas: Plane, depth: Plane) -> Plane:
    """Fine red branching lines: sign changes of a noise, inside only."""
    size_px = len(depth)
    lines = np.exp(-((noise(rng, size_px, 9, 3) / 0.07) ** 2)) * (noise(rng, size_px, 4, 2) > 0)
    share = 0.4 * lines * _inside(depth - 0.6)
    return mix(canvas, np.array((150, 42, 48), dtype=np.float32), np.asarray(share, dtype=np.float32))
