"""The Model page without a browser: the card, the comparison, and models that come, are renamed and go."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from derm_model.assessment.answers import About, folder_of
from derm_model.bundle_zip import write_zip
from derm_model.card import CARD_FILE, WEIGHTS_FILE, read_card, write_card
from derm_model.card_text import sections
from derm_model.errors import BundleError
from derm_model.jobs import JobState
from pages.ui import resources
from pages.ui.look import plain
from pages.ui.model import card, differences, importing, shelf
from pages.ui.model.shelf import Kind
from pages.ui.resources import bundles
from tests.pages.conftest import ROOT, TIMEOUT_S, texts
from tests.pages.made_runs import make_run, with_bundle

DEMO = ROOT / "assets" / "bundles" / "demo"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home; the models are the shipped one and what the tests put there."""
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DERM_BUNDLES", raising=False)
    return tmp_path / "home"


def run(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception
    return page


def open_model(view: str = "card", model: Path | None = None) -> AppTest:
    page = AppTest.from_file(str(ROOT / "pages" / "model.py"), default_timeout=TIMEOUT_S)
    page.session_state["model_view"] = view
    if model is not None:
        page.session_state["model"] = str(model)
    return run(page)


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click()
    return run(page)


def zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    write_zip(folder, buffer)
    return buffer.getvalue()


def put(bundle: Path, folder: Path, **changes: object) -> Path:
    """A copy of a bundle, with another card where there are changes."""
    shutil.copytree(bundle, folder)
    if changes:
        write_card(dataclasses.replace(read_card(folder), **changes), folder)  # type: ignore[arg-type]
    return folder


def upload(page: AppTest, data: bytes, name: str = "model.zip") -> AppTest:
    page.file_uploader[0].upload(name, data)
    return run(page)


def test_the_card_of_the_chosen_model_is_told_section_by_section(home: Path) -> None:
    page = open_model()
    shown = [expander.label for expander in page.expander]
    demo = read_card(DEMO)
    assert shown == [section.title for section in sections(demo)]
    for section in sections(demo, taxonomy=resources.taxonomy(), sizes=card.file_sizes(model_of(DEMO)), plain=plain):
        assert section.text in [element.value for element in page.markdown]
    assert {metric.label for metric in page.metric} >= {"Training images", "Held-out images", "AUC, Melanocytic"}
    assert [button.label for button in page.get("download_button")] == ["Card (Markdown)", "Model (zip)"]


def model_of(folder: Path) -> resources.Model:
    return next(model for model in resources.models()[0] if model.folder.resolve() == folder.resolve())


def test_the_page_without_any_model_still_imports_one(
    home: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("derm_model.card.bundle_roots", lambda: (home / "none", home / "bundles"))
    monkeypatch.setattr(bundles, "bundle_roots", lambda: (home / "none", home / "bundles"))
    page = open_model()
    assert "No model to read with" in texts(page)
    press(upload(page, zipped(tiny_bundle)), "Import this model")
    assert page.selectbox(key="model").value == str(home / "bundles" / "tiny")


def test_a_model_comes_in_by_zip_is_chosen_and_is_the_one_that_was_exported(home: Path, tiny_bundle: Path) -> None:
    page = upload(open_model("manage"), zipped(tiny_bundle))
    assert "8 training classes" in texts(page)
    assert "the one used here" in texts(page)
    assert page.text_input[0].value == "tiny"
    page.text_input[0].set_value("Our model")
    press(page, "Import this model")
    folder = home / "bundles" / "Our-model"
    assert page.selectbox(key="model").value == str(folder)
    assert "Our model is imported" in page.toast[0].value
    assert read_card(folder).name == "Our model"
    assert read_card(folder).bundle_id == read_card(tiny_bundle).bundle_id
    assert not page.file_uploader  # the card is shown; the next uploader is empty
    page.session_state["model_view"] = "manage"
    run(page)
    assert page.file_uploader[0].value is None
    assert card.as_zip(model_of(folder)) == zipped(folder)


def test_a_second_copy_gets_a_name_of_its_own(home: Path, tiny_bundle: Path) -> None:
    put(tiny_bundle, home / "bundles" / "tiny")
    page = upload(open_model("manage"), zipped(tiny_bundle))
    assert "The same weights are here already: tiny" in texts(page)
    assert page.text_input(key=f"import_name_0_{read_card(tiny_bundle).bundle_id}").value == "tiny 2"
    page.text_input(key=f"import_name_0_{read_card(tiny_bundle).bundle_id}").set_value("tiny")
    press(page, "Import this model")
    assert "under another name" in texts(page)  # beside the uploader, where the name can be changed
    assert "was not imported" in page.error[0].value
    page.text_input(key=f"import_name_0_{read_card(tiny_bundle).bundle_id}").set_value("tiny 2")
    press(page, "Import this model")
    assert (home / "bundles" / "tiny-2" / CARD_FILE).is_file()


def test_what_is_no_model_is_refused_beside_the_uploader(home: Path, tiny_bundle: Path) -> None:
    page = upload(open_model("manage"), b"PK nothing")
    assert "no zip file" in page.error[0].value
    assert not [button for button in page.button if button.label == "Import this model"]
    assert not (home / "bundles").exists()


def test_a_model_of_another_taxonomy_is_said_before_anything_is_unpacked(
    home: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    partition = dataclasses.replace(read_card(tiny_bundle).partition, taxonomy_digest="0" * 64)
    page = upload(open_model("manage"), zipped(put(tiny_bundle, tmp_path / "old", partition=partition)))
    assert "made for another taxonomy" in page.warning[0].value
    assert "`python -m derm_model taxonomy move`" in page.warning[0].value
    assert not [button for button in page.button if button.label == "Import this model"]


def test_weights_that_make_no_network_are_refused_when_they_are_loaded(
    home: Path, tiny_bundle: Path, tmp_path: Path
) -> None:
    network = dataclasses.replace(read_card(tiny_bundle).network, architecture="inception_v3")
    page = upload(open_model("manage"), zipped(put(tiny_bundle, tmp_path / "odd", network=network)))
    press(page, "Import this model")
    assert "are missing, unknown or of another shape" in page.error[0].value
    assert list((home / "bundles").iterdir()) == []


def test_a_failure_nobody_thought_of_is_a_reason_to_refuse(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("odd")

    monkeypatch.setattr("derm_model.net.bundle.load_bundle", fail)
    with pytest.raises(BundleError, match="RuntimeError: odd"):
        importing.load_once(tiny_bundle)


def test_a_server_of_other_folders_says_that_it_imports_nothing(
    home: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DERM_BUNDLES", str(tiny_bundle.parent))
    page = open_model("manage")
    assert not page.file_uploader
    assert "an imported one would not be offered" in texts(page)
    assert "whoever runs the server renames and deletes it" in texts(page)


def test_a_new_name_is_written_into_the_card_and_nowhere_else(home: Path, tiny_bundle: Path) -> None:
    folder = put(tiny_bundle, home / "bundles" / "tiny")
    page = open_model("manage", folder)
    page.text_input[0].set_value("  The  clinic's ")
    press(page, "Rename")
    assert "is called The clinic's now" in page.toast[0].value
    content = json.loads((folder / CARD_FILE).read_bytes())
    assert content["name"] == "The clinic's"
    assert content | {"name": "tiny"} == json.loads((tiny_bundle / CARD_FILE).read_bytes())
    assert (folder / WEIGHTS_FILE).read_bytes() == (tiny_bundle / WEIGHTS_FILE).read_bytes()
    assert any(element.value.startswith("### The clinic's ") for element in page.markdown)


def test_two_models_never_get_one_name(home: Path, tiny_bundle: Path) -> None:
    folder = put(tiny_bundle, home / "bundles" / "tiny")
    page = open_model("manage", folder)
    page.text_input[0].set_value("DEMO")
    press(page, "Rename")
    assert "Another model here is called" in page.error[0].value
    assert read_card(folder).name == "tiny"


def test_the_shipped_model_keeps_its_name_and_the_page_says_why(home: Path) -> None:
    page = open_model("manage")
    assert "neither renamed nor deleted" in texts(page)
    assert not [button for button in page.button if button.label in ("Rename", "Delete")]
    with pytest.raises(BundleError, match="shipped with dermtree"):
        shelf.rename(DEMO, "mine", [])
    with pytest.raises(BundleError, match="Only imported models"):
        shelf.delete(DEMO)


def test_a_trained_model_is_renamed_here_and_deleted_on_the_train_page(home: Path, tiny_bundle: Path) -> None:
    job = with_bundle(make_run(JobState.FINISHED), tiny_bundle)
    folder = job.paths.folder / "bundle"
    page = open_model("manage", folder)
    assert "deleted with its run, on the Train page" in texts(page)
    page.text_input[0].set_value("first of ours")
    press(page, "Rename")
    assert read_card(folder).name == "first of ours"
    with pytest.raises(BundleError, match="Only imported models"):
        shelf.delete(folder)


def test_a_model_whose_training_goes_on_is_not_renamed(home: Path, tiny_bundle: Path) -> None:
    job = with_bundle(make_run(JobState.RUNNING, n_epochs=2), tiny_bundle)
    with pytest.raises(BundleError, match="is going on"):
        shelf.rename(job.paths.folder / "bundle", "early", [])


def test_an_imported_model_is_deleted_only_after_a_question(home: Path, tiny_bundle: Path) -> None:
    folder = put(tiny_bundle, home / "bundles" / "tiny")
    page = press(open_model("manage", folder), "Delete")
    assert "goes for all who use this server" in texts(page)
    page.button(key="keep_model").click()
    run(page)
    assert folder.is_dir()
    press(page, "Delete")
    page.button(key="delete_model").click()
    run(page)
    assert list((home / "bundles").iterdir()) == []
    assert page.selectbox(key="model").value.endswith("assets/bundles/demo")


def test_a_model_knows_where_it_comes_from(home: Path, tmp_path: Path) -> None:
    assert shelf.kind_of(DEMO) is Kind.SHIPPED
    assert shelf.kind_of(home / "bundles" / "x") is Kind.IMPORTED
    assert shelf.kind_of(home / "runs" / "x" / "bundle") is Kind.TRAINED
    assert shelf.kind_of(tmp_path / "x") is Kind.OTHER
    assert shelf.kind_of(home / "bundles" / ".." / "x") is Kind.OTHER


def test_figures_of_different_images_come_with_a_warning(home: Path, tiny_bundle: Path) -> None:
    put(tiny_bundle, home / "bundles" / "tiny")
    page = open_model("compare")
    assert "Not known to be the same held-out images." in page.warning[0].value
    said = texts(page)
    assert "| invented | – | 50% (40" in said
    only = said.partition("Only in")[2]
    assert "Benign vascular tumors" in only
    assert "Pigmented benign keratosis" not in only  # a class of both
    assert "3 in both" in said


def test_one_model_has_nothing_to_be_compared_with(home: Path) -> None:
    assert "There is no other model here" in texts(open_model("compare"))


def test_a_copy_is_known_to_be_judged_on_the_same_images(home: Path, tiny_bundle: Path) -> None:
    folder = put(tiny_bundle, home / "bundles" / "tiny")
    put(tiny_bundle, home / "bundles" / "copy")
    page = open_model("compare", folder)
    page.selectbox(key="model_other").set_value(str(home / "bundles" / "copy"))
    run(page)
    assert "one is a copy of the other" in texts(page)
    assert not page.warning
    assert plain("tiny (copy)") in texts(page)  # two of one name are told apart by their folders


def write_split(folder: Path, held_out: list[str]) -> None:
    with (folder / "split.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["source", "image_id", "part"])
        writer.writerows([("own", name, "test") for name in held_out] + [("own", "z", "train")])


def test_the_splits_of_two_trainings_say_whether_their_held_out_images_are_the_same(
    home: Path, tiny_bundle: Path
) -> None:
    pairs = []
    for number, held_out in enumerate((["a", "b"], ["b", "a"], ["b", "c"])):
        run_folder = home / "runs" / str(number)
        run_folder.mkdir(parents=True)
        bundle = put(tiny_bundle, run_folder / "bundle", weights_sha256=str(number) * 64)
        write_split(run_folder, held_out)
        pairs.append((bundle, read_card(bundle)))
    assert differences.how_alike(pairs[0], pairs[1]).same is True
    different = differences.how_alike(pairs[0], pairs[2])
    assert different.same is False
    assert "1 of their 2 and 2 held-out images are shared" in different.reason
    (home / "runs" / "1" / "split.csv").write_text("nonsense\n1\n")
    assert differences.how_alike(pairs[0], pairs[1]).same is None


def test_another_n_under_one_name_means_other_images(tiny_bundle: Path) -> None:
    one = read_card(tiny_bundle)
    fewer = tuple(dataclasses.replace(metric, n=metric.n - 1) for metric in one.metrics)
    other = dataclasses.replace(one, weights_sha256="0" * 64, metrics=fewer)
    assert differences.how_alike((tiny_bundle, one), (tiny_bundle, other)).same is False
    assert differences.figure_rows(one, other, str)[0][-1] == "300 / 299"


def test_evaluations_of_both_on_the_very_same_images_are_named(home: Path, tiny_bundle: Path) -> None:
    one = read_card(tiny_bundle)
    other = dataclasses.replace(one, bundle_id="other-00000000")
    for card_, digests in ((one, ("d1", "d2")), (other, ("d2", "d3"))):
        for digest in digests:
            what = About(f"images {digest}", card_.bundle_id, digest, "2026-11-24T00:00:00+00:00", 12, ("a",))
            folder_of(what).mkdir(parents=True)
            (folder_of(what) / "about.json").write_text(json.dumps(dataclasses.asdict(what)))
    assert differences.evaluated_on_both(one, other) == ["images d2 (12 images)"]
