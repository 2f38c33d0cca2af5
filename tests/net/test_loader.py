"""The order of images and their views, the same with any number of processes."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from derm_model.data.images import decode_file
from derm_model.data.manifest import Record
from derm_model.errors import TrainingError
from derm_model.net.loader import Batch, TrainingLoader, draw_epoch, whole_images
from derm_model.net.preprocessing import Preprocessing
from derm_model.recipe.config import Stage, TrainConfig
from tests.net.drawn import draw

N = 21
CONFIG = TrainConfig(
    architecture="tiny", initialisation="random", stages=(Stage(76, 2), Stage(80, 2)), batch_size=8, workers=0
)
LABELS = np.arange(N, dtype=np.int64) % 3


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    for i in range(N):
        draw(rng, (190, 90, 80)).save(folder / f"{i}.png")
    return [Record(str(i), folder / f"{i}.png", "n", None, "drawn") for i in range(N)]


@pytest.fixture(autouse=True)
def _no_process_is_left_behind() -> Iterator[None]:
    before = set(multiprocessing.active_children())
    yield
    assert set(multiprocessing.active_children()) == before


def parts(
    records: list[Record], config: TrainConfig, epoch: int = 0, *, rank: int = 0, n_ranks: int = 1
) -> list[list[Batch]]:
    with TrainingLoader(records, LABELS[: len(records)], config, rank=rank, n_ranks=n_ranks) as loader:
        return list(loader.epoch(epoch))


def same(a: Batch, b: Batch) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a, b, strict=True))


def changed(**values: object) -> TrainConfig:
    return dataclasses.replace(CONFIG, **values)


def test_batches_follow_the_epochs_order_and_the_incomplete_one_is_left_out(records: list[Record]) -> None:
    order = draw_epoch(N, None, CONFIG.seed, 1)
    steps = parts(records, CONFIG, epoch=1)
    assert [len(step) for step in steps] == [1, 1]
    draws = torch.cat([part.draws for step in steps for part in step])
    assert draws.tolist() == list(range(16))
    assert torch.cat([part.labels for step in steps for part in step]).tolist() == LABELS[order[:16]].tolist()
    assert all(part.pixels.dtype == torch.uint8 and part.pixels.shape == (8, 3, 76, 76) for (part,) in steps)


def test_one_process_with_two_parts_sees_what_two_processes_see_together(records: list[Record]) -> None:
    alone = parts(records, changed(accumulate=2))
    first, second = (parts(records, CONFIG, rank=rank, n_ranks=2) for rank in (0, 1))
    assert len(alone) == len(first) == len(second) == 2
    for step, (a,), (b,) in zip(alone, first, second, strict=True):
        assert same(step[0], a)
        assert same(step[1], b)


def test_a_view_depends_on_seed_epoch_and_draw_only(records: list[Record]) -> None:
    whole = torch.cat([part.pixels for step in parts(records, CONFIG) for part in step])
    small = torch.cat([part.pixels for step in parts(records, changed(batch_size=2)) for part in step])
    assert torch.equal(whole, small[:16])
    for other in (parts(records, changed(seed=1)), parts(records, CONFIG, epoch=1)):
        assert not torch.equal(whole[:8], other[0][0].pixels)


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_do_not_depend_on_worker_processes(records: list[Record], workers: int) -> None:
    for epoch in (0, 2):
        alone, helped = parts(records, CONFIG, epoch), parts(records, changed(workers=workers), epoch)
        assert all(same(a, b) for (a,), (b,) in zip(alone, helped, strict=True))


def test_worker_processes_serve_every_epoch_and_stage_and_end_in_silence(
    records: list[Record], capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(multiprocessing.active_children())
    with TrainingLoader(records, LABELS, changed(workers=2)) as loader:
        seen = []
        for epoch, size_px in ((0, 76), (3, 80)):
            assert [part.pixels.shape for (part,) in loader.epoch(epoch)] == [(8, 3, size_px, size_px)] * 2
            seen.append({process.pid for process in set(multiprocessing.active_children()) - before})
        assert seen[0] == seen[1]
        assert len(seen[0]) == 2
        next(loader.epoch(1))  # closed while batches are on their way
    assert set(multiprocessing.active_children()) == before
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("workers", [0, 1])
def test_an_epoch_may_be_left_and_begun_anew(records: list[Record], workers: int) -> None:
    with TrainingLoader(records, LABELS, changed(workers=workers)) as loader:
        next(loader.epoch(1))
        again = list(loader.epoch(0))
    assert all(same(a, b) for (a,), (b,) in zip(parts(records, CONFIG), again, strict=True))


@pytest.mark.parametrize("workers", [0, 1])
def test_reading_images_leaves_torchs_random_numbers_alone(records: list[Record], workers: int) -> None:
    before = torch.get_rng_state()
    parts(records, changed(workers=workers))
    list(whole_images(records, Preprocessing(size_px=80), workers=workers))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "n, n_ranks, changes, batch_size, n_steps",
    [
        (21, 1, {}, 8, 2),
        (8, 1, {}, 8, 1),
        (7, 1, {}, 7, 1),  # fewer images than a batch
        (7, 1, {"accumulate": 2}, 6, 1),  # in equal parts
        (21, 3, {}, 6, 3),
        (21, 3, {"batch_size": 9}, 9, 2),
        (21, 3, {"batch_size": 9, "mixup": 0.2}, 6, 3),  # in even parts
    ],
)
def test_a_batch_is_shared_out_in_equal_parts(
    records: list[Record], n: int, n_ranks: int, changes: dict[str, object], batch_size: int, n_steps: int
) -> None:
    config = changed(**changes)
    for rank in range(n_ranks):
        with TrainingLoader(records[:n], LABELS[:n], config, rank=rank, n_ranks=n_ranks) as loader:
            assert (loader.batch_size, loader.n_steps) == (batch_size, n_steps)
            steps = list(loader.epoch(0))
        assert len(steps) == n_steps
        assert {len(part.labels) for step in steps for part in step} == {batch_size // n_ranks // config.accumulate}


@pytest.mark.parametrize("n, changes", [(1, {}), (3, {"accumulate": 2}), (0, {})])
def test_too_few_images_for_parts_of_two_are_refused_with_advice(
    records: list[Record], n: int, changes: dict[str, object]
) -> None:
    with pytest.raises(TrainingError, match=f"{n} images.*too few.*Lower accumulate"):
        TrainingLoader(records[:n], LABELS[:n], changed(**changes))


@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_became_unreadable_is_named(records: list[Record], tmp_path: Path, workers: int) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(records[0].path.read_bytes()[:300])
    with_damage = [dataclasses.replace(records[0], path=damaged), *records[1:]]
    for read in (
        lambda: parts(with_damage, changed(workers=workers, batch_size=N)),
        lambda: list(whole_images(with_damage, Preprocessing(size_px=80), workers=workers)),
    ):
        with pytest.raises(TrainingError, match=r"damaged\.png can no longer be read\. It ends before") as caught:
            read()
        assert "Traceback" not in str(caught.value)


def test_a_worker_process_that_dies_ends_in_a_sentence(records: list[Record]) -> None:
    before = set(multiprocessing.active_children())
    with TrainingLoader(records, LABELS, changed(workers=1)) as loader:
        list(loader.epoch(0))
        (worker,) = set(multiprocessing.active_children()) - before
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(TrainingError, match="Lower workers"):
            list(loader.epoch(1))


def test_without_rotation_images_come_upright_and_whole(records: list[Record]) -> None:
    ((part,), *_) = parts(records, changed(rotate=False, stages=(Stage(76, 1),)))
    first = decode_file(records[draw_epoch(N, None, CONFIG.seed, 0)[0]].path).pixels
    upright = np.asarray(Image.fromarray(first).resize((76, 76), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(part.pixels[0].permute(1, 2, 0).numpy() - upright).mean() < 1


@pytest.mark.parametrize("workers", [0, 1])
def test_whole_images_come_in_order_as_the_app_reads_them(records: list[Record], workers: int) -> None:
    preprocessing = Preprocessing(size_px=80)
    some = records[3:10]
    batches = list(whole_images(some, preprocessing, batch_size=3, workers=workers))
    assert torch.cat([positions for _, positions in batches]).tolist() == list(range(7))
    expected = [preprocessing.prepare(decode_file(record.path, min_side_px=160).pixels) for record in some]
    assert torch.equal(torch.cat([pixels for pixels, _ in batches]), torch.stack(expected))
