"""The taxonomy page in a real browser: the tree under pointer and keys, the slider, the steps, narrow and dark."""

from __future__ import annotations

import re
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from derm_model.taxonomy import partition, read_crosswalk, read_taxonomy
from derm_model.taxonomy.published import count_nodes, read_published
from derm_model.taxonomy.recursion import ENTER, trace
from pages.ui.taxonomy.counting import FIRST_SETS
from tests.browser.conftest import OpenPage
from tests.browser.layout import NARROW_PX, downloaded, expect_no_sideways_scroll, wait_until_still
from tests.browser.test_classify import drawing, upload

READY = "Look at the tree"
LIMIT_MS = 300
FIND = """(name) => {
  const all = (root) => {
    const found = [...root.querySelectorAll(name)]
    for (const e of root.querySelectorAll('*')) if (e.shadowRoot) found.push(...all(e.shadowRoot))
    return found
  }
  return all(document)[0]
}"""
# Moves the slider as a hand does, and waits for the frame in which numbers and tree are drawn.
MOVE = f"""(step) => new Promise(done => {{
  const find = {FIND}
  const range = find('#limit')
  const start = performance.now()
  range.value = step
  range.dispatchEvent(new Event('input', {{ bubbles: true }}))
  requestAnimationFrame(() => setTimeout(() => done({{
    ms: performance.now() - start,
    limit: Number(find('#number').value),
    practical: [...find('.numbers').querySelectorAll('td.practical')].map(e => e.textContent),
    faithful: [...find('.numbers').querySelectorAll('td.faithful')].map(e => e.textContent),
  }}), 0))
}})"""
# Presses a box and counts the frames until the zoom is over.
ZOOM = f"""([x, y]) => new Promise(done => {{
  const frame = ({FIND})('.frame')
  const box = frame.getBoundingClientRect()
  const times = []
  const drawn = []
  const start = performance.now()
  const place = {{ clientX: box.left + x * box.width, clientY: box.top + y * box.height }}
  frame.dispatchEvent(new MouseEvent('click', place))
  const look = (now) => {{
    times.push(now)
    drawn.push(Number(frame.dataset.drawMs))
    if (now - start < 400) requestAnimationFrame(look)
    else done({{ frames: times.length, draw: Math.max(...drawn) }})
  }}
  requestAnimationFrame(look)
}})"""


def counts() -> dict[str, int]:
    return count_nodes(FIRST_SETS, read_published(), read_crosswalk(read_taxonomy())).by_node


def number(text: str) -> int:
    """Of ``1,234 (5%)``."""
    return int(text.split(" ")[0].replace(",", ""))


def open_section(open_page: OpenPage, section: str, **options: Any) -> Page:
    page = open_page(f"/taxonomy?section={section}", ready=READY, **options)
    expect(page.locator(".frame canvas").first).to_be_visible()
    wait_until_still(page)
    return page


def test_a_press_zooms_in_and_tells_of_the_node_and_the_address_holds_it(open_page: OpenPage) -> None:
    page = open_section(open_page, "explore")
    frame = page.locator(".frame")
    box = frame.bounding_box()
    assert box is not None
    frame.click(position={"x": 20, "y": box["height"] * 0.05})
    expect(page.get_by_role("heading", name="Malignant single lesions")).to_be_visible()
    expect(page).to_have_url(re.compile("node=malignant"))
    expect(page.get_by_role("navigation", name="Where the tree is zoomed to")).to_contain_text(
        "Malignant single lesions"
    )
    page.get_by_role("button", name="All diseases").click()
    expect(page.locator(".crumbs [aria-current]")).to_have_text("All diseases")


def test_zooming_through_two_thousand_boxes_is_fluid(open_page: OpenPage) -> None:
    page = open_section(open_page, "explore")
    found = [page.evaluate(ZOOM, place) for place in ([0.3, 0.05], [0.05, 0.5], [0.05, 0.5])]
    print("zoom", found)
    assert median(run["draw"] for run in found) < 16  # ms: one frame
    assert min(run["frames"] for run in found) > 8  # of some 24: a shared machine has hiccups


def test_the_tree_is_walked_by_keys_and_told_to_who_cannot_see_it(open_page: OpenPage) -> None:
    page = open_section(open_page, "explore")
    page.locator(".frame").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    tree = read_taxonomy()
    second = tree.node(tree.children(tree.children(None)[0])[1])
    expect(page.locator(".live")).to_contain_text(second.name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=second.name)).to_be_visible()
    page.locator(".frame").focus()
    page.keyboard.press("Home")
    expect(page.locator(".crumbs [aria-current]")).to_have_text("All diseases")


def test_the_search_finds_a_misspelt_synonym(open_page: OpenPage) -> None:
    page = open_section(open_page, "explore")
    page.get_by_label(re.compile("^Search 2,226")).fill("bowns disease")
    page.get_by_role("button", name=re.compile("Bowen disease")).first.click()
    expect(page.get_by_role("heading", name=re.compile("Bowen disease"))).to_be_visible()
    expect(page.locator(".crumbs [aria-current]")).not_to_have_text("All diseases")  # the tree shows it, too


def test_the_slider_recuts_the_tree_in_time_and_as_the_algorithm_does(open_page: OpenPage) -> None:
    page = open_section(open_page, "lab")
    tree, images = read_taxonomy(), counts()
    times = []
    for step in (0, 150, 300, 420, 500, 560, 645, 700, 780, 850, 930, 1000):
        seen = page.evaluate(MOVE, step)
        times.append(seen["ms"])
        for mode in ("practical", "faithful"):
            found = partition(tree, images, seen["limit"], mode)
            classes, empty, lost, _, over, _ = seen[mode]
            assert number(classes) == len(found.classes)
            assert number(empty) == len(found.empty_classes)
            assert number(lost) == found.n_lost
            assert number(over) == sum(c.n_images >= seen["limit"] for c in found.classes)
    print("slider", [round(ms) for ms in times])
    assert median(times) < LIMIT_MS
    assert sorted(times)[-2] < 2 * LIMIT_MS  # one hiccup of a shared machine is forgiven


def test_releasing_the_slider_tells_python_and_the_address(open_page: OpenPage) -> None:
    page = open_section(open_page, "lab")
    page.get_by_label("maxClassSize as a number").fill("200")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("limit=200"))
    n_classes = len(partition(read_taxonomy(), counts(), 200).classes)
    expect(page.get_by_text(f"Here 200 gives {n_classes} classes")).to_be_visible()
    page.get_by_role("button", name="Show faithful").click()
    expect(page).to_have_url(re.compile("rule=faithful"))
    expect(page.get_by_role("button", name="Show faithful")).to_have_attribute("aria-pressed", "true")
    assert '"rule": "faithful"' in downloaded(page, "Partition (JSON)").decode()


def test_the_rule_that_the_tree_shows_follows_the_address_back(open_page: OpenPage) -> None:
    page = open_section(open_page, "lab")
    page.get_by_role("button", name="Show faithful").click()
    expect(page).to_have_url(re.compile("rule=faithful"))
    page.go_back()
    expect(page).to_have_url(re.compile("rule=practical"))
    expect(page.get_by_role("button", name="Show practical")).to_have_attribute("aria-pressed", "true")
    assert '"rule": "practical"' in downloaded(page, "Partition (JSON)").decode()


def test_the_recursion_is_walked_by_keys_to_the_end_and_jumped_into(open_page: OpenPage) -> None:
    page = open_section(open_page, "steps")
    run = trace(read_taxonomy(), counts(), 1000)
    current = page.locator(".listing [aria-current]")
    expect(current).to_contain_text("empty list")
    page.get_by_role("button", name="Next", exact=True).focus()
    for line in ("PARTITION(root)", "function PARTITION", "DESCENDANTS(node)", "NUMIMAGES(class) <"):
        page.keyboard.press("ArrowRight")
        expect(current).to_contain_text(line)
    page.keyboard.press("b")
    expect(current).to_contain_text("class ← DESCENDANTS")
    page.keyboard.press("e")
    expect(current).to_contain_text("return partition")
    expect(page.locator(".now")).to_contain_text(f"{len(run.partition.classes)} classes")
    page.keyboard.press("s")
    page.keyboard.press("a")
    expect(page.locator(".now")).to_contain_text("1 class")
    page.locator(".frame").focus()
    page.keyboard.press("Home")
    wait_until_still(page)  # the zoom is over
    page.locator(".frame").click(position={"x": 15, "y": 140})  # the root "benign"
    step = next(i for i, s in enumerate(run.steps) if s.line == ENTER and s.node == "benign")
    expect(page.locator(".now")).to_contain_text(f"{step + 1:,} of {len(run.steps):,}")


def test_two_partitions_are_shown_in_turn(open_page: OpenPage) -> None:
    page = open_section(open_page, "compare")
    expect(page.get_by_text("classes in A")).to_be_visible()
    show_a = page.get_by_role("button", name=re.compile("^Show A"))
    show_a.click()
    expect(show_a).to_have_attribute("aria-pressed", "true")


def test_the_inference_of_an_image_of_the_session_is_drawn(open_page: OpenPage) -> None:
    page = open_page("/")
    upload(page, drawing(1))
    wait_until_still(page)
    page.get_by_role("link", name="Taxonomy").click()
    expect(page.get_by_text(READY)).to_be_visible()
    page.get_by_role("radio", name="Inference").or_(page.get_by_role("button", name="Inference")).first.click()
    expect(page.locator(".st-key-taxonomy_inference .main-svg").first).to_be_visible()


def test_a_node_leads_to_classify_where_it_is_picked(open_page: OpenPage) -> None:
    page = open_page("/")
    page.get_by_role("link", name="Taxonomy").click()
    expect(page.get_by_text(READY)).to_be_visible()
    page.get_by_label(re.compile("^Search 2,226")).fill("melanoma in situ")
    page.get_by_role("button", name=re.compile("^arrow_right Melanoma in situ|Melanoma in situ")).first.click()
    page.get_by_role("link", name="Ask about it on Classify").click()
    expect(page.get_by_text("Picked: Melanoma in situ")).to_be_visible()


def test_the_lab_fills_the_training_form(open_page: OpenPage) -> None:
    page = open_page("/")
    page.goto(page.url + "taxonomy?section=lab&limit=200")
    page.get_by_role("button", name="Use it in a training").click()
    box = page.get_by_role("spinbutton", name="Largest class")
    expect(page.get_by_text("of the partition lab")).to_be_visible()
    expect(box).to_have_value("200")


@pytest.mark.parametrize("section", ["explore", "lab", "steps", "compare", "own"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_is_wider_than_a_phone(open_page: OpenPage, section: str, dark: bool) -> None:
    page = open_page(f"/taxonomy?section={section}&node=melanoma", width=NARROW_PX, dark=dark, ready=READY)
    wait_until_still(page)
    expect_no_sideways_scroll(page)
