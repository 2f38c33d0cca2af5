"""Measure the search for alike features on this machine: seconds, peak memory, and planted pairs found, by size.

The features are generated with the spectrum of real ones: with the demo bundle on 9,037 pictures of HAM10000, ISIC
2017 and PAD-UFES-20, the variance of component i of the Hellinger-transformed features falls like (1 + i / 3) ** -1.7
(within a factor of two for i = 0..2,047), around a mean of 1.9 standard deviations a feature. Every hundredth picture
has a second view. In 15 real pairs of two views, looked at one by one, the correlation along component i fell like
0.97 / (1 + (i / 700) ** 0.8); planted pairs reach from there (i / 700) to copies saved again (i / 20,000).

Each size runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the project is run from its folder, not installed

from derm_model.data.duplicates.neighbours import LINKED_ABOVE, similar_by_features  # noqa: E402

WIDTH = 2048
FEATURE_MEAN = 0.0195  # of the square root of a share
TOTAL_VARIANCE = 0.219  # of all 2,048 of them
FEATURE_SUM = 565  # 2,048 x 0.276, so that half precision rounds as it does real features
PLANTED_EVERY = 100
REACH = (700, 20_000)  # component at which the correlation of a planted pair has fallen to one half
CHUNK = 4096


def generated(n: int, seed: int = 0) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
    """Features (n, 2048) and the planted pairs (k, 2) among them, at positions drawn by chance."""
    rng = np.random.default_rng(seed)
    i = np.arange(WIDTH)
    variances = (1 + i / 3) ** -1.7
    deviations = np.sqrt(TOTAL_VARIANCE * variances / variances.sum()).astype(np.float32)
    signs = rng.choice(np.array([-1, 1], dtype=np.float32), WIDTH)
    n_views = n // PLANTED_EVERY
    places = rng.permutation(n)
    features = np.empty((n, WIDTH), dtype=np.float16)
    for start in range(0, n - n_views, CHUNK):
        rows = np.arange(start, min(start + CHUNK, n - n_views))
        z = rng.standard_normal((len(rows), WIDTH), dtype=np.float32)
        features[places[rows]] = _features(z * deviations, signs)
        seen_twice = rows[rows < n_views]
        if len(seen_twice):  # the first pictures' second views stand at the end, before all are shuffled
            reach = np.exp(rng.uniform(*np.log(REACH), (len(seen_twice), 1)))
            closeness = (0.97 / (1 + (i / reach) ** 0.8)).astype(np.float32)
            other = rng.standard_normal((len(seen_twice), WIDTH), dtype=np.float32)
            view = closeness * z[: len(seen_twice)] + np.sqrt(1 - closeness**2) * other
            features[places[n - n_views + seen_twice]] = _features(view * deviations, signs)
    pairs = np.stack([places[:n_views], places[n - n_views :]], axis=1)
    return features, np.sort(pairs, axis=1)


def _features(components: NDArray[np.float32], signs: NDArray[np.float32]) -> NDArray[np.float32]:
    """Components to features: an orthogonal turn (cosine transform after random signs), the mean, squares, the sum."""
    roots = np.maximum(FEATURE_MEAN + dct(components * signs, norm="ortho", axis=1), 0)
    shares = roots**2
    return np.asarray(FEATURE_SUM * shares / shares.sum(axis=1, keepdims=True), dtype=np.float32)


def measure(n: int, approximate: bool) -> dict[str, float]:
    """One line of the table."""
    features, planted = generated(n)
    before = _peak_gib()
    start, cpu = time.perf_counter(), time.process_time()
    pairs, cosine = similar_by_features(features, exact_up_to=0 if approximate else n)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu
    found = dict(zip((pairs[:, 0].astype(np.int64) * n + pairs[:, 1]).tolist(), cosine.tolist(), strict=True))
    cosines = np.array([found.pop(code, np.nan) for code in (planted[:, 0] * n + planted[:, 1]).tolist()])
    return {
        "n": n,
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_gib": _peak_gib(),
        "gib_before": before,
        "planted": len(planted),
        "found": int(np.isfinite(cosines).sum()),
        "linked": int((cosines >= LINKED_ABOVE).sum()),
        "others_linked": int((np.array(list(found.values())) >= LINKED_ABOVE).sum()),
    }


def _peak_gib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=[8_000, 32_000], metavar="N", help="numbers of pictures"
    )
    parser.add_argument("--only", choices=("exact", "approximate"), help="one of the two searches (default: both)")
    parser.add_argument("--json", action="store_true", help="one size, one search, as JSON")
    args = parser.parse_args()
    if args.json:
        print(json.dumps(measure(args.sizes[0], args.only == "approximate")))
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; cosine >= {LINKED_ABOVE} is linked")
    print(
        f"{'search':12}{'pictures':>9}{'seconds':>9}{'CPU s':>8}{'peak GiB':>10}{'found':>15}{'linked':>8}{'others':>8}"
    )
    for n in args.sizes:
        for method in [args.only] if args.only else ["exact", "approximate"]:
            command = [sys.executable, __file__, "--json", "--sizes", str(n), "--only", method]
            row = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            print(
                f"{method:12}{n:9,}{row['seconds']:9.1f}{row['cpu_seconds']:8.0f}{row['peak_gib']:10.2f}"
                f"{row['found']:7} of {row['planted']:4}{row['linked']:8}{row['others_linked']:8}",
                flush=True,
            )


if __name__ == "__main__":
    main()
