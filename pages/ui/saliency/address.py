"""The address of the page holds what was chosen: target, methods, settings, section; never an image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from pages.ui import resources, state
from pages.ui.address_bar import AddressBar
from pages.ui.resources import Model
from pages.ui.saliency import keys
from pages.ui.saliency.choosing import NUMBERS
from pages.ui.saliency.entries import Entry, read_by
from pages.ui.saliency.wish import OF, Kind, Wish

if TYPE_CHECKING:
    from derm_model.net.saliency.method import Settings

MODEL, EXPLAIN, METHODS, IMAGE = "model", "explain", "methods", "image"
NODE, OTHER, CLASS, QUESTION, OF_WORD, SECTION = "node", "other", "class", "question", "of", "section"
CHOICES = ("baseline", "block")  # settings that are words
BAR = AddressBar(
    "saliency",
    (MODEL, EXPLAIN, NODE, OTHER, CLASS, QUESTION, OF_WORD, METHODS, SECTION, IMAGE, *NUMBERS, *CHOICES),
    (
        *(
            keys.SALIENCY_KIND,
            keys.SALIENCY_CLASS,
            keys.SALIENCY_QUESTION,
            keys.SALIENCY_NODE,
            keys.SALIENCY_OTHER,
        ),
        *(keys.SALIENCY_LABEL, keys.SALIENCY_OF, keys.SALIENCY_METHODS, keys.SALIENCY_SECTION),
        *(keys.saliency_setting(name) for name in (*NUMBERS, *CHOICES)),
    ),
)


def take_model() -> None:
    """Choose the model that the address names, before the frame draws the choice."""
    wanted = BAR.news().get(MODEL)
    found = [model for model in resources.models()[0] if model.card.bundle_id == wanted]
    if found:
        st.session_state[state.MODEL] = str(found[0].folder)


def take(model: Model) -> None:
    """Choose what a new address says beyond the model; what cannot be shown is said."""
    query = BAR.news()
    if query:
        BAR.take(query)
        _choose(query, model)
    BAR.draw_complaints()


def _choose(query: Mapping[str, str], model: Model) -> None:
    if query.get(MODEL) not in (None, model.card.bundle_id):
        BAR.complain(
            "**The address is of another model**, which is not on this server. What is shown belongs to the model "
            "chosen in the sidebar."
        )
        return
    unusable = [*_take_target(query, model), *_take_settings(query)]
    if unusable:
        BAR.complain(f"**Part of the address could not be used** ({', '.join(unusable)}). The rest was.")


def _take_target(query: Mapping[str, str], model: Model) -> list[str]:
    """Set what is explained; names of what cannot be used."""
    kind = query.get(EXPLAIN)
    found: dict[str, tuple[str, str, bool]] = {}  # word of the query -> widget, value, usable
    if kind is not None:
        found[EXPLAIN] = (keys.SALIENCY_KIND, kind, kind in list(Kind))
    if OF_WORD in query:
        found[OF_WORD] = (keys.SALIENCY_OF, query[OF_WORD], query[OF_WORD] in OF)
    if CLASS in query:
        found[CLASS] = (keys.SALIENCY_CLASS, query[CLASS], query[CLASS] in {c.id for c in model.card.classes})
    if QUESTION in query:
        found[QUESTION] = (keys.SALIENCY_QUESTION, query[QUESTION], query[QUESTION] in model.tasks)
    for word, key in ((NODE, keys.SALIENCY_NODE), (OTHER, keys.SALIENCY_OTHER)):
        if word in query:
            key = keys.SALIENCY_LABEL if kind == Kind.LABEL else key
            found[word] = (key, query[word], query[word] in model.taxonomy.index)
    if IMAGE in query:
        n = len(state.case().images)
        usable = query[IMAGE].isascii() and query[IMAGE].isdigit() and 1 <= int(query[IMAGE]) <= max(n, 1)
        if usable:
            st.session_state[state.SHOWN] = int(query[IMAGE]) - 1
    for key, value, usable in found.values():
        if usable:
            st.session_state[key] = Kind(value) if key == keys.SALIENCY_KIND else value
    if kind == Kind.NODE and NODE in found and found[NODE][2]:
        state.pick(query[NODE])
    return [word for word, (_, _, usable) in found.items() if not usable]


def _take_settings(query: Mapping[str, str]) -> list[str]:
    """Set methods, settings and section; those that are not there are left out by the widgets themselves."""
    if METHODS in query:
        st.session_state[keys.SALIENCY_METHODS] = query[METHODS].split(",")
    if SECTION in query:
        st.session_state[keys.SALIENCY_SECTION] = query[SECTION]
    for word in CHOICES:
        if word in query:
            st.session_state[keys.saliency_setting(word)] = query[word]
    unusable = []
    for word, (_, _, low, high, step) in NUMBERS.items():
        if word not in query:
            continue
        value = _number(query[word])
        is_share = step < 1
        if low <= value <= high and (is_share or value == int(value)):
            st.session_state[keys.saliency_setting(word)] = value if is_share else int(value)
        else:
            unusable.append(word)
    return unusable


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def put(model: Model, wish: Wish, chosen: Sequence[Entry], settings: Settings) -> None:
    """Let the address say what is shown, so that it can be copied."""
    query = {MODEL: model.card.bundle_id, **query_of(wish), METHODS: ",".join(entry.id for entry in chosen)}
    query |= {name: str(getattr(settings, name)) for name in read_by(chosen)}
    section = st.session_state.get(keys.SALIENCY_SECTION)
    if section:
        query[SECTION] = str(section)
    BAR.put(query)


def query_of(wish: Wish) -> dict[str, str]:
    """What is explained, as words of the address."""
    query = {EXPLAIN: wish.kind.value, OF_WORD: wish.of}
    said = {NODE: wish.node, OTHER: wish.other, CLASS: wish.class_id, QUESTION: wish.task_id}
    return query | {word: value for word, value in said.items() if value is not None}
