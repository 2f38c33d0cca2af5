"""Labels of a table that the crosswalk has to know: of a manifest's rows, or of any table with data set and label."""

from __future__ import annotations

import csv
import io

from derm_model.errors import CrosswalkError

NODE = "node"
COLUMNS = (("source", "diagnosis"), ("dataset", "label"))  # of a manifest, and of a crosswalk


def read_labels(content: bytes) -> list[tuple[str, str]]:
    """(data set, label) of every row that has both and no node, which would win over the label.

    Raises
    ------
    CrosswalkError
        It is no UTF-8 CSV, has no such columns, or no label.
    """
    try:
        reader = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        header = [column.strip() for column in reader.fieldnames or ()]
        reader.fieldnames = header
        found = next((pair for pair in COLUMNS if set(pair) <= set(header)), None)
        if found is None:
            raise CrosswalkError(
                "A table of labels has the columns source and diagnosis, as a manifest (docs/data-format.md), or "
                f"dataset and label. This one has {', '.join(header) or 'none'}."
            )
        rows = [tuple((row.get(column) or "").strip() for column in (*found, NODE)) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise CrosswalkError(f"A table of labels is a CSV in UTF-8. This file is not: {error}.") from error
    labelled = [row for row in rows if row[0] and row[1]]
    if not labelled:
        raise CrosswalkError("The table has no row with both a data set and a label.")
    return [(dataset, label) for dataset, label, node in labelled if not node]
