"""The content hash of a file: what an image is called wherever its name does not matter."""

from __future__ import annotations

import hashlib
from pathlib import Path


def content_hash(path: Path) -> str:
    """SHA-256 of the bytes, 64 hexadecimal digits; an OSError passes through."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
