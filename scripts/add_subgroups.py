"""Give a card the subgroups of its held-out images, from answers that `evaluate` kept; the weights stay as they are.

For bundles made before cards had subgroups, or with manifests that said less of the people:

    python -m derm_model evaluate --bundle DIR --manifest *.csv --split RUN/split.csv --part test --out var/evaluation
    python scripts/add_subgroups.py --bundle DIR --answers $DERM_HOME/evaluations/BUNDLE/DIGEST

The images must be those the card reports on: as many of each data set and each side, and the same AUCs up to what the
rounding of the shipped weights to half precision moves.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the project is run from its folder, not installed

from derm_model.assessment.answers import read_answers  # noqa: E402
from derm_model.card import BundleCard, Metric, TaskCard, read_card, write_card  # noqa: E402
from derm_model.measuring import Measured, subgroup_card, task_aucs  # noqa: E402
from derm_model.taxonomy import TaskClasses, read_tasks, read_taxonomy, restrict  # noqa: E402

MAX_CHANGE = 0.002  # of an AUC; half precision moved those of the demo bundle by 0.0003 at most, another split by 0.01


def measured(folder: Path, card: BundleCard) -> Measured:
    """Kept answers to the images that show one of the card's classes."""
    answers = read_answers(folder)
    if answers.about.bundle_id != card.bundle_id:
        sys.exit(f"These answers are of {answers.about.bundle_id}, not of {card.bundle_id}.")
    labels = [card.partition.class_index(record.node) for record in answers.records]
    known = [i for i, label in enumerate(labels) if label is not None]
    records = tuple(answers.records[i] for i in known)
    return Measured(records, np.array([labels[i] for i in known], dtype=np.int64), answers.probs[known])


def check_same_images(card: TaskCard, found: list[Metric]) -> None:
    """End with a message where the AUCs are not of the images the card reports on."""
    old, new = ({metric.data_set: metric for metric in metrics} for metrics in (card.auc, found))
    if old.keys() != new.keys():
        sys.exit(f"The card has AUCs of {', '.join(old)}; these images give those of {', '.join(new)}.")
    for name, was in old.items():
        now = new[name]
        print(f"  {name}: n = {now.n_pos} + {now.n_neg}, AUC {now.value:.6f}, on the card {was.value:.6f}")
        if (was.n_pos, was.n_neg) != (now.n_pos, now.n_neg) or abs(was.value - now.value) > MAX_CHANGE:
            sys.exit(f"The card says n = {was.n_pos} + {was.n_neg}, AUC {was.value:.6f}: these are other images.")


def with_subgroups(card: TaskCard, sides: TaskClasses, holdout: Measured) -> TaskCard:
    """The card of a task with the subgroups of its held-out images."""
    print(f"{sides.task.name}:")
    check_same_images(card, task_aucs(holdout, sides))
    return replace(card, subgroups=subgroup_card(holdout, sides, card))


def main() -> None:
    """Check, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", metavar="DIR", type=Path, required=True)
    parser.add_argument("--answers", metavar="DIR", type=Path, required=True, help="a folder of $DERM_HOME/evaluations")
    args = parser.parse_args()
    card, taxonomy, tasks = read_card(args.bundle), read_taxonomy(), read_tasks()
    holdout = measured(args.answers, card)
    sides = {name: restrict(tasks[name], taxonomy, card.classes) for name in card.tasks}
    answered = {
        name: with_subgroups(task, found, holdout)
        for name, task in card.tasks.items()
        if (found := sides[name]) is not None
    }
    write_card(replace(card, tasks={**card.tasks, **answered}), args.bundle)


if __name__ == "__main__":
    main()
