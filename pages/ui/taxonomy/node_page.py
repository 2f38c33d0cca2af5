"""All that is known of a node, and the ways from it."""

from __future__ import annotations

from urllib.parse import urlencode

import streamlit as st
from streamlit.errors import StreamlitAPIException

from derm_model import words
from derm_model.answer import role_of
from derm_model.errors import CrosswalkError
from derm_model.palette import MARKS, Role
from derm_model.taxonomy import Resolution, Taxonomy
from pages.ui import look, resources
from pages.ui.resources import Model
from pages.ui.taxonomy import address, kept
from pages.ui.taxonomy.counting import Counted

COLOURS = {Role.MALIGNANT: ":red", Role.BENIGN: ":blue", Role.NON_NEOPLASTIC: ":orange"}
TIERS = {
    "A": "A: a public image data set or the ISIC archive has a label for it",
    "B": "B: its name or a synonym is in a public list of diseases",
    "C": "C: only the writers' knowledge",
}
CHILDREN_SHOWN = 12
LABELS_SHOWN = 8


def draw(node_id: str, model: Model | None) -> None:
    """Name, path, facts, children, and what the chosen model makes of it."""
    tree = resources.taxonomy()
    node = tree.node(node_id)
    role = role_of(tree, node_id)
    mark = f"{COLOURS[role]}[{MARKS[role]}]" if role in COLOURS else MARKS[role]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"### {mark} {look.plain(node.name)}")
        st.space("stretch")
        st.button("Close", key="taxonomy_close", type="tertiary", on_click=address.show_node, args=(None,))
    _draw_path(tree, node_id)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _draw_facts(tree, node_id, role)
    with right:
        st.markdown("##### For the chosen model")
        st.markdown(model_sentence(model, node_id))
        _draw_link(node_id)
    _draw_children(tree, node_id)


def _draw_path(tree: Taxonomy, node_id: str) -> None:
    line = [*reversed(tree.ancestors(node_id))]
    if not line:
        return
    with st.container(horizontal=True, key="taxonomy_path", gap="xsmall"):
        for above in line:
            st.button(
                f"{look.plain(tree.node(above).name)} ›",
                key=f"taxonomy_above_{above}",
                type="tertiary",
                on_click=address.show_node,
                args=(above,),
            )


def _draw_facts(tree: Taxonomy, node_id: str, role: Role) -> None:
    node = tree.node(node_id)
    below = len(tree.leaves(node_id))
    status = node.malignancy_status or ("diseases of different status" if not tree.is_leaf(node_id) else "not given")
    lines = [
        ("What it is", "a disease" if tree.is_leaf(node_id) else f"a group of {words.plural(below, 'disease')}"),
        ("Synonyms", "; ".join(map(look.plain, node.synonyms)) or "none"),
        ("Malignancy", f"{look.plain(status)} ({role.value})" if status != role.value else look.plain(status)),
        ("ICD-10", f"{look.plain(node.icd10)} (a hint, no coding)" if node.icd10 else "no hint"),
        ("Evidence", TIERS.get(node.tier or "", "none: a group") if node.tier else "a group, or not rated"),
        ("Labels of data sets", _labels(tree, node_id)),
        ("Id", f"`{node_id}`"),
    ]
    st.markdown("  \n".join(f"**{name}:** {value}" for name, value in lines))


def _labels(tree: Taxonomy, node_id: str) -> str:
    try:
        known = kept.crosswalk()
    except CrosswalkError as error:
        return f"cannot be read: {look.plain(str(error))}"
    own = known.labels_of(node_id)
    shown = "; ".join(f"{look.plain(data_set)}: {look.plain(label)}" for data_set, label in own[:LABELS_SHOWN])
    more = f"; and {len(own) - LABELS_SHOWN} more" if len(own) > LABELS_SHOWN else ""
    below = sum(len(known.labels_of(member)) for member in tree.descendants(node_id)) - len(own)
    under = f"{words.plural(below, 'label')} of nodes below it" if below else ""
    return ". ".join(part for part in (shown + more, under) if part) or "none"


def model_sentence(model: Model | None, node_id: str) -> str:
    """Which training class of the model covers a node, or that none is so fine."""
    if model is None:
        return "No model is chosen."
    aggregator, classes = model.aggregator, model.card.classes
    resolution = aggregator.resolution(node_id)
    if resolution is Resolution.NO_CLASS:
        return "Not learnt: the model saw no images of it, so it can say nothing about it."
    if resolution is Resolution.FINER_THAN_MODEL:
        covering = aggregator.covering_class(node_id)
        name = "" if covering is None else look.plain(classes[covering].name)
        if covering is not None and classes[covering].residual:
            return (
                "Not resolved by this model: it saw no images of it by name. Images of the group above that nobody "
                f"named more closely are the class **{name}**."
            )
        return f"Not resolved by this model: it has no class this fine. It is part of **{name}**."
    inside = aggregator.class_indices(node_id)
    if len(inside) == 1:
        c = classes[inside[0]]
        same = "is the training class" if c.node == node_id and not c.residual else "holds one training class,"
        return f"Resolved: it {same} **{look.plain(c.name)}** ({words.plural(c.n_images, 'training image')})."
    listed = ", ".join(look.plain(classes[i].name) for i in inside[:6])
    more = f" and {len(inside) - 6} more" if len(inside) > 6 else ""
    return f"Resolved: its probability is the sum over **{len(inside)} training classes**: {listed}{more}."


def _draw_link(node_id: str) -> None:
    label = "Ask about it on Classify"
    try:
        st.page_link(
            "pages/classify.py", label=label, icon=":material/center_focus_strong:", query_params={"node": node_id}
        )
    except (StreamlitAPIException, KeyError):  # without app.py there is no table of pages
        st.markdown(f"[{label}](/?{urlencode({'node': node_id})})")
    st.caption("Its probability and its map are shown with the image. The address of this page shows this node.")


def _draw_children(tree: Taxonomy, node_id: str) -> None:
    children = tree.children(node_id)
    if not children:
        return
    st.markdown(f"##### {words.plural(len(children), 'child', 'children')}")
    _buttons(tree, children[:CHILDREN_SHOWN])
    if len(children) > CHILDREN_SHOWN:
        with st.expander(f"{len(children) - CHILDREN_SHOWN} more"):
            _buttons(tree, children[CHILDREN_SHOWN:])


def _buttons(tree: Taxonomy, nodes: tuple[str, ...]) -> None:
    with st.container(horizontal=True, gap="small"):
        for node in nodes:
            n = len(tree.leaves(node))
            more = "" if tree.is_leaf(node) else f" · {n}"
            name = f"{MARKS[role_of(tree, node)]} {look.plain(tree.node(node).name)}{more}"
            st.button(name, key=f"taxonomy_child_{node}", on_click=address.show_node, args=(node,))


def draw_counts(node_id: str, counted: Counted) -> None:
    """Images at the node and below it."""
    tree = resources.taxonomy()
    own = counted.by_node.get(node_id, 0)
    all_ = sum(counted.by_node.get(member, 0) for member in tree.descendants(node_id))
    st.markdown(
        f"**{words.plural(all_, 'image')}** at or below {look.plain(tree.node(node_id).name)}, "
        f"{words.count(own)} of them labelled with exactly it."
    )
