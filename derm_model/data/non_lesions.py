"""Drawings of what is no skin lesion, made by arithmetic: to see whether a model notices that it does not know them.

They stand for what is uploaded by mistake (a page, a screenshot, an X-ray, a room) and for what is known to fool
networks (noise, flat colours, textures). Drawings are easy: photographs are more like photographs of skin than they
are. A score that tells these apart has passed the least of tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from derm_model.data import printed
from derm_model.data.brushes import Plane, hairs, light, mix, noise, skin, skin_tone

VERSION = 1  # to be raised with every change of a picture: answers to other pictures are then not taken for these
MIN_SIZE_PX = 32

Painter = Callable[[np.random.Generator, int], Plane]


def draw_non_lesion(seed: int, size_px: int, kind: str) -> NDArray[np.uint8]:
    """Draw something that is no lesion.

    Parameters
    ----------
    seed
        Same seed, size and kind: same picture.
    size_px
        Side of the square picture, >= `MIN_SIZE_PX`.
    kind
        One of `KINDS`.

    Returns
    -------
    (size_px, size_px, 3) uint8
        sRGB.
    """
    if kind not in _PAINTERS:
        raise ValueError(f"A drawing must be of a known kind ({', '.join(KINDS)}), not {kind!r}.")
    if size_px < MIN_SIZE_PX:
        raise ValueError(f"A drawing needs at least {MIN_SIZE_PX} pixels a side, not {size_px}.")
    # 7: another stream than that of the lesions' drawings
    rng = np.random.default_rng([7, seed, KINDS.index(kind)])
    canvas = _PAINTERS[kind](rng, size_px)
    if kind in PHOTOGRAPHED:
        canvas = canvas * light(rng, size_px)[..., None]
        canvas = canvas + rng.normal(0, 2.0, (size_px, size_px, 1)).astype(np.float32)  # sensor noise
    return np.asarray(np.clip(canvas, 0, 255).round(), dtype=np.uint8)


def _coordinates(size_px: int) -> tuple[Plane, Plane]:
    """Across to the right and downwards, each (s, s) in (0, 1)."""
    axis = (np.arange(size_px, dtype=np.float32) + 0.5) / size_px
    x, y = np.meshgrid(axis, axis)
    return np.asarray(x, dtype=np.float32), np.asarray(y, dtype=np.float32)


def _rgb(values: object) -> Plane:
    return np.asarray(values, dtype=np.float32)


def _between(low: Plane, high: Plane, share: Plane) -> Plane:
    """Colours from `low` (3,) to `high` (3,) by shares (s, s)."""
    return _rgb(low + (high - low) * share[..., None])


def _blurred(canvas: Plane, radius: float) -> Plane:
    image = Image.fromarray(np.clip(canvas, 0, 255).astype(np.uint8))
    return _rgb(image.filter(ImageFilter.GaussianBlur(radius)))


def _skin_alone(rng: np.random.Generator, size_px: int) -> Plane:
    return hairs(rng, skin(rng, size_px, skin_tone(rng)))


def _hand(rng: np.random.Generator, size_px: int) -> Plane:
    """A hand, spread, seen as a whole: a limb and no close-up."""
    side = 2 * size_px
    mask = Image.new("L", (side, side))
    pen = ImageDraw.Draw(mask)
    middle = np.array([rng.uniform(0.44, 0.56), rng.uniform(0.58, 0.66)])
    scale = rng.uniform(0.8, 1.1)

    def limb(points: NDArray[np.float64], radius: float) -> None:
        line = [(float(x), float(y)) for x, y in points * side]
        pen.line(line, fill=255, width=round(2 * radius * side), joint="curve")
        for x, y in line:
            pen.ellipse([v + d * radius * side for v, d in ((x, -1), (y, -1), (x, 1), (y, 1))], fill=255)

    for angle, length in zip((-0.42, -0.14, 0.1, 0.36), (0.30, 0.35, 0.33, 0.26), strict=True):
        turned = angle + rng.normal(0, 0.04)
        root = middle + scale * np.array([0.26 * np.sin(1.3 * angle), -0.09])
        tip = root + scale * length * np.array([np.sin(turned), -np.cos(turned)])
        limb(np.stack([root, tip]), 0.032 * scale)
    limb(np.stack([middle + scale * np.array(p) for p in ((-0.06, 0.1), (-0.2, 0.0), (-0.27, -0.12))]), 0.036 * scale)
    limb(np.stack([middle + scale * np.array(p) for p in ((-0.03, -0.02), (0.04, -0.02), (0.02, 0.1))]), 0.085 * scale)
    limb(np.stack([middle + np.array([0, 0.08]), [middle[0], 1.2]]), 0.075 * scale)
    share = mask.rotate(float(rng.normal(0, 14))).filter(ImageFilter.GaussianBlur(side / 400)).reduce(2)
    covered = _rgb(share) / np.float32(255)
    depth = _rgb(mask.filter(ImageFilter.GaussianBlur(side / 40)).reduce(2)) / np.float32(255)
    ground = np.broadcast_to(_rgb(_colour(rng, 40, 230)), (size_px, size_px, 3))
    on_top = skin(rng, size_px, skin_tone(rng)) * (0.72 + 0.28 * depth)[..., None]
    return mix(_rgb(ground), _rgb(on_top), covered)


def _landscape(rng: np.random.Generator, size_px: int) -> Plane:
    """Sky with clouds and a sun or none, hills one behind the other."""
    x, y = _coordinates(size_px)
    tops = _rgb(((70, 130, 210), (110, 160, 220), (40, 60, 120), (230, 140, 90)))
    lows = _rgb(((190, 215, 240), (225, 232, 240), (240, 150, 110), (250, 220, 170)))
    hour = rng.integers(len(tops))
    canvas = _between(tops[hour], lows[hour], y)
    cloud = np.clip(noise(rng, size_px, 4, 5) - rng.uniform(0.2, 1.2), 0, 1) * np.clip(1.2 - 1.5 * y, 0, 1)
    canvas = mix(canvas, _rgb((250, 248, 245)), _rgb(0.85 * cloud))
    if rng.random() < 0.5:
        away = np.hypot(x - rng.uniform(0.1, 0.9), y - rng.uniform(0.1, 0.4))
        canvas = mix(canvas, _rgb((255, 240, 200)), _rgb(np.clip(1.5 - away / 0.05, 0, 1)))
    green = _rgb(rng.uniform((40, 80, 30), (90, 130, 70)))
    n = int(rng.integers(2, 5))
    for i in range(n):
        wave = sum(rng.uniform(0.01, 0.05) / k * np.sin(2 * np.pi * k * (x + rng.uniform(0, 1))) for k in (1, 2, 3, 5))
        inside = np.clip((y - (0.45 + 0.45 * i / n) - wave) * size_px / 2, 0, 1)
        far = _between(green, lows[hour], np.full_like(x, 0.6 * (1 - i / n)))
        canvas = mix(canvas, far * (1 + 0.12 * noise(rng, size_px, 12, 4))[..., None], _rgb(inside))
    return canvas


def _cloth(rng: np.random.Generator, size_px: int) -> Plane:
    """Checks or stripes of two or three colours, woven, with folds."""
    x, y = _coordinates(size_px)
    turn = rng.uniform(0, np.pi)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    colours = _rgb([_colour(rng, 20, 240) for _ in range(3)])
    cycles, width = rng.uniform(3, 12), rng.uniform(0.3, 0.6)
    across = (np.mod(u * cycles, 1) < width).astype(np.float32)
    along = (np.mod(v * cycles, 1) < width).astype(np.float32) * float(rng.random() < 0.7)
    canvas = mix(np.broadcast_to(colours[0], (size_px, size_px, 3)), colours[1], _rgb(0.55 * across))
    canvas = mix(canvas, colours[2], _rgb(0.55 * along))
    threads = np.sin(2 * np.pi * u * 90) * np.sin(2 * np.pi * v * 90)
    return _rgb(canvas * (1 + 0.07 * threads + 0.10 * noise(rng, size_px, 3, 2))[..., None])


def _room(rng: np.random.Generator, size_px: int) -> Plane:
    """Wall, floor, window and furniture, out of focus."""
    sheet = printed.Sheet(size_px, _colour(rng, 130, 230))
    floor = rng.uniform(0.6, 0.8)
    sheet.box(0, floor, 1, 1, _colour(rng, 70, 170))
    left = rng.uniform(0.05, 0.6)
    sheet.box(left, 0.08, left + rng.uniform(0.2, 0.35), rng.uniform(0.3, 0.5), (250, 252, 255))
    for _ in range(int(rng.integers(3, 7))):
        x, width, height = rng.uniform(-0.1, 0.9), rng.uniform(0.1, 0.4), rng.uniform(0.1, 0.45)
        foot = floor + rng.uniform(0, 0.25)
        sheet.box(x, foot - height, x + width, foot, _colour(rng, 30, 200), round_=0.02)
    if rng.random() < 0.5:
        sheet.disc(rng.uniform(0.2, 0.8), rng.uniform(0.05, 0.2), 0.06, (255, 246, 220))
    return _blurred(sheet.canvas(), size_px * rng.uniform(0.012, 0.05))


def _colour(rng: np.random.Generator, low: int, high: int) -> printed.Colour:
    """A muted colour, as things have: halfway between any colour and its grey."""
    vivid = rng.uniform(low, high, 3)
    red, green, blue = (round(value) for value in (vivid + vivid.mean()) / 2)
    return red, green, blue


def _flat(rng: np.random.Generator, size_px: int) -> Plane:
    """One colour, black and white among them: a lens cap, a wall, an empty frame."""
    low, high = ((0, 12), (243, 255), (0, 255), (0, 255), (0, 255))[rng.integers(5)]
    return np.tile(_rgb(rng.uniform(low, high, 3)), (size_px, size_px, 1))


def _pixel_noise(rng: np.random.Generator, size_px: int) -> Plane:
    channels = 1 if rng.random() < 0.3 else 3
    return _rgb(np.broadcast_to(rng.uniform(0, 255, (size_px, size_px, channels)), (size_px, size_px, 3)))


def _fractal(rng: np.random.Generator, size_px: int) -> Plane:
    """Clouds of colour at all scales."""
    cells, grey = int(rng.integers(2, 12)), rng.uniform(0, 1)
    channels = np.stack([noise(rng, size_px, cells, 6) for _ in range(3)], axis=-1)
    return _rgb(128 + 60 * (grey * channels[..., :1] + (1 - grey) * channels))


def _x_ray(rng: np.random.Generator, size_px: int) -> Plane:
    """A chest: dark lungs, bright spine and heart, ribs as arcs."""
    x, y = _coordinates(size_px)
    x = (x - rng.uniform(0.46, 0.54)) / rng.uniform(0.8, 1.15)
    y = y + rng.uniform(-0.06, 0.06)
    body = 1 / (1 + np.exp(-(0.43 - np.abs(x) - 0.10 * (1 - y) ** 2) * 26))
    grey = 30 + 95 * body
    width, height = rng.uniform(0.14, 0.17), rng.uniform(0.3, 0.38)
    for side in (-1, 1):
        lung = 1 - np.hypot((x - side * 0.2) / width, (y - 0.5) / height)
        grey -= rng.uniform(70, 95) * np.clip(3 * lung, 0, 1)
    away = np.hypot(x, rng.uniform(0.4, 0.6) * (y + 0.55))
    ribs = np.exp(-(((np.mod(away * rng.uniform(20, 28), 1) - 0.5) / 0.16) ** 2))
    grey += rng.uniform(15, 32) * ribs * body * (np.abs(x) > 0.05) * (y < 0.85)
    grey += 50 * np.exp(-((x / 0.045) ** 2)) * (1 + 0.25 * np.sin(2 * np.pi * 14 * y)) * body
    grey += 65 * np.clip(1.6 - np.hypot((x - 0.06) / 0.12, (y - 0.62) / rng.uniform(0.12, 0.17)), 0, 1)
    grey += 80 * np.clip((y - 0.82 - 0.4 * x**2) * 9, 0, 1) * body
    grey = grey * (1 + 0.06 * noise(rng, size_px, 10, 5)) + rng.normal(0, 4, x.shape)
    return _rgb(np.repeat(grey[..., None], 3, axis=-1))


def _histology(rng: np.random.Generator, size_px: int) -> Plane:
    """A stained section: pink fibres, purple nuclei, white gaps."""
    fibres = noise(rng, size_px, int(rng.integers(4, 10)), 5)
    pink = _between(_rgb((246, 205, 222)), _rgb((206, 112, 160)), _rgb(np.clip(0.5 + 0.3 * fibres, 0, 1)))
    gaps = np.clip(2.5 * (noise(rng, size_px, 5, 4) - rng.uniform(0.9, 1.6)), 0, 1)
    canvas = mix(pink, _rgb((246, 243, 247)), _rgb(gaps))
    side = 2 * size_px
    nuclei = Image.new("L", (side, side))
    pen = ImageDraw.Draw(nuclei)
    dense = noise(rng, size_px, 4, 2)
    radius = side * rng.uniform(0.006, 0.012)
    for px, py in rng.uniform(0, side, (int(rng.integers(500, 1100)), 2)):
        if dense[int(py) // 2, int(px) // 2] + rng.normal(0, 0.5) > 0:
            a, b = radius * rng.uniform(0.6, 1.4, 2)
            pen.ellipse((px - a, py - b, px + a, py + b), fill=int(rng.integers(140, 255)))
    share = _rgb(nuclei.filter(ImageFilter.GaussianBlur(side / 700)).reduce(2)) / np.float32(255)
    return mix(canvas, _rgb((86, 44, 120)), _rgb(share * (1 - gaps)))


_PAINTERS: Mapping[str, Painter] = {
    "document": printed.document,
    "screenshot": printed.screenshot,
    "bar code or ruler": printed.bar_code,
    "landscape": _landscape,
    "room out of focus": _room,
    "cloth": _cloth,
    "hand": _hand,
    "X-ray": _x_ray,
    "histology": _histology,
    "flat colour": _flat,
    "pixel noise": _pixel_noise,
    "fractal noise": _fractal,
    "skin without lesion": _skin_alone,
}
KINDS = tuple(_PAINTERS)
# Skin like that around a lesion: a picture a model may well find usual, so it is counted on its own.
BORDERLINE = ("skin without lesion",)
PHOTOGRAPHED = ("document", "bar code or ruler", "cloth", "hand", "room out of focus", *BORDERLINE)
