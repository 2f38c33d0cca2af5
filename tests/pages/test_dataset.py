"""The Data page without a browser: what it says and writes in every state of a workspace."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from derm_model.curation.settings import read_settings
from derm_model.curation.stages import add_manifest, link, make_split, scan
from derm_model.curation.workspace import Workspace, create_workspace
from derm_model.data.drawings import draw_lesion
from derm_model.data.duplicates.decisions import decide_pairs, read_pair_decisions
from derm_model.data.hashing import content_hash
from derm_model.data.manifest import Manifest, Record
from derm_model.data.problems import Problem
from derm_model.data.quality import read_decisions
from derm_model.data.split_plan import SplitPlan
from derm_model.errors import ImportProblem
from derm_model.jobs import JobStore
from derm_model.palette import LIGHT
from derm_model.taxonomy import Taxonomy
from pages.ui.dataset import bars, doctor, places, shading, splits, tables
from tests.pages.conftest import ROOT, TIMEOUT_S, texts

N_IMAGES = 12
NAME = "drawn"
OpenStep = Callable[..., AppTest]


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy) -> Path:
    """Home with one workspace: twelve drawings of three diseases, 01 another encoding of 00 in another part."""
    home, pictures = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("pictures")
    nodes = [
        taxonomy.find(name) for name in ("Melanoma, not otherwise specified", "Dermatofibroma", "Seborrheic keratosis")
    ]
    records = []
    for i in range(N_IMAGES):
        path = pictures / f"{i:02d}.jpg"
        Image.fromarray(draw_lesion(max(i, 1), 240)).save(path, quality=95 if i else 70)
        records.append(
            Record(
                image_id=f"drawing {i:02d}",
                path=path,
                node=str(nodes[i // 4]),
                label=None,
                source="Drawings",
                official_split="test" if i in (1, 5, 9) else "train",
                confirmed_by="histopathology" if i % 2 else None,
                age=5.0 * i,
                content_hash=content_hash(path),
            )
        )
    problems = (Problem("label unknown", 7, ("[link](x)", "b"), kept=False), Problem("odd age", 1, ("199",), kept=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DERM_HOME", str(home))
        workspace = create_workspace(NAME)
        add_manifest(workspace, Manifest(tuple(records), problems), "Drawings of a test")
        scan(workspace)
        link(workspace)
        make_split(workspace, SplitPlan(n_folds=2, use_official_test=False))
    return home


@pytest.fixture
def home(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and one folder that may be imported from."""
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DERM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DERM_BUNDLES", str(tiny_bundle.parent))
    (tmp_path / "data" / "set").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def workspace(home: Path, curated: Path) -> Workspace:
    """A copy of the curated workspace that a test may change."""
    shutil.copytree(curated, home, dirs_exist_ok=True)
    return Workspace(home / "curation" / NAME)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Arguments of the jobs that were started; none of them runs."""
    found: list[Sequence[str]] = []

    def launch(store: JobStore, arguments: Sequence[str], title: str, about: Any = None) -> None:
        found.append(list(arguments))

    monkeypatch.setattr("pages.ui.job_panel.launch", launch)
    return found


def open_step(step: str | None = None, name: str | None = NAME) -> AppTest:
    page = AppTest.from_file(str(ROOT / "pages" / "dataset.py"), default_timeout=TIMEOUT_S)
    if name is not None:
        page.query_params["workspace"] = name
    if step is not None:
        page.query_params["step"] = step
    return run(page)


def run(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception
    return page


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click()
    return run(page)


def metrics(page: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


# --- the beginning ---------------------------------------------------------------------------------------------------


def test_without_a_workspace_the_page_says_how_to_begin(home: Path) -> None:
    page = open_step(name=None)
    assert "Begin with a workspace" in texts(page)
    assert str(home / "curation") in texts(page)


def make_workspace(page: AppTest, name: str) -> AppTest:
    page.text_input(key="new_workspace").set_value(name)
    next(button for button in page.button if button.label == "Make workspace").click()
    return run(page)


def test_a_workspace_is_made_and_opened(home: Path) -> None:
    page = make_workspace(open_step(name=None), "first")
    assert (home / "curation" / "first" / "settings.json").is_file()
    assert "no images yet" in texts(page)
    assert page.query_params["workspace"] == "first"
    assert page.query_params["step"] == "import"


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden"])
def test_a_name_that_no_folder_can_have_is_refused_with_the_rule(home: Path, name: str) -> None:
    page = make_workspace(open_step(name=None), name)
    assert "letters, digits, spaces" in page.error[0].value
    assert not (home / "curation").exists()


def test_address_says_workspace_and_step_and_an_unknown_one_is_passed_over(workspace: Workspace) -> None:
    create_workspace("another")
    assert open_step("quality").selectbox(key="workspace").value == NAME
    page = open_step("no such step", "no such workspace")
    assert page.selectbox(key="workspace").value == "another"
    assert page.query_params["step"] == "import"


def test_the_page_says_what_comes_next_and_goes_there(workspace: Workspace) -> None:
    page = press(open_step("import"), "next_step")
    assert page.query_params["step"] == "duplicates"  # features are still to be computed
    assert "searched without the features of 12 images" in texts(page)


# --- import ----------------------------------------------------------------------------------------------------------


def start_import(page: AppTest, folder: str | None) -> AppTest:
    page.selectbox(key="import_folder").set_value(folder)
    return press(page, "start_import")


@pytest.mark.parametrize("folder", ["/etc", "/no/such/place", "../..", "/etc/passwd"])
def test_a_folder_outside_is_refused_in_the_same_words_whether_or_not_it_is_there(
    workspace: Workspace, started: list[Sequence[str]], monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setattr(places, "suggestions", lambda: [folder])  # AppTest cannot type what is not in the list
    with pytest.raises(ImportProblem, match=r"may be imported from below .* only\. .* is not there"):
        places.check_folder(folder)
    page = start_import(open_step("import"), folder)
    assert "The import was not started" in page.error[0].value
    assert not started


def test_a_link_that_leads_outside_is_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "way out").symlink_to("/etc")
    with pytest.raises(ImportProblem, match="only"):
        places.check_folder(str(tmp_path / "data" / "way out"))
    with pytest.raises(ImportProblem, match="only"):
        places.check_file("/etc/passwd", tmp_path / "data" / "set")


def test_inside_the_message_says_what_is_wrong(home: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "file").touch()
    for text, words in (("", "begins with a folder"), ("absent", "is not there"), ("file", "is a file")):
        with pytest.raises(ImportProblem, match=words):
            places.check_folder(text)
    assert places.check_folder("set") == places.check_folder(str(data / "set")) == data / "set"
    assert places.suggestions() == [str(data / "set")]


def test_an_import_starts_with_folder_and_options(
    workspace: Workspace, started: list[Sequence[str]], tmp_path: Path
) -> None:
    page = open_step("import")
    page.selectbox(key="importer").set_value("folders")
    run(page)
    page.selectbox(key="option_folders_modality").set_value("dermoscopic")
    page.text_input(key="option_folders_licence").set_value("--odd")
    start_import(page, str(tmp_path / "data" / "set"))
    root = f"--root={tmp_path / 'data' / 'set'}"
    expected = [
        "import",
        "folders",
        root,
        f"--workspace={workspace.folder}",
        "--modality=dermoscopic",
        "--licence=--odd",
    ]
    assert started == [expected]


def test_an_option_that_names_a_file_stays_inside_too(
    workspace: Workspace, started: list[Sequence[str]], tmp_path: Path
) -> None:
    page = open_step("import")
    page.text_input(key="option_ham10000_isic2019").set_value("/etc/passwd")
    page = start_import(page, str(tmp_path / "data" / "set"))
    assert "only" in page.error[0].value
    assert not started


def test_the_collection_is_counted_in_every_chart(workspace: Workspace) -> None:
    page = open_step("import")
    assert metrics(page) == {"Images": "12", "Lesions": "not stated", "Patients": "not stated", "Groups": "11"}
    said = texts(page)
    assert all(f"##### {name}" in said for name in ("Classes", "Data set", "Sex", "Age", "Diagnosis confirmed by"))
    assert "Drawings of a test · 12 images · 2 kinds of problems" in said


def test_an_import_with_problems_only_leaves_an_empty_collection_and_names_them(home: Path) -> None:
    add_manifest(create_workspace("bare"), Manifest((), (Problem("file not found", 3, ("a.jpg",)),)), "HAM10000")
    assert "no images yet" in texts(open_step("import", "bare"))
    page = open_step("problems", "bare")
    assert "**3 rows:** file not found" in texts(page)
    for step in ("duplicates", "quality", "splits"):
        assert "Import a data set first" in texts(open_step(step, "bare"))


def test_problems_are_told_with_examples_as_they_are(workspace: Workspace) -> None:
    said = texts(open_step("problems"))
    assert "**7 rows:** label unknown" in said
    assert r"\[link\]\(x\)" in said and "and 5 more" in said
    assert "Left out" in said and "Kept" in said


# --- jobs ------------------------------------------------------------------------------------------------------------


def about(workspace: Workspace) -> dict[str, str]:
    return {"workspace": str(workspace.folder)}


def test_a_second_start_is_held_back_while_a_job_is_at_work(workspace: Workspace) -> None:
    job = JobStore().new(["curate"], "Search for duplicates", about(workspace))
    for step, key in (("import", "start_import"), ("duplicates", "start_search")):
        page = open_step(step)
        assert page.button(key=key).disabled
        assert "One at a time may change it" in texts(page)
    page = press(page, f"cancel_{job.id}")
    assert not page.button(key="start_search").disabled
    assert "Cancelled" in texts(page)


def test_a_killed_job_is_lost_and_can_be_started_again(workspace: Workspace, started: list[Sequence[str]]) -> None:
    job = JobStore().new(["curate", "--workspace", "x"], "Search for duplicates", about(workspace))
    job.paths.status.write_text(
        '{"state": "running", "stage": "Reading pictures", "done": 40, "total": 90, "unit": "images"}'
    )
    page = open_step("duplicates")
    said = texts(page)
    assert "Lost" in said and "It had reached: Reading pictures, 40 images" in said
    press(page, f"again_{job.id}")
    assert started == [["curate", "--workspace", "x"]]


def test_a_failed_job_says_why_and_can_be_dismissed(workspace: Workspace) -> None:
    job = JobStore().new(["curate"], "Search for duplicates", about(workspace))
    job.paths.status.write_text('{"state": "failed", "message": "The disk is full."}')
    page = open_step("duplicates")
    assert r"The disk is full\." in texts(page)
    assert "Failed" not in texts(press(page, f"delete_{job.id}"))
    assert not job.paths.folder.exists()


def test_a_job_of_another_workspace_is_not_shown(workspace: Workspace) -> None:
    JobStore().new(["curate"], "Search elsewhere", {"workspace": "/elsewhere"})
    page = open_step("duplicates")
    assert "Search elsewhere" not in texts(page)
    assert not page.button(key="start_search").disabled


# --- duplicates ------------------------------------------------------------------------------------------------------


def test_the_search_uses_the_model_and_goes_without_where_there_is_none(
    workspace: Workspace,
    started: list[Sequence[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tiny_bundle: Path,
) -> None:
    press(open_step("duplicates"), "start_search")
    assert started[-1][3:] == ["--bundle", str(tiny_bundle), "--only", "scan", "features", "link"]
    monkeypatch.setenv("DERM_BUNDLES", str(tmp_path))
    page = open_step("duplicates")
    assert "No model bundle" in texts(page)
    press(page, "start_search")
    assert started[-1][3:] == ["--only", "scan", "link"]


def test_a_threshold_is_applied_only_when_asked(workspace: Workspace) -> None:
    page = open_step("duplicates")
    before = read_settings(workspace).rules.min_perceptual
    page.slider[0].set_value(1.0)
    run(page)
    assert "chosen, 1.000" in texts(page)
    assert read_settings(workspace).rules.min_perceptual == before
    page = press(page, "apply_threshold")
    assert read_settings(workspace).rules.min_perceptual == 1.0
    assert metrics(page)["Groups of 2 or more"] == "0"


def open_joined() -> AppTest:
    """Step Duplicates with the pairs that join: 00 and 01."""
    page = open_step("duplicates")
    page.segmented_control(key="pair_show").set_value("above")
    return run(page)


def decided(workspace: Workspace) -> list[str]:
    return [decision.decision for decision in read_pair_decisions(workspace.paths.pair_decisions).values()]


def test_a_pair_is_decided_on_disk_and_taken_back(workspace: Workspace) -> None:
    page = press(open_joined(), "decide_different")
    assert decided(workspace) == ["different"]
    assert metrics(page)["Groups of 2 or more"] == "0"
    page = press(page, "undo_pairs")
    assert decided(workspace) == []
    assert metrics(page)["Groups of 2 or more"] == "1"


def test_undo_leaves_what_somebody_else_has_decided_since(workspace: Workspace) -> None:
    page = press(open_joined(), "decide_different")
    (pair,) = read_pair_decisions(workspace.paths.pair_decisions)
    decide_pairs(workspace.paths.pair_decisions, [pair], "same")
    page = run(page)  # the other one's decision is seen at once
    assert metrics(page)["Groups of 2 or more"] == "1"
    press(page, "undo_pairs")
    assert decided(workspace) == ["same"]


def test_checked_pairs_are_decided_together(workspace: Workspace) -> None:
    page = open_step("duplicates")
    page.segmented_control(key="pair_show").set_value("below")
    run(page)
    boxes = [box for box in page.checkbox if box.key.startswith("check_")]
    for box in boxes[:2]:
        box.check()
    press(run(page), "decide_same")
    assert decided(workspace) == ["same"] * min(2, len(boxes))


def test_a_damaged_picture_is_named_in_its_place(workspace: Workspace) -> None:
    table = workspace.need_table()
    original = Path(table["file"].iat[0])
    kept = original.read_bytes()
    try:
        original.write_bytes(kept[:500])
        page = open_joined()
    finally:
        original.write_bytes(kept)
    assert "Not readable" in page.error[0].value
    assert "drawing 01" in texts(page)


# --- quality ---------------------------------------------------------------------------------------------------------


def test_a_quality_threshold_is_tried_then_applied_then_switched_off(workspace: Workspace) -> None:
    page = open_step("quality")
    page.number_input(key="measure_threshold_sharpness").set_value(99.0)
    page = run(page)
    assert "**12 images** (100%) would be flagged" in texts(page)
    assert metrics(page)["Flagged images"] != "12"
    page = press(page, "apply_quality")
    assert metrics(page)["Flagged images"] == "12"
    press(page, "switch_off")
    assert read_settings(workspace).thresholds["sharpness"] is None


def test_an_image_is_kept_or_left_out_by_hand(workspace: Workspace) -> None:
    page = open_step("quality")
    page.segmented_control(key="flag_show").set_value("passed")
    page = press(run(page), "verdict_leave_out")
    assert metrics(page)["Left out by hand"] == "1"
    assert [d.decision for d in read_decisions(workspace.paths.quality_decisions).by_hash.values()] == ["leave out"]
    page = press(page, "undo_flags")
    assert metrics(page)["Left out by hand"] == "0"


# --- splits ----------------------------------------------------------------------------------------------------------


def test_the_splits_are_checked_and_counted(workspace: Workspace) -> None:
    said = texts(open_step("splits"))
    assert "No group lies in two parts or in two folds" in said
    assert "| Fold\u00a00 |" in said and "| Fold\u00a01 |" in said


def test_splits_of_other_groups_are_out_of_date(workspace: Workspace) -> None:
    press(open_joined(), "decide_different")
    assert "Out of date" in texts(open_step("splits"))


def test_the_plan_becomes_the_command(workspace: Workspace) -> None:
    from derm_model.__main__ import build_parser

    plan = SplitPlan(("A b",), False, 0.1, ("histopathology",), 5, 2, True, 7)
    args = build_parser().parse_args(splits.arguments(workspace.folder, plan))
    assert (args.test_source, args.no_official_test, args.test_fraction) == (["A b"], True, 0.1)
    assert (args.test_confirmed_by, args.folds, args.level) == (["histopathology"], 5, 2)
    assert (args.by_source, args.seed, args.workspace) == (True, 7, workspace.folder)


def test_the_doctor_finds_the_leak_of_the_official_split(workspace: Workspace) -> None:
    page = open_step("splits")
    page.segmented_control(key="doctor_source").set_value("official")
    page = run(page)
    assert metrics(page)["Leaking groups"] == "1"
    assert "**2 images:** 1 in train, 1 in test" in texts(page)


def foreign(page: AppTest, data: str) -> AppTest:
    page.segmented_control(key="doctor_source").set_value("file")
    run(page)
    page.file_uploader(key="doctor_file").upload("theirs.csv", data.encode())
    return run(page)


def test_the_doctor_reads_a_foreign_split(workspace: Workspace) -> None:
    rows = "".join(f"drawing {i:02d},{'test' if i == 0 else 'train'}\n" for i in range(N_IMAGES))
    page = foreign(open_step("splits"), f"image,set\n{rows}")
    assert metrics(page)["Leaking groups"] == "1"


def test_a_foreign_file_that_is_no_split_is_refused_by_its_own_name(workspace: Workspace) -> None:
    page = foreign(open_step("splits"), "a,b\n1,2\n")
    assert r"theirs\.csv" in page.error[0].value
    assert "/tmp" not in page.error[0].value


def test_of_a_large_leaking_group_every_part_is_shown() -> None:
    members = [(i, "train") for i in range(50)] + [(99, "test"), (100, "validation")]
    shown = doctor._from_every_part(members)
    assert len(shown) == doctor.PICTURES
    assert {part for _, part in shown} == {"train", "test", "validation"}


# --- damage and size -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file", ["manifest.parquet", "settings.json", "pair_decisions.csv", "edges.parquet", "folds.parquet"]
)
def test_a_damaged_file_is_named_and_other_workspaces_can_be_used(workspace: Workspace, file: str) -> None:
    create_workspace("another")
    (workspace.folder / file).write_text("not what it was")
    page = open_step("import")
    assert file.replace(".", r"\.").replace("_", r"\_") in page.error[0].value
    page.selectbox(key="workspace").set_value("another")
    assert "no images yet" in texts(run(page))


def test_a_table_sends_one_page_of_rows_to_the_browser() -> None:
    def script() -> None:
        import pandas as pd

        from pages.ui.dataset import tables

        tables.draw_paged(pd.DataFrame({"x": range(1000)}), "page", "rows")

    page = AppTest.from_function(script).run()
    assert len(page.dataframe[0].value) == tables.PAGE_ROWS <= 200
    page.number_input(key="page").set_value(10)
    page.run()
    assert page.dataframe[0].value["x"].iloc[-1] == 999


def test_names_from_files_are_text_in_bars_and_shaded_tables() -> None:
    name = "<img src=x onerror=alert(1)>"
    for drawn in (bars.bars_html([bars.Bar(name, 3)], name), shading.shaded_html([name], [name], [[1]], name, LIGHT)):
        assert "<img" not in drawn
        assert "&lt;img" in drawn


def test_the_longest_bar_is_the_largest_count_and_nothing_is_divided_by_zero() -> None:
    assert "width:50.00%" in bars.bars_html([bars.Bar("a", 4), bars.Bar("b", 2)], "x")
    assert "width:0.00%" in bars.bars_html([bars.Bar("a", 0)], "x")
    assert shading.shaded_html(["a"], ["b"], [[0]], "x", LIGHT).count(shading.EMPTY) == 1


def test_the_saved_plan_is_what_the_form_begins_with(workspace: Workspace) -> None:
    make_split(workspace, replace(SplitPlan(), n_folds=3, use_official_test=False))
    page = open_step("splits")
    assert next(box for box in page.number_input if box.label == "Folds").value == 3
