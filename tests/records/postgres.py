"""A PostgreSQL of the tests' own: in a temporary folder, on a socket only, gone with the session."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import URL

PATIENCE_S = 60.0  # a start takes half a second
REQUIRED = "DERM_REQUIRE_POSTGRES"  # as CI sets it: then nothing is skipped
DEBIAN = Path("/usr/lib/postgresql")  # its programs are not on the path, because several versions can be there
SETTINGS = {"listen_addresses": "", "fsync": "off", "max_connections": "50", "log_min_messages": "fatal"}


def binaries() -> Path | None:
    """Folder of `initdb` and `postgres`, the newest where there are several."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(DEBIAN.glob("*/bin"), key=lambda folder: folder.parent.name.zfill(4), reverse=True)
    return next((f for f in folders if (f / "initdb").is_file() and (f / "postgres").is_file()), None)


def other_user() -> Mapping[str, Any]:
    """Whom the server runs as: it refuses to be root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    pytest.skip("PostgreSQL does not run as root, and there is no other user")


def skip_or_fail(reason: str) -> None:
    if os.environ.get(REQUIRED):
        pytest.fail(f"{reason}, and {REQUIRED} is set")
    pytest.skip(reason)


@contextmanager
def cluster() -> Iterator[URL]:
    """Address of a server with an empty database `postgres`."""
    found = binaries()
    if found is None:
        skip_or_fail("PostgreSQL's initdb and postgres are not on this machine (Debian: apt-get install postgresql)")
    assert found is not None
    user = other_user()
    folder = Path(tempfile.mkdtemp(prefix="derm-pg-"))  # not pytest's: its path is too long for a socket, and private
    try:
        if user:
            os.chown(folder, user["user"], user["group"])
        run = {"cwd": folder, "env": {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}, **user}
        initdb = [found / "initdb", "-D", folder / "data", "-U", "derm", "-A", "trust", "-E", "UTF8", "--no-sync"]
        done = subprocess.run(initdb, capture_output=True, text=True, **run)
        assert done.returncode == 0, done.stderr
        options = [part for key, value in SETTINGS.items() for part in ("-c", f"{key}={value}")]
        server = subprocess.Popen(
            [found / "postgres", "-D", folder / "data", "-k", folder, *options], stderr=subprocess.DEVNULL, **run
        )
        try:
            url = URL.create("postgresql+psycopg", "derm", database="postgres", query={"host": str(folder)})
            wait(server, folder)
            yield url
        finally:
            server.send_signal(signal.SIGQUIT)  # "immediate": nothing of it is needed any more
            server.wait(PATIENCE_S)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait(server: subprocess.Popen[bytes], folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        assert server.poll() is None, "PostgreSQL has ended"
        try:
            psycopg.connect(host=str(folder), user="derm", dbname="postgres", connect_timeout=5).close()
            return
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)
