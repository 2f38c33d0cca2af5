"""A training run from manifests to a folder: split, partition, labels. What `fit` and the bundle are made from."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from derm_model.data.manifest import Record, counts
from derm_model.data.splits import Split, SplitRules, groups, make_split
from derm_model.errors import TrainingError
from derm_model.net.config import TrainConfig
from derm_model.net.run_state import RunPaths, replace_text
from derm_model.net.training import Labelled
from derm_model.taxonomy import Partition, Taxonomy, partition


@dataclass(frozen=True)
class Run:
    """Everything a run fixes before its first epoch."""

    config: TrainConfig
    partition: Partition
    split: Split
    train: Labelled
    validation: Labelled
    test: Labelled
    not_in_a_class: int  # images whose node no training class covers


def prepare_run(
    config: TrainConfig,
    records: Sequence[Record],
    taxonomy: Taxonomy,
    rules: SplitRules,
    paths: RunPaths,
    *,
    say: Callable[[str], None] = lambda text: None,
) -> Run:
    """Split the records by group, partition the diseases on the images left for training, and label.

    A folder that already holds a run keeps its split; recipe, classes and images must be the ones it was started with.

    Raises
    ------
    TrainingError
        The folder holds a run with another recipe, other classes or other images.
    """
    if paths.config.exists():
        split = _read_split(records, config.seed, paths)
    else:
        say(f"Grouping {len(records):,} images by lesion, patient and picture")
        split = make_split(records, rules, config.seed, group_numbers=groups(records))
    usable = [records[i] for i in (*split.train, *split.validation)]
    # The partition is counted without the test images (one fixed partition; nothing of the test leaks into it).
    chosen = partition(taxonomy, counts(usable), config.max_class_size, config.partition_mode)
    train, validation, test = (
        _label([records[i] for i in part], chosen) for part in (split.train, split.validation, split.test)
    )
    n_labelled = sum(len(part.records) for part in (train, validation, test))
    lost = len(records) - len(split.excluded) - n_labelled
    run = Run(config, chosen, split, train, validation, test, not_in_a_class=lost)
    _write_or_check(run, records, paths)
    return run


def _label(records: Sequence[Record], chosen: Partition) -> Labelled:
    indices = [chosen.class_index(record.node) for record in records]
    kept = [(record, index) for record, index in zip(records, indices, strict=True) if index is not None]
    return Labelled(tuple(record for record, _ in kept), np.array([index for _, index in kept], dtype=np.int64))


PARTS = ("train", "validation", "test", "excluded")


def _split_table(run: Run, records: Sequence[Record]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("source", "image_id", "part"))
    part_of = {i: name for name in PARTS for i in getattr(run.split, name)}
    writer.writerows((record.source, record.image_id, part_of[i]) for i, record in enumerate(records))
    return text.getvalue()


def _read_split(records: Sequence[Record], seed: int, paths: RunPaths) -> Split:
    """The split a run was started with; the images must be the same."""
    try:
        with paths.split.open(newline="", encoding="utf-8") as file:
            part_of = {(row["source"], row["image_id"]): row["part"] for row in csv.DictReader(file)}
        rule = json.loads(paths.config.read_text(encoding="utf-8"))["rule"]
    except (OSError, KeyError, ValueError) as error:
        raise TrainingError(
            f"{paths.folder} holds a run that cannot be read ({error}). Choose another --out."
        ) from error
    if part_of.keys() != {(record.source, record.image_id) for record in records}:
        raise _another(paths, "images")
    parts = {
        name: tuple(i for i, record in enumerate(records) if part_of[record.source, record.image_id] == name)
        for name in PARTS
    }
    return Split(**parts, seed=seed, rule=rule)


def _write_or_check(run: Run, records: Sequence[Record], paths: RunPaths) -> None:
    """Write split.csv and config.json, or compare with the ones that are there."""
    recipe = {"config": run.config.to_json(), "partition": run.partition.to_json(), "rule": run.split.rule}
    text = json.dumps(recipe, indent=1)
    if paths.config.exists():
        if json.loads(paths.config.read_text(encoding="utf-8")) != json.loads(text):
            raise _another(paths, "recipe or classes")
        return
    paths.folder.mkdir(parents=True, exist_ok=True)
    replace_text(paths.split, _split_table(run, records))
    replace_text(paths.config, text)


def _another(paths: RunPaths, what: str) -> TrainingError:
    return TrainingError(
        f"{paths.folder} holds a run with another set of {what}. Resume it with the options and manifests it was "
        "started with, or choose another --out."
    )
