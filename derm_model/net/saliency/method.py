"""What a method of explaining is: who proposed it, what it means, what it costs, which settings it reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from torch import Tensor

from derm_model.progress import Report

if TYPE_CHECKING:
    from derm_model.net.saliency.explainer import Explainer
    from derm_model.net.saliency.target import Target

Baseline = Literal["black", "blurred", "skin"]
BASELINES: dict[Baseline, str] = {
    "black": "black",
    "blurred": "the image, strongly blurred",
    "skin": "the mean colour of the surrounding skin",
}


@dataclass(frozen=True)
class Settings:
    """Settings of all methods; each reads those it names in `Method.settings`.

    Parameters
    ----------
    samples : int, >= 2
        Noisy copies of SmoothGrad and VarGrad.
    noise : float, > 0
        Standard deviation of the noise as a share of the image's range (Smilkov et al. 2017 advise 0.1 to 0.2).
    steps : int, >= 2
        Steps of integrated gradients on the way from the baseline.
    baseline : "black", "blurred" or "skin"
        What "nothing there" looks like, for integrated gradients and for what is covered.
    block : str, optional
        Block of Grad-CAM by the name in `Explainer.blocks`; None: the last one.
    patch_px : int, >= 1
        Side of what occlusion covers, in pixels of the network's input; it moves by half of it.
    masks : int, >= 2
        Random masks of RISE.
    seed : int
        Of whatever is random: the same seed gives the same map.
    """

    samples: int = 16
    noise: float = 0.15
    steps: int = 32
    baseline: Baseline = "blurred"
    block: str | None = None
    patch_px: int = 32
    masks: int = 500
    seed: int = 0


@dataclass(frozen=True)
class Raw:
    """What a method says of one image.

    Parameters
    ----------
    values : (h, w), >= 0
        Strength.
    signed : (h, w), optional
        > 0 speaks for what is explained, < 0 against it; None where the method knows no direction.
    """

    values: Tensor
    signed: Tensor | None = None


@dataclass(frozen=True)
class Cost:
    """Images that pass through the network: forward only, and forward and backward."""

    forward: int = 0
    backward: int = 0


@dataclass(frozen=True)
class Method:
    """A method of explaining.

    Parameters
    ----------
    id, name
    paper : str
        Authors, title, year.
    meaning : str
        One line: what the map says.
    settings : tuple of str
        Fields of `Settings` that it reads.
    cost : callable
        Settings and side of the input in pixels to `Cost`.
    run : callable
        Explainer, image (1, 3, h, w) in [0, 1], settled target, settings and report to `Raw`.
    """

    id: str
    name: str
    paper: str
    meaning: str
    settings: tuple[str, ...]
    cost: Callable[[Settings, int], Cost]
    run: Callable[[Explainer, Tensor, Target, Settings, Report], Raw]
