"""What came of a reader study: for who runs it, and for a reader who has finished."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError, EvaluationError
from pages.ui import access, look, state
from pages.ui.readers import (
    exporting,
    importing,
    result_state,
    results_classes,
    results_network,
    results_own,
    results_tables,
    results_yes_no,
)
from pages.ui.resources import Model, taxonomy

if TYPE_CHECKING:
    from derm_model.reader_result import Material, NetworkAnswers, StudyResult
    from derm_model.records.studies import StudyRow


def draw_results(study: StudyRow, model: Model | None) -> None:
    """Everything that came of a study, with the truth.

    Raises
    ------
    NotAllowed
        The person may not run studies.
    """
    access.who(Right.RUN_STUDIES)
    try:
        material = _read(study.study_id)
    except DermTreeError as error:
        st.error(f"**The study cannot be read.** {look.plain(str(error))}", icon=":material/error:")
        return
    if not material.readings:
        st.markdown("Nobody has answered yet. Readings that were taken elsewhere can be imported.")
        importing.draw_import(material)
        return
    if material.is_open and not _is_revealed(material):
        importing.draw_import(material)
        return
    _draw(material, model)
    importing.draw_import(material)


def draw_own_result(study: StudyRow, participant_id: str, model: Model | None) -> None:
    """A reader's own point, the truth of each image beside the own answer, and the wrong ones as pictures.

    Raises
    ------
    NotAllowed
        The person may not take part in studies.
    """
    access.who(Right.TAKE_STUDY)
    try:
        results_own.draw(study, participant_id, model)
    except DermTreeError as error:
        st.warning(look.plain(str(error)), icon=":material/info:")


def _read(study_id: str) -> Material:
    from derm_model.reader_result import collect

    return collect(study_id, taxonomy())


def _is_revealed(material: Material) -> bool:
    """Whether an open study's result may be drawn; asks where nobody has said so in this session."""
    study_id, readers = material.study.study_id, material.readers
    if study_id in result_state.revealed():
        return True
    done = sum(reader.is_complete for reader in readers)
    st.warning(
        f"**The study is still open.** {done} of {words.plural(len(readers), 'reader')} who have begun answered every "
        "image. Whoever looks at interim results and stops when they please finds a difference where there is none "
        "more often than 5% of the time, and may steer the readers who are left. Close the study first, if you can.",
        icon=":material/visibility_off:",
    )
    if st.button("Show interim results", key="reveal_study", icon=":material/visibility:"):
        _reveal(study_id)
        st.rerun()
    return False


def _reveal(study_id: str) -> None:
    """Show an open study's result from now on; it is written down that somebody looked."""
    from derm_model.records import audit
    from derm_model.records.engine import records_engine, writing

    who = access.who(Right.RUN_STUDIES)
    with writing(records_engine()) as session:
        audit.append(session, audit.Action.STUDY, who, subjects=[study_id], details={"done": "interim results seen"})
    result_state.revealed().add(study_id)


def _draw(material: Material, model: Model | None) -> None:
    network = _answers(material, model, "The network")
    shown_by = results_network.shown_model(material)
    is_same = shown_by is not None and shown_by is model
    shown = network if is_same else _answers(material, shown_by, "The network of the second pass")
    group, threshold = _choose(material, network)
    stamps = (_stamp(material), _stamp_of(network), _stamp_of(shown))
    result = _result(material, network, shown, material.study.study_id, stamps, group, threshold)
    st.caption(_about(result))
    warnings = [look.plain(text) for text in result.warnings()]
    if warnings:
        bullet = "- " if len(warnings) > 1 else ""
        st.warning("\n".join(bullet + text for text in warnings), icon=":material/warning:")
    if result.yes_no is not None:
        results_yes_no.draw_first(result, result.yes_no, model)
    elif result.classes is not None:
        results_classes.draw_first(result, result.classes, model)
    with st.container(key="result_notes", gap="xsmall"):
        for note in result.notes():
            st.caption(look.plain(note))
    results_tables.draw_readers(result)
    results_classes.draw_matrices(result)
    results_tables.draw_comparisons(result)
    results_tables.draw_help(result, shown_by)
    exporting.draw_export(material, result)


# 21 readers of 225 images in two passes with all intervals: 0.7 s of one core
@st.cache_resource(show_spinner="Working out the figures", max_entries=8)
def _result(
    _material: Material,
    _network: NetworkAnswers | None,
    _shown: NetworkAnswers | None,
    study_id: str,
    stamps: tuple[Hashable, ...],
    group: str | None,
    threshold: str | None,
) -> StudyResult:
    from derm_model.reader_result import study_result

    return study_result(_material, _network, _shown, group=group, threshold=threshold)


def _stamp(material: Material) -> Hashable:
    """Changes with every reading and vote, and when the study is closed."""
    last = max((reading.recorded_at for reading in material.readings), default=None)
    return len(material.readings), last, material.n_left_out, material.is_open


def _stamp_of(network: NetworkAnswers | None) -> Hashable:
    return None if network is None else (network.bundle_id, network.seen, network.probs.tobytes())


def _answers(material: Material, model: Model | None, what: str) -> NetworkAnswers | None:
    """Kept answers, or why there are none."""
    if model is None:
        return None
    try:
        return results_network.kept_answers(model, material)
    except EvaluationError as error:
        st.warning(f"**{what} cannot be compared.** {look.plain(str(error))}", icon=":material/warning:")
        return None


def _choose(material: Material, network: NetworkAnswers | None) -> tuple[str | None, str | None]:
    """Whose readings, and at which threshold the network decides."""
    group = threshold = None
    groups = material.groups
    with st.container(horizontal=True, key="result_choices"):
        if len(groups) > 1:
            state.drop_unless(result_state.GROUP, groups)
            group = st.selectbox(
                "Readers",
                list(groups),
                key=result_state.GROUP,
                index=None,
                placeholder="All readers",
                format_func=str.capitalize,
            )
        if network is not None and network.thresholds:
            names = {one.name: f"{one.name} ({words.number(one.value)})" for one in network.thresholds}
            state.drop_unless(result_state.THRESHOLD, names)
            threshold = st.selectbox(
                "The network decides at",
                list(names),
                format_func=names.__getitem__,
                key=result_state.THRESHOLD,
                help="Fixed before the study: a threshold chosen on these images would flatter the network.",
            )
    return group, threshold


def _about(result: StudyResult) -> str:
    """``225 images, 130 + 95 · 21 readers``."""
    material = result.material
    n = words.plural(len(material.images), "image")
    sides = (
        "" if result.yes_no is None else f" ({words.count(result.yes_no.n_pos)} + {words.count(result.yes_no.n_neg)})"
    )
    readers = words.plural(len(result.readers), "reader")
    group = "" if result.group is None else f", {look.plain(result.group)}"
    return f"{n}{sides} · {readers}{group} · {words.count(len(material.readings))} answers · 95% intervals"
