"""The inference rule for an image of this session: what the network said, summed up the tree."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.inference import InferenceNode, inference_tree, sums
from pages.ui import look, resources, state
from pages.ui.resources import Model
from pages.ui.taxonomy import keys
from pages.ui.train.links import draw_page_link


def draw(model: Model | None) -> None:
    """Choice of the image, figure, and the sums in words."""
    if model is None:
        st.caption("No model is chosen.")
        return
    answers = state.results().predictions
    images = {
        image.digest: f"{number} · {image.name}"
        for number, image in enumerate(state.case().images, start=1)
        if (model.card.bundle_id, image.digest) in answers
    }
    st.markdown(
        "The network answers for its training classes only. The probability of any node of the tree is the sum over "
        "the training classes below it (Methods, “Inference algorithm”; Extended Data Figure 1)."
    )
    if not images:
        with st.container(border=True, key="no_answer"):
            st.markdown("**No image of this session has an answer yet.** Load one on Classify and come back.")
            draw_page_link("classify", "Load an image", ":material/center_focus_strong:")
        return
    state.drop_unless(keys.TAXONOMY_IMAGE, images)
    chosen = st.selectbox(
        "Image", list(images), format_func=images.__getitem__, key=keys.TAXONOMY_IMAGE, persist_state="session"
    )
    probs = answers[model.card.bundle_id, chosen].class_probs
    nodes = inference_tree(resources.taxonomy(), model.aggregator, model.card.classes, probs)
    _draw_figure(nodes)
    with st.expander("The sums in words", icon=":material/functions:"):
        st.markdown(sums_in_words(nodes))


def _draw_figure(nodes: tuple[InferenceNode, ...]) -> None:
    from derm_model.figures.inference import plot_inference, shown

    best = max((node for node in nodes if node.is_class), key=lambda node: node.probability)
    with st.container(key="taxonomy_inference"):
        st.plotly_chart(
            plot_inference(nodes, look.palette()),
            theme=None,
            key="taxonomy_inference_chart",
            config={"displayModeBar": False},
            alt=f"Sums up the tree; the most probable training class is {best.name}, {shown(best.probability)}",
        )
    st.caption(
        "Open marks: training classes, the outputs of the network. Filled marks: nodes whose probability is the sum of "
        "the numbers on the edges to their right. ▲ malignant or premalignant, ◆ melanoma, ● benign, ■ non-neoplastic "
        f"or either. {words.NOTICE}"
    )


def sums_in_words(nodes: tuple[InferenceNode, ...]) -> str:
    """One line per inner node: its probability as the sum over its children."""
    from derm_model.figures.inference import shown

    by_key = {node.key: node for node in nodes}
    lines = []
    for key, children in sums(nodes).items():
        parts = " + ".join(f"{shown(child.probability)} ({look.plain(child.name)})" for child in children)
        lines.append(f"- **{look.plain(by_key[key].name)}** {shown(by_key[key].probability)} = {parts}")
    return "\n".join(lines)
