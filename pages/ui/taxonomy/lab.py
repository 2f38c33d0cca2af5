"""The partition lab: a limit that follows the hand, and what to do with the partition it gives."""

from __future__ import annotations

import dataclasses

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError
from derm_model.taxonomy import Partition, Taxonomy, partition
from derm_model.taxonomy.partition import MODES
from derm_model.taxonomy.partition_files import partition_as_csv, partition_as_json
from pages.ui import access, look, resources, state
from pages.ui.components import trees
from pages.ui.resources import Model
from pages.ui.taxonomy import address, kept, keys
from pages.ui.taxonomy.counting import Counted, choose_counts
from pages.ui.train import form_state

TOO_SMALL = 30
HEIGHT_PX = 540


def draw(model: Model | None) -> None:
    """Counts, slider with the tree, and the ways out."""
    counted = choose_counts(model)
    if counted is not None:
        _draw_lab(counted)


@access.fragment
def _draw_lab(counted: Counted) -> None:
    tree = resources.taxonomy()
    trees.lab(
        kept.tree_payload(tree),
        counts=positions(tree, counted),
        limit=address.limit(),
        highest=highest(counted),
        mode=address.rule(),
        too_small=TOO_SMALL,
        height_px=HEIGHT_PX,
        key=keys.TAXONOMY_LAB,
        on_settle=_settle,
    )
    found = cut(tree, counted, address.limit(), address.rule())
    if found is None:
        return
    st.caption(
        f"**Fewer than {TOO_SMALL} images** are called too small: with a tenth held back for validation three are left "
        "to measure on, and one of them more or less right changes the accuracy of the class by a third. "
        "**The paper** chose 1,000 and got 757 classes from 127,463 images, 168 a class; its tree and its images were "
        f"never published. Here {words.count(address.limit())} gives "
        f"{words.plural(len(found.classes), 'class', 'classes')} from {words.plural(counted.total, 'image')}."
    )
    _draw_files(tree, found, counted)
    address.put("lab")


def _settle() -> None:
    settled = st.session_state[keys.TAXONOMY_LAB].get("settled")
    if isinstance(settled, dict) and settled.get("mode") in MODES and isinstance(settled.get("limit"), int | float):
        st.session_state[keys.TAXONOMY_LIMIT] = max(1, min(address.HIGHEST_LIMIT, int(settled["limit"])))
        st.session_state[keys.TAXONOMY_RULE] = settled["mode"]


def positions(tree: Taxonomy, counted: Counted) -> list[tuple[int, int]]:
    """(position, images) as the components want them."""
    return sorted((tree.position(node), n) for node, n in counted.by_node.items() if n)


def highest(counted: Counted) -> int:
    """End of the slider: a limit that holds every root together in a class, and the paper's at least."""
    return max(2 * address.PAPERS_LIMIT, min(address.HIGHEST_LIMIT, counted.total + 1))


def cut(tree: Taxonomy, counted: Counted, limit: int, rule: str) -> Partition | None:
    """The partition; None, with the reason on the page, where there is none."""
    try:
        return partition(tree, counted.by_node, limit, rule)
    except DermTreeError as error:
        st.error(f"**The tree cannot be cut.** {look.plain(str(error))}", icon=":material/error:")
        return None


def _draw_files(tree: Taxonomy, found: Partition, counted: Counted) -> None:
    st.markdown("##### Take it along")
    name = f"partition-{found.mode}-{found.max_class_size}"
    with st.container(horizontal=True, key="taxonomy_partition_files"):
        st.download_button(
            "Classes (CSV)",
            lambda: partition_as_csv(found, tree, counted.by_node, counted.words).encode(),
            f"{name}.csv",
            "text/csv",
            key="taxonomy_partition_csv",
            icon=":material/download:",
            on_click="ignore",
        )
        st.download_button(
            "Partition (JSON)",
            lambda: partition_as_json(found, counted.by_node, counted.words).encode(),
            f"{name}.json",
            "application/json",
            key="taxonomy_partition_json",
            icon=":material/download:",
            on_click="ignore",
        )
        if access.may(Right.RESEARCH) and st.button(
            "Use it in a training", key="taxonomy_train", icon=":material/model_training:"
        ):
            _hand_over(found, counted)
    st.caption(
        f"Both files name the taxonomy (`{found.taxonomy_digest[:12]}`), the counts (`{counted.digest[:12]}`), the "
        "limit and the rule. A training takes limit and rule from here and counts its own training images, so its "
        "classes can differ: the Train page shows them before it starts."
    )


def _hand_over(found: Partition, counted: Counted) -> None:
    """Fill the training form with limit, rule and, where it is a collection, the images; and go there."""
    access.who(Right.RESEARCH)
    form_state.begin()
    values = {"targets": "partition", "max_class_size": found.max_class_size, "partition_mode": found.mode}
    known = {field.name for field in dataclasses.fields(form_state.FIRST.config)}
    st.session_state.update({state.train_option(name): value for name, value in values.items() if name in known})
    if counted.images is not None:
        st.session_state[state.TRAIN_IMAGES] = counted.images.path
    state.say(
        f"The form has the limit {words.count(found.max_class_size)} and the rule “{found.mode}” of the partition lab."
    )
    try:
        st.switch_page("pages/train.py")
    except (st.errors.StreamlitAPIException, KeyError):  # without app.py there is no table of pages
        st.markdown("[Go to the training form](/train)")
