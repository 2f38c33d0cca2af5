"""The manifests the demo bundle was trained with, from three image folders that hold a metadata.csv each.

HAM10000 pools actinic keratosis and squamous cell carcinoma in situ as `akiec`; the ISIC 2019 ground truth, which
contains the same images, tells them apart. What official tables say of the person (age, sex, site, skin type) is added
where they are at hand: it takes no part in the split or the training, and makes subgroups of the held-out images.
Usage:

    python scripts/make_demo_manifests.py --data DIR --isic2019 ISIC_2019_Training_GroundTruth.csv --out DIR

DIR holds ham10000/, isic2017/ and pad_ufes_20/, each with metadata.csv (the manifest's columns, docs/training.md) and
the first and the last with their data set's own table; ISIC 2017 is in the metadata table beside the ground truth.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the project is run from its folder, not installed

from derm_model.data.importers import importer  # noqa: E402
from derm_model.data.problems import ProblemLog  # noqa: E402
from derm_model.errors import ImportProblem  # noqa: E402

FOLDERS = {"ham10000": "ham10000", "isic2017": "isic2019", "pad_ufes_20": "pad_ufes_20"}  # and who knows its people
PERSON = ("age", "sex", "site", "fitzpatrick_type")


def akiec_labels(ground_truth: Path) -> dict[str, str]:
    """image_id -> `akiec:ak` or `akiec:scc`."""
    with ground_truth.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    both = {"akiec:ak": "AK", "akiec:scc": "SCC"}
    return {
        r["image"].removesuffix("_downsampled"): label for r in rows for label, c in both.items() if float(r[c]) == 1
    }


def people(data_set: str, root: Path) -> dict[str, dict[str, str]]:
    """image_id -> what the official table of a data set says of the person; {} without the table."""
    try:
        rows = list(importer(data_set).read(root, ProblemLog(), {}))
    except ImportProblem as problem:
        print(problem, file=sys.stderr)
        return {}
    return {
        row.image_id.removesuffix("_downsampled"): {name: getattr(row, name) or "" for name in PERSON} for row in rows
    }


def write_one(source: Path, target: Path, akiec: dict[str, str], known: dict[str, dict[str, str]]) -> int:
    """Copy metadata.csv to `target` with absolute paths, akiec split and what is known; the number of rows."""
    with (source / "metadata.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        columns, rows = list(reader.fieldnames or ()), list(reader)
    for row in rows:
        row["file"] = str((source / row["file"]).resolve())
        if row["diagnosis"] == "akiec":
            row["diagnosis"] = akiec.get(row["image_id"], "akiec")
        row |= known.get(row["image_id"], {})
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*columns, *PERSON], restval="")
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def main() -> None:
    """Write one manifest per folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--isic2019", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    akiec = akiec_labels(args.isic2019)
    for name, data_set in FOLDERS.items():
        known = people(data_set, args.isic2019.parent if data_set == "isic2019" else args.data / name)
        print(f"{name}: {write_one(args.data / name, args.out / f'{name}.csv', akiec, known)} rows")


if __name__ == "__main__":
    main()
