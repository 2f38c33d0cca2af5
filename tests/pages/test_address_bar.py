"""The address of a page: written whenever the view changes, also while the browser is a few moments behind."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from pages.ui import address_bar
from pages.ui.address_bar import AddressBar, Written

HIGH, LOW = {"threshold": "0.5"}, {"threshold": "0.2"}


class Browser:
    """What the browser said with the press that runs the page, and what the page told it to show since."""

    def __init__(self) -> None:
        self.said: dict[str, str] = {}
        self.shown: list[dict[str, str]] = []

    def to_dict(self) -> dict[str, str]:
        return self.said

    def from_dict(self, query: Mapping[str, str]) -> None:
        self.said = dict(query)
        self.shown.append(dict(query))


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Browser:
    found, written = Browser(), Written()
    monkeypatch.setattr(address_bar.st, "query_params", found)
    monkeypatch.setattr(address_bar.state, "written", lambda page, make: written)
    return found


def test_an_address_is_written_once(browser: Browser) -> None:
    bar = AddressBar("desk", ("threshold",))
    bar.put(HIGH)
    bar.put(HIGH)
    assert browser.shown == [HIGH]


def test_an_address_that_was_opened_is_not_written_again(browser: Browser) -> None:
    bar = AddressBar("desk", ("threshold",))
    browser.said = dict(HIGH)
    assert bar.news() == HIGH
    bar.take(bar.query())
    bar.put(HIGH)
    assert browser.shown == []


def test_a_hand_that_goes_back_before_the_browser_has_shown_the_address_wins(browser: Browser) -> None:
    bar = AddressBar("desk", ("threshold",))
    bar.put(LOW)
    bar.put(HIGH)
    browser.said = dict(LOW)  # pressed before HIGH had arrived
    assert bar.news() == {}
    bar.put(LOW)
    assert browser.shown[-1] == LOW


def test_a_complaint_stays_while_the_page_runs_again_by_itself_and_goes_with_another_view(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar, said = AddressBar("desk", ("threshold",)), list[str]()
    monkeypatch.setattr(address_bar.st, "warning", lambda text, icon: said.append(text))

    def run(shown: Mapping[str, str]) -> list[str]:
        said.clear()
        if query := bar.news():
            bar.take(query)
            if query == {"threshold": "high"}:
                bar.complain("no number")
        bar.draw_complaints()
        if shown:  # else it is still being worked out
            bar.put(shown)
        return list(said)

    browser.said = {"threshold": "high"}
    assert run({}) == ["no number"]
    assert run({}) == ["no number"]
    assert run(LOW) == ["no number"]
    assert run(LOW) == ["no number"]  # the address says LOW by now
    run(HIGH)
    assert run(HIGH) == []
    assert run(LOW) == []  # the same view again is no complaint


def test_a_complaint_does_not_stay_over_a_page_whose_address_has_no_words(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar, said = AddressBar("classify", ("node",)), list[str]()
    monkeypatch.setattr(address_bar.st, "warning", lambda text, icon: said.append(text))
    browser.said = {"node": "nix"}
    bar.take(bar.news())
    bar.complain("no node")
    bar.draw_complaints()
    bar.put({})
    assert said == ["no node"]
    bar.draw_complaints()  # another run, where somebody has uploaded an image
    assert said == ["no node"]


def test_an_address_that_is_in_order_takes_the_complaint_about_the_former_away(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    bar, said = AddressBar("desk", ("threshold",)), list[str]()
    monkeypatch.setattr(address_bar.st, "warning", lambda text, icon: said.append(text))
    browser.said = {"threshold": "high"}
    bar.take(bar.news())
    bar.complain("no number")
    bar.put(LOW)
    browser.said = dict(HIGH)
    bar.take(bar.news())
    bar.draw_complaints()
    assert said == []
