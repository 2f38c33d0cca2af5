"""A page run without a browser, with a bundle of random weights, and images without patients."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import URL
from streamlit.testing.v1 import AppTest

from derm_model.records.engine import new_engine
from derm_model.records.migrating import upgrade
from pages.ui import audit_trail
from tests.support import noise_image

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 120  # torch is imported in the first test that asks for an answer

OpenPage = Callable[[], AppTest]


def png(seed: int, side_px: int = 320) -> bytes:
    """Coloured noise as a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(noise_image(seed, side_px, side_px)).save(buffer, "PNG")
    return buffer.getvalue()


def texts(page: AppTest) -> str:
    """Everything the page says in Markdown, captions and notices."""
    elements = [*page.markdown, *page.caption, *page.warning, *page.error]
    return "\n".join(str(element.value) for element in elements)


def upload(page: AppTest, *files: tuple[str, bytes]) -> AppTest:
    """Drop files on the page and wait for the answer."""
    for name, data in files:
        page.file_uploader[0].upload(name, data)
    page.run()
    assert not page.exception
    return page


def open_alone(name: str, **query: str) -> AppTest:
    """A page as a deep link with this query opens it on a fresh server."""
    page = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=TIMEOUT_S)
    for key, value in query.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


@pytest.fixture(scope="session")
def empty_records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database without rows, to copy: every session writes into the audit log, and migrating takes 0.1 s."""
    path = tmp_path_factory.mktemp("records") / "records.db"
    engine = new_engine(URL.create("sqlite+pysqlite", database=str(path)))
    upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_records: Path) -> Iterator[None]:
    """No test writes into the home of whoever runs it, nor after its end."""
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    for name in ("DERM_DATABASE_URL", "DERM_IMAGE_KEY", "DERM_RETENTION_DAYS"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "home").mkdir()
    shutil.copy2(empty_records, tmp_path / "home" / "records.db")
    yield
    audit_trail.wait()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path) -> Path:
    """An empty home on a server that offers the tiny bundle only."""
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DERM_BUNDLES", str(tiny_bundle.parent))
    return tmp_path / "home"


@pytest.fixture
def open_classify(tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> OpenPage:
    """Open the page alone, as a deep link on a fresh server does; each call is a session of its own."""
    monkeypatch.setenv("DERM_BUNDLES", str(tiny_bundle.parent))

    def open_page() -> AppTest:
        page = AppTest.from_file(str(ROOT / "pages" / "classify.py"), default_timeout=TIMEOUT_S).run()
        assert not page.exception
        return page

    return open_page


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], str | bytes]]:
    """What each download button would give: AppTest does not press them."""
    found: dict[str, Callable[[], str | bytes]] = {}

    def take(label: str, data: Callable[[], str | bytes], name: str, mime: str, *, key: str, **_: object) -> None:
        found[key] = data

    monkeypatch.setattr("streamlit.download_button", take)
    return found
