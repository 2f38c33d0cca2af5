"""The threshold desk in a real browser: what follows the hand, the click on the curve, narrow and dark pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from derm_model import words
from derm_model.assessment.numbers import prevalence
from derm_model.card import read_card
from derm_model.evaluation.curves import OperatingCurve
from derm_model.evaluation.predictive import PREVALENCES, over_prevalences, predictive_values
from derm_model.operating_points import points_file
from derm_model.palette import DARK, LIGHT
from scripts.running_app import running_app
from tests.browser.conftest import OpenPage
from tests.browser.layout import NARROW_PX, expect_no_sideways_scroll
from tests.browser.test_classify import ask, drawing, upload

DESK = "/threshold?question=melanocytic&threshold=0.4&prevalence=0.05"
READY = "The address of this page"
LIMIT_MS = 200
MARKS = ("desk_curve", "desk_scores", "desk_benefit", "desk_predictive")

# Moves the slider as a hand does, and waits frame by frame until each part of the page has changed.
MOVE = """
([steps, wanted]) => new Promise(done => {
  const all = (root, name) => {
    const found = [...root.querySelectorAll(name)]
    for (const e of root.querySelectorAll('*')) if (e.shadowRoot) found.push(...all(e.shadowRoot, name))
    return found
  }
  const range = all(document, '#range')[0]
  const text = (key, part) => () => all(document.querySelector('.st-key-' + key), part).map(e => e.innerHTML).join()
  const parts = {
    numbers: text('desk_readout', '#readout'), people: text('desk_people', '#people'),
    counts: text('desk_counts', '#table'), benefit: text('desk_benefit_text', 'p'),
    on_curve: text('desk_curve', '.dermtree-marks'), on_scores: text('desk_scores', '.dermtree-marks'),
    on_benefit: text('desk_benefit', '.dermtree-marks'),
    on_predictive: text('desk_predictive', '.dermtree-marks'), needed: text('desk_needed', '#table'),
  }
  const before = Object.fromEntries(Object.keys(parts).map(name => [name, parts[name]()]))
  const after = {}
  const start = performance.now()
  range.value = Number(range.value) + steps
  range.dispatchEvent(new Event('input', { bubbles: true }))
  range.dispatchEvent(new Event('change', { bubbles: true }))
  const look = () => {
    const now = performance.now() - start
    for (const name in parts) if (!(name in after) && parts[name]() !== before[name]) after[name] = now
    if (Object.keys(after).length < wanted && now < 5000) requestAnimationFrame(look)
    else done(after)
  }
  look()
})
"""


@pytest.fixture(scope="module")
def curve(tiny_bundle: Path) -> OperatingCurve:
    found = read_card(tiny_bundle).tasks["melanocytic"].holdout
    assert found is not None
    return found


@pytest.fixture
def desk(open_page: OpenPage) -> Page:
    page = open_page(DESK, ready=READY)
    wait_for_marks(page)
    return page


def wait_for_marks(page: Page) -> None:
    for name in MARKS:
        expect(page.locator(f".st-key-{name} .dermtree-marks > *").first).to_be_attached()


def numbers(page: Page) -> str:
    return page.locator(".st-key-desk_readout dl").inner_text()


def set_threshold(page: Page, value: str) -> None:
    box = page.get_by_label("Threshold as a number")
    box.fill(value)
    box.press("Enter")


def query(page: Page) -> dict[str, str]:
    return {key: values[0] for key, values in parse_qs(urlsplit(page.url).query).items()}


def test_everything_follows_one_move_of_the_slider_within_a_fifth_of_a_second(
    desk: Page, capsys: pytest.CaptureFixture[str]
) -> None:
    moves = [desk.evaluate(MOVE, [0.04, 9]) for _ in range(7)]
    assert all(len(move) == 9 for move in moves), moves
    slowest = sorted(max(move.values()) for move in moves)
    with capsys.disabled():
        print(f"\nthreshold desk, one move of the slider: all nine parts after {median(slowest):.0f} ms (median of")
        print(f"{len(slowest)} moves), {slowest[-1]:.0f} ms at most")
    assert median(slowest) < LIMIT_MS  # the median: a busy machine is not our slowness


def test_the_numbers_are_those_of_the_curve_and_the_mark_lies_on_it(desk: Page, curve: OperatingCurve) -> None:
    set_threshold(desk, "0.55")
    point = curve.at_threshold(0.55)
    expect(desk.locator(".st-key-desk_readout").get_by_text(f"{point.sensitivity:.0%}", exact=True)).to_be_visible()
    said = numbers(desk)
    assert words.interval(*point.sensitivity_interval) in said
    assert words.interval(*point.specificity_interval) in said
    table = desk.locator(".st-key-desk_counts table").inner_text().split()
    counts = point.counts
    assert [n for n in table if n.isdigit()][:4] == list(
        map(str, (counts.found, counts.false_alarms, counts.missed, counts.spared))
    )
    at = desk.evaluate(
        """() => {
          const chart = document.querySelector('.st-key-desk_curve .js-plotly-plot'), l = chart._fullLayout
          const ring = chart.querySelector('.dermtree-marks circle')
          return [l.xaxis.p2d(ring.cx.baseVal.value - l.xaxis._offset),
                  l.yaxis.p2d(ring.cy.baseVal.value - l.yaxis._offset)]
        }"""
    )
    assert at == pytest.approx([point.sensitivity, point.specificity], abs=1e-4)  # SVG keeps single precision


def test_predictive_values_drawn_by_the_page_are_those_of_python_at_every_prevalence(
    desk: Page, curve: OperatingCurve
) -> None:
    set_threshold(desk, "0.55")
    point = curve.at_threshold(0.55)
    table = desk.locator(".st-key-desk_needed table")
    for found in over_prevalences(point, PREVALENCES):
        name = desk.get_by_role("rowheader", name=prevalence(found.prevalence), exact=True)
        row = table.locator("tr", has=name)
        expect(row.locator("td").nth(0)).to_have_text(told(found.ppv))
        expect(row.locator("td").nth(1)).to_have_text(told(found.npv))
        needed = "not defined" if found.needed_to_biopsy is None else f"{found.needed_to_biopsy:,.1f}"
        expect(row.locator("td").nth(2)).to_have_text(needed)
    drawn = desk.evaluate(
        """() => {
          const chart = document.querySelector('.st-key-desk_predictive .js-plotly-plot'), l = chart._fullLayout
          const read = e => e.getAttribute('points').split(' ').map(pair => pair.split(',').map(Number)).map(
            ([x, y]) => [l.xaxis.p2d(x - l.xaxis._offset), l.yaxis.p2d(y - l.yaxis._offset)])
          return ['polygon', 'polyline'].map(tag => [...chart.querySelectorAll('.dermtree-marks ' + tag)].map(read))
        }"""
    )
    for edges, lines, name in ((drawn[0][0], drawn[1][0], "ppv"), (drawn[0][1], drawn[1][1], "npv")):
        assert (len(lines), len(edges)) == (60, 120)
        for (share, value), (_, low), (_, high) in zip(lines, edges[:60], edges[:59:-1], strict=True):
            expected = predictive_values(point, share)
            assert value == pytest.approx(getattr(expected, name), abs=1e-4)
            assert (low, high) == pytest.approx(getattr(expected, f"{name}_interval"), abs=1e-4)


def told(share: float | None) -> str:
    return "not defined" if share is None else words.fine_percent(share)


def click_curve(page: Page, curve: OperatingCurve, share: float) -> float:
    """Click the stored point at a share of the way along the curve; its threshold."""
    index = int(share * curve.thresholds.size)
    target = (float(curve.sensitivity[index]), float(curve.specificity[index]))
    chart = page.locator(".st-key-desk_curve .js-plotly-plot")
    chart.scroll_into_view_if_needed()
    x, y = page.evaluate(
        """([x, y]) => {
          const chart = document.querySelector('.st-key-desk_curve .js-plotly-plot'), l = chart._fullLayout
          const box = chart.getBoundingClientRect()
          return [box.x + l.xaxis._offset + l.xaxis.d2p(x), box.y + l.yaxis._offset + l.yaxis.d2p(y)]
        }""",
        list(target),
    )
    page.mouse.move(x - 3, y)
    page.mouse.move(x, y)
    page.wait_for_timeout(200)  # plotly looks for what is under the pointer
    page.mouse.click(x, y)
    return float(curve.thresholds[index])


def test_a_click_on_the_curve_sets_the_threshold_and_the_same_place_works_again(
    desk: Page, curve: OperatingCurve
) -> None:
    box = desk.get_by_label("Threshold as a number")
    for _ in range(2):
        threshold = click_curve(desk, curve, 0.6)
        expect(box).to_have_value(re.compile(r"0\.\d+"))
        desk.wait_for_function("t => Math.abs(window._dermtreeThreshold - t) < 0.02", arg=threshold)
        clicked = float(box.input_value())
        assert abs(clicked - threshold) < 0.02  # the nearest of points that lie a pixel apart
        wait_for_marks(desk)
        # the address first: one that still says 0.2 from the round before would pass for the answer to this one
        desk.wait_for_function(
            "t => Math.abs(new URLSearchParams(location.search).get('threshold') - t) < 0.02", arg=threshold
        )
        set_threshold(desk, "0.2")
        expect(box).to_have_value("0.200")
        desk.wait_for_function("() => location.search.includes('threshold=0.2&')")
    expect(desk.get_by_text("This threshold was chosen on the images it is shown on.")).to_be_visible()


def test_the_slider_works_by_keyboard_and_the_address_follows(desk: Page) -> None:
    slider = desk.get_by_label("Threshold on the score")
    slider.focus()
    for _ in range(30):
        slider.press("ArrowRight")
    expect(desk.get_by_label("Threshold as a number")).to_have_value("0.430")
    desk.wait_for_function("() => location.search.includes('threshold=0.43&')")
    assert query(desk)["chosen"] == "holdout"


def test_the_address_reproduces_the_view_in_another_session(open_page: OpenPage, desk: Page) -> None:
    desk.get_by_role("button", name="Keep 0.400 as B").click()
    expect(desk.get_by_role("button", name="Remove B")).to_be_visible()
    set_threshold(desk, "0.61")
    desk.wait_for_function("() => location.search.includes('threshold=0.61&') && location.search.includes('compare')")
    again = open_page("/threshold?" + urlsplit(desk.url).query, ready=READY)
    wait_for_marks(again)
    assert numbers(again) == numbers(desk)
    assert again.locator(".st-key-desk_people").inner_text() == desk.locator(".st-key-desk_people").inner_text()
    assert query(again) == query(desk)
    expect(again.get_by_text("A, in force")).to_be_visible()


def test_the_people_have_a_text_alternative_that_adds_up(desk: Page) -> None:
    name = desk.locator(".st-key-desk_people svg[role=img]").get_attribute("aria-label")
    assert name is not None
    counted = [int(n) for n in re.findall(r"\b\d+\b", name)]
    assert len(counted) == 4
    assert sum(counted) == 1000
    assert counted[0] + counted[1] == 50
    for key in MARKS:
        expect(desk.locator(f".st-key-{key}")).to_have_count(1)


def test_the_desk_fits_a_narrow_page(open_page: OpenPage) -> None:
    page = open_page(DESK + "&compare=0.7", width=NARROW_PX, ready=READY)
    wait_for_marks(page)
    expect_no_sideways_scroll(page)
    picture = page.locator(".st-key-desk_people svg[role=img]")
    expect(picture).to_have_attribute("viewBox", "0 0 250 400")


@pytest.mark.parametrize("dark", [False, True])
def test_marks_take_the_colours_of_the_theme(open_page: OpenPage, dark: bool) -> None:
    page = open_page(DESK, dark=dark, ready=READY)
    wait_for_marks(page)
    stroke = page.locator(".st-key-desk_curve .dermtree-marks circle").get_attribute("stroke")
    assert stroke is not None
    assert stroke.lower() == (DARK if dark else LIGHT).accent.lower()


@pytest.fixture
def own_home(tmp_path: Path, tiny_bundle: Path, browser: Browser) -> Iterator[str]:
    """A server whose runtime data nobody else uses."""
    with running_app(tmp_path / "log.txt", tiny_bundle.parent, {"DERM_HOME": str(tmp_path / "home")}) as url:
        yield url


def test_a_point_that_is_saved_stands_in_the_list_of_classify(
    open_page: OpenPage, own_home: str, tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(DESK, url=own_home, ready=READY)  # the first page of a fresh server: it runs without app.py
    page.get_by_text("Save it under a name").click()
    page.get_by_label("Name", exact=True).fill("Our clinic")
    page.get_by_label("Who chose it").fill("Dr. Ada")
    page.get_by_label("Why").fill("few may be missed")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved by Dr. Ada")).to_be_visible()
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    assert points_file(read_card(tiny_bundle).bundle_id).is_file()
    reading = open_page("/classify", url=own_home)
    upload(reading, drawing(1))
    ask(reading)
    reading.get_by_text("Our clinic (saved)").first.click()
    expect(reading.get_by_role("img", name="threshold 0.40")).to_be_visible()
