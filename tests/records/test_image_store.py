"""The image store: what is put comes back, encrypted where there is a key, and nothing half-written is ever read."""

from __future__ import annotations

import hashlib
import io
import os
import stat

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from PIL import Image

from derm_model.data.images import decode
from derm_model.errors import RecordsError
from derm_model.records.image_store import MAGIC, ImageStore, encode_pixels, image_store, key_id, new_key, read_keys

KEY, OTHER = bytes(range(32)), bytes(range(1, 33))


def test_what_is_put_comes_back_and_is_called_by_its_content(store: ImageStore) -> None:
    data = os.urandom(1000)
    assert store.put(data) == hashlib.sha256(data).hexdigest()
    assert store.get(store.put(data)) == data
    assert list(store.all()) == [hashlib.sha256(data).hexdigest()]


def test_files_are_for_their_owner_only_and_nothing_temporary_stays(store: ImageStore) -> None:
    path = store.path(store.put(b"picture"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.folder.stat().st_mode) == 0o700
    assert not list(store.leftovers())


def test_an_encrypted_file_shows_nothing_of_its_image(store: ImageStore) -> None:
    sealed = ImageStore(store.folder, (KEY,))
    data = b"skin " * 1000
    content = sealed.path(sealed.put(data)).read_bytes()
    assert b"skin" not in content
    assert content.startswith(MAGIC + key_id(KEY))
    assert sealed.get(sealed.put(data)) == data


def test_an_encrypted_file_is_aes_256_gcm_with_its_name_authenticated(store: ImageStore) -> None:
    """Decrypted here by the library itself, from the format in the docs."""
    sha256 = ImageStore(store.folder, (KEY,)).put(b"picture")
    rest = store.path(sha256).read_bytes().removeprefix(b"DermTree AES-256-GCM 1\n")
    assert AESGCM(KEY).decrypt(rest[8:20], rest[20:], sha256.encode()) == b"picture"


def test_the_same_image_is_encrypted_differently_each_time(store: ImageStore) -> None:
    sealed = ImageStore(store.folder, (KEY,))
    sha256 = sealed.put(b"picture")
    first = sealed.path(sha256).read_bytes()
    sealed.drop(sha256)
    sealed.put(b"picture")
    assert sealed.path(sha256).read_bytes() != first


@pytest.mark.parametrize(("keys", "says"), [((), "is not set"), ((OTHER,), key_id(OTHER).hex())])
def test_a_missing_or_wrong_key_is_named(store: ImageStore, keys: tuple[bytes, ...], says: str) -> None:
    sha256 = ImageStore(store.folder, (KEY,)).put(b"picture")
    with pytest.raises(RecordsError, match=says) as error:
        ImageStore(store.folder, keys).get(sha256)
    assert key_id(KEY).hex() in str(error.value)


@pytest.mark.parametrize("keys", [(), (KEY,)])
def test_a_changed_missing_or_moved_file_is_refused(store: ImageStore, keys: tuple[bytes, ...]) -> None:
    used = ImageStore(store.folder, keys)
    one, other = used.put(b"one picture"), used.put(b"another picture")
    used.path(one).write_bytes(used.path(other).read_bytes())
    with pytest.raises(RecordsError, match="damaged"):
        used.get(one)
    content = bytearray(used.path(other).read_bytes())
    content[-1] ^= 1
    used.path(other).write_bytes(content)
    with pytest.raises(RecordsError, match="damaged"):
        used.get(other)
    used.path(other).write_bytes(content[: len(MAGIC) + 9])
    with pytest.raises(RecordsError, match="damaged"):
        used.get(other)
    used.drop(other)
    with pytest.raises(RecordsError, match="missing"):
        used.get(other)


def test_an_image_that_was_plain_is_encrypted_when_it_is_put_again_with_a_key(store: ImageStore) -> None:
    sha256 = store.put(b"picture")
    sealed = ImageStore(store.folder, (KEY,))
    sealed.put(b"picture")
    assert store.path(sha256).read_bytes().startswith(MAGIC)


def test_keys_are_changed_by_putting_the_new_one_first(store: ImageStore) -> None:
    plain, old = store.put(b"plain"), ImageStore(store.folder, (KEY,)).put(b"old")
    both = ImageStore(store.folder, (OTHER, KEY))
    assert both.get(old) == b"old"
    assert both.encrypt_all() == 2
    assert both.encrypt_all() == 0
    new = ImageStore(store.folder, (OTHER,))
    assert (new.get(plain), new.get(old)) == (b"plain", b"old")


def test_keys_are_read_from_the_environment() -> None:
    one, other = new_key(), new_key()
    assert one != other
    assert len(image_store({"DERM_IMAGE_KEY": f"{one}, {other}"}).keys) == 2
    assert image_store({}).keys == ()
    assert one not in repr(image_store({"DERM_IMAGE_KEY": one}))
    assert read_keys("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=") == (KEY,)


@pytest.mark.parametrize("text", ["geheim", "Z2VoZWlt", "*" * 44])
def test_a_key_of_the_wrong_kind_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(RecordsError, match="new-key") as error:
        read_keys(text)
    assert text not in str(error.value)


@pytest.mark.parametrize("shape", [(12, 16, 3), (2, 16_384, 3)])
def test_pixels_are_kept_without_loss_and_without_metadata(shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    data = encode_pixels(pixels)
    assert (np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) == pixels).all()
    assert not Image.open(io.BytesIO(data)).getexif()
    if max(shape) < 1000:
        assert (decode(encode_pixels(np.tile(pixels, (20, 20, 1)))).pixels[:12, :16] == pixels).all()


def test_a_disk_that_cannot_be_written_is_a_clear_error(store: ImageStore) -> None:
    store.folder.parent.mkdir(parents=True, exist_ok=True)
    store.folder.write_text("in the way")
    with pytest.raises(RecordsError, match="cannot be kept"):
        store.put(b"picture")


def test_an_image_whose_file_is_damaged_or_of_a_lost_key_is_readable_when_it_is_put_again(store: ImageStore) -> None:
    sha256 = ImageStore(store.folder, (KEY,)).put(b"picture")
    new = ImageStore(store.folder, (OTHER,))
    assert new.get(new.put(b"picture")) == b"picture"
    for keys in ((), (OTHER,)):
        used = ImageStore(store.folder, keys)
        used.path(sha256).write_bytes(b"half")
        assert used.get(used.put(b"picture")) == b"picture"


def test_a_new_file_and_its_name_are_flushed_to_the_disk(store: ImageStore, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed, flush = [], os.fsync

    def note(descriptor: int) -> None:
        flushed.append(os.fstat(descriptor).st_ino)
        flush(descriptor)

    monkeypatch.setattr("derm_model.records.image_store.os.fsync", note)
    path = store.path(store.put(b"picture"))
    assert flushed == [found.stat().st_ino for found in (path, path.parent, store.folder)]
