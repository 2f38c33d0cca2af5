"""Drawn images with a manifest: two kinds a tiny network can learn to tell apart in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from derm_model.data.manifest import Record, write_manifest

NODES = {"melanoma-nos": (60, 45, 40), "melanocytic-nevus-nos": (190, 90, 80)}  # taxonomy node -> colour of the blob


def draw(rng: np.random.Generator, colour: tuple[int, int, int], size_px: int = 64) -> Image.Image:
    """A blob of a colour somewhere on noisy skin, with a pattern of its own, or all blobs would be copies of one."""
    y, x = np.mgrid[0:size_px, 0:size_px]
    centre, radius = rng.uniform(0.4, 0.6, 2) * size_px, rng.uniform(0.15, 0.3) * size_px
    inside = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2
    pattern = rng.normal(0, 14, (size_px // 4, size_px // 4, 1)).repeat(4, axis=0).repeat(4, axis=1)
    noise = rng.normal(0, 12, (size_px, size_px, 3))
    pixels = np.where(inside[..., None], colour, (222, 178, 155)) + pattern + noise
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def write_drawn_manifest(folder: Path, n_per_kind: int = 40) -> Path:
    """Images and their manifest; every two images share a lesion."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    records = []
    for node, colour in NODES.items():
        for i in range(n_per_kind):
            path = folder / f"{node}-{i}.png"
            draw(rng, colour).save(path)
            records.append(
                Record(
                    path.stem,
                    path,
                    node,
                    node,
                    "drawn",
                    lesion_id=f"{node}-{i // 2}",
                    licence="CC0-1.0",
                    modality="drawing",
                )
            )
    write_manifest(folder / "manifest.csv", records)
    return folder / "manifest.csv"
