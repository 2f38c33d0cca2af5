"""`python -m derm_model report`."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader

from derm_model import words
from derm_model.__main__ import main
from tests.support import noise_image


def save(path: Path, seed: int) -> Path:
    Image.fromarray(noise_image(seed)).save(path)
    return path


@pytest.fixture
def images(tmp_path: Path) -> list[str]:
    return [str(save(tmp_path / f"Mrs-Miller-{seed}.png", seed)) for seed in (1, 2)]


def test_every_kind_of_file_is_written(images: list[str], tmp_path: Path, tiny_bundle: Path) -> None:
    kinds = ("pdf", "html", "fhir", "json", "csv")
    wanted = [part for kind in kinds for part in (f"--{kind}", str(tmp_path / f"out.{kind}"))]
    assert main(["report", *images, *wanted, "--bundle", str(tiny_bundle), "--paper", "letter", "--note", "Seen."]) == 0
    pdf = PdfReader(io.BytesIO((tmp_path / "out.pdf").read_bytes()))
    text = " ".join(page.extract_text() for page in pdf.pages)
    assert pdf.pages[0].mediabox.width == 612
    for content in (text, (tmp_path / "out.html").read_text(encoding="utf-8")):
        assert words.NOTICE in content
        assert "Seen." in content
        assert "Miller" not in content
    bundle = json.loads((tmp_path / "out.fhir").read_text(encoding="utf-8"))
    assert bundle["resourceType"] == "Bundle"
    assert json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["averaged"] is True
    rows = list(csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text(encoding="utf-8-sig"))))
    assert [row["file"] for row in rows] == ["Mrs-Miller-1.png", "Mrs-Miller-2.png", "(mean)"]


def test_the_table_has_the_columns_and_the_numbers_of_predict(
    images: list[str], tmp_path: Path, tiny_bundle: Path
) -> None:
    bundle = ["--bundle", str(tiny_bundle)]
    assert main(["report", *images, *bundle, "--separate", "--no-maps", "--csv", str(tmp_path / "report.csv")]) == 0
    assert main(["predict", *images, *bundle, "--csv", str(tmp_path / "predict.csv")]) == 0
    tables = []
    for name in ("report.csv", "predict.csv"):
        tables.append(list(csv.reader(io.StringIO((tmp_path / name).read_text(encoding="utf-8-sig")))))
    (head, *rows), (predicted_head, *predicted_rows) = tables
    assert head == predicted_head
    of_origin = {"file", "created_at", "drawing"}
    for row, predicted in zip(rows, predicted_rows, strict=True):
        for name, cell, other in zip(head, row, predicted, strict=True):
            if name in of_origin or cell == other:
                continue
            assert float(cell) == pytest.approx(float(other), abs=1e-3), name  # another batch


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Say what to write"),
        (("--pdf", "no/such/folder/x.pdf"), "there is no folder"),
        (("--pdf", "x.pdf", "--task", "nails"), "--task is a question this model can answer"),
        (("--json", "x.json", "--fhir", "./x.json"), "x.json would replace an image or another report"),
    ],
)
def test_a_mistake_is_said_before_anything_is_read(
    arguments: tuple[str, ...], message: str, images: list[str], tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", *images, "--bundle", str(tiny_bundle), *arguments]) == 2
    assert message in capsys.readouterr().err


def test_a_file_that_is_no_image_is_named(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("no image", encoding="utf-8")
    assert main(["report", str(notes), "--bundle", str(tiny_bundle), "--pdf", str(tmp_path / "x.pdf")]) == 2
    assert "notes.txt could not be read" in capsys.readouterr().err
    assert not (tmp_path / "x.pdf").exists()


def test_a_report_never_replaces_the_image_it_is_made_of(
    images: list[str], tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path(images[0]).read_bytes()
    assert main(["report", *images, "--bundle", str(tiny_bundle), "--pdf", images[0]]) == 2
    assert "would replace an image" in capsys.readouterr().err
    assert Path(images[0]).read_bytes() == before


def test_a_file_whose_name_is_no_utf_8_can_be_reported(tmp_path: Path, tiny_bundle: Path) -> None:
    image = str(save(tmp_path / "arm-\udce9.png", 1))
    kinds = ("html", "fhir", "json", "csv")
    wanted = [part for kind in kinds for part in (f"--{kind}", str(tmp_path / f"out.{kind}"))]
    assert main(["report", image, *wanted, "--bundle", str(tiny_bundle), "--no-maps", "--names"]) == 0
    for kind in kinds:
        assert ("arm-\\udce9.png" in (tmp_path / f"out.{kind}").read_text(encoding="utf-8")) is (kind != "fhir")
    assert json.loads((tmp_path / "out.json").read_bytes())["images"][0]["file"] == "arm-\udce9.png"
