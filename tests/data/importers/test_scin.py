"""SCIN, on small tables of the official form with invented rows."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from derm_model.data.importers.scin import main_condition
from derm_model.errors import ImportProblem

CASES = (
    "case_id,source,release,year,age_group,sex_at_birth,fitzpatrick_skin_type,body_parts_arm,body_parts_torso_front,"
    "image_1_path,image_2_path,image_3_path,image_1_shot_type"
)
LABELS = (
    "case_id,dermatologist_gradable_for_skin_condition_1,dermatologist_gradable_for_skin_condition_2,"
    "dermatologist_skin_condition_on_label_name,weighted_skin_condition_label,"
    "dermatologist_fitzpatrick_skin_type_label_1,dermatologist_fitzpatrick_skin_type_label_2"
)
GRADABLE = "DEFAULT_YES_IMAGE_QUALITY_SUFFICIENT"


def table(columns, rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, columns.split(","), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.fixture
def scin(disk):
    """Lay out one case, changed by what is given, and read it."""

    def read(case=None, label=None, n_images=1, **options):
        paths = {f"image_{n}_path": f"dataset/images/-90{n}.png" for n in range(1, n_images + 1)}
        cases = [{"case_id": "-77", "source": "SCIN", **paths, **(case or {})}]
        weights = "{'Eczema': 0.69, 'Psoriasis': 0.31}"
        labels = [{"case_id": "-77", "weighted_skin_condition_label": weights, **(label or {})}]
        disk.write("dataset/scin_cases.csv", table(CASES, cases))
        disk.write("dataset/scin_labels.csv", table(LABELS, labels))
        disk.images(*paths.values())
        return disk.read("scin", **options)

    return read


def test_all_pictures_of_a_case_are_one_lesion_with_the_main_condition(scin):
    manifest = scin(n_images=3)
    assert manifest.problems == ()
    assert [r.image_id for r in manifest.records] == ["-901", "-902", "-903"]
    assert {(r.lesion_id, r.label, r.node, r.modality) for r in manifest.records} == {
        ("-77", "Eczema", "eczema-nos", "clinical")
    }
    assert {r.licence for r in manifest.records} == {"SCIN Data Use License"}


def test_what_the_person_answered_is_read(scin):
    case = {
        "age_group": "AGE_30_TO_39",
        "sex_at_birth": "FEMALE",
        "fitzpatrick_skin_type": "FST5",
        "body_parts_arm": "YES",
        "body_parts_torso_front": "YES",
    }
    (record,) = scin(case).records
    assert (record.age, record.sex, record.fitzpatrick_type) == (35, "female", 5)
    assert record.site == "arm, torso front"


def test_what_was_not_answered_is_unknown(scin):
    case = {
        "age_group": "AGE_UNKNOWN",
        "sex_at_birth": "OTHER_OR_UNSPECIFIED",
        "fitzpatrick_skin_type": "NONE_IDENTIFIED",
    }
    manifest = scin(case)
    (record,) = manifest.records
    assert (record.age, record.sex, record.fitzpatrick_type, record.site) == (None, None, None, None)
    assert manifest.problems == ()


def test_the_oldest_group_has_no_middle(scin):
    assert scin({"age_group": "AGE_80_OR_ABOVE"}).records[0].age is None


@pytest.mark.parametrize("second, meant", [("FST2", 2), ("", 2), ("FST3", None)])
def test_estimated_skin_types_count_where_they_agree_and_nothing_was_answered(scin, second, meant):
    label = {
        "dermatologist_fitzpatrick_skin_type_label_1": "FST2",
        "dermatologist_fitzpatrick_skin_type_label_2": second,
    }
    assert scin(label=label).records[0].fitzpatrick_type == meant


@pytest.mark.parametrize(
    "answers, meant",
    [
        ((GRADABLE, GRADABLE), "consensus"),
        ((GRADABLE, "NO_IMAGE_QUALITY_INSUFFICIENT"), "single_expert"),
        (("", ""), None),
    ],
)
def test_how_many_dermatologists_could_tell_is_how_it_was_confirmed(scin, answers, meant):
    label = {f"dermatologist_gradable_for_skin_condition_{n}": answer for n, answer in enumerate(answers, start=1)}
    assert scin(label=label).records[0].confirmed_by == meant


@pytest.mark.parametrize(
    "cell, why",
    [
        ("{'Eczema': 0.5, 'Psoriasis': 0.5}", "several conditions have the highest weight"),
        ("{}", "no dermatologist named a condition"),
        ("", "no dermatologist named a condition"),
        ("{'Eczema': ", "weighted_skin_condition_label cannot be read"),
        ("__import__('os').getcwd()", "weighted_skin_condition_label cannot be read"),
    ],
)
def test_a_case_without_a_single_main_condition_is_left_out_and_says_why(disk, scin, cell, why):
    with pytest.raises(ImportProblem, match=f"2 rows left out: {why} \\(-901, -902\\)"):
        scin(label={"weighted_skin_condition_label": cell}, n_images=2)


def test_a_least_weight_can_be_asked_for(scin):
    assert scin(min_weight="0.6").problems == ()
    with pytest.raises(ImportProblem, match=r"no condition has a weight of 0.7 or more"):
        scin(min_weight="0.7")
    with pytest.raises(ImportProblem, match="a number from 0 to 1"):
        scin(min_weight="70 %")


def test_a_case_that_has_no_row_of_labels_is_left_out(scin):
    with pytest.raises(ImportProblem, match="no dermatologist named a condition"):
        scin(label={"case_id": "-78"})


def test_conditions_that_the_crosswalk_does_not_know_are_reported(disk, scin):
    with pytest.raises(ImportProblem, match="unknown to the crosswalk"):
        scin(label={"weighted_skin_condition_label": "{'A condition of tomorrow': 1.0}"})


@given(st.dictionaries(st.text(min_size=1), st.floats(0, 1, allow_nan=False), min_size=1), st.floats(0, 1))
def test_the_chosen_condition_outweighs_every_other(weights, min_weight):
    label, why = main_condition(repr(weights), min_weight)
    if label is None:
        best = max(weights.values())
        assert why
        assert best < min_weight or list(weights.values()).count(best) > 1
    else:
        assert why is None
        assert weights[label] >= min_weight
        assert all(weights[label] > weight for name, weight in weights.items() if name != label)
