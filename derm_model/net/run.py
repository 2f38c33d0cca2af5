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
from derm_model.net.training import Labelled, RunPaths, replace_text
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

    Resuming: a folder that already holds a run gets the same split and classes, and its config must be the same.

    Raises
    ------
    TrainingError
        The folder holds a run with another recipe, other classes or other images.
    """
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


def _split_table(run: Run, records: Sequence[Record]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("source", "image_id", "part"))
    part_of = {i: name for name in ("train", "validation", "test", "excluded") for i in getattr(run.split, name)}
    writer.writerows((record.source, record.image_id, part_of[i]) for i, record in enumerate(records))
    return text.getvalue()


def _write_or_check(run: Run, records: Sequence[Record], paths: RunPaths) -> None:
    """Write config.json and split.csv; where they are there already, they must say the same."""
    recipe = {"config": run.config.to_json(), "partition": run.partition.to_json(), "rule": run.split.rule}
    contents = {paths.config: json.dumps(recipe, indent=1), paths.split: _split_table(run, records)}
    paths.folder.mkdir(parents=True, exist_ok=True)
    for path, text in contents.items():
        if not path.exists():
            replace_text(path, text)
        elif path.read_text(encoding="utf-8") != text:
            raise TrainingError(
                f"{paths.folder} holds a run with another recipe or other images ({path.name} differs). "
                "Resume with the same options and manifests, or choose another --out."
            )
