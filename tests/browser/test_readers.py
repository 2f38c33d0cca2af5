"""Taking a reader study in a real browser: by keyboard, killed, in two tabs, on a phone, and blind until the end."""

from __future__ import annotations

import base64
import io
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, WebSocket, expect

from derm_model.records.engine import reading, records_engine, writing
from derm_model.records.participants import ParticipantRow, list_participants, order_of
from derm_model.records.reader_view import given_answers
from derm_model.records.results import StudyReading, study_readings
from derm_model.records.studies import join_study
from derm_model.records.study_tables import Role
from scripts.running_app import free_port, running_app
from tests.browser.conftest import OpenPage
from tests.browser.layout import NARROW_PX, expect_no_sideways_scroll, wait_until_still
from tests.drawn_study import NODES, at_home, make_study

READY = "What would you do?"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("readers")


@pytest.fixture(scope="module")
def url(browser: Browser, home: Path, tiny_bundle: Path) -> Iterator[str]:
    with running_app(home / "log.txt", tiny_bundle.parent, {"DERM_HOME": str(home)}) as address:
        yield address


def join(home: Path, study: str, code: str, role: Role = Role.READER) -> str:
    with at_home(home), writing(records_engine()) as session:
        return join_study(session, study, code, role)


def readings_of(home: Path, study: str) -> tuple[StudyReading, ...]:
    with at_home(home), reading(records_engine()) as session:
        return study_readings(session, study)


def person(home: Path, study: str, code: str) -> ParticipantRow:
    with at_home(home), reading(records_engine()) as session:
        return next(row for row in list_participants(session, study) if row.code == code)


def desk(study: str, code: str) -> str:
    return f"/readers?study={study}&code={code}&take=1"


def answers(page: Page) -> Locator:
    return page.locator(".answers button")


def wait_for_image(page: Page, number: int, total: int) -> None:
    """Until the image is on the screen, the one before is saved, and an answer is taken."""
    expect(page.locator(".label")).to_have_text(f"Image {number} of {total}")
    expect(answers(page).first).to_be_enabled()


def test_a_whole_study_is_taken_by_keyboard_alone(open_page: OpenPage, url: str, home: Path) -> None:
    study = make_study(home, 4, name="Keys", confidence=True, washout_s=0.4)
    page = open_page(f"/readers?study={study}", url=url, ready="Take part")
    code = page.get_by_role("textbox", name="Your code")
    code.focus()
    page.keyboard.type("R01")
    for button in ("Continue", "Begin"):
        page.get_by_role("button", name=button, exact=True).focus()
        page.keyboard.press("Enter")
    wait_for_image(page, 1, 4)
    page.keyboard.press("1")
    expect(page.get_by_text("Biopsy or treat. How sure are you?")).to_be_visible()
    page.keyboard.press("4")  # 75
    began = time.monotonic()
    expect(page.locator(".label")).to_have_text("Image 2 of 4")
    expect(page.locator(".pane img")).to_have_count(0)  # the empty screen, on which no key answers
    page.keyboard.press("2")
    wait_for_image(page, 2, 4)
    assert time.monotonic() - began > 0.35
    page.keyboard.press("2")
    page.keyboard.press("s")  # skips how sure
    wait_for_image(page, 3, 4)
    page.keyboard.press("b")
    expect(page.locator(".label")).to_have_text("Your last answer: image 2 of 4")
    expect(answers(page).nth(1)).to_have_attribute("aria-pressed", "true")
    expect(answers(page).first).to_be_enabled()
    page.keyboard.press("1")
    page.keyboard.press("1")  # guessed
    wait_for_image(page, 3, 4)
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Continue with image 3")).to_be_visible()
    page.keyboard.press("2")  # no image, no answer
    page.get_by_role("button", name="Continue with image 3").press("Enter")
    for number in (3, 4):
        wait_for_image(page, number, 4)
        page.keyboard.press("2")
        page.keyboard.press("5")
    expect(page.get_by_text("All 4 images are answered")).to_be_visible()
    page.get_by_role("button", name="Go on").press("Enter")
    expect(page.get_by_text("Your sensitivity").first).to_be_visible()

    kept = {row.position: row for row in readings_of(home, study)}
    with at_home(home), reading(records_engine()) as session:
        order = order_of(session, person(home, study, "R01").participant_id, with_ai=False)
    said = [(kept[p].answer, kept[p].confidence, kept[p].n_corrections) for p in order]
    assert said == [("biopsy", 75, 0), ("biopsy", 0, 1), ("reassure", 100, 0), ("reassure", 100, 0)]
    assert all(row.seconds is not None and 0.2 < row.seconds < 30 for row in kept.values())


def test_a_second_press_and_a_key_held_down_answer_no_second_image(open_page: OpenPage, url: str, home: Path) -> None:
    study = make_study(home, 5, name="Twice")
    join(home, study, "R1")
    page = open_page(desk(study, "R1"), url=url, ready=READY)
    wait_for_image(page, 1, 5)
    answers(page).first.dblclick(delay=20)
    wait_for_image(page, 2, 5)
    for _ in range(10):
        page.keyboard.down("1")  # as the system repeats a key that is held
    page.keyboard.up("1")
    wait_for_image(page, 3, 5)
    answers(page).nth(1).focus()
    for _ in range(10):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    wait_for_image(page, 4, 5)
    assert person(home, study, "R1").state.done == 3


def test_the_second_press_of_a_double_click_does_not_say_how_sure_one_is(
    open_page: OpenPage, url: str, home: Path
) -> None:
    study = make_study(home, 3, name="Sure", confidence=True)
    join(home, study, "R1")
    page = open_page(desk(study, "R1"), url=url, ready=READY)
    wait_for_image(page, 1, 3)
    answers(page).first.dblclick(delay=20)
    expect(page.get_by_text("Biopsy or treat. How sure are you?")).to_be_visible()
    page.wait_for_timeout(400)
    page.get_by_label("How sure, 0 to 100").fill("80")
    page.get_by_role("button", name="Use 80").click()
    wait_for_image(page, 2, 3)
    page.keyboard.press("1")
    expect(page.get_by_role("button", name="Use 50")).to_be_visible()  # what was said of the last image is forgotten
    page.keyboard.press("s")
    wait_for_image(page, 3, 3)
    assert sorted(str(row.confidence) for row in readings_of(home, study)) == ["80", "None"]


def test_a_zoomed_image_stays_in_a_window_that_shrinks_and_scrolling_sideways_does_not_zoom(
    open_page: OpenPage, url: str, home: Path
) -> None:
    study = make_study(home, 2, name="Zoom")
    join(home, study, "R1")
    page = open_page(desk(study, "R1"), url=url, ready=READY)
    wait_for_image(page, 1, 2)
    for _ in range(4):
        page.keyboard.press("+")
    for _ in range(60):
        page.keyboard.press("ArrowRight")  # to its right edge
    page.set_viewport_size({"width": 700, "height": 900})
    wait_until_still(page)
    pane, image = page.locator(".pane").bounding_box(), page.locator(".pane img").bounding_box()
    assert pane is not None and image is not None
    assert image["x"] + image["width"] >= pane["x"] + pane["width"] - 2
    style = page.locator(".pane img").get_attribute("style")
    page.mouse.move(pane["x"] + 50, pane["y"] + 50)
    page.mouse.wheel(40, 0)
    page.wait_for_timeout(200)
    assert page.locator(".pane img").get_attribute("style") == style


def test_time_does_not_run_while_the_tab_is_hidden(open_page: OpenPage, url: str, home: Path) -> None:
    study = make_study(home, 2, name="Hidden")
    join(home, study, "R1")
    page = open_page(desk(study, "R1"), url=url, ready=READY)
    wait_for_image(page, 1, 2)
    hide = "now => { Object.defineProperty(document, 'visibilityState', { value: now, configurable: true });"
    hide += " document.dispatchEvent(new Event('visibilitychange')) }"
    page.evaluate(hide, "hidden")
    page.wait_for_timeout(3000)
    page.evaluate(hide, "visible")
    page.keyboard.press("1")
    wait_for_image(page, 2, 2)
    (row,) = readings_of(home, study)
    assert row.seconds is not None and row.seconds < 2.5


def test_nothing_the_browser_receives_tells_the_truth_before_the_end(open_page: OpenPage, url: str, home: Path) -> None:
    study = make_study(home, 4, name="Blind")
    join(home, study, "R1")
    page = open_page("/readers", url=url, ready="Blind")
    received: list[bytes] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: received.append(frame if isinstance(frame, bytes) else frame.encode()))

    page.on("websocket", listen)
    page.on("response", lambda response: received.append(response.url.encode()))
    page.goto(url + desk(study, "R1"))
    for number in range(1, 5):
        wait_for_image(page, number, 4)
        page.keyboard.press("1")
    expect(page.get_by_text("All 4 images are answered")).to_be_visible()

    everything = b"".join(received) + page.content().encode()
    assert b"What would you do?" in everything  # it is looked at what the browser gets
    pictures = set(re.findall(rb"data:image/jpeg;base64,([A-Za-z0-9+/=]+)", everything))
    assert len(pictures) == 4
    rest = re.sub(rb"data:image/[a-z]+;base64,[A-Za-z0-9+/=]+", b"", everything)
    assert not any(node.encode() in rest for node in NODES)
    assert b"drawn/" not in rest and b".png?" not in rest and str(home).encode() not in rest
    for picture in pictures:
        with Image.open(io.BytesIO(base64.b64decode(picture))) as opened:
            assert set(opened.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    alts = page.evaluate("() => [...document.querySelectorAll('img')].map(image => image.alt + image.title)")
    assert not any("melano" in alt for alt in alts)


def test_two_readers_at_once_each_have_their_own_order(open_page: OpenPage, url: str, home: Path) -> None:
    study = make_study(home, 6, name="Both")
    pages = {}
    for code in ("R1", "R2"):
        join(home, study, code)
        pages[code] = open_page(desk(study, code), url=url, ready=READY)
    for number in range(1, 7):
        for page in pages.values():
            wait_for_image(page, number, 6)
        for key, page in zip("12", pages.values(), strict=True):
            page.keyboard.press(key)
    for page in pages.values():
        expect(page.get_by_text("All 6 images are answered")).to_be_visible()
    with at_home(home), reading(records_engine()) as session:
        given = {code: given_answers(session, person(home, study, code).participant_id) for code in pages}
    assert {a.answer for a in given["R1"]} == {"biopsy"} and {a.answer for a in given["R2"]} == {"reassure"}
    orders = [[a.position for a in answers] for answers in given.values()]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(6)) and orders[0] != orders[1]


def test_the_same_reader_in_two_tabs_answers_an_image_once(open_page: OpenPage, url: str, home: Path) -> None:
    study = make_study(home, 4, name="Tabs")
    join(home, study, "R1")
    one, other = (open_page(desk(study, "R1"), url=url, ready=READY) for _ in range(2))
    wait_for_image(one, 1, 4)
    wait_for_image(other, 1, 4)
    one.keyboard.press("1")
    wait_for_image(one, 2, 4)
    other.keyboard.press("2")
    expect(other.get_by_text("answered already, in another tab")).to_be_visible()
    wait_for_image(other, 2, 4)
    other.keyboard.press("2")
    wait_for_image(other, 3, 4)
    assert [row.answer for row in readings_of(home, study)].count("biopsy") == 1
    assert person(home, study, "R1").state.done == 2


def kill(port: int) -> None:
    """End the server at once, as a power cut does."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"streamlit" in words and str(port).encode() in words:
            os.kill(int(entry.name), signal.SIGKILL)


@pytest.fixture
def lasting(browser: Browser) -> Iterator[Page]:
    """A tab that outlives its server."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def test_a_killed_server_loses_no_answer_and_the_reader_goes_on_at_the_same_image(
    lasting: Page, tmp_path: Path, tiny_bundle: Path
) -> None:
    page, study, port, variables = lasting, make_study(tmp_path, 5), free_port(), {"DERM_HOME": str(tmp_path)}
    join(tmp_path, study, "R1")
    with running_app(tmp_path / "1.txt", tiny_bundle.parent, variables, port=port) as url:
        page.goto(url + desk(study, "R1"))
        for number in (1, 2):
            wait_for_image(page, number, 5)
            page.keyboard.press("1")
        wait_for_image(page, 3, 5)
        kill(port)
        page.keyboard.press("2")  # nobody hears it now
        expect(page.get_by_text("Not saved yet")).to_be_visible()
    with running_app(tmp_path / "2.txt", tiny_bundle.parent, variables, port=port):
        expect(page.get_by_text("Not saved yet")).to_have_count(0)  # the tab finds the server by itself
        expect(answers(page).first).to_be_enabled()
        done = person(tmp_path, study, "R1").state.done
        expect(page.locator(".label")).to_have_text(f"Image {done + 1} of 5")
        assert done in (2, 3)  # what was pressed in vain is sent again, or asked again
        page.reload()
        for number in range(done + 1, 6):
            wait_for_image(page, number, 5)
            page.keyboard.press("1")
        expect(page.get_by_text("All 5 images are answered")).to_be_visible()
    rows = readings_of(tmp_path, study)
    assert len(rows) == 5 and {row.n_corrections for row in rows} == {0}


def test_a_correction_nobody_heard_is_sent_again_to_the_server_that_comes_back(
    lasting: Page, tmp_path: Path, tiny_bundle: Path
) -> None:
    page, study, port, variables = lasting, make_study(tmp_path, 3), free_port(), {"DERM_HOME": str(tmp_path)}
    join(tmp_path, study, "R1")
    with running_app(tmp_path / "1.txt", tiny_bundle.parent, variables, port=port) as url:
        page.goto(url + desk(study, "R1"))
        wait_for_image(page, 1, 3)
        page.keyboard.press("1")
        wait_for_image(page, 2, 3)
        page.keyboard.press("b")
        expect(page.locator(".label")).to_have_text("Your last answer: image 1 of 3")
        expect(answers(page).first).to_be_enabled()
        kill(port)
        page.keyboard.press("2")  # nobody hears it now
        expect(page.get_by_text("Not saved yet")).to_be_visible()
    with running_app(tmp_path / "2.txt", tiny_bundle.parent, variables, port=port):
        wait_for_image(page, 2, 3)
        expect(page.get_by_text("Not saved yet")).to_have_count(0)
        (row,) = readings_of(tmp_path, study)
        assert (row.answer, row.n_corrections) == ("reassure", 1)


def test_images_are_checked_by_keys_and_those_not_usable_are_shown_to_nobody(
    open_page: OpenPage, url: str, home: Path
) -> None:
    study = make_study(home, 3, name="Check")
    join(home, study, "P1", Role.PRESCREENER)
    page = open_page(desk(study, "P1"), url=url, ready="good enough to be read")
    for key in "121":
        expect(answers(page).first).to_be_enabled()
        page.keyboard.press(key)
        page.wait_for_timeout(100)
    expect(page.get_by_text("All 3 images are checked")).to_be_visible()
    join(home, study, "R1")
    page.goto(url + desk(study, "R1"))
    wait_for_image(page, 1, 2)


def test_the_second_part_shows_what_the_network_says(
    open_page: OpenPage, url: str, home: Path, tiny_bundle: Path
) -> None:
    study = make_study(home, 2, name="Helped", bundle=tiny_bundle, second_pass=True)
    join(home, study, "R1")
    page = open_page(desk(study, "R1"), url=url, ready=READY)
    for number in (1, 2):
        wait_for_image(page, number, 2)
        expect(page.get_by_text("Part 1 of 2")).to_be_visible()
        expect(page.locator(".said")).to_be_hidden()
        page.keyboard.press("1")
    expect(page.get_by_text("Part 2 of 2, with the network's answer")).to_be_visible()
    for number in (1, 2):
        wait_for_image(page, number, 2)
        expect(page.locator(".sentence")).to_have_text(re.compile(r"The network: .*\d+%, .*\d+%\."))
        expect(page.locator(".pane img")).to_have_count(2)
        page.keyboard.press("m")
        expect(page.get_by_role("button", name="Map hidden")).to_be_visible()
        page.keyboard.press("m")
        page.keyboard.press("2")
    expect(page.get_by_text("All 2 images are answered")).to_be_visible()
    rows = readings_of(home, study)
    assert sorted((row.with_ai, row.answer) for row in rows) == [(False, "biopsy")] * 2 + [(True, "reassure")] * 2


@pytest.mark.parametrize("dark", [False, True])
def test_on_a_phone_image_and_answers_are_on_the_screen(open_page: OpenPage, url: str, home: Path, dark: bool) -> None:
    study = make_study(home, 2, name=f"Phone {dark}")
    join(home, study, "R1")
    page = open_page(f"/readers?study={study}&code=R1", url=url, ready="Your reading", width=NARROW_PX, dark=dark)
    expect_no_sideways_scroll(page)
    page.set_viewport_size({"width": 375, "height": 600})
    page.get_by_role("button", name="Begin").click()
    wait_for_image(page, 1, 2)
    wait_until_still(page)  # the image gives way when the answers have their size
    boxes = [button.bounding_box() for button in answers(page).all()]
    one, two = [box for box in boxes if box is not None]
    assert one["y"] == two["y"] and one["width"] == two["width"] and min(one["height"], two["height"]) >= 64
    assert one["y"] + one["height"] <= 600
    stage = page.locator(".pane img").bounding_box()
    assert stage is not None and stage["height"] > 250
    expect_no_sideways_scroll(page)
    expect(page.get_by_test_id("stSidebar")).to_be_hidden()
    page.get_by_role("button", name="Zoom in").click()
    assert "scale(1.25)" in (page.locator(".pane img").get_attribute("style") or "")
    answers(page).first.click()
    wait_for_image(page, 2, 2)


def test_nine_answers_fit_a_desktop_window(open_page: OpenPage, url: str, home: Path) -> None:
    study = make_study(home, 2, name="Nine", question="nine-way")
    join(home, study, "R1")
    page = open_page(desk(study, "R1"), url=url, ready="What is it?")
    wait_for_image(page, 1, 2)
    wait_until_still(page)  # the image gives way when the answers have their size
    boxes = [button.bounding_box() for button in answers(page).all()]
    assert len(boxes) == 9
    assert all(box is not None and box["height"] >= 64 and box["y"] + box["height"] <= 900 for box in boxes)
    page.keyboard.press("9")
    wait_for_image(page, 2, 2)
    (row,) = readings_of(home, study)
    assert row.answer == "inflammatory"
