"""The training recipe: every default with its source, the presets, and which combinations make no sense.

What the options mean to a person who fills in a form: `derm_model/recipe/options.py`. No torch in here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from derm_model.errors import TrainingError
from derm_model.taxonomy.partition import MODES
from derm_model.taxonomy.targets import TARGETS

OPTIMIZERS = ("rmsprop_tf", "adamw")
SCHEDULES = ("step", "cosine")
LOSSES = ("cross_entropy", "hierarchical")
MIN_SIZE_PX = 75  # below it Inception v3's last feature map is empty
AUX_SIZE_PX = 299  # below it the 5 x 5 kernel of the auxiliary head does not fit into its map


@dataclass(frozen=True)
class Stage:
    """`epochs` passes at `size_px`: the training crop's side after resampling."""

    size_px: int
    epochs: int


@dataclass(frozen=True)
class TrainConfig:
    """How a network is trained. The defaults are the paper's; where it is silent, the reason stands beside them.

    "Methods" is the section "Training algorithm" of Esteva et al. 2017.
    """

    architecture: str = "inception_v3"  # Methods
    initialisation: str = "imagenet"  # torchvision's weights; or a path to a backbone or a bundle; or "random"
    count_include_pad: bool = True  # torchvision's form, which its ImageNet weights need
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)  # x -> 2x - 1: what torchvision's transform_input amounts to
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    read_size_px: int = 299  # Methods: images are resized to 299 x 299
    stages: tuple[Stage, ...] = (
        Stage(299, 100),
    )  # the paper trains at 299 px; its epochs are not given, 100 covers three drops
    batch_size: int = 32  # per optimiser step, over all processes; not given in the paper: Szegedy et al. 2016
    accumulate: int = 1  # parts a batch is worked through in, where memory is short; batch norm sees one part at a time
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
    frozen_stem: bool = False  # convolutions before the first Inception block stay as they came: 1.3 x the speed
    thaw_epochs: int = 0  # layers join from last to first over so many epochs (Howard & Ruder 2018); 0: at once
    dropout: float = 0.5  # torchvision's value before the last layer
    aux_weight: float = 0.0  # weight of the auxiliary head's loss; 0: no auxiliary head
    targets: str = "partition"  # what the outputs stand for: the partition's classes, or a level of the tree directly
    loss: str = "cross_entropy"  # "hierarchical": an image labelled above the classes trains their sum
    label_smoothing: float = 0.0
    class_balance: float = 0.0  # beta of Cui et al. 2019: loss weight (1 - beta) / (1 - beta^n_class); 0: none
    sampling_power: float = 0.0  # 0: every image once per epoch; a: images drawn with weight n_class ** -a
    source_weights: Mapping[str, float] = field(default_factory=dict)  # extra sampling weight per data set
    rotate: bool = True  # Methods: rotation 0-359 degrees, largest upright inscribed rectangle, vertical flip
    brightness: float = 0.0  # jitter: factor drawn from 1 +- value
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0  # jitter: rotation of the colours by up to so much of a full turn
    mixup: float = 0.0  # alpha of the Beta distribution pairs of images are mixed by (Zhang et al. 2018); 0: none
    ema_decay: float | None = None  # exponential moving average of the weights; None: the last weights are kept
    patience: int | None = None  # epochs without a better mean class accuracy before it stops; None: never early
    seed: int = 2017
    reduced_precision: bool = True  # bfloat16 or float16 where the hardware computes in it; weights stay float32
    workers: int = 1  # processes that read images, per training process
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

    def check(self) -> None:
        """Refuse what cannot work or makes no sense together.

        Raises
        ------
        TrainingError
            With every reason, one a line.
        """
        if problems := list(_problems(self)):
            raise TrainingError("\n".join(problems))

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` gives the same config back."""
        return dataclasses.asdict(self) | {"source_weights": dict(self.source_weights)}

    @staticmethod
    def from_json(values: Mapping[str, Any]) -> TrainConfig:
        """Read what `to_json` wrote, and check it.

        Raises
        ------
        TrainingError
            A name that is no option, or values that do not fit (`check`).
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
        config = TrainConfig(**read)
        config.check()
        return config


def _problems(config: TrainConfig) -> Iterator[str]:
    """Every rule a config breaks, as a sentence that says what to do."""
    yield from _out_of_range(config)
    for name, choices in (
        ("optimizer", OPTIMIZERS),
        ("schedule", SCHEDULES),
        ("loss", LOSSES),
        ("targets", TARGETS),
        ("partition_mode", MODES),
    ):
        if getattr(config, name) not in choices:
            yield f"{name} is one of {', '.join(choices)}, not {getattr(config, name)!r}."
    if not config.stages:
        yield "stages are empty: give at least one, e.g. 299:10."
    for stage in config.stages:
        if stage.size_px < MIN_SIZE_PX or stage.epochs < 1:
            yield (
                f"A stage trains at {MIN_SIZE_PX} px or more for one epoch or more, not {stage.size_px}:{stage.epochs}."
            )
    if config.batch_size % config.accumulate or config.batch_size < 2 * config.accumulate:
        yield (
            f"A batch of {config.batch_size} cannot be worked through in {config.accumulate} equal parts of two images "
            "or more: choose a batch size that is a multiple of accumulate."
        )
    if config.thaw_epochs > config.epochs:
        yield f"Layers would still join in epoch {config.thaw_epochs} of {config.epochs}: lower thaw_epochs."
    if config.frozen_stem and config.initialisation == "random":
        yield "A stem of random weights must not be frozen: switch frozen_stem off or start from trained weights."
    if config.thaw_epochs and config.initialisation == "random":
        yield "Random layers cannot wait to be trained: set thaw_epochs to 0 or start from trained weights."
    if config.frozen_stem and config.architecture != "inception_v3":
        yield "Only Inception v3 has a stem to freeze: switch frozen_stem off."
    if config.aux_weight and config.architecture != "inception_v3":
        yield "Only Inception v3 has an auxiliary head: set aux_weight to 0."
    if config.aux_weight and config.stages and min(stage.size_px for stage in config.stages) < AUX_SIZE_PX:
        yield f"The auxiliary head needs crops of {AUX_SIZE_PX} px in every stage: set aux_weight to 0 or enlarge them."
    if config.class_balance and config.sampling_power:
        yield (
            "class_balance and sampling_power both make up for rare classes, and together overdo it: set one of them "
            "to 0."
        )
    if config.loss == "hierarchical" and config.mixup:
        yield "A mixture of images has no place in the tree: set mixup to 0 or loss to cross_entropy."
    if config.loss == "hierarchical" and config.partition_mode == "faithful" and config.targets == "partition":
        yield "The faithful partition drops the very images that the hierarchical loss is for: choose practical."
    part = config.batch_size // config.accumulate
    if config.mixup and part % 2:
        yield f"Mixup pairs the images of a batch: its parts have {part} images, choose an even number."


_RANGES: dict[str, tuple[float, float]] = {  # inclusive
    "batch_size": (2, 65_536),
    "accumulate": (1, 1024),
    "learning_rate": (1e-8, 10.0),
    "rmsprop_decay": (0.0, 0.9999),
    "rmsprop_epsilon": (1e-12, 10.0),
    "momentum": (0.0, 0.9999),
    "weight_decay": (0.0, 1.0),
    "step_factor": (1.0, 1e6),
    "step_epochs": (1, 10_000),
    "warmup_steps": (0, 1_000_000),
    "thaw_epochs": (0, 1000),
    "dropout": (0.0, 0.95),
    "aux_weight": (0.0, 1.0),
    "label_smoothing": (0.0, 0.5),
    "class_balance": (0.0, 0.99999),
    "sampling_power": (0.0, 1.0),
    "brightness": (0.0, 0.9),
    "contrast": (0.0, 0.9),
    "saturation": (0.0, 0.9),
    "hue": (0.0, 0.5),
    "mixup": (0.0, 4.0),
    "ema_decay": (0.0, 0.99999),
    "patience": (1, 1000),
    "seed": (0, 2**31 - 1),
    "workers": (0, 256),
    "max_class_size": (1, 10_000_000),
    "read_size_px": (MIN_SIZE_PX, 1024),
}


def allowed_range(name: str) -> tuple[float, float]:
    """Smallest and largest value of a numeric option, both allowed."""
    return _RANGES[name]


def _out_of_range(config: TrainConfig) -> Iterator[str]:
    for name, (low, high) in _RANGES.items():
        value = getattr(config, name)
        if value is not None and not low <= value <= high:  # also refuses NaN
            yield f"{name} lies between {low:g} and {high:g}, not {value:g}."
    for source, weight in config.source_weights.items():
        if not 0 < weight <= 1000:
            yield f"The weight of {source} lies above 0 and up to 1000, not {weight:g}."
    if min(config.std) <= 0:
        yield f"std is above 0 in every channel, not {config.std}."


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
