"""What a run would be, before anything starts: classes, images, what the pseudocode would lose, time and memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from derm_model.data.manifest import Record, counts
from derm_model.data.splits import Split, SplitRules, groups, make_split
from derm_model.net.effort import Estimate, estimate
from derm_model.net.run import Run, plan_run
from derm_model.recipe.config import TrainConfig
from derm_model.taxonomy import Taxonomy, partition

FEW_IMAGES = 50  # a class this small is seen in a batch of 32 once or twice an epoch of some thousand images


@dataclass(frozen=True)
class ClassPreview:
    """A training class with its images in each part; `residual` as in `TrainingClass`."""

    name: str
    node: str
    n_train: int
    n_validation: int
    n_test: int
    residual: bool


@dataclass(frozen=True)
class RunPreview:
    """What `preview` found.

    Attributes
    ----------
    run
        With the split by ids alone where no folds were given.
    classes
        In the order of the outputs.
    faithful_lost
        Images that the pseudocode taken literally would drop; None where the outputs are no partition.
    faithful_classes
        Classes with images that it would leave; None as above.
    n_steps
        Of the optimiser, in all epochs.
    by_ids_only
        Whether groups were found by ids alone: the start also compares pictures, and may move some images.
    """

    run: Run
    classes: tuple[ClassPreview, ...]
    faithful_lost: int | None
    faithful_classes: int | None
    n_steps: int
    estimate: Estimate
    by_ids_only: bool

    @property
    def n_residual(self) -> int:
        """Residual classes."""
        return sum(c.residual for c in self.classes)

    @property
    def notes(self) -> tuple[str, ...]:
        """What is odd about it, a sentence each."""
        found = []
        limit = self.run.config.max_class_size
        if empty := [c.name for c in self.classes if not c.n_train]:
            found.append(f"{len(empty)} without a training image: {_some(empty)}.")
        if few := [c.name for c in self.classes if 0 < c.n_train < FEW_IMAGES]:
            found.append(f"{len(few)} with fewer than {FEW_IMAGES} training images, hard to learn: {_some(few)}.")
        if blind := [c.name for c in self.classes if c.n_train and not c.n_validation]:
            found.append(f"{len(blind)} without a validation image, so nobody sees how they do: {_some(blind)}.")
        if self.run.config.targets == "partition":
            if large := [c.name for c in self.classes if c.n_train > limit and not c.residual]:
                found.append(f"{len(large)} above {limit:,} images, because a disease is not split: {_some(large)}.")
            if self.n_residual:
                found.append(f"{self.n_residual} hold the images labelled at a node that is split.")
        if self.run.not_in_a_class:
            found.append(f"{self.run.not_in_a_class:,} images are in no class.")
        if self.run.targets.coarse:
            n = sum(label.n_images for label in self.run.targets.coarse)
            found.append(f"{n:,} images are labelled above the classes and train their sum.")
        return tuple(found)


def preview(
    config: TrainConfig,
    records: Sequence[Record],
    taxonomy: Taxonomy,
    rules: SplitRules | Split,
    *,
    device: str = "cpu",
    fold: int | None = None,
    n_processes: int = 1,
) -> RunPreview:
    """Plan a run without reading a picture or writing a file.

    Raises
    ------
    DermTreeError
        No images, unknown sources, counts from which no class can be made, or a config that makes no sense.
    """
    config.check()
    by_ids = not isinstance(rules, Split)
    split = (
        rules
        if isinstance(rules, Split)
        else make_split(records, rules, config.seed, group_numbers=groups(records, pixels=False))
    )
    run = plan_run(config, records, taxonomy, split, fold=fold)
    n_of = [part.counts(run.targets.n_labels).tolist() for part in (run.train, run.validation, run.test)]
    classes = tuple(
        ClassPreview(c.name, c.node, n_of[0][i], n_of[1][i], n_of[2][i], c.residual)
        for i, c in enumerate(run.partition.classes)
    )
    lost = left = None
    if config.targets == "partition":
        literal = partition(taxonomy, counts(records[i] for i in split.counted), config.max_class_size, "faithful")
        lost, left = literal.n_lost, sum(c.n_images > 0 for c in literal.classes)
    n_train = len(run.train)
    steps = max(1, n_train // min(config.batch_size, n_train)) * config.epochs if n_train else 0
    return RunPreview(
        run=run,
        classes=classes,
        faithful_lost=lost,
        faithful_classes=left,
        n_steps=steps,
        estimate=estimate(config, n_train, len(run.validation), len(run.test), device, n_processes),
        by_ids_only=by_ids,
    )


def preview_lines(seen: RunPreview) -> list[str]:
    """The preview as text."""
    run, estimated = seen.run, seen.estimate
    lines = [
        f"{len(run.train):,} images to train on, {len(run.validation):,} for validation, {len(run.test):,} held out; "
        f"{len(seen.classes)} classes, {seen.n_steps:,} steps",
        f"{'train':>8} {'valid.':>8} {'test':>8}  class",
    ]
    lines += [f"{c.n_train:8,} {c.n_validation:8,} {c.n_test:8,}  {c.name}" for c in seen.classes]
    lines += seen.notes
    if seen.faithful_lost is not None:
        lines.append(
            f"The pseudocode taken literally would drop {seen.faithful_lost:,} images and leave "
            f"{seen.faithful_classes} classes with images."
        )
    time = "not known for this machine before its first epoch"
    if estimated.seconds is not None:
        how = "as measured here" if estimated.measured else "a rough guess, nothing was measured here yet"
        time = f"about {estimated.seconds / 3600:.1f} h ({how})"
    lines.append(f"Time: {time}. Memory: about {estimated.memory_bytes / 2**30:.1f} GiB per process.")
    if seen.by_ids_only:
        lines.append("Groups were found by ids alone; the start also compares pictures and may move some images.")
    return lines


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
