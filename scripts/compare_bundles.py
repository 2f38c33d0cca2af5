"""Compare bundles on the same images: what decides whether the shipped bundle is replaced.

A split.csv of a training run says which images validate and which are held out; images that any compared bundle was
trained on must not be among them (--without takes the split of the other bundle's run). Usage:

    python scripts/compare_bundles.py --bundle OLD NEW --manifest *.csv --split var/runs/demo/split.csv
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the project is run from its folder, not installed

from derm_model.data.images import decode_file  # noqa: E402
from derm_model.data.manifest import Record, join, read_manifest  # noqa: E402
from derm_model.evaluation.metrics import Interval, auc  # noqa: E402
from derm_model.measuring import Measured, metrics  # noqa: E402
from derm_model.taxonomy import Taxonomy, read_crosswalk, read_taxonomy  # noqa: E402


def parts(path: Path) -> dict[tuple[str, str], str]:
    """(source, image_id) -> part."""
    with path.open(newline="", encoding="utf-8") as file:
        return {(row["source"], row["image_id"]): row["part"] for row in csv.DictReader(file)}


def figures(
    records: Sequence[Record], folder: Path, taxonomy: Taxonomy
) -> Iterator[tuple[str, str, float, float | None, float | None, str]]:
    """Name, data set, value, interval and n of each figure of a bundle on the records."""
    from derm_model.net.bundle import load_bundle
    from derm_model.net.engine import Engine

    bundle = load_bundle(folder, taxonomy)
    engine = Engine(bundle, precision="fp32")
    pictures = (decode_file(r.path, min_side_px=2 * bundle.preprocessing.size_px).pixels for r in records)
    probs = np.stack([p.class_probs for p in engine.predict_each(pictures)])
    partition = bundle.card.partition
    labels = np.array([-1 if (i := partition.class_index(r.node)) is None else i for r in records])
    known = labels >= 0
    measured = Measured(tuple(r for r, k in zip(records, known, strict=True) if k), labels[known], probs[known])
    likelihood = float(np.log(measured.probs[np.arange(len(measured.labels)), measured.labels]).mean())
    yield "mean log likelihood of the label", "all", likelihood, None, None, f"n = {len(measured.labels)}"
    for metric in metrics(measured, taxonomy, bundle.classes):
        sides = f"{metric.n_pos} + {metric.n_neg}" if metric.n_pos is not None else f"{metric.n}"
        yield metric.name, metric.data_set, metric.value, metric.low, metric.high, f"n = {sides}"
    melanoma = [i for i, c in enumerate(bundle.classes) if taxonomy.is_within(c.node, "melanoma")]
    for source in sorted({r.source for r in records}):
        found = _melanoma_against_rest(records, probs[:, melanoma].sum(axis=1), source, taxonomy)
        if found is not None:
            sides = f"n = {found.n_pos} + {found.n_neg}"
            yield "AUC melanoma against the rest", source, found.value, found.low, found.high, sides


def _melanoma_against_rest(
    records: Sequence[Record], score: NDArray[np.float64], source: str, taxonomy: Taxonomy
) -> Interval | None:
    own = np.array([r.source == source for r in records])
    truth = np.array([taxonomy.is_within(r.node, "melanoma") for r in records])
    return auc(truth[own], score[own])


def main() -> None:
    """Print the figures of each bundle side by side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, nargs="+", required=True)
    parser.add_argument("--manifest", type=Path, nargs="+", required=True)
    parser.add_argument("--split", type=Path, required=True)
    parser.add_argument("--without", type=Path, help="split of another run: only images with the same part there")
    args = parser.parse_args()
    taxonomy = read_taxonomy()
    crosswalk = read_crosswalk(taxonomy)
    records = join([read_manifest(path, taxonomy, crosswalk) for path in args.manifest], taxonomy).records
    part_of = parts(args.split)
    other = parts(args.without) if args.without else part_of
    for part in ("validation", "test"):
        chosen = [r for r in records if part_of.get(key := (r.source, r.image_id)) == part == other.get(key)]
        print(f"\n{part}: {len(chosen)} images", flush=True)
        tables = [
            {(n, s): (v, low, high, k) for n, s, v, low, high, k in figures(chosen, b, taxonomy)} for b in args.bundle
        ]
        for name, source in tables[0]:
            cells = []
            for table in tables:
                value, low, high, n = table[name, source]
                cells.append(f"{value:.3f}" + ("" if low is None else f" ({low:.3f}–{high:.3f})"))
            print(f"{source:22} {name:62} {'   '.join(f'{cell:22}' for cell in cells)} {n}", flush=True)


if __name__ == "__main__":
    main()
