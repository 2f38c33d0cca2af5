"""A partition as a file, with digests of the tree and of the counts: nobody has to guess what it was made of."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping

from derm_model.taxonomy.partition import Partition
from derm_model.taxonomy.tree import Taxonomy

COLUMNS = ("output", "class", "name", "top_node", "residual", "n_images", "n_nodes", "nodes")


def counts_digest(counts: Mapping[str, int]) -> str:
    """SHA-256 over the nodes that have images, by id, in hex; zeros and order do not count."""
    digest = hashlib.sha256()
    for node, n_images in sorted(counts.items()):
        if n_images:
            digest.update(f"{node}\x1f{n_images}\x1e".encode())
    return digest.hexdigest()


def partition_as_json(found: Partition, counts: Mapping[str, int], counted: str) -> str:
    """The partition with its limit, its rule, both digests and the counts.

    Parameters
    ----------
    found
    counts
        What it was made from.
    counted
        What was counted, in words.

    Returns
    -------
    str
        JSON; its ``partition`` is what `Partition.from_json` reads.
    """
    content = {
        **_made_of(found, counts, counted),
        "counts": {node: n_images for node, n_images in sorted(counts.items()) if n_images},
        "partition": found.to_json(),
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def partition_as_csv(found: Partition, taxonomy: Taxonomy, counts: Mapping[str, int], counted: str) -> str:
    """One row per class in the order of the outputs; what it was made of stands in lines that begin with ``#``."""
    out = io.StringIO()
    for name, value in _made_of(found, counts, counted).items():
        out.write(f"# {name}: {' '.join(str(value).split())}\n")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for output, c in enumerate(found.classes):
        name = " > ".join(taxonomy.path(c.node))
        rows.writerow([output, c.id, c.name, name, int(c.residual), c.n_images, len(c.members), "|".join(c.members)])
    return out.getvalue()


def _made_of(found: Partition, counts: Mapping[str, int], counted: str) -> dict[str, str | int]:
    return {
        "taxonomy_digest": found.taxonomy_digest,
        "counts_digest": counts_digest(counts),
        "counted": counted,
        "max_class_size": found.max_class_size,
        "rule": found.mode,
        "n_classes": len(found.classes),
        "n_images": found.n_images,
        "n_lost": found.n_lost,
    }
