"""Model bundles: a folder with bundle.json (the card) and weights.safetensors. Nothing is ever pickled."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save_file
from torch import Tensor, nn

from derm_model.card import CARD_FILE, WEIGHTS_FILE, BundleCard, FeatureCard, read_card, write_card
from derm_model.errors import BundleError, WrongTaxonomy
from derm_model.evaluation.curves import OperatingCurve
from derm_model.net.network import ARCHITECTURES, AnyNetwork, build_network
from derm_model.net.preprocessing import Preprocessing
from derm_model.net.reference import METHOD, PREFIX, FeatureReference
from derm_model.taxonomy import Taxonomy, TrainingClass

AUXILIARY = "AuxLogits."  # used in training only


@dataclass(frozen=True, eq=False)
class ModelBundle:
    """A loaded bundle, the same object for every session: network in eval mode, fp32, without gradients."""

    card: BundleCard
    network: AnyNetwork
    preprocessing: Preprocessing
    feature_reference: FeatureReference | None

    @property
    def classes(self) -> tuple[TrainingClass, ...]:
        """Training classes in logit order."""
        return self.card.classes

    @property
    def temperature(self) -> float:
        """What logits are divided by before the softmax."""
        return self.card.temperature

    @property
    def curves(self) -> dict[str, OperatingCurve]:
        """Curve per task id: of the held-out images where there are any, of the validation images otherwise."""
        return {task: card.holdout or card.validation for task, card in self.card.tasks.items()}


def save_bundle(
    folder: Path, network: nn.Module, draft: BundleCard, feature_reference: FeatureReference | None = None
) -> BundleCard:
    """Write a bundle: first to a temporary folder beside it, then renamed, so a reader never sees half of one.

    Parameters
    ----------
    folder : Path
        Replaced when it exists.
    network : nn.Module
        Floating-point weights are stored in half precision (single where half would overflow); the auxiliary head is
        left out.
    draft : BundleCard
        Its `bundle_id`, `weights_sha256` and `feature_reference` are filled here.
    feature_reference : FeatureReference, optional

    Returns
    -------
    BundleCard
        The completed card. Its id ends in eight digits of the weights' sha256, so two trainings never share one.

    Raises
    ------
    BundleError
        Class count of card and network differ, weights are not finite, or the card cannot be written.
    """
    folder = Path(folder)
    tensors = _stored_tensors(network, len(draft.classes))
    if feature_reference is not None:
        tensors |= {name: torch.from_numpy(array) for name, array in feature_reference.arrays().items()}
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    try:
        save_file(tensors, temporary / WEIGHTS_FILE)
        sha256 = hashlib.sha256((temporary / WEIGHTS_FILE).read_bytes()).hexdigest()
        card = dataclasses.replace(
            draft,
            bundle_id=f"{draft.name}-{sha256[:8]}",
            weights_sha256=sha256,
            feature_reference=_summary(feature_reference),
        )
        write_card(card, temporary)
        # mkdtemp and safetensors write for their owner only, which would hide the bundle from the server's user
        temporary.chmod(0o777 & ~_umask())
        for file in temporary.iterdir():
            file.chmod(0o666 & ~_umask())
        _put_in_place(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return card


def load_bundle(folder: Path, taxonomy: Taxonomy) -> ModelBundle:
    """Read and check a bundle.

    Parameters
    ----------
    folder : Path
    taxonomy : Taxonomy
        The tree in use; the bundle must have been made for the same one.

    Returns
    -------
    ModelBundle
        Weights in fp32, channels_last, eval mode, `requires_grad` False.

    Raises
    ------
    WrongTaxonomy, UnsupportedFormat
    BundleError
        Folder, card or weights are missing, damaged or do not belong together; the message says which.
    """
    folder = Path(folder)
    card = read_card(folder)
    if card.taxonomy_digest != taxonomy.digest:
        raise WrongTaxonomy(
            f"A bundle can only be read with the taxonomy it was trained for: {folder.name} was made for "
            f"{card.taxonomy_digest[:12]}, this DermTree has {taxonomy.digest[:12]}. Move it with "
            "`python -m derm_model taxonomy move`, which says whether its classes survive, or train it again."
        )
    if card.network.architecture not in ARCHITECTURES:
        raise BundleError(
            f"This DermTree builds {' and '.join(ARCHITECTURES)}; {folder.name} holds {card.network.architecture!r}. "
            "Update DermTree."
        )
    tensors = _read_weights(folder, card)
    reference = None
    if card.feature_reference is not None:
        reference = FeatureReference.from_arrays({n: t.numpy() for n, t in tensors.items() if n.startswith(PREFIX)})
    weights = {name: tensor for name, tensor in tensors.items() if not name.startswith(PREFIX)}
    network = _network(card, weights, folder)
    return ModelBundle(card, network, Preprocessing.from_json(card.preprocessing), reference)


def _stored_tensors(network: nn.Module, n_classes: int) -> dict[str, Tensor]:
    """Network weights as they are stored."""
    state = {name: t for name, t in network.state_dict().items() if not name.startswith(AUXILIARY)}
    if len(state["fc.weight"]) != n_classes:
        raise BundleError(
            f"A bundle needs one output per class: the network has {len(state['fc.weight'])}, the card {n_classes}."
        )
    broken = [name for name, t in state.items() if t.is_floating_point() and not bool(torch.isfinite(t).all())]
    if broken:
        raise BundleError(f"Weights must be finite numbers; {broken[0]} is not. The training has diverged.")
    return {name: _halved(t.detach().cpu()).contiguous() for name, t in state.items()}


def _halved(tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.to(torch.float16)
    return half if bool(torch.isfinite(half).all()) else tensor.to(torch.float32)


def _summary(reference: FeatureReference | None) -> FeatureCard | None:
    if reference is None:
        return None
    return FeatureCard(
        method=METHOD,
        n_train=reference.n_train,
        n_validation=reference.n_validation,
        n_components=len(reference.components),
    )


def _umask() -> int:
    """Process umask; it can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _put_in_place(temporary: Path, folder: Path) -> None:
    """Rename `temporary` to `folder`; an older bundle steps aside first and is removed last."""
    if not folder.exists():
        temporary.rename(folder)
        return
    if not (folder / CARD_FILE).is_file() and any(folder.iterdir()):
        raise BundleError(f"{folder} exists and is no bundle; it is not overwritten. Choose another folder.")
    old = temporary.with_suffix(".old")
    folder.rename(old)
    temporary.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _read_weights(folder: Path, card: BundleCard) -> dict[str, Tensor]:
    path = folder / WEIGHTS_FILE
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path} could not be read ({error.strerror}). Copy the bundle again, whole.") from error
    found = hashlib.sha256(content).hexdigest()
    if found != card.weights_sha256:
        raise BundleError(
            f"{path} is not the file its card describes (sha256 {found[:12]} instead of {card.weights_sha256[:12]}, "
            f"{len(content):,} bytes): it is truncated, damaged or from another bundle. Copy the bundle again, whole."
        )
    try:
        return load(content)
    except SafetensorError as error:
        raise BundleError(f"{path} is no readable safetensors file ({error}). Copy the bundle again.") from error


def _network(card: BundleCard, weights: Mapping[str, Tensor], folder: Path) -> AnyNetwork:
    """Network with the weights, frozen."""
    n_classes = len(card.classes)
    if "fc.weight" in weights and len(weights["fc.weight"]) != n_classes:
        raise BundleError(
            f"{folder.name}: the card lists {n_classes} classes, the weights have {len(weights['fc.weight'])} outputs. "
            "Card and weights belong to different bundles."
        )
    with torch.device("meta"):  # no memory and no random numbers for weights that are replaced at once
        network = build_network(
            n_classes,
            architecture=card.network.architecture,
            count_include_pad=card.network.count_include_pad,
            aux=False,
        )
    expected = network.state_dict()
    odd = sorted(expected.keys() ^ weights.keys())
    odd += sorted(name for name in expected.keys() & weights.keys() if expected[name].shape != weights[name].shape)
    if odd:
        raise BundleError(
            f"{folder.name}: the weights are not those of {card.network.architecture} with {n_classes} classes; "
            f"{len(odd)} are missing, unknown or of another shape, the first is {odd[0]!r}. Copy the bundle again."
        )
    single = {name: t.float() if t.is_floating_point() else t for name, t in weights.items()}
    network.load_state_dict(single, assign=True)
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
