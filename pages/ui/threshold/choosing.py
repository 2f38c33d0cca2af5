"""Which question, which images; and the desk for them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from derm_model.assessment.answers import ABOUT
from derm_model.card import TaskCard
from derm_model.errors import EvaluationError
from derm_model.operating_points import SavedPoint, read_points
from derm_model.taxonomy import TaskClasses
from pages.ui import look, resources, state
from pages.ui.resources import Model
from pages.ui.threshold import sources
from pages.ui.threshold.desk import Desk, first_hand
from pages.ui.threshold.link import Link
from pages.ui.threshold.sources import Choice, Images, Scored
from pages.ui.train.sources import file_version

MAX_KEPT = 4  # evaluations a session holds in memory: 10,000 images take some MB


def choose(model: Model, link: Link) -> Desk | None:
    """Question and images; None, with the reason said, where there is nothing to draw."""
    if not model.tasks:
        st.warning("The classes of this model can answer no yes-or-no question.", icon=":material/help:")
        return None
    left, right = st.columns(2)
    with left:
        task_id = _choose_question(model)
    card = model.card.tasks.get(task_id)
    offered = sources.choices(model.card.bundle_id, card, sources.class_ids(model.card.classes))
    with right:
        choice = _choose_images(offered, link)
    shown = None if choice is None else _images(model, card, task_id, choice)
    if shown is None:
        _explain_no_curve(choice)
        return None
    chosen_on = shown
    if card is not None:
        chosen_on = sources.of_card(next(c for c in offered if c.key == sources.VALIDATION), card)
    hand = state.hands().setdefault((model.card.bundle_id, task_id), first_hand(card, chosen_on))
    if link != Link() and link.question in (None, task_id):
        link.onto(hand)
    return Desk(
        bundle_id=model.card.bundle_id,
        sides=model.tasks[task_id],
        card=card,
        shown=shown,
        choosing=chosen_on,
        hand=hand,
        saved=_saved(model.card.bundle_id, task_id),
        offered=tuple(offered),
        kept=state.desk_kept(),
    )


def scored(folder: Path, sides: TaskClasses) -> Scored | None:
    """Images of a kept evaluation, read once a session; None, with the reason said, where they cannot be read."""
    key = (str(folder), file_version(folder / ABOUT), sides)
    known = state.scored()
    if key not in known:
        try:
            known[key] = sources.read_scored(folder, resources.taxonomy(), sides)
        except EvaluationError as error:
            st.error(f"**The kept answers cannot be shown.** {look.plain(str(error))}", icon=":material/error:")
            return None
        for old in list(known)[:-MAX_KEPT]:
            del known[old]
    return known[key]


def _choose_question(model: Model) -> str:
    names = {task_id: classes.task.question for task_id, classes in model.tasks.items()}
    state.drop_unless(state.DESK_QUESTION, names)
    if state.DESK_QUESTION not in st.session_state and st.session_state.get(state.QUESTION) in names:
        st.session_state[state.DESK_QUESTION] = st.session_state[state.QUESTION]  # the one asked on Classify
    chosen: str = st.selectbox(
        "Question", list(names), format_func=names.__getitem__, key=state.DESK_QUESTION, persist_state="session"
    )
    return chosen


def _choose_images(offered: list[Choice], link: Link) -> Choice | None:
    """The images whose curve is shown; None where there are none."""
    if not offered:
        return None
    by_key = {choice.key: choice for choice in offered}
    state.drop_unless(state.DESK_IMAGES, by_key)
    if link.images is not None and link.images not in by_key:
        st.warning(
            "**The address shows images that are not kept here.** Those below are shown instead.",
            icon=":material/link_off:",
        )
    key = st.selectbox(
        "Curve of",
        list(by_key),
        format_func=lambda key: by_key[key].name[:1].upper() + by_key[key].name[1:],
        key=state.DESK_IMAGES,
        persist_state="session",
        help="The images the rates are counted on. Presets are chosen on the validation images of the card, so the "
        "rates of other images do not flatter them. Evaluations that were kept for this model stand here, too.",
    )
    return by_key[key]


def _images(model: Model, card: TaskCard | None, task_id: str, choice: Choice) -> Images | None:
    if choice.folder is None:
        return None if card is None else sources.of_card(choice, card)
    found = scored(choice.folder, model.tasks[task_id])
    return None if found is None else sources.of_answers(choice, found)


def _explain_no_curve(choice: Choice | None) -> None:
    if choice is None:
        st.warning(
            "**This model was not measured on this question.** Without labelled images nothing is known of its error "
            "rates at any threshold. Evaluate it on labelled images: `python -m derm_model evaluate --help`.",
            icon=":material/help:",
        )
        return
    st.warning(
        "**These images give no curve for this question.** It needs images with and images without the disease. "
        "Choose others above.",
        icon=":material/help:",
    )


def _saved(bundle_id: str, task_id: str) -> tuple[SavedPoint, ...]:
    try:
        return tuple(point for point in read_points(bundle_id) if point.task_id == task_id)
    except EvaluationError as error:
        st.error(f"**Saved operating points are missing here.** {look.plain(str(error))}", icon=":material/error:")
        return ()
