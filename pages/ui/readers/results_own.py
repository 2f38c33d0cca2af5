"""What a reader sees of the own answers when all are given: own rates, truth beside answer, the wrong ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import EvaluationError
from pages.ui import access, look
from pages.ui.evaluate import parts
from pages.ui.evaluate.parts import Picture
from pages.ui.readers import results_classes, results_network
from pages.ui.resources import Model, taxonomy

if TYPE_CHECKING:
    from derm_model.reader_result import Material, NetworkAnswers, StudyResult
    from derm_model.reader_result.yes_no import YesNoResult
    from derm_model.records.studies import StudyRow


@dataclass(frozen=True)
class OwnAnswer:
    """Truth and answers of one image, in words; `with_ai` is None where there is no second one."""

    position: int
    image_id: str
    node: str
    truth: str
    answer: str
    with_ai: str | None

    @property
    def is_right(self) -> bool:
        """Whether the answer without help is right."""
        return self.answer == self.truth


def draw(study: StudyRow, participant_id: str, model: Model | None) -> None:
    """Draw it.

    Raises
    ------
    RecordsError
        Something is left to answer, and the study is not closed.
    EvaluationError
        This version does not know the study's question.
    """
    from derm_model.reader_result import study_result

    access.who(Right.TAKE_STUDY)
    code, material = _read(study, participant_id)
    if not material.readings:
        st.markdown("You have answered no image of this study.")
        return
    shown_by = results_network.shown_model(material)
    network = _answers(material, shown_by or model)
    result = study_result(material, network, None if shown_by is None else network)
    _draw_numbers(result, code)
    answers = own_answers(material)
    _draw_answers(material, answers)
    st.caption(
        "What you see here is of your own answers only. Readers saw one image each, without history or palpation."
    )


def _read(study: StudyRow, participant_id: str) -> tuple[str, Material]:
    """The reader's code and own readings; refused before they have finished."""
    from derm_model.reader_result import collect
    from derm_model.records.engine import records_engine, writing
    from derm_model.records.reader_view import participant_of
    from derm_model.records.results import tell_truths

    with writing(records_engine()) as session:
        tell_truths(session, participant_id)  # raises where the truth must not be told yet
        person, own = participant_of(session, participant_id)
        code, study_id = person.code, own.id
    return code, collect(study_id, taxonomy()).of_readers([code])


def _answers(material: Material, model: Model | None) -> NetworkAnswers | None:
    try:
        return None if model is None else results_network.kept_answers(model, material)
    except EvaluationError:
        return None  # the own result needs no network, and who runs the study is told why


def own_answers(material: Material) -> list[OwnAnswer]:
    """Truth and answers of each image the reader answered without help, by position."""
    words_of, place = material.question.words, {key: i for i, key in enumerate(material.keys)}
    second = {(r.source, r.image_id): r.answer for r in material.readings if r.with_ai}
    found = []
    for reading in material.readings:
        key = (reading.source, reading.image_id)
        if not reading.with_ai:
            with_ai = second.get(key)
            found.append(
                OwnAnswer(
                    position=place[key],
                    image_id=reading.image_id,
                    node=taxonomy().node(reading.node).name,
                    truth=words_of(material.truth[place[key]]),
                    answer=words_of(reading.answer),
                    with_ai=None if with_ai is None else words_of(with_ai),
                )
            )
    return found


def _draw_numbers(result: StudyResult, code: str) -> None:
    if result.classes is not None:
        _draw_accuracy(result)
        return
    judged = result.yes_no
    point = None if judged is None else next((p for p in judged.points if p.reader == code), None)
    if judged is None or point is None:
        st.markdown("Sensitivity and specificity need answers to images of both kinds.")
        return
    left, right = st.columns([3, 2], gap="large")
    with left:
        if judged.network is not None:
            from derm_model.figures.readers import alt_readers, plot_readers

            network = judged.network
            parts.chart(
                plot_readers(network.curve, network.area, [point], None, look.palette(), you=code),
                "own_curve",
                alt_readers(network.area, network.against, None, you=code),
            )
        else:
            st.markdown("The network has not been asked about these images yet, so there is no curve to lie on.")
    with right, st.grid(2, min_column_width=140, key="own_metrics"):
        for name, rate in (("Your sensitivity", point.sensitivity), ("Your specificity", point.specificity)):
            told = f"{words.count(rate.n_pos)} of {words.plural(rate.n, 'image')}. Wilson's interval."
            parts.metric(name, f"{rate.value:.0%}", words.interval(rate.low, rate.high), told)
    with right:
        for sentence in _sentences(judged, code):
            st.markdown(look.plain(sentence))


def _sentences(judged: YesNoResult, code: str) -> Iterator[str]:
    """Where the own point lies, and what the network's help changed."""
    from derm_model.figures.readers import POSITIONS
    from derm_model.reader_result import text

    network, help_ = judged.network, judged.help
    for one in () if network is None else network.against:
        if one.point.reader == code:
            place = text.gap(one.at_sensitivity)
            yield (
                f"Your point lies {POSITIONS[one.position]}. The network's specificity at your sensitivity differs "
                f"from yours by {place} percentage points, on these images."
            )
    if help_ is not None and help_.total is not None:
        yield from text.changes(help_.total)


def _draw_accuracy(result: StudyResult) -> None:
    judged = result.classes
    if judged is None or judged.readers is None:
        return
    own = judged.readers.readers[0]
    value, interval = parts.percent(own.accuracy)
    with st.grid(4, min_column_width=140, key="own_metrics"):
        parts.metric("Your accuracy", value, interval, "Mean of the accuracies of the single classes.")
        if judged.network is not None:
            value, interval = parts.percent(judged.network.accuracy)
            parts.metric("Network accuracy", value, interval, "On the same images.")
    results_classes.draw_one(own.confusion, judged.names, "Your answers", "own_matrix")


def _draw_answers(material: Material, answers: list[OwnAnswer]) -> None:
    from derm_model.reader_result.network import records_of

    wrong = [one for one in answers if not one.is_right]
    st.markdown(f"##### {words.count(len(answers) - len(wrong))} of {words.plural(len(answers), 'answer')} right")
    if wrong:
        records = records_of(material.images)
        pictures = [
            Picture(records[one.position], f"Truth: {one.truth} ({one.node}). You: {one.answer}.") for one in wrong
        ]
        st.markdown("**Answered otherwise**")
        parts.draw_gallery(pictures, key="own_wrong")
    with st.expander("Every image", icon=":material/table_rows:", key="own_table", on_change="rerun") as fold:
        if fold.open:
            st.markdown(_table(answers))


def _table(answers: list[OwnAnswer]) -> str:
    has_second = any(one.with_ai is not None for one in answers)
    head = ("Image", "It shows", "Right answer", "Yours", *(("With the network",) if has_second else ()))
    rows = [
        (one.image_id, one.node, one.truth, one.answer, *((one.with_ai or "",) if has_second else ()))
        for one in answers
    ]
    return parts.table(head, rows, n_words=len(head))
