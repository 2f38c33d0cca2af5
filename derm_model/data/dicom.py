"""DICOM: from the stored values of one frame to an ordinary 8-bit picture.

Follows DICOM PS3.3 C.7.6.3 (image pixel), C.11.1 (rescale) and C.11.2 (window). pydicom is imported inside the
functions: it takes a quarter of a second that only DICOM files need.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from derm_model.errors import ImageTooLarge, TruncatedImage, UnsupportedImage

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


def open_dicom(data: bytes, max_pixels: int) -> Image.Image:
    """Decode the first frame of a DICOM file.

    Parameters
    ----------
    data
        The file, with its 128-byte preamble.
    max_pixels
        Limit for one frame, checked before pixels are decoded.

    Returns
    -------
    PIL.Image.Image
        Mode L or RGB; an embedded ICC profile is in `info["icc_profile"]`. Later frames are ignored: dermoscopy
        sequences show one lesion.

    Raises
    ------
    ImageTooLarge, TruncatedImage, UnsupportedImage
        As for other files. Other exceptions of pydicom may pass; the caller wraps them.
    """
    import pydicom
    from pydicom.pixels.utils import pixel_array

    dataset = pydicom.dcmread(io.BytesIO(data))
    if "PixelData" not in dataset:
        raise UnsupportedImage(
            "A DICOM file must hold a picture. This one has no pixel data (it may be a report or a truncated file). "
            "Export the image object again."
        )
    n_pixels = int(dataset.Rows) * int(dataset.Columns)
    if n_pixels > max_pixels:
        raise ImageTooLarge(too_many_pixels(int(dataset.Columns), int(dataset.Rows), max_pixels))
    _check_complete(dataset, n_pixels)
    try:
        values = pixel_array(dataset, index=0)  # YBR_* becomes RGB here
    except (NotImplementedError, RuntimeError) as error:
        name = dataset.file_meta.TransferSyntaxUID.name
        raise UnsupportedImage(
            f"The compression of a DICOM file must be one that can be read, and this one is {name}. "
            "Export it uncompressed or as JPEG."
        ) from error
    image = Image.fromarray(_to_8_bit(values, dataset))
    if "ICCProfile" in dataset:
        image.info["icc_profile"] = bytes(dataset.ICCProfile)
    return image


def too_many_pixels(width_px: int, height_px: int, max_pixels: int) -> str:
    """The message of ImageTooLarge for a picture with more pixels than the limit."""
    return (
        f"At most {max_pixels / 1e6:,.0f} megapixels can be read, and it declares {width_px:,} x {height_px:,} "
        f"({width_px * height_px / 1e6:,.0f}). Save it smaller and upload that."
    )


def _check_complete(dataset: Dataset, n_pixels: int) -> None:
    """Uncompressed pixel data must be long enough for the first frame."""
    if dataset.file_meta.TransferSyntaxUID.is_compressed:
        return
    wanted = n_pixels * int(dataset.get("SamplesPerPixel", 1)) * int(dataset.BitsAllocated) // 8
    if dataset.PhotometricInterpretation == "YBR_FULL_422":
        wanted = wanted * 2 // 3
    if len(dataset.PixelData) < wanted:
        raise TruncatedImage(
            f"It ends before the picture is complete ({len(dataset.PixelData) / 1e6:.1f} of {wanted / 1e6:.1f} MB). "
            "Export it again and upload the new file."
        )


def _to_8_bit(values: NDArray[Any], dataset: Dataset) -> NDArray[np.uint8]:
    photometric = dataset.PhotometricInterpretation
    if photometric == "PALETTE COLOR":
        from pydicom.pixels.processing import apply_color_lut

        return _keep_high_byte(apply_color_lut(values, dataset))
    if photometric in {"MONOCHROME1", "MONOCHROME2"}:
        grey = _window(_rescale(values.astype(np.float32), dataset), dataset)
        return 255 - grey if photometric == "MONOCHROME1" else grey
    if values.ndim != 3 or values.shape[2] != 3:
        raise UnsupportedImage(
            f"A DICOM picture must be grey, RGB, YBR or palette, and this one is {photometric}. "
            "Export it as JPEG or PNG."
        )
    return _keep_high_byte(values, int(dataset.BitsStored))


def _keep_high_byte(values: NDArray[Any], bits: int | None = None) -> NDArray[np.uint8]:
    bits = 8 * values.dtype.itemsize if bits is None else bits
    return np.asarray(values >> max(bits - 8, 0), dtype=np.uint8)


def _rescale(values: NDArray[np.float32], dataset: Dataset) -> NDArray[np.float32]:
    slope, intercept = float(dataset.get("RescaleSlope", 1)), float(dataset.get("RescaleIntercept", 0))
    return values * np.float32(slope) + np.float32(intercept)


def _window(values: NDArray[np.float32], dataset: Dataset) -> NDArray[np.uint8]:
    """Map values to 0..255 by the file's first window; without one, from the darkest to the brightest value.

    8-bit values without a window are taken as they are: they were made to be looked at.
    """
    center, width = _first(dataset.get("WindowCenter")), _first(dataset.get("WindowWidth"))
    if center is not None and width is not None and width >= 1:
        shape = dataset.get("VOILUTFunction", "LINEAR")
        if shape == "SIGMOID":
            share = 1 / (1 + np.exp(-4 * (values - center) / width))
        elif shape == "LINEAR_EXACT":
            share = (values - center) / width + 0.5
        else:  # LINEAR, PS3.3 C.11.2.1.2.1; a window of width 1 is a step
            share = (values - (center - 0.5)) / max(width - 1, 1e-6) + 0.5
    elif int(dataset.BitsStored) <= 8 and "RescaleSlope" not in dataset:
        share = values / (2 ** int(dataset.BitsStored) - 1)
    else:
        low, high = float(values.min()), float(values.max())
        share = (values - low) / max(high - low, 1e-6)
    return np.asarray(np.clip(share, 0, 1) * 255 + 0.5, dtype=np.uint8)


def _first(value: Any) -> float | None:
    """First of a possibly multi-valued element; None where it is absent or empty."""
    if value is None or value == "":
        return None
    return float(value) if isinstance(value, (str, int, float)) else float(value[0])
