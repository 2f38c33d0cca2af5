"""What every option of the recipe means to a person: its name, why it is as it is, what it may be. No torch in here.

One table for the form and for the comparison of recipes (`words`). Ranges are those of `config.allowed_range`,
choices those of `config`; a test holds the table against `TrainConfig`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from derm_model.recipe.option import Kind, Option


class Group(StrEnum):
    """What options stand together."""

    OUTPUTS = "Outputs"
    WEIGHTS = "First weights"
    SCHEDULE = "Stages"
    OPTIMISER = "Optimiser and learning rate"
    LOSS = "Loss and rare classes"
    AUGMENTATION = "Augmentation"
    REGULARISATION = "Regularisation and end"
    MACHINE = "Network and machine"


_K = Kind

_OUTPUTS = (
    Option(
        "targets",
        "Outputs",
        "What the network learns to tell apart: fine classes that the partitioning algorithm chooses, whose "
        "probabilities are summed up the tree (the paper's way), or directly the nine or three nodes of the second or "
        "first level (its comparison, Extended Data Table 2).",
        _K.CHOICE,
        {"partition": "Fine classes", "nine": "9 classes", "three": "3 roots"},
    ),
    Option(
        "max_class_size",
        "Largest class",
        "Images a training class may have before its node is split into its children. The paper used 1,000 for "
        "127,463 images; some thousand images want about 100. A single disease is never split.",
        _K.WHOLE,
        only_with=("targets", ("partition",)),
        step=50,
    ),
    Option(
        "partition_mode",
        "Partition",
        "Practical keeps every image: a disease above the limit is a class of its own, and images labelled at a node "
        "that is split form a residual class. Faithful is the paper's pseudocode taken literally, which loses both.",
        _K.CHOICE,
        {"practical": "Practical", "faithful": "Faithful"},
        only_with=("targets", ("partition",)),
    ),
)

_WEIGHTS = (
    Option(
        "initialisation",
        "First weights",
        "Fine-tuning starts from a network that has seen other images (the paper: ImageNet). From random weights some "
        "thousand images are far too few.",
        _K.SOURCE,
    ),
    Option(
        "count_include_pad",
        "Padding counts in averages",
        "Whether 3 × 3 averages count the padding: torchvision's weights do, those converted from Keras or TensorFlow "
        "do not. Set by the first weights; change it only for a file whose origin you know.",
        _K.FLAG,
    ),
    Option(
        "mean",
        "Mean per colour",
        "Pixels in [0, 1] are standardised by (x − mean) / std, as the first weights learnt it; a bundle says so on "
        "its card. 0.5 is torchvision's for Inception v3.",
        _K.TRIPLE,
    ),
    Option(
        "std",
        "Spread per colour",
        "See the mean. Above 0.",
        _K.TRIPLE,
    ),
)

_SCHEDULE = (
    Option(
        "stages",
        "Stages",
        "Passes over the training images and the side of the crop in each. The paper trains at 299 px; smaller first "
        "stages cost less (time grows with the area), and the last one decides what is seen. Crops of 240 px show "
        "lesions at the scale of whole images read at 299 px.",
        _K.STAGES,
    ),
    Option(
        "read_size_px",
        "Side of whole images, px",
        "The size images are read at when the network is used. 299 is Inception v3's own.",
        _K.WHOLE,
        step=16,
    ),
)

_OPTIMISER = (
    Option(
        "optimizer",
        "Optimiser",
        "RMSProp in TensorFlow's form is the paper's. AdamW decays the weights apart from the gradient and needs less "
        "tuning on little data.",
        _K.CHOICE,
        {"rmsprop_tf": "RMSProp (TensorFlow)", "adamw": "AdamW"},
    ),
    Option(
        "learning_rate",
        "Learning rate",
        "One for all layers. The paper: 0.001 with RMSProp. AdamW wants about 0.0003.",
        _K.NUMBER,
        step=0.0001,
    ),
    Option(
        "schedule",
        "Schedule of the rate",
        "Steps divide the rate now and then (the paper: by 16 every 30 epochs). Cosine lowers it smoothly to zero at "
        "the last epoch, which suits short trainings.",
        _K.CHOICE,
        {"step": "Steps", "cosine": "Cosine"},
    ),
    Option(
        "step_factor",
        "Divided by",
        "The paper: 16.",
        _K.NUMBER,
        only_with=("schedule", ("step",)),
        step=1.0,
    ),
    Option(
        "step_epochs",
        "Every so many epochs",
        "The paper: 30.",
        _K.WHOLE,
        only_with=("schedule", ("step",)),
    ),
    Option(
        "warmup_steps",
        "Warm-up, steps",
        "The rate rises from zero over so many steps, so that the new last layer does not upset the others. The paper "
        "has none.",
        _K.WHOLE,
        step=50,
    ),
    Option(
        "rmsprop_decay",
        "Decay of the mean square",
        "The paper: 0.9.",
        _K.NUMBER,
        only_with=("optimizer", ("rmsprop_tf",)),
        step=0.01,
    ),
    Option(
        "rmsprop_epsilon",
        "Epsilon",
        "Added inside the square root, as TensorFlow does. The paper: 0.1.",
        _K.NUMBER,
        only_with=("optimizer", ("rmsprop_tf",)),
        step=0.01,
    ),
    Option(
        "momentum",
        "Momentum",
        "The paper: 0.9.",
        _K.NUMBER,
        only_with=("optimizer", ("rmsprop_tf",)),
        step=0.01,
    ),
    Option(
        "weight_decay",
        "Weight decay",
        "Pulls weights towards zero in every step. The paper mentions none; AdamW is used with about 0.02.",
        _K.NUMBER,
        step=0.01,
    ),
    Option(
        "batch_size",
        "Batch",
        "Images per step of the optimiser, over all processes. The paper does not say; 32 as in Szegedy et al. 2016.",
        _K.WHOLE,
        step=8,
    ),
    Option(
        "accumulate",
        "Parts of a batch",
        "A batch is worked through in so many parts where memory is short. Same step, less memory; batch "
        "normalisation sees one part at a time.",
        _K.WHOLE,
    ),
)

_LOSS = (
    Option(
        "loss",
        "Loss",
        "Cross-entropy uses images labelled with a class. Hierarchical also learns from coarse labels: an image known "
        "to be “malignant epidermal” only trains the summed probability of the classes below that node.",
        _K.CHOICE,
        {"cross_entropy": "Cross-entropy", "hierarchical": "Hierarchical"},
    ),
    Option(
        "label_smoothing",
        "Label smoothing",
        "Share of the truth that is spread over all classes, against overconfidence (Szegedy et al. 2016: 0.1). The "
        "paper mentions none.",
        _K.NUMBER,
        step=0.01,
    ),
    Option(
        "class_balance",
        "Class-balanced loss, beta",
        "Rare classes weigh more in the loss: (1 − beta) / (1 − betaⁿ) for n images (Cui et al. 2019), e.g. 0.999. "
        "0: none, as in the paper.",
        _K.NUMBER,
        step=0.001,
    ),
    Option(
        "sampling_power",
        "Rare classes drawn more often",
        "0: every image once per epoch, as in the paper. a: images are drawn with weight n⁻ᵃ for a class of n images; "
        "0.5 is half way to all classes equally often, which 1 is.",
        _K.NUMBER,
        step=0.1,
    ),
    Option(
        "source_weights",
        "Weights of data sets",
        "Images of a data set are drawn so much more often (or less, below 1). One a line: PAD-UFES-20=5. Empty: all "
        "alike.",
        _K.WEIGHTS,
    ),
)

_AUGMENTATION = (
    Option(
        "rotate",
        "Rotation and flip",
        "Each image is turned by any angle, the largest upright rectangle is cut out, and half of them are flipped "
        "(the paper; it counts as 720 times the images).",
        _K.FLAG,
    ),
    Option(
        "brightness",
        "Brightness",
        "Multiplied by a factor drawn from 1 ± this. The paper has no jitter; 0.15 makes up for cameras.",
        _K.NUMBER,
        step=0.05,
    ),
    Option("contrast", "Contrast", "As brightness.", _K.NUMBER, step=0.05),
    Option("saturation", "Saturation", "As brightness.", _K.NUMBER, step=0.05),
    Option(
        "hue",
        "Hue",
        "Colours turn by up to this share of the circle. Colour is diagnostic in skin: keep it at a few hundredths.",
        _K.NUMBER,
        step=0.01,
    ),
    Option(
        "mixup",
        "Mixup, alpha",
        "Pairs of images and their labels are mixed by a share from Beta(alpha, alpha) (Zhang et al. 2018), e.g. 0.2. "
        "0: none, as in the paper.",
        _K.NUMBER,
        step=0.1,
    ),
)

_REGULARISATION = (
    Option(
        "dropout",
        "Dropout",
        "Share of features set to zero before the last layer. 0.5 is torchvision's.",
        _K.NUMBER,
        step=0.05,
    ),
    Option(
        "aux_weight",
        "Auxiliary head",
        "Weight of the loss of Inception's second head, half way through (Szegedy et al. 2016: 0.3 to 0.4). 0: no "
        "such head. It is never part of a bundle.",
        _K.NUMBER,
        only_with=("architecture", ("inception_v3",)),
        step=0.1,
    ),
    Option(
        "frozen_stem",
        "Stem stays as it came",
        "The convolutions before the first Inception block do not train: a third faster, half the memory, and less to "
        "overfit. The paper trains all layers.",
        _K.FLAG,
        only_with=("architecture", ("inception_v3",)),
    ),
    Option(
        "thaw_epochs",
        "Layers join over epochs",
        "The last layer trains alone first, the others join from last to first over so many epochs (Howard & Ruder "
        "2018). 0: all at once, as in the paper.",
        _K.WHOLE,
    ),
    Option(
        "ema_decay",
        "Average of the weights, decay",
        "An exponential moving average of the weights is judged beside the last ones, and whichever gives the "
        "validation labels the higher likelihood is kept. 0.998 looks back some 500 steps. Empty: none.",
        _K.NUMBER,
        optional=True,
        step=0.001,
    ),
    Option(
        "patience",
        "Stop early after epochs",
        "Training ends when the mean of per-class accuracies on the validation images was not beaten for so many "
        "epochs. Empty: never early.",
        _K.WHOLE,
        optional=True,
    ),
)

_MACHINE = (
    Option(
        "architecture",
        "Network",
        "Inception v3 is the paper's. Tiny has a few thousand weights and is for trying the machinery out in seconds.",
        _K.CHOICE,
        {"inception_v3": "Inception v3", "tiny": "Tiny, for trials"},
    ),
    Option(
        "seed",
        "Seed",
        "Same seed, images and recipe: same order, same views, same split. 2017: the paper's year.",
        _K.WHOLE,
    ),
    Option(
        "reduced_precision",
        "Reduced precision",
        "bfloat16 or float16 where the hardware computes in it; weights stay in single precision. Twice the speed "
        "there, no effect elsewhere.",
        _K.FLAG,
    ),
    Option(
        "workers",
        "Processes that read images",
        "Per training process. One is enough for a CPU; a fast GPU wants several.",
        _K.WHOLE,
    ),
)

GROUPS: Mapping[Group, tuple[Option, ...]] = {
    Group.OUTPUTS: _OUTPUTS,
    Group.WEIGHTS: _WEIGHTS,
    Group.SCHEDULE: _SCHEDULE,
    Group.OPTIMISER: _OPTIMISER,
    Group.LOSS: _LOSS,
    Group.AUGMENTATION: _AUGMENTATION,
    Group.REGULARISATION: _REGULARISATION,
    Group.MACHINE: _MACHINE,
}
OPTIONS: Mapping[str, Option] = {option.name: option for options in GROUPS.values() for option in options}
