"""Features on disk: what was added is read back by content hash, whoever wrote it and however it ended."""

from __future__ import annotations

import hashlib
import multiprocessing
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from derm_model.data.feature_store import FeatureStore, feature_store
from derm_model.errors import CurationError

WIDTH = 5


def key(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def features_of(numbers: range | list[int]) -> NDArray[np.float32]:
    """Rows that tell their picture, exact in half precision."""
    return np.array([[n, n / 4, 0, 1, 2] for n in numbers], dtype=np.float32)


def add(store: FeatureStore, numbers: range | list[int]) -> None:
    store.add([key(n) for n in numbers], features_of(numbers), [n / 2 for n in numbers])


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return FeatureStore(tmp_path / "features")


def test_features_are_read_in_the_order_asked_for_and_as_often(store: FeatureStore) -> None:
    add(store, range(10))
    add(store, range(10, 15))
    wanted = [12, 3, 3, 14, 0, 12]
    np.testing.assert_array_equal(store.read([key(n) for n in wanted]), features_of(wanted))
    np.testing.assert_array_equal(store.read_percentiles([key(n) for n in wanted]), [n / 2 for n in wanted])
    assert store.read([key(1)]).dtype == np.float16
    assert store.known() == {key(n) for n in range(15)}
    assert store.width() == WIDTH


def test_an_empty_store_knows_nothing_and_makes_no_folder(store: FeatureStore) -> None:
    assert store.known() == set()
    assert store.width() is None
    assert store.read([]).shape == (0, 0)
    store.add([], np.empty((0, WIDTH)))
    assert not store.folder.exists()


def test_nothing_asked_for_has_the_width_of_the_store(store: FeatureStore) -> None:
    add(store, range(3))
    assert store.read([]).shape == (0, WIDTH)


def test_another_store_of_the_same_folder_sees_what_was_added(store: FeatureStore) -> None:
    reader = FeatureStore(store.folder)
    assert reader.known() == set()
    add(store, range(4))
    assert reader.known() == {key(n) for n in range(4)}


def test_a_picture_without_features_is_named(store: FeatureStore) -> None:
    add(store, range(3))
    with pytest.raises(CurationError, match=rf"1 of 2 pictures have none.*{key(7)}"):
        store.read([key(1), key(7)])


def test_a_picture_added_again_keeps_its_first_features(store: FeatureStore) -> None:
    add(store, [1])
    store.add([key(1), key(2)], np.full((2, WIDTH), 9.0))
    np.testing.assert_array_equal(store.read([key(1)]), features_of([1]))
    np.testing.assert_array_equal(store.read([key(2)]), np.full((1, WIDTH), 9.0))


def test_no_percentile_is_not_zero(store: FeatureStore) -> None:
    store.add([key(0)], features_of([0]))
    assert np.isnan(store.read_percentiles([key(0)])).all()


def test_half_precision_keeps_features_to_three_digits(store: FeatureStore) -> None:
    features = np.random.default_rng(0).gamma(1.0, 0.3, (50, 2048)).astype(np.float32)
    store.add([key(n) for n in range(50)], features)
    stored = store.read([key(n) for n in range(50)]).astype(np.float32)
    np.testing.assert_allclose(stored, features, rtol=2**-11, atol=1e-7)


@pytest.mark.parametrize("worst", [np.nan, np.inf, 1e6])
def test_features_that_half_precision_cannot_hold_are_refused(store: FeatureStore, worst: float) -> None:
    features = features_of([1, 2])
    features[1, 3] = worst
    with pytest.raises(ValueError, match="finite"):
        store.add([key(1), key(2)], features)
    assert store.known() == set()


def test_rows_keys_and_percentiles_must_be_as_many(store: FeatureStore) -> None:
    with pytest.raises(ValueError, match="for 1 pictures"):
        store.add([key(1)], features_of([1, 2]))
    with pytest.raises(ValueError, match="percentile"):
        store.add([key(1)], features_of([1]), [1.0, 2.0])
    with pytest.raises(ValueError, match="64 lower-case hex digits"):
        store.add(["picture.jpg"], features_of([1]))


def test_features_of_another_width_are_refused(store: FeatureStore) -> None:
    add(store, [1])
    with pytest.raises(CurationError, match="holds 5 per picture, 6 were"):
        store.add([key(2)], np.ones((1, 6)))


def test_a_writer_killed_half_way_leaves_nothing_a_reader_sees(
    store: FeatureStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(store, range(3))

    def killed(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        add(store, range(3, 6))
    monkeypatch.undo()
    assert store.known() == {key(n) for n in range(3)}
    assert len(list(store.folder.iterdir())) == 1


def test_what_a_dead_writer_left_under_a_temporary_name_is_no_shard(store: FeatureStore) -> None:
    add(store, range(3))
    (shard,) = store.folder.iterdir()
    (store.folder / "000002-aaaaaaaa.1234.tmp").write_bytes(shard.read_bytes()[:50])
    assert store.known() == {key(n) for n in range(3)}


@pytest.mark.parametrize("keep", [0, 20, 200, -1])
def test_a_damaged_shard_is_named_and_what_to_do_with_it(store: FeatureStore, keep: int) -> None:
    add(store, range(3))
    (shard,) = store.folder.iterdir()
    shard.write_bytes(shard.read_bytes()[:keep])
    with pytest.raises(CurationError, match=rf"Delete .*{shard.name} and compute"):
        store.known()


def write_many(folder: Path, first: int) -> None:
    for number in range(first, first + 20):
        add(FeatureStore(folder), [number])


def test_several_writers_at_once_lose_nothing(store: FeatureStore) -> None:
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=write_many, args=(store.folder, first)) for first in (0, 10, 100)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    numbers = [*range(30), *range(100, 120)]
    assert store.known() == {key(n) for n in numbers}
    np.testing.assert_array_equal(store.read([key(n) for n in numbers]), features_of(numbers))


def test_features_of_a_bundle_lie_below_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DERM_HOME", str(tmp_path))
    assert feature_store("demo-1a2b").folder == tmp_path / "features" / "demo-1a2b"
    assert feature_store("demo", tmp_path / "x").folder == tmp_path / "x" / "features" / "demo"


@pytest.mark.parametrize("bundle_id", ["../demo", "", "a/b", ".hidden"])
def test_a_bundle_id_cannot_lead_out_of_the_store(bundle_id: str) -> None:
    with pytest.raises(CurationError, match="bundle's id"):
        feature_store(bundle_id)
