"""Downloads: complete, with the notice, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from PIL import Image

from derm_model import words
from derm_model.evaluation.curves import operating_curve
from derm_model.report import CaseReport, ImageResult, TaskResult, captioned_png, case_json, images_csv, now
from derm_model.verdict import judge

NAMES = {
    "mel": "Melanoma",
    "nev": "Nevus",
    "malignant": "Malignant",
    "benign": "Benign",
    "inflammatory": "Inflammatory",
}
TIME = datetime(2026, 11, 23, 3, 58, tzinfo=UTC)


def task_result(score: float | None) -> TaskResult:
    labels = np.arange(200) % 2 == 0
    curve = operating_curve(labels, np.random.default_rng(0).beta(np.where(labels, 4, 2), np.where(labels, 2, 4)))
    return TaskResult(
        question="Melanocytic: melanoma or nevus?",
        positive_name="melanoma",
        score=score,
        region_probability=0.9,
        threshold=0.35,
        threshold_rule="Sensitivity 90%",
        rates=curve.at_threshold(0.35),
        measured_on="held-out images",
        verdict=None if score is None else judge(score, 0.35, curve),
    )


def image_result(name: str, p: float) -> ImageResult:
    return ImageResult(
        file=name,
        sha256="0" * 64,
        width_px=4000,
        height_px=3000,
        is_drawing=False,
        class_probs={"mel": p, "nev": 1 - p},
        nodes={"malignant": p, "benign": 1 - p, "inflammatory": None},
        ood_percentile=12.5,
        notices=("**The image looks blurred.** Take it again.",),
        tasks={"melanocytic": task_result(p)},
    )


def case(*images: ImageResult) -> CaseReport:
    return CaseReport(
        bundle_id="demo-1a2b3c",
        model="demo",
        licence="CC BY-NC 4.0",
        taxonomy_digest="ab" * 32,
        averaged=len(images) > 1,
        images=images or (image_result("clinic.jpg", 0.73),),
        class_probs={"mel": 0.73, "nev": 0.27},
        nodes={"malignant": 0.73, "benign": 0.27, "inflammatory": None},
        tasks={"melanocytic": task_result(0.73)},
        names={
            "mel": "Melanoma",
            "nev": "Nevus",
            "malignant": "Malignant",
            "benign": "Benign",
            "inflammatory": "Inflammatory",
        },
        created_at=TIME,
    )


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_json_carries_notice_model_threshold_rates_and_utc_time() -> None:
    document = json.loads(case_json(case()))
    task = document["tasks"]["melanocytic"]
    assert document["notice"] == words.NOTICE
    assert document["bundle"] == "demo-1a2b3c"
    assert document["created_at"] == "2026-11-23T03:58:00+00:00"
    assert (task["threshold"], task["threshold_rule"], task["measured_on"]) == (
        0.35,
        "Sensitivity 90%",
        "held-out images",
    )
    assert (task["rates"]["n_pos"], task["rates"]["n_neg"]) == (100, 100)
    assert task["above"] is True
    assert "Consider biopsy or referral." in task["suggestion"]


def test_what_is_not_resolved_is_null_in_json_and_empty_in_csv_never_0() -> None:
    assert json.loads(case_json(case()))["nodes"]["inflammatory"] is None
    assert rows(images_csv(case()))[0]["nodes.inflammatory"] == ""


def test_a_question_without_a_score_has_no_side() -> None:
    report = replace(case(), tasks={"melanocytic": task_result(None)})
    task = json.loads(case_json(report))["tasks"]["melanocytic"]
    assert [task[key] for key in ("score", "above", "close", "suggestion")] == [None] * 4


def test_the_csv_has_a_line_per_image_and_one_for_the_mean_of_the_views() -> None:
    lines = rows(images_csv(case(image_result("a.jpg", 0.7), image_result("b.jpg", 0.76))))
    assert [line["file"] for line in lines] == ["a.jpg", "b.jpg", "(mean)"]
    assert [float(line["class_probs.mel"]) for line in lines] == pytest.approx([0.7, 0.76, 0.73])
    assert {line["notice"] for line in lines} == {words.NOTICE}
    assert {line["bundle"] for line in lines} == {"demo-1a2b3c"}
    assert {line["tasks.melanocytic.positive"] for line in lines} == {"True"}


def test_separate_lesions_have_no_mean() -> None:
    report = replace(
        case(image_result("a.jpg", 0.7), image_result("b.jpg", 0.2)), averaged=False, class_probs=None, nodes=None
    )
    lines = rows(images_csv(report))
    assert [line["tasks.melanocytic.positive"] for line in lines] == ["True", "False"]


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1.jpg", "-1.jpg", "@x.jpg", "\n=1+1", "＝1+1", "＠x"])
def test_a_file_name_never_becomes_a_formula(name: str) -> None:
    assert rows(images_csv(case(image_result(name, 0.7))))[0]["file"] == "'" + name


def test_the_png_keeps_the_picture_and_says_what_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (300, 500, 3), dtype=np.uint8)
    data = captioned_png(pixels, ("Map for: melanoma.", "Bundle demo-1a2b3c. " + "word " * 60))
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.width == 500
        assert picture.height > 300 + 60
        np.testing.assert_array_equal(np.asarray(picture)[:300], pixels)
        assert picture.text["Description"].startswith(words.NOTICE)
        below = np.asarray(picture.convert("L"))[300:]
    assert (below < 128).any()  # letters
    assert (below[:, -5:] > 200).all()  # and none cut at the right edge


def drawn(text: str) -> bytes:
    """Pixels of a line of text below a small picture."""
    with Image.open(io.BytesIO(captioned_png(np.zeros((20, 10, 3), dtype=np.uint8), (text,)))) as picture:
        return picture.tobytes()


def test_the_caption_has_a_sign_for_every_letter_of_a_disease() -> None:
    signs = ["\uffff", "\ue000", *"éöł×–µ²σ≥…"]  # for the first two no font has a sign
    assert drawn(signs[0]) == drawn(signs[1])
    assert len({drawn(sign) for sign in signs}) == len(signs) - 1


def test_a_long_word_of_the_caption_is_broken_and_not_cut() -> None:
    with Image.open(io.BytesIO(captioned_png(np.zeros((20, 10, 3), dtype=np.uint8), ("W" * 300,)))) as picture:
        pixels = np.asarray(picture.convert("L"))
    assert (pixels[20:, -8:] > 200).all()
    assert pixels.shape[0] > 20 + 8 * 20  # eight lines or more


def test_a_small_picture_still_has_room_for_the_notice() -> None:
    data = captioned_png(np.zeros((20, 10, 3), dtype=np.uint8), ())
    assert Image.open(io.BytesIO(data)).width == 480


def test_the_time_of_a_report_is_utc() -> None:
    assert now().tzinfo is UTC
