"""The rules of docs/architecture.md, read off the source: who may import what, and what must not stand anywhere."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([ROOT / "app.py", *ROOT.glob("derm_model/**/*.py"), *ROOT.glob("pages/**/*.py")])
PAGES = sorted(ROOT.glob("pages/*.py"))

# a heavy dependency -> the only places that may import it
HEAVY = {
    "torch": ("derm_model/net/",),
    "torchvision": ("derm_model/net/",),
    "safetensors": ("derm_model/net/",),
    "captum": ("derm_model/net/saliency/",),
    "timm": ("derm_model/net/optimizer.py",),
    "plotly": ("derm_model/figures/",),
    "streamlit": ("app.py", "pages/"),
    "sklearn": ("derm_model/evaluation/",),
    "openTSNE": ("derm_model/assessment/embedding.py",),
    "jinja2": ("derm_model/evaluation_report.py", "derm_model/report/html.py"),
    "reportlab": ("derm_model/report/pdf",),
    "fhirclient": ("derm_model/report/fhir.py",),
    "pandas": ("derm_model/data/", "derm_model/curation/", "derm_model/commands/split.py", "pages/ui/"),
    "pyarrow": ("derm_model/data/", "derm_model/curation/"),
    "pydantic": ("derm_model/data/schema.py",),
    "faiss": ("derm_model/data/duplicates/",),
    "requests": ("derm_model/data/isic_api.py",),
    "rapidfuzz": ("derm_model/taxonomy/",),
    "pydicom": ("derm_model/data/",),
    "pillow_heif": ("derm_model/data/",),
    "sqlalchemy": ("derm_model/records/",),
    "alembic": ("derm_model/records/",),
    "cryptography": ("derm_model/records/",),
}
# a room -> the rooms of the project it may import, besides its own
ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "palette": set(),
    "typed_json": set(),
    "disk": set(),
    "files": set(),
    "markup": set(),
    "spreadsheet": set(),
    "home": set(),
    "access": {"errors", "files", "home"},
    "progress": set(),
    "taxonomy": {"errors", "files", "home"},
    "evaluation": {"errors", "spreadsheet", "taxonomy"},
    "recipe": {"errors", "taxonomy"},
    "data": {"derm_model", "errors", "files", "home", "progress", "taxonomy", "typed_json"},
    "jobs": {"derm_model", "disk", "errors", "files", "home", "progress", "typed_json"},
    "words": {"evaluation"},
    "verdict": {"evaluation"},
    "reader_questions": {"errors", "taxonomy"},
    "answer": {"palette", "taxonomy"},
    "inference": {"answer", "palette", "taxonomy"},
    "card": {"errors", "evaluation", "files", "home", "taxonomy", "typed_json"},
    "attributes": {"data", "evaluation"},
    "measuring": {"attributes", "card", "data", "evaluation", "taxonomy"},
    "operating_points": {"errors", "evaluation", "files", "home", "typed_json"},
}
ROOMS["card_subgroups"] = {"card", "evaluation", "markup", "taxonomy", "words"}
ROOMS["card_text"] = ROOMS["card_subgroups"] | {"card_subgroups", "errors", "recipe"}
ROOMS["bundle_zip"] = {"card", "errors", "evaluation", "home", "taxonomy", "typed_json"}
ROOMS["bundle_move"] = {"card", "errors", "taxonomy"}
ROOMS["assessment"] = {"card", "data", "errors", "evaluation", "files", "home", "measuring", "progress", "taxonomy"} | {
    "attributes",
    "typed_json",
    "words",
}
ROOMS["evaluation_report"] = {"assessment", "errors", "evaluation", "figures", "files", "palette", "words"} | {
    "reader_result"  # only its types
}
ROOMS["figures"] = {"answer", "evaluation", "inference", "palette", "verdict", "words"}
ROOMS["report"] = {*ROOMS["figures"], "card", "errors", "spreadsheet", "taxonomy"}
ROOMS["net"] = {
    *(
        "card",
        "data",
        "derm_model",
        "disk",
        "errors",
        "evaluation",
        "files",
        "home",
        "measuring",
        "progress",
        "recipe",
        "taxonomy",
        "typed_json",
        "words",
    )
}
ROOMS["records"] = {"data", "errors", "evaluation", "files", "home", "spreadsheet", "taxonomy", "typed_json", "words"}
ROOMS["reader_result"] = {"assessment", "card", "data", "errors", "evaluation", "home", "records", "taxonomy"} | {
    "reader_questions",
    "words",
}
ROOMS["curation"] = {"data", "errors", "files", "home", "net", "progress", "taxonomy"}
ROOMS["commands"] = {
    *(
        "access",
        "answer",
        "assessment",
        "bundle_move",
        "bundle_zip",
        "card",
        "card_text",
        "curation",
        "data",
        "errors",
        "evaluation",
        "evaluation_report",
        "files",
        "jobs",
        "net",
        "operating_points",
        "progress",
        "recipe",
        "reader_result",
        "records",
        "report",
        "taxonomy",
    ),
    *("verdict", "words"),
}
ROOMS["__main__"] = {"commands", "errors", "jobs", "progress"}
ROOMS["derm_model"] = set()
ROOMS["pages.ui"] = {*ROOMS, "derm_model"} - {"__main__", "commands"}
ROOMS["pages"] = ROOMS["pages.ui"] | {"pages.ui"}
ROOMS["app"] = {"access", "pages.ui"}

DISTRIBUTIONS = {
    "PIL": "pillow",
    "sklearn": "scikit-learn",
    "pillow_heif": "pillow-heif",
    "faiss": "faiss-cpu",
    "openTSNE": "opentsne",
}


@dataclass(frozen=True)
class Import:
    """One imported module; `eager` when it happens as soon as its file is imported."""

    path: Path
    line: int
    module: str
    eager: bool

    @property
    def package(self) -> str:
        return self.module.split(".")[0]

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line} imports {self.module}"


@cache
def imports() -> tuple[Import, ...]:
    return tuple(found for path in SOURCES for found in imports_of(path, ast.parse(path.read_text(encoding="utf-8"))))


def imports_of(path: Path, node: ast.AST, eager: bool = True) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(path, child.lineno, alias.name, eager) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"{path}:{child.lineno}: imports are absolute here"
            for alias in child.names:
                yield Import(path, child.lineno, f"{child.module}.{alias.name}", eager)
        else:
            waits = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) or is_for_types_only(child)
            yield from imports_of(path, child, eager and not waits)


def is_for_types_only(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def room_of(module: str) -> str:
    """`derm_model.net.bundle` is in room net, `pages.ui.frame` in pages.ui; the package itself is room derm_model."""
    parts = module.split(".")
    if parts[0] == "derm_model":
        return parts[1] if len(parts) > 1 and parts[1] in ROOMS else parts[0]
    return "pages.ui" if parts[:2] == ["pages", "ui"] else parts[0]


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def run_python(code: str) -> str:
    """Output of a fresh interpreter in the project's folder."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=120
    )
    return done.stdout.strip()


def test_the_walk_over_imports_sees_what_there_is_to_see() -> None:
    code = "import torch.nn\nif TYPE_CHECKING:\n    import plotly\ndef f():\n    from captum.attr import Saliency\n"
    found = [(i.module, i.package, i.eager) for i in imports_of(ROOT / "x.py", ast.parse(code))]
    assert found == [
        ("torch.nn", "torch", True),
        ("plotly", "plotly", False),
        ("captum.attr.Saliency", "captum", False),
    ]
    assert {i.package for i in imports()} >= {"torch", "streamlit", "captum", "timm", "plotly", "derm_model"}


def test_every_heavy_dependency_is_imported_in_its_own_room_only() -> None:
    strays = [
        str(found)
        for found in imports()
        if found.package in HEAVY and not str(found.path.relative_to(ROOT)).startswith(HEAVY[found.package])
    ]
    assert not strays, "\n".join(strays)


def test_rooms_import_only_the_rooms_before_them() -> None:
    wrong = []
    for found in imports():
        if found.package not in ("derm_model", "pages"):
            continue
        own, other = room_of(module_of(found.path)), room_of(found.module)
        if other not in {own, *ROOMS[own]}:
            wrong.append(str(found))
    assert not wrong, "\n".join(wrong)


def test_the_order_of_rooms_has_no_circle() -> None:
    left = {room: set(others) for room, others in ROOMS.items()}
    while left:
        free = {room for room, others in left.items() if not others & set(left) - {room}}
        assert free, f"a circle within {sorted(left)}"
        left = {room: others for room, others in left.items() if room not in free}


def test_every_file_of_the_package_stands_in_a_known_room() -> None:
    entries = [p for p in (ROOT / "derm_model").iterdir() if not p.name.startswith((".", "__pycache__", "__init__"))]
    assert {entry.stem for entry in entries} <= set(ROOMS)


def test_the_network_is_imported_inside_functions_outside_its_room() -> None:
    eager = [
        str(found)
        for found in imports()
        if found.eager and found.module.startswith("derm_model.net") and "derm_model/net/" not in str(found.path)
    ]
    assert not eager, "\n".join(eager)


def test_importing_the_package_takes_less_than_a_fifth_of_a_second_and_imports_no_torch() -> None:
    code = """
import sys, time
start = time.perf_counter()
import derm_model
print(time.perf_counter() - start, "torch" in sys.modules, "numpy" in sys.modules)"""
    runs = [run_python(code).split() for _ in range(3)]
    assert min(float(seconds) for seconds, _, _ in runs) < 0.2  # the quickest: a busy machine is not our slowness
    assert {tuple(rest) for _, *rest in runs} == {("False", "False")}


def test_pages_and_commands_start_without_the_network() -> None:
    light = sorted({i.module for i in imports() if i.eager and i.package == "derm_model" and "net" not in i.path.parts})
    modules = {m for name in light for m in (name, name.rpartition(".")[0]) if is_module(m)}
    modules |= {module_of(path) for path in (ROOT / "derm_model" / "commands").glob("*.py")}
    assert len(modules) > 10
    heavy = ("torch", "torchvision", "captum", "timm", "sklearn", "pandas", "scipy.stats")
    code = f"import sys, {', '.join(sorted(modules))}\nprint([m for m in {heavy} if m in sys.modules])"
    assert run_python(code) == "[]"


def is_module(name: str) -> bool:
    path = ROOT / Path(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def test_every_distribution_that_is_imported_is_pinned() -> None:
    lines = [
        line.split("#")[0].strip() for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    ]
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", line) for line in lines if line)
    pinned = {line.split("==")[0] for line in lines}
    foreign = {i.package for i in imports()} - set(sys.stdlib_module_names) - {"derm_model", "pages"}
    assert {DISTRIBUTIONS.get(name, name) for name in foreign} <= pinned


def test_nothing_is_pickled_and_torch_loads_weights_only() -> None:
    assert not {i.package for i in imports()} & {"pickle", "dill", "joblib", "cloudpickle", "shelve", "marshal"}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            given = {k.arg: ast.unparse(k.value) for k in node.keywords}
            if ast.unparse(node.func) == "torch.load":
                assert given.get("weights_only") == "True", f"{path}:{node.lineno}"
            if ast.unparse(node.func) in ("np.load", "numpy.load"):
                assert given.get("allow_pickle", "False") == "False", f"{path}:{node.lineno}"


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    files = [
        *SOURCES,
        *ROOT.glob("tests/**/*.py"),
        *ROOT.glob("scripts/*"),
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.md"),
    ]
    left = [
        f"{path}: {found[0]}" for path in files if path.is_file() for found in marks.finditer(path.read_text("utf-8"))
    ]
    assert not left, "\n".join(left)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_short_and_opens_with_the_frame(page: Path) -> None:
    source = page.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 80
    calls = [ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    assert "frame.open_page" in calls


def test_the_router_is_short_and_knows_every_page() -> None:
    source = (ROOT / "app.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 40
    assert PAGES
    assert all(f"pages/{page.name}" in source for page in PAGES)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_stays_readable(path: Path) -> None:
    # 250 lines are aimed at; docstrings with shapes, units and sources are worth some more
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_the_app_names_no_address_a_browser_could_load_from() -> None:
    shown = [p for p in SOURCES if "pages" in p.parts or p.name == "app.py"]
    shown += [p for p in ROOT.glob("pages/**/*") if p.suffix in (".js", ".css", ".html")]
    shown += [*ROOT.glob("derm_model/figures/*.py"), *ROOT.glob(".streamlit/*.toml")]
    own_names = re.compile(r"https?://www\.w3\.org/")  # XML name spaces, which nobody loads
    found = [
        f"{path}: {address}"
        for path in shown
        for address in re.findall(r"(?:https?:)?//[a-z0-9-]+\.[a-z][^\s\"']*", path.read_text(encoding="utf-8"))
        if not own_names.match(address)
    ]
    assert not found, "\n".join(found)


def test_no_command_is_missing() -> None:
    from derm_model.__main__ import COMMANDS

    there = {path.stem for path in (ROOT / "derm_model" / "commands").glob("*.py")}
    assert set(COMMANDS.values()) <= there
