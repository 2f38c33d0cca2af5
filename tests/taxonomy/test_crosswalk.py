"""Labels of public data sets land where they should."""

from __future__ import annotations

from pathlib import Path

import pytest

from derm_model.errors import CrosswalkError
from derm_model.taxonomy import Crosswalk, Taxonomy, read_crosswalk


@pytest.fixture(scope="module")
def crosswalk(taxonomy: Taxonomy) -> Crosswalk:
    return read_crosswalk(taxonomy)


def test_the_shipped_data_sets(crosswalk: Crosswalk) -> None:
    assert {dataset: len(crosswalk.labels(dataset)) for dataset in crosswalk.datasets} == {
        "HAM10000": 9,
        "ISIC 2016": 2,
        "ISIC 2017": 3,
        "ISIC 2018 Task 3": 9,
        "ISIC 2019": 9,
        "ISIC 2020": 11,
        "PAD-UFES-20": 6,
        "Fitzpatrick17k": 114,
        "Dermofit": 10,
        "DDI": 78,
        "Derm7pt": 20,
        "SCIN": 201,
        "ISIC Archive": 418,
    }


def test_every_target_is_in_the_tree(crosswalk: Crosswalk, taxonomy: Taxonomy) -> None:
    targets = {crosswalk.node(dataset, label) for dataset in crosswalk.datasets for label in crosswalk.labels(dataset)}
    assert all(target in taxonomy for target in targets if target is not None)


@pytest.mark.parametrize(
    "dataset, label, node",
    [
        ("HAM10000", "nv", "melanocytic-nevus-nos"),
        ("HAM10000", "vasc", "benign-vascular-tumors"),
        ("HAM10000", "akiec", "malignant-epidermal"),
        ("HAM10000", "akiec:ak", "actinic-keratosis"),
        ("HAM10000", "akiec:scc", "bowen-disease"),
        ("ISIC 2017", "melanoma", "melanoma-nos"),
        ("ISIC 2017", "seborrheic keratosis", "seborrheic-keratosis"),
        ("ISIC 2019", "SCC", "squamous-cell-carcinoma"),
        ("ISIC 2020", "unknown", "benign"),
        ("PAD-UFES-20", "ACK", "actinic-keratosis"),
        ("PAD-UFES-20", "SEK", "seborrheic-keratosis"),
        ("Dermofit", "Intraepithelial Carcinoma", "bowen-disease"),
        ("Fitzpatrick17k", "erythema annulare centrifigum", "erythema-annulare-centrifugum"),
        ("DDI", "nodular-melanoma-(nm)", "nodular-melanoma"),
        ("Derm7pt", "melanoma (less than 0.76 mm)", "melanoma-nos"),
        ("SCIN", "SCC/SCCIS", "malignant-epidermal"),
        ("ISIC Archive", "Benign:Benign melanocytic proliferations:Nevus", "melanocytic-nevus-nos"),
    ],
)
def test_labels_stand_for_their_nodes(crosswalk: Crosswalk, dataset: str, label: str, node: str) -> None:
    assert crosswalk.node(dataset, label) == node


def test_case_punctuation_and_spacing_do_not_count(crosswalk: Crosswalk) -> None:
    assert crosswalk.node("ham10000", "NV") == crosswalk.node("HAM10000", "nv")
    assert crosswalk.node("isic_2017", "Seborrheic_Keratosis") == "seborrheic-keratosis"
    assert crosswalk.node("Pad UFES 20", "bcc") == "basal-cell-carcinoma-nos"


def test_a_known_label_may_stand_for_nothing(crosswalk: Crosswalk) -> None:
    assert crosswalk.node("ISIC 2019", "UNK") is None
    assert crosswalk.node("Derm7pt", "miscellaneous") is None


def test_a_label_that_pools_roots_stands_for_nothing(crosswalk: Crosswalk) -> None:
    assert crosswalk.node("SCIN", "Adnexal neoplasm") is None  # benign or malignant
    assert crosswalk.node("ISIC Archive", "Benign:Exogenous") is None  # tattoo or foreign body granuloma


def test_a_finer_isic_term_never_lies_under_another_root_than_the_term_above_it_but_for_the_known_ones(
    crosswalk: Crosswalk, taxonomy: Taxonomy
) -> None:
    def root(label: str) -> str | None:
        node = crosswalk.node("ISIC Archive", label)
        return None if node is None else taxonomy.path(node)[0]

    paths = [label for label in crosswalk.labels("ISIC Archive") if ":" in label]
    roots = [(path.rpartition(":")[2], root(path.rpartition(":")[0]), root(path)) for path in paths]
    assert {term for term, above, own in roots if above and own and own != above} == {
        "Inflammatory or infectious diseases",  # benign there, non-neoplastic here
        "Hemangioendothelioma, Kaposiform",  # malignant there, indeterminate among the benign vascular tumours here
    }


def test_an_unknown_label_names_the_nearest(crosswalk: Crosswalk) -> None:
    with pytest.raises(CrosswalkError, match=r"HAM10000 has no label 'akeic'; the nearest are .*akiec"):
        crosswalk.node("HAM10000", "akeic")
    with pytest.raises(CrosswalkError, match=r"PAD-UFES-20 has no label '\?\?\?'.*BCC"):
        crosswalk.node("PAD-UFES-20", "???")


def test_an_unknown_data_set_names_the_known_ones(crosswalk: Crosswalk) -> None:
    with pytest.raises(CrosswalkError, match="no data set 'ImageNet', only HAM10000, "):
        crosswalk.labels("ImageNet")


def test_five_fitzpatrick17k_labels_are_known_to_leave_its_own_nine_classes(
    crosswalk: Crosswalk, taxonomy: Taxonomy
) -> None:
    elsewhere = {
        "aplasia cutis",
        "juvenile xanthogranuloma",
        "keloid",
        "langerhans cell histiocytosis",
        "urticaria pigmentosa",
    }
    for label in elsewhere:
        node = crosswalk.node("Fitzpatrick17k", label)
        assert node is not None
        assert not taxonomy.is_within(node, "inflammatory")


def read(tmp_path: Path, taxonomy: Taxonomy, text: str) -> Crosswalk:
    (tmp_path / "crosswalk.csv").write_text(text, encoding="utf-8")
    return read_crosswalk(taxonomy, tmp_path / "crosswalk.csv")


def test_own_crosswalks_can_be_read(tmp_path: Path, taxonomy: Taxonomy) -> None:
    crosswalk = read(tmp_path, taxonomy, "dataset,label,node\nMine,mm,melanoma\nMine,other,\n")
    assert (crosswalk.node("mine", "MM"), crosswalk.node("mine", "other")) == ("melanoma", None)


def test_broken_crosswalks_are_refused(tmp_path: Path, taxonomy: Taxonomy) -> None:
    with pytest.raises(CrosswalkError, match=r"row 2: Mine 'mm' -> 'melanomma', which the taxonomy does not have"):
        read(tmp_path, taxonomy, "dataset,label,node\nMine,mm,melanomma\n")
    with pytest.raises(CrosswalkError, match=r"lacks the column\(s\) node"):
        read(tmp_path, taxonomy, "dataset,label\nMine,mm\n")
    with pytest.raises(CrosswalkError, match="stands for two nodes"):
        read(tmp_path, taxonomy, "dataset,label,node\nMine,mm,melanoma\nmine,MM,benign\n")
    with pytest.raises(CrosswalkError, match="cannot be read"):
        read_crosswalk(taxonomy, tmp_path / "missing.csv")
