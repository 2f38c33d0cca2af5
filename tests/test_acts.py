"""Every act of a page asks for the right in the same function: read off the source, like tests/test_architecture.py.

A button that is not offered can still be pressed: by an old page, another tab, a made-up message. So the function that
acts calls `access.who(Right.X)` itself, or is one that only gets `who` from somebody who did.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(ROOT.glob("pages/**/*.py"))
PAGES = sorted(ROOT.glob("pages/*.py"))

# rooms whose functions change what others see, or reveal what is protected
ROOMS = (
    "derm_model.assessment",
    "derm_model.bundle_zip",
    "derm_model.card",
    "derm_model.curation",
    "derm_model.data.duplicates",
    "derm_model.data.quality",
    "derm_model.jobs",
    "derm_model.operating_points",
    "derm_model.records",
    "derm_model.taxonomy.store",
    "pages.ui.model.shelf",
)
# how the names of such functions begin
VERBS = re.compile(
    r"^(add|append|begin|cancel|change|close|correct|create|decide|delete|encrypt|export|import|join|keep|launch|leave|"
    r"make|mark|move|open|purge|record|remove|rename|reopen|replace|reset|restore|resume|save|set|start|store|submit|undo"
    r"|update|upgrade|withdraw|write|import_zip)(_|$)"
)
# named like an act, and none: (module, function): why
HARMLESS = {
    ("derm_model.curation.export", "export"): "makes the bytes of a download, which `access.later` asks about",
    ("derm_model.bundle_zip", "write_zip"): "the same: into memory",
    ("derm_model.records.cases", "record_of"): "reads",
}
# the function that refers to an act hands it to one that asks: (file, act): who asks
HANDED_ON = {
    ("pages/ui/dataset/flagged.py", "decide_quality"): "Desk",
    ("pages/ui/dataset/flagged.py", "withdraw_quality"): "Desk",
    ("pages/ui/dataset/pairs.py", "decide_pairs"): "Desk",
    ("pages/ui/dataset/pairs.py", "undo_pairs"): "Desk",
    ("pages/ui/evaluate/kept.py", "keep_distance"): "start_drawings, an act",
    ("pages/ui/evaluate/kept.py", "write_foreign"): "start_drawings, an act",
    ("pages/ui/readers/desk.py", "record_reading"): "taking._hear; no Streamlit in there",
    ("pages/ui/readers/desk.py", "correct_reading"): "taking._hear; no Streamlit in there",
    ("pages/ui/readers/desk.py", "record_vote"): "taking._hear; no Streamlit in there",
    ("pages/ui/readers/results_network.py", "write_answers"): "whoever pressed, before the work begins",
    ("pages/ui/model/shelf.py", "write_card"): "managing._rename; no Streamlit in there",
    ("pages/ui/login.py", "append"): "the sign-in itself, which nobody needs a right for",
}
ASKING = ("access.who", "access.later", "audit_trail.exporting")
METHODS = {"delete": ("JobStore", "store")}  # `JobStore().delete(job)`


@dataclass(frozen=True)
class Act:
    """A reference to a function that acts, and the function of the page it stands in."""

    path: Path
    line: int
    name: str
    asks: bool

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} {self.name}"


def acts_of(path: Path, tree: ast.Module) -> Iterator[Act]:
    """All references to acts; imports inside functions count like those at the top."""
    names = {local: full for node in ast.walk(tree) for local, full in imported(node)}
    yield from _walk(path, tree, names, (), asks=False)


def imported(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.ImportFrom) and node.module:
        for alias in node.names:
            yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _walk(path: Path, node: ast.AST, names: dict[str, str], stack: tuple[ast.AST, ...], *, asks: bool) -> Iterator[Act]:
    for child in ast.iter_child_nodes(node):
        here = asks
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
            here = _asks(child)
        elif isinstance(child, ast.Call) and ast.unparse(child.func) in ASKING:
            here = True  # what is handed to `later` is asked about when it is pressed
        found = _act(child, names)
        if found is not None:
            yield Act(path, getattr(child, "lineno", 0), found, here)
        yield from _walk(path, child, names, (*stack, child), asks=here)


def _asks(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether the function itself asks, is decorated with `access.act`, or gets `who` from somebody who asked."""
    if any(ast.unparse(mark).startswith("access.act(") for mark in function.decorator_list):
        return True
    arguments = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    if any(argument.arg == "who" for argument in arguments):
        return True
    return any(isinstance(node, ast.Call) and ast.unparse(node.func) == "access.who" for node in _own(function))


def _own(function: ast.AST) -> Iterator[ast.AST]:
    """The function without the functions in it, which run at another time."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _own(child)


def _act(node: ast.AST, names: dict[str, str]) -> str | None:
    """Name of the act that a node refers to."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        full = names.get(node.id, "")
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        full = f"{names.get(node.value.id, '')}.{node.attr}"
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Call):
        made = ast.unparse(node.value.func).split(".")[-1]
        return f"{made}().{node.attr}" if made in METHODS.get(node.attr, ()) else None
    else:
        return None
    module, _, name = full.rpartition(".")
    is_act = module.startswith(ROOMS) and VERBS.match(name) and (module, name) not in HARMLESS
    return name if is_act else None


@cache
def acts() -> tuple[Act, ...]:
    return tuple(act for path in SOURCES for act in acts_of(path, ast.parse(path.read_text(encoding="utf-8"))))


def test_the_reading_of_acts_sees_what_there_is_to_see() -> None:
    code = """
from derm_model.jobs import launch, JobStore
from derm_model.records import studies as s
def bad(): launch(1)
def good():
    access.who(Right.RESEARCH)
    launch(1)
def too_late():
    access.who(Right.RESEARCH)
    def inner(): s.delete_study(1)
def handed(who): s.delete_study(1, who)
def method(): JobStore().delete(1)
@access.act(Right.RESEARCH)
def marked(): launch(1)
def file(): access.later(Right.CASES, lambda: s.export_case(1))
def passed(): st.button(on_click=launch)
def read(): s.get_study(1)
"""
    found = [(act.name, act.asks) for act in acts_of(ROOT / "x.py", ast.parse(code))]
    assert found == [
        ("launch", False),
        ("launch", True),
        ("delete_study", False),
        ("delete_study", True),
        ("JobStore().delete", False),
        ("launch", True),
        ("export_case", True),
        ("launch", False),
    ]
    assert {act.name for act in acts()} >= {"launch", "cancel", "save_point", "import_zip", "change_settings"}


def test_every_act_asks_for_its_right_in_the_same_function() -> None:
    silent = [
        str(act) for act in acts() if not act.asks and (str(act.path.relative_to(ROOT)), act.name) not in HANDED_ON
    ]
    assert not silent, "no access.who(Right.X) in the function that acts:\n" + "\n".join(silent)


def test_every_exception_is_still_needed() -> None:
    there = {(str(act.path.relative_to(ROOT)), act.name) for act in acts() if not act.asks}
    assert HANDED_ON.keys() <= there


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_computes_nothing_before_it_has_let_somebody_in(page: Path) -> None:
    body = ast.parse(page.read_text(encoding="utf-8")).body
    statements = [node for node in body if not isinstance(node, ast.Import | ast.ImportFrom)]
    if isinstance(statements[0], ast.Expr) and isinstance(statements[0].value, ast.Constant):
        statements = statements[1:]
    assert "frame.open_page(" in ast.unparse(statements[0])
    assert "Right." in ast.unparse(statements[0])


def test_the_navigation_names_the_right_that_its_page_asks_for() -> None:
    entries = {
        found[1]: found[2]
        for found in re.finditer(r'Entry\("(pages/\w+\.py)", [^)]*Right\.(\w+)\)', (ROOT / "app.py").read_text("utf-8"))
    }
    asked = {}
    for page in PAGES:
        call = re.search(r"frame\.open_page\(.*?Right\.(\w+)", page.read_text("utf-8"), re.DOTALL)
        assert call
        asked[f"pages/{page.name}"] = call[1]
    assert entries == asked


def test_fragments_are_made_where_the_end_of_a_session_is_noticed() -> None:
    strays = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in SOURCES
        if path.name != "access.py"
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if re.search(r"st\.fragment|run_every", line)
    ]
    assert not strays, "use access.poll or access.fragment:\n" + "\n".join(strays)
