"""What the saliency lab keeps of a session: work, results, what was drawn. Private to it, like the images."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pages.ui.saliency.works import Works

Shapes = list[list[list[float]]]  # closed lines, each a list of (x, y) as shares of the image's width and height


@dataclass
class Lab:
    """Maps, tests and questions have a queue each: a test of a minute must not keep the next map waiting.

    Attributes
    ----------
    lesions, regions
        Drawn on images, by their digest: what a lesion's outline is, and what shall be covered.
    masks
        Uploaded outlines, (h, w) bool, by the image's digest; they go before drawn ones.
    """

    maps: Works = field(default_factory=Works)
    tests: Works = field(default_factory=Works)
    asks: Works = field(default_factory=Works)
    lesions: dict[str, Shapes] = field(default_factory=dict)
    regions: dict[str, Shapes] = field(default_factory=dict)
    masks: dict[str, NDArray[np.bool_]] = field(default_factory=dict)
