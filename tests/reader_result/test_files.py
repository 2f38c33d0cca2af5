"""JSON and CSV agree with the result, and name nobody."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from derm_model.errors import EvaluationError
from derm_model.evaluation.readers import latest
from derm_model.evaluation.readers.csv_file import readings_from_csv
from derm_model.reader_result import study_result, text
from derm_model.reader_result.exports import FILES, export
from derm_model.reader_result.incoming import look_through
from derm_model.reader_result.tables import KEY_FILE, key_of, names_of, template_csv
from derm_model.words import NOTICE
from tests.reader_result.material import KERATOSIS, MELANOMA, NEVUS, made, material, network, question


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path))
    return tmp_path


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def test_json_csv_and_page_say_the_same() -> None:
    study, answers = made(second_pass=True)
    result = study_result(study, answers, answers)
    called = names_of(study)
    told = json.loads(export(study, result, "result.json"))
    table = {row["reader"]: row for row in rows(export(study, result, "readers.csv"))}
    page = {row[0]: row for row in text.reader_rows(result)}
    assert told["notice"] == NOTICE
    assert told["headline"] == text.headline(result)
    for point in told["yes_no"]["points"]:
        row, code = table[point["reader"]], next(c for c, name in called.items() if name == point["reader"])
        assert float(row["sensitivity"]) == pytest.approx(point["sensitivity"]["value"])
        assert float(row["specificity_low"]) == pytest.approx(point["specificity"]["low"])
        assert page[code][3].startswith(f"{float(row['sensitivity']):.0%} ")
    for one in told["yes_no"]["network"]["against_curve"]:
        row, code = table[one["reader"]], next(c for c, name in called.items() if name == one["reader"])
        assert row["position"] == one["position"] == page[code][5]
        assert float(row["specificity_gap"]) == pytest.approx(one["specificity_gap"]["value"])
    assert told["yes_no"]["mean"]["n_readers"] == len(result.complete)
    assert told["fleiss_kappa"]["value"] == pytest.approx(result.kappa.value if result.kappa else None)
    assert told["yes_no"]["help"]["total"]["n"] == len(study.readings) // 2


def test_no_file_holds_a_code_or_a_path() -> None:
    study, answers = made(second_pass=True)
    result = study_result(study, answers, answers)
    for name in FILES:
        content = export(study, result, name).decode()
        assert "R-" not in content, name
        assert "/nowhere" not in content, name


def test_no_list_stands_in_the_order_of_codes_which_would_tell_them() -> None:
    def stops(i: int, right: str, with_ai: bool) -> str | None:
        return right if i < 9 or with_ai else None

    people = {f"{kind}-{k:02d}": stops for kind in ("R", "script") for k in range(12)}
    study = material([MELANOMA] * 4 + [NEVUS] * 6, people, second_pass=True)
    answers = network([0.9] * 4 + [0.1] * 6)
    told = json.loads(export(study, study_result(study, answers, answers), "result.json"))
    lists = [told["readers"], told["yes_no"]["points"], told["yes_no"]["network"]["against_curve"]]
    lists.append(told["yes_no"]["help"]["readers"])
    for found in lists:
        assert [one["reader"] for one in found] == [f"reader-{i}" for i in range(1, 25)]
    for sentence in (told["warnings"][0], told["notes"][0]):
        numbers = [int(n) for n in re.findall(r"reader-(\d+)", sentence)]
        assert len(numbers) >= 12 and numbers == sorted(numbers)
    table = rows(export(study, study_result(study, answers), "readers.csv"))
    assert [row["reader"] for row in table] == [f"reader-{i}" for i in range(1, 25)]


def test_codes_are_not_told_by_notes_either_and_words_that_look_like_codes_stay() -> None:
    def stops(i: int, right: str, with_ai: bool) -> str | None:
        return right if i < 5 else None

    study = material([MELANOMA] * 4 + [NEVUS] * 6, {"image": stops, "script-1": stops})
    told = json.loads(export(study, study_result(study), "result.json"))
    assert "script-1" not in json.dumps(told)
    assert any("did not answer every image" in note and "reader-" in note for note in told["notes"])


def test_readings_come_back_from_the_export_as_they_were() -> None:
    study, answers = made(8, 9, 3, second_pass=True)
    content = export(study, study_result(study, answers), "readings.csv")
    found = readings_from_csv(content, study.keys, study.question.choice_ids)
    called = names_of(study)
    expected = {(called[r.reader], r.image, r.with_ai, r.answer, r.seconds) for r in study.answers()}
    assert {(r.reader, r.image, r.with_ai, r.answer, r.seconds) for r in latest(found.readings)} == expected


def test_what_was_exported_can_be_imported() -> None:
    study, answers = made(8, 9, 3, second_pass=True)
    content = export(study, study_result(study, answers), "readings.csv")
    found = look_through(content, replace(study, readings=()))
    assert found.problems == ()
    assert [(one.n, one.n_with_ai) for one in found.readers] == [(17, 17)] * 3


def test_readers_have_the_same_number_in_every_export_from_this_server_and_another_elsewhere(home: Path) -> None:
    study, _ = made(4, 4, 12)
    first = names_of(study)
    assert names_of(study) == first
    assert sorted(first.values(), key=lambda name: int(name.split("-")[1])) == [f"reader-{i}" for i in range(1, 13)]
    assert list(first) != sorted(first)  # the order of numbers does not tell the codes
    assert (home / KEY_FILE).stat().st_mode & 0o077 == 0
    (home / KEY_FILE).unlink()
    assert names_of(study) != first
    assert key_of("one") != key_of("other")


def test_a_damaged_key_is_refused_with_what_to_do(home: Path) -> None:
    (home / KEY_FILE).write_bytes(b"short")
    with pytest.raises(EvaluationError, match="Delete it"):
        key_of("one")


def test_the_table_of_images_has_truth_network_and_what_was_left_out() -> None:
    study = material([MELANOMA] * 3 + [NEVUS] * 3, {"a": lambda i, right, with_ai: right}, left_out=(1,))
    answers = network([0.9, 0.8, 0.2, 0.1, float("nan")])
    table = rows(export(study, study_result(study, answers), "images.csv"))
    assert [(row["image_id"], row["truth"], row["left_out"]) for row in table[:3]] == [
        ("image-000", "malignant", "no"),
        ("image-001", "", "yes"),
        ("image-002", "malignant", "no"),
    ]
    assert [row["network_malignant"] for row in table] == ["0.9", "", "0.8", "0.2", "0.1", ""]


def test_a_result_of_classes_is_json_with_one_matrix_per_reader() -> None:
    nodes = [MELANOMA] * 2 + [NEVUS] * 2 + [KERATOSIS] * 2
    choices = question("three-way").choice_ids
    study = material(nodes, {"a": lambda i, right, with_ai: right}, asked="three-way")
    told = json.loads(export(study, study_result(study, network([[1.0] + [0.0] * 2] * 6)), "result.json"))
    assert told["yes_no"] is None
    assert told["classes"]["classes"] == list(choices)
    assert [one["accuracy"]["value"] for one in told["classes"]["readers"]] == [1.0]
    assert told["classes"]["network"]["confusion"]["counts"] == [[2, 0, 0], [4, 0, 0], [0, 0, 0]]


def test_the_template_names_every_image_and_no_truth() -> None:
    study = material([MELANOMA] * 2 + [NEVUS], {"a": lambda i, right, with_ai: right})
    content = template_csv(study)
    assert [row["image_id"] for row in rows(content.encode())] == ["image-000", "image-001", "image-002"]
    assert "melanoma" not in content and "malignant" not in content
    filled = content.replace("\r\n,image", "\r\nR-1,image").replace("set,,no", "set,benign,no")
    found = readings_from_csv(filled, study.keys, study.question.choice_ids)
    assert len(found.readings) == 3
