"""The section of unusual images on the Evaluate page, run as Streamlit would."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from derm_model.assessment import foreign as pictures
from derm_model.assessment.answers import DISTANCE, UNUSUAL, read_about
from derm_model.assessment.foreign import Foreign, ForeignPicture, read_foreign, write_foreign
from derm_model.data.non_lesions import KINDS, VERSION
from tests.pages.conftest import ROOT, TIMEOUT_S, texts
from tests.pages.made_answers import N, make_answers


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_bundle: Path) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DERM_BUNDLES", str(tiny_bundle.parent))
    monkeypatch.setattr(pictures, "PER_KIND", 1)
    return tmp_path / "home"


def rank(folder: Path) -> None:
    """Give kept answers distances and ranks, made up."""
    distance = np.random.default_rng(0).uniform(0.5, 2.0, read_about(folder).n_images)
    np.save(folder / DISTANCE, distance)
    np.save(folder / UNUSUAL, 50 * distance)


def open_section() -> AppTest:
    page = AppTest.from_file(str(ROOT / "pages" / "evaluate.py"), default_timeout=TIMEOUT_S)
    page.query_params["section"] = "unusual"
    return settle(page.run(), "Being worked out")


def settle(page: AppTest, while_said: str) -> AppTest:
    deadline = time.monotonic() + TIMEOUT_S
    while while_said in texts(page) and time.monotonic() < deadline:
        time.sleep(0.3)
        page.run()
    assert not page.exception
    return page


def test_a_model_that_cannot_say_leaves_it_undefined(tiny_bundle: Path) -> None:
    make_answers(tiny_bundle)
    assert "**Not defined**: this model was saved without a summary" in texts(open_section())


def test_figures_kinds_and_examples_are_shown_with_their_n(tiny_bundle: Path, tmp_path: Path) -> None:
    folder = make_answers(tiny_bundle, pictures=tmp_path / "pictures")
    rank(folder)
    far = [ForeignPicture(kind, "0", 2.0 + i / 10, 100.0, 0, 0.7) for i, kind in enumerate(KINDS)]
    write_foreign(folder, Foreign(1.95, VERSION, tuple(far)))
    page = open_section()
    said = texts(page).replace("\\", "")
    assert [m.label for m in page.metric][-4:] == ["AUC", "FPR at 95% TPR", "Found by the app", "Needless notices"]
    assert f"of these {N} it is" in said and "each of them needlessly" in said
    assert "does not mean that it would notice every foreign picture" in said
    assert all(kind in said for kind in KINDS) and "clinical" in said and "dermoscopic" in said
    assert "Called unusual. Answer: " in said and "Further than 9" in said
    assert not [button for button in page.button if button.key == "ask_drawings"]
    assert page.query_params["section"] == ["unusual"] or page.query_params["section"] == "unusual"


def test_older_answers_say_what_is_known_and_offer_to_ask_about_drawings(tiny_bundle: Path) -> None:
    folder = make_answers(tiny_bundle)
    rank(folder)
    page = open_section()
    said = texts(page).replace("\\", "")
    assert "each of them needlessly" in said and "was not asked yet" in said and "FPR" not in said
    page.button(key="ask_drawings").click().run()
    deadline = time.monotonic() + TIMEOUT_S
    while read_foreign(folder) is None and time.monotonic() < deadline:
        time.sleep(0.2)
    found = read_foreign(folder)
    assert found is not None and [picture.kind for picture in found.pictures] == list(KINDS)
    page = settle(page.run(), "Being worked out")
    assert "FPR at 95% TPR" in [m.label for m in page.metric] and "was not asked yet" not in texts(page)
