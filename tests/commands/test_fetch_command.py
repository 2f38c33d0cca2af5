"""`python -m derm_model fetch`, against a local server that speaks the ISIC Archive's documented API."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from derm_model.__main__ import main
from tests.data.isic_server import IsicServer, result, serving


@pytest.fixture
def archive() -> Iterator[IsicServer]:
    with serving([result(n, "CC-BY-NC" if n == 2 else "CC-0") for n in range(1, 6)]) as server:
        yield server


def test_fetch_says_what_it_did_and_under_which_licences(
    archive: IsicServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call = ["fetch", "isic", "--limit", "3", "--licence", "cc0", "--out", str(tmp_path), "--base-url", archive.base_url]
    assert main(call) == 0
    assert capsys.readouterr().out == (
        f"ISIC Archive: 3 pictures fetched; 0 were there; 1 passed over for their licence. Licences in {tmp_path}: "
        "CC-0 3.\n"
    )
    assert main(call) == 0
    assert "0 pictures fetched; 3 were there" in capsys.readouterr().out


def test_fetched_pictures_are_imported_by_the_next_command(archive: IsicServer, tmp_path: Path) -> None:
    assert main(["fetch", "isic", "--out", str(tmp_path / "isic"), "--base-url", archive.base_url]) == 0
    manifest = tmp_path / "isic.csv"
    assert main(["import", "isic_archive", "--root", str(tmp_path / "isic"), "--out", str(manifest)]) == 0
    assert len(manifest.read_text(encoding="utf-8").splitlines()) == 6


def test_pictures_that_could_not_be_fetched_make_exit_code_one(
    archive: IsicServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del archive.pictures["/pictures/1.jpg"]
    assert main(["fetch", "isic", "--out", str(tmp_path), "--base-url", archive.base_url]) == 1
    assert "1 picture left out: could not be fetched (ISIC_0000001" in capsys.readouterr().err


def test_an_archive_out_of_reach_makes_exit_code_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "isic", "--out", str(tmp_path), "--base-url", "nowhere"]) == 2
    assert "begins with https://" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["--licence", "MIT"], "the archive's licences are CC-0, CC-BY, CC-BY-NC, not 'MIT'"),
        (["--limit", "0"], "must be 1 or more"),
        (["--limit", "many"], "invalid _positive value: 'many'"),
    ],
)
def test_what_cannot_be_asked_for_is_said(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["fetch", "isic", "--out", str(tmp_path), *arguments])
    assert said in capsys.readouterr().err


def test_the_help_says_that_it_was_tested_against_a_local_server_only(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["fetch", "--help"])
    assert "not against the archive\nitself" in capsys.readouterr().out


def test_other_commands_do_not_wait_for_the_network_library() -> None:
    code = "import sys, derm_model.commands.fetch; print('requests' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
