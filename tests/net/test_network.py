"""Inception v3 with features and head apart, and its first weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import inception_v3

from derm_model.errors import TrainingError, WeightsUnavailable
from derm_model.net.bundle import load_bundle
from derm_model.net.initialisation import initialise
from derm_model.net.network import InceptionV3, build_network, freeze
from derm_model.recipe.config import TrainConfig
from derm_model.taxonomy import Taxonomy


@pytest.fixture(scope="module")
def network() -> InceptionV3:
    torch.manual_seed(0)
    made = build_network(5)
    assert isinstance(made, InceptionV3)
    return made.eval()


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return torch.rand(2, 3, 80, 80, generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def test_it_computes_what_torchvision_computes(network: InceptionV3, x: torch.Tensor) -> None:
    theirs = inception_v3(weights=None, init_weights=False, num_classes=5, aux_logits=False, transform_input=False)
    theirs.load_state_dict(network.state_dict())
    assert torch.equal(theirs.eval()(x), network(x))


@torch.inference_mode()
def test_logits_are_the_head_of_the_features(network: InceptionV3, x: torch.Tensor) -> None:
    features = network.features(x)
    assert features.shape == (2, 2048)
    assert torch.equal(network.head(features), network(x))


@torch.inference_mode()
def test_counting_the_padding_or_not_is_another_network(network: InceptionV3, x: torch.Tensor) -> None:
    other = build_network(5, count_include_pad=False).eval()
    other.load_state_dict(network.state_dict())
    assert not torch.allclose(other(x), network(x))
    inside = torch.rand(1, 192, 9, 9)
    both = [n.Mixed_5b(inside)[..., 1:-1, 1:-1] for n in (network, other)]  # away from the border the two agree
    assert torch.allclose(both[0][:, -32:], both[1][:, -32:], atol=1e-6)


def test_the_auxiliary_head_speaks_in_training_only() -> None:
    network = build_network(3, aux=True)
    x = torch.rand(2, 3, 299, 299)  # the head's 5 x 5 kernel needs the full size
    _, aux = network.train().features_and_aux(x)
    assert aux is not None
    assert aux.shape == (2, 3)
    with torch.inference_mode():
        assert network.eval().features_and_aux(x)[1] is None


def test_one_class_and_unknown_architectures_are_refused() -> None:
    with pytest.raises(TrainingError, match="at least 2"):
        build_network(1)
    with pytest.raises(TrainingError, match="inception_v3"):
        build_network(2, architecture="vgg")


def starting_from(source: Path | str, **options: Any) -> TrainConfig:
    return replace(TrainConfig(), initialisation=str(source), **options)


def test_a_backbone_file_fills_the_body_and_leaves_the_last_layer(network: InceptionV3, tmp_path: Path) -> None:
    body = {k: v.half() if v.is_floating_point() else v for k, v in network.state_dict().items() if k[:3] != "fc."}
    save_file(body, tmp_path / "backbone.safetensors")
    other = build_network(7)
    before = other.fc.weight.clone()
    assert "backbone.safetensors" in initialise(other, starting_from(tmp_path / "backbone.safetensors"))
    assert torch.equal(other.Mixed_7c.branch1x1.conv.weight.half(), network.Mixed_7c.branch1x1.conv.weight.half())
    assert torch.equal(other.fc.weight, before)


def test_weights_that_are_missing_broken_or_of_another_network_are_refused(tmp_path: Path) -> None:
    network = build_network(2, architecture="tiny")
    with pytest.raises(WeightsUnavailable, match="not a file"):
        initialise(network, starting_from(tmp_path / "nothing.safetensors"))
    (tmp_path / "broken.safetensors").write_bytes(b"not safetensors at all")
    with pytest.raises(WeightsUnavailable, match="could not be read"):
        initialise(network, starting_from(tmp_path / "broken.safetensors"))
    save_file({"other.weight": torch.zeros(2)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsUnavailable, match="another network"):
        initialise(network, starting_from(tmp_path / "other.safetensors"))


def test_a_bundle_of_the_same_classes_brings_its_last_layer(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    bundle = load_bundle(tiny_bundle, taxonomy)
    ids = [c.id for c in bundle.classes]
    reading = {
        "mean": bundle.preprocessing.mean,
        "std": bundle.preprocessing.std,
        "count_include_pad": bundle.card.network.count_include_pad,
    }
    learnt = bundle.network.fc.weight
    for classes, last_layer in ((ids, True), (ids[::-1], False)):
        network = build_network(len(ids), architecture="tiny")
        origin = initialise(network, starting_from(tiny_bundle, **reading), classes)
        assert bundle.card.bundle_id in origin
        assert ("last layer" in origin) is last_layer
        assert torch.equal(network.fc.weight.half(), learnt.half()) is last_layer
        assert torch.equal(
            network.state_dict()["body.0.weight"].half(), bundle.network.state_dict()["body.0.weight"].half()
        )


def test_a_bundle_that_reads_images_in_another_way_is_refused_with_the_settings_it_wants(tiny_bundle: Path) -> None:
    network = build_network(8, architecture="tiny")
    wrong = starting_from(tiny_bundle, mean=(0.1, 0.2, 0.3), std=(1.0, 1.0, 1.0))
    with pytest.raises(TrainingError, match=r"--set mean=0\.0,0\.0,0\.0") as refused:
        initialise(network, wrong)
    assert "--set std" not in str(refused.value)


def test_where_imagenet_weights_cannot_be_downloaded_the_error_names_the_alternative(
    network: InceptionV3, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.models import Inception_V3_Weights

    def no_network(self: object, **_: object) -> None:
        raise URLError("no route to host")

    monkeypatch.setattr(Inception_V3_Weights, "get_state_dict", no_network)
    with pytest.raises(WeightsUnavailable, match="--initialisation PATH"):
        initialise(network, starting_from("imagenet"))


def test_frozen_blocks_stand_still_with_their_statistics() -> None:
    network = build_network(2, architecture="tiny")
    freeze(network, 2)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    network(torch.rand(4, 3, 32, 32)).square().sum().backward()
    optimizer.step()
    after = network.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert {name.split(".")[1] for name in moved if name.startswith("body")} == {"6", "7", "9", "10"}
    assert {"fc.weight", "fc.bias", "body.7.running_mean"} <= moved
    freeze(network, 0)
    assert all(p.requires_grad for p in network.parameters())
    assert all(module.training for module in network.modules())


def test_the_blocks_of_inception_are_all_of_its_body() -> None:
    network = build_network(2)
    own = {id(p) for block in network.blocks() for p in block.parameters()}
    assert own == {id(p) for name, p in network.named_parameters() if not name.startswith("fc.")}
    assert len(network.blocks()) == 12
