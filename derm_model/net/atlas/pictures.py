"""A map as files: the picture with what it shows, and its raw values. Both appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from derm_model.errors import DermTreeError
from derm_model.files import replaced
from derm_model.net.overlay import blend, plain_grey
from derm_model.net.saliency import SaliencyMap
from derm_model.net.saliency.gradients import GRADIENT
from derm_model.net.saliency.method import Method
from derm_model.words import ANY_MAP, MAP, NOTICE

MAX_SIDE_PX = 1024  # of a picture of many: a phone's photograph would take 30 MB as PNG


def meaning_of(method: Method) -> str:
    """How to read a map, as plain text; of the paper's method as everywhere else."""
    return (MAP if method is GRADIENT else f"{method.meaning} {ANY_MAP}").replace("*", "")


def picture_of(
    pixels: NDArray[np.uint8], saliency: SaliencyMap, *, plain: bool = False, max_side_px: int | None = None
) -> Image.Image:
    """The image with its map upon it, or the map alone, white to black.

    Parameters
    ----------
    pixels : (h, w, 3) uint8
    saliency
    plain
        The map alone.
    max_side_px
        Reduce the longer side to this; None: the image's own size.
    """
    image = Image.fromarray(pixels)
    if max_side_px is not None and max(image.size) > max_side_px:
        image.thumbnail((max_side_px, max_side_px), Image.Resampling.BOX)
    width, height = image.size
    return Image.fromarray(plain_grey(saliency, height, width) if plain else blend(np.asarray(image), saliency))


def write_picture(picture: Image.Image, path: Path, saliency: SaliencyMap, method: Method, bundle_id: str) -> None:
    """Write a map with what it shows, the bundle and the notice as PNG text.

    Raises
    ------
    DermTreeError
        The file cannot be written.
    """
    save_png(
        picture,
        path,
        {
            "Title": f"Saliency map: {saliency.label}",
            "Description": " ".join(filter(None, (f"{saliency.method}.", saliency.note, meaning_of(method)))),
            "Source": f"DermTree bundle {bundle_id}",
        },
    )


def save_png(picture: Image.Image, path: Path, texts: dict[str, str]) -> None:
    """Write a PNG with texts, to which the notice is added.

    Raises
    ------
    DermTreeError
        The file cannot be written.
    """
    info = PngInfo()
    for key, text in {**texts, "Disclaimer": NOTICE}.items():
        info.add_text(key, text)
    try:
        with replaced(path) as temporary:
            picture.save(temporary, "PNG", pnginfo=info)
    except OSError as error:
        raise DermTreeError(f"{path} could not be written ({error.strerror}). Choose another place.") from error


def write_values(path: Path, saliency: SaliencyMap) -> None:
    """Write the raw values as NPY, float32 (size, size), and a signed map beside them as NAME.signed.npy.

    Raises
    ------
    DermTreeError
        A file cannot be written.
    """
    arrays = {path: saliency.values, path.with_name(f"{path.stem}.signed.npy"): saliency.signed}
    try:
        for file, values in arrays.items():
            if values is None:
                file.unlink(missing_ok=True)  # of another method
                continue
            with replaced(file) as temporary, temporary.open("wb") as stream:
                np.save(stream, values.astype(np.float32), allow_pickle=False)
    except OSError as error:
        raise DermTreeError(f"{path} could not be written ({error.strerror}). Choose another place.") from error
