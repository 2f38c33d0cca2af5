from __future__ import annotations

import threading
from pathlib import Path

import pytest

from derm_model.files import replaced, taking_turns


def test_a_file_appears_whole_or_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    with replaced(path) as temporary:
        temporary.write_text("old")
    with pytest.raises(UnicodeEncodeError), replaced(path) as temporary:
        temporary.write_text("new \u20ac", encoding="ascii")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["settings.json"]


def test_changes_of_several_threads_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "count"
    path.write_text("0")

    def add() -> None:
        for _ in range(50):
            with taking_turns(path):
                n = int(path.read_text())
                with replaced(path) as temporary:
                    temporary.write_text(str(n + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == "200"
