"""Bundles on disk: saved whole, loaded only when everything fits."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from derm_model.card import CARD_FILE, WEIGHTS_FILE, read_card
from derm_model.errors import BundleError, UnsupportedFormat, WrongTaxonomy
from derm_model.net.bundle import load_bundle, save_bundle
from derm_model.net.network import build_network
from derm_model.net.preprocessing import Preprocessing
from derm_model.taxonomy import Node, Taxonomy
from tests.support import make_tiny_bundle, random_network, tiny_card

OTHER = Taxonomy([Node("root", "Root", None, (), "benign", None, None)])


@pytest.fixture
def copied(tiny_bundle: Path, tmp_path: Path) -> Path:
    """A copy of the tiny bundle that a test may damage."""
    return Path(shutil.copytree(tiny_bundle, tmp_path / "copy"))


def change_weights(folder: Path, change: Any) -> None:
    """Change the weights and write the new sha256 into the card, as somebody who knows the format would."""
    path = folder / WEIGHTS_FILE
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path)
    change_card(folder, weights_sha256=sha256(path.read_bytes()).hexdigest())


def change_card(folder: Path, **fields: Any) -> None:
    path = folder / CARD_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def test_a_loaded_network_is_frozen_and_in_eval_mode(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    bundle = load_bundle(tiny_bundle, taxonomy)
    assert not any(module.training for module in bundle.network.modules())
    assert not any(parameter.requires_grad for parameter in bundle.network.parameters())
    assert all(tensor.dtype == torch.float32 for tensor in bundle.network.parameters())
    assert not any(tensor.is_meta for tensor in bundle.network.state_dict().values())


def test_a_saved_network_answers_as_before_within_half_precision(tmp_path: Path, taxonomy: Taxonomy) -> None:
    card = tiny_card(taxonomy, Preprocessing())
    network = random_network(len(card.classes))
    save_bundle(tmp_path / "b", network, card)
    again = load_bundle(tmp_path / "b", taxonomy)
    x = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert torch.allclose(again.network(x), network(x), atol=5e-3)
    assert again.feature_reference is None
    assert again.card.feature_reference is None
    assert again.preprocessing == Preprocessing()
    assert again.classes == card.classes


def test_inception_is_saved_without_its_auxiliary_head_and_keeps_its_padding(
    tmp_path: Path, taxonomy: Taxonomy
) -> None:
    card = tiny_card(taxonomy, Preprocessing(), "inception_v3")
    card = replace(card, network=replace(card.network, count_include_pad=False, aux=True))
    network = build_network(len(card.classes), count_include_pad=False, aux=True).eval()
    save_bundle(tmp_path / "b", network, card)
    assert not any(name.startswith("AuxLogits") for name in load_file(tmp_path / "b" / WEIGHTS_FILE))
    again = load_bundle(tmp_path / "b", taxonomy)
    x = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert torch.allclose(again.network.features(x), network.features(x), rtol=0.05, atol=1e-4)
    wide = (tmp_path / "b" / WEIGHTS_FILE).stat().st_size
    assert 40e6 < wide < 50e6  # half precision


def test_weights_are_stored_in_half_precision_and_counters_as_they_are(tiny_bundle: Path) -> None:
    stored = load_file(tiny_bundle / WEIGHTS_FILE)
    assert stored["fc.weight"].dtype == torch.float16
    assert stored["body.1.num_batches_tracked"].dtype == torch.int64


def test_a_weight_too_large_for_half_precision_is_stored_in_single(tmp_path: Path, taxonomy: Taxonomy) -> None:
    card = tiny_card(taxonomy, Preprocessing())
    network = random_network(len(card.classes))
    with torch.no_grad():
        network.fc.bias[0] = 1e6
    save_bundle(tmp_path / "b", network, card)
    assert load_bundle(tmp_path / "b", taxonomy).network.fc.bias[0] == 1e6


def test_weights_that_are_not_finite_are_not_saved(tmp_path: Path, taxonomy: Taxonomy) -> None:
    card = tiny_card(taxonomy, Preprocessing())
    network = random_network(len(card.classes))
    with torch.no_grad():
        network.fc.bias[0] = torch.nan
    with pytest.raises(BundleError, match=r"finite.*fc.bias"):
        save_bundle(tmp_path / "b", network, card)
    assert not list(tmp_path.iterdir())


def test_a_network_of_another_class_count_is_not_saved(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(BundleError, match="network has 3, the card 8"):
        save_bundle(tmp_path / "b", random_network(3), tiny_card(taxonomy, Preprocessing()))


def test_a_card_that_cannot_be_written_leaves_the_old_bundle(copied: Path, taxonomy: Taxonomy) -> None:
    before = read_card(copied)
    card = replace(tiny_card(taxonomy, Preprocessing()), temperature=float("inf"))
    with pytest.raises(BundleError, match="cannot be written"):
        save_bundle(copied, random_network(len(card.classes), seed=5), card)
    assert read_card(copied).bundle_id == before.bundle_id
    assert [path.name for path in copied.parent.iterdir()] == [copied.name]


def test_saving_over_a_bundle_replaces_it_and_changes_its_id(copied: Path, taxonomy: Taxonomy) -> None:
    before = read_card(copied)
    card = tiny_card(taxonomy, Preprocessing())
    saved = save_bundle(copied, random_network(len(card.classes), seed=5), card)
    assert read_card(copied).bundle_id == saved.bundle_id != before.bundle_id
    assert saved.bundle_id.startswith("tiny-")
    assert [path.name for path in copied.parent.iterdir()] == [copied.name]
    load_bundle(copied, taxonomy)


def test_a_folder_that_is_no_bundle_is_not_overwritten(tmp_path: Path, taxonomy: Taxonomy) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    card = tiny_card(taxonomy, Preprocessing())
    with pytest.raises(BundleError, match="not overwritten"):
        save_bundle(tmp_path, random_network(len(card.classes)), card)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_nothing_in_a_bundle_is_pickled(tiny_bundle: Path) -> None:
    assert sorted(path.name for path in tiny_bundle.iterdir()) == [CARD_FILE, WEIGHTS_FILE]
    content = (tiny_bundle / WEIGHTS_FILE).read_bytes()
    n_header = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + n_header])
    spans = sorted(tuple(entry["data_offsets"]) for entry in header.values())
    assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]  # numbers, end to end
    assert 8 + n_header + spans[-1][1] == len(content)  # and nothing else


def test_a_bundle_for_another_taxonomy_is_refused(tiny_bundle: Path) -> None:
    with pytest.raises(WrongTaxonomy, match=OTHER.digest[:12]):
        load_bundle(tiny_bundle, OTHER)


def test_a_missing_folder_is_named(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(BundleError, match="nowhere"):
        load_bundle(tmp_path / "nowhere", taxonomy)


def test_an_unknown_format_is_refused(copied: Path, taxonomy: Taxonomy) -> None:
    change_card(copied, format_version=99)
    with pytest.raises(UnsupportedFormat, match="99"):
        load_bundle(copied, taxonomy)


def test_an_unknown_architecture_is_refused(copied: Path, taxonomy: Taxonomy) -> None:
    network = json.loads((copied / CARD_FILE).read_text())["network"]
    change_card(copied, network=network | {"architecture": "resnet"})
    with pytest.raises(BundleError, match="'resnet'"):
        load_bundle(copied, taxonomy)


def test_missing_weights_are_named(copied: Path, taxonomy: Taxonomy) -> None:
    (copied / WEIGHTS_FILE).unlink()
    with pytest.raises(BundleError, match=f"{WEIGHTS_FILE} could not be read"):
        load_bundle(copied, taxonomy)


@pytest.mark.parametrize("keep", [0, 5, 1000, -1])
def test_truncated_weights_are_refused(copied: Path, taxonomy: Taxonomy, keep: int) -> None:
    path = copied / WEIGHTS_FILE
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(BundleError, match="truncated, damaged"):
        load_bundle(copied, taxonomy)


def test_a_single_changed_byte_is_noticed(copied: Path, taxonomy: Taxonomy) -> None:
    path = copied / WEIGHTS_FILE
    content = bytearray(path.read_bytes())
    content[-7] ^= 1
    path.write_bytes(content)
    with pytest.raises(BundleError, match="sha256"):
        load_bundle(copied, taxonomy)


def test_a_file_of_another_kind_is_refused_even_with_its_own_sha256(copied: Path, taxonomy: Taxonomy) -> None:
    path = copied / WEIGHTS_FILE
    path.write_bytes(b"not weights")
    change_card(copied, weights_sha256=sha256(b"not weights").hexdigest())
    with pytest.raises(BundleError, match="no readable safetensors"):
        load_bundle(copied, taxonomy)


def test_a_missing_tensor_is_named(copied: Path, taxonomy: Taxonomy) -> None:
    change_weights(copied, lambda tensors: tensors.pop("body.0.weight"))
    with pytest.raises(BundleError, match=r"body.0.weight"):
        load_bundle(copied, taxonomy)


def test_an_unknown_tensor_is_named(copied: Path, taxonomy: Taxonomy) -> None:
    change_weights(copied, lambda tensors: tensors.update(extra=torch.zeros(1)))
    with pytest.raises(BundleError, match="'extra'"):
        load_bundle(copied, taxonomy)


def test_a_tensor_of_another_shape_is_named(copied: Path, taxonomy: Taxonomy) -> None:
    change_weights(copied, lambda tensors: tensors.update({"body.0.weight": torch.zeros(8, 3, 5, 5)}))
    with pytest.raises(BundleError, match=r"body.0.weight"):
        load_bundle(copied, taxonomy)


def test_a_class_count_that_differs_from_the_outputs_is_said(copied: Path, taxonomy: Taxonomy) -> None:
    content = json.loads((copied / CARD_FILE).read_text())
    content["partition"]["classes"].pop()
    change_card(copied, partition=content["partition"])
    with pytest.raises(BundleError, match="lists 7 classes, the weights have 8 outputs"):
        load_bundle(copied, taxonomy)


def test_a_damaged_feature_reference_is_named(copied: Path, taxonomy: Taxonomy) -> None:
    change_weights(copied, lambda tensors: tensors.pop("reference.quantiles"))
    with pytest.raises(BundleError, match="lacks quantiles"):
        load_bundle(copied, taxonomy)


def test_curves_are_those_of_held_out_images_where_there_are_any(tiny_bundle: Path, taxonomy: Taxonomy) -> None:
    bundle = load_bundle(tiny_bundle, taxonomy)
    assert bundle.curves["epidermal"] is bundle.card.tasks["epidermal"].holdout
    task = replace(bundle.card.tasks["epidermal"], holdout=None)
    without = replace(bundle, card=replace(bundle.card, tasks={"epidermal": task}))
    assert without.curves["epidermal"] is task.validation


def test_a_bundle_can_be_read_by_whoever_runs_the_server(tmp_path: Path, taxonomy: Taxonomy) -> None:
    folder = make_tiny_bundle(tmp_path / "made")
    umask = os.umask(0o022)
    os.umask(umask)
    assert all(file.stat().st_mode & 0o777 == 0o666 & ~umask for file in folder.iterdir())
