"""What records must not say of one another: two diagnoses of one lesion or picture, one lesion under two patients."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from derm_model.data.problems import ProblemLog

if TYPE_CHECKING:
    from derm_model.data.manifest import Record
    from derm_model.taxonomy import Taxonomy

LesionKey = tuple[str, str, str | None]  # source, lesion, patient

SAME_PICTURE = "isic:"  # a link that says that two ids of two data sets are one picture of the ISIC Archive


def check_lesions(records: Sequence[Record], taxonomy: Taxonomy, log: ProblemLog) -> tuple[Record, ...]:
    """Leave out the images of lesions with contradictory labels; report lesions under several patients, and pictures.

    Two labels contradict each other when neither node lies on the other's path to the root: "some melanoma" and
    "nodular melanoma" agree. Ids are compared within one source only. A lesion id under several patients is more
    likely a number given twice than one lesion (of the 250 such ids of PAD-UFES-20, 226 stand for two diagnoses), so
    labels are compared within each patient. Pictures that several data sets share (a link `isic:...`) and label
    contradictorily are reported and kept: which data set is right is not known here.

    Returns
    -------
    tuple of Record
        In the order given.
    """
    lesions: dict[LesionKey, list[Record]] = {}
    for record in records:
        if record.lesion_id:
            lesions.setdefault(_lesion_key(record), []).append(record)
    _report_patients(lesions, log)
    contradictory: set[LesionKey] = set()
    for key, members in lesions.items():
        if len(members) > 1 and _contradict({r.node for r in members}, taxonomy):
            contradictory.add(key)
            for record in members:
                log.add("contradictory labels for one lesion", f"{record.image_id}: {_say(key[1], members)}")
    kept = tuple(r for r in records if _lesion_key(r) not in contradictory)
    _report_pictures(kept, taxonomy, log)
    return kept


def _lesion_key(record: Record) -> LesionKey:
    return record.source, record.lesion_id or "", record.patient_id


def _report_patients(lesions: Iterable[LesionKey], log: ProblemLog) -> None:
    patients: dict[tuple[str, str], list[str]] = {}
    for source, lesion, patient in lesions:
        if patient:
            patients.setdefault((source, lesion), []).append(patient)
    for (_, lesion), found in patients.items():
        if len(found) > 1:
            log.add("one lesion under several patients", f"{lesion}: {', '.join(found)}", kept=True, unit="lesion")


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
    return f"{name} is {' and '.join(labels)}"
