"""A bundle goes over to an edited taxonomy: its card gets the new digest, its weights stay as they are.

Only where every class still covers the diseases it was trained for, and every question the same classes; otherwise what
the card says of the model would no longer be true.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from derm_model.card import BundleCard, find_bundles, folder_name, read_card, write_card
from derm_model.errors import BundleError, DermTreeError, WrongTaxonomy
from derm_model.taxonomy import Taxonomy, read_tasks, restrict
from derm_model.taxonomy.mapping import ClassMapping, map_classes, map_partition


@dataclass(frozen=True)
class Move:
    """What moving a bundle to another tree would mean.

    Attributes
    ----------
    classes : ClassMapping
    reasons : tuple of str
        Why not, besides classes that do not survive: questions that would be answered by other classes.
    """

    classes: ClassMapping
    reasons: tuple[str, ...]

    @property
    def is_possible(self) -> bool:
        """Whether `move_bundle` would do it."""
        return self.classes.survives and not self.reasons

    @property
    def refusal(self) -> str:
        """All reasons in words; "" where it is possible."""
        return "\n".join(filter(None, (self.classes.refusal, *self.reasons)))


def plan_move(card: BundleCard, old: Taxonomy, new: Taxonomy) -> Move:
    """Compare what a card says in its own tree and in another.

    Raises
    ------
    WrongTaxonomy
        `old` is not the tree of the card.
    """
    if card.taxonomy_digest != old.digest:
        raise WrongTaxonomy(
            f"{card.name} was made for {card.taxonomy_digest[:12]}, the old taxonomy given is {old.digest[:12]}; "
            "give the tree it was made for"
        )
    mapping = map_classes(card.classes, old, new)
    return Move(mapping, tuple(_task_reasons(card, mapping, old, new)) if mapping.survives else ())


def move_bundle(folder: Path, old: Taxonomy, new: Taxonomy, who: str) -> BundleCard:
    """Write the card of a bundle for another tree, and what was done among its limitations.

    Parameters
    ----------
    folder : Path
        Of the bundle; only its bundle.json is replaced, as a whole.
    old, new : Taxonomy
        The tree it was made for, and the one it shall be used with.
    who : str

    Returns
    -------
    BundleCard
        The new card. Its id and weights are the old ones: the model gives the same answers. Where both trees are one
        there is nothing to move, and nothing is written.

    Raises
    ------
    WrongTaxonomy
        `old` is not its tree.
    BundleError
        A class or question does not survive, with all reasons, or the card cannot be read or written.
    """
    card = read_card(folder)
    move = plan_move(card, old, new)
    if not move.is_possible:
        raise BundleError(f"{folder_name(folder)} cannot be moved to the taxonomy {new.digest[:12]}. {move.refusal}")
    if old.digest == new.digest:
        return card
    partition = map_partition(card.partition, old, new)
    date = datetime.now(UTC).date().isoformat()
    note = (
        f"Moved from taxonomy {old.digest[:12]} to {new.digest[:12]} on {date} by {who}: all {len(card.classes)} "
        "classes cover the same diseases, and the weights are unchanged."
    )
    moved = replace(card, partition=partition, limitations=(*card.limitations, note))
    write_card(moved, folder)
    return moved


def users_of(digest: str, roots: Iterable[Path] | None = None) -> tuple[str, ...]:
    """Names of the bundles made for a taxonomy, as `delete_taxonomy` wants them; broken bundles are of none."""
    found = []
    for folder in find_bundles(roots):
        try:
            card = read_card(folder)
        except DermTreeError:
            continue
        if card.taxonomy_digest == digest:
            found.append(f"bundle {folder_name(folder)}")
    return tuple(found)


def _task_reasons(card: BundleCard, mapping: ClassMapping, old: Taxonomy, new: Taxonomy) -> Iterable[str]:
    for task in read_tasks().values():
        if task.id not in card.tasks:
            continue
        sides = []
        for tree, classes in ((old, card.classes), (new, mapping.training_classes)):
            missing = [node for node in (*task.positive, *task.negative) if node not in tree]
            found = None if missing else restrict(task, tree, classes)
            sides.append(None if found is None else (set(found.positive), set(found.negative)))
        if sides[0] != sides[1]:
            yield f"The question {task.name!r} would be answered by other classes than its figures were measured with."
