"""Tables of generated images, without files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from derm_model.data.schema import COLUMNS
from derm_model.data.table import DTYPES


def make_table(n: int, **columns: Sequence[object]) -> pd.DataFrame:
    """A table of n images; columns that are not given are empty, ids are img-0, img-1, ..."""
    given: Mapping[str, Sequence[object]] = {
        "image_id": [f"img-{i}" for i in range(n)],
        "file": [f"/images/img-{i}.jpg" for i in range(n)],
        "source": ["A"] * n,
        "node": ["melanocytic-nevus-nos"] * n,
        "links": [""] * n,
        **columns,
    }
    return pd.DataFrame({name: pd.Series(given.get(name, [None] * n), dtype=DTYPES[name]) for name in COLUMNS})


def patients(n: int, n_classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Group and class of n images: most patients have one to five images, one in a hundred up to a hundred.

    Classes are as unequal as in public collections (a power law), and a patient with many images has mostly nevi.
    """
    rng = np.random.default_rng(seed)
    shares = 1 / np.arange(1, n_classes + 1) ** 1.3
    shares /= shares.sum()
    groups: list[int] = []
    classes: list[int] = []
    number = 0
    while len(groups) < n:
        low, high = [(1, 2), (2, 6), (6, 30), (30, 101)][rng.choice(4, p=[0.55, 0.35, 0.09, 0.01])]
        size = min(int(rng.integers(low, high)), n - len(groups))
        usual = rng.choice(n_classes, p=shares) if size < 6 else int(rng.choice(min(3, n_classes)))
        own: list[int] = []
        while len(own) < size:
            lesion = usual if rng.random() < 0.7 else int(rng.choice(n_classes, p=shares))
            own += [lesion] * int(rng.integers(1, 4))
        groups += [number] * size
        classes += own[:size]
        number += 1
    return np.array(groups), np.array(classes)
