"""What a method of explaining is: who proposed it, what it means, what it costs, which settings it reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from torch import Tensor

from derm_model.errors import DermTreeError
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
AT_LEAST_2 = {"samples": "The number of noisy copies", "steps": "The number of steps", "masks": "The number of masks"}
MAX_SEED = 2**32
EVIDENCE = {  # (of, contrast): what is explained, in words
    ("loss", False): "log P",
    ("score", False): "P",
    ("loss", True): "the difference of two log P",
    ("score", True): "the difference of two P",
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

    def __post_init__(self) -> None:
        """Refuse what no method can follow.

        Raises
        ------
        DermTreeError
            A setting is out of its range.
        """
        for name, what in AT_LEAST_2.items():
            if getattr(self, name) < 2:
                raise DermTreeError(
                    f"{what} must be at least 2, not {getattr(self, name)}. Choose more; the default is "
                    f"{type(self).__dataclass_fields__[name].default}."
                )
        if not 0 < self.noise <= 1:
            raise DermTreeError(
                f"The noise is a share of the image's range, above 0 and up to 1, not {self.noise}. "
                "Between 0.1 and 0.2 is usual."
            )
        if self.baseline not in BASELINES:
            raise DermTreeError(f"A baseline is one of {', '.join(BASELINES)}, not {self.baseline!r}. Choose one.")
        if self.patch_px < 1:
            raise DermTreeError(f"A patch has a side of at least 1 px, not {self.patch_px}. Choose a larger one.")
        if not 0 <= self.seed < MAX_SEED:
            raise DermTreeError(f"A seed is a whole number from 0 to {MAX_SEED - 1}, not {self.seed}. Choose another.")


@dataclass(frozen=True)
class Raw:
    """What a method says of one image.

    Parameters
    ----------
    values : (h, w), >= 0
        Strength.
    signed : (h, w), optional
        > 0 speaks for what is explained, < 0 against it; None where the method knows no direction.
    note : str
        What the method found out about this very map, as a sentence; empty where there is nothing to say.
    """

    values: Tensor
    signed: Tensor | None = None
    note: str = ""


@dataclass(frozen=True)
class Cost:
    """Images that pass through the network: forward only, and forward and backward."""

    forward: int = 0
    backward: int = 0

    @property
    def passes(self) -> int:
        """Images that pass, whether back or not: what progress counts."""
        return self.forward + self.backward

    def seconds(self, pace: Pace) -> float:
        """Rough time; what a method does besides running the network is left out."""
        return self.forward * pace.forward_s + self.backward * pace.backward_s


@dataclass(frozen=True)
class Pace:
    """Seconds per image on this machine: forward only, and forward and backward. See `Explainer.pace`."""

    forward_s: float
    backward_s: float


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
    named : callable, optional
        Target to what a map is called, where that depends on what is explained; see `title`.
    """

    id: str
    name: str
    paper: str
    meaning: str
    settings: tuple[str, ...]
    cost: Callable[[Settings, int], Cost]
    run: Callable[[Explainer, Tensor, Target, Settings, Report], Raw]
    named: Callable[[Target], str] | None = None

    def title(self, target: Target) -> str:
        """What a map of this method is, as it is written beside it."""
        if self.named is not None:
            return self.named(target)
        return f"{self.name} of {EVIDENCE[target.of, target.contrast]} ({self.paper})"
