"""From outcomes: which answer counts for a lesion, and on which side its diagnosis is."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy import Engine, update

from derm_model.evaluation.metrics import wilson
from derm_model.records.case_tables import Outcome, Prediction
from derm_model.records.engine import reading, writing
from derm_model.records.followed import FollowedAnswer, followed_answers, followed_cases
from derm_model.records.image_store import ImageStore
from derm_model.records.saving import NewPrediction, add_predictions, save_visit, set_outcome
from derm_model.records.tables import now
from derm_model.taxonomy import Taxonomy, read_tasks
from tests.records.material import BUNDLE, DAY, TAXONOMY, lesion, prediction, visit


def save(engine: Engine, store: ImageStore, name: str, *predictions: NewPrediction, day: date = DAY) -> str:
    new = visit(1, 2, day=day, predictions=predictions)
    return save_visit(engine, store, lesion(name=name), new, "dr").case_id


def outcome(engine: Engine, case_id: str, node: str, how: str = "histopathology", day: date = DAY) -> None:
    with writing(engine) as session:
        set_outcome(session, case_id, node, taxonomy_digest=TAXONOMY, confirmed_by=how, diagnosed_on=day, who="dr")


def followed(engine: Engine, **more: object) -> tuple[FollowedAnswer, ...]:
    with reading(engine) as session:
        return followed_answers(session, "melanocytic", **{"bundle_id": BUNDLE, **more})  # type: ignore[arg-type]


def test_a_lesion_without_outcome_or_without_answer_does_not_count(engine: Engine, store: ImageStore) -> None:
    save(engine, store, "A", prediction())
    for name, other in (
        ("B", prediction(task="epidermal")),
        ("C", prediction(None)),
        ("D", prediction(0.3, None)),
        ("E", prediction(bundle="demo-2")),
    ):
        outcome(engine, save(engine, store, name, other), "melanoma")
    assert followed(engine) == ()
    assert len(followed(engine, bundle_id="demo-2")) == 1


def test_the_answer_about_all_images_of_the_last_visit_counts(engine: Engine, store: ImageStore) -> None:
    case_id = save(engine, store, "A", prediction(0.1, of=0), day=DAY)
    save(engine, store, "A", prediction(0.5, of=0), prediction(0.6), prediction(0.7, of=1), day=DAY + timedelta(days=9))
    save(engine, store, "A", prediction(0.2), day=DAY - timedelta(days=9))
    outcome(engine, case_id, "melanoma")
    assert [answer.score for answer in followed(engine)] == [0.6]


def test_an_answer_given_after_the_outcome_was_known_does_not_count(engine: Engine, store: ImageStore) -> None:
    case_id = save(engine, store, "A", prediction(0.4))
    outcome(engine, case_id, "melanoma")
    save(engine, store, "A", prediction(0.9), day=DAY + timedelta(days=30))
    outcome(engine, case_id, "melanoma")  # said again later: the first time it was known counts
    assert [answer.score for answer in followed(engine)] == [0.4]


def test_a_visit_read_again_counts_with_its_latest_answer_before_the_outcome(engine: Engine, store: ImageStore) -> None:
    saved = save_visit(engine, store, lesion(), visit(1, predictions=(prediction(0.4),)), "dr")
    with writing(engine) as session:
        add_predictions(session, saved.visit_id, [prediction(0.45)], "dr")
    outcome(engine, saved.case_id, "melanoma")
    assert [answer.score for answer in followed(engine)] == [0.45]


def test_the_last_outcome_counts_and_its_way_of_confirmation_can_be_asked_for(
    engine: Engine, store: ImageStore
) -> None:
    one, other = save(engine, store, "A", prediction(0.4)), save(engine, store, "B", prediction(0.6))
    outcome(engine, one, "nevus", "single_expert", DAY + timedelta(days=2))
    outcome(engine, one, "melanoma", "histopathology", DAY + timedelta(days=5))
    outcome(engine, other, "nevus", "follow_up", DAY + timedelta(days=3))
    assert [(a.node, a.score) for a in followed(engine)] == [("nevus", 0.6), ("melanoma", 0.4)]
    assert [a.node for a in followed(engine, confirmed_by=["histopathology"])] == ["melanoma"]
    assert followed(engine, confirmed_by=["single_expert"]) == ()


def test_rates_are_those_of_the_decisions_that_were_made(engine: Engine, store: ImageStore, taxonomy: Taxonomy) -> None:
    task = read_tasks()["melanocytic"]
    sick, well = task.positive[0], task.negative[0]
    elsewhere = next(node for node in read_tasks()["epidermal"].negative if not taxonomy.is_within(node, well))
    shown = [
        (sick, 0.9, 0.5),
        (sick, 0.4, 0.3),  # called, with the threshold in use for it
        (sick, 0.4, 0.5),
        (well, 0.4, 0.5),
        (well, 0.6, 0.5),
        (elsewhere, 0.9, 0.5),
        ("gone from the taxonomy", 0.9, 0.5),
    ]
    for number, (node, score, threshold) in enumerate(shown):
        outcome(engine, save(engine, store, f"L{number}", prediction(score, threshold)), node)
    cases = followed_cases(followed(engine), task, taxonomy)
    assert (cases.labels.sum(), cases.labels.size, cases.n_outside, cases.n_unknown) == (3, 5, 1, 1)
    assert cases.rates().sensitivity == wilson(2, 3)
    assert cases.rates().specificity == wilson(1, 2)
    assert cases.rates(0.5).sensitivity == wilson(1, 3)
    assert cases.days == (DAY,) * 5


def test_nothing_followed_has_no_rates(taxonomy: Taxonomy) -> None:
    cases = followed_cases((), read_tasks()["melanocytic"], taxonomy)
    assert (cases.rates().sensitivity, cases.rates().specificity, cases.rates().n) == (None, None, 0)


def test_an_answer_of_the_same_moment_counts_as_before(engine: Engine, store: ImageStore) -> None:
    case_id = save(engine, store, "A", prediction(0.4))
    outcome(engine, case_id, "melanoma")
    at = now()
    with writing(engine) as session:
        session.execute(update(Prediction).values(created_at=at))
        session.execute(update(Outcome).values(recorded_at=at))
    assert len(followed(engine)) == 1
