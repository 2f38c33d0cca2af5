"""Two cards side by side, and whether their figures are of the same images. No Streamlit in here."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from derm_model import words
from derm_model.assessment.answers import list_answers
from derm_model.assessment.seen import split_beside
from derm_model.card import BundleCard, Metric
from derm_model.card_text import images, value
from derm_model.markup import unbroken
from derm_model.recipe.words import in_words

MISSING = "–"
MAX_LISTED = 3  # collections that both models were evaluated on

Row = tuple[str, ...]
Plain = Callable[[str], str]


@dataclass(frozen=True)
class Alike:
    """Whether two models' held-out images are the same: True, False, or None where nothing is known; and why."""

    same: bool | None
    reason: str


def figure_rows(one: BundleCard, other: BundleCard, plain: Plain) -> list[Row]:
    """Figure, images of, both values, n: every figure of either card, those of both first."""
    found = [_by_name(card) for card in (one, other)]
    keys = dict.fromkeys([*found[0], *found[1]])
    rows = []
    for key in sorted(keys, key=lambda key: key not in found[0] or key not in found[1]):
        pair = [figures.get(key) for figures in found]
        values = [MISSING if metric is None else unbroken(value(metric)) for metric in pair]
        rows.append((*map(plain, key), *values, _n([metric for metric in pair if metric is not None])))
    return rows


def _by_name(card: BundleCard) -> dict[tuple[str, str], Metric]:
    found = [*card.metrics, *(metric for task in card.tasks.values() for metric in task.auc)]
    return {(metric.name, metric.data_set): metric for metric in found}


def _n(metrics: Sequence[Metric]) -> str:
    return " / ".join(dict.fromkeys(unbroken(images(metric)) for metric in metrics))


def data_rows(one: BundleCard, other: BundleCard, plain: Plain) -> list[Row]:
    """Data set, then of each card: images that trained + validated + were held out."""
    found = [{source.name: source for source in card.data} for card in (one, other)]
    rows = []
    for name in dict.fromkeys([*found[0], *found[1]]):
        cells = []
        for sources in found:
            source = sources.get(name)
            counts = () if source is None else (source.n_train, source.n_validation, source.n_test)
            cells.append(unbroken(" / ".join(map(words.count, counts))) or MISSING)
        rows.append((plain(name), *cells))
    return rows


def making_rows(one: BundleCard, other: BundleCard, plain: Plain) -> list[Row]:
    """How each was made, a line per fact."""
    facts: dict[str, Callable[[BundleCard], str]] = {
        "Made": lambda card: f"{card.created_at[:10]}",
        "Network": lambda card: in_words("architecture", card.network.architecture),
        "Reads": lambda card: f"{card.preprocessing.get('size_px', '?')} px",
        "Training classes": lambda card: words.count(len(card.classes)),
        "Largest class": lambda card: f"{words.count(card.partition.max_class_size)} ({card.partition.mode})",
        "Epochs": lambda card: words.count(card.training.epochs),
        "Temperature": lambda card: f"{card.temperature:.2f}",
        "Licence": lambda card: card.licence,
    }
    return [(name, plain(tell(one)), plain(tell(other))) for name, tell in facts.items()]


def classes_only_in(one: BundleCard, other: BundleCard) -> list[str]:
    """Names of the training classes that `other` does not have, with their images."""
    theirs = {c.id for c in other.classes}
    return [f"{c.name} ({words.count(c.n_images)})" for c in one.classes if c.id not in theirs]


def how_alike(one: tuple[Path, BundleCard], other: tuple[Path, BundleCard]) -> Alike:
    """Whether the held-out images of two models (folder and card) are known to be the same ones."""
    cards = (one[1], other[1])
    if cards[0].weights_sha256 == cards[1].weights_sha256:
        return Alike(True, "Both have the same weights: one is a copy of the other.")
    held_out = [_held_out(folder) for folder, _ in (one, other)]
    if held_out[0] and held_out[1]:
        shared = len(held_out[0] & held_out[1])
        if held_out[0] == held_out[1]:
            return Alike(True, f"By the splits of their trainings, both were judged on the same {shared:,} images.")
        counts = " and ".join(f"{len(part):,}" for part in held_out if part)
        return Alike(
            False, f"By the splits of their trainings, {shared:,} of their {counts} held-out images are shared."
        )
    if any(a.n != b.n for key, a in _by_name(cards[0]).items() if (b := _by_name(cards[1]).get(key)) is not None):
        return Alike(False, "Figures of one name have another number of images (n) on the two cards.")
    return Alike(None, "Neither card says which images were held out.")


def _held_out(folder: Path) -> frozenset[tuple[str, str]] | None:
    """Source and id of the held-out images, where the training's split lies beside the bundle and can be read."""
    split = split_beside(folder)
    if split is None:
        return None
    try:
        with split.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = csv.DictReader(file)
            return frozenset((row["source"], row["image_id"]) for row in rows if row["part"] == "test")
    except (OSError, KeyError, csv.Error):
        return None


def evaluated_on_both(one: BundleCard, other: BundleCard) -> list[str]:
    """Collections on which both were evaluated here, the very same images and labels; in words, newest first."""
    theirs = {about.digest for _, about in list_answers(other.bundle_id)}
    found = [about for _, about in list_answers(one.bundle_id) if about.digest in theirs]
    return [f"{about.name} ({words.plural(about.n_images, 'image')})" for about in found[:MAX_LISTED]]
