"""The tree keeps its rules, and says all that is wrong at once."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from hypothesis import given

from derm_model.errors import TaxonomyError
from derm_model.taxonomy import Node, Taxonomy, read_taxonomy
from tests.taxonomy.trees import taxonomies, tree

HEADER = "id,parent,name,synonyms,malignancy_status,icd10,tier\n"


def write(path: Path, rows: str, header: str = HEADER) -> Path:
    path.write_text(header + rows, encoding="utf-8")
    return path


def problems(path: Path) -> str:
    with pytest.raises(TaxonomyError) as caught:
        read_taxonomy(path)
    return str(caught.value)


def test_a_node_stands_under_its_ancestor_at_a_level_and_for_itself_below_its_own() -> None:
    taxonomy = read_taxonomy()
    leaf = next(leaf for leaf in taxonomy.leaves() if len(taxonomy.ancestors(leaf)) >= 3)
    nearest_first = taxonomy.ancestors(leaf)
    assert taxonomy.at_level(leaf, 1) == nearest_first[-1]
    assert taxonomy.at_level(leaf, 2) == nearest_first[-2]
    assert taxonomy.at_level(nearest_first[-1], 2) == nearest_first[-1]
    assert taxonomy.at_level(leaf, 99) == leaf
    assert all(taxonomy.level(taxonomy.at_level(leaf, level)) == level for level in range(1, taxonomy.level(leaf) + 1))
    with pytest.raises(TaxonomyError):
        taxonomy.at_level(leaf, 0)


def test_nodes_are_depth_first_with_children_in_stored_order() -> None:
    taxonomy = Taxonomy(
        [Node("b2", "B2", "b"), Node("a", "A"), Node("b", "B"), Node("a1", "A1", "a"), Node("b1", "B1", "b")]
    )
    assert [node.id for node in taxonomy.nodes] == ["a", "a1", "b", "b2", "b1"]
    assert taxonomy.children("b") == ("b2", "b1")
    assert taxonomy.children(None) == ("a", "b")


def test_descendants_are_the_node_itself_then_all_below_it_depth_first() -> None:
    assert tree().descendants("malignant") == ("malignant", "melanoma", "nodular", "lentigo", "carcinoma")
    assert tree().descendants("milia") == ("milia",)


def test_ancestors_are_nearest_first_without_the_node_and_path_is_root_first_with_it() -> None:
    assert tree().ancestors("nodular") == ("melanoma", "malignant")
    assert tree().path("nodular") == ("malignant", "melanoma", "nodular")
    assert tree().ancestors("benign") == ()


def test_levels_start_at_one_for_the_roots() -> None:
    assert [tree().level(node_id) for node_id in ("benign", "epidermal", "milia")] == [1, 2, 3]


def test_a_cut_keeps_the_leaves_above_its_level() -> None:
    assert tree().cut(3) == ("blue nevus", "halo nevus", "keratosis", "milia", "nodular", "lentigo", "carcinoma")
    with pytest.raises(TaxonomyError, match="start at 1"):
        tree().cut(0)


@given(taxonomies())
def test_every_cut_covers_every_leaf_exactly_once(taxonomy: Taxonomy) -> None:
    for level in range(1, max(map(taxonomy.level, taxonomy.index)) + 2):
        covered = [leaf for node_id in taxonomy.cut(level) for leaf in taxonomy.leaves(node_id)]
        assert covered == list(taxonomy.leaves())


@given(taxonomies())
def test_a_node_is_within_another_exactly_when_it_descends_from_it(taxonomy: Taxonomy) -> None:
    for top in taxonomy.index:
        below = set(taxonomy.descendants(top))
        assert {node_id for node_id in taxonomy.index if taxonomy.is_within(node_id, top)} == below
        assert all(top == node_id or top in taxonomy.ancestors(node_id) for node_id in below)


def test_an_unknown_id_is_refused_by_name() -> None:
    with pytest.raises(TaxonomyError, match="no node 'psoriasis'"):
        tree().children("psoriasis")


def test_find_takes_id_name_or_synonym_whatever_the_case_and_punctuation() -> None:
    taxonomy = Taxonomy([Node("bowen", "Bowen's disease", synonyms=("squamous cell carcinoma in situ",))])
    for text in ("bowen", "BOWENS DISEASE", "squamous_cell-carcinoma  in situ"):
        assert taxonomy.find(text) == "bowen"
    assert taxonomy.find("bowe") is None


def test_the_index_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        tree().index["benign"] = 5  # type: ignore[index]


def test_a_taxonomy_survives_pickling() -> None:
    copied = pickle.loads(pickle.dumps(tree()))  # noqa: S301 - our own bytes: worker processes are handed a tree so
    assert (copied.digest, copied.nodes) == (tree().digest, tree().nodes)


def test_the_digest_depends_on_id_parent_name_status_and_order_but_not_on_synonyms() -> None:
    base = [Node("a", "A"), Node("b", "B", "a"), Node("c", "C", "a")]

    def digest(*nodes: Node) -> str:
        return Taxonomy(nodes).digest

    original = digest(*base)
    assert original == digest(*base[:2], Node("c", "C", "a", synonyms=("see",), icd10="C44", tier="A"))
    changed = [
        digest(*base[:2], Node("d", "C", "a")),
        digest(*base[:2], Node("c", "C", "b")),
        digest(*base[:2], Node("c", "Sea", "a")),
        digest(*base[:2], Node("c", "C", "a", malignancy_status="benign")),
        digest(base[0], base[2], base[1]),
    ]
    assert len({original, *changed}) == 6


def test_every_problem_is_reported_at_once_with_its_row(tmp_path: Path) -> None:
    message = problems(
        write(
            tmp_path / "tree.csv",
            "a,,A,,benign,,\n"
            "a,,Again,,,,\n"
            "b,nowhere,B,,,,\n"
            "c,a,,,,,\n"
            "d,a,D,,harmless,,\n"
            "e,a,E,D|x,,,\n"
            "f,a,X,,,,\n"
            ",a,G,,,,\n"
            "h,i,H,,,,\n"
            "i,h,I,,,,\n",
        )
    )
    assert "tree.csv has 8 problems" in message
    for part in (
        "row 3: the id 'a' is already used in row 2",
        "row 4: the parent 'nowhere' of 'b'",
        "row 5: the name of 'c' is empty",
        "row 6: the malignancy status 'harmless' is unknown",
        "row 7: 'D' of 'e' also names 'd' (row 6)",
        "row 8: 'X' of 'f' also names 'e' (row 7)",
        "row 9: the id is empty",
        "row 10: the parents go round in a circle: h -> i -> h",
    ):
        assert part in message


def test_a_node_that_is_its_own_parent_is_a_circle() -> None:
    with pytest.raises(TaxonomyError, match="circle: a -> a"):
        Taxonomy([Node("a", "A", "a")])


def test_nodes_that_hang_on_a_circle_do_not_report_it_again() -> None:
    with pytest.raises(TaxonomyError, match="has 1 problem;"):
        Taxonomy([Node("x", "X", "a"), Node("a", "A", "b"), Node("b", "B", "a"), Node("y", "Y", "x")])


def test_an_id_must_not_be_the_name_of_another_node() -> None:
    with pytest.raises(TaxonomyError, match="also names"):
        Taxonomy([Node("melanoma", "Malignant melanoma"), Node("mel", "Melanoma")])


def test_a_long_list_of_problems_ends_with_the_number_left_out() -> None:
    with pytest.raises(TaxonomyError, match=r"(?s)has 30 problems.*and 10 more") as caught:
        Taxonomy([Node(f"n{number}", f"node {number}", "nowhere") for number in range(30)])
    assert str(caught.value).count("nowhere") == 20


def test_an_empty_tree_is_refused(tmp_path: Path) -> None:
    assert "no nodes" in problems(write(tmp_path / "tree.csv", ""))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    assert "lacks the column(s) parent, tier" in problems(
        write(tmp_path / "tree.csv", "a,A,,,\n", header="id,name,synonyms,malignancy_status,icd10\n")
    )


def test_rows_with_too_few_or_too_many_cells_are_named(tmp_path: Path) -> None:
    message = problems(write(tmp_path / "tree.csv", "a,,A,,,,\nb,a\nc,a,C,,,,,\n"))
    assert "row 3: 2 cells" in message
    assert "row 4: 8 cells" in message


def test_a_file_as_spreadsheets_write_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tree.csv"
    text = (
        HEADER.strip() + ',note\r\na,,"A, first",x| y ,,,,\r\n,,,,,,,\r\nb,a,Ménétrier,,benign,D22,A,"two\r\nlines"\r\n'
    )
    path.write_bytes(text.encode("utf-8-sig"))
    taxonomy = read_taxonomy(path)
    assert taxonomy.node("a") == Node("a", "A, first", None, ("x", "y"), None, None, None)
    assert taxonomy.node("b") == Node("b", "Ménétrier", "a", (), "benign", "D22", "A")


def test_row_numbers_count_blank_rows_as_a_spreadsheet_does(tmp_path: Path) -> None:
    assert "row 4: the parent 'zzz'" in problems(write(tmp_path / "tree.csv", "a,,A,,,,\n\nb,zzz,B,,,,\n"))


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    assert "cannot be read" in problems(tmp_path / "missing.csv")
    (tmp_path / "latin.csv").write_bytes(HEADER.encode() + "a,,Ménétrier,,,,\n".encode("latin-1"))
    assert "UTF-8" in problems(tmp_path / "latin.csv")
