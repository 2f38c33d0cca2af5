"""FHIR: valid R4 by two libraries, complete, labelled as research, and refused where it is not valid."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fhir.resources.R4B.bundle import Bundle
from PIL import Image

from derm_model import words
from derm_model.errors import ReportError
from derm_model.report import CaseReport, case_json
from derm_model.report.fhir import case_fhir, check_bundle
from derm_model.taxonomy import Taxonomy
from tests.report.material import FILE, card, case, seen

Resource = dict[str, Any]


def resources(report: CaseReport, **wish: Any) -> list[Resource]:
    return [entry["resource"] for entry in json.loads(case_fhir(report, **wish))["entry"]]


def of_kind(found: list[Resource], kind: str) -> list[Resource]:
    return [resource for resource in found if resource["resourceType"] == kind]


@pytest.mark.parametrize("pixels", [False, True])
@pytest.mark.parametrize(("n", "average"), [(1, True), (3, True), (3, False)])
def test_a_second_library_finds_no_fault(taxonomy: Taxonomy, n: int, average: bool, pixels: bool) -> None:
    report = case(taxonomy, n=n, average=average)
    text = case_fhir(report, pixels=pixels, patient_key="K-17")
    bundle = Bundle.model_validate_json(text)  # R4B: these resources are those of R4
    assert bundle.type == "collection"
    reports = of_kind(resources(report), "DiagnosticReport")
    assert len(reports) == (1 if average else n)


def test_without_thresholds_it_is_valid_too(taxonomy: Taxonomy) -> None:
    found = of_kind(resources(case(taxonomy, decided=False)), "Observation")
    assert all("interpretation" not in resource for resource in found)


def test_every_number_of_the_json_is_there(taxonomy: Taxonomy) -> None:
    report = case(taxonomy)
    document = json.loads(case_json(report))
    values = {}
    for observation in of_kind(resources(report), "Observation"):
        name = observation["code"]["coding"][0]["code"]
        for part in (observation, *observation["component"]):
            code = part["code"]["coding"][0]
            value = part.get("valueQuantity", {}).get("value")
            values[name, code["system"].split(":")[2], code["code"]] = value
    for key, probability in document["nodes"].items():
        assert values["probabilities", "taxonomy", key] == (
            None if probability is None else pytest.approx(probability, abs=1e-6)
        )
    for key, probability in document["class_probs"].items():
        assert values["probabilities", "class", key] == pytest.approx(probability, abs=1e-6)
    for task_id, task in document["tasks"].items():
        assert values[task_id, "question", task_id] == pytest.approx(task["score"], abs=1e-6)
        assert values[task_id, "measure", "threshold"] == pytest.approx(task["threshold"], abs=1e-6)
        for rate in ("sensitivity", "specificity"):
            assert values[task_id, "measure", rate] == pytest.approx(task["rates"][rate], abs=1e-6)
        assert values[task_id, "measure", "region-probability"] == pytest.approx(task["region_probability"], abs=1e-6)


def test_what_is_not_resolved_has_a_reason_and_no_value(taxonomy: Taxonomy) -> None:
    (found,) = [o for o in of_kind(resources(case(taxonomy)), "Observation") if len(o["component"]) > 12]
    absent = [part for part in found["component"] if "dataAbsentReason" in part]
    assert absent
    assert all(part["dataAbsentReason"]["coding"][0]["code"] == "unsupported" for part in absent)
    assert all("valueQuantity" not in part for part in absent)


def test_everything_says_that_it_is_research_and_preliminary(taxonomy: Taxonomy) -> None:
    for resource in resources(case(taxonomy, n=2), pixels=True):
        assert [security["code"] for security in resource["meta"]["security"]] == ["HTEST"]
        assert resource["meta"]["tag"][0]["display"] == words.BADGE
        if resource["resourceType"] in ("Observation", "DiagnosticReport"):
            assert resource["status"] == "preliminary"
            assert words.BADGE in json.dumps(resource)


def test_no_name_and_no_pixel_unless_they_are_asked_for(taxonomy: Taxonomy) -> None:
    report = case(taxonomy)
    plain = case_fhir(report)
    assert FILE not in plain
    assert "subject" not in plain
    assert "Media" not in {resource["resourceType"] for resource in resources(report)}
    (media,) = of_kind(resources(report, pixels=True), "Media")
    with Image.open(io.BytesIO(base64.b64decode(media["content"]["data"]))) as picture:
        assert not picture.getexif()
    assert (media["width"], media["height"]) == (4001, 3000)
    keyed = of_kind(resources(report, patient_key="K-17"), "DiagnosticReport")[0]
    assert keyed["subject"]["identifier"]["value"] == "K-17"


def test_icd_10_stands_only_where_the_taxonomy_hints_at_it(taxonomy: Taxonomy) -> None:
    (found,) = [o for o in of_kind(resources(case(taxonomy)), "Observation") if len(o["component"]) > 12]
    for part in found["component"]:
        own, *icd = part["code"]["coding"]
        if ":taxonomy:" in own["system"]:
            hint = taxonomy.node(own["code"]).icd10
            assert [coding["code"] for coding in icd] == ([hint] if hint else [])


def test_the_same_case_gives_the_same_bundle(taxonomy: Taxonomy) -> None:
    assert case_fhir(case(taxonomy)) == case_fhir(case(taxonomy))
    ids = [r["id"] for r in resources(case(taxonomy, n=3), pixels=True)]
    assert len(set(ids)) == len(ids)


def first(document: Resource, kind: str) -> Resource:
    found: Resource = next(e["resource"] for e in document["entry"] if e["resource"]["resourceType"] == kind)
    return found


FAULTS: dict[str, Callable[[Resource], object]] = {
    "no code": lambda d: first(d, "Observation").pop("code"),
    "no status": lambda d: first(d, "DiagnosticReport").pop("status"),
    "an unknown status": lambda d: first(d, "Observation").update(status="certain"),
    "an unknown field": lambda d: first(d, "Observation").update(diagnosis="melanoma"),
    "a value that is no number": lambda d: first(d, "Observation")["valueQuantity"].update(value="high"),
    "two values": lambda d: first(d, "Observation").update(valueString="x"),
    "a value and a reason for none": lambda d: first(d, "Observation").update(dataAbsentReason={"text": "x"}),
    "one where there are many": lambda d: first(d, "Observation").update(category={"text": "x"}),
    "a time that is none": lambda d: first(d, "DiagnosticReport").update(issued="yesterday"),
    "a reference that leads nowhere": lambda d: first(d, "DiagnosticReport")["result"].append(
        {"reference": "urn:uuid:0"}
    ),
    "an unknown kind of bundle": lambda d: d.update(type="heap"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_error_is_refused(taxonomy: Taxonomy, fault: str) -> None:
    document = json.loads(case_fhir(case(taxonomy)))
    check_bundle(document)
    FAULTS[fault](document)
    with pytest.raises(ReportError, match="FHIR R4"):
        check_bundle(document)


def question(found: list[Resource], task_id: str) -> Resource:
    (one,) = [o for o in of_kind(found, "Observation") if o["code"]["coding"][0]["code"] == task_id]
    return one


def with_probabilities(taxonomy: Taxonomy, **probabilities: float) -> CaseReport:
    """A case with these probabilities by class id (`_` for `-`), 0 elsewhere."""
    ids = [c.id.replace("-", "_") for c in card().classes]
    values = np.array([probabilities.pop(key, 0.0) for key in ids])
    assert not probabilities
    return case(taxonomy, replace(seen(1, len(ids)), probs=values))


def test_a_question_without_a_score_says_that_it_does_not_apply(taxonomy: Taxonomy) -> None:
    report = with_probabilities(taxonomy, seborrheic_keratosis=1.0)
    found = question(resources(report), "melanocytic")
    assert "valueQuantity" not in found
    assert found["dataAbsentReason"]["coding"][0]["code"] == "not-applicable"
    assert found["dataAbsentReason"]["text"] == words.NO_SCORE
    assert "interpretation" not in found


def test_a_small_number_is_not_rounded_to_0(taxonomy: Taxonomy) -> None:
    report = with_probabilities(taxonomy, melanoma_nos=2e-9, melanocytic_nevus_nos=1 - 2e-9)
    found = resources(report)
    assert question(found, "melanocytic")["valueQuantity"]["value"] == report.tasks["melanocytic"].score
    parts = question(found, "probabilities")["component"]
    (melanoma,) = [part for part in parts if part["code"]["coding"][0]["code"] == "melanoma-nos"]
    assert melanoma["valueQuantity"]["value"] == 2e-9
    Bundle.model_validate_json(case_fhir(report))


def test_rates_that_are_optimistic_are_said_to_be_so(taxonomy: Taxonomy) -> None:
    report = case(taxonomy)
    tasks = {key: replace(task, held_out=False, origin=words.OPTIMISTIC) for key, task in report.tasks.items()}
    found = question(resources(replace(report, tasks=tasks)), "melanocytic")
    notes = [note["text"] for note in found["note"]]
    assert any(words.OPTIMISTIC.replace("**", "") in note for note in notes)
    assert all(note == note.strip() for note in notes)


def test_a_file_whose_name_is_no_text_and_an_empty_key_are_no_fault(taxonomy: Taxonomy) -> None:
    report = case(taxonomy)
    image = replace(report.images[0], file="arm-\udce9.jpg")
    bundle = case_fhir(replace(report, images=(image,)), patient_key="")
    assert "subject" not in bundle
    Bundle.model_validate_json(bundle)
