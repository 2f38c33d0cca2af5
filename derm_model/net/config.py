"""The training recipe: every default with its source, and the presets."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from derm_model.errors import TrainingError


@dataclass(frozen=True)
class Stage:
    """`epochs` passes at `size_px`: the training crop's side after resampling."""

    size_px: int
    epochs: int


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained. The defaults are the paper's; where it is silent, the reason stands beside them."""

    architecture: str = "inception_v3"  # Methods, "Training algorithm"
    initialisation: str = "imagenet"  # torchvision's weights; or a path to a backbone or a bundle; or "random"
    count_include_pad: bool = True  # torchvision's form, which its ImageNet weights need
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)  # x -> 2x - 1: what torchvision's transform_input amounts to
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    read_size_px: int = 299  # Methods: images are resized to 299 x 299
    stages: tuple[Stage, ...] = (
        Stage(299, 100),
    )  # the paper trains at 299 px; its epochs are not given, 100 covers three drops
    batch_size: int = 32  # not given in the paper; the value of Szegedy et al. 2016
    optimizer: str = "rmsprop_tf"  # Methods: RMSProp with decay 0.9, momentum 0.9, epsilon 0.1
    learning_rate: float = 0.001  # Methods: "the same global learning rate of 0.001"
    rmsprop_decay: float = 0.9
    rmsprop_epsilon: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 0.0  # not mentioned in the paper
    schedule: str = "step"
    step_factor: float = 16.0  # Methods: "a decay factor of 16 every 30 epochs"
    step_epochs: int = 30
    warmup_steps: int = 0
    dropout: float = 0.5  # torchvision's value before the last layer
    aux_weight: float = 0.0  # weight of the auxiliary head's loss; 0: no auxiliary head
    label_smoothing: float = 0.0
    sampling_power: float = 0.0  # 0: every image once per epoch; a: images drawn with weight n_class ** -a
    source_weights: Mapping[str, float] = field(default_factory=dict)  # extra sampling weight per data set
    rotate: bool = True  # Methods: rotation 0-359 degrees, largest upright inscribed rectangle, vertical flip
    brightness: float = 0.0  # jitter: factor drawn from 1 +- value
    contrast: float = 0.0
    ema_decay: float | None = None  # exponential moving average of the weights; None: the last weights are kept
    seed: int = 2017
    workers: int = 1
    max_class_size: int = 1000  # Methods: maxClassSize = 1000
    partition_mode: str = "practical"

    @property
    def epochs(self) -> int:
        """Passes over the training images in all stages."""
        return sum(stage.epochs for stage in self.stages)

    def stage_of(self, epoch: int) -> Stage:
        """Stage of the 0-based epoch."""
        for stage in self.stages:
            if epoch < stage.epochs:
                return stage
            epoch -= stage.epochs
        raise IndexError(f"The schedule has {self.epochs} epochs.")

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` gives the same config back."""
        return dataclasses.asdict(self) | {"source_weights": dict(self.source_weights)}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> TrainConfig:
        """Read what `to_json` wrote.

        Raises
        ------
        TrainingError
            A name that is no option.
        """
        known = {f.name for f in dataclasses.fields(TrainConfig)}
        if unknown := set(values) - known:
            raise TrainingError(
                f"Unknown training option {', '.join(sorted(unknown))}. Known: {', '.join(sorted(known))}."
            )
        read = dict(values)
        if "stages" in read:
            read["stages"] = tuple(Stage(**s) if isinstance(s, Mapping) else s for s in read["stages"])
        for name in ("mean", "std"):
            if name in read:
                read[name] = tuple(read[name])
        return TrainConfig(**read)


# For some thousand images and hours instead of days. Crops taken after rotation cover on average 0.8 of the side, so a
# network trained on crops of 240 px sees lesions at the scale of whole images read at 299 px (240 / 0.8 = 300; the
# train-test resolution discrepancy of Touvron et al. 2019); earlier stages are smaller because they are cheaper.
SMALL_DATA = TrainConfig(
    stages=(Stage(128, 2), Stage(192, 4), Stage(240, 2)),
    optimizer="adamw",
    learning_rate=3e-4,
    weight_decay=0.02,
    schedule="cosine",
    warmup_steps=100,
    dropout=0.3,
    label_smoothing=0.05,
    sampling_power=0.6,
    brightness=0.15,
    contrast=0.15,
    ema_decay=0.998,
    max_class_size=100,
)

PRESETS = {"paper": TrainConfig(), "small-data": SMALL_DATA}
