"""The saliency lab without a browser: what it says in every state, and that its work stays with its session."""

from __future__ import annotations

import io
import json
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from derm_model import words
from derm_model.errors import Cancelled, DermTreeError
from derm_model.progress import Progress, Report
from pages.ui import state
from pages.ui.saliency import batch, keys, outline
from pages.ui.saliency.entries import PAPER, SCORE
from pages.ui.saliency.wish import Kind, Wish
from pages.ui.saliency.works import Work, Works, wait_for
from tests.pages.conftest import ROOT, TIMEOUT_S, OpenPage, png, texts, upload

Open = Callable[..., AppTest]
SQUARE = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]


@pytest.fixture
def open_lab(tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open the page alone with a query; each call is a session of its own."""
    monkeypatch.setenv("DERM_BUNDLES", str(tiny_bundle.parent))
    monkeypatch.setenv("DERM_HOME", str(tmp_path))

    def open_page(**query: str) -> AppTest:
        page = AppTest.from_file(str(ROOT / "pages" / "saliency.py"), default_timeout=TIMEOUT_S)
        for key, value in query.items():
            page.query_params[key] = value
        page.run()
        assert not page.exception
        return page

    return open_page


def settled(page: AppTest) -> AppTest:
    """The page once nothing of its session is at work."""
    lab = page.session_state["dermtree_saliency_lab"]
    while works := [work for queue in (lab.maps, lab.tests, lab.asks) for work in at_work(queue)]:
        wait_for(works, TIMEOUT_S)
    page.run()
    assert not page.exception
    return page


def at_work(works: Works) -> list[Work]:
    return [work for work in works._works.values() if not work.is_done]


def maps(page: AppTest) -> dict[str, Work]:
    """Works of the maps by the method's id."""
    return {key[3]: work for key, work in page.session_state["dermtree_saliency_lab"].maps._works.items()}


def with_image(page: AppTest) -> AppTest:
    return settled(upload(page, ("clinic.png", png(1))))


def test_without_a_model_or_an_image_the_page_says_how_to_begin(
    open_lab: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_lab()
    assert words.BADGE in texts(page)
    assert "Fill the frame with one lesion" in texts(page)
    monkeypatch.setenv("DERM_BUNDLES", str(tmp_path))
    assert "No model to read with" in texts(open_lab())


def test_the_papers_map_comes_first_and_is_called_so(open_lab: Open) -> None:
    page = with_image(open_lab())
    methods = page.button_group(key=keys.SALIENCY_METHODS)
    assert methods.options[0] == "Loss gradient, L1 (the paper's map)"
    found = maps(page)
    assert next(iter(found)) == PAPER
    assert all(work.result is not None for work in found.values())
    assert "Esteva et al" in found[PAPER].result.method


def test_every_kind_of_target_is_explained_and_an_incomplete_one_is_said(open_lab: Open) -> None:
    page = with_image(open_lab(methods=PAPER))
    labels = set()
    for kind in (Kind.PREDICTED, Kind.CLASS, Kind.QUESTION, Kind.DIFFERENCE, Kind.LABEL):
        page.selectbox(key=keys.SALIENCY_KIND).set_value(kind).run()
        settled(page)
        assert not page.warning, kind
        labels.add(list(page.session_state["dermtree_saliency_lab"].maps._works.values())[-1].result.label)
    assert len(labels) >= 4
    page.selectbox(key=keys.SALIENCY_KIND).set_value(Kind.NODE).run()
    assert "Pick a node" in texts(page)


def test_a_difference_of_a_node_and_one_below_it_is_refused_with_the_reason(open_lab: Open) -> None:
    page = with_image(open_lab(explain="difference", node="malignant", other="melanoma", methods=PAPER))
    assert "neither lies below the other" in texts(page)
    assert page.session_state[keys.SALIENCY_OTHER] == "melanoma"


def test_the_address_brings_back_target_methods_and_settings_but_no_image(open_lab: Open) -> None:
    page = with_image(
        open_lab(explain="node", node="melanoma", of="score", methods=f"{SCORE},smoothgrad", samples="3", noise="0.2")
    )
    assert set(maps(page)) == {SCORE, "smoothgrad"}
    (key,) = [key for key in page.session_state["dermtree_saliency_lab"].maps._works if key[3] == "smoothgrad"]
    assert dict(key[5])["samples"] == 3
    assert key[4].of == "score"
    query = page.query_params
    assert (query["node"], query["noise"], query["methods"]) == ("melanoma", "0.2", f"{SCORE},smoothgrad")
    assert "image" not in query and "clinic" not in str(query)


def test_what_an_address_says_wrongly_is_named(open_lab: Open) -> None:
    page = open_lab(explain="nonsense", samples="-4", methods="gradient,no_such")
    assert "could not be used" in texts(page)
    assert "explain" in texts(page) and "samples" in texts(page)
    page = with_image(page)
    assert list(maps(page)) == [PAPER]


def test_a_long_method_begins_on_demand_only_and_can_be_stopped(
    open_lab: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pages.ui.saliency.grid.ASK_ABOVE_S", -1.0)
    monkeypatch.setattr("pages.ui.saliency.grid.ASK_ABOVE_PASSES", 1)
    page = with_image(open_lab(methods=f"{PAPER},rise", masks="3000"))
    assert "rise" not in maps(page)
    page.button(key="compute_rise").click().run()
    work = maps(page)["rise"]
    while work.progress is None or not work.progress.done:
        time.sleep(0.01)
    page.button(key="stop_rise").click().run()
    wait_for([work], TIMEOUT_S)
    assert work.was_stopped
    assert page.run().button(key="compute_rise")


def test_a_drawn_outline_gives_the_share_inside_and_the_measures_have_it(
    open_lab: Open, files: dict[str, Callable[[], str | bytes]]
) -> None:
    page = with_image(open_lab(methods=PAPER))
    lab = page.session_state["dermtree_saliency_lab"]
    (image,) = page.session_state["dermtree_case"].images
    lab.lesions[image.digest] = [SQUARE]
    page.run()
    content = json.loads(files["saliency_json"]())
    values = maps(page)[PAPER].result.values
    n = len(values)
    inner = values[n // 4 : n - n // 4, n // 4 : n - n // 4].sum() / values.sum()
    assert content["notice"] == words.NOTICE
    assert content["outline_area"] == pytest.approx(0.25, abs=0.01)
    assert content["maps"][0]["share_inside_outline"] == pytest.approx(inner, abs=0.01)
    assert content["maps"][0]["method"] == PAPER


def test_several_maps_are_taken_away_as_numbers(open_lab: Open, files: dict[str, Callable[[], str | bytes]]) -> None:
    page = with_image(open_lab(methods=f"{PAPER},{SCORE}"))
    with zipfile.ZipFile(io.BytesIO(files["saliency_npy"]())) as archive:
        assert archive.namelist() == [f"{PAPER}.npy", f"{SCORE}.npy"]
        values = np.load(io.BytesIO(archive.read(f"{PAPER}.npy")), allow_pickle=False)
    np.testing.assert_array_equal(values, maps(page)[PAPER].result.values)


def test_a_test_of_belief_runs_beside_the_page_and_is_read_in_words(open_lab: Open) -> None:
    page = with_image(open_lab(methods=PAPER))
    page.button(key="begin_randomisation").click().run()
    settled(page)
    ((key, work),) = page.session_state["dermtree_saliency_lab"].tests._works.items()
    (found,) = work.result
    assert key[1] == "randomisation"
    assert found.reading.split(":")[0].split("(")[0].strip() in texts(page).replace("\\", "")
    assert ("does not change when the network is made random" in texts(page)) is found.warning


def test_a_covered_part_moves_probabilities_and_says_by_how_much(open_lab: Open) -> None:
    page = with_image(open_lab(methods=PAPER, section="ask"))
    (image,) = page.session_state["dermtree_case"].images
    page.session_state["dermtree_saliency_lab"].regions[image.digest] = [SQUARE]
    page.run()
    settled(page)
    assert "Before | After | Change" in texts(page)
    page.button(key="turn").click().run()
    settled(page)
    assert "over 36 angles (mean ± SD)" in texts(page)


def test_classify_leads_here_with_what_its_map_explains(open_lab: Open, open_classify: OpenPage) -> None:
    page = upload(open_classify(), ("clinic.png", png(1)))
    page.selectbox(key=state.QUESTION).set_value("melanocytic").run()
    (link,) = [text.value for text in page.markdown if "Open in the saliency lab" in str(text.value)]
    query = dict(parse_qsl(urlsplit(link[link.index("(") + 1 : -1]).query))
    assert (query["explain"], query["question"], query["image"]) == ("question", "melanocytic", "1")
    assert "could not be used" not in texts(with_image(open_lab(**query)))


def test_two_sessions_keep_their_work_apart(open_lab: Open) -> None:
    one, two = open_lab(methods=PAPER), open_lab(methods=SCORE)
    upload(one, ("a.png", png(1)))
    upload(two, ("b.png", png(2)))
    assert set(maps(settled(one))) == {PAPER}
    assert set(maps(settled(two))) == {SCORE}


def test_work_of_a_session_that_went_away_stops() -> None:
    works, began, ended = Works(), threading.Event(), threading.Event()

    def make(report: Report) -> None:
        began.set()
        try:
            while True:
                report(Progress("At it", 0))
                time.sleep(0.005)
        except Cancelled:
            ended.set()
            raise

    works.start("a", make)
    assert began.wait(10)
    del works
    assert ended.wait(10)


def test_work_is_kept_stopped_and_done_again() -> None:
    works = Works()
    first = works.start("a", lambda report: 1)
    wait_for([first], 10)
    assert works.start("a", lambda report: 2) is first and first.result == 1

    def fail(report: Report) -> None:
        raise DermTreeError("Broken. Mend it.")

    failed = works.start("b", fail)
    wait_for([failed], 10)
    assert failed.trouble == "Broken. Mend it." and failed.result is None
    again = works.start("b", lambda report: 3)
    wait_for([again], 10)
    assert again.result == 3
    held = threading.Event()
    slow = works.start("c", lambda report: held.wait(10))
    waiting = works.start("d", lambda report: 4)
    works.stop("d")
    held.set()
    wait_for([slow, waiting], 10)
    assert waiting.was_stopped and not waiting.trouble


def test_a_mask_must_be_a_png_of_the_images_shape_with_two_colours() -> None:
    inside = np.zeros((60, 80), np.uint8)
    inside[10:30, 20:60] = 255
    assert outline.read_mask(as_png(inside), 800, 600).sum() == 20 * 40
    for data, said in (
        (as_png(inside), "has the shape of its image"),
        (b"no picture", "is a PNG"),
        (as_png(np.zeros((60, 60), np.uint8)), "single colour"),
    ):
        with pytest.raises(DermTreeError, match=said):
            outline.read_mask(data, 600, 600)


def as_png(pixels: np.ndarray) -> bytes:  # type: ignore[type-arg]
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def test_a_drawn_line_covers_its_area_and_nonsense_from_a_browser_is_refused() -> None:
    mask = outline.rasterised([SQUARE], 40, 20)
    assert mask.shape == (20, 40) and mask.mean() == pytest.approx(0.25, abs=0.02)
    assert mask[10, 20] and not mask[1, 1]
    assert outline.checked_shapes({"image": "a", "shapes": [SQUARE]}, ["a"]) == ("a", [SQUARE])
    for nonsense in (
        None,
        {"image": "b", "shapes": [SQUARE]},
        {"image": "a", "shapes": "x"},
        {"image": "a", "shapes": [[[0, 2], [1, 1], [0, 0]]]},
        {"image": "a", "shapes": [[[0, 0], [1, 1]]]},
    ):
        assert outline.checked_shapes(nonsense, ["a"]) is None


def test_settings_are_told_as_they_were_set() -> None:
    from derm_model.net.saliency.method import Settings
    from pages.ui.saliency.entries import entries, settings_in_words

    told = {name: settings_in_words(entry, Settings(samples=5)) for name, entry in entries().items()}
    assert told[PAPER] == ""
    assert "samples 5" in told["smoothgrad"] and "seed 0" in told["smoothgrad"]
    assert "block last" in told["grad_cam"]


def test_a_job_gets_the_options_the_command_knows(tiny_bundle: Path) -> None:
    from derm_model.__main__ import build_parser
    from derm_model.net.saliency.method import Settings
    from pages.ui.saliency.entries import entries

    settings = Settings(samples=4, patch_px=40)
    for wish in (
        Wish(),
        Wish(Kind.LABEL),
        Wish(Kind.CLASS, class_id="c"),
        Wish(Kind.NODE, "melanoma", of="score"),
        Wish(Kind.DIFFERENCE, "melanoma", "benign"),
        Wish(Kind.QUESTION, task_id="melanocytic"),
    ):
        for entry in entries().values():
            options = batch.options_of(entry, wish, settings)
            args = build_parser().parse_args(["saliency", "--manifest=m.csv", "--out=o", *options])
            assert args.method == entry.method.id
            assert args.of == (entry.of or wish.of)
            assert args.patch == (40 if "patch_px" in entry.method.settings else None)
