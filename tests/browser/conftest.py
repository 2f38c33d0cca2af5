"""One server and one browser for all browser tests; every test watches that nothing is asked from another machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from scripts.running_app import find_chromium, launch, running_app
from tests.browser.layout import wait_for_script

TIMEOUT_MS = 60_000  # the first answer waits for torch
OWN_SCHEMES = ("data", "blob", "about")

OpenPage = Callable[..., Page]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session", autouse=True)
def calm_hands() -> Iterator[None]:
    """Use a page only when no script runs: what a run replaces loses a press, and no hand is so quick."""

    def calm(act: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(act)
        def acting(locator: Locator, *args: Any, **kwargs: Any) -> Any:
            wait_for_script(locator.page)
            return act(locator, *args, **kwargs)

        return acting

    with pytest.MonkeyPatch.context() as patch:
        for name in ("check", "click", "fill", "press", "set_input_files"):
            patch.setattr(Locator, name, calm(getattr(Locator, name)))
        yield


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = find_chromium()
    if executable is None:
        pytest.skip("no Chromium: install one, or name it in DERM_CHROMIUM (scripts/find_chromium.sh does both)")
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = launch(playwright, executable)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def app_url(browser: Browser, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")  # its home, too: every session writes into the audit log
    with running_app(folder / "log.txt", tiny_bundle.parent, {"DERM_HOME": str(folder / "home")}) as url:
        yield url


@pytest.fixture
def open_page(browser: Browser, app_url: str) -> Iterator[OpenPage]:
    """Open the app in a session of its own; afterwards nothing foreign was asked for and no script has failed."""
    foreign: list[str] = []
    failures: list[str] = []
    contexts = []

    def watch(address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in OWN_SCHEMES and parts.hostname != "127.0.0.1":
            foreign.append(address)

    def open_page(
        path: str = "/", *, width: int = 1440, dark: bool = False, url: str = app_url, ready: str = "How to begin"
    ) -> Page:
        scheme = "dark" if dark else "light"
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, accept_downloads=True
        )
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        context.on("request", lambda request: watch(request.url))
        page = context.new_page()
        page.on("websocket", lambda socket: watch(socket.url))
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.goto(url + path)
        expect(page.get_by_text(ready).first).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert foreign == []
    assert failures == []
