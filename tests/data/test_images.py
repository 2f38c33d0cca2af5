"""Rules of the decoder: what comes out of good files, and which error of bad ones."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from derm_model.data.images import Limits, decode, decode_file
from derm_model.errors import (
    AnimatedImage,
    EmptyFile,
    ImageTooLarge,
    NotAnImage,
    TruncatedImage,
    UnreadableImage,
    UnsupportedImage,
)
from tests.data.files import dicom, encode, heic, picture, png_that_declares

ORIENTATION = 0x0112
TRANSPOSED = {  # how the stored picture must be turned to stand upright (EXIF 2.32, tag 274)
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, 1),
}

FILES = {
    "JPEG": lambda image, **options: encode(image, "JPEG", quality=98, subsampling=0, **options),
    "PNG": lambda image, **options: encode(image, "PNG", **options),
    "WebP": lambda image, **options: encode(image, "WEBP", lossless=True, **options),
    "TIFF": lambda image, **options: encode(image, "TIFF", **options),
    "BMP": lambda image, **options: encode(image, "BMP", **options),
    "GIF": lambda image, **options: encode(image.quantize(256), "GIF", **options),
    "HEIC": heic,
}


def close(pixels: np.ndarray, expected: np.ndarray, tolerance: float = 6) -> bool:
    """Mean absolute difference in grey levels: lossy formats are not exact."""
    return pixels.shape == expected.shape and np.abs(pixels.astype(float) - expected).mean() < tolerance


# Good files


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_picture(name):
    image = picture()
    decoded = decode(FILES[name](image))
    assert decoded.format == name
    assert (decoded.original_width_px, decoded.original_height_px) == image.size
    assert decoded.pixels.dtype == np.uint8
    assert close(decoded.pixels, np.asarray(image), 0.01 if name in {"PNG", "BMP", "TIFF", "WebP"} else 6)


@pytest.mark.parametrize("orientation", TRANSPOSED)
@pytest.mark.parametrize("name", ["JPEG", "PNG", "TIFF", "WebP"])
def test_exif_orientation_is_applied(name, orientation):
    image = picture()
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    decoded = decode(FILES[name](image, exif=exif))
    expected = TRANSPOSED[orientation](np.asarray(image))
    assert close(decoded.pixels, expected)
    assert (decoded.original_height_px, decoded.original_width_px) == expected.shape[:2]


def test_heic_orientation_is_applied_once():
    """A phone's HEIC says it twice: in the container, which counts, and in EXIF."""
    image = picture()
    decoded = decode(heic(image, orientation=6))
    assert close(decoded.pixels, np.rot90(np.asarray(image), -1))
    assert (decoded.original_width_px, decoded.original_height_px) == (40, 60)


def test_orientation_is_applied_to_a_reduced_decode():
    image = picture(640, 480)
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    decoded = decode(FILES["JPEG"](image, exif=exif), min_side_px=100)
    assert decoded.pixels.shape == (160, 120, 3)
    assert (decoded.original_width_px, decoded.original_height_px) == (480, 640)


def test_damaged_exif_costs_the_orientation_and_not_the_picture():
    data = FILES["PNG"](picture(), exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff nonsense")
    assert close(decode(data).pixels, np.asarray(picture()))


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WebP", "TIFF", "BMP", "HEIC"])
@pytest.mark.parametrize("min_side_px", [25, 99, 150, 240, 10_000])
def test_a_reduced_decode_keeps_at_least_the_side_asked_for(name, min_side_px):
    image = picture(320, 240)
    decoded = decode(_large_file(name), min_side_px=min_side_px)
    height, width = decoded.pixels.shape[:2]
    assert min(min_side_px, 240) <= height <= max(2 * min_side_px, 240)
    assert abs(width / height - 320 / 240) < 0.04
    assert (decoded.original_width_px, decoded.original_height_px) == (320, 240)
    assert close(decoded.pixels, np.asarray(image.resize((width, height), Image.Resampling.BOX)))


@cache
def _large_file(name: str) -> bytes:
    return FILES[name](picture(320, 240))


def test_metadata_does_not_leave_the_decoder():
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[1] = "N"
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "SecretName")
    for data in (FILES["JPEG"](picture(), exif=exif), FILES["PNG"](picture(), pnginfo=text, exif=exif)):
        assert b"Secret" in data
        decoded = decode(data)
        assert type(decoded.pixels) is np.ndarray
        assert set(vars(decoded)) == {"pixels", "original_width_px", "original_height_px", "format"}
        assert b"Secret" not in decoded.pixels.tobytes()


def test_a_wide_colour_profile_is_converted_to_srgb():
    """Red and green channels exchanged by a profile: only a decoder that applies it gets the colours right."""
    image = picture()
    swapped = Image.merge("RGB", [image.split()[i] for i in (1, 0, 2)])
    profile = _profile_with_swapped_primaries()
    assert close(decode(FILES["PNG"](swapped, icc_profile=profile)).pixels, np.asarray(image), 1.5)
    assert close(decode(FILES["JPEG"](swapped, icc_profile=profile)).pixels, np.asarray(image), 4)


def _profile_with_swapped_primaries() -> bytes:
    """SRGB with the colorants of red and green exchanged in its tag table."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = data.index(b"rXYZ"), data.index(b"gXYZ")
    data[red : red + 4], data[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(data)


@pytest.mark.parametrize("profile", [b"junk", b"\0" * 200])
def test_a_damaged_colour_profile_is_ignored(profile):
    assert close(decode(FILES["PNG"](picture(), icc_profile=profile)).pixels, np.asarray(picture()), 0.01)


def test_transparency_is_laid_on_white():
    image = picture().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    assert (decode(encode(image, "PNG")).pixels == 255).all()
    image.putalpha(Image.new("L", image.size, 128))
    expected = np.asarray(picture()) * (128 / 255) + 255 * (127 / 255)
    assert close(decode(encode(image, "PNG")).pixels, expected, 1)


def test_a_transparent_palette_colour_is_laid_on_white():
    image = picture().quantize(8)
    index = np.asarray(image)
    pixels = decode(encode(image, "PNG", transparency=3)).pixels
    assert (pixels[index == 3] == 255).all()
    assert np.array_equal(pixels[index != 3], np.asarray(image.convert("RGB"))[index != 3])


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"])
def test_every_pixel_mode_becomes_rgb(mode):
    grey = picture().convert("L")
    match mode:
        case "I;16":
            image = Image.fromarray(np.asarray(grey, dtype=np.uint16) * 257)
        case "I":
            image = Image.fromarray(np.asarray(grey, dtype=np.int32) * 257)
        case "F":
            image = Image.fromarray(np.asarray(grey, dtype=np.float32) / 255)
        case "P":
            image = picture().quantize(64)
        case _:
            image = picture().convert(mode)
    decoded = decode(encode(image, "TIFF"))
    assert decoded.pixels.shape == (40, 60, 3)
    if mode in {"L", "LA", "I;16", "I", "F"}:
        assert close(decoded.pixels, np.asarray(grey.convert("RGB")), 0.6)
    if mode in {"P", "RGBA", "CMYK", "YCbCr"}:
        assert close(decoded.pixels, np.asarray(picture()), 8)


def test_twelve_bits_in_sixteen_are_not_almost_black():
    values = np.linspace(0, 4095, 60 * 40).reshape(40, 60).astype(np.uint16)
    decoded = decode(encode(Image.fromarray(values), "PNG"))
    assert decoded.pixels.min() == 0
    assert decoded.pixels.max() == 255
    assert np.abs(decoded.pixels[..., 0] - values / 4095 * 255).max() < 1


def test_a_float_picture_with_gaps_is_read():
    values = np.linspace(0, 1, 60 * 40, dtype=np.float32).reshape(40, 60)
    values[0, :3] = np.nan, np.inf, -np.inf
    decoded = decode(encode(Image.fromarray(values), "TIFF"))
    assert (decoded.pixels[0, :3] == 0).all()
    assert decoded.pixels.max() == 255


def test_the_format_is_told_by_content_and_not_by_name(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(encode(picture(), "PNG"))
    assert decode_file(path).format == "PNG"


def test_a_phones_multi_picture_jpeg_gives_its_photograph():
    data = encode(picture(), "MPO", save_all=True, append_images=[picture(30, 20)])
    decoded = decode(data)
    assert (decoded.original_width_px, decoded.original_height_px) == (60, 40)


def test_many_threads_get_the_same_pixels():
    data = [FILES[name](picture()) for name in FILES] * 4
    alone = [decode(item).pixels for item in data]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda item: decode(item).pixels, data))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


# DICOM


GREY = np.asarray(picture().convert("L"))
RGB = np.asarray(picture())


def test_dicom_rgb_and_ybr_give_the_colours():
    ybr = np.asarray(picture().convert("YCbCr"))
    assert close(decode(dicom(RGB, "RGB")).pixels, RGB, 0.01)
    assert close(decode(dicom(ybr, "YBR_FULL")).pixels, RGB, 2)
    assert decode(dicom(RGB, "RGB")).format == "DICOM"


def test_dicom_with_jpeg_inside_gives_the_colours():
    jpeg = encode(picture(), "JPEG", quality=98, subsampling=1)
    assert close(decode(dicom(RGB, "YBR_FULL_422", compressed=jpeg)).pixels, RGB)


def test_dicom_monochrome_1_is_inverted():
    assert close(decode(dicom(GREY, "MONOCHROME2")).pixels[..., 0], GREY, 0.01)
    assert close(decode(dicom(GREY, "MONOCHROME1")).pixels[..., 0], 255 - GREY, 0.01)


def test_dicom_window_and_rescale_decide_what_is_black_and_white():
    values = np.arange(60 * 40, dtype=np.int16).reshape(40, 60) - 1000
    window = {"WindowCenter": 100.5, "WindowWidth": 201, "RescaleSlope": 1, "RescaleIntercept": 500}
    pixels = decode(dicom(values, "MONOCHROME2", **window)).pixels[..., 0]
    rescaled = values + 500
    assert (pixels[rescaled <= 0] == 0).all()
    assert (pixels[rescaled >= 200] == 255).all()
    assert abs(int(pixels[rescaled == 100][0]) - 128) <= 1


@pytest.mark.parametrize("shape", ["LINEAR_EXACT", "SIGMOID"])
def test_dicom_window_shapes_are_grey_in_the_middle_and_rise(shape):
    values = np.arange(60 * 40, dtype=np.uint16).reshape(40, 60)
    window = {"WindowCenter": [1200, 5], "WindowWidth": [800, 5], "VOILUTFunction": shape}
    pixels = decode(dicom(values, "MONOCHROME2", **window)).pixels[..., 0]
    assert abs(int(pixels[20, 0]) - 128) <= 1
    assert (np.diff(pixels.ravel().astype(int)) >= 0).all()


def test_dicom_of_16_bits_without_a_window_uses_its_whole_range():
    values = (np.arange(60 * 40, dtype=np.uint16) + 7000).reshape(40, 60)
    pixels = decode(dicom(values, "MONOCHROME2")).pixels
    assert (pixels.min(), pixels.max()) == (0, 255)


def test_dicom_palette_gives_the_colours_of_its_table():
    table = np.arange(256, dtype=np.uint16) * 257
    descriptor = [256, 0, 16]
    palettes = {}
    for name, entries in (("Red", table), ("Green", table[::-1]), ("Blue", np.zeros_like(table))):
        palettes[f"{name}PaletteColorLookupTableDescriptor"] = descriptor
        palettes[f"{name}PaletteColorLookupTableData"] = entries.tobytes()
    expected = np.stack([GREY, 255 - GREY, np.zeros_like(GREY)], axis=-1)
    assert close(decode(dicom(GREY, "PALETTE COLOR", **palettes)).pixels, expected, 0.01)


def test_dicom_with_many_frames_gives_the_first():
    frames = np.stack([GREY, 255 - GREY, GREY // 2])
    assert close(decode(dicom(frames, "MONOCHROME2")).pixels[..., 0], GREY, 0.01)


def test_dicom_without_a_picture_and_in_odd_compression_is_unsupported():
    import pydicom
    from pydicom.uid import JPEGLSLossless

    dataset = pydicom.dcmread(io.BytesIO(dicom(GREY, "MONOCHROME2")))
    buffer = io.BytesIO()
    dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
    dataset.PixelData = pydicom.encaps.encapsulate([b"\0" * 100])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(buffer)
    with pytest.raises(UnsupportedImage, match="JPEG-LS"):
        decode(buffer.getvalue())
    del dataset.PixelData
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    with pytest.raises(UnsupportedImage, match="no pixel data"):
        decode(buffer.getvalue())


def test_dicom_that_declares_a_huge_picture_or_lacks_its_end_is_refused():
    with pytest.raises(ImageTooLarge, match="megapixels"):
        decode(dicom(GREY, "MONOCHROME2", Rows=60_000, Columns=60_000))
    with pytest.raises(TruncatedImage, match="ends before"):
        decode(dicom(GREY, "MONOCHROME2", Rows=400))


# Bad files


def test_an_empty_file_is_named():
    with pytest.raises(EmptyFile, match="no bytes"):
        decode(b"")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"Dear colleague,\r\nplease find attached", "text"),
        ("Ärztlicher Befund: unauffällig".encode("latin-1"), "text"),
        ("\ufeffBefund".encode("utf-16"), "text"),
        (b"%PDF-1.7\n%\xe2\xe3", "a PDF document"),
        (b"PK\x03\x04\x14\x00\x00\x00", "a ZIP archive or an office document"),
        (b"\x1f\x8b\x08\x00", "a gzip archive"),
        (b"<!DOCTYPE html><html><body>Not found</body></html>", "a web page"),
        (b"\n  <HTML lang='en'>", "a web page"),
        (b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42", "a video"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "a sound or video file"),
        (b"\x7fELF\x02\x01\x01\x00", "a program"),
        (bytes(range(256)) * 4, "data of an unknown kind"),
        (b"\x00", "data of an unknown kind"),
        (b"BM is how this text begins, and it is no bitmap", "text"),
    ],
)
def test_what_is_no_image_is_named_for_what_it_seems_to_be(content, what):
    with pytest.raises(NotAnImage, match=f"seems to be {what}"):
        decode(content)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG drawing"),
        (b"<!-- made by hand --><svg></svg>", "SVG drawing"),
        (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1", "AVIF"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"8BPS\x00\x01", "Photoshop"),
        (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", "camera raw"),
    ],
)
def test_images_of_kinds_that_are_not_read_are_named_with_advice(content, what):
    with pytest.raises(UnsupportedImage, match=what) as caught:
        decode(content)
    assert "upload" in str(caught.value).lower()


def test_a_camera_raw_file_does_not_pass_as_its_thumbnail():
    dng = encode(picture(), "TIFF", tiffinfo={0xC612: b"\x01\x04\x00\x00"})
    with pytest.raises(UnsupportedImage, match="camera raw"):
        decode(dng)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("name", FILES)
def test_a_truncated_file_is_named(name, share):
    data = FILES[name](picture(200, 150))
    with pytest.raises(TruncatedImage, match="ends before the picture is complete"):
        decode(data[: int(share * len(data))])


def test_a_truncated_file_says_how_much_is_there_where_its_format_tells():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (600, 600, 3)).astype(np.uint8))
    data = encode(image, "BMP")
    with pytest.raises(TruncatedImage, match=r"0\.5 of about 1\.1 MB"):
        decode(data[: len(data) // 2])


@pytest.mark.parametrize("name", ["GIF", "PNG", "WEBP", "TIFF"])
def test_several_frames_are_refused_because_none_is_meant(name):
    data = encode(picture(), name, save_all=True, append_images=[picture().rotate(180), picture().rotate(90)])
    with pytest.raises(AnimatedImage, match="3 frames"):
        decode(data)


def test_a_huge_declared_size_is_refused_before_pixels_are_decoded():
    with pytest.raises(ImageTooLarge, match=r"100 megapixels.*30,000 x 30,000 \(900\)"):
        decode(png_that_declares(30_000, 30_000))
    # Between Pillow's own warning (89 megapixels) and our limit: no warning, the file is just truncated.
    with pytest.raises(TruncatedImage):
        decode(png_that_declares(9_700, 10_000))


def test_limits_can_be_set():
    data = encode(picture(), "PNG")
    with pytest.raises(ImageTooLarge, match="megapixels"):
        decode(data, limits=Limits(max_pixels=60 * 40 - 1))
    assert decode(data, limits=Limits(len(data), 60 * 40)).pixels.shape == (40, 60, 3)
    with pytest.raises(ImageTooLarge, match="at most"):
        decode(data, limits=Limits(max_bytes=len(data) - 1))


def test_a_file_that_cannot_be_opened_or_is_too_large_is_an_unreadable_image(tmp_path):
    with pytest.raises(UnreadableImage, match="could not be opened"):
        decode_file(tmp_path / "absent.jpg")
    with pytest.raises(UnreadableImage, match="could not be opened"):
        decode_file(tmp_path)
    path = tmp_path / "large.png"
    path.write_bytes(encode(picture(), "PNG"))
    with pytest.raises(ImageTooLarge):
        decode_file(path, limits=Limits(max_bytes=100))


def test_the_files_name_is_noted_for_the_log_and_not_in_the_message():
    with pytest.raises(EmptyFile) as caught:
        decode(b"", name="Smith_John.jpg")
    assert "Smith" not in str(caught.value)
    assert caught.value.__notes__ == ["File: Smith_John.jpg"]


# Damage of any kind: a picture or an UnreadableImage, never another exception. Decoders also warn about damage; these
# warnings are not our subject and would otherwise be turned into exceptions that a user never meets.

BASES = [make(picture(24, 18)) for make in FILES.values()]
BASES += [dicom(np.asarray(picture(24, 18)), "RGB"), dicom(np.asarray(picture(24, 18).convert("L")), "MONOCHROME2")]


def readable_or_named(data: bytes) -> None:
    try:
        decoded = decode(data, limits=Limits(max_pixels=1_000_000), min_side_px=16)
    except UnreadableImage as error:
        outcome = str(error)
    else:
        outcome = f"{decoded.pixels.ndim} dimensions of {decoded.pixels.dtype}"
    assert outcome.endswith((".", "3 dimensions of uint8"))


@pytest.mark.filterwarnings("ignore")
@given(st.sampled_from(BASES), st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)), max_size=8))
@settings(deadline=None, max_examples=200)
def test_damaged_files_are_read_or_named(base, changes):
    data = bytearray(base)
    for where, content in changes:
        start = int(where * (len(data) - 1))
        data[start : start + len(content)] = content
    readable_or_named(bytes(data))


@pytest.mark.filterwarnings("ignore")
@given(st.sampled_from(BASES), st.floats(0, 1), st.binary(max_size=200))
@settings(deadline=None, max_examples=200)
def test_cut_and_continued_files_are_read_or_named(base, where, rest):
    readable_or_named(base[: int(where * len(base))] + rest)


@pytest.mark.filterwarnings("ignore")
@given(st.binary(max_size=400))
@settings(deadline=None)
def test_random_bytes_are_named(data):
    with pytest.raises(UnreadableImage):
        decode(data)
