"""Draw the example pictures of the app into assets/examples: `python scripts/make_examples.py`."""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from derm_model.data.drawings import draw_lesion  # noqa: E402  (the repository is run from its folder, not installed)

SIZE_PX = 640
JPEG_QUALITY = 90
# Seeds picked by eye, for four lesions that look different on light and dark skin.
EXAMPLES = (("nevus", 3), ("irregular", 3), ("keratosis", 2), ("pink", 1))


def main() -> None:
    """Write drawing-1.jpg to drawing-4.jpg."""
    folder = ROOT / "assets" / "examples"
    folder.mkdir(parents=True, exist_ok=True)
    for number, (kind, seed) in enumerate(EXAMPLES, start=1):
        path = folder / f"drawing-{number}.jpg"
        Image.fromarray(draw_lesion(seed, SIZE_PX, kind)).save(path, quality=JPEG_QUALITY, optimize=True)
        print(f"{path.relative_to(ROOT)}: {kind}, {path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
