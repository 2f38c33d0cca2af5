"""A local server that speaks the ISIC Archive's API as its own source documents it; all rows are invented."""

from __future__ import annotations

import io
import json
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from PIL import Image

from derm_model.data.drawings import draw_lesion

NEVUS = {"diagnosis_1": "Benign", "diagnosis_2": "Benign melanocytic proliferations", "diagnosis_3": "Nevus"}


@cache
def jpeg(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(draw_lesion(seed, 48, "nevus")).save(buffer, "JPEG")
    return buffer.getvalue()


def result(number: int, licence: str = "CC-0", **clinical: object) -> dict[str, object]:
    """One entry of `results`, as ImageOut of isic/core/api/image.py writes it, but for the address of its files."""
    return {
        "isic_id": f"ISIC_{number:07d}",
        "public": True,
        "copyright_license": licence,
        "attribution": f"Hospital {number % 2}",
        "files": {"full": {"url": f"/pictures/{number}.jpg?signature=secret", "size": 1}},
        "metadata": {
            "acquisition": {"pixels_x": 48, "pixels_y": 48, "image_type": "dermoscopic"},
            "clinical": {**NEVUS, "age_approx": 45, "sex": "female", **clinical},
        },
    }


@dataclass
class IsicServer:
    """What the server has, what it is told to do wrong, and what it was asked."""

    images: Sequence[dict[str, object]] = ()
    pictures: dict[str, bytes] = field(default_factory=dict)
    refusals: dict[str, list[tuple[int, dict[str, str]]]] = field(default_factory=dict)  # path -> first answers
    cut: set[str] = field(default_factory=set)  # paths whose first answer breaks off
    asked: list[str] = field(default_factory=list)
    pages: dict[str, object] = field(default_factory=dict)  # path -> an answer of another form
    address: str = ""

    @property
    def base_url(self) -> str:
        return f"{self.address}/api/v2"

    def times(self, path: str) -> int:
        return Counter(urlsplit(asked).path for asked in self.asked)[path]

    def page(self, parameters: dict[str, list[str]]) -> dict[str, object]:
        start = int(parameters.get("cursor", ["0"])[0])
        end = start + min(int(parameters.get("limit", ["100"])[0]), 100)
        following = f"{self.base_url}/images/search/?cursor={end}&limit={end - start}"
        return {
            "count": len(self.images) if start == 0 else None,
            "next": following if end < len(self.images) else None,
            "previous": None,
            "results": [self._absolute(image) for image in self.images[start:end]],
        }

    def _absolute(self, image: dict[str, object]) -> dict[str, object]:
        if "files" not in image:
            return image
        full = dict(image["files"]["full"])  # type: ignore[call-overload]
        return {**image, "files": {"full": {**full, "url": f"{self.address}{full['url']}"}}}


class _Handler(BaseHTTPRequestHandler):
    archive: IsicServer

    def do_GET(self) -> None:
        self.archive.asked.append(self.path)
        parts = urlsplit(self.path)
        if waiting := self.archive.refusals.get(parts.path):
            status, headers = waiting.pop(0)
            self.answer(b'{"message": "not now"}', status, headers)
        elif parts.path in self.archive.pages:
            self.answer(json.dumps(self.archive.pages[parts.path]).encode())
        elif parts.path == "/api/v2/images/search/":
            self.answer(json.dumps(self.archive.page(parse_qs(parts.query))).encode())
        elif parts.path in self.archive.cut:
            self.archive.cut.discard(parts.path)
            self.answer(self.archive.pictures[parts.path][:200], length=len(self.archive.pictures[parts.path]))
        elif parts.path in self.archive.pictures:
            self.answer(self.archive.pictures[parts.path])
        else:
            self.answer(b"<html>no such page</html>", 404)

    def answer(self, body: bytes, status: int = 200, headers: dict[str, str] | None = None, length: int = -1) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length < 0 else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the tests look at `asked`."""


@contextmanager
def serving(images: Sequence[dict[str, object]], n_pictures: int = 12) -> Iterator[IsicServer]:
    """Serve results numbered from 1, and the first of their pictures."""
    archive = IsicServer(images, {f"/pictures/{n}.jpg": jpeg(n) for n in range(1, n_pictures + 1)})
    handler = type("Handler", (_Handler,), {"archive": archive})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    archive.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield archive
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
