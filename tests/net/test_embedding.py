"""Features of many files: every readable one once, and what is finished survives a stop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from derm_model.data.feature_store import FeatureStore
from derm_model.data.hashing import content_hash
from derm_model.data.images import decode_file
from derm_model.errors import Cancelled
from derm_model.net import embedding
from derm_model.net.bundle import load_bundle
from derm_model.net.embedding import Item, Unreadable, embed
from derm_model.net.engine import Engine
from derm_model.progress import Progress
from derm_model.taxonomy import Taxonomy
from tests.support import noise_image


@pytest.fixture(scope="module")
def engine(tiny_bundle: Path, taxonomy: Taxonomy) -> Engine:
    return Engine(load_bundle(tiny_bundle, taxonomy))


@pytest.fixture
def items(tmp_path: Path) -> list[Item]:
    """Twenty pictures of two sizes."""
    files = [tmp_path / f"{seed}.png" for seed in range(20)]
    for seed, file in enumerate(files):
        Image.fromarray(noise_image(seed, 60 + 20 * (seed % 2), 90)).save(file)
    return [(content_hash(file), file) for file in files]


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path / "features")


class Recorded(list[Progress]):
    """A report that remembers, and cancels at the `stop_at`-th call."""

    def __init__(self, stop_at: int | None = None) -> None:
        super().__init__()
        self.stop_at = stop_at

    def __call__(self, progress: Progress) -> None:
        self.append(progress)
        if len(self) == self.stop_at:
            raise Cancelled("stopped by the test")


def test_stored_features_and_percentiles_are_those_the_engine_predicts(
    engine: Engine, items: list[Item], store: FeatureStore
) -> None:
    assert embed(engine, items, store) == ()
    size = engine.bundle.preprocessing.size_px
    predictions = engine.predict([decode_file(path, min_side_px=size).pixels for _, path in items])
    keys = [key for key, _ in items]
    np.testing.assert_allclose(store.read(keys), np.stack([p.features for p in predictions]), rtol=2e-3, atol=1e-4)
    np.testing.assert_allclose(store.read_percentiles(keys), [p.ood_percentile for p in predictions], atol=0.5)


def test_unreadable_files_are_returned_with_the_reason_and_mix_nothing_up(
    engine: Engine, items: list[Item], store: FeatureStore, tmp_path: Path
) -> None:
    (tmp_path / "note.jpg").write_text("no picture")
    odd = [("a" * 64, tmp_path / "note.jpg"), ("b" * 64, tmp_path / "gone.jpg")]
    unreadable = embed(engine, [odd[0], *items[:9], odd[1], *items[9:]], store)
    assert [(u.content_hash, u.path) for u in unreadable] == odd
    assert all(isinstance(u, Unreadable) and u.reason for u in unreadable)
    alone = FeatureStore(tmp_path / "alone")
    embed(engine, [items[15]], alone)
    np.testing.assert_allclose(
        store.read([items[15][0]]), alone.read([items[15][0]]), rtol=2e-3, atol=1e-4
    )  # batches of another size round differently


def test_what_the_store_knows_is_not_computed_again(
    engine: Engine, items: list[Item], store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    embed(engine, items[:12], store)
    read: list[Path] = []
    monkeypatch.setattr(embedding, "_read", lambda path, size: read.append(path) or decode_file(path).pixels)
    report = Recorded()
    embed(engine, items, store, report)
    assert read == [path for _, path in items[12:]]
    assert (report[0].done, report[0].total) == (12, 20)
    assert (report[-1].done, report[-1].total) == (20, 20)


def test_one_content_under_two_names_is_computed_once(
    engine: Engine, items: list[Item], store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []
    monkeypatch.setattr(embedding, "_read", lambda path, size: read.append(path) or decode_file(path).pixels)
    embed(engine, [items[0], items[1], (items[0][0], Path("elsewhere.png"))], store)
    assert read == [items[0][1], items[1][1]]


def test_a_stop_keeps_what_was_predicted_and_the_next_call_goes_on(
    engine: Engine, items: list[Item], store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("derm_model.progress.MIN_SECONDS_BETWEEN", 0.0)  # every file is reported
    with pytest.raises(Cancelled):
        embed(engine, items, store, Recorded(stop_at=18))
    done = store.known()
    assert {key for key, _ in items[:16]} == done  # two batches of eight; the rest of the third was not predicted
    embed(engine, items, store)
    assert store.known() == {key for key, _ in items}


def test_a_long_run_writes_shard_after_shard(
    engine: Engine, items: list[Item], store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedding, "SHARD_IMAGES", 6)
    embed(engine, items, store)
    assert len(list(store.folder.iterdir())) == 4  # 6 + 6 + 6 + 2
    assert len(store.known()) == 20


def test_nothing_to_do_reports_and_writes_nothing(engine: Engine, store: FeatureStore) -> None:
    report = Recorded()
    assert embed(engine, [], store, report) == ()
    assert report[-1].done == report[-1].total == 0
    assert not store.folder.exists()
