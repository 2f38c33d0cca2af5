"""A user's own crosswalk: suggestions for what is not mapped, kept in a file that every import reads first."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.data.manifest import read_manifest
from derm_model.data.unmapped import read_labels
from derm_model.errors import CrosswalkError
from derm_model.taxonomy import Taxonomy, read_crosswalk
from derm_model.taxonomy.crosswalk import Entry, own_path
from derm_model.taxonomy.own_crosswalk import read_own, remove_own, save_own, unmapped_labels
from derm_model.taxonomy.suggestions import suggest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.mark.parametrize(
    "label, node",
    [
        ("BCC", "basal-cell-carcinoma-nos"),
        ("SCC", "squamous-cell-carcinoma"),
        ("AK", "actinic-keratosis"),
        ("SK", "seborrheic-keratosis"),
        ("MEL", "melanoma-nos"),
        ("NV", "melanocytic-nevus-nos"),
        ("Naevi, melanocytic", "melanocytic-nevus-nos"),
        ("nodular BCC", "nodular-basal-cell-carcinoma"),
        ("malignant:melanoma:SSM", "superficial-spreading-melanoma"),
        ("Psoriasis vulg.", "psoriasis-vulgaris"),
        ("C44.3 basal cell carcinomas", "basal-cell-carcinoma"),
        ("Haemangioma, infantile", "infantile-hemangioma"),
        ("warts", "common-wart"),
    ],
)
def test_the_right_node_is_suggested_first(taxonomy: Taxonomy, label: str, node: str) -> None:
    assert suggest(taxonomy, label)[0].node == node


def test_what_is_like_nothing_gets_no_suggestion_and_scores_fall(taxonomy: Taxonomy) -> None:
    assert suggest(taxonomy, "xyzzy qqq") == ()
    assert suggest(taxonomy, "") == ()
    scores = [suggestion.score for suggestion in suggest(taxonomy, "keratosis of the sun", 10)]
    assert scores == sorted(scores, reverse=True)
    assert len(suggest(taxonomy, "nevus", 3)) == 3


def test_what_other_data_sets_mean_by_a_label_is_suggested(taxonomy: Taxonomy) -> None:
    (first, *_) = suggest(taxonomy, "akiec", crosswalk=read_crosswalk(taxonomy))
    assert first.node == "actinic-keratosis"
    by_node = {s.node: s.why for s in suggest(taxonomy, "akiec", crosswalk=read_crosswalk(taxonomy))}
    assert "HAM10000" in by_node["malignant-epidermal"]


def test_suggestions_for_a_label_come_while_one_looks(taxonomy: Taxonomy) -> None:
    suggest(taxonomy, "warm")
    start = time.process_time()
    suggest(taxonomy, "hidradenitis of the axilla")
    assert time.process_time() - start < 0.05


def test_labels_of_public_data_sets_are_suggested_rightly_without_their_own_spelling(taxonomy: Taxonomy) -> None:
    from dataclasses import replace

    from derm_model.taxonomy.node import fold

    crosswalk = read_crosswalk(taxonomy)
    known = [(label, crosswalk.node("Fitzpatrick17k", label)) for label in crosswalk.labels("Fitzpatrick17k")]
    taken = {fold(label) for label, _ in known}
    blind = Taxonomy(
        [replace(n, synonyms=tuple(s for s in n.synonyms if fold(s) not in taken)) for n in taxonomy.nodes]
    )
    hard = [(label, node) for label, node in known if blind.find(label) is None]
    hits = sum(node in [s.node for s in suggest(blind, label)] for label, node in hard)
    assert len(hard) > 40
    assert hits / len(hard) > 0.75


def test_own_rows_are_read_before_those_that_ship(taxonomy: Taxonomy) -> None:
    assert read_own(taxonomy) == ()
    save_own(taxonomy, [Entry("Clinic", "mm", "melanoma-nos"), Entry("ham10000", "BKL", None, "we do not trust it")])
    crosswalk = read_crosswalk(taxonomy)
    assert crosswalk.node("clinic", "MM") == "melanoma-nos"
    assert crosswalk.node("HAM10000", "bkl") is None
    assert crosswalk.node("HAM10000", "nv") == "melanocytic-nevus-nos"
    assert ("Clinic", "mm") in crosswalk.labels_of("melanoma-nos")


def test_a_row_is_replaced_and_removed(taxonomy: Taxonomy) -> None:
    save_own(taxonomy, [Entry("Clinic", "mm", "melanoma-nos"), Entry("Clinic", "x", None)])
    assert save_own(taxonomy, [Entry("clinic", "MM", "melanoma")])[-1] == Entry("clinic", "MM", "melanoma")
    assert [entry.label for entry in remove_own(taxonomy, "Clinic", "mm")] == ["x"]
    assert [entry.label for entry in read_own(taxonomy)] == ["x"]
    with pytest.raises(CrosswalkError, match="has no row"):
        remove_own(taxonomy, "Clinic", "mm")


def test_rows_that_cannot_be_used_are_all_named_and_nothing_is_written(taxonomy: Taxonomy) -> None:
    wrong = [Entry("A", "x", "nowhere"), Entry("", "y", None), Entry("A", "z", "melanoma"), Entry("a", "Z", "benign")]
    with pytest.raises(CrosswalkError) as caught:
        save_own(taxonomy, wrong)
    for part in (
        "row 1: A 'x' -> 'nowhere'",
        "row 2: data set and label",
        "row 4: a 'Z' stands for two nodes, see row 3",
    ):
        assert part in str(caught.value)
    assert not own_path().exists()


def test_an_own_file_with_a_mistake_stops_every_import_until_it_is_mended(taxonomy: Taxonomy) -> None:
    own_path().parent.mkdir(parents=True)
    own_path().write_text("dataset,label,node\nClinic,mm,melanomma\n", encoding="utf-8")
    with pytest.raises(CrosswalkError, match=r"correct crosswalk.csv: row 2: Clinic 'mm' -> 'melanomma'"):
        read_crosswalk(taxonomy)


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1), st.booleans())))
def test_what_is_saved_is_read_back(tmp_path_factory: pytest.TempPathFactory, labels: list[tuple[str, bool]]) -> None:
    from derm_model.taxonomy import read_taxonomy

    taxonomy = read_taxonomy()
    entries = {
        Entry("Q", label.strip(), None).key: Entry("Q", label.strip(), "melanoma" if m else None) for label, m in labels
    }
    usable = [entry for key, entry in entries.items() if all(key)]
    path = tmp_path_factory.mktemp("own") / "crosswalk.csv"
    assert save_own(taxonomy, usable, path) == tuple(usable)
    assert read_own(taxonomy, path) == tuple(usable)


def test_unmapped_labels_are_counted_and_the_most_frequent_comes_first(taxonomy: Taxonomy) -> None:
    labels = [("Clinic", "basalioma"), ("Clinic", "SSM"), ("clinic", "ssm"), ("HAM10000", "nv"), ("HAM10000", "wart")]
    found = unmapped_labels(labels, taxonomy, read_crosswalk(taxonomy))
    assert [(label.dataset, label.label, label.n_images) for label in found] == [
        ("Clinic", "SSM", 2),
        ("Clinic", "basalioma", 1),
        ("HAM10000", "wart", 1),
    ]
    assert found[0].suggestions[0].node == "superficial-spreading-melanoma"


def test_a_manifest_is_read_whole_once_its_labels_are_mapped(taxonomy: Taxonomy, home: Path) -> None:
    path = home / "manifest.csv"
    rows = [
        "image_id,file,source,node,diagnosis",
        "1,a.png,Clinic,,mm",
        "2,a.png,Clinic,melanoma,odd",
        "3,a.png,HAM10000,,nv",
    ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    (home / "a.png").write_bytes(b"x")
    (label,) = unmapped_labels(read_labels(path.read_bytes()), taxonomy, read_crosswalk(taxonomy))
    assert (label.dataset, label.label, label.n_images) == ("Clinic", "mm", 1)
    assert len(read_manifest(path, taxonomy, read_crosswalk(taxonomy)).records) == 2
    save_own(taxonomy, [Entry(label.dataset, label.label, label.suggestions[0].node)])
    assert unmapped_labels(read_labels(path.read_bytes()), taxonomy, read_crosswalk(taxonomy)) == ()
    records = read_manifest(path, taxonomy, read_crosswalk(taxonomy)).records
    assert [record.node for record in records] == ["melanoma-nos", "melanoma", "melanocytic-nevus-nos"]


def test_a_row_without_the_cell_of_its_node_is_refused_and_rows_are_counted_as_a_spreadsheet_does(
    taxonomy: Taxonomy,
) -> None:
    own_path().parent.mkdir(parents=True)
    lines = ["dataset,label,node,note", "Clinic,mm,melanoma-nos", "", "Clinic,x", "Clinic,y,nowhere,"]
    own_path().write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.raises(CrosswalkError) as caught:
        read_crosswalk(taxonomy)
    assert "row 4: 2 cells, the header has 4; row 5: Clinic 'y' -> 'nowhere'" in str(caught.value)
    own_path().write_text("\n".join(lines[:3]) + "\n", encoding="utf-8")  # of the note nothing depends
    assert read_crosswalk(taxonomy).node("Clinic", "mm") == "melanoma-nos"


@pytest.mark.parametrize("label", ["an ulcer", "ten warts", "acne, an inflammatory disease"])
def test_everyday_words_are_no_abbreviations(taxonomy: Taxonomy, label: str) -> None:
    found = {suggestion.node for suggestion in suggest(taxonomy, label)}
    assert not found & {"acanthosis-nigricans", "toxic-epidermal-necrolysis"}


def test_a_disease_that_is_denied_is_not_suggested_as_if_it_were_named(taxonomy: Taxonomy) -> None:
    assert suggest(taxonomy, "not melanoma")[0].score < 0.9
    assert suggest(taxonomy, "melanoma, not otherwise specified")[0].score == 1
    assert suggest(taxonomy, "nodular mel")[0].node == "nodular-melanoma"
