"""From any kind of pixel (palette, CMYK, 16-bit, float, transparent, with a colour profile) to 8-bit sRGB."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

from derm_model.data.sniffing import unsupported

# A file announces the colour space of its profile; the picture must be in it before the profile can be applied.
_PROFILE_MODES = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}


def keep_info(image: Image.Image, before: Image.Image) -> Image.Image:
    """Give an image the `info` (profile, transparency) of the one it was made from."""
    image.info = dict(before.info)
    return image


def to_8_bit(image: Image.Image) -> Image.Image:
    """Bring every mode to L, RGB, RGBA or CMYK, keeping `info` (the profile is applied later)."""
    if image.mode.startswith(("I", "F")):
        return keep_info(Image.fromarray(_scale_to_8_bit(np.asarray(image, dtype=np.float32))), image)
    if image.has_transparency_data:
        return keep_info(image.convert("RGBA"), image)
    if image.mode in {"L", "RGB", "CMYK"}:
        return image
    if image.mode == "LAB":
        raise unsupported("a picture in the LAB colour space")
    return keep_info(image.convert("L" if image.mode == "1" else "RGB"), image)


def _scale_to_8_bit(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Scale grey values of unknown range to 0..255.

    White is 1.0 or the full scale of 8, 10, 12, 14 or 16 bits, whichever is the first to hold the brightest value
    (cameras store 12 bits in 16); beyond that, the brightest value. Black is 0. What is not finite is black.
    """
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    brightest = float(values.max())
    whites = [1.0, *(2.0**bits - 1 for bits in (8, 10, 12, 14, 16))]
    white = next((white for white in whites if brightest <= white), brightest)
    return np.asarray(np.clip(values / np.float32(white), 0, 1) * 255 + 0.5, dtype=np.uint8)


def to_srgb(image: Image.Image) -> Image.Image:
    """Apply the colour profile, then lay transparency on white.

    White, because transparent pixels surround lesions that were cut out, and on black they would look like pigment.
    """
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = _apply_profile(image.convert("RGB") if alpha is not None else image, image.info.get("icc_profile"))
    if alpha is None:
        return colours
    return Image.composite(colours, Image.new("RGB", image.size, "white"), alpha)


def _apply_profile(image: Image.Image, profile: object) -> Image.Image:
    """To sRGB by the embedded ICC profile.

    One that is damaged or made for other colours is ignored: the pixels are still good.
    """
    if isinstance(profile, bytes) and profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            mode = _PROFILE_MODES.get(source.profile.xcolor_space.strip())
            if mode is not None and (image.mode == "CMYK") == (mode == "CMYK"):
                converted = ImageCms.profileToProfile(
                    image.convert(mode), source, ImageCms.createProfile("sRGB"), outputMode="RGB"
                )
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass
    return image.convert("RGB")
