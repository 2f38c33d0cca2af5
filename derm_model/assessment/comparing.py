"""Two bundles on the same images: mean class accuracy beside each other, and paired tests of every question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from derm_model.assessment.answers import Answers
from derm_model.assessment.level_figures import level_figures
from derm_model.assessment.question_figures import Scored, score_images
from derm_model.card import BundleCard
from derm_model.evaluation.bootstrap import Bootstrapped, area, bootstrap_difference
from derm_model.evaluation.metrics import Interval
from derm_model.evaluation.paired import AucDifference, DecisionComparison, compare_aucs, compare_decisions
from derm_model.taxonomy import Task, Taxonomy, read_tasks, restrict


@dataclass(frozen=True)
class LevelPair:
    """Mean class accuracy of both at a level of `LEVELS`, each with the n it was judged on; None: not defined."""

    level: str
    first: Interval | None
    second: Interval | None


@dataclass(frozen=True)
class QuestionPair:
    """Both on one question.

    Attributes
    ----------
    task
    n_pos, n_neg
        Images both were asked about.
    auc
        Paired DeLong, as if images were independent.
    by_group
        Difference of the areas, redrawing patients or lesions; None where that cannot answer.
    decisions
        At the first preset of each bundle's own card; None where one has none.
    presets
        Names of the two.
    """

    task: Task
    n_pos: int
    n_neg: int
    auc: AucDifference
    by_group: Bootstrapped | None
    decisions: DecisionComparison | None
    presets: tuple[str, str] | None


@dataclass(frozen=True)
class Comparison:
    """Two bundles on the `n` images that both have answered."""

    n: int
    levels: tuple[LevelPair, ...]
    questions: tuple[QuestionPair, ...]


def compare(
    first: tuple[Answers, BundleCard],
    second: tuple[Answers, BundleCard],
    taxonomy: Taxonomy,
    questions: Iterable[Task] | None = None,
) -> Comparison:
    """Compare two bundles' answers to the same images; `questions` are by default the two of the paper."""
    one, two = shared(first[0], second[0])
    tasks = read_tasks().values() if questions is None else questions
    if not one.records:
        return Comparison(0, (), ())
    found = _questions((one, first[1]), (two, second[1]), taxonomy, tasks)
    return Comparison(len(one.records), _levels((one, first[1]), (two, second[1]), taxonomy), tuple(found))


def shared(first: Answers, second: Answers) -> tuple[Answers, Answers]:
    """Both answers cut to the images that both have, in the order of the first."""
    place = {(r.source, r.image_id): i for i, r in enumerate(second.records)}
    pairs = [(i, place[key]) for i, r in enumerate(first.records) if (key := (r.source, r.image_id)) in place]
    rows = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return _part(first, rows[:, 0]), _part(second, rows[:, 1])


def _part(answers: Answers, rows: NDArray[np.int64]) -> Answers:
    records = tuple(answers.records[i] for i in rows)
    return replace(answers, records=records, probs=answers.probs[rows], features=None, unusual=None, distance=None)


def _levels(
    first: tuple[Answers, BundleCard], second: tuple[Answers, BundleCard], taxonomy: Taxonomy
) -> tuple[LevelPair, ...]:
    """Of the levels both could be judged at; training classes are not the same."""
    found = [
        {level.level: level.accuracy for level in level_figures(answers, taxonomy, card.partition)}
        for answers, card in (first, second)
    ]
    return tuple(LevelPair(name, found[0].get(name), found[1].get(name)) for name in ("nine", "three"))


def _questions(
    first: tuple[Answers, BundleCard],
    second: tuple[Answers, BundleCard],
    taxonomy: Taxonomy,
    tasks: Iterable[Task],
) -> Iterator[QuestionPair]:
    for task in tasks:
        sides = [restrict(task, taxonomy, card.classes) for _, card in (first, second)]
        if sides[0] is None or sides[1] is None:
            continue
        one, two = score_images(first[0], sides[0], taxonomy), score_images(second[0], sides[1], taxonomy)
        both = np.intersect1d(one.positions, two.positions)
        one, two = (scored.part(np.isin(scored.positions, both)) for scored in (one, two))
        pair = _pair(task, one, two, (first[1], second[1]))
        if pair is not None:
            yield pair


def _pair(task: Task, one: Scored, two: Scored, cards: tuple[BundleCard, BundleCard]) -> QuestionPair | None:
    found = compare_aucs(one.labels, one.scores, two.scores)
    if found is None:
        return None
    known = [card.tasks[task.id].presets if task.id in card.tasks else () for card in cards]
    decisions = presets = None
    if known[0] and known[1]:
        called = [s.scores >= p[0].threshold for s, p in zip((one, two), known, strict=True)]
        decisions = compare_decisions(one.labels, called[0], called[1])
        presets = known[0][0].name, known[1][0].name
    by_group = bootstrap_difference(one.labels, one.scores, two.scores, area, groups=one.groups)
    n_pos = int(one.labels.sum())
    return QuestionPair(task, n_pos, one.labels.size - n_pos, found, by_group, decisions, presets)
