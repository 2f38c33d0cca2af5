"""A training run from records to a folder: split, outputs, labels. What `fit` and the bundle are made from."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from derm_model.data.manifest import Record, counts
from derm_model.data.splits import Split, SplitRules, groups, make_split
from derm_model.errors import TrainingError
from derm_model.files import replaced
from derm_model.net.run_state import RunPaths
from derm_model.recipe.config import TrainConfig
from derm_model.taxonomy import Partition, Targets, Taxonomy, make_targets

PARTS = ("train", "validation", "test", "excluded")


@dataclass(frozen=True)
class Labelled:
    """Records with the label they train (`Targets.label`): what `fit` learns from or is measured on."""

    records: tuple[Record, ...]
    labels: npt.NDArray[np.int64]  # (n,)

    def __post_init__(self) -> None:
        if len(self.records) != len(self.labels):
            raise ValueError(f"{len(self.records)} records but {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.records)

    def counts(self, n_labels: int) -> npt.NDArray[np.int64]:
        """Images of each label, (n_labels,)."""
        return np.bincount(self.labels, minlength=n_labels).astype(np.int64)


@dataclass(frozen=True)
class Run:
    """Everything a run fixes before its first epoch.

    Attributes
    ----------
    not_in_a_class
        Images whose node no output stands for.
    not_judged
        Images for validation or test that are labelled above the outputs: they may train, but tell no right from wrong.
    fold
        0-based round of a cross-validation; None for a single split.
    """

    config: TrainConfig
    taxonomy: Taxonomy
    targets: Targets
    split: Split
    train: Labelled
    validation: Labelled
    test: Labelled
    not_in_a_class: int = 0
    not_judged: int = 0
    fold: int | None = None

    @property
    def partition(self) -> Partition:
        """The outputs."""
        return self.targets.partition

    @property
    def empty_classes(self) -> list[int]:
        """Outputs that no training image stands behind, alone or under a coarse label."""
        seen = self.targets.membership()[np.unique(self.train.labels)]
        return [i for i in range(self.targets.n_classes) if not seen[:, i].any()]

    def check(self) -> None:
        """Refuse to train what cannot be learnt.

        In a round of a cross-validation an output may be without images: the outputs are the same in all rounds.

        Raises
        ------
        TrainingError
            No training images, or an output without any.
        """
        if not len(self.train):
            raise TrainingError("There is no image to train on. Check the manifest and the split.")
        if (empty := self.empty_classes) and self.fold is None:
            names = ", ".join(self.partition.classes[i].name for i in empty[:5])
            raise TrainingError(
                f"Every class needs a training image. {len(empty)} have no training image ({names}). Lower the holdout "
                "share, or merge classes with a larger max_class_size."
            )

    @property
    def digest(self) -> str:
        """Of recipe, outputs and every image with its part and label; a checkpoint belongs to one digest."""
        found = hashlib.sha256(json.dumps(self.recipe(), sort_keys=True).encode())
        for name in ("train", "validation", "test"):
            part: Labelled = getattr(self, name)
            for record, label in zip(part.records, part.labels.tolist(), strict=True):
                line = (name, record.source, record.image_id, record.content_hash or "", str(label))
                found.update("\0".join(line).encode("utf-8", "surrogateescape"))
        return found.hexdigest()

    def recipe(self) -> dict[str, Any]:
        """What config.json says, as JSON types."""
        return {
            "config": self.config.to_json(),
            "partition": self.partition.to_json(),
            "coarse": [[c.node, list(c.classes), c.n_images] for c in self.targets.coarse],
            "rule": self.split.rule,
            "fold": self.fold,
        }


def prepare_run(
    config: TrainConfig,
    records: Sequence[Record],
    taxonomy: Taxonomy,
    rules: SplitRules | Split,
    paths: RunPaths,
    *,
    fold: int | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Run:
    """Split the records by group, choose the outputs on the images that are no test images, and label.

    A folder that already holds a run keeps its split; recipe, classes and images must be the ones it was started with.

    Parameters
    ----------
    rules
        How to split, or a split of these records that was made before (of a round of a cross-validation).
    fold
        0-based round that split belongs to.

    Raises
    ------
    TrainingError
        The folder holds a run with another recipe, other classes or other images.
    """
    if paths.config.exists():
        records, split = _read_split(records, config.seed, paths)
    elif isinstance(rules, Split):
        split = rules
    else:
        say(f"Grouping {len(records):,} images by lesion, patient and picture")
        split = make_split(records, rules, config.seed, group_numbers=groups(records))
    run = plan_run(config, records, taxonomy, split, fold=fold)
    _write_or_check(run, records, paths)
    return run


def plan_run(
    config: TrainConfig, records: Sequence[Record], taxonomy: Taxonomy, split: Split, *, fold: int | None = None
) -> Run:
    """The run a split gives; nothing is written.

    The outputs are counted without the test images, on all others: so they are the same in all rounds of a
    cross-validation (one fixed partition), and nothing of the test leaks into them.
    """
    targets = make_targets(
        taxonomy,
        counts(records[i] for i in split.counted),
        targets=config.targets,
        max_class_size=config.max_class_size,
        mode=config.partition_mode,
        coarse=config.loss == "hierarchical",
    )
    parts = {name: [records[i] for i in getattr(split, name)] for name in ("train", "validation", "test")}
    labelled = {name: _label(part, targets) for name, part in parts.items()}
    judged = {name: _only_classes(labelled[name], targets) for name in ("validation", "test")}
    return Run(
        config,
        taxonomy,
        targets,
        split,
        labelled["train"],
        judged["validation"],
        judged["test"],
        not_in_a_class=sum(map(len, parts.values())) - sum(map(len, labelled.values())),
        not_judged=sum(len(labelled[name]) - len(part) for name, part in judged.items()),
        fold=fold,
    )


def _label(records: Sequence[Record], targets: Targets) -> Labelled:
    of_node = {node: targets.label(node) for node in {record.node for record in records}}
    kept = [(record, label) for record in records if (label := of_node[record.node]) is not None]
    return Labelled(tuple(record for record, _ in kept), np.array([label for _, label in kept], dtype=np.int64))


def _only_classes(part: Labelled, targets: Targets) -> Labelled:
    keep = part.labels < targets.n_classes
    return Labelled(tuple(r for r, k in zip(part.records, keep, strict=True) if k), part.labels[keep])


def write_answers(run: Run, part: Labelled, probs: npt.NDArray[np.float64], paths: RunPaths) -> None:
    """Write what a network says of labelled images: source, image_id, node, then a probability per class id."""
    with replaced(paths.validation) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("source", "image_id", "node", *(c.id for c in run.partition.classes)))
        for record, row in zip(part.records, probs.tolist(), strict=True):
            writer.writerow((record.source, record.image_id, record.node, *(f"{p:.8g}" for p in row)))


def _split_table(run: Run, records: Sequence[Record]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("source", "image_id", "part", "counted"))
    part_of = {i: name for name in PARTS for i in getattr(run.split, name)}
    counted = set(run.split.counted)
    writer.writerows(
        (record.source, record.image_id, part_of[i], int(i in counted)) for i, record in enumerate(records)
    )
    return text.getvalue()


def _read_split(records: Sequence[Record], seed: int, paths: RunPaths) -> tuple[list[Record], Split]:
    """The images a run was started with, and their split; images that came to the manifest since are left alone."""
    try:
        with paths.split.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
            rows = {(row["source"], row["image_id"]): (row["part"], row["counted"]) for row in csv.DictReader(file)}
        rule = json.loads(paths.config.read_text(encoding="utf-8"))["rule"]
    except (OSError, KeyError, ValueError) as error:
        raise TrainingError(
            f"{paths.folder} holds a run that cannot be read ({error}). Choose another --out."
        ) from error
    known = [record for record in records if (record.source, record.image_id) in rows]
    if len(known) != len(rows):
        raise _another(paths, "images")
    found = [rows[record.source, record.image_id] for record in known]
    parts = {name: tuple(i for i, (part, _) in enumerate(found) if part == name) for name in PARTS}
    counted = tuple(i for i, (_, is_counted) in enumerate(found) if is_counted == "1")
    return known, Split(**parts, seed=seed, rule=rule, development=counted)


def _write_or_check(run: Run, records: Sequence[Record], paths: RunPaths) -> None:
    """Write split.csv and config.json, or compare with the ones that are there."""
    recipe = run.recipe() | {"digest": run.digest}
    if paths.config.exists():
        if json.loads(paths.config.read_text(encoding="utf-8")) != json.loads(json.dumps(recipe)):
            raise _another(paths, "recipe, classes or images")
        return
    paths.folder.mkdir(parents=True, exist_ok=True)
    with replaced(paths.split) as temporary:
        temporary.write_text(_split_table(run, records), encoding="utf-8", errors="surrogateescape")
    with replaced(paths.config) as temporary:  # last: where it is, the split is
        temporary.write_text(json.dumps(recipe, indent=1), encoding="utf-8")


def _another(paths: RunPaths, what: str) -> TrainingError:
    return TrainingError(
        f"{paths.folder} holds a run with another set of {what}. Resume it with the options and manifests it was "
        "started with, or choose another --out."
    )
