"""What "nothing there" looks like: black, the image blurred, or the colour of the skin around the lesion."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from derm_model.net.saliency.method import Baseline

BLUR = 0.2  # sigma as a share of the side: a lesion a third of the image wide keeps 30 % of its contrast

DARK = 0.15  # luminance below which a pixel at the border may belong to the black frame of a dermoscope
HAIR = 0.03  # share of the side; what is thinner is no frame but a hair or the mark of a ruler
MIN_FIELD = 0.1  # share of the image below which "frame" must be a mistake: the whole picture is dark
ZONE = (0.08, 0.4)  # from the border (0) to the middle (1): inside a vignette's darkest part, outside most lesions
CLIP = 2.5  # robust standard deviations from the median of a channel: hairs, ink and gel bubbles lie beyond
LUMINANCE = np.array([0.299, 0.587, 0.114])


def baseline_of(unit: Tensor, kind: Baseline) -> Tensor:
    """Baseline of an image.

    Parameters
    ----------
    unit : (1, 3, h, w) in [0, 1]
    kind : "black", "blurred" or "skin"

    Returns
    -------
    (1, 3, h, w) in [0, 1], on the image's device
    """
    if kind == "black":
        return torch.zeros_like(unit)
    image = unit[0].permute(1, 2, 0).cpu().double().numpy()
    if kind == "skin":
        found = np.broadcast_to(skin_colour(image), image.shape)
    else:
        found = ndimage.gaussian_filter(image, BLUR * max(image.shape[:2]), axes=(0, 1))
    return torch.from_numpy(found.transpose(2, 0, 1)[None].copy()).to(unit)


def skin_colour(image: NDArray[np.floating]) -> NDArray[np.float64]:
    """Colour of the skin that surrounds what the picture is of.

    The picture's field (all but a dermoscope's black frame and corners) has a zone near its border where there is skin
    rather than lesion. Of that zone's pixels those far from the median, such as hairs and ink, are left out, and the
    rest is averaged. Where a lesion or something else fills more than half of that zone, it is taken for skin; and a
    vignette's shade is taken for the skin's.

    Parameters
    ----------
    image : (h, w, 3) in [0, 1]

    Returns
    -------
    (3,) in [0, 1]
    """
    depth = ndimage.distance_transform_edt(np.pad(_field(image), 1))[1:-1, 1:-1]
    depth /= depth.max()
    zone = image[(depth >= ZONE[0]) & (depth <= ZONE[1])]
    if not len(zone):  # an image of a few pixels
        zone = image.reshape(-1, 3)
    for _ in range(3):  # once would leave the spread as wide as the hairs have made it
        off = np.abs(zone - np.median(zone, axis=0))
        spread = 1.4826 * np.median(off, axis=0)  # the standard deviation, were it a normal distribution
        near = (off <= np.maximum(CLIP * spread, 1 / 255)).all(axis=1)
        zone = zone[near] if near.any() else zone
    return np.asarray(zone.mean(axis=0), dtype=np.float64)


def _field(image: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Where the picture is, (h, w): not in the black that reaches the border and is broader than a hair."""
    dark = np.pad(image @ LUMINANCE < DARK, 1, mode="edge")
    thick = max(3, round(HAIR * min(image.shape[:2])))
    # Opened with its edge continued: a frame that is thin because the picture was cropped is still a frame.
    beyond = np.pad(dark, thick, mode="edge")
    broad = ndimage.binary_opening(beyond, np.ones((thick, thick)))[thick:-thick, thick:-thick]
    labels, _ = ndimage.label(broad)
    border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    frame = np.isin(labels, np.unique(border[border > 0]))[1:-1, 1:-1]
    # The frame's soft edge is neither black nor skin.
    field = ~ndimage.binary_dilation(frame, iterations=thick) if frame.any() else ~frame
    return np.asarray(field if field.mean() >= MIN_FIELD else np.ones_like(field))
