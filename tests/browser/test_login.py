"""Signing in with a real OpenID provider on this machine: every role, forged tokens, kept cookies, ends of sessions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from scripts.running_app import BROWSER_ARGUMENTS, find_chromium, free_port, running_app
from tests.browser.layout import NARROW_PX, expect_no_sideways_scroll
from tests.openid.cheats import CHEATS, SIGNATURES
from tests.openid.running import Provider, running_provider, write_roles, write_secrets

WATCH = Path(__file__).parents[1] / "openid" / "watch"
USER_COOKIE = "_streamlit_user"  # Streamlit's; the one with the claims
SOON_MS = 15_000
OPEN_TO = {  # name, role, some links that are offered and some that are not; Streamlit draws none for one page only
    "s-anna": ("anna@clinic.example", "clinician", {"Classify", "Cases", "Reader study"}, {"Train", "Audit log"}),
    "s-rita": ("sub:s-rita", "reader", set(), {"Classify", "Model", "Train", "Cases", "Audit log"}),
    "s-rob": ("rob@lab.example", "researcher", {"Classify", "Train", "Data"}, {"Cases", "Audit log"}),
    "s-ada": ("ada@clinic.example", "admin", {"Classify", "Train", "Cases", "Audit log"}, set()),
}


@dataclass(frozen=True)
class Site:
    """The app, its provider and its home."""

    url: str
    provider: Provider
    home: Path

    def set_roles(self, idle_minutes: float = 30, *, without: str = "") -> None:
        write_roles(self.home / "roles.toml", self.provider, idle_minutes, without=without)


@pytest.fixture(scope="module")
def running_site(browser: Browser, tiny_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("login")
    port = free_port()
    with running_provider(home / "provider.txt") as provider:
        write_secrets(home / "secrets.toml", provider, f"http://127.0.0.1:{port}")
        arguments = ["--secrets.files", str(home / "secrets.toml")]
        watched = {"PYTHONPATH": str(WATCH), "DERM_WATCHED": str(home / "connections.txt")}
        variables = {"DERM_HOME": str(home), **watched}
        with running_app(home / "log.txt", tiny_bundle.parent, variables, port=port, arguments=arguments) as url:
            yield Site(url, provider, home)


@pytest.fixture
def site(running_site: Site) -> Site:
    running_site.set_roles()
    running_site.provider.put("/cheat", "")
    return running_site


@pytest.fixture
def new_context(browser: Browser) -> Iterator[Callable[..., BrowserContext]]:
    """Browsers of several people; afterwards no script has failed."""
    contexts: list[BrowserContext] = []
    failures: list[str] = []

    def make(width: int = 1440) -> BrowserContext:
        context = browser.new_context(viewport={"width": width, "height": 900})
        context.set_default_timeout(SOON_MS)
        context.on("page", lambda page: page.on("pageerror", lambda error: failures.append(str(error))))
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()
    assert failures == []


@pytest.fixture
def context(new_context: Callable[..., BrowserContext]) -> BrowserContext:
    return new_context()


def sign_in(context: BrowserContext, site: Site, who: str, path: str = "/") -> Page:
    """Through the provider's own page, up to where it sends the browser back."""
    page = context.new_page()
    page.goto(site.url + path)
    go_on(page, site, who)
    return page


def go_on(page: Page, site: Site, who: str) -> None:
    """From the door through the provider and back."""
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name=who).click()
    page.wait_for_url(f"{site.url}/**")


def sign_out(page: Page, site: Site) -> None:
    """The provider asks whether to end its own session, too."""
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="End session").click()
    page.wait_for_url(f"{site.url}/**")
    expect_door(page)


def expect_name(page: Page, name: str, role: str) -> None:
    expect(page.get_by_text("Signed in as").first).to_have_text(f"Signed in as {name}, {role}")


def expect_door(page: Page, timeout_ms: int = SOON_MS) -> None:
    """Signed out: one button, no navigation, nothing of any page."""
    expect(page.get_by_role("button", name="Sign in")).to_be_visible(timeout=timeout_ms)
    expect(page.get_by_text("Research tool, not a medical device").first).to_be_visible()
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    expect(page.get_by_test_id("stSelectbox")).to_have_count(0)
    expect(page.get_by_test_id("stFileUploader")).to_have_count(0)


@pytest.mark.parametrize("who", OPEN_TO)
def test_everybody_is_offered_what_their_role_opens(context: BrowserContext, site: Site, who: str) -> None:
    name, role, offered, hidden = OPEN_TO[who]
    page = sign_in(context, site, who)
    expect_name(page, name, role)
    for title in offered:
        expect(page.get_by_test_id("stSidebarNav").get_by_role("link", name=title)).to_be_visible()
    for title in hidden:
        expect(page.get_by_test_id("stSidebarNav").get_by_role("link", name=title)).to_have_count(0)


@pytest.mark.parametrize("who", ["s-none", "s-liar"])
def test_who_has_no_role_gets_in_nowhere(context: BrowserContext, site: Site, who: str) -> None:
    """s-liar has Anna's address, which the provider did not verify, and a group that is no list."""
    page = sign_in(context, site, who)
    expect(page.get_by_text("Nobody has given you a role here")).to_be_visible()
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    expect(page.get_by_test_id("stFileUploader")).to_have_count(0)


def test_a_direct_link_shows_the_door_to_nobody_and_what_is_missing_to_a_smaller_role(
    context: BrowserContext, site: Site
) -> None:
    page = context.new_page()
    page.goto(f"{site.url}/train")
    expect_door(page)
    page = sign_in(context, site, "s-rita", "/train")
    expect_name(page, "sub:s-rita", "reader")
    for path, right in (("train", "curate data"), ("classify", "classify images"), ("audit", "see the audit log")):
        page.goto(f"{site.url}/{path}")
        expect(page.get_by_text("This page is not open to you")).to_be_visible()
        expect(page.get_by_text(f"does not let you {right}")).to_be_visible()
        expect(page.get_by_test_id("stSelectbox")).to_have_count(0)
        expect(page.get_by_test_id("stFileUploader")).to_have_count(0)
    page.goto(f"{site.url}/readers?study={'0' * 32}")  # the link that readers are sent leads to their page
    expect(page.get_by_text("The study is not there")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_token_that_the_provider_did_not_sign_signs_nobody_in(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    page.goto(site.url)
    for how in SIGNATURES:
        site.provider.put("/cheat", how)
        go_on(page, site, "s-ada")
        expect_door(page)
        assert USER_COOKIE not in {cookie["name"] for cookie in context.cookies()}, how


def test_a_token_that_says_the_wrong_thing_signs_nobody_in(context: BrowserContext, site: Site) -> None:
    page = context.new_page()
    page.goto(site.url)
    let_through = set()
    for how in CHEATS:
        site.provider.put("/cheat", how)
        go_on(page, site, "s-ada")
        expect_door(page)
        if USER_COOKIE in {cookie["name"] for cookie in context.cookies()}:
            let_through.add(how)
            expect(page.get_by_text("Sign in again")).to_be_visible()
    # what Streamlit itself lets through is refused by the app alone: should this list shrink, so may the app's checks
    assert let_through == {
        "audience of another, authorised party ours",
        "expired a minute ago",
        "an old one that holds for long",
    }
    site.provider.put("/cheat", "")
    go_on(page, site, "s-ada")
    expect_name(page, "ada@clinic.example", "admin")


def test_a_cookie_that_was_changed_is_none(context: BrowserContext, site: Site) -> None:
    page = sign_in(context, site, "s-rita")
    expect_name(page, "sub:s-rita", "reader")
    (cookie,) = [cookie for cookie in context.cookies() if cookie["name"] == USER_COOKIE]
    value = cookie["value"].strip('"')
    middle = len(value) // 3
    forged = value[:middle] + ("A" if value[middle] != "A" else "B") + value[middle + 1 :]
    context.add_cookies([{**cookie, "value": forged}])
    page.reload()
    expect_door(page)


def test_a_cookie_kept_from_before_the_sign_out_opens_nothing(
    new_context: Callable[..., BrowserContext], site: Site
) -> None:
    mine, thief = new_context(), new_context()
    page = sign_in(mine, site, "s-ada")
    expect_name(page, "ada@clinic.example", "admin")
    other_tab = mine.new_page()
    other_tab.goto(site.url)
    expect_name(other_tab, "ada@clinic.example", "admin")
    kept = mine.cookies()
    sign_out(page, site)
    thief.add_cookies(kept)
    stolen = thief.new_page()
    stolen.goto(site.url)
    expect_door(stolen)
    expect(stolen.get_by_text("You have signed out")).to_be_visible()
    other_tab.get_by_test_id("stSidebarNav").get_by_role("link", name="Train").click()
    expect_door(other_tab)


def test_who_is_taken_out_of_the_file_is_out_at_the_next_act(context: BrowserContext, site: Site) -> None:
    page = sign_in(context, site, "s-rob")
    expect_name(page, "rob@lab.example", "researcher")
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Train").click()
    expect(page.get_by_text("New training")).to_be_visible()
    site.set_roles(without='"lab"')
    page.get_by_text("Small data").first.click()  # in a fragment: the head of the page does not run
    expect(page.get_by_text("Nobody has given you a role here")).to_be_visible()
    expect(page.get_by_text("New training")).to_have_count(0)


def test_an_idle_session_ends_by_itself_although_the_page_polls(context: BrowserContext, site: Site) -> None:
    page = sign_in(context, site, "s-ada")
    expect_name(page, "ada@clinic.example", "admin")
    page.get_by_role("button", name="Use drawing 1").click()
    expect(page.get_by_text("New case")).to_be_visible()
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Train").click()  # polls every 15 s when idle
    expect(page.get_by_text("New training")).to_be_visible()
    site.set_roles(idle_minutes=0.1)
    expect_door(page, timeout_ms=30_000)  # the page looks every 15 s
    expect(page.get_by_text("Your session has ended after 0.1 minutes")).to_be_visible()
    site.set_roles()  # with more patience, now: what has ended stays ended
    page.goto(site.url)
    expect_door(page)
    page = sign_in(context, site, "s-ada")
    expect_name(page, "ada@clinic.example", "admin")
    expect(page.get_by_role("button", name="Use drawing 1")).to_be_visible()  # nothing is left of the session before


def test_sign_ins_and_their_ends_are_in_the_audit_log(context: BrowserContext, site: Site) -> None:
    from sqlalchemy import URL

    from derm_model.records.audit import entries
    from derm_model.records.engine import new_engine, reading

    page = sign_in(context, site, "s-anna")
    expect_name(page, "anna@clinic.example", "clinician")
    sign_out(page, site)
    engine = new_engine(URL.create("sqlite+pysqlite", database=str(site.home / "records.db")))
    with reading(engine) as session:
        found = [(row.action, row.details) for row in entries(session) if row.who == "anna@clinic.example"]
    engine.dispose()
    ends = [(action, details) for action, details in found if action.startswith("sign")]
    assert ends[:2] == [("sign out", {"why": "by hand"}), ("sign in", {"role": "clinician"})]


def test_the_server_speaks_to_the_provider_and_to_nobody_else(context: BrowserContext, site: Site) -> None:
    page = sign_in(context, site, "s-anna")
    page.get_by_role("button", name="Use drawing 1").click()
    expect(page.get_by_role("heading", name="Probabilities")).to_be_visible()
    told = set((site.home / "connections.txt").read_text("utf-8").splitlines())
    asked = {line.split(maxsplit=1)[1] for line in told if not line.startswith("socket.connect file")}
    assert asked == {"127.0.0.1"}  # the provider, and the server's own name for itself


def test_the_door_fits_a_phone(new_context: Callable[..., BrowserContext], site: Site) -> None:
    page = new_context(NARROW_PX).new_page()
    page.goto(site.url)
    expect_door(page)
    expect_no_sideways_scroll(page)


def test_a_foreign_name_for_this_machine_opens_nothing_where_there_is_no_login(browser: Browser, app_url: str) -> None:
    """DNS rebinding: somebody's page whose name suddenly means 127.0.0.1."""
    rule = "--host-resolver-rules=MAP evil.example 127.0.0.1"
    kind = browser.browser_type
    misled = kind.launch(executable_path=find_chromium(), args=[*BROWSER_ARGUMENTS, rule])
    page = misled.new_page()
    page.goto(app_url.replace("127.0.0.1", "evil.example"))
    expect(page.get_by_text("asked for under the name evil.example")).to_be_visible(timeout=SOON_MS)
    expect(page.get_by_test_id("stFileUploader")).to_have_count(0)
    misled.close()
