"""Where a network's first weights come from: torchvision's ImageNet weights, a backbone file, a bundle, or chance."""

from __future__ import annotations

from pathlib import Path
from urllib.error import URLError

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from derm_model.errors import WeightsUnavailable
from derm_model.net.network import AnyNetwork

ALTERNATIVE = (
    "Give a file instead: --initialisation PATH to an Inception v3 backbone (.safetensors with torchvision's key "
    "names) or to a DermTree bundle."
)


def initialise(network: AnyNetwork, source: str) -> str:
    """Load first weights into `network`, all but the last layer.

    Parameters
    ----------
    network : AnyNetwork
    source : str
        ``imagenet``, ``random``, or a path to a ``.safetensors`` backbone or to a bundle folder.

    Returns
    -------
    str
        The origin in words, for the bundle's card.

    Raises
    ------
    WeightsUnavailable
        The weights cannot be downloaded or read, or do not fit.
    """
    if source == "random":
        return "random"
    if source == "imagenet":
        weights, origin = _imagenet(), "torchvision Inception_V3_Weights.IMAGENET1K_V1"
    else:
        weights, origin = _from_path(Path(source))
    _load(network, weights, source)
    return origin


def _imagenet() -> dict[str, Tensor]:
    from torchvision.models import Inception_V3_Weights

    try:
        return dict(Inception_V3_Weights.IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True))
    except (URLError, OSError, RuntimeError) as error:
        raise WeightsUnavailable(
            f"torchvision's ImageNet weights could not be downloaded ({error}). {ALTERNATIVE}"
        ) from error


def _from_path(path: Path) -> tuple[dict[str, Tensor], str]:
    file = path / "weights.safetensors" if path.is_dir() else path
    if not file.is_file():
        raise WeightsUnavailable(f"No weights at {path}: {file} is not a file. {ALTERNATIVE}")
    try:
        weights = load_file(file)
    except (SafetensorError, OSError) as error:
        raise WeightsUnavailable(f"{file} could not be read as safetensors ({error}). {ALTERNATIVE}") from error
    return weights, f"bundle {path.name}" if path.is_dir() else f"backbone file {file.name}"


def _load(network: AnyNetwork, weights: dict[str, Tensor], source: str) -> None:
    """Copy what belongs to the body; the last layers are new and stay as they are."""
    own = network.state_dict()
    body = {k: v for k, v in own.items() if not k.startswith(("fc.", "AuxLogits."))}
    missing = [k for k in body if k not in weights and not k.endswith("num_batches_tracked")]
    wrong = [k for k in body if k in weights and weights[k].shape != own[k].shape]
    if missing or wrong:
        raise WeightsUnavailable(
            f"The weights of {source} are for another network: {len(missing)} tensors missing, {len(wrong)} of another "
            f"shape (first: {(missing + wrong)[0]}). {ALTERNATIVE}"
        )
    network.load_state_dict({k: weights[k].to(torch.float32) for k in body if k in weights}, strict=False)
