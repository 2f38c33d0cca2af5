"""Start the app on a free port and a browser to look at it: for the browser tests and for the README's pictures."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Playwright

ROOT = Path(__file__).resolve().parents[1]
START_TIMEOUT_S = 60
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_ARGUMENTS = [  # no sandbox in containers; and nothing the browser would ask the network for by itself
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """Path of a Chromium: the variable DERM_CHROMIUM, or one on the PATH; None where there is none."""
    named = os.environ.get("DERM_CHROMIUM")
    return named or next((path for name in BROWSERS if (path := shutil.which(name))), None)


def launch(playwright: Playwright, executable: str) -> Browser:
    """Headless Chromium."""
    return playwright.chromium.launch(executable_path=executable, headless=True, args=BROWSER_ARGUMENTS)


@contextmanager
def running_app(
    log: Path,
    bundles: Path | None = None,
    variables: Mapping[str, str] | None = None,
    *,
    port: int | None = None,
    arguments: Sequence[str] = (),
) -> Iterator[str]:
    """Address of the app while the context lasts.

    Parameters
    ----------
    log : Path
        File for what the server says.
    bundles : Path, optional
        Folder of bundles to use instead of the usual ones.
    variables : mapping, optional
        More variables of its environment, such as DERM_HOME.
    port : int, optional
        Where it listens, where that must be known before; by default one that is free.
    arguments : sequence of str
        More words for Streamlit's command line.

    Raises
    ------
    RuntimeError
        The server did not start; the message ends with its log.
    """
    port = port or free_port()
    environment = {**os.environ, **(variables or {})}
    if bundles is not None:
        environment["DERM_BUNDLES"] = str(bundles)
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), *arguments]
    with log.open("wb") as stream:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=stream, stderr=subprocess.STDOUT)
    try:
        _wait(server, port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the app did not start:\n{log.read_text(errors='replace')[-2000:]}")
