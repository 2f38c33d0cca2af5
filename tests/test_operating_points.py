"""Saved operating points: kept beside the bundle, never in it, and never lost."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from derm_model.errors import EvaluationError
from derm_model.evaluation.curves import operating_curve
from derm_model.operating_points import SavedPoint, delete_point, new_point, points_file, read_points, save_point

BUNDLE = "demo-0123abcd"
RATES = operating_curve([False, False, True, True], [0.1, 0.4, 0.35, 0.8]).at_threshold(0.35)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def point(name: str = "Clinic A", task_id: str = "melanocytic", **others: Any) -> SavedPoint:
    words = {"who": "Dr. Ada", "why": "few may be missed", "chosen_on": "validation images", "measured_on": "held-out"}
    return new_point(name, task_id, others.pop("threshold", 0.35), rates=others.pop("rates", RATES), **words | others)


def test_a_point_comes_back_as_it_was_saved_with_who_when_why_and_its_rates() -> None:
    saved = point()
    save_point(BUNDLE, saved)
    assert read_points(BUNDLE) == (saved,)
    assert saved.saved_at.endswith("+00:00")
    assert (saved.who, saved.why, saved.rates) == ("Dr. Ada", "few may be missed", RATES)


def test_a_bundle_nobody_saved_a_point_for_has_none() -> None:
    assert read_points(BUNDLE) == ()
    assert delete_point(BUNDLE, "melanocytic", "Clinic A") is False


def test_rates_counted_on_the_images_it_was_chosen_on_are_optimistic() -> None:
    assert not point().optimistic
    assert point(measured_on="validation images").optimistic
    assert not point(measured_on="validation images", rates=None).optimistic


def test_a_name_is_unique_per_question_whatever_its_capitals() -> None:
    save_point(BUNDLE, point("Clinic A"))
    with pytest.raises(EvaluationError, match="is taken"):
        save_point(BUNDLE, point("clinic  a "))
    with pytest.raises(EvaluationError, match="is taken"):
        save_point(BUNDLE, point("youden"), taken=["Youden"])
    save_point(BUNDLE, point("Clinic A", "epidermal"))
    assert [(p.task_id, p.name) for p in read_points(BUNDLE)] == [
        ("melanocytic", "Clinic A"),
        ("epidermal", "Clinic A"),
    ]


def test_a_point_can_be_deleted_and_its_namesake_of_another_question_stays() -> None:
    for task_id in ("melanocytic", "epidermal"):
        save_point(BUNDLE, point(task_id=task_id))
    assert delete_point(BUNDLE, "melanocytic", "Clinic A") is True
    assert delete_point(BUNDLE, "melanocytic", "Clinic A") is False
    assert [p.task_id for p in read_points(BUNDLE)] == ["epidermal"]


def test_points_that_several_people_save_at_once_are_all_kept() -> None:
    def save(person: int) -> None:
        for number in range(8):
            save_point(BUNDLE, point(f"point {person}.{number}"))

    threads = [threading.Thread(target=save, args=(person,)) for person in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({p.name for p in read_points(BUNDLE)}) == 32


def test_another_bundle_has_points_of_its_own() -> None:
    save_point(BUNDLE, point())
    assert read_points("other-1") == ()


@pytest.mark.parametrize(
    "field,value", [("name", " "), ("who", ""), ("why", "\n"), ("name", "x" * 61), ("who", "a\0b")]
)
def test_a_point_without_name_person_or_reason_is_refused(field: str, value: str) -> None:
    with pytest.raises(EvaluationError):
        point(**{field: value})


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_outside_the_scores_is_refused(threshold: float) -> None:
    with pytest.raises(EvaluationError, match="between 0 and 1"):
        point(threshold=threshold)


@pytest.mark.parametrize("bundle_id", ["../card", "a/b", "", ".hidden", "a\0"])
def test_an_id_that_could_lead_elsewhere_is_refused(bundle_id: str) -> None:
    with pytest.raises(EvaluationError, match="no such id"):
        points_file(bundle_id)


def damage(change: Any) -> bytes:
    save_point(BUNDLE, point())
    path = points_file(BUNDLE)
    content = json.loads(path.read_text(encoding="ascii"))
    text = change(content)
    path.write_text(text if isinstance(text, str) else json.dumps(content), encoding="ascii")
    return path.read_bytes()


@pytest.mark.parametrize(
    "change",
    [
        lambda content: "{ not json",
        lambda content: "[]",
        lambda content: content.update(bundle_id="other"),
        lambda content: content.update(format=0),
        lambda content: content["points"][0].update(threshold="0.3"),
        lambda content: content["points"][0].update(threshold=1.5),
        lambda content: content["points"][0].pop("who"),
        lambda content: content["points"][0].update(colour="red"),
        lambda content: content["points"].append(content["points"][0]),
    ],
)
def test_a_damaged_file_is_named_and_neither_read_nor_overwritten(change: Any) -> None:
    before = damage(change)
    for attempt in (
        lambda: read_points(BUNDLE),
        lambda: save_point(BUNDLE, point("another")),
        lambda: delete_point(BUNDLE, "melanocytic", "Clinic A"),
    ):
        with pytest.raises(EvaluationError, match="left as it is"):
            attempt()
    assert points_file(BUNDLE).read_bytes() == before


def test_a_file_of_a_newer_version_says_so() -> None:
    damage(lambda content: content.update(format=2))
    with pytest.raises(EvaluationError, match="newer DermTree"):
        read_points(BUNDLE)


def test_a_folder_that_cannot_be_written_is_said_and_nothing_changes(home: Path) -> None:
    home.mkdir()
    (home / "operating_points").write_text("a file in the way", encoding="ascii")
    with pytest.raises(EvaluationError, match="could not be written"):
        save_point(BUNDLE, point())


def test_a_name_of_any_script_survives() -> None:
    save_point(BUNDLE, replace(point(), name="Клиника Ä"))
    assert read_points(BUNDLE)[0].name == "Клиника Ä"
