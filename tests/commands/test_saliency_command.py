"""`python -m derm_model saliency`."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from derm_model.__main__ import main
from derm_model.card import read_card
from derm_model.commands.explaining import BASELINES, METHOD_IDS, SETTINGS
from derm_model.taxonomy import Taxonomy
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


def text_of(out: Path) -> dict[str, str]:
    with Image.open(out) as picture:
        return {str(key): str(value) for key, value in picture.info.items()}


def test_the_options_know_the_methods_and_baselines_there_are() -> None:
    from derm_model.net.saliency.method import BASELINES as there
    from derm_model.net.saliency.method import Settings
    from derm_model.net.saliency.methods import METHODS

    assert tuple(METHODS) == METHOD_IDS
    assert tuple(there) == BASELINES
    assert set(SETTINGS.values()) == {f.name for f in dataclasses.fields(Settings)}
    assert {s for method in METHODS.values() for s in method.settings} <= set(SETTINGS.values())


@pytest.mark.parametrize(
    "method, more",
    [
        ("smoothgrad", ["--samples", "3"]),
        ("integrated_gradients", ["--steps", "3", "--baseline", "black"]),
        ("occlusion", ["--patch", "120"]),
        ("rise", ["--masks", "9", "--seed", "4"]),
    ],
)
def test_a_method_draws_the_map_the_explainer_makes(
    image: Path, tmp_path: Path, tiny_bundle: Path, taxonomy: Taxonomy, method: str, more: list[str]
) -> None:
    from derm_model.net.bundle import load_bundle
    from derm_model.net.engine import Engine
    from derm_model.net.saliency import Target
    from derm_model.net.saliency.explainer import Explainer
    from derm_model.net.saliency.method import Settings
    from derm_model.net.saliency.methods import METHODS

    out = tmp_path / "map.png"
    assert call(image, out, tiny_bundle, "--method", method, *more, "--npy") == 0
    given = dict(zip(more[::2], more[1::2], strict=True))
    settings = Settings(
        **{
            SETTINGS[option.strip("-")]: value if option == "--baseline" else int(value)  # type: ignore[arg-type]
            for option, value in given.items()
        }
    )
    explainer = Explainer(Engine(load_bundle(tiny_bundle, taxonomy), precision="fp32"))
    expected = explainer.explain(noise_image(4, 90, 140), METHODS[method], Target.predicted(), settings)
    assert expected is not None
    values = np.load(tmp_path / "map.npy")
    assert values.dtype == np.float32 and values.shape == (299, 299)
    np.testing.assert_allclose(values, expected.values, rtol=1e-3, atol=1e-5 * float(expected.values.max()))
    assert (tmp_path / "map.signed.npy").exists() == (expected.signed is not None)
    assert expected.method in text_of(out)["Description"]


@pytest.mark.parametrize(
    "more, label",
    [
        (["--class", "seborrheic-keratosis"], "Seborrheic keratosis"),
        (["--task", "melanocytic"], "Melanoma"),
        (["--node", "melanoma", "--rather-than", "Benign melanocytic lesions"], "Malignant Melanoma rather than"),
        (
            ["--class", "Seborrheic keratosis", "--rather-than", "melanoma"],
            "Seborrheic keratosis rather than Malignant",
        ),
        (["--explain", "predicted"], ""),
    ],
)
def test_whatever_is_explained_is_named(
    image: Path, tmp_path: Path, tiny_bundle: Path, more: list[str], label: str
) -> None:
    assert call(image, tmp_path / "map.png", tiny_bundle, *more) == 0
    assert text_of(tmp_path / "map.png")["Title"].lower().startswith(f"saliency map: {label}".lower())


def test_raw_values_are_written_beside_the_picture_only_when_asked(
    image: Path, tmp_path: Path, tiny_bundle: Path
) -> None:
    assert call(image, tmp_path / "map.png", tiny_bundle) == 0
    assert not (tmp_path / "map.npy").exists()
    assert call(image, tmp_path / "map.png", tiny_bundle, "--npy") == 0
    assert np.load(tmp_path / "map.npy").shape == (299, 299)


@pytest.mark.parametrize(
    "more, message",
    [
        (["--samples", "4"], "--samples is no setting of gradient, which has none"),
        (["--method", "smoothgrad", "--masks", "4"], "which has --samples and --noise and --seed"),
        (["--method", "smoothgrad", "--samples", "1"], "at least 2"),
        (["--method", "grad_cam", "--block", "nowhere"], "nowhere"),
        (["--class", "nothing"], "It has: "),
        (["--task", "nothing"], "--task is one of"),
        (["--rather-than", "nevus"], "Name both"),
        (["--node", "melanoma", "--rather-than", "melanoma"], "neither lies below the other"),
        (["--explain", "truth"], "is for many images"),
        (["--measures", "deletion"], "is for many images"),
        (["--again"], "is for many images"),
        (["--folder", "somewhere"], "Give one IMAGE, or many"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_one_line(
    image: Path, tmp_path: Path, tiny_bundle: Path, capsys: pytest.CaptureFixture[str], more: list[str], message: str
) -> None:
    assert call(image, tmp_path / "map.png", tiny_bundle, *more) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert not (tmp_path / "map.png").exists()


def test_the_guide_lists_every_method_with_its_cost_and_every_column() -> None:
    from derm_model.net.atlas.rows import COLUMNS
    from derm_model.net.saliency.method import Settings
    from derm_model.net.saliency.methods import METHODS

    guide = (Path(__file__).parents[2] / "docs" / "saliency.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in guide.splitlines() if line.startswith("| `")]
    told = {row[0].strip("`"): row for row in rows}
    for method in METHODS.values():
        cost = method.cost(Settings(), 299)
        forward = f"({cost.forward})" if not cost.backward else f"{cost.backward} (+ {cost.forward})"
        assert told[method.id][2] == (forward if cost.forward else str(cost.backward)), method.id
        assert all(part in told[method.id][1] for part in re.findall(r"\b(?:19|20)\d\d\b", method.paper))
    assert all(f"`{column}`" in guide or column.startswith("insertion") for column in COLUMNS)
