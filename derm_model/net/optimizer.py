"""Optimisers and learning-rate schedules, as functions of the step so that a resumed run continues exactly."""

from __future__ import annotations

import math

import torch
from torch import nn

from derm_model.errors import TrainingError
from derm_model.recipe.config import TrainConfig


def build_optimizer(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """The optimiser a config names; all parameters, one learning rate (Methods, "Training algorithm")."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    if config.optimizer == "rmsprop_tf":
        # TensorFlow adds epsilon inside the square root and starts the mean square at one. With the paper's epsilon of
        # 0.1 that is another algorithm than torch.optim.RMSprop, whose first steps would be several times larger.
        from timm.optim.rmsprop_tf import RMSpropTF

        return RMSpropTF(
            parameters,
            lr=config.learning_rate,
            alpha=config.rmsprop_decay,
            momentum=config.momentum,
            eps=config.rmsprop_epsilon,
            weight_decay=config.weight_decay,
        )
    if config.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay)
    raise TrainingError(f"Unknown optimizer {config.optimizer!r}. Choose rmsprop_tf (the paper's) or adamw.")


def learning_rate(config: TrainConfig, step: int, steps_done_in_epoch: float, n_steps: int) -> float:
    """Learning rate before optimiser step `step` (0-based) of `n_steps`.

    Parameters
    ----------
    steps_done_in_epoch : float
        Epochs finished so far, with fraction; the paper's schedule divides by 16 every 30 epochs.
    """
    warm = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    if config.schedule == "step":
        return config.learning_rate * warm / config.step_factor ** int(steps_done_in_epoch // config.step_epochs)
    if config.schedule == "cosine":
        progress = max(0, step - config.warmup_steps) / max(1, n_steps - config.warmup_steps)
        return config.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    raise TrainingError(f"Unknown schedule {config.schedule!r}. Choose step (the paper's) or cosine.")
