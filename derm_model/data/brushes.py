"""What drawings are made of: skin, hairs, light, fractal noise. Everything comes from a generator that is handed in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Plane = NDArray[np.float32]

# Skin tones from very light to dark: the examples should not suggest that all skin is light.
_SKIN_TONES = ((236, 198, 172), (224, 180, 150), (208, 160, 128), (172, 122, 92), (128, 86, 64))

# Hairs are drawn at this multiple of the final size and reduced, which makes their edges soft.
_HAIR_OVERSAMPLING = 2


def skin_tone(rng: np.random.Generator) -> Plane:
    """One of the tones, (3,), light ones more often."""
    return np.array(_SKIN_TONES[rng.choice(len(_SKIN_TONES), p=(0.3, 0.3, 0.2, 0.12, 0.08))], dtype=np.float32)


def noise(rng: np.random.Generator, size_px: int, cells: int, octaves: int = 4) -> Plane:
    """Fractal noise, mean 0 and SD 1: random grids of `cells`, twice as many, four times ... enlarged and added."""
    total = np.zeros((size_px, size_px), dtype=np.float32)
    for octave in range(octaves):
        n = cells * 2**octave
        if n >= size_px:
            break
        grid = Image.fromarray(rng.normal(size=(n + 3, n + 3)).astype(np.float32))
        # The margin of a cell and a half keeps the enlarging filter's edge effects out of the picture.
        box = (1.5, 1.5, n + 1.5, n + 1.5)
        total += np.asarray(grid.resize((size_px, size_px), Image.Resampling.BICUBIC, box=box)) / 2**octave
    return np.asarray((total - total.mean()) / max(float(total.std()), 1e-6), dtype=np.float32)


def mix(under: Plane, over: Plane, share: Plane) -> Plane:
    """Lay `over` (h, w, 3) or (3,) on `under` (h, w, 3) with opacity `share` (h, w)."""
    return under + (over - under) * share[..., None]


def skin(rng: np.random.Generator, size_px: int, tone: Plane) -> Plane:
    """Skin with blotches, a shallow relief of furrows and pores."""
    blotches = noise(rng, size_px, 3, 3)
    # Furrows lie where a noise changes its sign: a net of thin lines, as on skin.
    furrows = np.exp(-((noise(rng, size_px, 26, 2) / 0.18) ** 2))
    pores = noise(rng, size_px, 60, 2)
    brightness = 1 + 0.018 * blotches - 0.035 * furrows + 0.010 * pores
    redness = np.array([0.6, -1.0, -0.8], dtype=np.float32) * (1.6 * noise(rng, size_px, 4, 3))[..., None]
    return np.asarray(tone * brightness[..., None] + redness, dtype=np.float32)


def hairs(rng: np.random.Generator, canvas: Plane) -> Plane:
    """A few long, thin, slightly bent hairs."""
    size_px = len(canvas)
    side = size_px * _HAIR_OVERSAMPLING
    mask = Image.new("L", (side, side))
    pen = ImageDraw.Draw(mask)
    t = np.linspace(0, 1, 40)[:, None]
    for _ in range(rng.integers(2, 7)):
        angle = rng.uniform(0, 2 * np.pi)
        along = np.array([np.cos(angle), np.sin(angle)])
        across = np.array([-along[1], along[0]])
        middle = rng.uniform(0.2, 0.8, 2)
        start = middle - along * rng.uniform(0.3, 0.8)
        end = middle + along * rng.uniform(0.3, 0.8)
        bend = middle + across * rng.uniform(-0.25, 0.25)
        curve = (1 - t) ** 2 * start + 2 * t * (1 - t) * bend + t**2 * end
        width = max(1, round(side * rng.uniform(0.0020, 0.0036)))
        points = [(float(px), float(py)) for px, py in curve * side]
        pen.line(points, fill=int(rng.integers(90, 170)), width=width, joint="curve")
    share = np.asarray(mask.reduce(_HAIR_OVERSAMPLING), dtype=np.float32) / np.float32(255)
    return mix(canvas, np.array((52, 36, 30), dtype=np.float32), share)


def light(rng: np.random.Generator, size_px: int) -> Plane:
    """Light falls off towards the edges and a little from one side."""
    axis = (np.arange(size_px, dtype=np.float32) + 0.5) / size_px - 0.5
    x, y = np.meshgrid(axis, axis)
    side = rng.normal(0, 0.05, 2)
    return np.asarray(1.03 - 0.42 * (x**2 + y**2) + side[0] * x + side[1] * y, dtype=np.float32)
