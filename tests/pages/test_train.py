"""The Train page without a browser: the form, its preview and refusals, and runs in every state."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from derm_model.__main__ import build_parser
from derm_model.commands.train import read_config
from derm_model.errors import ImportProblem, TrainingError
from derm_model.jobs import JobState, JobStore
from derm_model.recipe.config import PRESETS, Stage, TrainConfig
from derm_model.records import audit
from derm_model.records.engine import reading, records_engine
from pages.ui import state
from pages.ui.train import compare, form_state, machine, sentences, sources, starting, table
from pages.ui.train.form_state import EPOCHS, SIZE
from pages.ui.train.run_files import read_config as read_run_config
from pages.ui.train.run_files import read_history
from pages.ui.train.wish import CROSSVAL, Wish, read_wish
from tests.net.drawn import write_drawn_manifest
from tests.pages.conftest import ROOT, TIMEOUT_S, texts
from tests.pages.made_runs import make_run, with_bundle
from tests.pages.test_dataset import curated  # noqa: F401  (a fixture: a workspace with two folds)

PLAN_S = 60  # torch's import on a busy machine
MANIFEST = "drawn/manifest.csv"


@pytest.fixture
def home(tmp_path: Path, tiny_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, one folder that may be read from, and one model."""
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DERM_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("derm_model.card.bundle_roots", lambda: (tiny_bundle.parent, tmp_path / "home" / "runs"))
    (tmp_path / "data").mkdir()
    return tmp_path / "home"


@pytest.fixture
def manifest(home: Path, tmp_path: Path) -> Path:
    """Eighty drawn images of two kinds."""
    return write_drawn_manifest(tmp_path / "data" / "drawn")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Jobs that were started; none of them runs."""
    found: list[dict[str, Any]] = []

    def launch(
        store: JobStore, arguments: Sequence[str], title: str, about: Any = None, *, device: str | None = None
    ) -> SimpleNamespace:
        found.append({"arguments": list(arguments), "title": title, "about": about, "device": device})
        return SimpleNamespace(id=f"job-{len(found)}")

    monkeypatch.setattr(starting, "launch", launch)
    return found


def run(page: AppTest) -> AppTest:
    page.run()
    assert not page.exception
    return page


def open_train() -> AppTest:
    return run(AppTest.from_file(str(ROOT / "pages" / "train.py"), default_timeout=TIMEOUT_S))


def planned(page: AppTest) -> AppTest:
    """The page when its preview has been worked out."""
    end = time.monotonic() + PLAN_S
    while "being worked out" in texts(page).lower() and time.monotonic() < end:
        time.sleep(0.2)
        run(page)
    return page


def press(page: AppTest, key: str) -> AppTest:
    page.button(key=key).click()
    return run(page)


def choose(page: AppTest, key: str, value: object) -> AppTest:
    page.segmented_control(key=key).set_value(value)
    return run(page)


def small_and_tiny(page: AppTest) -> AppTest:
    """A recipe that this machine trains in seconds."""
    page = choose(page, "train_preset", "small-data")
    page.selectbox(key="train_option_initialisation").set_value("random")
    page.session_state["train_option_architecture"] = "tiny"
    return planned(run(page))


# --- the form --------------------------------------------------------------------------------------------------------


def test_without_images_the_page_says_how_to_begin_and_starts_nothing(home: Path) -> None:
    page = open_train()
    assert "No images yet" in texts(page) and "No training yet" in texts(page)
    assert "Choose images to train on" in texts(page)
    assert page.button(key="start_training").disabled


def test_the_preview_shows_classes_parts_oddities_and_what_the_pseudocode_loses(manifest: Path) -> None:
    page = planned(open_train())
    assert page.selectbox(key="train_images").value == str(manifest)
    said = texts(page)
    assert "**2 training classes** from 60 training images" in said
    assert "8 for validation · 12 held out" in said
    assert "fewer than 50 training images" in said
    assert "pseudocode" in said
    assert "compares the pictures" in said


def test_time_memory_and_space_stand_above_the_start_with_how_they_are_known(manifest: Path) -> None:
    page = planned(open_train())
    said = texts(page)
    assert "a rough guess: nothing was measured here yet" in said
    assert "free on the disk of runs" in said
    assert not page.button(key="start_training").disabled


def test_time_that_nobody_knows_is_said_as_unknown(manifest: Path) -> None:
    assert "Time: not known for this machine" in texts(small_and_tiny(open_train()))


def test_little_space_is_a_warning(manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_disk_bytes", lambda: 10**9)
    monkeypatch.setattr(machine, "memory_bytes", lambda: 10**9)
    said = texts(planned(open_train()))
    assert "Little space" in said and "More memory than there is" in said


def test_a_preset_fills_the_fields_and_own_changes_are_marked_and_taken_back(manifest: Path) -> None:
    page = choose(open_train(), "train_preset", "small-data")
    assert page.number_input(key="train_option_max_class_size").value == 100
    assert page.number_input(key="train_option_stages_size_2").value == 240
    page.number_input(key="train_option_max_class_size").set_value(70)
    said = texts(run(page))
    assert r"1 option changed from small\-data: largest class 70" in said
    assert r"Changed\. small\-data: 100" in said.replace("Changed. ", r"Changed\. ")
    page = press(page, "back_to_preset")
    assert page.number_input(key="train_option_max_class_size").value == 100
    assert "changed from" not in texts(page)


def test_a_combination_that_makes_no_sense_is_refused_with_the_reason_and_nothing_is_lost(manifest: Path) -> None:
    page = choose(open_train(), "train_preset", "small-data")
    page.text_input(key="train_name").set_value("my run")
    page.session_state["train_option_class_balance"] = 0.9
    page.session_state["train_option_mean"] = "grey"
    page = run(page)
    assert page.button(key="start_training").disabled
    assert "wants three numbers" in texts(page)
    page.session_state["train_option_mean"] = "0.5, 0.5, 0.5"
    page = run(page)
    assert "both make up for rare classes" in texts(page)
    assert page.text_input(key="train_name").value == "my run"
    page.session_state["train_option_class_balance"] = 0.0
    assert not planned(run(page)).button(key="start_training").disabled


def test_no_validation_images_are_refused_before_the_start_and_not_at_its_end(manifest: Path) -> None:
    page = open_train()
    page.number_input(key="train_validation").set_value(0.0)
    page = planned(run(page))
    assert "needs validation images" in texts(page)
    assert page.button(key="start_training").disabled


def test_stages_are_added_and_removed(manifest: Path) -> None:
    page = choose(open_train(), "train_preset", "small-data")
    page = press(page, "remove_stage_0")
    page = press(page, "add_stage")
    page.number_input(key="train_option_stages_epochs_2").set_value(7)
    run(page)
    sizes = [page.number_input(key=f"train_option_stages_size_{i}").value for i in range(3)]
    epochs = [page.number_input(key=f"train_option_stages_epochs_{i}").value for i in range(3)]
    assert (sizes, epochs) == ([192, 240, 240], [4, 2, 7])


def test_a_second_press_on_a_button_that_is_gone_takes_no_further_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    n = [2]
    values = {state.train_option("stages", f"{part}{i}"): 96 + i for part in (SIZE, EPOCHS) for i in range(2)}
    monkeypatch.setattr(form_state.state, "n_stages", lambda: n[0])
    monkeypatch.setattr(form_state.state, "set_n_stages", lambda now: n.__setitem__(0, now))
    monkeypatch.setattr(form_state.st, "session_state", values)
    for _ in range(2):
        form_state.remove_stage(0, 2)
    assert n == [1]
    assert values[state.train_option("stages", f"{SIZE}0")] == 97
    for _ in range(2):
        form_state.add_stage(1)
    assert n == [2]


def test_every_option_is_drawn_with_its_explanation(manifest: Path) -> None:
    from pages.ui.train.form import ADVANCED

    page = open_train()
    for group in ADVANCED:
        page.session_state[f"advanced_{group.name.lower()}"] = True
    page = run(page)
    widgets = [*page.number_input, *page.checkbox, *page.segmented_control, *page.text_input, *page.text_area]
    drawn = {w.key: w.help for w in [*widgets, *page.selectbox] if w.key and w.key.startswith("train_option_")}
    from derm_model.recipe.options import OPTIONS

    assert {f"train_option_{name}" for name in OPTIONS if name != "stages"} <= drawn.keys()
    assert all(drawn[f"train_option_{name}"] for name in OPTIONS if name != "stages")


def test_weights_of_a_model_bring_their_padding_colours_and_network(manifest: Path, tiny_bundle: Path) -> None:
    page = open_train()
    page.selectbox(key="train_option_initialisation").set_value(str(tiny_bundle.absolute()))
    page = run(page)
    card = json.loads((tiny_bundle / "bundle.json").read_text())
    assert page.session_state["train_option_architecture"] == "tiny"
    mean = [float(x) for x in page.session_state["train_option_mean"].split(",")]
    assert mean == pytest.approx(card["preprocessing"]["mean"], rel=1e-5)
    page.session_state["train_option_architecture"] = "inception_v3"
    page.session_state["train_option_mean"] = "0.1, 0.1, 0.1"
    said = texts(run(page))
    assert "first weights are of Tiny" in said
    assert "“Mean per colour” is" in said and "“Standard deviation" not in said


def test_a_file_in_the_pretrained_folder_is_offered(manifest: Path, home: Path) -> None:
    (home / "pretrained").mkdir(parents=True)
    (home / "pretrained" / "mine.safetensors").touch()
    options = open_train().selectbox(key="train_option_initialisation").options
    assert any("mine.safetensors" in option for option in options)


@pytest.mark.parametrize("text", ["/etc/passwd", "/no/such/file.csv", "../../x.csv"])
def test_a_manifest_outside_the_permitted_folders_is_refused(home: Path, text: str) -> None:
    with pytest.raises(ImportProblem, match="from below"):
        sources.find(text, [])


def test_a_file_inside_is_used_where_it_is_a_table(manifest: Path) -> None:
    assert sources.find(str(manifest), []).manifest == sources.find(MANIFEST, []).manifest == manifest
    (manifest.parent / "a.txt").touch()
    with pytest.raises(ImportProblem, match="neither"):
        sources.find("drawn/a.txt", [])


def test_weights_that_are_not_offered_are_refused(home: Path) -> None:
    with pytest.raises(TrainingError, match="none of them"):
        sources.find_weights("/etc/passwd", sources.first_weights([]))


def test_a_damaged_manifest_is_named(manifest: Path) -> None:
    manifest.write_text("a,b\n1,2\n")
    page = planned(open_train())
    assert "No preview" in texts(page)
    assert page.button(key="start_training").disabled


# --- the start -------------------------------------------------------------------------------------------------------


def test_the_start_runs_the_command_that_gives_this_recipe(manifest: Path, started: list[dict[str, Any]]) -> None:
    page = small_and_tiny(open_train())
    page.number_input(key="train_holdout").set_value(20.0)
    page.number_input(key="train_option_max_class_size").set_value(70)
    press(planned(run(page)), "start_training")
    (job,) = started
    assert (job["title"], job["about"], job["device"]) == ("small-data", {"kind": "train"}, "cpu")
    with reading(records_engine()) as session:
        trainings = [entry for entry in audit.entries(session) if entry.action == audit.Action.TRAINING]
    assert [(entry.subjects, dict(entry.details)) for entry in trainings] == [(("job-1",), {"kind": "train"})]
    args = build_parser().parse_args(job["arguments"])
    assert args.manifest == [manifest]
    assert (args.holdout, args.validation, str(args.out)) == (["drawn=0.2"], 0.1, "{job}")
    small = PRESETS["small-data"]
    assert read_config(args) == replace(small, initialisation="random", architecture="tiny", max_class_size=70)


@pytest.fixture
def workspace(home: Path, curated: Path) -> Path:  # noqa: F811
    shutil.copytree(curated, home, dirs_exist_ok=True)
    return home / "curation" / "drawn"


def test_a_workspace_is_split_by_its_folds(workspace: Path, started: list[dict[str, Any]]) -> None:
    page = small_and_tiny(open_train())
    page.number_input(key="train_fold").set_value(2)
    page.number_input(key="train_option_stages_epochs_0").set_value(1)
    page = planned(run(page))
    assert "training class" in texts(page)
    args = Wish(workspace=str(workspace), fold=1).arguments(())
    assert f"--workspace={workspace}" in args and "--fold=1" in args
    assert not any(word.startswith("--holdout") for word in args)


def test_a_cross_validation_holds_no_device_and_compares_what_was_chosen(
    manifest: Path, started: list[dict[str, Any]]
) -> None:
    page = choose(small_and_tiny(open_train()), "train_kind", CROSSVAL)
    page.segmented_control(key="train_targets").set_value(["partition", "three"])
    page.number_input(key="train_n_folds").set_value(3)
    page = planned(run(page))
    assert "one fold of it" in texts(page)
    press(page, "start_training")
    (job,) = started
    assert (job["about"], job["device"]) == ({"kind": "crossval"}, None)
    args = build_parser().parse_args(job["arguments"])
    assert (args.targets, args.n_folds, args.fold) == (["partition", "three"], 3, None)
    assert read_config(args).architecture == "tiny"


def test_a_wish_is_read_back_from_its_arguments() -> None:
    config = replace(
        TrainConfig(), stages=(Stage(96, 2), Stage(128, 1)), source_weights={"A b": 2.0}, ema_decay=None, rotate=False
    )
    for wish in (
        Wish(manifest="/m.csv", config=config, holdout=0.2, validation=0.05, name="x y", processes=2),
        Wish(workspace="/w", preset="small-data", config=PRESETS["small-data"], fold=3, name="n", device="cpu"),
        Wish(kind=CROSSVAL, manifest="/m.csv", config=config, targets=("partition", "nine"), n_folds=4),
    ):
        back = read_wish(wish.arguments(["A", "B"]))
        assert replace(back, name=wish.name) == wish
    with pytest.raises(TrainingError, match="none"):
        read_wish(["import", "csv"])
    with pytest.raises(TrainingError, match="Presets"):
        read_wish(["train", "--preset=other"])


# --- runs in every state ---------------------------------------------------------------------------------------------


def test_a_running_run_says_epoch_speed_and_time_left_and_shows_its_curves(home: Path) -> None:
    job = make_run(JobState.RUNNING, n_epochs=9, remaining_s=4320.0)
    page = open_train()
    said = texts(page)
    assert r"Epoch 10 of 20 · 7\.0 images/s · 1 h 12 min left" in said
    assert len(page.get("plotly_chart")) == 5
    assert page.button(key=f"stop_{job.id}").label == "Stop"
    press(page, f"stop_{job.id}")
    assert job.paths.cancel.exists()
    page = open_train()
    assert "Asked to stop" in texts(page)
    assert page.button(key=f"kill_{job.id}").label == "Stop at once"


def test_a_lost_run_says_since_when_and_what_is_safe(home: Path) -> None:
    job = make_run(JobState.LOST, n_epochs=12)
    said = texts(open_train())
    assert r"Lost\: no sign of life for 14 min\. Epoch 12 is safe and can be resumed\." in said
    assert "Epoch 12 is safe" in sentences.safe(job, read_history(job.paths.folder))


def test_each_state_offers_what_can_be_done_and_at_most_two_buttons(home: Path, tiny_bundle: Path) -> None:
    runs = {
        "failed": make_run(JobState.FAILED, n_epochs=3, message="The disk is full."),
        "cancelled": make_run(JobState.CANCELLED),
        "queued": make_run(JobState.QUEUED, message="Waits for 1 other job on cpu."),
        "finished": with_bundle(make_run(n_epochs=5), tiny_bundle),
    }
    page = open_train()
    said = texts(page)
    assert r"The disk is full\. Epoch 3 is safe and can be resumed\." in said
    assert r"Waits for 1 other job on cpu\." in said
    assert "No epoch was finished" in said
    assert r"5 epochs · 40 min · mean class accuracy" in said
    buttons = {button.key for button in page.button}
    for name, key in (("failed", "resume"), ("cancelled", "resume"), ("queued", "stop"), ("finished", "use")):
        own = [button for button in buttons if button.endswith(runs[name].id)]
        assert own == [f"{key}_{runs[name].id}"]
    menus = {m.key.removeprefix("menu_"): [o.split(": ")[-1] for o in m.options] for m in page.menu_button}
    assert menus[runs["queued"].id] == ["Clone with changes"]
    assert menus[runs["failed"].id] == ["Clone with changes", "Compare", "Delete"]


def test_a_run_is_resumed_in_its_own_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("pages.ui.train.actions.resume", lambda store, run: asked.append(run))
    job = make_run(JobState.FAILED, n_epochs=3)
    press(open_train(), f"resume_{job.id}")
    assert asked == [job.id]


def take(page: AppTest, job_id: str, what: str) -> AppTest:
    page.menu_button(key=f"menu_{job_id}").click(what)
    return run(page)


def test_a_clone_fills_the_form_with_what_the_run_was_asked_for(manifest: Path) -> None:
    wish = Wish(
        preset="small-data",
        config=replace(PRESETS["small-data"], dropout=0.1, stages=(Stage(96, 1),)),
        manifest=str(manifest),
        holdout=0.25,
        name="first",
    )
    job = make_run(JobState.FAILED, arguments=wish.arguments(["drawn"]))
    page = take(open_train(), job.id, "Clone with changes")
    assert page.segmented_control(key="train_preset").value == "small-data"
    assert page.session_state["train_option_dropout"] == 0.1
    assert page.number_input(key="train_option_stages_size_0").value == 96
    assert page.number_input(key="train_holdout").value == 25.0
    assert page.text_input(key="train_name").value == "first"


def test_a_run_is_deleted_only_after_the_question_and_the_safe_choice_comes_first(
    home: Path, tiny_bundle: Path
) -> None:
    job = with_bundle(make_run(n_epochs=2), tiny_bundle)
    page = take(open_train(), job.id, "Delete")
    assert "Its model goes with it" in texts(page)
    keys = [button.key for button in page.button if button.key in ("keep_run", "delete_run")]
    assert keys == ["keep_run", "delete_run"]
    page = press(page, "keep_run")
    assert job.paths.folder.exists()
    assert "Its model goes with it" not in texts(run(page))
    page = press(take(page, job.id, "Delete"), "delete_run")
    assert not job.paths.folder.exists()
    assert "No training yet" in texts(run(page))


def test_a_cross_validation_is_deleted_with_its_folds(home: Path) -> None:
    parent = make_run(JobState.CANCELLED, title="Cross-validation, paper", about={"kind": "crossval"}, config=None)
    for fold in range(2):
        make_run(JobState.FINISHED, title=f"Fold {fold}", about={"kind": "train", "crossval": parent.id})
    other = make_run(JobState.FINISHED, title="another run")
    page = take(open_train(), parent.id, "Delete")
    assert "2 trainings of its folds" in texts(page)
    press(page, "delete_run")
    assert [job.id for job in JobStore(home / "runs").list()] == [other.id]


def test_a_run_deleted_by_somebody_else_meanwhile_asks_nothing(home: Path) -> None:
    job = make_run(n_epochs=2)
    page = open_train()
    shutil.rmtree(job.paths.folder)
    assert "Delete this run?" not in texts(take(page, job.id, "Delete"))


def test_a_finished_runs_model_is_offered_and_used_and_its_evaluation_is_shown(home: Path, tiny_bundle: Path) -> None:
    job = with_bundle(make_run(n_epochs=2), tiny_bundle)
    page = open_train()
    assert f"tiny ({job.id})" in page.sidebar.selectbox[0].options
    page.session_state[f"evaluation_of_{job.id}"] = True
    page = run(page)
    said = texts(page)
    assert "Held-out images" in said and "balanced accuracy" in said and "n = 12" in said
    page = press(page, f"use_{job.id}")
    assert page.session_state["model"] == str(job.paths.folder / "bundle")
    shutil.rmtree(job.paths.folder)
    assert f"tiny ({job.id})" not in run(page).sidebar.selectbox[0].options


def test_the_evaluation_opens_when_a_run_finishes(home: Path) -> None:
    def script(job_id: str) -> None:
        import streamlit as st

        from pages.ui import state
        from pages.ui.train import actions, jobs

        if "begun" not in st.session_state:
            st.session_state["begun"] = True
            state.set_active_runs(frozenset({job_id}))  # what a page remembers that saw it running
        jobs._end_with_the_work(actions.store().list())
        st.write("drawn anew")

    job = make_run(n_epochs=2)
    page = AppTest.from_function(script, kwargs={"job_id": job.id}).run()
    assert page.session_state[f"evaluation_of_{job.id}"]
    assert page.session_state["dermtree_active_runs"] == frozenset()
    assert page.markdown[0].value == "drawn anew"


def test_a_damaged_run_is_said_and_never_breaks_the_page(home: Path, tiny_bundle: Path) -> None:
    job = make_run(JobState.FAILED, n_epochs=3)
    with (job.paths.folder / "metrics.jsonl").open("a") as file:
        file.write('{"epoch": "x"}\n{"epoch": 5, "loss": NaN}\nhalf a li')
    (job.paths.folder / "config.json").write_text('{"config": {"no": 1}}')
    odd = with_bundle(make_run(n_epochs=1), tiny_bundle)
    (odd.paths.folder / "bundle" / "bundle.json").write_text("{")
    nothing = make_run(JobState.FAILED)
    nothing.paths.request.write_text("{")
    page = open_train()
    page.session_state[f"evaluation_of_{odd.id}"] = True
    page.session_state[f"more_of_{job.id}"] = True
    said = texts(run(page))
    assert "2 lines of metrics" in said
    assert r"config\.json cannot be read" in said
    assert "card cannot be read" in said
    assert "Damaged job" in said


def test_the_newest_run_comes_first_and_old_ones_are_folded(home: Path) -> None:
    for i in range(9):
        make_run(JobState.FAILED, title=f"number {i}")
    said = texts(open_train())
    assert "number 8" in said or "number 7" in said
    assert len([line for line in said.splitlines() if line.startswith("**number")]) == 6


def test_folds_are_listed_in_the_card_of_their_cross_validation(home: Path) -> None:
    parent = make_run(JobState.RUNNING, title="Cross-validation, paper", about={"kind": "crossval"}, config=None)
    make_run(JobState.FAILED, title="Fold 1 of 3", about={"kind": "train", "crossval": parent.id})
    page = open_train()
    assert "Fold 1 of 3" not in texts(page)
    page.session_state[f"folds_of_{parent.id}"] = True
    said = texts(run(page))
    assert "Fold 1 of 3" in said and "No fold is finished yet" in said


# --- comparison ------------------------------------------------------------------------------------------------------


def test_runs_are_compared_in_one_chart_with_the_differences_of_their_recipes(home: Path) -> None:
    one = make_run(n_epochs=3, title="a", config=PRESETS["small-data"])
    other = make_run(n_epochs=4, title="a", config=replace(PRESETS["small-data"], dropout=0.1))
    page = take(take(open_train(), one.id, "Compare"), other.id, "Compare")
    assert page.multiselect(key="compared_runs").value == [one.id, other.id]
    said = texts(page)
    assert "| Dropout |" in said and "| Learning rate |" not in said
    assert "At the end: a" in said and "a 2" in said
    page = choose(page, "compared_metric", "validation_loss")
    assert len(page.get("plotly_chart")) == 1


def test_one_run_has_nothing_to_be_compared_with(home: Path) -> None:
    make_run(n_epochs=3)
    assert "### Compare" not in texts(open_train())


def test_names_of_compared_runs_are_short_and_all_different(home: Path) -> None:
    runs = [make_run(title="the same and rather long name") for _ in range(3)]
    names = compare._names(runs)
    assert len(set(names.values())) == 3
    assert max(map(len, names.values())) <= compare.NAME_CHARS + 2


# --- small parts -----------------------------------------------------------------------------------------------------


def test_a_history_is_what_can_be_read_in_order(tmp_path: Path) -> None:
    assert read_history(tmp_path).epochs == ()
    lines = ['{"epoch": 2, "size_px": 128}', '{"epoch": 1, "size_px": 96, "loss": 2}', "[]", '{"epoch": 2, "loss": 1}']
    (tmp_path / "metrics.jsonl").write_text("\n".join(lines))
    history = read_history(tmp_path)
    assert history.numbers == [1, 2] and history.damaged == 1
    assert history.values("loss") == [2, 1]
    assert read_run_config(tmp_path) is None


def test_durations_and_sizes_read_like_words() -> None:
    assert machine.duration(70 * 3600) == "3 days"
    assert machine.duration(4320) == "1 h 12 min"
    assert machine.size(2.04e9) == "2.0 GB" and machine.size(140e6) == "140 MB"
    assert machine.free_disk_bytes() and machine.memory_bytes()


def test_names_of_classes_are_text_and_no_bar_is_divided_by_zero() -> None:
    from derm_model.net.preview import ClassPreview

    drawn = table.classes_html([ClassPreview("<img src=x>", "n", 0, 0, 0, residual=True)])
    assert "<img" not in drawn and "width:0.00%" in drawn and "(rest)" in drawn
