"""Taking part in a study: under a code that names nobody, or as who signed in; where one is, and going on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.access import LOCAL, Right
from derm_model.errors import DermTreeError
from pages.ui import access, look, state
from pages.ui.readers import address, taking

if TYPE_CHECKING:
    from derm_model.records.participants import ParticipantRow
    from derm_model.records.studies import StudyRow

READ, CHECK = "reader", "prescreener"
ROLES = {READ: "Read the images", CHECK: "Check their quality, and not read them"}
GROUPS = ("dermatologist", "resident", "general practitioner", "student", "other")


def own_code(study_id: str) -> str:
    """Code of whoever uses this session: their own where people sign in, else what the address says; "" for none."""
    from derm_model.records.participants import code_of

    return code_of(study_id, access.person().name) if signs_in() else address.code()


def signs_in() -> bool:
    """Whether who reads is known from a login."""
    return access.person().name != LOCAL.name


def find(study_id: str) -> ParticipantRow | None:
    """Who takes part here; None before they joined.

    Raises
    ------
    RecordsError
        The records cannot be reached, or the address holds no code.
    """
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.participants import find_participant

    code = own_code(study_id)
    if not code:
        return None
    with reading(records_engine()) as session:
        return find_participant(session, study_id, code)


def draw_join(study: StudyRow) -> None:
    """The form by which one joins, or comes back."""
    with st.container(border=True, key="study_join"):
        st.markdown("##### Take part")
        if study.closed_at is not None:
            st.caption("The study is closed. Who has taken part can look at the own result.")
        if not signs_in():
            st.session_state.setdefault(state.STUDY_OWN_CODE, address.code())
            st.text_input(
                "Your code",
                key=state.STUDY_OWN_CODE,
                max_chars=40,
                placeholder="For example: R07",
                help="Letters, digits, '.', '_' and '-'. It names nobody: no name, no date of birth. "
                "With the same code you go on where you stopped, on any device.",
            )
        elif study.closed_at is None:
            st.caption("You take part as who you signed in as. Tables and exports show a code instead of your name.")
        if study.closed_at is None:
            _draw_experience()
        if study.closed_at is None and not study.n_readings:
            st.radio("What you will do", list(ROLES), format_func=ROLES.__getitem__, key=state.STUDY_ROLE)
        if study.closed_at is None or not signs_in():
            st.button("Continue", key="join_study", type="primary", on_click=partial(_join, study))


def _draw_experience() -> None:
    st.selectbox(
        "Your experience",
        GROUPS,
        index=None,
        placeholder="Choose, or leave it open",
        format_func=lambda word: word[:1].upper() + word[1:],
        key=state.STUDY_EXPERIENCE,
        help="Readers are compared by groups. It is kept with the code when you join.",
    )


def _join(study: StudyRow) -> None:
    from derm_model.records.engine import records_engine, writing
    from derm_model.records.studies import join_study
    from derm_model.records.study_tables import Experience, Role

    try:
        access.who(Right.TAKE_STUDY)
        role = Role(st.session_state.get(state.STUDY_ROLE) or READ)
        if not signs_in():
            address.read_as(str(st.session_state.get(state.STUDY_OWN_CODE, "")).strip())
        code = own_code(study.study_id)
        if find(study.study_id) is None:
            with writing(records_engine()) as session:
                said = st.session_state.get(state.STUDY_EXPERIENCE)
                join_study(session, study.study_id, code, role, Experience(said) if said else None)
    except DermTreeError as error:
        address.read_as("")
        state.say(look.plain(str(error)), failed=True)


def draw_own(study: StudyRow, person: ParticipantRow) -> None:
    """Where somebody is, and the way on."""
    where, is_reader = person.state, person.role == READ
    with st.container(border=True, key="study_own"):
        st.markdown("##### Your reading" if is_reader else "##### Your check of the images")
        st.markdown(_progress(person))
        st.progress(where.done / where.total if where.total else 1.0)
        if study.closed_at is not None:
            st.caption("The study is closed: no more answers are taken.")
        elif where.next is not None:
            _draw_begin(study, person)
        elif where.waits_until is not None:
            moment = look.moment(where.waits_until.isoformat())
            st.markdown(f"Part 2, with the network's answer, begins on **{moment}**.")
        else:
            st.markdown("Thank you. Nothing is left to do.")
        if not signs_in():
            st.caption(f"You take part as {look.plain(person.code)}.")
            st.button("Another code", key="other_code", type="tertiary", on_click=_leave)


def _progress(person: ParticipantRow) -> str:
    where = person.state
    done = "answered" if person.role == READ else "checked"
    part = " in part 2, with the network's answer" if where.with_ai else ""
    stopped = "" if person.last_at is None or where.next is None else f" You stopped on {person.last_at:%Y-%m-%d}."
    return f"**{where.done:,} of {words.plural(where.total, 'image')}** {done}{part}.{stopped}"


def _draw_begin(study: StudyRow, person: ParticipantRow) -> None:
    where, is_reader = person.state, person.role == READ
    assert where.next is not None
    if person.last_at is None and is_reader:
        st.caption(_how(study))
    waits = is_reader and not study.n_readings and _unchecked(study.study_id)
    if waits:
        st.warning(
            f"**The images are still being checked.** {words.plural(waits, 'image')} to go. With the first answer of "
            "a reader that ends, and those not checked stay in.",
            icon=":material/hourglass_top:",
        )
        if not st.checkbox("Begin all the same", key=state.STUDY_ANYWAY):
            return
    label = f"Continue with image {where.next.number}" if where.done else "Begin"
    st.button(
        label,
        key="begin_study",
        type="primary",
        icon=":material/play_arrow:",
        width="stretch",
        on_click=partial(taking.begin, person.participant_id),
    )


def _how(study: StudyRow) -> str:
    """What one should know before the first image."""
    settings = study.settings
    told = [
        "One image after the other fills the window. Press a button or its number; B corrects the last one, P pauses.",
        "Every answer is saved at once, with the time it took. What the images show is told at the end.",
    ]
    if settings.washout_s:
        told.append(f"Between two images the screen is empty for {settings.washout_s:g} s.")
    if settings.confidence:
        told.append("After each answer you are asked how sure you are.")
    if settings.second_pass:
        pause = f", {words.plural(settings.pause_days, 'day')} later at the earliest" if settings.pause_days else ""
        told.append(f"In part 2{pause} you see the same images with the network's answer.")
    return " ".join(told)


def _unchecked(study_id: str) -> int:
    """Images that somebody who began to check them has still to see; 0 where nobody checks or all are done."""
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.participants import list_participants

    with reading(records_engine()) as session:
        people = list_participants(session, study_id)
    left = [p.state.total - p.state.done for p in people if p.role == CHECK and p.state.done]
    return max(left, default=0)


def _leave() -> None:
    address.read_as("")
    st.session_state[state.STUDY_OWN_CODE] = ""
