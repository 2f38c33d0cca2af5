"""What a curator takes away: the curated images, groups, decided pairs and problems as CSV or Parquet."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Literal, get_args

from derm_model.errors import CurationError

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.curation.view import Curation

What = Literal["images", "edges", "decisions", "problems"]
Form = Literal["csv", "parquet"]
WHAT: tuple[What, ...] = get_args(What)
FORMS: tuple[Form, ...] = get_args(Form)


def export(curation: Curation, what: What, form: Form) -> bytes:
    """One table as the bytes of a file.

    Parameters
    ----------
    curation
    what
        "images": the manifest (docs/data-format.md) with group, quality measures, flags, part and fold. "edges": the
        edges of the duplicate graph by image. "decisions": what people decided. "problems": what was not imported.
    form
        "csv" (UTF-8, with a header) or "parquet".
    """
    frame = export_frame(curation, what)
    if form == "csv":
        return frame.to_csv(index=False, lineterminator="\n").encode("utf-8")
    if form == "parquet":
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False)
        return buffer.getvalue()
    raise CurationError(f"A table is exported as {' or '.join(FORMS)}, not as {form!r}.")


def export_frame(curation: Curation, what: What) -> pd.DataFrame:
    """The table itself; see `export`."""
    makers = {"images": images, "edges": edges, "decisions": decisions, "problems": problems}
    if what not in makers:
        raise CurationError(f"What can be exported is {', '.join(WHAT)}, not {what!r}.")
    return makers[what](curation)


def images(curation: Curation) -> pd.DataFrame:
    """One row an image, in the order of the workspace.

    Columns of the manifest, then group (number), every quality measure, flag_MEASURE a rule, left_out_for_quality,
    and, where a split was made, part, fold, evaluate and reason (derm_model.data.folds).
    """
    import pandas as pd

    collection = curation.collection
    frame = collection.table.copy()
    frame["group"] = curation.groups
    parts = [frame]
    if collection.quality is not None:
        parts.append(collection.quality.drop(columns=[c for c in collection.quality if c in frame]))
    if curation.flags is not None:
        parts.append(curation.flags.add_prefix("flag_"))
    frame = pd.concat([part.reset_index(drop=True) for part in parts], axis=1)
    frame["left_out_for_quality"] = curation.flagged
    if collection.folds is not None:
        own = collection.folds.drop(columns=["group"]).set_index(["source", "image_id"])
        frame = frame.join(own, on=["source", "image_id"])
    return frame


def edges(curation: Curation) -> pd.DataFrame:
    """One row an edge: both images, the kind and the strength (derm_model.data.duplicates.edges)."""
    import pandas as pd

    collection = curation.collection
    found = collection.edges
    if found is None:
        raise CurationError("There are no edges yet. Look for duplicates first.")
    names = collection.table[["source", "image_id"]]
    a, b = (names.iloc[found[end].to_numpy()].reset_index(drop=True).add_suffix(f"_{end}") for end in "ab")
    return pd.concat([a, b, found[["kind", "strength"]].reset_index(drop=True)], axis=1)


def decisions(curation: Curation) -> pd.DataFrame:
    """One row a decision, about a pair (two content hashes) or about the quality of one picture."""
    import pandas as pd

    rows: list[tuple[str, str, str | None, str, str, str]] = [
        ("pair", a, b, made.decision, made.decided_at, made.note) for (a, b), made in curation.pair_decisions.items()
    ]
    rows += [
        ("quality", content_hash, None, made.decision, made.decided_at, made.note)
        for content_hash, made in curation.quality_decisions.by_hash.items()
    ]
    return pd.DataFrame(
        rows, columns=["about", "content_hash", "other_content_hash", "decision", "decided_at", "note"], dtype="str"
    )


def problems(curation: Curation) -> pd.DataFrame:
    """One row a problem of an import: how many rows, whether they were kept, and up to five examples."""
    import pandas as pd

    rows = [
        (note.what, note.at, p.kind, p.unit, p.count, p.kept, " | ".join(p.examples))
        for note in curation.collection.imports
        for p in note.problems
    ]
    return pd.DataFrame(rows, columns=["import", "at", "problem", "unit", "n", "kept", "examples"])
