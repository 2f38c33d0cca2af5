"""The Model page in a real browser: its look, the way out and the way in of a model, and a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from derm_model.bundle_zip import look_into
from derm_model.card import WEIGHTS_FILE, read_card
from scripts.running_app import running_app
from tests.browser.conftest import OpenPage
from tests.browser.layout import NARROW_PX, download, downloaded, expect_no_sideways_scroll
from tests.browser.test_dataset import press_option
from tests.support import make_tiny_bundle

READY = "Intended use"


@pytest.fixture(scope="module")
def model_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one imported model."""
    home = tmp_path_factory.mktemp("home")
    make_tiny_bundle(home / "bundles" / "tiny")
    return home


@pytest.fixture(scope="module")
def model_url(browser: Browser, model_home: Path) -> Iterator[str]:
    """A server with the shipped model and the imported one."""
    with running_app(model_home / "log.txt", None, {"DERM_HOME": str(model_home)}) as url:
        yield url


def choose_model(page: Page, name: str) -> None:
    box = page.get_by_test_id("stSidebar").get_by_role("combobox", name="Model")
    box.fill(name)
    box.press("Enter")
    expect(page.get_by_role("heading", name=name)).to_be_visible()


def test_the_card_folds_and_can_be_taken_away(open_page: OpenPage, model_url: str) -> None:
    page = open_page("/", url=model_url)
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Model").click()
    expect(page.get_by_text("Balanced accuracy is the mean")).to_be_visible()
    expect(page.get_by_text("stratified by source")).to_be_hidden()
    page.locator("summary").filter(has_text="Data").click()
    expect(page.get_by_text("stratified by source")).to_be_visible()
    text = downloaded(page, "Card (Markdown)").decode()
    assert text.startswith("# Model card: demo\n")
    assert "## Limits" in text


def test_a_model_goes_out_as_a_zip_comes_in_under_another_name_and_goes(
    open_page: OpenPage, model_url: str, model_home: Path, tmp_path: Path
) -> None:
    page = open_page("/model", url=model_url, ready=READY)
    choose_model(page, "tiny")
    path = tmp_path / "tiny.zip"
    download(page, "Model (zip)").save_as(path)
    with path.open("rb") as file:
        assert look_into(file).name == "tiny"

    press_option(page, "Import and manage")
    page.locator('input[type="file"]').set_input_files(path)
    expect(page.locator(".st-key-model_found")).to_contain_text("the one used here")
    name = page.get_by_label("Name here")
    expect(name).to_have_value("tiny 2")
    name.fill("tiny")
    name.press("Enter")
    page.get_by_role("button", name="Import this model").click()
    expect(page.locator(".st-key-model_found")).to_contain_text("Import this one under another name")
    name.fill("The round trip")
    name.press("Enter")
    page.get_by_role("button", name="Import this model").click()
    expect(page.get_by_role("heading", name="The round trip")).to_be_visible()
    expect(page.get_by_test_id("stSidebar").get_by_role("combobox", name="Model")).to_have_value("The round trip")
    original, copy = model_home / "bundles" / "tiny", model_home / "bundles" / "The-round-trip"
    assert (copy / WEIGHTS_FILE).read_bytes() == (original / WEIGHTS_FILE).read_bytes()
    assert read_card(copy).bundle_id == read_card(original).bundle_id

    press_option(page, "Compare")
    expect(
        page.get_by_text("of different images are not comparable").or_(page.get_by_text("one is a copy"))
    ).to_be_visible()
    press_option(page, "Import and manage")
    page.get_by_role("textbox", name="Name", exact=True).fill("Renamed")
    page.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", name="Renamed")).to_be_visible()
    press_option(page, "Card")  # the choice in the sidebar outlives the change of its own label
    expect(page.get_by_text("Balanced accuracy is the mean")).to_be_visible()
    expect(page.get_by_role("heading", name="Renamed")).to_be_visible()
    press_option(page, "Import and manage")
    page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("This cannot be undone")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Renamed is deleted")).to_be_visible()
    expect(page.get_by_role("heading", name="demo")).to_be_visible()
    assert not copy.exists()


def test_a_file_that_is_no_model_is_refused_beside_the_uploader(
    open_page: OpenPage, model_url: str, tmp_path: Path
) -> None:
    page = open_page("/model", url=model_url, ready=READY)
    press_option(page, "Import and manage")
    (tmp_path / "notes.zip").write_bytes(b"no zip at all")
    page.locator('input[type="file"]').set_input_files(tmp_path / "notes.zip")
    expect(page.get_by_text("notes.zip was not imported.")).to_be_visible()
    expect(page.get_by_role("button", name="Import this model")).to_have_count(0)


def test_no_view_scrolls_sideways_at_390_px(open_page: OpenPage, model_url: str) -> None:
    page = open_page("/model", width=NARROW_PX, url=model_url, ready=READY)
    for title in ("Data", "Training", "Partition", "Calibration", "Operating points", "Files and identity"):
        page.locator("summary").filter(has_text=title).first.click()
    expect(page.get_by_text("Taxonomy digest")).to_be_visible()
    expect_no_sideways_scroll(page)
    press_option(page, "Compare")
    expect(page.get_by_text("How they were made")).to_be_visible()
    expect_no_sideways_scroll(page)
    press_option(page, "Import and manage")
    expect(page.get_by_text("Import a model")).to_be_visible()
    expect_no_sideways_scroll(page)
