from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from derm_model.curation.workspace import Workspace, create_workspace, list_workspaces, make_workspace, read_json
from derm_model.errors import CurationError


def test_a_new_workspace_is_listed_and_empty(home: Path) -> None:
    assert list_workspaces() == []
    made = create_workspace("skin 2026")
    assert [w.name for w in list_workspaces()] == ["skin 2026"]
    assert made.table() is None
    assert made.imports() == ()
    with pytest.raises(CurationError, match="no images yet"):
        made.need_table()


@pytest.mark.parametrize("name", ["", "../evil", "a/b", ".hidden", "x" * 65, "a\nb"])
def test_a_name_that_is_no_folder_name_is_refused(home: Path, name: str) -> None:
    with pytest.raises(CurationError, match="name"):
        create_workspace(name)


def test_a_taken_name_is_refused(workspace: Workspace) -> None:
    with pytest.raises(CurationError, match="already"):
        create_workspace(workspace.name)


def test_a_folder_with_other_files_never_becomes_a_workspace(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(CurationError, match="empty"):
        make_workspace(tmp_path)


def test_an_existing_workspace_is_opened_again(workspace: Workspace) -> None:
    before = workspace.paths.settings.read_bytes()
    assert make_workspace(workspace.folder).name == workspace.name
    assert workspace.paths.settings.read_bytes() == before


def test_a_second_process_cannot_take_the_lock_and_gets_it_when_the_first_was_killed(workspace: Workspace) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom derm_model.curation.workspace import Workspace\n"
        "with Workspace(Path(sys.argv[1])).locked():\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(workspace.folder)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(CurationError, match="Only one job"), workspace.locked():
            pass
        holder.kill()
        holder.wait()
    with workspace.locked():
        pass


def test_a_damaged_file_is_named_and_not_taken_for_empty(workspace: Workspace) -> None:
    workspace.paths.imports.write_text("{half")
    with pytest.raises(CurationError, match=r"imports\.json"):
        workspace.imports()
    workspace.paths.imports.write_text("[1]")
    with pytest.raises(CurationError, match="no JSON object"):
        read_json(workspace.paths.imports)
