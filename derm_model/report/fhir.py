"""A case as FHIR R4 (4.0.1): a Bundle with DiagnosticReport, Observations and the software as Device.

A research output: status "preliminary", labelled as test health data in every resource. Checked before it is handed
out; the mapping stands in docs/reports.md. Without pixels unless they are asked for.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from fhirclient.models.bundle import Bundle
from fhirclient.models.fhirabstractbase import FHIRValidationError

from derm_model import words
from derm_model.card import NOTICE_PERCENTILE
from derm_model.errors import ReportError
from derm_model.report.case import CaseReport, ImageResult, TaskResult
from derm_model.report.content import DRAWING, rates_told
from derm_model.report.picture import jpeg
from derm_model.report.tables import case_json, plain

Json = dict[str, Any]

OWN = "urn:x-dermtree:"  # code systems of our own, which are published nowhere
UCUM = "http://unitsofmeasure.org"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"  # of the US modification, whose codes the taxonomy hints at
TERMS = "http://terminology.hl7.org/CodeSystem/"
XHTML = "http://www.w3.org/1999/xhtml"
RESEARCH = {"system": f"{TERMS}v3-ActReason", "code": "HTEST", "display": "test health data"}
TAG = {"system": f"{OWN}label", "code": "research", "display": words.BADGE}
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, OWN)
# what the standard binds as "required" and the library does not look at
CODES = {
    ("Bundle", "type"): {"collection", "document", "message", "searchset", "history", "batch", "transaction"},
    ("DiagnosticReport", "status"): {"registered", "partial", "preliminary", "final", "amended", "cancelled"},
    ("Observation", "status"): {"registered", "preliminary", "final", "amended", "corrected", "cancelled"},
    ("Device", "status"): {"active", "inactive", "entered-in-error", "unknown"},
    ("Media", "status"): {"preparation", "in-progress", "not-done", "completed", "stopped", "unknown"},
    ("DeviceDeviceName", "type"): {"manufacturer-name", "model-name", "user-friendly-name", "other"},
    ("Narrative", "status"): {"generated", "extensions", "additional", "empty"},
}


def case_fhir(report: CaseReport, *, patient_key: str | None = None, pixels: bool = False) -> str:
    """The report as a FHIR Bundle in JSON.

    Parameters
    ----------
    report
    patient_key
        Pseudonymous key of the subject; without one no subject is named.
    pixels
        Whether the images stand in it, as Media.

    Raises
    ------
    ReportError
        What was built is no valid FHIR R4.
    """
    document = _Builder(report, patient_key, pixels).bundle()
    check_bundle(document)
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def check_bundle(document: Json) -> None:
    """Raise unless a Bundle is valid: types and cardinalities by the library, codes and references by us.

    Raises
    ------
    ReportError
        It is not; the message names the first fault.
    """
    try:
        Bundle(json.loads(json.dumps(document)), strict=True).as_json()
    except (FHIRValidationError, KeyError, TypeError, ValueError) as error:
        raise ReportError(f"The case cannot be written as FHIR R4: {' '.join(str(error).split())[:300]}") from error
    for fault in _faults(document):
        raise ReportError(f"The case cannot be written as FHIR R4: {fault}")


def _faults(document: Json) -> Iterator[str]:
    known = {entry["fullUrl"] for entry in document.get("entry", ())}
    yield from _code_faults("Bundle", document)
    for entry in document.get("entry", ()):
        resource = entry["resource"]
        kind = resource["resourceType"]
        yield from _code_faults(kind, resource)
        yield from _code_faults("Narrative", resource.get("text", {}))
        for name in resource.get("deviceName", ()):
            yield from _code_faults("DeviceDeviceName", name)
        for part in (resource, *resource.get("component", ())):
            values = [key for key in part if key.startswith("value")]
            if len(values) > 1 or (values and "dataAbsentReason" in part):
                yield f"{kind} may have one value or the reason for having none, found {', '.join(values)}"
        for reference in re.findall(r'"reference": "([^"]+)"', json.dumps(resource)):
            if reference not in known:
                yield f"{kind} refers to {reference}, which is not in the bundle"


def _code_faults(kind: str, element: Mapping[str, Any]) -> Iterator[str]:
    for (of, field), codes in CODES.items():
        if of == kind and field in element and element[field] not in codes:
            yield f"{kind}.{field} is one of {', '.join(sorted(codes))}, not {element[field]!r}"


class _Builder:
    """Resources of one report; ids follow from its content, so that the same report gives the same bundle."""

    def __init__(self, report: CaseReport, patient_key: str | None, pixels: bool) -> None:
        self.report, self.patient_key, self.pixels = report, patient_key, pixels
        # the name of a file may be no valid UTF-8
        self.digest = hashlib.sha256(case_json(report).encode(errors="backslashreplace")).hexdigest()
        self.issued = report.created_at.isoformat()
        self.entries: list[Json] = []

    def bundle(self) -> Json:
        """Everything."""
        report = self.report
        device = self._add("device", self._device())
        media = [self._media(number, image) for number, image in enumerate(report.images, start=1)]
        if report.separate:
            for number, image in enumerate(report.images, start=1):
                what = f"Lesion {number} of {len(report.images)}"
                results = self._results(
                    what, image.class_probs, image.nodes, image.tasks, media[number - 1 : number], device
                )
                self._report(what, results, [image], media[number - 1 : number])
        else:
            n = len(report.images)
            what = f"Mean of {n} views of one lesion" if report.averaged else "One image"
            results = self._results(what, report.class_probs or {}, report.nodes or {}, report.tasks, media, device)
            for number, image in enumerate(report.images if report.averaged else (), start=1):
                view, one = f"View {number} of {n}", media[number - 1 : number]
                results += self._results(view, image.class_probs, image.nodes, image.tasks, one, device)
            self._report(what, results, report.images, media)
        return {
            "resourceType": "Bundle",
            "id": self._uuid("bundle"),
            "meta": _meta(),
            "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{self._uuid('bundle')}"},
            "type": "collection",
            "timestamp": self.issued,
            "entry": self.entries,
        }

    def _uuid(self, name: str) -> str:
        return str(uuid.uuid5(NAMESPACE, f"{self.digest} {name}"))

    def _add(self, name: str, resource: Json) -> Json:
        """Add an entry; returns a reference to it."""
        identifier = self._uuid(name)
        kind = resource.pop("resourceType")
        ordered = {"resourceType": kind, "id": identifier, "meta": _meta(), **resource}
        self.entries.append({"fullUrl": f"urn:uuid:{identifier}", "resource": ordered})
        return {"reference": f"urn:uuid:{identifier}", "type": kind}

    def _subject(self) -> Json:
        if not self.patient_key:
            return {}
        return {
            "subject": {"type": "Patient", "identifier": {"system": f"{OWN}patient-key", "value": self.patient_key}}
        }

    def _device(self) -> Json:
        """The software with its model."""
        report, card = self.report, self.report.card
        versions = [{"type": {"text": "bundle"}, "value": report.bundle_id}]
        identifiers = [{"system": f"{OWN}bundle", "value": report.bundle_id}]
        if card is not None:
            versions.append({"type": {"text": "DermTree that made the bundle"}, "value": card.code_version})
            identifiers.append({"system": f"{OWN}weights-sha256", "value": card.weights_sha256})
        return {
            "resourceType": "Device",
            "text": _narrative(f"DermTree with the model {report.model}, bundle {report.bundle_id}. {words.NOTICE}"),
            "identifier": identifiers,
            "status": "active",
            "deviceName": [{"name": f"DermTree, model {report.model}", "type": "model-name"}],
            "type": {"text": f"Software. {words.BADGE}"},
            "version": versions,
            "note": [{"text": words.NOTICE}, {"text": f"Taxonomy {report.taxonomy_digest}. Licence: {report.licence}"}],
        }

    def _media(self, number: int, image: ImageResult) -> Json:
        """A reference to an image: to its Media where pixels are wanted, else by the digest of its file only."""
        identifier = {"system": f"{OWN}file-sha256", "value": image.sha256}
        if not self.pixels or image.picture is None:
            return {"type": "Media", "identifier": identifier, "display": f"Image {number}"}
        data = jpeg(image.picture)
        media: Json = {
            "resourceType": "Media",
            "identifier": [identifier],
            "status": "completed",
            "type": {"text": "Drawing by a program" if image.is_drawing else "Skin image"},
            **self._subject(),
            "height": image.height_px,
            "width": image.width_px,
            "content": {
                "contentType": "image/jpeg",
                "data": base64.b64encode(data).decode("ascii"),
                "title": f"Image {number}, reduced",
            },
            "note": [{"text": words.NOTICE}],
        }
        return self._add(f"media {number}", media)

    def _results(
        self,
        what: str,
        class_probs: Mapping[str, float],
        nodes: Mapping[str, float | None],
        tasks: Mapping[str, TaskResult],
        media: Sequence[Json],
        device: Json,
    ) -> list[Json]:
        """An Observation per question, one for the probabilities."""
        shared = {"issued": self.issued, **self._subject()}
        last = {"device": device, "derivedFrom": list(media)}
        found = [
            self._add(f"{what} {task_id}", {**self._question(what, task_id, task), **shared, **last})
            for task_id, task in tasks.items()
        ]
        return [
            *found,
            self._add(f"{what} probabilities", {**self._probabilities(what, class_probs, nodes), **shared, **last}),
        ]

    def _question(self, what: str, task_id: str, task: TaskResult) -> Json:
        """Score of one question; its threshold and rates are components, its side is text."""
        side = "" if task.verdict is None else f"{task.verdict.heading}. {task.verdict.suggestion}"
        if task.score is None:
            side = words.NO_SCORE
        doubt = words.doubtful_region(task.region_probability, task.positive_name, task.negative_name)
        notes = [what, side, plain([told for told in (rates_told(task), doubt) if told]), words.NOTICE]
        told = f"{what}. {task.question} {_told(task)} {side}"
        components = [
            _component("region-probability", "Probability that the question applies", task.region_probability)
        ]
        if task.threshold is not None:
            rule = f" ({task.threshold_rule})" if task.threshold_rule else ""
            components.append(_component("threshold", f"Threshold{rule}", task.threshold))
        if task.rates is not None:
            for name in ("sensitivity", "specificity"):
                low, high = getattr(task.rates, f"{name}_interval")
                components.append(_component(name, f"{name} at the threshold", getattr(task.rates, name)))
                bounds = {"low": _quantity(low), "high": _quantity(high)}
                title = _concept(f"{OWN}measure", f"{name}-interval", f"{name}, 95% interval")
                components.append({"code": title, "valueRange": bounds})
        return {
            "resourceType": "Observation",
            "text": _narrative(told),
            "status": "preliminary",
            "category": [_category()],
            "code": _concept(f"{OWN}question", task_id, task.question),
            **(_no_score() if task.score is None else _value(task.score)),
            **({"interpretation": [{"text": side}]} if task.verdict is not None else {}),
            "note": [{"text": note} for note in notes if note],
            "component": components,
        }

    def _probabilities(self, what: str, class_probs: Mapping[str, float], nodes: Mapping[str, float | None]) -> Json:
        """Every node and training class as a component; what is not resolved says so."""
        tree, classes = f"{OWN}taxonomy:{self.report.taxonomy_digest}", f"{OWN}class:{self.report.bundle_id}"
        components = [{"code": self._node(tree, key), **_value(p)} for key, p in nodes.items()]
        components += [{"code": self._node(classes, key), **_value(p)} for key, p in class_probs.items()]
        resolved = {key: p for key, p in nodes.items() if p is not None}
        listed = sorted(resolved, key=lambda key: -resolved[key])
        told = "; ".join(f"{self.report.facts(key).name} {words.percent(resolved[key])}" for key in listed)
        return {
            "resourceType": "Observation",
            "text": _narrative(f"{what}. Probabilities among what the model was trained on: {told}."),
            "status": "preliminary",
            "category": [_category()],
            "code": _concept(
                f"{OWN}observation", "probabilities", "Probabilities of taxonomy nodes and training classes"
            ),
            "note": [{"text": what}, {"text": words.NOTICE}],
            "component": components,
        }

    def _node(self, system: str, key: str) -> Json:
        """Our own code, and the taxonomy's ICD-10 hint where it has one."""
        facts = self.report.facts(key)
        coding = [{"system": system, "code": key, "display": facts.name}]
        if facts.icd10:
            coding.append({"system": ICD10, "code": facts.icd10})
        return {"coding": coding, "text": facts.name}

    def _report(self, what: str, results: Sequence[Json], images: Sequence[ImageResult], media: Sequence[Json]) -> None:
        """The DiagnosticReport, first of what a reader of the bundle looks for."""
        quality = plain([notice for image in images for notice in image.notices])
        far = [p for image in images if (p := image.ood_percentile) is not None and p >= NOTICE_PERCENTILE]
        unusual = plain([words.unusual(percentile) for percentile in far])
        drawings = DRAWING if any(image.is_drawing for image in images) else ""
        told = " ".join(filter(None, (words.NOTICE, f"{what}.", drawings, quality, unusual)))
        shown = [{"link": link} for link in media if "reference" in link]
        self._add(
            f"report {what}",
            {
                "resourceType": "DiagnosticReport",
                "text": _narrative(told),
                "status": "preliminary",
                "category": [_category()],
                "code": _concept(
                    f"{OWN}report", "skin-image-reading", f"Reading of a skin image by a network. {words.BADGE}"
                ),
                **self._subject(),
                "issued": self.issued,
                "result": list(results),
                **({"media": shown} if shown else {}),
            },
        )


def _meta() -> Json:
    return {"security": [RESEARCH], "tag": [TAG]}


def _category() -> Json:
    return _concept(f"{OWN}category", "research-output", f"Research output. {words.BADGE}")


def _concept(system: str, code: str, name: str) -> Json:
    return {"coding": [{"system": system, "code": code, "display": name}], "text": name}


def _component(code: str, name: str, value: float) -> Json:
    return {"code": _concept(f"{OWN}measure", code, name), **_value(value)}


def _value(value: float | None) -> Json:
    """A probability, or that the model does not resolve what it would be of."""
    if value is not None:
        return {"valueQuantity": _quantity(value)}
    return _absent("unsupported", "Unsupported", "Not resolved by this model.")


def _no_score() -> Json:
    return _absent("not-applicable", "Not Applicable", words.NO_SCORE)


def _absent(code: str, name: str, why: str) -> Json:
    reason = {"system": f"{TERMS}data-absent-reason", "code": code, "display": name}
    return {"dataAbsentReason": {"coding": [reason], "text": why}}


def _quantity(value: float) -> Json:
    """A number of dimension one with all its digits, as in JSON: rounded, a small one would be 0."""
    return {"value": value, "unit": "1", "system": UCUM, "code": "1"}


def _told(task: TaskResult) -> str:
    if task.score is None:
        return ""
    others = () if task.threshold is None else (task.threshold,)
    threshold = "" if task.threshold is None else f", threshold {words.number(task.threshold, task.score)}"
    return f"Score {words.number(task.score, *others)}{threshold}."


def _narrative(text: str) -> Json:
    return {"status": "generated", "div": f'<div xmlns="{XHTML}"><p>{escape(text)}</p></div>'}
