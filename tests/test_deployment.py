"""docs/deployment.md and the files beside it: consistent, parsed by what reads them, and the commands run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from derm_model.__main__ import build_parser, main
from derm_model.access import RIGHTS, Right, Role
from derm_model.access.roles_file import IDLE_MINUTES, MAX_HOURS, parse_roles
from derm_model.access.settings import read_provider
from derm_model.errors import AccessError
from tests.nginx import SITE, find_nginx, write_site

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "deployment"
GUIDE = (ROOT / "docs" / "deployment.md").read_text("utf-8")
UNITS = sorted([*FOLDER.glob("*.service"), *FOLDER.glob("*.timer")])


def commands(text: str) -> list[list[str]]:
    """Arguments of every `python -m derm_model ...` on a line of its own, or within one."""
    return [shlex.split(found) for found in re.findall(r"python -m derm_model ([^`'\n;]+)", text)]


def values(unit: Path, key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", unit.read_text("utf-8"), re.MULTILINE)


def test_the_guide_names_every_file_and_every_file_is_there() -> None:
    linked = set(re.findall(r"\(deployment/([\w.-]+)\)", GUIDE))
    assert linked == {path.name for path in FOLDER.iterdir()}


def test_the_table_of_rights_is_the_one_in_force() -> None:
    rows = {row[0]: row[1:] for row in re.findall(r"^\| ([a-z ,]+) \|(.*)\|(.*)\|(.*)\|(.*)\|$", GUIDE, re.MULTILINE)}
    told = {
        role: {Right(name) for name, cells in rows.items() if cells[i].strip() == "yes"} for i, role in enumerate(Role)
    }
    assert told == {role: set(rights) for role, rights in RIGHTS.items()}


def test_every_command_in_guide_and_units_is_one() -> None:
    found = commands(GUIDE) + [words for unit in UNITS for words in commands(unit.read_text("utf-8"))]
    assert len(found) > 8
    for words in found:
        build_parser().parse_args(words)


def test_the_examples_can_be_read_and_secrets_must_be_replaced() -> None:
    roles = parse_roles((FOLDER / "roles.example.toml").read_bytes())
    assert (roles.idle_minutes, roles.max_hours) == (IDLE_MINUTES, MAX_HOURS)
    text = (FOLDER / "secrets.example.toml").read_text("utf-8")
    with pytest.raises(AccessError, match=r"cookie_secret is still.*client_secret is still"):
        read_provider(tomllib.loads(text)["auth"])
    filled = tomllib.loads(re.sub(r'"REPLACE-WITH[^"]*"', f'"{"7f" * 32}"', text))["auth"]
    assert read_provider(filled).client_id == "dermtree"
    assert filled["server_metadata_url"].removesuffix("/.well-known/openid-configuration") == roles.issuer


def test_files_agree_on_names_ports_and_places() -> None:
    (start,) = values(FOLDER / "dermtree.service", "ExecStart")
    assert "--server.address 127.0.0.1 --server.port 8501" in start
    assert "proxy_pass http://127.0.0.1:8501;" in SITE.read_text("utf-8")
    name = re.search(r"listen 443[^}]*?server_name ([\w.]+);", SITE.read_text("utf-8"))
    assert name and f'"https://{name[1]}/oauth2callback"' in (FOLDER / "secrets.example.toml").read_text("utf-8")
    environment = values(FOLDER / "dermtree.service", "Environment")
    assert set(values(FOLDER / "dermtree-backup.service", "Environment")) <= set(environment)
    for place in (
        "/etc/dermtree/secrets.toml",
        "/etc/dermtree/roles.toml",
        "/var/backups/dermtree",
        "/var/lib/dermtree",
    ):
        assert place in GUIDE and any(place in unit.read_text("utf-8") for unit in UNITS)


def test_uploads_fit_through() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    limit = re.search(r"client_max_body_size (\d+)m;", SITE.read_text("utf-8"))
    assert limit and int(limit[1]) > config["server"]["maxUploadSize"]


def test_secrets_do_not_get_into_git() -> None:
    assert ".streamlit/secrets.toml" in (ROOT / ".gitignore").read_text("utf-8").splitlines()


def test_nginx_can_read_its_file(tmp_path: Path) -> None:
    main_file = write_site(tmp_path, app_port=1, port=2, plain_port=3)
    done = subprocess.run(
        [find_nginx(), "-t", "-p", str(tmp_path), "-c", str(main_file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "[warn]" not in done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_can_read_its_units_and_finds_the_services_closed(unit: Path, tmp_path: Path) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("no systemd-analyze: apt-get install systemd")
    for path in UNITS:  # with a program that is there, which is all that `verify` would miss
        text = path.read_text("utf-8").replace("/opt/dermtree/.venv/bin/python -m streamlit", "/bin/sh -m streamlit")
        (tmp_path / path.name).write_text(text, "utf-8")
    done = subprocess.run([tool, "verify", str(tmp_path / unit.name)], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and unit.stem not in done.stderr, done.stderr
    if unit.suffix == ".service":
        asked = [tool, "security", "--offline=true", "--threshold=25", str(tmp_path / unit.name)]
        assert subprocess.run(asked, capture_output=True, text=True, check=False).returncode == 0


def test_the_nightly_backup_clears_away_its_own_old_backups_and_nothing_else(tmp_path: Path) -> None:
    for name in ("2026-01-31", "2026-03-01", "by-hand", "before-update"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "records.db").touch()
    for name in ("2026-01-31", "by-hand", "before-update"):
        os.utime(tmp_path / name, (0, 0))
    (clear,) = values(FOLDER / "dermtree-backup.service", "ExecStartPost")
    subprocess.run(shlex.split(clear.replace("/var/backups/dermtree", str(tmp_path))), check=True)
    assert {path.name for path in tmp_path.iterdir()} == {"2026-03-01", "by-hand", "before-update"}


def test_the_documented_backup_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The block under "Backup and restore", line by line; the loss in between is ours."""
    from derm_model.records.audit import Action, append, entries
    from derm_model.records.engine import connected, reading, records_engine, writing

    home = tmp_path / "home"
    monkeypatch.setenv("DERM_HOME", str(home))
    monkeypatch.delenv("DERM_DATABASE_URL", raising=False)
    monkeypatch.delenv("DERM_IMAGE_KEY", raising=False)
    with writing(records_engine()) as session:
        append(session, Action.SIGN_IN, "anna@clinic.example")
    records_engine().dispose()
    section = GUIDE.split("## Backup and restore")[1].split("## ")[0]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block
    for words in commands(block[1].replace("/var/backups/dermtree", str(tmp_path))):
        if words[1] == "restore":
            home.rename(tmp_path / "lost")
        assert main(words) == 0, capsys.readouterr().out
    with connected() as engine, reading(engine) as session:
        assert "anna@clinic.example" in {row.who for row in entries(session)}
    assert (tmp_path / "lost").is_dir()
