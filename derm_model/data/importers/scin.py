"""SCIN, Skin Condition Image Network: 10,407 photographs of 5,033 cases from internet users, read by dermatologists.

Form followed: dataset_schema.md and scin_demo.ipynb of the repository google-research-datasets/scin: scin_cases.csv
(case_id, age_group, sex_at_birth, fitzpatrick_skin_type, body_parts_*, image_1_path to image_3_path, ...) and
scin_labels.csv (case_id, dermatologist_gradable_for_skin_condition_1 to _3, weighted_skin_condition_label, ...), with
the pictures under dataset/images/.

Which label. Up to three dermatologists named up to three conditions each; the data set weighs them into one
differential, `weighted_skin_condition_label`, e.g. {'Eczema': 0.69, 'Psoriasis': 0.31}. A manifest has one label per
image: the condition of highest weight, only when no other has the same weight and it weighs at least `--min-weight`.
All other cases are left out and counted: a tie is no diagnosis. Nothing was confirmed by histopathology.

A case is one lesion here (its pictures show one complaint; a rash has no single lesion). The skin type is what the
person answered; where nothing was answered, what the dermatologists estimated, if all that did agree. The age is the
middle of the group that was chosen; "80 or above" has none.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from derm_model.data.importers.base import Importer, Option, Options, find_table, first, read_rows
from derm_model.data.importers.row import OfficialRow
from derm_model.data.problems import ProblemLog
from derm_model.errors import ImportProblem

CASE_COLUMNS = ("case_id", "image_1_path")
LABEL_COLUMNS = ("case_id", "weighted_skin_condition_label")
PICTURES = ("image_1_path", "image_2_path", "image_3_path")
DERMATOLOGISTS = (1, 2, 3)
GRADABLE = "DEFAULT_YES_IMAGE_QUALITY_SUFFICIENT"  # the other values: no pathology to be seen, quality insufficient
YES = "YES"
BODY_PART = "body_parts_"
SKIN_TYPES = frozenset(f"FST{number}" for number in range(1, 7))
NOT_SAID = frozenset({"OTHER_OR_UNSPECIFIED"})
# the groups of age_group -> the middle in years; a group without an upper end has no middle
AGES = {"AGE_18_TO_29": "24", **{f"AGE_{low}_TO_{low + 9}": f"{low + 5}" for low in range(30, 80, 10)}}


def read(root: Path, log: ProblemLog, options: Options) -> Iterator[OfficialRow]:
    """Yield the pictures of every case of scin_cases.csv."""
    cases = find_table(root, "*scin_cases*.csv", columns=CASE_COLUMNS, what="SCIN table of cases")
    labels = find_table(root, "*scin_labels*.csv", columns=LABEL_COLUMNS, what="SCIN table of labels")
    min_weight = _min_weight(first(options, "min_weight", "0"))
    by_case = {row["case_id"]: row for row in read_rows(labels, log, LABEL_COLUMNS)}
    for case in read_rows(cases, log, CASE_COLUMNS):
        yield from _pictures(case, by_case.get(case["case_id"], {}), min_weight)


def main_condition(cell: str, min_weight: float = 0.0) -> tuple[str | None, str | None]:
    """Choose the label out of a weighted differential.

    Parameters
    ----------
    cell
        As the data set writes it: a Python dict of name and weight; "" where no dermatologist named anything.
    min_weight
        Least weight of the chosen condition, in [0, 1]; the weights of a case add up to 1.

    Returns
    -------
    label, left_out
        The name of the condition of highest weight, or None and the reason why there is none.
    """
    try:
        weights = {str(name): float(weight) for name, weight in ast.literal_eval(cell or "{}").items()}
    except (ValueError, SyntaxError, TypeError, AttributeError, MemoryError, RecursionError):
        return None, "weighted_skin_condition_label cannot be read"
    if not weights:
        return None, "no dermatologist named a condition"
    highest = max(weights.values())
    best = [name for name, weight in weights.items() if weight == highest]
    if len(best) > 1:
        return None, "several conditions have the highest weight"
    if highest < min_weight:
        return None, f"no condition has a weight of {min_weight:g} or more"
    return best[0], None


def _pictures(case: Mapping[str, str], labels: Mapping[str, str], min_weight: float) -> Iterator[OfficialRow]:
    label, left_out = main_condition(labels.get("weighted_skin_condition_label", ""), min_weight)
    sex = case.get("sex_at_birth", "")
    for column in PICTURES:
        file = case.get(column, "")
        if file:
            yield OfficialRow(
                image_id=PurePosixPath(file).stem,
                file=file,
                label=label,
                modality="clinical",
                lesion_id=case["case_id"],
                confirmed_by=_confirmation(labels),
                fitzpatrick_type=_skin_type(case, labels),
                age=AGES.get(case.get("age_group", "")),
                sex=None if sex in NOT_SAID else sex,
                site=_site(case),
                left_out=left_out,
            )


def _confirmation(labels: Mapping[str, str]) -> str | None:
    """Count the dermatologists who found that the condition can be told from the pictures."""
    n = sum(labels.get(f"dermatologist_gradable_for_skin_condition_{i}") == GRADABLE for i in DERMATOLOGISTS)
    if n == 0:
        return None
    return "consensus" if n > 1 else "single_expert"


def _skin_type(case: Mapping[str, str], labels: Mapping[str, str]) -> str | None:
    answered = case.get("fitzpatrick_skin_type", "")
    if answered in SKIN_TYPES:
        return answered
    estimates = {labels.get(f"dermatologist_fitzpatrick_skin_type_label_{i}", "") for i in DERMATOLOGISTS} & SKIN_TYPES
    return estimates.pop() if len(estimates) == 1 else None


def _site(case: Mapping[str, str]) -> str:
    """Name the affected parts of the body: "arm, torso front"."""
    parts = [name.removeprefix(BODY_PART) for name, value in case.items() if name.startswith(BODY_PART)]
    return ", ".join(part.replace("_", " ") for part in parts if case[BODY_PART + part].upper() == YES)


def _min_weight(text: str | None) -> float:
    try:
        weight = float(text or 0)
    except ValueError:
        weight = float("nan")
    if not 0 <= weight <= 1:
        raise ImportProblem(f"--min-weight is a number from 0 to 1. Found {text!r}. Give e.g. 0.5.")
    return weight


IMPORTER = Importer(
    name="scin",
    title="SCIN",
    source="SCIN",
    licence="SCIN Data Use License",
    reference="Ward et al. (2024), arXiv:2402.18545",
    layout="the tables scin_cases.csv and scin_labels.csv, and the images of dataset/images in any folders below the "
    "root",
    read=read,
    options=(
        Option("min_weight", "least weight of a case's main condition, from 0 (default) to 1; 0.5 is a majority", "W"),
    ),
)
