"""Search finds what a clinician types, best first."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from derm_model.taxonomy import Node, Taxonomy
from derm_model.taxonomy.node import fold
from derm_model.taxonomy.search import closest_names

NODES = [
    Node("keratoses", "Seborrheic keratoses"),
    Node("sk", "Seborrheic keratosis", synonyms=("senile wart", "SK")),
    Node("ak", "Actinic keratosis", synonyms=("solar keratosis",)),
    Node("keratosis", "Keratosis"),
    Node("hyper", "Hyperkeratosis"),
    Node("pilaris", "Keratosis pilaris"),
]


@pytest.fixture(scope="module")
def small() -> Taxonomy:
    return Taxonomy(NODES)


def test_exact_comes_before_prefix_before_word_before_substring(small: Taxonomy) -> None:
    assert small.search("keratosis") == ["keratosis", "pilaris", "ak", "sk", "hyper"]


def test_synonyms_are_searched_and_each_node_is_listed_once(small: Taxonomy) -> None:
    assert small.search("solar") == ["ak"]
    assert small.search("solar keratosis") == ["ak"]
    assert small.search("sk") == ["sk"]


def test_words_match_in_any_order_and_may_be_begun_only(small: Taxonomy) -> None:
    assert set(small.search("ker seb")) == {"sk", "keratoses"}


@pytest.mark.parametrize("text", ["seborrhoeic keratosis", "seborheic keratosis", "sebborrheic keratosis"])
def test_small_typing_errors_are_forgiven(small: Taxonomy, text: str) -> None:
    assert small.search(text)[0] == "sk"


def test_what_resembles_nothing_finds_nothing(small: Taxonomy) -> None:
    assert small.search("xyzzy") == []
    assert small.search("  ") == []


def test_the_limit_is_kept(small: Taxonomy) -> None:
    assert small.search("keratosis", limit=2) == ["keratosis", "pilaris"]
    assert small.search("keratosis", limit=0) == []


@pytest.mark.parametrize(
    "text, first",
    [
        ("bcc", "basal-cell-carcinoma-nos"),
        ("melanoma", "melanoma"),
        ("melanmoa", "melanoma"),
        ("bowens", "bowen-disease"),
        ("seborrhoeic keratosis", "seborrheic-keratosis"),
        ("actinic keratoses", "actinic-and-premalignant-keratoses"),
        ("psoriasis", "psoriasis"),
        ("nevus spilus", "nevus-spilus"),
    ],
)
def test_the_shipped_tree_is_found_by_common_words(taxonomy: Taxonomy, text: str, first: str) -> None:
    assert taxonomy.search(text)[0] == first


def test_every_name_of_the_shipped_tree_finds_its_node_first(taxonomy: Taxonomy) -> None:
    for node in taxonomy.nodes[::20]:
        assert taxonomy.search(node.name, limit=1) == [node.id]


@pytest.mark.parametrize("text", ["keratosis", "melanmoa", "xyzzy unheard"])
def test_a_search_answers_while_one_types(taxonomy: Taxonomy, text: str) -> None:
    taxonomy.search("warm the index")
    assert fastest(lambda: taxonomy.search(text)) < 0.1


def fastest(call: Callable[[], object], repeats: int = 5) -> float:
    """Processor time of the fastest call, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def test_folding_drops_case_punctuation_and_spacing_but_keeps_a_plus_sign() -> None:
    assert fold("Bowen's  Disease") == "bowens disease"
    assert fold("seborrheic_keratosis") == fold("Seborrheic-keratosis")
    assert fold("CD8+ lymphoma") != fold("CD8 lymphoma")


def test_closest_names_are_best_first() -> None:
    assert closest_names("melanom", ["nevus", "Melanoma", "melasma"])[0] == "Melanoma"
    assert closest_names("zzzz", ["nevus"]) == []
