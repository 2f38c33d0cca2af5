"""What records must not say of one another: two images of one id, two diagnoses of one lesion, two patients of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from derm_model.data.problems import ProblemLog

if TYPE_CHECKING:
    from derm_model.data.manifest import Record
    from derm_model.taxonomy import Taxonomy

SAME_PICTURE = "isic:"  # a link that says that two ids of two data sets are one picture of the ISIC Archive


def check_lesions(records: Sequence[Record], taxonomy: Taxonomy, log: ProblemLog) -> tuple[Record, ...]:
    """Leave out the images of lesions with contradictory labels; report lesions under two patients and others.

    Two labels contradict each other when neither node lies on the other's path to the root: "some melanoma" and
    "nodular melanoma" agree. Ids are compared within one source only. Pictures that several data sets share (a link
    `isic:...`) and label contradictorily are reported and kept: which data set is right is not known here.

    Returns
    -------
    tuple of Record
        In the order given.
    """
    lesions = _by_key(((r.source, r.lesion_id) if r.lesion_id else None for r in records), records)
    _report_patients(lesions, log)
    contradictory: set[tuple[str, str | None]] = set()
    for (_, lesion), members in lesions.items():
        if len(members) > 1 and _contradict({r.node for r in members}, taxonomy):
            log.add("contradictory labels for one lesion", _say(lesion, members), count=len(members))
            contradictory.update((r.source, r.lesion_id) for r in members)
    kept = tuple(r for r in records if (r.source, r.lesion_id) not in contradictory)
    _report_pictures(kept, taxonomy, log)
    return kept


def _by_key(
    keys: Iterable[tuple[str, str | None] | None], records: Sequence[Record]
) -> dict[tuple[str, str], list[Record]]:
    found: dict[tuple[str, str], list[Record]] = {}
    for key, record in zip(keys, records, strict=True):
        if key is not None and key[1] is not None:
            found.setdefault((key[0], key[1]), []).append(record)
    return found


def _report_patients(lesions: dict[tuple[str, str], list[Record]], log: ProblemLog) -> None:
    for (_, lesion), members in lesions.items():
        patients = sorted({r.patient_id for r in members if r.patient_id})
        if len(patients) > 1:
            log.add("one lesion under several patients", f"{lesion}: {', '.join(patients)}", kept=True, unit="lesion")


def _report_pictures(records: Sequence[Record], taxonomy: Taxonomy, log: ProblemLog) -> None:
    pictures: dict[str, list[Record]] = {}
    for record in records:
        for key in record.links:
            if key.startswith(SAME_PICTURE):
                pictures.setdefault(key, []).append(record)
    for key, members in pictures.items():
        if len(members) > 1 and _contradict({r.node for r in members}, taxonomy):
            said = _say(key.removeprefix(SAME_PICTURE), members)
            log.add("contradictory labels for one picture in several data sets", said, kept=True, unit="picture")


def _contradict(nodes: Collection[str], taxonomy: Taxonomy) -> bool:
    """Tell whether the nodes do not all lie on one path from a root."""
    deepest = max(nodes, key=taxonomy.level)
    return not all(taxonomy.is_within(deepest, node) for node in nodes)


def _say(name: str, members: Iterable[Record]) -> str:
    labels = dict.fromkeys(r.label or r.node for r in members)
    return f"{name}: {' / '.join(labels)}"
