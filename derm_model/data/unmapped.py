"""Labels of a manifest that the crosswalk does not know: the rows a reader leaves out until somebody maps them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from derm_model.data.manifest import read_rows
from derm_model.taxonomy import Crosswalk, Taxonomy
from derm_model.taxonomy.own_crosswalk import UnmappedLabel, unmapped_labels


def unmapped_of_manifest(
    path: Path | str, taxonomy: Taxonomy, crosswalk: Crosswalk, limit: int = 5
) -> tuple[UnmappedLabel, ...]:
    """Labels of a manifest file that stand for no node yet, the most frequent first, each with suggestions.

    Parameters
    ----------
    path
        A manifest as `read_manifest` reads it; images are not looked for.
    taxonomy, crosswalk
    limit
        Most suggestions for each label.

    Raises
    ------
    ManifestError
        When the file cannot be read or a required column is missing.
    """
    return unmapped_labels(_labels(Path(path)), taxonomy, crosswalk, limit)


def _labels(path: Path) -> Iterator[tuple[str, str]]:
    """(source, diagnosis) of the rows without a node, which would win over their label."""
    for cells in read_rows(path):
        source, node, label = (str(cells.get(column) or "").strip() for column in ("source", "node", "diagnosis"))
        if source and label and not node:
            yield source, label
