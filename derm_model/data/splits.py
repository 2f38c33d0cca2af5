"""Splits: which groups of images are trained on, validated on and held out.

The unit is the group (`derm_model.data.duplicates.groups`): one lesion, one patient, one picture. No group lies in two
parts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from derm_model.data.duplicates import groups
from derm_model.data.fold_table import DEVELOPMENT, TEST
from derm_model.data.manifest import Record
from derm_model.errors import ManifestError, SplitError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DEMO_RULES", "OFFICIAL", "Holdout", "Split", "SplitRules", "groups", "make_split", "split_of_fold"]

OFFICIAL: Literal["official"] = "official"
Holdout = float | Literal["official"]


@dataclass(frozen=True)
class SplitRules:
    """How to hold out, per source.

    Attributes
    ----------
    holdout
        Source -> share of its groups held out for the test (0 <= share < 1), or "official": the images that the data
        set itself calls test.
    default_holdout
        Share for a source not named in `holdout` that has no official test images; one that has some keeps them.
    validation
        Share of each source's remaining groups used for validation (0 <= share < 1).
    """

    holdout: Mapping[str, Holdout] = field(default_factory=dict)
    default_holdout: float = 0.15
    validation: float = 0.10

    def __post_init__(self) -> None:
        shares: dict[str, object] = {
            f"holdout of {source}": share for source, share in self.holdout.items() if share != OFFICIAL
        }
        shares |= {"default_holdout": self.default_holdout, "validation": self.validation}
        for name, share in shares.items():
            if not (isinstance(share, (int, float)) and 0 <= share < 1):
                raise ManifestError(
                    f'A share must be at least 0 and below 1 (or "official" for a holdout). '
                    f"{name} is {share!r}. Give e.g. 0.15."
                )


# The demo bundle: the held-out parts its card reports on.
DEMO_RULES = SplitRules(holdout={"HAM10000": 0.15, "PAD-UFES-20": 0.25, "ISIC 2017": OFFICIAL}, validation=0.10)


@dataclass(frozen=True)
class Split:
    """Positions of records in each part, ascending; the parts are disjoint and together are all records.

    `excluded` holds the trainable images that share a group with an official test image (training on them would tell
    the test's answers, and testing on them would change the official test), and in a round of a cross-validation the
    images that may train but not validate and lie in the fold that validates.
    """

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    excluded: tuple[int, ...]
    seed: int
    rule: str
    development: tuple[int, ...] | None = None  # of a cross-validation: all images of all folds

    @property
    def counted(self) -> tuple[int, ...]:
        """Positions that training classes are counted on: never a test image, and the same in all rounds of folds."""
        return (*self.train, *self.validation) if self.development is None else self.development


def split_of_fold(records: Sequence[Record], folds: pd.DataFrame, fold: int) -> Split:
    """The split of one round of a cross-validation: fold `fold` validates, the others train.

    Parameters
    ----------
    records
    folds
        Of `derm_model.data.folds.make_folds`, a row per record, in any order.
    fold
        0-based.

    Raises
    ------
    SplitError
        The folds are of other images, or there is no such fold.
    """
    rows = dict(
        zip(
            zip(folds["source"], folds["image_id"], strict=True),
            zip(folds["part"], folds["fold"], folds["evaluate"], strict=True),
            strict=True,
        )
    )
    if rows.keys() != {(r.source, r.image_id) for r in records}:
        raise SplitError(
            f"Folds belong to the images they were made for. These are of {len(rows):,} images, the manifest has "
            f"{len(records):,}, and not the same ones. Make the folds again."
        )
    numbers = {int(number) for part, number, _ in rows.values() if part == DEVELOPMENT}
    if fold not in numbers:
        raise SplitError(f"The folds are numbered 0 to {max(numbers, default=-1)}. There is no fold {fold}.")
    parts: dict[str, list[int]] = {"train": [], "validation": [], "test": [], "excluded": [], "development": []}
    for i, record in enumerate(records):
        part, number, evaluate = rows[record.source, record.image_id]
        if part == DEVELOPMENT:
            parts["development"].append(i)
            name = "train" if int(number) != fold else "validation" if evaluate else "excluded"
        else:
            name = "test" if part == TEST else "excluded"
        parts[name].append(i)
    return Split(
        **{name: tuple(positions) for name, positions in parts.items()},
        seed=0,
        rule=f"Fold {fold + 1} of {len(numbers)} validates, the others train; no group lies in two folds or parts.",
    )


def make_split(
    records: Sequence[Record], rules: SplitRules, seed: int, *, group_numbers: Sequence[int] | None = None
) -> Split:
    """Split records into train, validation and test by group, stratified by source and node.

    Groups are drawn by a hash of the seed and their first image_id, so the split does not depend on the order of the
    records, and adding a source does not change the split of another. From a stratum of n groups,
    round(share * n) are held out, and never all of them. A group that spans several sources or nodes counts in the
    stratum of its rarest (source, node).

    Parameters
    ----------
    records
    rules
    seed
        Same records, rules and seed: same split.
    group_numbers
        Result of `groups(records)`, to save computing it (it reads every file).

    Returns
    -------
    Split

    Raises
    ------
    ManifestError
        When there are no records, or a source with the rule "official" has no image marked as test.
    """
    if not records:
        raise ManifestError("A split needs records. There are none. Read a manifest first.")
    members = _members(groups(records) if group_numbers is None else group_numbers)
    official = _official_sources(records, rules)
    is_official_test = [r.source in official and r.official_split == "test" for r in records]
    touched = {g for g, positions in members.items() if any(is_official_test[i] for i in positions)}
    frequency = Counter((r.source, r.node) for r in records)
    strata = {g: _stratum(records, positions, frequency) for g, positions in members.items()}
    names = {g: min((records[i].source, records[i].image_id) for i in positions) for g, positions in members.items()}

    free = [g for g in members if g not in touched]
    shares = {source: _share(source, rules, official) for source, _ in frequency}
    held_out = _draw(free, strata, shares, names, f"{seed} test")
    rest = [g for g in free if g not in held_out]
    validation = _draw(rest, strata, dict.fromkeys(shares, rules.validation), names, f"{seed} validation")

    test = _positions(members, held_out) | {i for i, marked in enumerate(is_official_test) if marked}
    return Split(
        train=tuple(sorted(_positions(members, set(rest) - validation))),
        validation=tuple(sorted(_positions(members, validation))),
        test=tuple(sorted(test)),
        excluded=tuple(sorted(_positions(members, touched) - test)),
        seed=seed,
        rule=_describe(rules, sorted(shares), official),
    )


def _members(group_numbers: Sequence[int]) -> dict[int, list[int]]:
    members: dict[int, list[int]] = {}
    for position, group in enumerate(group_numbers):
        members.setdefault(group, []).append(position)
    return members


def _official_sources(records: Sequence[Record], rules: SplitRules) -> set[str]:
    """Sources whose own test part is used."""
    marked = {r.source for r in records if r.official_split == "test"}
    present = {r.source for r in records}
    asked = {source for source in present if rules.holdout.get(source) == OFFICIAL}
    if asked - marked:
        raise ManifestError(
            'The rule "official" needs images whose official_split is test. '
            f"{', '.join(sorted(asked - marked))} has none. "
            "Fill that column in the manifest or give a share to hold out."
        )
    return asked | {source for source in marked if source not in rules.holdout}


def _share(source: str, rules: SplitRules, official: set[str]) -> float:
    share = rules.holdout.get(source, rules.default_holdout)
    return 0.0 if source in official or share == OFFICIAL else float(share)


def _stratum(
    records: Sequence[Record], positions: Sequence[int], frequency: Mapping[tuple[str, str], int]
) -> tuple[str, str]:
    own = {(records[i].source, records[i].node) for i in positions}
    return min(own, key=lambda key: (frequency[key], key))


def _draw(
    candidates: Iterable[int],
    strata: Mapping[int, tuple[str, str]],
    shares: Mapping[str, float],
    names: Mapping[int, tuple[str, str]],
    salt: str,
) -> set[int]:
    """Draw from every stratum its source's share of the groups, rounded, and never all of them."""
    by_stratum: dict[tuple[str, str], list[int]] = {}
    for group in candidates:
        by_stratum.setdefault(strata[group], []).append(group)
    drawn: set[int] = set()
    for (source, _), members in by_stratum.items():
        wanted = min(int(shares[source] * len(members) + 0.5), len(members) - 1)
        drawn.update(sorted(members, key=lambda group: _lot(names[group], salt))[:wanted])
    return drawn


def _lot(name: tuple[str, str], salt: str) -> str:
    return hashlib.sha256("\0".join((salt, *name)).encode()).hexdigest()


def _positions(members: Mapping[int, Sequence[int]], chosen: Iterable[int]) -> set[int]:
    return {i for group in chosen for i in members[group]}


def _describe(rules: SplitRules, sources: Sequence[str], official: set[str]) -> str:
    parts = [
        f"{source}: official test split"
        if source in official
        else f"{source}: {_share(source, rules, official):.0%} of groups"
        for source in sources
    ]
    return (
        f"Held out: {'; '.join(parts)}. Validation: {rules.validation:.0%} of each source's other groups. "
        "A group is one lesion, one patient, one file or one picture; stratified by source and taxonomy node; "
        "trainable images that share a group with an official test image are left out."
    )
