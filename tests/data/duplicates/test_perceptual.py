"""Rules of the search for equal pictures: in any orientation, other encodings, sizes, colours and slight crops."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from derm_model.data.drawings import KINDS, draw_lesion
from derm_model.data.duplicates import N_DETAIL, perceptual, picture_detail
from derm_model.data.duplicates.detail import SEARCH_BAND, SIDE, spectrum
from derm_model.data.duplicates.perceptual import candidate_pairs, edges_of_pictures, similar_pictures
from derm_model.data.duplicates.registration import aligned_correlation, best_orientation, orientations
from derm_model.errors import Cancelled
from derm_model.progress import Progress

TURNS: tuple[Callable[[Image.Image], Image.Image], ...] = (
    lambda image: image,
    *(lambda image, turn=turn: image.transpose(turn) for turn in Image.Transpose),
)


@cache
def drawing(seed: int = 5, side_px: int = 256) -> Image.Image:
    return Image.fromarray(draw_lesion(seed, side_px, KINDS[seed % len(KINDS)]))


def jpeg(image: Image.Image, quality: int = 80) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def tinted(image: Image.Image) -> Image.Image:
    curves = [[round(255 * (value / 255) ** gamma) for value in range(256)] for gamma in (0.7, 1.0, 1.4)]
    return Image.merge("RGB", [band.point(curve) for band, curve in zip(image.split(), curves, strict=True)])


CHANGES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "nothing": lambda image: image,
    "encoded at quality 30": lambda image: jpeg(image, 30),
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2), Image.Resampling.LANCZOS),
    "stretched": lambda image: image.resize((image.width, 2 * image.height // 3), Image.Resampling.BICUBIC),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    "tinted": tinted,
    "cropped": lambda image: image.crop((image.width // 40, 0, image.width, image.height - image.height // 40)),
    "tilted": lambda image: image.rotate(2, Image.Resampling.BICUBIC, fillcolor=(200, 170, 150)),
}


def detail(image: Image.Image) -> np.ndarray:
    return picture_detail(np.asarray(image))


@cache
def others() -> tuple[np.ndarray, ...]:
    return tuple(detail(drawing(seed, 96)) for seed in range(100, 112))


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("turn", range(8))
def test_a_changed_and_turned_copy_is_found_among_others(change, turn):
    picture = drawing()
    copy = detail(jpeg(TURNS[turn](CHANGES[change](picture))))
    pairs, correlation = similar_pictures(np.stack([detail(picture), *others(), copy]))
    assert pairs.tolist() == [[0, 13]]
    assert 0.8 <= correlation[0] <= 1


def test_all_eight_orientations_are_among_the_transpositions():
    cells = np.arange(SIDE * SIDE).reshape(1, SIDE, SIDE) % 127
    turned = {o[0].tobytes() for o in map(np.ascontiguousarray, orientations(cells.astype(np.int8)))}
    images = [TURNS[k](Image.fromarray(cells[0].astype(np.uint8))) for k in range(8)]
    assert turned == {np.asarray(image).astype(np.int8).tobytes() for image in images}
    assert len(turned) == 8


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 7), turn=st.integers(0, 7), other=st.integers(0, 7))
def test_the_correlation_is_the_same_however_either_picture_is_turned(seed, turn, other):
    picture = drawing(seed)
    copy = picture.crop((5, 3, 250, 252))
    first, second = (detail(image).reshape(1, SIDE, SIDE) for image in (picture, copy))

    def best(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
        alike = orientations(b)[best_orientation(a, b)[0]]
        reference = spectrum(a, SEARCH_BAND)
        return float((reference * spectrum(alike, SEARCH_BAND)).sum()), float(aligned_correlation(a, b)[0])

    turned = np.ascontiguousarray(orientations(first)[turn]), np.ascontiguousarray(orientations(second)[other])
    straight = best(first, second)
    assert best(*turned) == pytest.approx(straight, abs=1e-3)
    assert straight[1] > 0.8


def test_pictures_too_little_alike_are_given_up_and_have_no_correlation():
    rng = np.random.default_rng(0)
    first, second = rng.integers(-127, 128, (2, 3, SIDE, SIDE)).astype(np.int8)
    second[1] = first[1]
    correlation = aligned_correlation(first, second)
    assert np.isnan(correlation).tolist() == [True, False, True]
    assert correlation[1] == pytest.approx(1, abs=1e-5)
    assert aligned_correlation(first[:0], second[:0]).shape == (0,)


def test_a_search_that_is_cancelled_stops(monkeypatch):
    details = np.random.default_rng(0).integers(-127, 128, (40, N_DETAIL)).astype(np.int8)
    monkeypatch.setattr(perceptual, "BLOCK_ROWS", 1)

    def cancel(progress: Progress) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        similar_pictures(details, report=cancel)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), least=st.floats(0.02, 0.6))
def test_the_search_by_parity_finds_what_comparing_all_orientations_one_by_one_finds(seed, least):
    rng = np.random.default_rng(seed)
    cells = rng.integers(-127, 128, (9, SIDE, SIDE)).astype(np.int8)
    cells[1] = orientations(cells[:1] // 2 + cells[4:5] // 2)[seed % 8][0]
    reference = spectrum(cells, SEARCH_BAND)
    every = np.stack([reference @ spectrum(option, SEARCH_BAND).T for option in orientations(cells)]).max(axis=0)
    expected = {(i, j) for i in range(9) for j in range(i + 1, 9) if every[i, j] >= least + 1e-5}
    found = set(map(tuple, candidate_pairs(cells.reshape(9, -1), least).tolist()))
    assert expected <= found <= expected | {(i, j) for i, j in found if abs(every[i, j] - least) <= 1e-5}


@pytest.mark.parametrize("rows, columns", [(1, 1), (3, 2), (5, 64), (64, 64)])
def test_pairs_do_not_depend_on_the_block_size(monkeypatch, rows, columns):
    rng = np.random.default_rng(0)
    details = rng.integers(-127, 128, (23, N_DETAIL)).astype(np.int8)
    details[[4, 17, 22]] = details[[9, 9, 0]]
    monkeypatch.setattr(perceptual, "BLOCK_ROWS", rows)
    monkeypatch.setattr(perceptual, "BLOCK_COLUMNS", columns)
    assert candidate_pairs(details).tolist() == [[0, 22], [4, 9], [4, 17], [9, 17]]


def test_drawings_of_a_kind_stay_apart():
    for kind in KINDS:
        details = np.stack([picture_detail(draw_lesion(seed, 96, kind)) for seed in range(25)])
        assert len(similar_pictures(details)[0]) == 0, kind


def test_pictures_without_structure_are_similar_to_none():
    flat = np.full((200, 200, 3), 128, dtype=np.uint8)
    assert not picture_detail(flat).any()
    assert len(similar_pictures(np.zeros((3, N_DETAIL), dtype=np.int8))[0]) == 0


def test_no_pictures_have_no_pairs():
    pairs, correlation = similar_pictures(np.empty((0, N_DETAIL), dtype=np.int8))
    assert pairs.shape == (0, 2)
    assert correlation.shape == (0,)


def test_edges_name_positions_of_the_table_and_pass_over_what_has_no_print():
    picture = drawing()
    a, b, c = (detail(image) for image in (picture, jpeg(picture.rotate(90)), drawing(6)))
    table = pd.DataFrame({"content_hash": ["unread", "c", "b", "unknown", "a", "b"]})
    prints = pd.DataFrame(
        {
            "content_hash": ["a", "gone", "b", "unread", "c"],
            "detail": [a.tobytes(), a.tobytes(), b.tobytes(), None, c.tobytes()],
        }
    )
    seen: list[Progress] = []
    edges = edges_of_pictures(table, prints, 0.8, report=seen.append)
    assert edges[["a", "b"]].to_numpy().tolist() == [[2, 4]]
    assert edges["kind"].tolist() == ["perceptual"]
    assert edges["strength"][0] > 0.9
    assert {progress.stage for progress in seen} == {"Comparing pictures", "Laying pictures upon each other"}
