"""The command line says and writes what the page does."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from derm_model.__main__ import main
from derm_model.assessment.answers import Answers, write_answers
from derm_model.card import read_card
from derm_model.reader_result import collect, study_result, text
from derm_model.reader_result.network import about_answers, records_of
from derm_model.records import audit
from derm_model.records.engine import reading, records_engine, writing
from derm_model.records.studies import NewStudy, close_study, create_study
from derm_model.taxonomy import Taxonomy
from tests.reader_result.material import MELANOMA, NEVUS, frozen

IMAGES = frozen([MELANOMA] * 4 + [NEVUS] * 6)


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An open study of ten images that nobody has answered."""
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DERM_DATABASE_URL", raising=False)
    choices = ("malignant", "benign")
    new = NewStudy(name="Autumn", question="malignant-melanocytic", choices=choices, images=IMAGES, seed=1)
    with writing(records_engine()) as session:
        return create_study(session, new, "local")


def fill(folder: Path, *, readers: int = 3, answer: str = "malignant") -> Path:
    path = folder / "readings.csv"
    rows = [
        f"R-{k},{image.image_id},{answer if i < 5 + k else 'benign'}"
        for k in range(readers)
        for i, image in enumerate(IMAGES)
    ]
    path.write_text("reader,image_id,answer\n" + "\n".join(rows) + "\n")
    return path


def close(study_id: str) -> None:
    with writing(records_engine()) as session:
        close_study(session, study_id, "local")


def test_readings_are_imported_whole_or_not_at_all(
    study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], taxonomy: Taxonomy
) -> None:
    assert main(["readers", "import", "Autumn", str(fill(tmp_path, answer="purple"))]) == 1
    said = capsys.readouterr().out
    assert said.count("unknown answer 'purple'") == 5 + 6 + 7 and "Nothing was imported." in said
    assert main(["readers", "import", "Autumn", str(fill(tmp_path))]) == 0
    assert "30 readings of 3 readers imported." in capsys.readouterr().out
    assert [reader.n for reader in collect(study, taxonomy).readers] == [10, 10, 10]


def test_an_open_study_is_told_only_when_asked_for(
    study: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["readers", "import", study, str(fill(tmp_path))])
    capsys.readouterr()
    assert main(["readers", "result", "Autumn"]) == 2
    found = capsys.readouterr()
    assert "still open" in found.err and not found.out
    with reading(records_engine()) as session:
        assert "interim" not in str(audit.entries(session)[0].details)
    assert main(["readers", "result", "Autumn", "--interim"]) == 0
    assert "interim result" in capsys.readouterr().out
    with reading(records_engine()) as session:
        last = audit.entries(session)[0]
    assert (last.action, last.subjects, dict(last.details)) == ("study", (study,), {"done": "interim results seen"})


def test_the_result_is_that_of_the_page_and_the_files_that_of_the_result(
    study: str, tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str], taxonomy: Taxonomy
) -> None:
    main(["readers", "import", "Autumn", str(fill(tmp_path))])
    close(study)
    card = read_card(tiny_bundle)
    probs = np.random.default_rng(0).dirichlet(np.ones(len(card.classes)), len(IMAGES))
    write_answers(Answers(about_answers("Autumn", card, tiny_bundle, IMAGES, len(IMAGES)), records_of(IMAGES), probs))
    capsys.readouterr()
    assert main(["readers", "result", "Autumn", f"--bundle={tiny_bundle}"]) == 0
    said = capsys.readouterr().out
    assert "Network: AUC" in said and "network against mean reader" in said
    alone = study_result(collect(study, taxonomy))
    assert f"Fleiss' kappa): {text.kappa(alone.kappa)[0]}" in said

    out = tmp_path / "out"
    assert main(["readers", "export", "Autumn", f"--bundle={tiny_bundle}", f"--out={out}"]) == 0
    told = json.loads((out / "result.json").read_bytes())
    area = told["yes_no"]["network"]["auc"]
    assert f"AUC {area['value']:.2f} ({area['low']:.2f}–{area['high']:.2f})" in said
    readers = list(csv.DictReader(io.StringIO((out / "readers.csv").read_text("utf-8-sig"))))
    assert sorted(float(row["specificity"]) for row in readers) == pytest.approx([3 / 6, 4 / 6, 5 / 6])
    assert len((out / "readings.csv").read_text().splitlines()) == 31
    with reading(records_engine()) as session:
        last = audit.entries(session)[0]
    assert (last.action, last.subjects) == ("export", (study,))


def test_a_study_that_is_not_there_is_answered_with_those_that_are(
    study: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["readers", "result", "Winter"]) == 2
    assert 'Studies: "Autumn"' in capsys.readouterr().err
