"""A question of any two sets of diagnoses, put together by search, and whether model and images can answer it."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from derm_model import words
from derm_model.assessment.question_figures import QuestionFigures
from derm_model.taxonomy import Task, Taxonomy, restrict
from pages.ui import look
from pages.ui.evaluate import kept, keys, parts
from pages.ui.evaluate.kept import Shown

HITS = 6
SIDES = {keys.EVALUATION_POSITIVE: "One side, called positive", keys.EVALUATION_NEGATIVE: "The other side"}


def choose_question(of: Shown) -> QuestionFigures | None:
    """Draw the choice; None, with the reason said, until there is an answer."""
    n_of = images_below(of)
    _search(of, n_of)
    chosen = {}
    for key, column in zip(SIDES, st.columns(2), strict=True):
        # what an address or a search put there may have no image here: it stays an option, and the reason is said
        options = list(dict.fromkeys([*n_of, *_known(of, key)]))
        st.session_state[key] = _known(of, key)
        with column:
            chosen[key] = tuple(
                st.multiselect(
                    SIDES[key],
                    options,
                    format_func=lambda node: f"{of.model.taxonomy.node(node).name} ({n_of.get(node, 0):,})",
                    key=key,
                    wrap=True,
                    placeholder="Choose diagnoses or groups",
                    persist_state="session",
                    help="Groups and diagnoses that have images here, with their numbers.",
                )
            )
    task = own_task(of.model.taxonomy, *chosen.values())
    problem = why_not(of, task)
    if problem:
        st.caption(problem)
        return None
    sides = restrict(task, of.model.taxonomy, of.model.card.classes)
    assert sides is not None  # `why_not` looked
    found, (n_pos, n_neg) = kept.own_question(of, sides)
    if found is None:
        st.markdown(f"**Not defined**: both sides need images. n = {parts.sides(n_pos, n_neg)}.")
    return found


def images_below(of: Shown) -> dict[str, int]:
    """Nodes that have an image at or below them, in the order of the tree, with the number of these."""
    tree = of.model.taxonomy
    n_of: Counter[str] = Counter()
    for node, n in Counter(r.node for r in of.answers.records).items():
        for above in (node, *tree.ancestors(node)):
            n_of[above] += n
    return {node: n_of[node] for node in sorted(n_of, key=tree.position)}


def own_task(tree: Taxonomy, positive: tuple[str, ...], negative: tuple[str, ...]) -> Task:
    """The two sets as a question."""
    names = [_joined([tree.node(node).name for node in side]) for side in (positive, negative)]
    return Task("own", "Own question", f"{names[0]} or {names[1]}?", names[0], names[1], positive, negative)


def why_not(of: Shown, task: Task) -> str:
    """Why the question cannot be asked; "" where it can."""
    tree = of.model.taxonomy
    if not task.positive or not task.negative:
        return "Choose one diagnosis or group, or several, on either side."
    for one in task.positive:
        for other in task.negative:
            if tree.is_within(one, other) or tree.is_within(other, one):
                return (
                    f"An image cannot be on both sides: {look.plain(tree.node(one).name)} and "
                    f"{look.plain(tree.node(other).name)} overlap. Take one of them away."
                )
    if restrict(task, tree, of.model.card.classes) is None:
        return (
            "This model cannot answer it: a side has no training class of its own, or a class reaches beyond it. "
            "Choose larger groups."
        )
    return ""


def _joined(names: list[str]) -> str:
    return " or ".join(names) if len(names) < 3 else f"{names[0]} and {len(names) - 1} more"


def _known(of: Shown, key: str) -> list[str]:
    """What is chosen for a side, without what the taxonomy does not have."""
    return [node for node in st.session_state.get(key) or [] if node in of.model.taxonomy]


def _search(of: Shown, n_of: dict[str, int]) -> None:
    text = st.text_input(
        "Search by name or synonym",
        placeholder="For example: basal cell, Bowen, mole",
        key=keys.EVALUATION_SEARCH,
        type="search",
        live="250ms",
    )
    if not text:
        return
    tree = of.model.taxonomy
    hits = [node for node in tree.search(text, limit=30) if node in n_of][:HITS]
    if not hits:
        st.caption("No diagnosis or group like it has images here.")
    for node in hits:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            path = " › ".join(map(look.plain, tree.path(node)[-2:]))
            st.markdown(f"{path}, {words.plural(n_of[node], 'image')}", width="stretch")
            for key, label in ((keys.EVALUATION_POSITIVE, "Positive"), (keys.EVALUATION_NEGATIVE, "Other side")):
                st.button(label, key=f"{key}_{node}", type="tertiary", on_click=_add, args=(key, node))


def _add(key: str, node: str) -> None:
    chosen = list(st.session_state.get(key) or [])
    if node not in chosen:
        st.session_state[key] = [*chosen, node]
