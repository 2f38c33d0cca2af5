"""Measure on this machine what a user waits for: start, decoding, prediction, saliency. Prints one line per figure."""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the project is run from its folder, not installed

from derm_model.card import default_bundle  # noqa: E402
from derm_model.data.images import decode  # noqa: E402
from derm_model.taxonomy import read_taxonomy  # noqa: E402
from scripts.running_app import running_app  # noqa: E402

PHOTO_PX = (3000, 4000)  # 12 megapixels, a phone's


def timed(what: str, do: Callable[[], object], repeats: int) -> None:
    """Print the median of `repeats` calls, after one that is not counted where there are several."""
    seconds = []
    for _ in range(repeats + (repeats > 1)):
        start = time.perf_counter()
        do()
        seconds.append(time.perf_counter() - start)
    print(f"{what:58} {1000 * median(seconds[repeats > 1 :]):8.0f} ms", flush=True)


def python(*arguments: str) -> None:
    """Run a fresh interpreter in the project's folder."""
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def start_server() -> None:
    """Start the app and wait until it answers; stopping it is part of the time."""
    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder) / "log.txt"):
        pass


def photo() -> tuple[bytes, NDArray[np.uint8]]:
    """A 12-megapixel picture with the detail of skin rather than of noise: as JPEG, and as pixels of 299 px."""
    coarse = np.random.default_rng(0).integers(90, 220, (75, 100, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize(PHOTO_PX[::-1], Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=92)
    return buffer.getvalue(), np.asarray(picture.resize((400, 299)))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", metavar="DIR", type=Path, help="model bundle (default: the first one found)")
    parser.add_argument("--repeats", type=int, default=5, help="calls per figure, of which the median is printed")
    args = parser.parse_args()
    folder, n = args.bundle or default_bundle(), args.repeats

    timed("python -c 'import derm_model', with the interpreter", lambda: python("-c", "import derm_model"), n)
    timed("python -m derm_model predict --help", lambda: python("-m", "derm_model", "predict", "--help"), n)
    timed("server up and down", start_server, 1)
    timed("taxonomy read and checked", lambda: read_taxonomy(ROOT / "assets" / "taxonomy" / "taxonomy.csv"), n)
    data, pixels = photo()
    timed("12-megapixel JPEG decoded in full", lambda: decode(data), n)
    timed("12-megapixel JPEG decoded for 299 px", lambda: decode(data, min_side_px=299), n)

    start = time.perf_counter()
    from derm_model.net.bundle import load_bundle
    from derm_model.net.engine import Engine
    from derm_model.net.saliency import Target

    print(f"{'torch and the network imported':58} {1000 * (time.perf_counter() - start):8.0f} ms")
    timed("bundle loaded, engine checked", lambda: Engine(load_bundle(folder, read_taxonomy())), 1)
    engine = Engine(load_bundle(folder, read_taxonomy()))
    timed(f"1 image predicted ({engine.precision})", lambda: engine.predict([pixels]), n)
    timed(f"8 images predicted ({engine.precision})", lambda: engine.predict([pixels] * 8), n)
    timed("1 image predicted, with saliency map", lambda: engine.predict([pixels], Target.predicted("loss")), n)
    timed(
        "12-megapixel JPEG to answer with map",
        lambda: engine.predict([decode(data, min_side_px=299).pixels], Target.predicted("loss")),
        n,
    )


if __name__ == "__main__":
    main()
