"""What is explained and how: image, target, methods and their settings."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from derm_model import words
from pages.ui import look, picker, state, viewer
from pages.ui.case import Case, CaseImage
from pages.ui.reading import explained_node
from pages.ui.resources import Model
from pages.ui.saliency import keys
from pages.ui.saliency.entries import PAPER, Entry, cost_in_words, duration, read_by
from pages.ui.saliency.wish import LABELS, OF, Kind, Wish, resolved_nodes

if TYPE_CHECKING:
    from derm_model.net.engine import Engine
    from derm_model.net.saliency.method import Pace, Settings

FIRST = (PAPER, "smoothgrad", "grad_cam")  # what a new session sees: the paper's map, and two quick ones of other kinds
# setting -> label, help, least, most, step
NUMBERS: dict[str, tuple[str, str, float, float, float]] = {
    "samples": ("Noisy copies", "Of SmoothGrad and VarGrad. More are smoother, and take as much longer.", 2, 256, 1),
    "noise": ("Noise", "Standard deviation as a share of the image's range; 0.1 to 0.2 is advised.", 0.01, 1.0, 0.01),
    "steps": ("Steps from the baseline", "Of integrated gradients.", 2, 512, 1),
    "patch_px": ("Patch, px", "Side of what occlusion covers, in pixels of the network's input.", 4, 128, 1),
    "masks": ("Random masks", "Of RISE. With few of them the map is speckled by chance.", 2, 8000, 1),
    "seed": ("Seed", "Of whatever is random: the same seed gives the same map.", 0, 99_999, 1),
}


def predicted(engine: Engine, image: CaseImage) -> NDArray[np.float64]:
    """Probabilities of the training classes of an image, (n_classes,)."""
    known, key = state.results().predictions, (engine.bundle.card.bundle_id, image.digest)
    if key not in known:
        (known[key],) = engine.predict([image.pixels])
    return known[key].class_probs


def choose_image(model: Model, engine: Engine, case: Case) -> CaseImage:
    """The image, among several by its number and most probable class."""
    position = min(st.session_state.get(state.SHOWN) or 0, len(case.images) - 1)
    if len(case.images) > 1:
        tops = [predicted(engine, image) for image in case.images]
        names = [f"{model.card.classes[int(p.argmax())].name} {words.percent(float(p.max()))}" for p in tops]
        viewer.choose_image(case.images, [look.plain(name) for name in names])
    return case.images[position]


def choose_wish(model: Model, probs: NDArray[np.float64]) -> Wish:
    """What is explained."""
    left, middle, right = st.columns(3, gap="medium")
    kinds = [kind for kind in Kind if kind is not Kind.QUESTION or model.tasks]
    state.drop_unless(keys.SALIENCY_KIND, kinds)
    with left:
        kind = st.selectbox(
            "What is explained",
            kinds,
            format_func=LABELS.__getitem__,
            key=keys.SALIENCY_KIND,
            persist_state="session",
        )
    with middle:
        wish = _choose_detail(model, probs, Kind(kind))
    with right:
        of = st.selectbox(
            "Through",
            list(OF),
            format_func=OF.__getitem__,
            key=keys.SALIENCY_OF,
            disabled=wish.kind is Kind.LABEL,
            persist_state="session",
            help="What the methods differentiate or watch. log P is the loss with its sign turned, and stays readable "
            "where P is near 0 or 1. The paper's map is always of the loss.",
        )
    if kind is Kind.NODE:
        picker.draw_picker(model, probs)
    return Wish(Kind(kind), wish.node, wish.other, wish.class_id, wish.task_id, of or "loss")


def _choose_detail(model: Model, probs: NDArray[np.float64], kind: Kind) -> Wish:
    if kind is Kind.PREDICTED:
        top = int(probs.argmax())
        name = model.card.classes[top].name
        st.markdown(f"On this image:  \n**{look.plain(name)}**, {words.percent(float(probs[top]))}")
        return Wish(kind)
    if kind is Kind.CLASS:
        names = {c.id: f"{c.name}, {words.percent(float(p))}" for c, p in zip(model.card.classes, probs, strict=True)}
        return Wish(kind, class_id=_select("Class", names, keys.SALIENCY_CLASS))
    if kind is Kind.QUESTION:
        questions = {task_id: classes.task.positive_name for task_id, classes in model.tasks.items()}
        return Wish(kind, task_id=_select("Score for", questions, keys.SALIENCY_QUESTION))
    if kind is Kind.NODE:
        return _picked(model, probs)
    nodes = resolved_nodes(model)
    if kind is Kind.LABEL:
        return Wish(kind, node=_select("True label", nodes, keys.SALIENCY_LABEL))
    one = _select("Why this", nodes, keys.SALIENCY_NODE)
    return Wish(kind, one, _select("Rather than this", nodes, keys.SALIENCY_OTHER, len(nodes) - 1))


def _select(label: str, options: dict[str, str], key: str, first: int = 0) -> str | None:
    _begin_with(key, list(options)[first], options)
    found: str | None = st.selectbox(
        label, list(options), format_func=options.__getitem__, key=key, persist_state="session"
    )
    return found


def _begin_with(key: str, value: object, options: Container[object] | None = None) -> None:
    """First value of a widget; one that the address has set goes before it."""
    if options is not None:
        state.drop_unless(key, options)
    st.session_state.setdefault(key, value)


def _picked(model: Model, probs: NDArray[np.float64]) -> Wish:
    node = state.picked()
    covering = None if node is None else explained_node(model.aggregator, model.card.classes, node)
    if covering is not None:
        probability = model.aggregator.probability(probs, covering) or 0.0
        name = look.plain(model.taxonomy.node(covering).name)
        coarser = "" if covering == node else ", the nearest the model has learnt"
        st.markdown(f"Picked:  \n**{name}**, {words.percent(probability)}{coarser}")
    else:
        st.markdown("Nothing is picked yet:  \nsearch below.")
    return Wish(Kind.NODE, node)


def choose_methods(known: dict[str, Entry]) -> list[Entry]:
    """Any number of methods, in the order of the list."""
    if keys.SALIENCY_METHODS not in st.session_state:
        st.session_state[keys.SALIENCY_METHODS] = [name for name in FIRST if name in known]
    st.session_state[keys.SALIENCY_METHODS] = [i for i in st.session_state[keys.SALIENCY_METHODS] if i in known]
    st.pills(
        "Methods, side by side",
        list(known),
        selection_mode="multi",
        format_func=lambda i: known[i].label,
        key=keys.SALIENCY_METHODS,
        persist_state="session",
        wrap=True,
    )
    return [entry for name, entry in known.items() if name in st.session_state[keys.SALIENCY_METHODS]]


def choose_settings(known: dict[str, Entry], chosen: Sequence[Entry], engine: Engine, pace: Pace | None) -> Settings:
    """Settings that a chosen method reads, and what every method means and costs with them."""
    from dataclasses import replace

    from derm_model.net.saliency.explainer import Explainer
    from derm_model.net.saliency.method import Settings

    names, blocks = read_by(chosen), Explainer(engine).blocks
    with st.expander("Settings, meaning and cost of the methods", icon=":material/tune:", key="saliency_settings"):
        values: dict[str, Any] = {}
        if names:
            with st.grid(3, min_column_width=200):
                for name in names:
                    with st.container():
                        values[name] = _choose_setting(name, getattr(Settings(), name), blocks)
        settings = replace(Settings(), **values)
        st.markdown(_listed(known, settings, engine.bundle.preprocessing.size_px, pace))
        st.caption(
            "A pass is one image through the network. Times are estimates from a pass measured on this machine, "
            "while nobody else computes."
            if pace is not None
            else "A pass is one image through the network; how long one takes here is being measured."
        )
    return settings


def _choose_setting(name: str, default: object, blocks: Sequence[str]) -> object:
    from derm_model.net.saliency.method import BASELINES

    key = keys.saliency_setting(name)
    if name == "baseline":
        _begin_with(key, default, BASELINES)
        return st.selectbox(
            "Baseline: what nothing looks like",
            list(BASELINES),
            format_func=lambda kind: BASELINES[kind],
            key=key,
            persist_state="session",
        )
    if name == "block":
        _begin_with(key, blocks[-1], blocks)
        return st.selectbox(
            "Block of the network",
            list(blocks),
            key=key,
            persist_state="session",
            help="Grad-CAM's map has the resolution of its block: early ones are fine, late ones mean more.",
        )
    label, text, low, high, step = NUMBERS.get(name, (name.replace("_", " ").capitalize(), "", 0, 10_000, 1))
    kind = float if isinstance(default, float) else int
    assert isinstance(default, int | float)
    _begin_with(key, kind(default))
    return st.number_input(
        label,
        min_value=kind(low),
        max_value=kind(high),
        step=kind(step),
        key=key,
        help=text or None,
        persist_state="session",
    )


def _listed(known: dict[str, Entry], settings: Settings, size_px: int, pace: Pace | None) -> str:
    """A line for each method; a table of so many words is no use on a phone."""
    lines = []
    for entry in known.values():
        cost = entry.method.cost(settings, size_px)
        time = duration(None if pace is None else cost.seconds(pace))
        badge = f" ({entry.badge})" if entry.badge else ""
        needs = f"{cost_in_words(cost)}{f', {time}' if time else ''}"
        lines.append(
            f"- **{look.plain(entry.name)}**{badge}, {needs}. {look.plain(entry.method.meaning)} "
            f"*{look.plain(entry.paper)}.*"
        )
    return "\n".join(lines)
