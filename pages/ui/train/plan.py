"""What a wish would become: classes, images, oddities, time and memory. Worked out beside the page, no Streamlit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from derm_model.errors import SplitError, TrainingError
from pages.ui.train.wish import CROSSVAL, Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from derm_model.data.manifest import Manifest, Record
    from derm_model.data.splits import Split, SplitRules
    from derm_model.net.preview import ClassPreview, RunPreview
    from derm_model.taxonomy import Taxonomy


@dataclass(frozen=True)
class Plan:
    """What is known of a training before it starts; without the images themselves, so that it can be kept.

    Attributes
    ----------
    classes
        In the order of the outputs.
    n_train, n_validation, n_test, n_left_out
        Images.
    notes
        Oddities, a sentence each.
    faithful_lost, faithful_classes
        What the pseudocode would drop and leave; None where the outputs are no partition.
    n_steps
        Of the optimiser, of one training.
    seconds
        Of one training; None where nothing is known of this machine.
    measured
        Whether such a training was timed here.
    memory_bytes
        Of one process.
    by_ids_only
        Whether the start also compares pictures, and may move some images.
    problem
        Why it cannot be trained; "" where it can.
    sources
        Data sets without a test set of their own.
    left_out
        Rows of the manifest that cannot be used, and why.
    n_folds
        Folds of the workspace; None without.
    """

    classes: tuple[ClassPreview, ...]
    n_train: int
    n_validation: int
    n_test: int
    n_left_out: int
    notes: tuple[str, ...]
    faithful_lost: int | None
    faithful_classes: int | None
    n_steps: int
    seconds: float | None
    measured: bool
    memory_bytes: float
    by_ids_only: bool
    problem: str
    sources: tuple[str, ...]
    left_out: tuple[tuple[int, str], ...]
    n_folds: int | None


def rules_of(wish: Wish, sources: Sequence[str]) -> SplitRules:
    """How the command would split by shares; one fold of a cross-validation is about its own validation share."""
    from derm_model.data.splits import SplitRules

    if wish.kind == CROSSVAL:
        return SplitRules(default_holdout=0.0, validation=1 / wish.n_folds)
    return SplitRules(holdout=dict.fromkeys(sources, wish.holdout), validation=wish.validation)


def sources_without_test(records: Sequence[Record]) -> tuple[str, ...]:
    """Data sets that do not say themselves which images are for testing."""
    marked = {record.source for record in records if record.official_split == "test"}
    return tuple(sorted({record.source for record in records} - marked))


def make_plan(
    wish: Wish,
    manifest: Manifest,
    folds: Path | None,
    split_by_ids: Callable[[SplitRules], Split],
    taxonomy: Taxonomy,
) -> Plan:
    """Work it out.

    Parameters
    ----------
    wish
    manifest
        Of the wish.
    folds
        File of the workspace's folds; None without.
    split_by_ids
        Makes or remembers the split by shares.
    taxonomy

    Raises
    ------
    DermTreeError
        As `derm_model.net.preview.preview`.
    """
    from derm_model.data.fold_table import read_folds
    from derm_model.data.splits import split_of_fold
    from derm_model.net.precision import find_device
    from derm_model.net.preview import preview

    table = None if folds is None else read_folds(folds)
    fold = wish.fold
    config = wish.config
    if wish.kind == CROSSVAL:
        fold = None if table is None else 0
        config = replace(config, targets=wish.targets[0])
    if fold is not None and table is None:
        raise SplitError("A fold is one of a table. This collection has none. Make splits on the Data page first.")
    sources = sources_without_test(manifest.records)
    split = (
        split_by_ids(rules_of(wish, sources))
        if fold is None or table is None
        else split_of_fold(manifest.records, table, fold)
    )
    seen = preview(
        config,
        manifest.records,
        taxonomy,
        split,
        device=find_device(wish.device),
        fold=0 if fold is None and wish.kind == CROSSVAL else fold,
        n_processes=wish.processes,
    )
    run = seen.run
    return Plan(
        classes=seen.classes,
        n_train=len(run.train),
        n_validation=len(run.validation),
        n_test=len(run.test),
        n_left_out=len(split.excluded),
        notes=seen.notes,
        faithful_lost=seen.faithful_lost,
        faithful_classes=seen.faithful_classes,
        n_steps=seen.n_steps,
        seconds=seen.estimate.seconds,
        measured=seen.estimate.measured,
        memory_bytes=seen.estimate.memory_bytes,
        by_ids_only=fold is None,
        problem=_problem(seen, wish),
        sources=sources,
        left_out=tuple((problem.count, problem.kind) for problem in manifest.problems if not problem.kept),
        n_folds=None if table is None else int(table["fold"].dropna().nunique()),
    )


def _problem(seen: RunPreview, wish: Wish) -> str:
    """What the start, or worse the end, would refuse."""
    run = seen.run
    try:
        run.check()
    except TrainingError as error:
        return str(error)
    if not len(run.validation):
        return (
            "A model needs validation images for its temperature and thresholds. There are none. "
            "Raise the validation share, or choose another fold."
        )
    parts = wish.processes * wish.config.accumulate
    if min(wish.config.batch_size, len(run.train)) // parts < 2:
        return (
            f"A batch is worked through in {parts} parts of at least two images, and {len(run.train):,} images in "
            f"batches of {wish.config.batch_size} are too few for that. Lower the parts or the processes, or raise the "
            "batch."
        )
    return ""
