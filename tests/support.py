"""Things several rooms' tests need: a bundle with random weights on the real taxonomy, and images without patients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from derm_model.card import BundleCard, DataSource, Metric, NetworkCard, TaskCard, TrainingCard
from derm_model.evaluation.curves import operating_curve
from derm_model.net.bundle import save_bundle
from derm_model.net.network import AnyNetwork, build_network
from derm_model.net.preprocessing import Preprocessing
from derm_model.net.reference import FeatureReference
from derm_model.taxonomy import Partition, Taxonomy, partition, read_taxonomy

COUNTS = {  # names of the real taxonomy; enough images each that the partition keeps them apart
    "Actinic keratosis": 400,
    "Basal cell carcinoma, not otherwise specified": 450,
    "Squamous cell carcinoma": 300,
    "Seborrheic keratosis": 420,  # two keratoses, else one class swallows all benign epidermal tumours
    "Pigmented benign keratosis": 330,
    "Melanoma, not otherwise specified": 480,
    "Melanocytic nevus, not otherwise specified": 490,
    "Dermatofibroma": 350,
}
MAX_CLASS_SIZE = 500
TEMPERATURE = 1.4


def noise_image(seed: int, height_px: int = 120, width_px: int = 160) -> NDArray[np.uint8]:
    """Coarse coloured noise, (height_px, width_px, 3) uint8."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (-(-height_px // 8), -(-width_px // 8), 3), dtype=np.uint8)
    return np.ascontiguousarray(coarse.repeat(8, axis=0).repeat(8, axis=1)[:height_px, :width_px])


def tiny_partition(taxonomy: Taxonomy) -> Partition:
    """Eight classes on the real tree that can answer both tasks."""
    nodes = {name: taxonomy.find(name) for name in COUNTS}
    absent = [name for name, node in nodes.items() if node is None]
    assert not absent, f"the taxonomy has lost {absent}"
    return partition(taxonomy, {node: COUNTS[name] for name, node in nodes.items() if node}, MAX_CLASS_SIZE)


def random_network(n_classes: int, architecture: str = "tiny", seed: int = 0) -> AnyNetwork:
    """Network with random weights, eval mode, the same for the same seed."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = build_network(n_classes, architecture=architecture)
    return network.eval()


def noise_features(network: AnyNetwork, preprocessing: Preprocessing, n_images: int) -> NDArray[np.float32]:
    """Features of noise images of several sizes, (n_images, n_features)."""
    sizes = [(60 + 20 * (seed % 7), 80 + 20 * (seed % 5)) for seed in range(n_images)]
    images = torch.stack([preprocessing.prepare(noise_image(1000 + seed, *size)) for seed, size in enumerate(sizes)])
    with torch.inference_mode():
        return network.features(preprocessing.normalise(images)).numpy()


def spread_answers(network: AnyNetwork, features: NDArray[np.float32], seed: int = 0) -> None:
    """Set the last layer so that images with unlike features get clearly unlike answers."""
    n_classes, n_features = network.fc.weight.shape
    weight = np.random.default_rng(seed).normal(0, n_features**-0.5, (n_classes, n_features)) / (features.std(0) + 1e-6)
    with torch.no_grad():
        network.fc.weight.copy_(torch.from_numpy(weight))
        network.fc.bias.copy_(torch.from_numpy(-weight @ features.mean(0)))


def task_card(seed: int, holdout: bool = True) -> TaskCard:
    """Curves of invented scores."""
    rng = np.random.default_rng(seed)
    labels = np.arange(300) % 3 == 0
    curves = [operating_curve(labels, rng.beta(np.where(labels, 4, 2), np.where(labels, 2, 4))) for _ in range(2)]
    auc = Metric(name="AUC", data_set="invented", value=0.87, low=0.83, high=0.91, n=300, n_pos=100, n_neg=200)
    return TaskCard.from_curves(curves[0], curves[1] if holdout else None, biopsy_proven=False, auc=[auc])


def tiny_card(taxonomy: Taxonomy, preprocessing: Preprocessing, architecture: str = "tiny") -> BundleCard:
    """Card with every field filled; all figures are invented."""
    return BundleCard(
        name="tiny",
        created_at="2026-11-23T12:00:00+00:00",
        code_version="0",
        partition=tiny_partition(taxonomy),
        network=NetworkCard(
            architecture=architecture, count_include_pad=True, aux=False, initialisation="random", origin="random"
        ),
        preprocessing=preprocessing.to_json(),
        training=TrainingCard(
            config={"epochs": 0}, epochs=0, seconds=0.0, hardware="none", n_train=24, n_validation=12
        ),
        data=(
            DataSource(
                name="invented",
                n_train=24,
                n_validation=12,
                n_test=300,
                licence="CC0",
                modality="dermoscopy",
                reference="made by a test",
            ),
        ),
        split_rule="none: the weights are random",
        licence="CC0",
        intended_use="Tests only.",
        limitations=("The weights are random.",),
        metrics=(Metric(name="balanced accuracy", data_set="invented", value=0.5, low=0.4, high=0.6, n=300),),
        tasks={"epidermal": task_card(1), "melanocytic": task_card(2)},
        temperature=TEMPERATURE,
    )


def make_tiny_bundle(folder: Path, *, architecture: str = "tiny", size_px: int = 299) -> Path:
    """Write a bundle with random weights on the real taxonomy; its answers mean nothing.

    Parameters
    ----------
    folder : Path
        Of the bundle itself.
    architecture : str
        "tiny" predicts in milliseconds; "inception_v3" is the real thing (45 MB).
    """
    taxonomy = read_taxonomy()
    preprocessing = Preprocessing(size_px=size_px)
    card = tiny_card(taxonomy, preprocessing, architecture)
    network = random_network(len(card.classes), architecture)
    features = noise_features(network, preprocessing, 36)
    spread_answers(network, features)
    save_bundle(folder, network, card, FeatureReference.fit(features[:24], features[24:]))
    return folder
