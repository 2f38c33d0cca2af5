"""The images of a case: read, checked and kept in the session only. No Streamlit in here."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from derm_model.errors import UnreadableImage

if TYPE_CHECKING:
    from derm_model.data.quality import QualityNotice

DETAIL_PX = 720  # shorter side that is decoded at least: enough to zoom into; a large JPEG is read at reduced scale
VIEW_PX = 1024  # longer side of the picture sent to the browser, some 150 KB
MAX_IMAGES = 20  # of one case; a decoded image takes up to about 10 MB of the server's memory


@dataclass(frozen=True, eq=False)
class CaseImage:
    """One image that could be read.

    Parameters
    ----------
    digest : str
        SHA-256 of the file, hex: the same file is never added twice.
    pixels : (h, w, 3) uint8 RGB
    width_px, height_px : int
        Of the file, before any reduction.
    is_drawing : bool
        Made by a program, not a patient.
    """

    name: str
    digest: str
    pixels: NDArray[np.uint8]
    width_px: int
    height_px: int
    notices: tuple[QualityNotice, ...]
    is_drawing: bool

    @cached_property
    def view_size(self) -> tuple[int, int]:
        """(width, height) in px of the picture for the browser."""
        height, width = self.pixels.shape[:2]
        scale = min(1.0, VIEW_PX / max(height, width))
        return max(1, round(width * scale)), max(1, round(height * scale))

    @cached_property
    def view_pixels(self) -> NDArray[np.uint8]:
        """(h, w, 3) uint8: the picture in that size."""
        if self.pixels.shape[1::-1] == self.view_size:
            return self.pixels
        picture = Image.fromarray(self.pixels)
        return np.asarray(picture.resize(self.view_size, Image.Resampling.BILINEAR, reducing_gap=2.0))

    @cached_property
    def view_url(self) -> str:
        """The same as a data URL; freshly encoded, so it holds pixels and no metadata."""
        return data_url(Image.fromarray(self.view_pixels), "JPEG", quality=86)


@dataclass(frozen=True)
class Problem:
    """A file that was not taken, and why."""

    name: str
    message: str
    what: str = "could not be read"


@dataclass
class Case:
    """Images in the order they came, and what was wrong with the files that came last."""

    images: list[CaseImage] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def add(self, files: Iterable[tuple[str, bytes]], *, drawing: bool = False) -> None:
        """Read files as (name, bytes) and keep the readable ones; `problems` then speaks of these files only."""
        self.problems = []
        for name, data in files:
            digest = hashlib.sha256(data).hexdigest()
            if any(image.digest == digest for image in self.images):
                continue
            if len(self.images) == MAX_IMAGES:
                rule = f"A case holds at most {MAX_IMAGES} images. Remove some, or begin a new case."
                self.problems.append(Problem(name, rule, "was not added"))
                continue
            try:
                self.images.append(read_image(name, data, digest, drawing))
            except UnreadableImage as error:
                self.problems.append(Problem(name, str(error)))

    def remove(self, digest: str) -> None:
        """Forget one image."""
        self.images = [image for image in self.images if image.digest != digest]


def read_image(name: str, data: bytes, digest: str, drawing: bool) -> CaseImage:
    """Decode and check one file.

    Raises
    ------
    UnreadableImage
        The bytes are no image we can read.
    """
    from derm_model.data.images import decode  # pulls scipy: the first page is drawn without it
    from derm_model.data.quality import check_quality

    decoded = decode(data, name=name, min_side_px=DETAIL_PX)
    return CaseImage(
        name=name,
        digest=digest,
        pixels=decoded.pixels,
        width_px=decoded.original_width_px,
        height_px=decoded.original_height_px,
        notices=check_quality(decoded),
        is_drawing=drawing,
    )


def data_url(picture: Image.Image, kind: str, **options: int) -> str:
    """Picture as a data URL: it reaches the browser inside the page, without a request."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
