"""Save to a case, below the answer on Classify and only when somebody chooses to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import streamlit as st
from streamlit.errors import StreamlitAPIException

from derm_model import words
from derm_model.access import Right
from derm_model.data.schema import MODALITIES
from derm_model.errors import DermTreeError, RecordsError
from pages.ui import access, audit_trail, look
from pages.ui.case import CaseImage
from pages.ui.cases import keys, recording
from pages.ui.cases.body_map import choose_place, chosen_place, place_in_words
from pages.ui.question import Question
from pages.ui.reading import Reading
from pages.ui.resources import Model

if TYPE_CHECKING:
    from derm_model.net.engine import Prediction
    from derm_model.records.looking_up import KnownLesion
    from derm_model.records.saving import Lesion, NewVisit

NEW = "A new lesion"
UNKNOWN = "not said"
MAX_KEY, MAX_NOTE = 40, 500  # as derm_model.records.tables, whose import is the database's
NOBODY = (
    "A code that names nobody: letters, digits, dots, hyphens and underscores, and no date. Which code is which "
    "patient is written down elsewhere, never here."
)
NOTE = "**Name nobody here**: no patient, no relative, no place of work. The note leaves with every export of the case."


@dataclass(frozen=True, eq=False)
class ToSave:
    """Views of one lesion with the answers that stand on the page."""

    model: Model
    images: tuple[CaseImage, ...]
    predictions: tuple[Prediction, ...]
    questions: tuple[Question, ...]

    @property
    def digests(self) -> frozenset[str]:
        """Of the images."""
        return frozenset(image.digest for image in self.images)


def draw_saving(
    model: Model,
    images: Sequence[CaseImage],
    shown: int,
    reading: Reading,
    questions: Sequence[Question],
    *,
    separate: bool,
) -> None:
    """A fold; nothing of it is there for who may not see cases.

    Parameters
    ----------
    separate
        The images are separate lesions: a case is one lesion, so the shown image alone is saved.
    """
    if not access.may(Right.CASES):
        return
    with st.expander("Save to a case", icon=":material/save:", key="save_case", on_change="rerun") as fold:
        if not fold.open:
            return
        chosen = (shown,) if separate else tuple(range(len(images)))
        if any(images[i].is_drawing for i in chosen):
            st.markdown(
                "A drawing is no patient, so it is not saved to a case: figures of this clinic would count it. Remove "
                "the drawings, or begin a new case with images of a lesion."
            )
            return
        if separate:
            st.caption(
                f"A case is one lesion, so the shown image is saved alone: {shown + 1} · "
                f"{look.plain(images[shown].name)}."
            )
        _draw_form(
            ToSave(
                model,
                tuple(images[i] for i in chosen),
                tuple(reading.predictions[i] for i in chosen),
                tuple(questions),
            )
        )


@access.fragment
def _draw_form(what: ToSave) -> None:
    _draw_saved(what)
    try:
        known = _choose_patient()
    except DermTreeError as error:
        st.error(f"**Cases cannot be saved now.** {look.plain(str(error))}", icon=":material/error:")
        return
    lesion = _choose_lesion(known)
    left, right = st.columns(2)
    today = date.today()
    with left:
        st.date_input("Seen on", today, max_value=today, format="YYYY-MM-DD", key=keys.SAVE_DAY)
    with right:
        for number, image in enumerate(what.images, start=1):
            name = "Kind of image" if len(what.images) == 1 else f"Kind of image {number} · {look.plain(image.name)}"
            st.selectbox(name, [UNKNOWN, *MODALITIES], key=f"{keys.SAVE_MODALITY}_{number}")
    st.text_area("Note", key=keys.SAVE_NOTE, max_chars=MAX_NOTE, height=80)
    st.caption(NOTE)
    _draw_button(what, lesion)


def _choose_patient() -> tuple[KnownLesion, ...]:
    """The key, those that are like it, and the lesions that are known of it."""
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.looking_up import known_lesions, patient_keys

    st.text_input(
        "Patient key",
        key=keys.SAVE_PATIENT,
        max_chars=MAX_KEY,
        placeholder="For example: P-0173",
        live="250ms",
        autocomplete="off",
    )
    st.caption(NOBODY)
    typed = (st.session_state.get(keys.SAVE_PATIENT) or "").strip()
    if not typed:
        return ()
    with reading(records_engine()) as session:
        like = patient_keys(session, typed)
        known = known_lesions(session, typed)
    others = [key for key in like if key != typed]
    if others:
        with st.container(horizontal=True):
            for key in others:
                st.button(
                    look.plain(key),
                    key=f"save_key_{key}",
                    type="tertiary",
                    icon=":material/person:",
                    on_click=_take_key,
                    args=(key,),
                )
    return known


def _take_key(key: str) -> None:
    st.session_state[keys.SAVE_PATIENT] = key


def _choose_lesion(known: Sequence[KnownLesion]) -> KnownLesion | str | None:
    """The known one that was chosen, NEW for another, whose name and place are asked for, or None: nothing yet."""
    by_name = {lesion.lesion: lesion for lesion in known}
    if known:
        chosen = st.radio(
            "Lesion",
            [*by_name, NEW],
            index=None,
            key=_lesion_key(known[0].patient_key),
            format_func=lambda name: _lesion_in_words(name, by_name),
        )
        if chosen != NEW:
            return None if chosen is None else by_name[chosen]
    st.text_input(
        "Name of the lesion",
        key=keys.SAVE_NEW_LESION,
        max_chars=MAX_KEY,
        placeholder="For example: A",
        help="A code again, unique for this patient.",
    )
    choose_place(keys.SAVE_SITE, keys.SAVE_SIDE, keys.SAVE_MAP)
    return NEW


def _lesion_key(patient: str) -> str:
    return f"{keys.SAVE_LESION}_{patient}"


def _lesion_in_words(name: str, known: dict[str, KnownLesion]) -> str:
    lesion = known.get(name)
    if lesion is None:
        return name
    visits = words.plural(lesion.n_visits, "visit")
    return f"{look.plain(name)} · {place_in_words(lesion.site, lesion.side)} · {visits}, last {lesion.last_seen_on}"


def _draw_button(what: ToSave, lesion: KnownLesion | str | None) -> None:
    n = words.plural(len(what.images), "image")
    before = st.session_state.get(keys.SAVED_BEFORE)
    if before is not None and before == _form(what, lesion):
        st.warning(
            "**Saved already.** This lesion has a visit of that day with the same images. Saved again, they count as "
            "a second visit.",
            icon=":material/content_copy:",
        )
        with st.container(horizontal=True):
            st.button("Do not save", key="save_not_again", on_click=_forget_question)
            st.button("Save again", key="save_again", on_click=_save, args=(what, lesion, True))
    else:
        st.button(
            f"Save {n}",
            key="save_it",
            icon=":material/save:",
            disabled=lesion is None,
            help="Choose the lesion first." if lesion is None else None,
            on_click=_save,
            args=(what, lesion),
        )
    problem = st.session_state.pop(keys.SAVE_PROBLEM, None)
    if problem is not None:
        st.error(f"**It was not saved.** {look.plain(problem)}", icon=":material/error:")
    st.caption(
        "Saved are the pixels as they were classified, every probability, score and threshold in use, and what was "
        "noticed about the images. They stay on this server until somebody deletes the case or its time is over."
    )


def _form(what: ToSave, lesion: KnownLesion | str | None) -> dict[str, Any]:
    """What makes two savings the same."""
    name = st.session_state.get(keys.SAVE_NEW_LESION) if isinstance(lesion, str | None) else lesion.lesion
    return {
        "patient": st.session_state.get(keys.SAVE_PATIENT),
        "lesion": name,
        "day": st.session_state.get(keys.SAVE_DAY),
        "images": what.digests,
    }


def _forget_question() -> None:
    st.session_state.pop(keys.SAVED_BEFORE, None)


def _save(what: ToSave, known: KnownLesion | str | None, again: bool = False) -> None:
    """Save what the form holds, unless it is there already and nobody was asked; an answer counts once."""
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.image_store import image_store
    from derm_model.records.looking_up import image_hashes, known_lesions, same_visits
    from derm_model.records.saving import save_visit

    try:
        who = access.who(Right.CASES)
        lesion, visit, engine = _lesion(known), _visit(what), records_engine()
        was_asked = again and st.session_state.get(keys.SAVED_BEFORE) == _form(what, known)
        with reading(engine) as session:
            if not was_asked and same_visits(
                session, lesion.patient_key, lesion.lesion, visit.seen_on, image_hashes(visit.images)
            ):
                st.session_state[keys.SAVED_BEFORE] = _form(what, known)
                return
            _check_chosen(known, lesion, known_lesions(session, lesion.patient_key))
        audit_trail.settle(who)
        saved = save_visit(engine, image_store(), lesion, visit, who)
    except DermTreeError as error:
        st.session_state[keys.SAVE_PROBLEM] = str(error)
        return
    _forget_question()
    st.session_state[keys.SAVED] = (what.digests, saved.case_id, lesion.patient_key, lesion.lesion)
    st.session_state[keys.SAVE_NOTE] = ""
    st.session_state[_lesion_key(lesion.patient_key)] = lesion.lesion


def _check_chosen(known: KnownLesion | str | None, lesion: Lesion, now: Sequence[KnownLesion]) -> None:
    """Check that the chosen lesion is still that one, and that a new one is new.

    The button means what stood on the page when it was drawn: form and records may have changed since.
    """
    patient = (st.session_state.get(keys.SAVE_PATIENT) or "").strip()
    said = st.session_state.get(_lesion_key(patient), NEW)
    if said != (NEW if isinstance(known, str | None) else known.lesion):
        raise RecordsError("Patient or lesion were changed at the moment of the press. Look at both, and press again.")
    there = {found.lesion: found.case_id for found in now}
    name = lesion.lesion.strip()
    if isinstance(known, str | None):
        if name in there:
            raise RecordsError(
                f"This patient has a lesion {name} already. Choose it, or give the new one another name."
            )
    elif there.get(name) != known.case_id:
        raise RecordsError(f"Lesion {name} of this patient is no longer there: somebody deleted it. Choose again.")


def _lesion(known: KnownLesion | str | None) -> Lesion:
    from derm_model.records.saving import Lesion

    if not isinstance(known, str | None):
        return Lesion(known.patient_key, known.lesion, known.site, known.side)
    site, side = chosen_place(keys.SAVE_SITE, keys.SAVE_SIDE)
    patient, name = (st.session_state.get(key) or "" for key in (keys.SAVE_PATIENT, keys.SAVE_NEW_LESION))
    return Lesion(patient, name, site, side)


def _visit(what: ToSave) -> NewVisit:
    from derm_model.records.saving import NewVisit

    chosen = [st.session_state.get(f"{keys.SAVE_MODALITY}_{n}") for n in range(1, len(what.images) + 1)]
    return NewVisit(
        seen_on=st.session_state[keys.SAVE_DAY],
        images=recording.new_images(what.images, [None if word == UNKNOWN else word for word in chosen]),
        predictions=recording.new_predictions(what.model, what.images, what.predictions, what.questions),
        note=st.session_state.get(keys.SAVE_NOTE) or "",
    )


def _draw_saved(what: ToSave) -> None:
    digests, case_id, patient, lesion = st.session_state.get(keys.SAVED) or (None, "", "", "")
    if digests != what.digests:
        return
    st.success(f"Saved to lesion {look.plain(lesion)} of {look.plain(patient)}.", icon=":material/check:")
    draw_case_link(case_id, "Open the case")


def draw_case_link(case_id: str, label: str) -> None:
    """A link to a case, which also works where a page was opened without app.py."""
    query = {"case": case_id}
    try:
        st.page_link("pages/cases.py", label=label, icon=":material/folder_shared:", query_params=query)
    except (StreamlitAPIException, KeyError):  # without app.py there is no table of pages
        st.markdown(f"[{label}](/cases?{urlencode(query)})")
