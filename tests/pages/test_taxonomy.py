"""The taxonomy page without a browser: what it says of a node, what it hands on, and what it refuses."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from streamlit.testing.v1 import AppTest

from derm_model.access import Person, Role
from derm_model.card import read_card
from derm_model.taxonomy import Aggregator, partition, read_crosswalk, read_taxonomy
from derm_model.taxonomy.crosswalk import Entry, own_path
from derm_model.taxonomy.export import to_csv
from derm_model.taxonomy.own_crosswalk import read_own, remove_own, save_own
from derm_model.taxonomy.published import count_nodes, read_published
from derm_model.taxonomy.store import list_taxonomies
from pages.ui import access, state
from pages.ui.taxonomy import kept, keys, node_page, own
from pages.ui.taxonomy.counting import FIRST_SETS
from pages.ui.taxonomy.lab import TOO_SMALL
from pages.ui.train.sources import Images
from tests.pages.conftest import open_alone, texts

pytestmark = pytest.mark.usefixtures("home")

READERS_ROLE = Role.CLINICIAN  # may look, may not change


def button(page: AppTest, key: str) -> AppTest:
    found = page.button(key=key).click().run()
    assert not found.exception
    return found


def published() -> dict[str, int]:
    return count_nodes(FIRST_SETS, read_published(), read_crosswalk(read_taxonomy())).by_node


def test_without_an_address_the_whole_tree_is_shown_and_no_node() -> None:
    page = open_alone("taxonomy")
    assert "2,226 nodes" in texts(page)
    assert [tab for tab in page.get("button") if tab.key == "taxonomy_close"] == []


def test_a_node_in_the_address_is_told_in_full_and_its_children_lead_on() -> None:
    page = open_alone("taxonomy", node="melanoma")
    said = texts(page)
    assert "a group of 54 diseases" in said
    assert "malignant" in said
    assert "4 children" in said
    assert "/?node=melanoma" in said  # the way to Classify
    page = button(page, "taxonomy_child_melanoma-in-situ")
    assert "### ◆ Melanoma in situ" in texts(page)
    assert page.query_params["node"] == "melanoma-in-situ"
    page = button(page, "taxonomy_above_melanoma")
    assert "a group of 54 diseases" in texts(page)
    page = button(page, "taxonomy_close")
    assert "node" not in page.query_params


def test_a_leaf_tells_synonyms_hint_tier_and_the_labels_of_data_sets() -> None:
    said = texts(open_alone("taxonomy", node="bowen-disease"))
    for words in ("What it is:** a disease", "ICD\\-10", "Evidence:**", "Dermofit: Intraepithelial Carcinoma"):
        assert words in said.replace("ICD-10", "ICD\\-10"), words


def test_a_node_finer_than_the_model_is_said_to_be_part_of_its_class(tiny_bundle: Path) -> None:
    card, tree = read_card(tiny_bundle), read_taxonomy()
    group = next(c for c in card.classes if not c.residual and not tree.is_leaf(c.node))
    leaf = tree.leaves(group.node)[0]
    assert f"has no class this fine. It is part of **{group.name}**" in texts(open_alone("taxonomy", node=leaf))
    assert "Resolved" in texts(open_alone("taxonomy", node=group.node))


def test_the_search_forgives_a_typing_error_and_opens_the_node() -> None:
    page = open_alone("taxonomy")
    page.text_input(key=keys.TAXONOMY_SEARCH).set_value("melanma in situ").run()
    page = button(page, "taxonomy_hit_melanoma-in-situ")
    assert page.session_state[keys.TAXONOMY_NODE] == "melanoma-in-situ"
    assert "### ◆ Melanoma in situ" in texts(page)


def test_an_address_that_cannot_be_shown_is_said_and_the_rest_is_taken() -> None:
    page = open_alone("taxonomy", section="lab", node="no-such-node", limit="0", rule="faithful")
    assert "could not be used** (node, limit)" in page.warning[0].value
    assert page.session_state[keys.TAXONOMY_RULE] == "faithful"


def test_the_lab_tells_what_the_partition_of_the_counts_gives() -> None:
    counts = published()
    found = partition(read_taxonomy(), counts, 1000)
    said = texts(open_alone("taxonomy", section="lab"))
    assert f"{sum(counts.values()):,} images at {len(counts)} nodes" in said
    assert f"Here 1,000 gives {len(found.classes)} classes" in said
    assert f"Fewer than {TOO_SMALL} images" in said
    assert "757 classes from 127,463 images" in said


def test_the_lab_counts_what_the_chosen_model_learnt_from(tiny_bundle: Path) -> None:
    page = open_alone("taxonomy", section="lab")
    page.selectbox(key=keys.TAXONOMY_COUNTS).set_value("model").run()
    n_images = sum(c.n_images for c in read_card(tiny_bundle).classes)
    assert f"{n_images:,} images at" in texts(page)


def test_without_a_data_set_nothing_is_counted_and_the_page_says_so() -> None:
    page = open_alone("taxonomy", section="lab")
    page.button_group(key=keys.TAXONOMY_SETS).set_value([]).run()
    assert not page.exception
    assert "Nothing is counted" in page.warning[0].value


def test_the_lab_fills_the_training_form_with_limit_and_rule() -> None:
    page = button(open_alone("taxonomy", section="lab", limit="200", rule="faithful"), "taxonomy_train")
    assert page.session_state[state.train_option("max_class_size")] == 200
    assert page.session_state[state.train_option("partition_mode")] == "faithful"
    assert page.session_state[state.train_option("targets")] == "partition"
    assert "/train" in texts(page)


def test_who_may_only_look_is_offered_no_training_no_upload_and_no_workspace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "person", lambda: Person("somebody", READERS_ROLE))
    lab = open_alone("taxonomy", section="lab")
    assert "taxonomy_train" not in [b.key for b in lab.button]
    page = open_alone("taxonomy", section="own")
    assert not page.get("file_uploader")
    assert "needs the right to curate data" in texts(page)


def test_the_comparison_counts_what_was_split_and_equal_partitions_are_the_same() -> None:
    page = open_alone("taxonomy", section="compare")
    counts, tree = published(), read_taxonomy()
    first, second = partition(tree, counts, 1000), partition(tree, counts, 200)
    assert f"**{len(first.classes)} classes in A, {len(second.classes)} in B.**" in texts(page)
    page.number_input(key=f"{keys.TAXONOMY_LIMIT}_b_box").set_value(1000).run()
    assert f"A and B are the same**: {len(first.classes)} classes" in texts(page)


def test_the_limit_of_the_lab_is_that_of_the_steps() -> None:
    page = open_alone("taxonomy", section="steps", limit="123")
    assert page.number_input(key=f"{keys.TAXONOMY_LIMIT}_box").value == 123
    page.number_input(key=f"{keys.TAXONOMY_LIMIT}_box").set_value(77).run()
    assert page.query_params["limit"] == "77"


def test_a_broken_table_is_told_row_by_row_and_nothing_is_kept() -> None:
    page = open_alone("taxonomy", section="own")
    rows = to_csv(read_taxonomy()).splitlines()
    rows[4] = rows[4].replace("b-cell-lymphomas", "no-such-parent", 1) if "b-cell-lymphomas" in rows[4] else rows[4]
    rows.append("x,nowhere,,,odd,,")
    page.file_uploader(key=keys.TAXONOMY_FILE).upload("mine.csv", "\n".join(rows).encode()).run()
    assert not page.exception
    assert "problem" in page.error[0].value
    told = page.dataframe[0].value
    assert set(told[told["Row"] == len(rows)]["Kind"]) >= {"empty name", "orphan", "unknown status"}
    assert list_taxonomies() == ()


def test_of_a_file_with_very_many_problems_the_first_are_shown_and_all_counted() -> None:
    page = open_alone("taxonomy", section="own")
    table = "id,parent,name,synonyms,malignancy_status,icd10,tier\n" + "".join(
        f"n{i},nowhere,Name {i},,,,\n" for i in range(own.MAX_PROBLEMS + 7)
    )
    page.file_uploader(key=keys.TAXONOMY_FILE).upload("mine.csv", table.encode()).run()
    assert "has 1,007 problems" in page.error[0].value
    assert len(page.dataframe[0].value) == own.MAX_PROBLEMS
    assert "The first 1,000 are shown" in texts(page)


def test_a_sound_table_is_kept_compared_and_deleted() -> None:
    page = open_alone("taxonomy", section="own")
    changed = to_csv(read_taxonomy()).replace("Melanoma in situ", "Melanoma in the epidermis", 1)
    page.file_uploader(key=keys.TAXONOMY_FILE).upload("mine.csv", changed.encode()).run()
    page.text_input(key=keys.TAXONOMY_NAME).set_value("ours")
    page = next(b for b in page.button if b.label == "Keep it").click().run()
    assert not page.exception
    assert not page.error, texts(page)
    (stored,) = list_taxonomies()
    assert (stored.name, stored.n_leaves) == ("ours", 2032)
    page.selectbox(key=keys.TAXONOMY_OWN).set_value(stored.digest).run()
    assert not page.exception
    assert "**1** renamed" in texts(page)
    page = button(page, "ask_delete_taxonomy")
    assert list_taxonomies()
    button(page, "delete_taxonomy")
    assert list_taxonomies() == ()


def test_unknown_labels_are_decided_and_read_by_the_next_import() -> None:
    page = open_alone("taxonomy", section="own")
    table = "source,diagnosis\n" + "Ours,melanoma in situ\n" * 3 + "Ours,gribbly\n" + "HAM10000,nv\n"
    page.file_uploader(key="taxonomy_labels_file").upload("labels.csv", table.encode()).run()
    assert "2 unknown labels** with 4 images" in texts(page)
    page.selectbox(key="crosswalk_0_Ours_melanoma in situ").set_value("melanoma-in-situ")
    page.selectbox(key="crosswalk_1_Ours_gribbly").set_value("-")
    page = next(b for b in page.button if b.label == "Save what was decided").click().run()
    assert not page.exception
    entries = {e.label: e.node for e in read_own(read_taxonomy())}
    assert entries == {"melanoma in situ": "melanoma-in-situ", "gribbly": None}
    assert read_crosswalk(read_taxonomy()).node("Ours", "Melanoma in situ") == "melanoma-in-situ"


def test_a_label_that_is_no_node_is_not_saved() -> None:
    page = open_alone("taxonomy", section="own")
    page.file_uploader(key="taxonomy_labels_file").upload("labels.csv", b"dataset,label\nOurs,gribbly\n").run()
    box = page.selectbox(key="crosswalk_0_Ours_gribbly")
    box.options.append("nothing like it")  # what somebody types into the box
    box.set_value("nothing like it")
    page = next(b for b in page.button if b.label == "Save what was decided").click().run()
    assert not page.exception
    assert "has no nothing like it" in page.error[0].value
    assert read_own(read_taxonomy()) == ()


def test_a_node_in_the_address_of_classify_is_picked() -> None:
    page = open_alone("classify", node="melanoma")
    assert page.session_state[state._PICKED] == "melanoma"
    assert "Picked: **Malignant Melanoma**" in texts(page)
    assert "names no node" in texts(open_alone("classify", node="gribbly"))


def test_inference_without_an_answer_says_where_to_get_one() -> None:
    assert "No image of this session has an answer yet" in texts(open_alone("taxonomy", section="inference"))


def test_a_limit_of_thousands_of_digits_is_no_limit() -> None:
    page = open_alone("taxonomy", section="lab", limit="9" * 5000)
    assert "could not be used** (limit)" in page.warning[0].value


def test_a_node_is_told_although_the_own_crosswalk_cannot_be_read() -> None:
    own_path().parent.mkdir(parents=True, exist_ok=True)
    own_path().write_text("dataset,label,node\nOurs,mm,melanomma\n", encoding="utf-8")
    said = texts(open_alone("taxonomy", node="melanoma"))
    assert "a group of 54 diseases" in said
    assert "cannot be read: correct crosswalk" in said.replace("\\", "")


def test_the_images_of_a_manifest_are_counted_anew_when_its_labels_are_decided(home: Path) -> None:
    manifest = home / "manifest.csv"
    home.mkdir(exist_ok=True)
    (home / "a.png").write_bytes(b"x")
    lines = ["image_id,file,source,node,diagnosis", "1,a.png,Ours,,mm", "2,a.png,HAM10000,,nv"]
    manifest.write_text("\n".join(lines) + "\n", encoding="utf-8")
    images = Images(str(manifest), "ours", is_workspace=False)
    assert kept.image_counts(images) == {"melanocytic-nevus-nos": 1}
    save_own(read_taxonomy(), [Entry("Ours", "mm", "melanoma-nos")])
    assert kept.image_counts(images) == {"melanocytic-nevus-nos": 1, "melanoma-nos": 1}


def test_what_a_class_of_coarsely_named_images_never_saw_is_no_part_of_it() -> None:
    tree = read_taxonomy()
    classes = partition(tree, {"melanoma": 9, "nodular-melanoma": 9}, 9).classes
    assert classes[0].residual
    model = SimpleNamespace(aggregator=Aggregator(tree, classes), card=SimpleNamespace(classes=classes))
    said = node_page.model_sentence(model, "melanoma-in-situ")
    assert "Not resolved by this model" in said
    assert f"are the class **{classes[0].name}**" in said
    assert "part of" not in said


def test_the_chosen_row_is_taken_out_although_somebody_else_changed_the_rows_meanwhile() -> None:
    tree = read_taxonomy()
    save_own(tree, [Entry("Ours", label, "melanoma-nos") for label in ("x", "y", "z")])
    page = open_alone("taxonomy", section="own")
    box = next(box for box in page.selectbox if box.label == "Row to take out")
    box.set_value(("Ours", "z")).run()
    remove_own(tree, "Ours", "x")
    button(page, "crosswalk_remove")
    assert [entry.label for entry in read_own(tree)] == ["y"]
