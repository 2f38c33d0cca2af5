"""The only cache in the app: what every session may share. Never an image that somebody uploaded, or an answer.

Each under a stamp of the files it came from, so that what somebody else changed is read anew.
"""

from __future__ import annotations

from pages.ui.resources.bundles import BUNDLES_VARIABLE, BrokenBundle, Model, card, engine, models, places, taxonomy
from pages.ui.resources.collections import curation, labelled, leaks, n_folds, split_counts, threshold_effect, thumbnail
from pages.ui.resources.runs import gpus, history, run_charts, run_plan

__all__ = [
    "BUNDLES_VARIABLE",
    "BrokenBundle",
    "Model",
    "card",
    "curation",
    "engine",
    "gpus",
    "history",
    "labelled",
    "leaks",
    "models",
    "n_folds",
    "places",
    "run_charts",
    "run_plan",
    "split_counts",
    "taxonomy",
    "threshold_effect",
    "thumbnail",
]
