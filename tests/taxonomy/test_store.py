"""Own taxonomies are kept by digest, and deleted only where nothing needs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from derm_model.errors import TaxonomyError
from derm_model.taxonomy import Taxonomy, read_taxonomy
from derm_model.taxonomy.export import to_csv
from derm_model.taxonomy.store import delete_taxonomy, list_taxonomies, load_taxonomy, save_taxonomy
from tests.taxonomy.trees import tree

SMALL = Taxonomy([node for node in tree({"a": {"b": {}, "c": {}}}).nodes])
CONTENT = to_csv(SMALL).encode()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path))
    return tmp_path


def test_a_saved_tree_is_listed_loaded_and_given_back_as_it_was_written(home: Path) -> None:
    stored = save_taxonomy(CONTENT, "  My  tree ", "Ada")
    assert (stored.digest, stored.name, stored.saved_by) == (SMALL.digest, "My tree", "Ada")
    assert (stored.n_nodes, stored.n_leaves) == (3, 2)
    assert list_taxonomies() == (stored,)
    assert load_taxonomy(SMALL.digest).nodes == SMALL.nodes
    assert load_taxonomy(SMALL.digest[:12]).nodes == SMALL.nodes
    assert (home / "taxonomies" / SMALL.digest / "taxonomy.csv").read_bytes() == CONTENT


def test_the_digest_is_the_version_and_what_it_does_not_cover_is_replaced() -> None:
    save_taxonomy(CONTENT, "first", "Ada")
    with_synonym = CONTENT.replace(b"b,a,b,,", b"b,a,b,bee,")
    assert save_taxonomy(with_synonym, "second", "Bob").digest == SMALL.digest
    assert [stored.name for stored in list_taxonomies()] == ["second"]
    assert load_taxonomy(SMALL.digest).node("b").synonyms == ("bee",)
    other = save_taxonomy(CONTENT.replace(b"b,a,b,", b"b,a,Bee,"), "third", "Bob")
    assert other.digest != SMALL.digest
    assert len(list_taxonomies()) == 2


def test_a_table_with_problems_or_without_a_name_is_not_saved(home: Path) -> None:
    with pytest.raises(TaxonomyError, match="row 3"):
        save_taxonomy(CONTENT.replace(b"b,a,b,", b"b,nowhere,b,"), "mine", "Ada")
    for name in ("  ", "x" * 81):
        with pytest.raises(TaxonomyError, match="1 to 80 characters"):
            save_taxonomy(CONTENT, name, "Ada")
    assert not list(home.rglob("*.csv"))


def test_the_tree_that_ships_needs_no_saving_and_an_unknown_one_is_refused() -> None:
    shipped = read_taxonomy()
    assert load_taxonomy(shipped.digest) is shipped
    for digest in ("0" * 64, shipped.digest[:8], "../../etc"):
        with pytest.raises(TaxonomyError, match="is stored here"):
            load_taxonomy(digest)


def test_a_tree_that_is_used_is_not_deleted() -> None:
    save_taxonomy(CONTENT, "mine", "Ada")
    with pytest.raises(TaxonomyError, match="used by bundle demo"):
        delete_taxonomy(SMALL.digest, ("bundle demo",))
    delete_taxonomy(SMALL.digest, ())
    assert list_taxonomies() == ()
    with pytest.raises(TaxonomyError, match="no taxonomy"):
        delete_taxonomy(SMALL.digest, ())


@pytest.mark.parametrize("digest", ["..", "", "a/../..", "0" * 63])
def test_only_a_digest_names_a_folder_to_delete(home: Path, digest: str) -> None:
    (home / "taxonomies" / "a").mkdir(parents=True)
    with pytest.raises(TaxonomyError):
        delete_taxonomy(digest, ())
    assert (home / "taxonomies").is_dir()


def test_a_stored_table_that_was_changed_by_hand_is_refused(home: Path) -> None:
    save_taxonomy(CONTENT, "mine", "Ada")
    (home / "taxonomies" / SMALL.digest / "taxonomy.csv").write_bytes(CONTENT.replace(b"b,a,b,", b"b,a,Bee,"))
    with pytest.raises(TaxonomyError, match="changed outside"):
        load_taxonomy(SMALL.digest)


def test_a_broken_note_hides_its_tree_and_no_other(home: Path) -> None:
    save_taxonomy(CONTENT, "mine", "Ada")
    broken = home / "taxonomies" / ("0" * 64)
    broken.mkdir()
    (broken / "about.json").write_text("{", encoding="utf-8")
    assert [stored.name for stored in list_taxonomies()] == ["mine"]
