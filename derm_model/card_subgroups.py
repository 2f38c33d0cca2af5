"""The subgroups of a model card as Markdown."""

from __future__ import annotations

from derm_model import words
from derm_model.card import BundleCard, SubgroupCard
from derm_model.evaluation.subgroups import MEASURES, TOO_FEW, Subgroup, Subgroups
from derm_model.markup import Plain, table, unbroken
from derm_model.taxonomy import read_tasks

MANY_VALUES = 8  # of an attribute: a longer table, of sites mostly, is blank but for some rows


def told_subgroups(card: BundleCard, safe: Plain) -> str:
    """Tables by attribute of every question, and the gaps in words; what to do on a card without them."""
    names = {task.id: task.name for task in read_tasks().values()}
    parts = [
        _subgroups_of(names.get(task_id, task_id), task.subgroups, safe)
        for task_id, task in card.tasks.items()
        if task.subgroups is not None
    ]
    if not parts:
        return (
            "This card holds no figures of subgroups (skin type, age, sex, body site): measure them on images of your "
            "own with `python -m derm_model evaluate`."
        )
    return "\n\n".join([*parts, f"n = with disease + without. {words.GROUPS_DIFFER} {TOO_FEW}"])


def _subgroups_of(name: str, found: SubgroupCard, safe: Plain) -> str:
    head = f"**{safe(name)},** at the threshold of {safe(found.preset)} ({found.threshold:.3f})"
    if not found.attributes:
        return f"{head}: nothing is stated about the held-out images by which they could be told apart."
    return "\n\n".join([head, *(_by_attribute(name, groups, safe) for name, groups in found.attributes.items())])


def _by_attribute(attribute: str, groups: Subgroups, safe: Plain) -> str:
    """Table and gaps; of many values those of which nothing can be said are only named."""
    told = [row for row in groups.rows if any(row.measure(measure) is not None for measure in MEASURES)]
    rows = told if told and len(groups.rows) > MANY_VALUES else groups.rows
    heads = (f"{safe(attribute)} (n)", "AUC", "Sensitivity", "Specificity")
    parts = [table(heads, [_subgroup(row, safe) for row in rows], numbers=(1, 2, 3))]
    if named := [_value(row, safe) for row in groups.rows if row not in rows]:
        parts.append(f"{words.FEW.capitalize()}: {', '.join(named)}.")
    return "\n\n".join([*parts, safe(words.gaps(groups))])


def _value(row: Subgroup, safe: Plain) -> str:
    return f"{safe(row.value or 'not stated')} {unbroken(f'({words.count(row.n_pos)} + {words.count(row.n_neg)})')}"


def _subgroup(row: Subgroup, safe: Plain) -> tuple[str, ...]:
    area, rates = row.auc, (row.sensitivity, row.specificity)
    return (
        _value(row, safe),
        words.FEW if area is None else unbroken(f"{area.value:.2f} ({area.low:.2f}–{area.high:.2f})"),
        *(words.FEW if one is None else unbroken(words.rate(one.value, (one.low, one.high))) for one in rates),
    )
