"""Images beside the database: a file each, called by the SHA-256 of its content, encrypted where there is a key.

An encrypted file is ``MAGIC``, the id of its key (8 bytes), a nonce (12 bytes) and the output of AES-256-GCM, which
also authenticates the name: a file that was changed or moved to another name is refused. NIST SP 800-38D.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import io
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray
from PIL import Image

from derm_model.errors import RecordsError
from derm_model.files import replaced, taking_turns
from derm_model.home import home

VARIABLE = "DERM_IMAGE_KEY"
FOLDER = "images"
MAGIC = b"DermTree AES-256-GCM 1\n"
KEY_BYTES, KEY_ID_BYTES, NONCE_BYTES = 32, 8, 12
WEBP_SIDE_PX = 16_383  # the format has 14 bits for a side


def new_key() -> str:
    """Make a key for ``$DERM_IMAGE_KEY``: 32 random bytes, base64."""
    return base64.urlsafe_b64encode(os.urandom(KEY_BYTES)).decode("ascii")


def read_keys(text: str) -> tuple[bytes, ...]:
    """Keys of a comma-separated list: the first encrypts, all decrypt.

    Raises
    ------
    RecordsError
        One is no base64 of 32 bytes. The message does not repeat it.
    """
    keys = []
    for number, part in enumerate(filter(None, map(str.strip, text.split(","))), start=1):
        try:
            key = base64.b64decode(part, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise RecordsError(
                f"Key {number} in {VARIABLE} is not the base64 of {KEY_BYTES} bytes. Make one with "
                "`python -m derm_model records new-key`."
            )
        keys.append(key)
    return tuple(keys)


def key_id(key: bytes) -> bytes:
    """What an encrypted file says of its key: enough to tell keys apart, nothing to find one by."""
    return hashlib.sha256(b"DermTree image key " + key).digest()[:KEY_ID_BYTES]


def encode_pixels(pixels: NDArray[np.uint8]) -> bytes:
    """Pixels as a file without loss and without any metadata: nothing of the uploaded file but its picture.

    Lossless WebP took 1.2 s for a photograph of 12 million pixels and 17 MB, PNG 19 s and 16 MB.

    Parameters
    ----------
    pixels : (h, w, 3) uint8 RGB
    """
    buffer = io.BytesIO()
    if max(pixels.shape[:2]) > WEBP_SIDE_PX:
        Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
    else:
        Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, quality=0, method=0)
    return buffer.getvalue()


@dataclass(frozen=True)
class ImageStore:
    """A folder of images.

    Parameters
    ----------
    folder
    keys
        The first encrypts what is written from now on, all decrypt; none to write files as they are.
    """

    folder: Path
    keys: tuple[bytes, ...] = field(default=(), repr=False)

    def path(self, sha256: str) -> Path:
        """Where an image lies."""
        return self.folder / sha256[:2] / sha256

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Wait until nobody else changes which files there are, or what is in them; the folder must be there."""
        with taking_turns(self.folder / "store"):
            yield

    def put(self, data: bytes) -> str:
        """Keep an image and return its hash. It is on the disk, whole and readable, when this returns.

        Raises
        ------
        RecordsError
            The file cannot be written.
        """
        sha256 = hashlib.sha256(data).hexdigest()
        path = self.path(sha256)
        if not self._is_readable(sha256) or (self.keys and not self._is_encrypted(path)):
            self._write(path, self._seal(sha256, data) if self.keys else data)
        return sha256

    def get(self, sha256: str) -> bytes:
        """Return an image as it was put.

        Raises
        ------
        RecordsError
            It is missing or damaged, or encrypted and its key is not in ``$DERM_IMAGE_KEY``.
        """
        try:
            data = self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise RecordsError(f"Image {sha256[:12]} is missing in {self.folder}. Restore it from a backup.") from None
        except OSError as error:
            raise RecordsError(f"Image {sha256[:12]} cannot be read ({error.strerror}).") from error
        if data.startswith(MAGIC):
            data = self._open(sha256, data)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise RecordsError(f"Image {sha256[:12]} is damaged. Restore it from a backup.")
        return data

    def drop(self, sha256: str) -> bool:
        """Delete a file; False where there was none."""
        try:
            self.path(sha256).unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise RecordsError(f"Image {sha256[:12]} cannot be deleted ({error.strerror}).") from error
        with contextlib.suppress(OSError):
            self.path(sha256).parent.rmdir()
        return True

    def all(self) -> Iterator[str]:
        """Hashes of the files there are."""
        for path in sorted(self.folder.glob("??/*")):
            if not path.name.startswith("."):
                yield path.name

    def leftovers(self) -> Iterator[Path]:
        """Temporary files of writers that were killed."""
        yield from self.folder.glob("??/.*.tmp")

    def encrypt_all(self) -> int:
        """Write every file anew that is not encrypted with the first key; return how many.

        Raises
        ------
        RecordsError
            There is no key, or a file cannot be read with those there are.
        """
        if not self.keys:
            raise RecordsError(f"There is no key to encrypt with: {VARIABLE} is not set.")
        n = 0
        for sha256 in self.all():
            with self.locked():  # or a file that somebody deletes at this moment would come back
                n += self._encrypt(sha256)
        return n

    def _encrypt(self, sha256: str) -> bool:
        path, wanted = self.path(sha256), MAGIC + key_id(self.keys[0])
        try:
            with path.open("rb") as file:
                if file.read(len(wanted)) == wanted:
                    return False
        except FileNotFoundError:  # deleted since the list was made
            return False
        self._write(path, self._seal(sha256, self.get(sha256)))
        return True

    def _seal(self, sha256: str, data: bytes) -> bytes:
        key, nonce = self.keys[0], os.urandom(NONCE_BYTES)
        return MAGIC + key_id(key) + nonce + AESGCM(key).encrypt(nonce, data, sha256.encode("ascii"))

    def _open(self, sha256: str, data: bytes) -> bytes:
        rest = data[len(MAGIC) :]
        wanted, nonce = rest[:KEY_ID_BYTES], rest[KEY_ID_BYTES : KEY_ID_BYTES + NONCE_BYTES]
        key = {key_id(key): key for key in self.keys}.get(wanted)
        if key is None:
            holds = "is not set" if not self.keys else "holds " + ", ".join(key_id(k).hex() for k in self.keys)
            raise RecordsError(
                f"Image {sha256[:12]} is encrypted with key {wanted.hex()}, and {VARIABLE} {holds}. Set it to that key."
            )
        try:
            return AESGCM(key).decrypt(nonce, rest[KEY_ID_BYTES + NONCE_BYTES :], sha256.encode("ascii"))
        except (InvalidTag, ValueError):
            raise RecordsError(f"Image {sha256[:12]} is damaged. Restore it from a backup.") from None

    def _is_readable(self, sha256: str) -> bool:
        try:
            self.get(sha256)
        except RecordsError:  # missing, damaged, or encrypted with a key that is gone
            return False
        return True

    @staticmethod
    def _is_encrypted(path: Path) -> bool:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC

    def _write(self, path: Path, content: bytes) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.parent.mkdir(exist_ok=True, mode=0o700)
            with replaced(path) as temporary:
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            for folder in (path.parent, self.folder):  # or a power cut takes the name back and its row stays
                _flush_names(folder)
        except OSError as error:
            raise RecordsError(f"The image cannot be kept in {self.folder} ({error.strerror}).") from error


def _flush_names(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def image_store(environment: Mapping[str, str] = os.environ) -> ImageStore:
    """Store of this installation: ``$DERM_HOME/images``, keys from ``$DERM_IMAGE_KEY``.

    Raises
    ------
    RecordsError
        A key cannot be used.
    """
    return ImageStore(home() / FOLDER, read_keys(environment.get(VARIABLE, "")))
