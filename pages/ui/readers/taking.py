"""Images on the screen, one after the other: reading them, or checking their quality first. Nothing else is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError, NotAllowed
from derm_model.reader_questions import StudyQuestion
from pages.ui import access, components, look, state
from pages.ui.readers import address
from pages.ui.readers.desk import USABLE, Before, Desk, Message, Place, keep_reading, keep_vote, last_answer
from pages.ui.readers.networks import network_of
from pages.ui.readers.sheets import Network, Sheet

if TYPE_CHECKING:
    from derm_model.records.participants import ParticipantRow
    from derm_model.records.reader_view import ReaderState
    from derm_model.records.studies import StudyRow

# the whole window for the image: no navigation, no header, no title
FULL_SCREEN = """<style>
[data-testid="stSidebar"], [data-testid="stHeader"], [data-testid="stExpandSidebarButton"], .st-key-head,
.stMain [data-testid="stCaptionContainer"] { display: none !important; }
.stMainBlockContainer { padding: .5rem 1rem .25rem !important; max-width: 1100px !important; }
[data-testid="stVerticalBlock"]:has(.st-key-study_screen) { gap: 0 !important; }
.st-key-study_screen :is([data-stale="true"], *) { opacity: 1 !important; transition: none !important; }
/* a server that dies while it draws leaves the element hidden, and with it that the answer is not saved yet */
.st-key-study_desk { display: flex !important; }
</style>"""
LOOK_AGAIN_S = 0.05
READING_NOTE = "Every answer is saved at once. The diagnoses are shown when all images are done."
SCREENING_NOTE = "Images that are not usable are left out for every reader."


@dataclass(frozen=True)
class Scene:
    """What does not change while somebody takes part."""

    study: StudyRow
    question: StudyQuestion
    participant_id: str
    is_reader: bool
    network: Network | None

    @property
    def desk(self) -> Desk:
        """Of this session."""
        desks = state.desks()
        if self.participant_id not in desks:
            desks[self.participant_id] = Desk()
        desk: Desk = desks[self.participant_id]
        return desk


def draw_taking(study: StudyRow, question: StudyQuestion, person: ParticipantRow) -> None:
    """The screen of somebody who takes part."""
    st.html(FULL_SCREEN)
    is_reader = person.role == "reader"
    network = network_of(study, question) if is_reader and study.settings.second_pass else None
    with st.container(key="study_screen"):
        access.fragment(_draw)(Scene(study, question, person.participant_id, is_reader, network))


@access.act(Right.TAKE_STUDY)
def begin(participant_id: str) -> None:
    """Put the images on the screen, on a new desk."""
    state.desks().pop(participant_id, None)
    address.begin_taking()


def _draw(scene: Scene) -> None:
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.reader_view import reader_state

    if not address.is_taking():
        st.rerun()
    desk = scene.desk
    try:
        with reading(records_engine()) as session:
            where = reader_state(session, scene.participant_id)
        if where.with_ai and scene.network is None and where.next is not None:
            _draw_no_network()
        elif where.next is None and desk.correcting is None:
            _draw_end(scene, where)
        else:
            _draw_desk(scene, desk, where)
    except DermTreeError as error:
        st.error(f"**The image cannot be shown.** {look.plain(str(error))}", icon=":material/error:")
        st.button("Leave", key="leave_study", on_click=address.stop_taking)


def _draw_desk(scene: Scene, desk: Desk, where: ReaderState) -> None:
    now, after = _views(scene, desk, where)
    sheets = _sheets(scene, desk, [view for view in (now, after) if view is not None])
    before = last_answer(scene.participant_id, helped=_is_helped(where), is_reader=scene.is_reader)
    components.study_desk(
        {
            **_words(scene, where),
            "boot": desk.boot,
            "heard": desk.heard,
            "now": now,
            "next": after,
            "sheets": sheets,
            "done": where.done,
            "total": where.total,
            "given": "" if desk.correcting is None else desk.correcting.answer,
            "confidence": scene.is_reader and scene.study.settings.confidence,
            "washout": scene.study.settings.washout_s if scene.is_reader else 0,
            "canBack": before is not None,
            "notice": desk.notice,
        },
        key=state.STUDY_DESK,
        on_said=partial(_hear, scene),
    )


def _views(scene: Scene, desk: Desk, where: ReaderState) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The image to show, and the one that comes then, as the browser knows them."""
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.participants import image_after, order_of

    with reading(records_engine()) as session:

        def view(position: int, helped: bool, corrects: int | None = None) -> dict[str, Any]:
            place = Place(position, helped)
            number = order_of(session, scene.participant_id, with_ai=helped).index(position) + 1
            known = {"key": place.key, "position": position, "helped": helped}
            return {**known, "number": number, "corrects": corrects}

        coming = where.next
        if desk.correcting is not None:
            now = view(desk.correcting.place.position, desk.correcting.place.helped, desk.correcting.reading_id)
        else:
            assert coming is not None  # `_draw` looked
            now, coming = view(coming.position, where.with_ai), image_after(session, scene.participant_id, where)
        return now, None if coming is None else view(coming.position, where.with_ai)


def _is_helped(where: ReaderState) -> bool:
    """Whether what was answered last belongs to the second pass; while somebody waits for that, to the first."""
    return where.with_ai and where.waits_until is None


def _words(scene: Scene, where: ReaderState) -> dict[str, Any]:
    """What the screen says."""
    if not scene.is_reader:
        from derm_model.records.study_tables import Reason

        choices = [{"id": USABLE, "words": "Usable"}]
        choices += [{"id": str(reason), "words": _capital(str(reason))} for reason in Reason]
        return {
            "noun": "Quality of image",
            "part": "",
            "prompt": "Is the image good enough to be read? If not, why?",
            "choices": choices,
            "columns": 4,
            "hint": f"Keys 1 to {len(choices)}. {SCREENING_NOTE}",
            "more": f"{words.BADGE}.",
        }
    choices = [{"id": choice.id, "words": choice.words} for choice in scene.question.choices]
    keys = "Keys 1 and 2." if len(choices) == 2 else f"Keys 1 to {len(choices)}."
    part = ""
    if scene.study.settings.second_pass:
        part = "Part 2 of 2, with the network's answer" if where.with_ai else "Part 1 of 2, without the network"
    return {
        "noun": "Image",
        "part": part,
        "prompt": scene.question.prompt,
        "choices": choices,
        "columns": 3,
        "hint": f"{keys} {READING_NOTE}",
        "more": f"{words.BADGE}.",
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _sheets(scene: Scene, desk: Desk, views: list[dict[str, Any]]) -> dict[str, Any]:
    """Pictures the browser lacks: the first in any case, the next one when it is ready or waited for."""
    places = [Place(view["position"], view["helped"]) for view in views]
    desk.clear({place.key for place in places})
    ordered = {place.key: desk.sheet(scene.participant_id, place, scene.network) for place in places}
    found = {}
    for is_next, (key, sheet) in zip((False, True), ordered.items(), strict=False):
        if key in desk.held:
            continue
        if is_next and desk.waits_for_next:
            _wait(sheet.done)
        if is_next and (not sheet.done() or sheet.exception() is not None):
            continue  # what is wrong with it is said when its turn comes
        found[key] = _sheet(sheet.result())
        desk.laid_at.setdefault(key, time.monotonic())
    desk.waits_for_next = False
    return found


def _wait(is_done: Callable[[], bool]) -> None:
    """Wait, and let an answer that comes meanwhile end this run."""
    place = st.empty()
    while not is_done():
        time.sleep(LOOK_AGAIN_S)
        place.empty()


def _sheet(sheet: Sheet) -> dict[str, Any]:
    said = sheet.said
    told = None if said is None else {"sentence": said.sentence, "shares": list(said.shares)}
    return {"url": sheet.url, "map": None if said is None else said.map_url, "said": told}


def _hear(scene: Scene) -> None:
    """Do what the browser says, once."""
    said = Message.of((st.session_state.get(state.STUDY_DESK) or {}).get("said"))
    desk = scene.desk
    if said is None or (said.id and said.id == desk.heard):
        return
    desk.held = said.held
    desk.waits_for_next = said.kind == "ahead"
    if said.kind in ("ahead", "missing"):
        return
    desk.heard, desk.notice = said.id, ""
    try:
        access.who(Right.TAKE_STUDY)
        _act(scene, desk, said)
    except (NotAllowed, DermTreeError) as error:
        desk.notice = str(error)


def _act(scene: Scene, desk: Desk, said: Message) -> None:
    if said.kind == "answer":
        (keep_reading if scene.is_reader else keep_vote)(desk, scene.participant_id, said)
    elif said.kind == "back":
        desk.correcting = _last(scene)
    elif said.kind == "keep":
        desk.correcting = None
    elif said.kind == "pause":
        address.stop_taking()


def _last(scene: Scene) -> Before | None:
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.reader_view import reader_state

    with reading(records_engine()) as session:
        where = reader_state(session, scene.participant_id)
    return last_answer(scene.participant_id, helped=_is_helped(where), is_reader=scene.is_reader)


def _draw_end(scene: Scene, where: ReaderState) -> None:
    """Nothing is left for now."""
    desk = scene.desk
    with st.container(border=True, key="study_end"):
        if desk.notice:
            st.warning(look.plain(desk.notice), icon=":material/info:")
        n = words.plural(where.total, "image")
        if not scene.is_reader:
            _thank(f"All {n} are checked", "Thank you. Readers can begin now.")
        elif where.waits_until is not None:
            moment = look.moment(where.waits_until.isoformat())
            _thank(
                "Part 1 is done",
                f"Thank you. Part 2 shows the same {n} with the network's answer. It begins on **{moment}**.",
            )
        else:
            _thank(f"All {n} are answered", "Thank you. What they show is told on the next page.")
        with st.container(horizontal=True):
            if desk.has_answered and _last(scene) is not None:
                # only where it was given, and as long as no tab has shown what the images show
                st.button("Correct the last answer", key="correct_last", on_click=partial(_correct_last, scene))
            st.button("Go on", key="finish_study", type="primary", on_click=partial(_finish, scene))


def _thank(title: str, text: str) -> None:
    st.subheader(title, anchor=False)
    st.markdown(text)


@access.act(Right.TAKE_STUDY)
def _correct_last(scene: Scene) -> None:
    scene.desk.correcting = _last(scene)


def _finish(scene: Scene) -> None:
    scene.desk.has_answered = False
    address.stop_taking()


def _draw_no_network() -> None:
    st.warning(
        "**The network of this study is not on this server**, or cannot answer its question. Part 2 shows its answers. "
        "Tell who runs the study.",
        icon=":material/link_off:",
    )
    st.button("Leave", key="leave_study", on_click=address.stop_taking)
