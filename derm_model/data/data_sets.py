"""What is known of public data sets: how to cite them, and the parts of the taxonomy their labels stand for.

`labels` is for measuring, the crosswalk for learning: a network answers with all its classes, and whatever lies at or
below a label's nodes counts as that label (HAM10000's `bkl` is any seborrheic keratosis, however fine the class).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

PATH = Path(__file__).resolve().parents[2] / "assets" / "data_sets.json"


@dataclass(frozen=True)
class DataSet:
    """A public data set: its citation, and label -> ids of the nodes it stands for."""

    name: str
    reference: str
    labels: Mapping[str, tuple[str, ...]]


@lru_cache(maxsize=1)
def known_data_sets() -> Mapping[str, DataSet]:
    """Data sets by name."""
    entries = json.loads(PATH.read_text(encoding="utf-8"))
    return {
        e["name"]: DataSet(e["name"], e["reference"], {k: tuple(v) for k, v in e["labels"].items()}) for e in entries
    }
