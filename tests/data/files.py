"""Image files made in memory, good and bad."""

from __future__ import annotations

import io
import struct
import warnings
from typing import Any

import numpy as np
from PIL import Image

from derm_model.data.drawings import draw_lesion


def picture(width_px: int = 60, height_px: int = 40) -> Image.Image:
    """A drawing, not square, so that a turned result shows in its shape."""
    return Image.fromarray(draw_lesion(1, max(width_px, height_px))[:height_px, :width_px])


def encode(image: Image.Image, file_format: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def heic(image: Image.Image, orientation: int = 1) -> bytes:
    import pillow_heif

    file = pillow_heif.from_pillow(image)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file[0].info["exif"] = exif.tobytes()
    buffer = io.BytesIO()
    file.save(buffer, quality=95)
    return buffer.getvalue()


def png_that_declares(width_px: int, height_px: int) -> bytes:
    """A PNG of a few bytes with a huge size in its header."""
    import zlib

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width_px, height_px, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 999)) + chunk(b"IEND", b"")
    )


def dicom(pixels: np.ndarray, photometric: str, *, compressed: bytes | None = None, **elements: Any) -> bytes:
    """A secondary capture object. `pixels` is (h, w), (h, w, 3) or (frames, h, w); `compressed` is a JPEG of it."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.encaps import encapsulate
    from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = JPEGBaseline8Bit if compressed is not None else ExplicitVRLittleEndian
    colour = pixels.ndim == 3 and pixels.shape[2] == 3
    frames = 1 if colour or pixels.ndim == 2 else len(pixels)
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    dataset.SOPClassUID, dataset.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    dataset.PatientName = "Secret^Name"
    dataset.PhotometricInterpretation = photometric
    dataset.Rows, dataset.Columns = pixels.shape[:2] if frames == 1 else pixels.shape[1:]
    dataset.SamplesPerPixel = 3 if colour else 1
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    if frames > 1:
        dataset.NumberOfFrames = frames
    for name, value in elements.items():
        setattr(dataset, name, value)
    dataset.PixelData = encapsulate([compressed]) if compressed is not None else pixels.tobytes()
    if compressed is None and pixels.dtype.itemsize == 1:
        dataset["PixelData"].VR = "OB"
        dataset.PixelData += b"\0" * (len(dataset.PixelData) % 2)
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom comments on elements that a test makes odd on purpose
        dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()
