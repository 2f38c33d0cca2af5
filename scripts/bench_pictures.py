#!/usr/bin/env python
"""Measure the search for equal pictures on generated fingerprints: seconds, peak memory, recall of planted copies.

    scripts/bench_pictures.py 8000 32000 130000

Each size runs in a process of its own, so that the peak is its own. Pictures are noise with the spectrum of the real
ones; a copy is turned at random, and a quarter of what it shows is another picture. Real pictures also give
candidates that are no copies (about 4,000 of 41 million pairs of real ones): the time to lay that share upon each other
is added as `verify`.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.fft import idctn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from derm_model.data.duplicates.detail import SIDE
from derm_model.data.duplicates.perceptual import correlate, similar_pictures
from derm_model.data.duplicates.registration import orientations

N_PLANTED = 200
CANDIDATE_SHARE = 1e-4
N_TIMED = 2000


def generate(n: int, seed: int = 0) -> tuple[NDArray[np.int8], list[list[int]]]:
    """Details of n pictures, and the planted pairs."""
    rng = np.random.default_rng(seed)
    index = np.arange(SIDE)
    fall = np.maximum(np.hypot(index[:, None], index[None]), 1) ** -1.3
    details = np.empty((n, SIDE, SIDE), dtype=np.int8)
    for start in range(0, n, 4096):
        count = min(4096, n - start)
        noise = idctn(rng.standard_normal((count, SIDE, SIDE), dtype=np.float32) * fall, axes=(1, 2), norm="ortho")
        scale = noise.std(axis=(1, 2), keepdims=True)
        details[start : start + count] = np.clip(noise / (2 * scale), -1, 1) * 127
    chosen = rng.permutation(n)[: 3 * N_PLANTED].reshape(3, -1)
    for first, second, noise_of in chosen.T:
        turned = orientations(details[first : first + 1])[rng.integers(8)][0]
        details[second] = (3 * turned.astype(np.int16) + details[noise_of]) // 4
    pairs = np.sort(chosen[:2].T, axis=1)
    return details.reshape(n, -1), sorted(pairs.tolist())


def measure(n: int) -> None:
    """Print one line of the table."""
    details, planted = generate(n)
    start = time.perf_counter()
    pairs, _ = similar_pictures(details, 0.5)
    search_s = time.perf_counter() - start
    found = {tuple(pair) for pair in pairs.tolist()}
    recall = np.mean([tuple(pair) in found for pair in planted])

    timed = np.arange(2 * N_TIMED).reshape(-1, 2)
    start = time.perf_counter()
    correlate(details, timed)
    verify_s = (time.perf_counter() - start) / len(timed) * CANDIDATE_SHARE * n * (n - 1) / 2
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{n:>8,} pictures  search {search_s:7.1f} s  verify {verify_s:6.1f} s  peak {peak_mib:6.0f} MiB  "
        f"recall {recall:.3f}  others {len(found) - sum(tuple(p) in found for p in planted)}",
        flush=True,
    )


def main() -> None:
    """Measure each size given."""
    context = multiprocessing.get_context("spawn")
    for n in [int(argument) for argument in sys.argv[1:]] or [8000]:
        process = context.Process(target=measure, args=(n,))
        process.start()
        process.join()
        if process.exitcode:
            sys.exit(process.exitcode)


if __name__ == "__main__":
    main()
