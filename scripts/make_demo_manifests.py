"""The manifests the demo bundle was trained with, from three image folders that hold a metadata.csv each.

HAM10000 pools actinic keratosis and squamous cell carcinoma in situ as `akiec`; the ISIC 2019 ground truth, which
contains the same images, tells them apart. Usage:

    python scripts/make_demo_manifests.py --data DIR --isic2019 ISIC_2019_Training_GroundTruth.csv --out DIR

DIR holds ham10000/, isic2017/ and pad_ufes_20/, each with metadata.csv (the manifest's columns, docs/training.md).
"""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

FOLDERS = ("ham10000", "isic2017", "pad_ufes_20")


def akiec_labels(ground_truth: Path) -> dict[str, str]:
    """image_id -> `akiec:ak` or `akiec:scc`."""
    with ground_truth.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    both = {"akiec:ak": "AK", "akiec:scc": "SCC"}
    return {
        r["image"].removesuffix("_downsampled"): label for r in rows for label, c in both.items() if float(r[c]) == 1
    }


def write_one(source: Path, target: Path, akiec: dict[str, str]) -> int:
    """Copy metadata.csv to `target` with absolute paths and akiec split; the number of rows."""
    with (source / "metadata.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        columns, rows = list(reader.fieldnames or ()), list(reader)
    for row in rows:
        row["file"] = str((source / row["file"]).resolve())
        if row["diagnosis"] == "akiec":
            row["diagnosis"] = akiec.get(row["image_id"], "akiec")
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
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
    for name in FOLDERS:
        print(f"{name}: {write_one(args.data / name, args.out / f'{name}.csv', akiec)} rows")


if __name__ == "__main__":
    main()
