"""A bundle goes over to an edited tree when all it says stays true, and only its card is written."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from derm_model.bundle_move import move_bundle, plan_move, users_of
from derm_model.card import CARD_FILE, WEIGHTS_FILE, read_card
from derm_model.errors import BundleError, WrongTaxonomy
from derm_model.taxonomy import Node, Taxonomy
from derm_model.typed_json import encode

DEMO = Path(__file__).resolve().parents[1] / "assets" / "bundles" / "demo"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    shutil.copytree(DEMO, tmp_path / "bundles" / "mine")
    return tmp_path / "bundles" / "mine"


def edited(taxonomy: Taxonomy, **changes: object) -> Taxonomy:
    """The tree with fields of `changes["node"]` replaced."""
    node_id = changes.pop("node")
    return Taxonomy([replace(n, **changes) if n.id == node_id else n for n in taxonomy.nodes])  # type: ignore[arg-type]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_only_the_card_is_written_and_says_what_was_done(bundle: Path, taxonomy: Taxonomy) -> None:
    before, weights = read_card(bundle), sha256(bundle / WEIGHTS_FILE)
    new = edited(taxonomy, node="psoriasis", name="Psoriasis and its forms")
    moved = move_bundle(bundle, taxonomy, new, "Ada")
    assert encode(moved) == encode(read_card(bundle))
    assert sha256(bundle / WEIGHTS_FILE) == weights
    assert {file.name for file in bundle.iterdir()} == {CARD_FILE, WEIGHTS_FILE}
    assert moved.taxonomy_digest == new.digest
    assert (moved.classes, moved.bundle_id, moved.weights_sha256) == (
        before.classes,
        before.bundle_id,
        before.weights_sha256,
    )
    assert moved.limitations[:-1] == before.limitations
    assert moved.limitations[-1].startswith(f"Moved from taxonomy {taxonomy.digest[:12]} to {new.digest[:12]} on ")
    assert "by Ada: all 10 classes" in moved.limitations[-1]
    assert encode(replace(moved, partition=before.partition, limitations=before.limitations)) == encode(before)


def test_the_moved_bundle_gives_the_answers_it_gave(bundle: Path, taxonomy: Taxonomy) -> None:
    from derm_model.net.bundle import load_bundle

    new = edited(taxonomy, node="seborrheic-keratosis", name="Keratosis, seborrheic")
    with pytest.raises(WrongTaxonomy):
        load_bundle(bundle, new)
    move_bundle(bundle, taxonomy, new, "Ada")
    loaded = load_bundle(bundle, new)
    original = load_bundle(DEMO, taxonomy)
    assert [c.node for c in loaded.classes] == [c.node for c in original.classes]
    assert "Keratosis, seborrheic" in [c.name for c in loaded.classes]
    own, other = loaded.network.state_dict(), original.network.state_dict()
    assert own.keys() == other.keys()
    assert all(bool((own[name] == other[name]).all()) for name in own)


def test_there_and_back_again_is_the_same_card_but_for_two_notes(bundle: Path, taxonomy: Taxonomy) -> None:
    before = read_card(bundle)
    new = edited(taxonomy, node="benign-fibrous-tumors", name="Fibrous tumors")
    move_bundle(bundle, taxonomy, new, "Ada")
    back = move_bundle(bundle, new, taxonomy, "Ada")
    assert back.partition == before.partition
    assert len(back.limitations) == len(before.limitations) + 2


def test_a_bundle_of_this_tree_already_is_left_as_it_is(bundle: Path, taxonomy: Taxonomy) -> None:
    before = sha256(bundle / CARD_FILE)
    assert encode(move_bundle(bundle, taxonomy, taxonomy, "Ada")) == encode(read_card(bundle))
    assert sha256(bundle / CARD_FILE) == before


def test_a_class_that_does_not_survive_is_refused_and_nothing_written(bundle: Path, taxonomy: Taxonomy) -> None:
    before = sha256(bundle / CARD_FILE)
    new = Taxonomy([*taxonomy.nodes, Node("new-fibroma", "New fibroma", "benign-fibrous-tumors")])
    assert not plan_move(read_card(bundle), taxonomy, new).is_possible
    with pytest.raises(BundleError, match=r"(?s)mine cannot be moved.*1 of 10 classes.*never learnt: 'new-fibroma'"):
        move_bundle(bundle, taxonomy, new, "Ada")
    assert sha256(bundle / CARD_FILE) == before


def test_a_question_that_other_classes_would_answer_is_refused(bundle: Path, taxonomy: Taxonomy) -> None:
    # all classes stay below their second-level node, but seborrheic keratosis leaves the question's group
    moved = {"seborrheic-keratosis": "acanthomas"}
    new = Taxonomy([replace(n, parent=moved.get(n.id, n.parent)) for n in taxonomy.nodes])
    plan = plan_move(read_card(bundle), taxonomy, new)
    assert plan.classes.survives
    assert "'Epidermal' would be answered by other classes" in plan.refusal
    with pytest.raises(BundleError, match="Epidermal"):
        move_bundle(bundle, taxonomy, new, "Ada")


def test_the_old_tree_must_be_that_of_the_bundle(bundle: Path, taxonomy: Taxonomy) -> None:
    new = edited(taxonomy, node="psoriasis", name="Psoriasis and its forms")
    with pytest.raises(WrongTaxonomy, match="the old taxonomy given is"):
        move_bundle(bundle, new, taxonomy, "Ada")


def test_the_users_of_a_tree_are_its_bundles(bundle: Path, taxonomy: Taxonomy) -> None:
    (bundle.parent / "broken").mkdir()
    (bundle.parent / "broken" / CARD_FILE).write_text("{", encoding="utf-8")
    assert users_of(taxonomy.digest, [bundle.parent]) == ("bundle mine",)
    assert users_of("0" * 64, [bundle.parent]) == ()


def test_the_demonstration_bundle_went_over_from_the_first_version_of_the_tree(taxonomy: Taxonomy) -> None:
    from derm_model.taxonomy.mapping import map_classes
    from derm_model.taxonomy.store import load_taxonomy

    card, first = read_card(DEMO), load_taxonomy("49d2e010d8b8")
    assert card.taxonomy_digest == taxonomy.digest
    assert any(limit.startswith("Moved from taxonomy 49d2e010d8b8") for limit in card.limitations)
    assert map_classes(card.classes, taxonomy, first).survives  # and back: nothing was gained or lost
