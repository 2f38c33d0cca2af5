"""`python -m derm_model saliency`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from derm_model.__main__ import main
from derm_model.card import read_card
from tests.support import noise_image


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "lesion.png"
    Image.fromarray(noise_image(4, 90, 140)).save(path)
    return path


def call(image: Path, out: Path, bundle: Path, *more: str) -> int:
    return main(["saliency", str(image), "--out", str(out), "--bundle", str(bundle), *more])


def test_the_map_is_written_over_the_image_at_its_own_size(
    image: Path, tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "map.png"
    assert call(image, out, tiny_bundle) == 0
    with Image.open(out) as picture:
        assert picture.size == (140, 90)
        assert picture.mode == "RGB"
        changed = np.asarray(picture).astype(int) - noise_image(4, 90, 140)
    assert (changed != 0).any()
    assert (changed == 0).any()
    printed = capsys.readouterr().out
    assert "Research tool, not a medical device" in printed
    assert "*" not in printed
    assert read_card(tiny_bundle).bundle_id in printed


def test_the_picture_carries_what_it_shows_and_the_notice(image: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    out = tmp_path / "map.png"
    assert call(image, out, tiny_bundle, "--node", "seborrheic keratoses") == 0
    with Image.open(out) as picture:
        text = picture.info
    assert text["Title"] == "Saliency map: Seborrheic keratoses"
    assert "Research tool, not a medical device" in text["Disclaimer"]
    assert read_card(tiny_bundle).bundle_id in text["Source"]
    assert "gradient of the loss" in text["Description"]


def test_the_plain_map_of_the_score_is_grey(image: Path, tmp_path: Path, tiny_bundle: Path) -> None:
    out = tmp_path / "map.png"
    assert call(image, out, tiny_bundle, "--plain", "--of", "score") == 0
    with Image.open(out) as picture:
        assert picture.mode == "L"
        assert picture.size == (140, 90)
        assert "gradient of the probability" in picture.info["Description"]


@pytest.mark.parametrize(
    "more, message",
    [
        (["--node", "Seborrheic keratosi"], "Did you mean: Seborrheic"),
        (["--node", "xyzzy"], "Try a part of its name"),
        (["--node", "Acantholytic actinic keratosis"], "no class this fine"),
        (["--out", "map.jpg"], "does not end in .png"),
        (["--out", "nowhere/map.png"], "could not be written"),
        (["--bundle", "nowhere"], "could not be read"),
    ],
)
def test_a_mistake_is_said_in_one_line_and_the_exit_code_is_2(
    image: Path, tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    assert call(image, tmp_path / "map.png", tiny_bundle, *more) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


@pytest.mark.parametrize("content", [b"", b"<svg></svg>", b"some text"])
def test_a_file_that_is_no_image_is_named(
    tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "odd.png"
    path.write_bytes(content)
    assert call(path, tmp_path / "map.png", tiny_bundle) == 2
    assert "odd.png" in capsys.readouterr().err
    assert not (tmp_path / "map.png").exists()


def test_the_help_has_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["saliency", "--help"])
    assert stopped.value.code == 0
    assert "example: python -m derm_model saliency" in capsys.readouterr().out
