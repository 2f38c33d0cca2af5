"""Test set and folds of a table: no group straddles, every class is spread evenly, the same seed gives the same bytes.

The paper (Methods, "Data preparation" and "Sample selection"): components of the duplicate graph never straddle a
split, blurry and far-away images train but neither validate nor test, the test sets are biopsy-proven, nine folds.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from derm_model.data.balance import count_groups, deal
from derm_model.data.fold_table import (
    DEVELOPMENT,
    LEFT_OUT,
    TEST,
    check_folds,
    classes_at,
    count_table,
    rounds,
    write_folds,
)
from derm_model.data.split_plan import SplitPlan, plan_from_json
from derm_model.errors import SplitError
from derm_model.taxonomy import Taxonomy

if TYPE_CHECKING:
    import pandas as pd

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

__all__ = [
    "DEVELOPMENT",
    "LEFT_OUT",
    "TEST",
    "SplitPlan",
    "check_folds",
    "classes_at",
    "count_table",
    "make_folds",
    "plan_from_json",
    "rounds",
    "write_folds",
]

# reasons
NAMED = "source named as test set"
OFFICIAL = "official test image"
DRAWN = "drawn for the test set"
FLAGGED = "flagged: trains, never validates"
SHARES = "shares a group with a test image"
TEST_FLAGGED = "in the test set's groups, but flagged"
TEST_UNCONFIRMED = "in the test set's groups, but its diagnosis is not confirmed as asked for"


def make_folds(
    table: pd.DataFrame,
    groups: npt.ArrayLike,
    flagged: npt.ArrayLike,
    plan: SplitPlan,
    taxonomy: Taxonomy | None = None,
) -> pd.DataFrame:
    """Split a table into test set, folds and what belongs to neither.

    Images that share a group with a test image of a named source or an official one are left out: to train on them
    would tell the test's answers. A drawn test set takes whole groups. Images of test groups that are flagged or not
    confirmed as asked for are left out, too; other flagged images stay in their fold with `evaluate` False. Rows may
    come in any order: the same images get the same folds.

    Parameters
    ----------
    table
        n rows; image_id, source, node, official_split and confirmed_by are used.
    groups
        Group of each image (n), >= 0.
    flagged
        Whether the image's quality keeps it from validation and test (n).
    plan
    taxonomy
        Needed where `plan.stratify_level` is set.

    Returns
    -------
    DataFrame (n, 7)
        image_id, source, group (int32), part ("test", "development" or "left out"), fold (Int8, development only),
        evaluate (bool: tests, or validates its fold), reason.

    Raises
    ------
    SplitError
        There are no images, lengths differ, a source is not there, or fewer groups than folds are left.
    """
    group, flag = np.asarray(groups, dtype=np.int64), np.asarray(flagged, dtype=bool)
    _check_input(table, group, flag, plan)
    group = np.unique(group, return_inverse=True)[1]  # any numbers will do
    strata = _strata(table, plan, taxonomy)
    lots = _lots(table, plan.seed)
    reason = np.full(len(table), "", dtype=object)
    is_named = _named(table, plan, reason)
    can_test = ~flag & _confirmed(table, plan)

    touched = _any_in_group(group, is_named)
    in_test = touched | _draw(group, strata, lots, can_test, touched, plan.test_fraction)
    reason[in_test & ~touched] = DRAWN
    is_test = in_test & can_test & (is_named | ~touched)
    reason[touched & ~is_named] = SHARES
    reason[in_test & (is_named | ~touched) & flag] = TEST_FLAGGED
    reason[in_test & (is_named | ~touched) & ~flag & ~can_test] = TEST_UNCONFIRMED
    reason[~in_test & flag] = FLAGGED
    fold = _fold(group, strata, lots, ~in_test, flag, plan.n_folds)
    folds = _frame(table, groups, np.where(is_test, TEST, np.where(in_test, LEFT_OUT, DEVELOPMENT)), fold, reason)
    folds["evaluate"] = is_test | (~in_test & ~flag)
    check_folds(folds)
    return folds[["image_id", "source", "group", "part", "fold", "evaluate", "reason"]]


def _check_input(table: pd.DataFrame, group: Ints, flag: Bools, plan: SplitPlan) -> None:
    if not len(table):
        raise SplitError("A split needs images. There are none. Import a data set first.")
    if not len(table) == len(group) == len(flag):
        raise SplitError(
            f"Every image has one group and is flagged or not. There are {len(table)} images, {len(group)} groups and "
            f"{len(flag)} flags. Link and check the images again."
        )
    unknown = sorted(set(plan.test_sources) - set(table["source"]))
    if unknown:
        raise SplitError(
            f"A source named as test set must be in the table. It has no {', '.join(unknown)}. "
            f"There is {', '.join(sorted(set(table['source'])))}."
        )


def _strata(table: pd.DataFrame, plan: SplitPlan, taxonomy: Taxonomy | None) -> Ints:
    """Numbers of the strata, by name: the order of the rows has no influence."""
    import pandas as pd

    if plan.stratify_level is None:
        names = table["node"].astype(object)
    elif taxonomy is None:
        raise SplitError("To spread the classes of a level, the taxonomy is needed. None was given.")
    else:
        names = pd.Series(classes_at(table, taxonomy, plan.stratify_level), index=table.index, dtype=object)
    if plan.stratify_source:
        names = names + "\0" + table["source"].astype(object)
    codes: Ints = pd.factorize(names, sort=True)[0].astype(np.int64)
    return codes


def _lots(table: pd.DataFrame, seed: int) -> npt.NDArray[np.uint64]:
    """A number drawn for each image, from the seed and its name alone."""
    names = (f"{seed}\0{s}\0{i}".encode() for s, i in zip(table["source"], table["image_id"], strict=True))
    drawn = b"".join(hashlib.blake2b(name, digest_size=8).digest() for name in names)
    return np.frombuffer(drawn, dtype=">u8").astype(np.uint64)


def _named(table: pd.DataFrame, plan: SplitPlan, reason: npt.NDArray[np.object_]) -> Bools:
    by_source = table["source"].isin(plan.test_sources).to_numpy(dtype=bool)
    official = (table["official_split"] == "test").fillna(False).to_numpy(dtype=bool) & plan.use_official_test
    reason[by_source] = NAMED
    reason[official & ~by_source] = OFFICIAL
    named: Bools = by_source | official
    return named


def _confirmed(table: pd.DataFrame, plan: SplitPlan) -> Bools:
    if plan.test_confirmations is None:
        return np.ones(len(table), dtype=bool)
    confirmed: Bools = table["confirmed_by"].isin(plan.test_confirmations).to_numpy(dtype=bool)
    return confirmed


def _any_in_group(group: Ints, values: Bools) -> Bools:
    found = np.bincount(group, weights=values) > 0
    spread: Bools = found[group]
    return spread


def _draw(
    group: Ints, strata: Ints, lots: npt.NDArray[np.uint64], can_test: Bools, touched: Bools, fraction: float
) -> Bools:
    """Images of the groups drawn for the test: what counts are those that can test."""
    drawn = np.zeros(len(group), dtype=bool)
    counted = np.flatnonzero(can_test & ~touched)
    if fraction == 0 or not len(counted):
        return drawn
    numbers, own = np.unique(group[counted], return_inverse=True)
    bins = np.array(deal(count_groups(own, strata[counted], lots[counted]), (1 - fraction, fraction)))
    drawn[np.isin(group, numbers[bins == 1])] = True
    return drawn


def _fold(
    group: Ints, strata: Ints, lots: npt.NDArray[np.uint64], is_development: Bools, flag: Bools, n_folds: int
) -> Ints:
    """Fold of each development image, -1 for the others; flagged images are strata of their own."""
    fold = np.full(len(group), -1, dtype=np.int64)
    chosen = np.flatnonzero(is_development)
    numbers, own = np.unique(group[chosen], return_inverse=True)
    if len(numbers) < n_folds:
        raise SplitError(
            f"Every fold needs a group. {len(numbers)} groups are left for {n_folds} folds after the test set. "
            "Ask for fewer folds, a smaller test set or import more images."
        )
    counts = count_groups(own, 2 * strata[chosen] + flag[chosen], lots[chosen])
    fold[chosen] = np.array(deal(counts, [1 / n_folds] * n_folds))[own]
    return fold


def _frame(
    table: pd.DataFrame, groups: npt.ArrayLike, part: npt.NDArray[Any], fold: Ints, reason: npt.NDArray[np.object_]
) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(
        {
            "image_id": table["image_id"].to_numpy(),
            "source": table["source"].to_numpy(),
            "group": np.asarray(groups, dtype=np.int32),
            "part": pd.Series(part, dtype="str"),
            "fold": pd.Series(fold).astype("Int8").mask(fold < 0),
            "reason": pd.Series(reason, dtype="str"),
        }
    )
