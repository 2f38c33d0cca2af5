"""Where a network's first weights come from: torchvision's ImageNet weights, a backbone file, a bundle, or chance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.error import URLError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from derm_model.card import WEIGHTS_FILE, BundleCard, read_card
from derm_model.errors import TrainingError, WeightsUnavailable
from derm_model.net.network import AnyNetwork
from derm_model.net.preprocessing import Preprocessing
from derm_model.recipe.config import TrainConfig
from derm_model.recipe.words import setting

ALTERNATIVE = (
    "Give a file instead: --initialisation PATH to an Inception v3 backbone (.safetensors with torchvision's key "
    "names) or to a DermTree bundle."
)


def initialise(network: AnyNetwork, config: TrainConfig, classes: Sequence[str] = ()) -> str:
    """Load first weights into `network`; the last layer stays new, except from a bundle of the same classes.

    Parameters
    ----------
    network : AnyNetwork
    config : TrainConfig
        Whose `initialisation` is ``imagenet``, ``random``, or a path to a ``.safetensors`` backbone or to a bundle
        folder.
    classes : sequence of str
        Ids of the network's outputs in their order.

    Returns
    -------
    str
        The origin in words, for the bundle's card.

    Raises
    ------
    WeightsUnavailable
        The weights cannot be downloaded or read, or do not fit.
    TrainingError
        A bundle that reads images in another way than the recipe says.
    BundleError
        A folder without a readable card.
    """
    source = config.initialisation
    if source == "random":
        return "random"
    if source == "imagenet":
        _load(network, _imagenet(), source)
        return "torchvision Inception_V3_Weights.IMAGENET1K_V1"
    path = Path(source)
    if not path.is_dir():
        _load(network, _read(path), source)
        return f"backbone file {path.name}"
    card = read_card(path)
    _refuse_other_reading(card, config, source)
    goes_on = bool(classes) and [c.id for c in card.classes] == list(classes)
    _load(network, _read(path / WEIGHTS_FILE), source, last_layer=goes_on)
    return f"bundle {card.bundle_id}" + (" with its last layer" if goes_on else "")


def _refuse_other_reading(card: BundleCard, config: TrainConfig, source: str) -> None:
    """A body sees what it learnt to see only in images standardised and padded as then."""
    reading = Preprocessing.from_json(card.preprocessing)
    theirs = {"mean": reading.mean, "std": reading.std, "count_include_pad": card.network.count_include_pad}
    if other := [name for name, value in theirs.items() if getattr(config, name) != value]:
        wanted = " ".join(f"--set {setting(name, theirs[name])}" for name in other)
        raise TrainingError(
            f"{source} reads images in another way ({', '.join(other)}) than this recipe. Set what its network learnt: "
            f"{wanted}."
        )


def _imagenet() -> dict[str, Tensor]:
    from torchvision.models import Inception_V3_Weights

    try:
        return dict(Inception_V3_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True))
    except (URLError, OSError, RuntimeError) as error:
        raise WeightsUnavailable(
            f"torchvision's ImageNet weights could not be downloaded ({error}). {ALTERNATIVE}"
        ) from error


def _read(file: Path) -> dict[str, Tensor]:
    if not file.is_file():
        raise WeightsUnavailable(f"No weights: {file} is not a file. {ALTERNATIVE}")
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise WeightsUnavailable(f"{file} could not be read as safetensors ({error}). {ALTERNATIVE}") from error


def _load(network: AnyNetwork, weights: dict[str, Tensor], source: str, *, last_layer: bool = False) -> None:
    """Copy what belongs to the body, and the last layer where asked; what is new stays as it is."""
    own = network.state_dict()
    new = ("AuxLogits.",) if last_layer else ("fc.", "AuxLogits.")
    body = {k: v for k, v in own.items() if not k.startswith(new)}
    missing = [k for k in body if k not in weights and not k.endswith("num_batches_tracked")]
    wrong = [k for k in body if k in weights and weights[k].shape != own[k].shape]
    if missing or wrong:
        raise WeightsUnavailable(
            f"The weights of {source} are for another network: {len(missing)} tensors missing, {len(wrong)} of another "
            f"shape (first: {(missing + wrong)[0]}). {ALTERNATIVE}"
        )
    network.load_state_dict({k: weights[k].to(torch.float32) for k in body if k in weights}, strict=False)
