"""Pictures that show no lesion against labelled images, by a bundle's out-of-distribution score."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.metrics import roc_auc_score, roc_curve

from derm_model.assessment import foreign as pictures
from derm_model.assessment.answers import Answers, about, read_answers, write_answers
from derm_model.assessment.foreign import (
    FOREIGN,
    GIVEN,
    PER_KIND,
    Foreign,
    ForeignPicture,
    ask_drawings,
    ask_files,
    known_drawings,
    read_foreign,
    write_foreign,
)
from derm_model.assessment.separation import ALL_IMAGES, DRAWN, UnusualFigures, false_alarms_at, unusual_figures
from derm_model.assessment.separation_text import held_out_rows, kind_rows, sentences, summary_lines
from derm_model.data.manifest import Record
from derm_model.data.non_lesions import BORDERLINE, KINDS, VERSION
from derm_model.errors import EvaluationError

N = 200


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def rank(distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Percentile that grows up to a distance of 2, and stays at 100."""
    return np.minimum(100.0, 50.0 * distance)


def answers(distances: bool = True) -> Answers:
    records = tuple(
        Record(str(i), Path(f"{i}.png"), "melanoma-nos", None, "own", ("clinical", "dermoscopic")[i % 4 > 0])
        for i in range(N)
    )
    found = np.random.default_rng(0).uniform(0.5, 2.1, N)
    what = about("drawn", "b-1", ("one", "two"), records, "held out")
    probs = np.full((N, 2), 0.5)
    return Answers(what, records, probs, None, rank(found), found if distances else None)


def foreign(shift: float = 1.0, given: int = 0) -> Foreign:
    rng = np.random.default_rng(1)
    kinds = [kind for kind in KINDS for _ in range(5)] + [GIVEN] * given
    far = rng.uniform(0.5, 2.1, len(kinds)) + shift
    found = tuple(
        ForeignPicture(kind, str(i), float(d), float(rank(d)), 0, 0.5)
        for i, (kind, d) in enumerate(zip(kinds, far, strict=True))
    )
    return Foreign(1.95, VERSION, found)


def made(shift: float = 1.0, given: int = 0, distances: bool = True) -> UnusualFigures:
    found = unusual_figures(answers(distances), foreign(shift, given))
    assert found is not None
    return found


@pytest.mark.parametrize("shift", [0.0, 0.4, 1.0])
def test_area_and_false_alarms_are_those_of_an_independent_implementation(shift: float) -> None:
    own, others = answers().distance, foreign(shift)
    assert own is not None
    far = np.array([p.distance for p in others.pictures if p.kind not in BORDERLINE])
    labels, scores = np.repeat([True, False], [far.size, N]), np.concatenate([far, own])
    found = made(shift).set_of(DRAWN)
    assert found is not None and found.auc is not None and found.false_alarms is not None
    assert found.auc.value == pytest.approx(roc_auc_score(labels, scores))
    fpr, tpr, _ = roc_curve(labels, scores, drop_intermediate=False)
    assert found.false_alarms.value == pytest.approx(fpr[tpr >= 0.95 - 1e-9][0])
    assert found.false_alarms.low <= found.false_alarms.value <= found.false_alarms.high
    assert (found.auc.n_pos, found.auc.n_neg) == (far.size, N)


def test_false_alarms_of_resamples_are_those_of_the_pictures_written_out() -> None:
    rng = np.random.default_rng(2)
    labels = np.arange(60) < 20
    scores = np.round(rng.normal(labels * 1.0, 1), 1)  # with ties
    counts = rng.multinomial(60, np.full(60, 1 / 60), size=40)
    found = false_alarms_at(0.95)(labels, scores, counts)
    for row, value in zip(counts, found, strict=True):
        drawn = np.repeat(np.arange(60), row)
        fpr, tpr, _ = roc_curve(labels[drawn], scores[drawn], drop_intermediate=False)
        assert value == pytest.approx(fpr[tpr >= 0.95 - 1e-9][0])
    nothing = np.where(labels, 0, 1)[None]
    assert np.isnan(false_alarms_at(0.95)(labels, scores, nothing)).all()


def test_shares_called_unusual_are_counted_at_the_apps_threshold_by_modality_and_kind() -> None:
    found, own = made(), answers()
    assert own.unusual is not None
    assert [part.name for part in found.held_out] == [ALL_IMAGES, "clinical", "dermoscopic"]
    for part in found.held_out:
        chosen = [part.name in (ALL_IMAGES, r.modality) for r in own.records]
        assert part.noticed.n_pos == int((own.unusual[chosen] >= 97.5).sum()) and part.noticed.n == sum(chosen)
        assert part.auc is not None and part.auc.n_neg == sum(chosen)
    assert [one.name for one in found.kinds] == list(KINDS) and all(one.n == 5 for one in found.kinds)
    for one in found.kinds:
        expected = [p.unusual >= 97.5 for p in foreign().pictures if p.kind == one.name]
        assert one.noticed.n_pos == sum(expected)
    assert list(found.distances) == ["clinical", "dermoscopic"]
    assert sum(map(len, found.distances.values())) == N


def test_skin_without_lesion_is_no_part_of_the_drawings_as_a_whole() -> None:
    found = made().set_of(DRAWN)
    assert found is not None and found.n == 5 * (len(KINDS) - len(BORDERLINE))


def test_pictures_beyond_every_image_have_an_area_of_one_and_an_interval_with_width() -> None:
    found = made(shift=5.0).set_of(DRAWN)
    assert found is not None and found.auc is not None and found.false_alarms is not None
    assert found.auc.value == 1.0 and found.auc.low < 1.0
    assert found.false_alarms.value == 0.0 and found.false_alarms.high > 0.0


def test_a_users_pictures_are_a_set_of_their_own() -> None:
    found = made(given=7)
    assert [one.name for one in found.sets] == [DRAWN, GIVEN]
    assert found.sets[1].n == 7 and found.sets[1].false_alarms is not None
    assert kind_rows(found)[0][:2] == (GIVEN, "7")
    assert found.to_json()["no_lesion"][1]["fpr_at_95_tpr"]["n_pos"] == 7


def test_without_reference_distances_or_foreign_pictures_nothing_is_invented() -> None:
    assert unusual_figures(replace(answers(), unusual=None, distance=None), foreign()) is None
    alone = unusual_figures(answers(), None)
    assert alone is not None and (alone.sets, alone.kinds, alone.notice_distance) == ((), (), None)
    assert alone.held_out[0].auc is None and alone.held_out[0].noticed.n == N
    assert len(list(sentences(alone))) == 1
    old = made(distances=False)
    assert old.sets[0].auc is None and old.sets[0].false_alarms is None and old.distances == {}
    assert old.sets[0].noticed == made().sets[0].noticed
    assert "AUC not defined" in " ".join(summary_lines(old)) and held_out_rows(old)[0][3] == "not defined"
    assert json.dumps(old.to_json())


def test_the_kinds_that_are_noticed_least_come_first() -> None:
    shares = [float(row[2].split("%")[0]) for row in kind_rows(made(0.3))]
    assert shares == sorted(shares)


def told(pixels: list[NDArray[np.uint8]]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """A bundle that goes by brightness."""
    bright = np.array([picture.mean() / 255 for picture in pixels])
    return np.stack([bright, 1 - bright], axis=1), 2 * bright, 100 * bright


def test_every_kind_is_asked_about_in_batches_and_comes_back_from_the_disk_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "SIZE_PX", 32)
    drawn = ask_drawings(told)
    assert [p.kind for p in drawn] == [kind for kind in KINDS for _ in range(PER_KIND)]
    one = drawn[PER_KIND + 3]
    bright = pictures.draw(one.kind, int(one.name)).mean() / 255
    assert one.distance == pytest.approx(2 * bright) and one.answer == int(bright <= 0.5)
    found = Foreign(1.9, VERSION, drawn)
    write_foreign(tmp_path, found)
    assert read_foreign(tmp_path) == found and found.has_drawings


def test_files_that_cannot_be_read_are_named_and_none_at_all_is_an_error(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.new("RGB", (40, 30), (255, 255, 255)).save(good)
    bad.write_text("no picture")
    found, unreadable = ask_files(told, [good, bad])
    assert [(p.kind, p.name, p.answer, p.unusual) for p in found] == [(GIVEN, str(good), 0, 100.0)]
    assert [path for path, _ in unreadable] == [bad]
    with pytest.raises(EvaluationError, match="--foreign"):
        ask_files(told, [bad])


def test_what_is_missing_damaged_or_of_another_version_is_not_taken_for_answers(tmp_path: Path) -> None:
    assert read_foreign(tmp_path) is None
    write_foreign(tmp_path, replace(foreign(), format_version=99))
    assert read_foreign(tmp_path) is None
    (tmp_path / FOREIGN).write_text('{"pictures": 3}')
    assert read_foreign(tmp_path) is None
    assert not replace(foreign(), drawings=VERSION + 1).has_drawings
    with pytest.raises(EvaluationError, match="could not be kept"):
        write_foreign(tmp_path / "nowhere", foreign())


def test_a_bundle_that_was_asked_beside_other_images_is_not_asked_again() -> None:
    assert known_drawings("b-1") is None
    folder = write_answers(answers())
    write_foreign(folder, foreign(given=3))
    found = known_drawings("b-1")
    assert found is not None and found.pictures == foreign().drawn and found.notice_distance == 1.95
    assert known_drawings("b-2") is None


def test_distances_come_back_with_the_answers() -> None:
    found, own = read_answers(write_answers(answers())), answers()
    assert found.distance is not None and own.distance is not None
    assert np.array_equal(found.distance, own.distance)
    assert read_answers(write_answers(answers(distances=False))).distance is None
