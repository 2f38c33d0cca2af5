"""Ask a network about changed pictures: a part painted over, and the picture turned about its centre.

Both are questions with an answer that is known beforehand for a network that looks at lesions: a ruler at the border
should not matter, nor which way a camera was held.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from derm_model.data.covering import FILLS, Fill, cover
from derm_model.net.augmentation import View, inscribed_rectangle, resample
from derm_model.net.engine import Engine
from derm_model.net.saliency.explainer import MAX_FORWARD_BATCH, Explainer
from derm_model.progress import Progress, Report, quiet

__all__ = ["CROPS", "FILLS", "Asked", "Crop", "Fill", "Rotations", "Spread", "ask", "cover", "rotations", "spread_of"]

Crop = Literal["largest", "level"]
CROPS: dict[Crop, str] = {
    # Methods, "Training algorithm"
    "largest": "the largest upright rectangle, as in training: it gets smaller on the way to 45°",
    # its corners lie on the largest circle within the picture
    "level": "a square that fits at every angle, 71 % of the shorter side: the border is not seen",
}
N_ROTATIONS = 36
STAGE = "Turning the image"


@dataclass(frozen=True, eq=False)
class Asked:
    """An answer before and after a part of the picture was painted over.

    Attributes
    ----------
    pixels : (h, w, 3) uint8
        The painted picture.
    before, after : (n_classes,) float64
        Calibrated class probabilities, in full precision; node probabilities and their differences follow from them.
    """

    pixels: NDArray[np.uint8]
    before: NDArray[np.float64]
    after: NDArray[np.float64]


def ask(engine: Engine | Explainer, pixels: NDArray[np.uint8], mask: NDArray[np.bool_], fill: Fill = "skin") -> Asked:
    """Paint a region over and see the probabilities move.

    Parameters
    ----------
    engine
    pixels : (h, w, 3) uint8
        The original, at its resolution.
    mask : (h, w) bool
    fill : "skin" or "blur"

    Raises
    ------
    DermTreeError
        See `cover`.
    """
    explainer = _explainer(engine)
    painted = cover(pixels, mask, fill)
    before, after = _probs(explainer, torch.cat([explainer.unit(pixels), explainer.unit(painted)]))
    return Asked(painted, before, after)


@dataclass(frozen=True)
class Spread:
    """Mean, standard deviation (n - 1), smallest and largest of a probability over the rotations."""

    mean: float
    sd: float
    minimum: float
    maximum: float


@dataclass(frozen=True, eq=False)
class Rotations:
    """A picture's class probabilities at n angles.

    What is turned does not fit its frame. The largest upright rectangle without a pixel from outside gets smaller on
    the way to 45 degrees, so that turning is also looking closer; `upright_probs` show how much of the spread is that.

    Attributes
    ----------
    crop
        What is cut out of the turned picture (`CROPS`).
    angles_deg : (n,) float64
        0 <= angle < 360, counter-clockwise, in equal steps from 0.
    class_probs : (n, n_classes) float64
    crops : (n, 2) float64
        Sides of what is seen, as shares of the picture's width and height. "largest" in a square picture is a square
        of 1 / (|sin| + |cos|) of its side: all of it at 0 degrees, 71 % at 45.
    upright_probs : (n, n_classes) float64
        As much of the picture that was not turned: what looking closer does alone.
    whole_probs : (n_classes,) float64
        The whole picture, as everywhere else in DermTree.
    """

    crop: Crop
    angles_deg: NDArray[np.float64]
    class_probs: NDArray[np.float64]
    crops: NDArray[np.float64]
    upright_probs: NDArray[np.float64]
    whole_probs: NDArray[np.float64]


def rotations(
    engine: Engine | Explainer,
    pixels: NDArray[np.uint8],
    n: int = N_ROTATIONS,
    crop: Crop = "largest",
    report: Report = quiet,
) -> Rotations:
    """Turn a picture about its centre and ask about each view, in full precision.

    Each view is interpolated once, from the original (`augmentation.resample`), and squashed to the network's square
    as whole pictures are. At 0 degrees, "largest" is the whole picture and differs from `whole_probs` by the
    interpolation only.

    Parameters
    ----------
    engine
    pixels : (h, w, 3) uint8
        The original, at its resolution.
    n : int, >= 2
        Angles.
    crop : "largest" or "level"
    report
        Between batches of eight views; may raise `Cancelled`.

    Raises
    ------
    ValueError
        Fewer than two angles.
    """
    if n < 2:
        raise ValueError(f"a spread needs at least two angles, not {n}")
    explainer = _explainer(engine)
    height, width = pixels.shape[:2]
    angles = 360.0 * np.arange(n) / n
    level = (math.sqrt(0.5) * min(height, width),) * 2

    def cut(angle_deg: float) -> tuple[float, float]:
        return level if crop == "level" else inscribed_rectangle(width, height, math.radians(angle_deg))

    # Angles that mirror each other show as much of the picture; of 36 at most five differ. Beyond 45 degrees the
    # rectangle lies on its side, and the same part of the upright picture is the one of the angle below.
    folded = [float(round(min(angle % 90, 90 - angle % 90), 9)) for angle in angles]
    shapes = {angle: cut(angle) for angle in sorted(set(folded))}
    views = [*((angle, cut(angle)) for angle in angles), *((0.0, shape) for shape in shapes.values())]
    probs = np.concatenate(list(_asked(explainer, pixels, views, report)))
    upright = dict(zip(shapes, probs[n:], strict=True))
    return Rotations(
        crop=crop,
        angles_deg=angles,
        class_probs=probs[:n],
        crops=np.array([shapes[angle] for angle in folded]) / (width, height),
        upright_probs=np.stack([upright[angle] for angle in folded]),
        whole_probs=_probs(explainer, explainer.unit(pixels))[0],
    )


def spread_of(probabilities: NDArray[np.float64]) -> Spread | None:
    """Spread of a node's probability or a question's score over the rotations; None where it is not defined.

    Parameters
    ----------
    probabilities : (n,)
        Of `Rotations.class_probs` or `upright_probs`: a sum of columns, or `taxonomy.task_score` of them.
    """
    if len(probabilities) < 2 or not np.isfinite(probabilities).all():
        return None
    return Spread(
        float(probabilities.mean()),
        float(probabilities.std(ddof=1)),
        float(probabilities.min()),
        float(probabilities.max()),
    )


def _asked(
    explainer: Explainer, pixels: NDArray[np.uint8], views: list[tuple[float, tuple[float, float]]], report: Report
) -> Iterator[NDArray[np.float64]]:
    """Probabilities of views (angle in degrees, width and height in pixels), batch after batch."""
    preprocessing = explainer.bundle.preprocessing
    report(Progress(STAGE, 0, len(views), "views"))
    for start in range(0, len(views), MAX_FORWARD_BATCH):
        some = views[start : start + MAX_FORWARD_BATCH]
        seen = [resample(pixels, preprocessing.size_px, View(math.radians(angle), False), crop) for angle, crop in some]
        batch = torch.from_numpy(np.stack(seen)).permute(0, 3, 1, 2).contiguous()
        yield _probs(explainer, preprocessing.to_unit(batch))
        report(Progress(STAGE, start + len(some), len(views), "views"))


def _probs(explainer: Explainer, units: Tensor) -> NDArray[np.float64]:
    """(n, 3, size, size) in [0, 1] to calibrated probabilities (n, n_classes)."""
    return np.asarray(explainer.logits(units).softmax(dim=1).numpy(), dtype=np.float64)


def _explainer(engine: Engine | Explainer) -> Explainer:
    return engine if isinstance(engine, Explainer) else Explainer(engine)
