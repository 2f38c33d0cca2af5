"""Every problem of a file is found, all at once, with its row; a file without problems can be read, any other not."""

from __future__ import annotations

import csv
import io
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from derm_model.errors import TaxonomyError
from derm_model.taxonomy import Node, Taxonomy, read_taxonomy
from derm_model.taxonomy.export import to_csv
from derm_model.taxonomy.problems import KINDS, MAX_LEVELS
from derm_model.taxonomy.reading import ASSETS, REQUIRED_COLUMNS, check_file, check_taxonomy, parse_taxonomy
from tests.taxonomy.trees import file_taxonomies

ROOT = Path(__file__).resolve().parents[2]
Row = tuple[str, ...]
# rows that are added to a sound tree, and how to find the row to be blamed among those of the file
Plant = Callable[[Taxonomy, str], tuple[list[Row], Callable[[list[Row]], int]]]


def row(node_id: str, parent: str = "", name: str | None = None, synonyms: str = "", status: str = "") -> Row:
    return (node_id, parent, f"zz {node_id}" if name is None else name, synonyms, status, "", "")


def at(new: Row) -> Callable[[list[Row]], int]:
    return lambda rows: rows.index(new) + 2


def later(new: Row, old: Node) -> Callable[[list[Row]], int]:
    """Of two rows that clash the second is blamed, whichever that is."""
    return lambda rows: (
        max(rows.index(new), next(i for i, r in enumerate(rows) if (r[0], r[2]) == (old.id, old.name))) + 2
    )


def one(make: Callable[[Taxonomy, str], Row]) -> Plant:
    def plant(tree: Taxonomy, tag: str) -> tuple[list[Row], Callable[[list[Row]], int]]:
        new = make(tree, tag)
        return [new], at(new)

    return plant


def clash(make: Callable[[Taxonomy, str], Row], which: int = 0) -> Plant:
    def plant(tree: Taxonomy, tag: str) -> tuple[list[Row], Callable[[list[Row]], int]]:
        new = make(tree, tag)
        return [new], later(new, tree.nodes[which])

    return plant


def cycle(tree: Taxonomy, tag: str) -> tuple[list[Row], Callable[[list[Row]], int]]:
    rows = [row(f"{tag}a", f"{tag}b"), row(f"{tag}b", f"{tag}a")]
    return rows, lambda all_rows: min(map(all_rows.index, rows)) + 2


def too_deep(tree: Taxonomy, tag: str) -> tuple[list[Row], Callable[[list[Row]], int]]:
    ids = [tree.nodes[0].id, *(f"{tag}d{level}" for level in range(2, MAX_LEVELS + 3))]
    rows = [row(node_id, parent) for parent, node_id in pairwise(ids)]
    return rows, at(rows[-2])  # level MAX_LEVELS + 1; the one below it is not reported again


PLANTS: dict[str, Plant] = {
    "empty id": one(lambda tree, tag: row("", tree.nodes[0].id, f"zz {tag} nameless")),
    "malformed id": one(lambda tree, tag: row(f"{tag} é/", tree.nodes[0].id)),
    "duplicate id": clash(lambda tree, tag: row(tree.nodes[0].id, tree.nodes[0].parent or "", f"zz {tag} again")),
    "empty name": one(lambda tree, tag: row(tag, tree.nodes[0].id, "")),
    "control character": one(lambda tree, tag: row(tag, tree.nodes[0].id, f"zz {tag} \x07")),
    "orphan": one(lambda tree, tag: row(tag, f"{tag}-nowhere")),
    "cycle": cycle,
    "too deep": too_deep,
    "stray root": one(lambda tree, tag: row(tag)),
    "unknown status": one(lambda tree, tag: row(tag, tree.nodes[0].id, status="harmless")),
    "duplicate name": clash(lambda tree, tag: row(tag, tree.nodes[0].id, f"{tree.nodes[0].name} !")),
    "shared synonym": clash(lambda tree, tag: row(tag, tree.nodes[0].id, synonyms=f"zz x|{tree.nodes[1].name}"), 1),
    "encoding": one(lambda tree, tag: row(tag, tree.nodes[0].id, f"zz {tag} \udce9")),
    "cells": one(lambda tree, tag: (*row(tag, tree.nodes[0].id), "one more")),
}


def as_bytes(rows: list[Row], header: Row = REQUIRED_COLUMNS) -> bytes:
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows([header, *rows])
    return file.getvalue().encode("utf-8", errors="surrogateescape")


def rows_of(tree: Taxonomy) -> list[Row]:
    return [tuple(cells) for cells in csv.reader(io.StringIO(to_csv(tree), newline=""))][1:]


@settings(max_examples=50)  # some milliseconds each, and shrinking tries thousands
@given(file_taxonomies(max_nodes=8), st.data())
def test_every_planted_problem_is_reported_with_its_row(tree: Taxonomy, data: st.DataObject) -> None:
    rows = rows_of(tree)
    expected = []
    for number, kind in enumerate(data.draw(st.lists(st.sampled_from(sorted(PLANTS)), min_size=1, unique=True))):
        new_rows, find = PLANTS[kind](tree, f"zp{number}")
        expected.append((kind, find))
        for new in new_rows:
            rows.insert(data.draw(st.integers(0, len(rows))), new)
    content = as_bytes(rows)
    found = {(problem.kind, problem.row) for problem in check_taxonomy(content)}
    assert {(kind, find(rows)) for kind, find in expected} <= found
    assert {kind for kind, _ in found} == {kind for kind, _ in expected}  # and nothing is made up
    with pytest.raises(TaxonomyError):
        parse_taxonomy(content, "tree.csv")


@given(file_taxonomies())
def test_a_sound_file_has_no_problem_and_can_be_read(tree: Taxonomy) -> None:
    content = to_csv(tree).encode()
    assert check_taxonomy(content, n_roots=1) == ()
    assert parse_taxonomy(content, "tree.csv").digest == tree.digest


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=100).map(lambda rest: as_bytes([]) + rest)))
def test_whatever_the_bytes_a_file_can_be_read_exactly_when_it_has_no_problem(content: bytes) -> None:
    problems = check_taxonomy(content)
    assert {problem.kind for problem in problems} <= set(KINDS)
    try:
        parse_taxonomy(content, "tree.csv")
    except TaxonomyError:
        assert problems
    else:
        assert not problems


@pytest.mark.parametrize(
    "content, kind, part",
    [
        (b"", "column", "lacks the column(s) id"),
        (as_bytes([]), "file", "has no nodes"),
        (
            as_bytes([], ("id", "parent", "name")),
            "column",
            "lacks the column(s) synonyms, malignancy_status, icd10, tier",
        ),
        (as_bytes([], (*REQUIRED_COLUMNS, "name")), "column", "the column name stands twice"),
        (";".join(REQUIRED_COLUMNS).encode(), "column", "separated by semicolons"),
        (as_bytes([row("a", name="A")]).decode().encode("utf-16"), "file", "UTF-16"),
        (as_bytes([]) + b'a,,"A,,,,\nb,,B,,,,\n', "file", "no CSV from line 3"),
        (b"x" * 20_000_001, "file", "at most 20,000,000"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_wrong_with_the_file_as_a_whole_is_said(content: bytes, kind: str, part: str) -> None:
    (problem,) = check_taxonomy(content)
    assert problem.kind == kind
    assert part in problem.message


def test_the_number_of_roots_can_be_asked_for() -> None:
    content = as_bytes([row("a"), row("b", "a"), row("c"), row("d", "c")])
    assert check_taxonomy(content, n_roots=2) == ()
    (problem,) = check_taxonomy(content, n_roots=1)
    assert (problem.kind, problem.row) == ("roots", None)
    assert "'a', 'c'" in problem.message


def test_a_list_of_roots_alone_is_a_tree() -> None:
    assert check_taxonomy(as_bytes([row("a"), row("b")])) == ()


def test_a_name_without_letter_or_digit_is_no_name() -> None:
    (problem,) = check_taxonomy(as_bytes([row("a", name="???")]))
    assert (problem.kind, problem.column) == ("empty name", "name")


def test_an_id_must_not_look_like_that_of_a_residual_class() -> None:
    (problem,) = check_taxonomy(as_bytes([row("melanoma--own")]))
    assert problem.kind == "malformed id"


def test_the_file_that_ships_has_three_roots_and_no_problem() -> None:
    assert check_file(ASSETS / "taxonomy.csv", n_roots=3) == ()
    assert len(read_taxonomy(ASSETS / "taxonomy.csv")) == 2226


def test_every_kind_of_problem_is_explained_in_the_guide() -> None:
    guide = (ROOT / "docs" / "taxonomy.md").read_text(encoding="utf-8")
    assert all(f"| {kind} | {meaning} |" in guide for kind, meaning in KINDS.items())


@pytest.mark.parametrize(
    "one, other",
    [
        ("Bowen's disease", "Bowen\N{RIGHT SINGLE QUOTATION MARK}s disease"),
        ("Ménétrier", "Me\N{COMBINING ACUTE ACCENT}ne\N{COMBINING ACUTE ACCENT}trier"),
    ],
)
def test_a_name_that_looks_the_same_is_a_duplicate(one: str, other: str) -> None:
    (problem,) = check_taxonomy(as_bytes([row("r"), row("a", "r", one), row("b", "r", other)]))
    assert (problem.kind, problem.row) == ("duplicate name", 4)


def test_a_long_circle_is_told_in_short() -> None:
    n = 10_000
    (problem,) = check_taxonomy(as_bytes([row(f"n{i}", f"n{(i + 1) % n}") for i in range(n)]))
    assert (problem.kind, problem.row) == ("cycle", 2)
    assert "n0 -> n1 -> n2" in problem.message
    assert f"({n - 10} more) -> n0" in problem.message
    assert len(problem.message) < 300


def test_of_a_huge_file_no_more_is_read_than_tells_it(tmp_path: Path) -> None:
    path = tmp_path / "backup.tar"
    with path.open("wb") as file:
        file.truncate(2_000_000_000)  # sparse: it takes no room on the disk
    tracemalloc.start()
    try:
        (problem,) = check_file(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (problem.kind, "too large" in problem.message) == ("file", True)
    assert peak < 100_000_000
