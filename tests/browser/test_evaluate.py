"""The Evaluate page in a real browser: from drawn images to figures, the map under the hand, and a narrow screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from scripts.running_app import running_app
from tests.browser.conftest import OpenPage
from tests.browser.layout import NARROW_PX, downloaded, expect_no_sideways_scroll, wait_until_still
from tests.browser.test_dataset import press_option
from tests.net.drawn import write_drawn_manifest

JOB_TIMEOUT_MS = 180_000  # a process that imports torch, on a busy machine
READY = "New evaluation"
N = 24


@pytest.fixture(scope="module")
def evaluate_url(browser: Browser, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with an empty home and drawn images below the folder it may read."""
    home, data = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("data")
    write_drawn_manifest(data / "drawn", N // 2)
    variables = {"DERM_HOME": str(home), "DERM_DATA": str(data)}
    with running_app(home / "log.txt", tiny_bundle.parent, variables) as url:
        yield url


def section(page: Page, name: str) -> None:
    box = page.locator(".st-key-evaluation_section")
    box.get_by_role("radio", name=name).or_(box.get_by_role("button", name=name)).first.click()


@pytest.mark.slow
def test_from_drawn_images_to_figures_and_the_address_brings_them_back(open_page: OpenPage, evaluate_url: str) -> None:
    page = open_page("/evaluate", url=evaluate_url, ready=READY)
    expect(page.get_by_text("No evaluation of tiny yet")).to_be_visible()
    expect(page.get_by_role("combobox", name="Labelled images")).to_have_value("drawn/manifest.csv")
    page.get_by_label("Name", exact=True).fill("drawn twice")
    page.get_by_label("Name", exact=True).press("Enter")
    page.get_by_role("button", name="Evaluate", exact=True).click()
    expect(page.locator(".st-key-evaluation_matrix_nine .js-plotly-plot")).to_be_visible(timeout=JOB_TIMEOUT_MS)
    expect(page.get_by_test_id("stMain")).to_contain_text("Whether the model learnt from these images is not known")
    expect(page.locator(".st-key-evaluation_metrics")).to_contain_text("Nine-way accuracy")

    section(page, "Questions")
    expect(page.locator(".st-key-evaluation_curve_paper .js-plotly-plot")).to_be_visible()
    press_option(page, "ROC")
    expect(page.locator(".st-key-evaluation_curve_roc .js-plotly-plot")).to_be_visible()
    expect(page).to_have_url(re.compile("section=questions.*axes=roc"))
    assert len(downloaded(page, "Answers (CSV)").splitlines()) == N + 1

    again = open_page(page.url.removeprefix(evaluate_url), url=evaluate_url, ready=READY)
    expect(again.locator(".st-key-evaluation_curve_roc .js-plotly-plot")).to_be_visible()


@pytest.mark.slow
def test_a_point_of_the_map_shows_its_image_and_a_lasso_a_gallery(open_page: OpenPage, evaluate_url: str) -> None:
    page = open_page("/evaluate?section=map", url=evaluate_url, ready=READY)
    page.get_by_role("button", name="Make the map").click()
    chart = page.locator("[class*=st-key-evaluation_map] .js-plotly-plot")
    expect(chart).to_be_visible(timeout=JOB_TIMEOUT_MS)
    press_option(page, "Click")
    expect(page.locator("[class*=st-key-evaluation_map_diseases_click]")).to_be_visible()
    points = chart.locator(".scatterlayer .trace path.point")
    expect(points).to_have_count(N)
    wait_until_still(page)
    points.last.scroll_into_view_if_needed()
    place = points.last.bounding_box()
    assert place is not None
    page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    expect(page.get_by_text("1 image chosen")).to_be_visible()
    chosen = page.locator(".st-key-evaluation_chosen")
    expect(chosen.locator("img")).to_have_count(1)
    expect(chosen).to_contain_text("Truth: ")

    press_option(page, "Lasso")
    expect(page.locator("[class*=st-key-evaluation_map_diseases_lasso]")).to_be_visible()
    expect(page.get_by_text("1 image chosen")).to_have_count(0)
    wait_until_still(page)
    points.last.scroll_into_view_if_needed()
    area = chart.locator(".nsewdrag").first.bounding_box()
    assert area is not None
    left, top = area["x"] + 2, area["y"] + 2
    right, bottom = area["x"] + area["width"] - 2, area["y"] + area["height"] - 2
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 4)):
        page.mouse.move(x, y, steps=6)
    page.mouse.up()
    expect(page.get_by_text(f"{N} images chosen")).to_be_visible()
    expect(chosen.locator("img")).to_have_count(N)


@pytest.mark.slow
def test_no_section_scrolls_sideways_at_390_px(open_page: OpenPage, evaluate_url: str) -> None:
    page = open_page("/evaluate", width=NARROW_PX, url=evaluate_url, ready=READY)
    expect(page.locator(".st-key-evaluation_matrix_nine .js-plotly-plot")).to_be_visible()
    for name, there in (
        ("Levels", ".st-key-evaluation_matrix_nine"),
        ("Questions", ".st-key-evaluation_decision"),
        ("Calibration", ".st-key-reliability_answers"),
        ("Unusual images", ".st-key-evaluation_distances"),
        ("Compare", ".st-key-section_compare"),
        ("Map", "[class*=st-key-evaluation_map]"),
    ):
        wait_until_still(page)
        section(page, name)
        expect(page.locator(there).first, name).to_be_visible()
        expect_no_sideways_scroll(page)
