"""What is known of an image, on three short lines below its picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pages.ui import look

if TYPE_CHECKING:
    from derm_model.curation.view import Curation
    from derm_model.taxonomy import Taxonomy


def facts_of(curation: Curation, position: int, taxonomy: Taxonomy) -> str:
    """Markdown: id and class, source and ids, and where the image stands in the splits.

    Parameters
    ----------
    curation
    position
        Row of the table.
    taxonomy
    """
    row = curation.collection.table.iloc[position]
    ids = [
        f"{name} {look.plain(str(row[column]))}"
        for name, column in (("lesion", "lesion_id"), ("patient", "patient_id"))
        if known(row[column])
    ]
    official = [f"official {row['official_split']}"] if known(row["official_split"]) else []
    lines = [
        f"**{look.plain(str(row['image_id']))}**",
        look.plain(taxonomy.node(str(row["node"])).name),
        " · ".join([look.plain(str(row["source"])), *ids]),
        " · ".join([*official, *_part(curation, position)]),
    ]
    return "  \n".join(line for line in lines if line)


def known(value: object) -> bool:
    """Whether a cell holds something: missing text is None or NaN, which alone differs from itself."""
    return value is not None and value == value and value != ""


def _part(curation: Curation, position: int) -> list[str]:
    folds = curation.collection.folds
    if folds is None or curation.stage("splits").state != "done":  # of other images or groups: it would mislead
        return []
    row = folds.iloc[position]
    return [f"fold {int(row['fold']) + 1}" if row["part"] == "development" else str(row["part"])]
