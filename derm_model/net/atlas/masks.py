"""Lesion masks from a folder, by the names that data sets give them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from derm_model.data.images import decode_file
from derm_model.errors import DermTreeError, UnreadableImage
from derm_model.net.atlas.order import Item

SUFFIXES = (".png", ".bmp", ".tif", ".tiff", ".jpg", ".jpeg")
ENDINGS = ("_segmentation", "_mask", "")  # ISIC's, a common one, and none
WHITE = 127  # from here on a pixel is lesion; a mask that was saved as JPEG has all greys


class Masks:
    """The masks of a folder, found by an image's id or file name, with or without ``_segmentation`` or ``_mask``.

    Raises
    ------
    DermTreeError
        There is no such folder, or no picture in it.
    """

    def __init__(self, folder: Path) -> None:
        try:
            files = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
        except OSError as error:
            raise DermTreeError(
                f"The masks could not be listed ({error.strerror}): {folder}. Check the path."
            ) from error
        if not files:
            raise DermTreeError(f"A folder of masks holds pictures ({' '.join(SUFFIXES)}); {folder} has none.")
        self._files = {path.stem.casefold(): path for path in reversed(files)}

    def find(self, item: Item) -> Path | None:
        """The file of an image's mask; None where there is none."""
        names = dict.fromkeys((item.image_id, Path(item.image_id).stem, item.path.stem))
        keys = (f"{name}{ending}".casefold() for ending in ENDINGS for name in names)
        return next((self._files[key] for key in keys if key in self._files), None)


def read_mask(path: Path, image_shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Lesion (h, w) of a mask file: white, or whatever is brighter than half.

    It lies over the whole image, whatever its own size: masks are often published at another one.

    Raises
    ------
    UnreadableImage
        The file is no image, or lies on its side: the image was turned by its EXIF orientation and the mask was not.
    """
    pixels = decode_file(path).pixels
    height, width = image_shape[:2]
    if height != width and pixels.shape[:2] == (width, height):
        raise UnreadableImage(
            "It lies on its side: the image is turned upright as its camera says. Turn the mask, too."
        )
    return np.asarray(pixels.max(axis=2) > WHITE, dtype=np.bool_)
