"""Two models side by side, with what may and what may not be read from it."""

from __future__ import annotations

import streamlit as st

from derm_model.card import folder_name
from derm_model.markup import table
from pages.ui import look, resources, state
from pages.ui.model import differences
from pages.ui.resources import Model


def draw_compare(model: Model) -> None:
    """Choice of the other model, then both cards."""
    others = {str(m.folder): m for m in resources.models()[0] if m.folder != model.folder}
    if not others:
        st.markdown("There is no other model here. Train one, or import one, and it can be compared with this.")
        return
    names = {folder: _label(m, [model, *others.values()]) for folder, m in others.items()}
    state.drop_unless(state.MODEL_OTHER, names)
    state.hold(state.MODEL_OTHER)
    chosen = st.selectbox(
        "Compare with",
        list(names),
        format_func=names.__getitem__,
        key=state.MODEL_OTHER,
        width=420,
        persist_state="session",
    )
    other = others[chosen]
    heads = (look.plain(_label(model, [model, *others.values()])), look.plain(names[chosen]))
    _draw_figures(model, other, heads)
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("##### Data")
        st.markdown(table(("Data set", *heads), differences.data_rows(model.card, other.card, look.plain)))
        st.caption("Images for training / validation / held out.")
        st.markdown("##### How they were made")
        st.markdown(table((" ", *heads), differences.making_rows(model.card, other.card, look.plain)))
    with right:
        _draw_classes(model, other, heads)


def _label(model: Model, among: list[Model]) -> str:
    """Name, with the folder where two have the same."""
    twins = sum(m.card.name == model.card.name for m in among) > 1
    return f"{model.card.name} ({folder_name(model.folder)})" if twins else model.card.name


def _draw_figures(model: Model, other: Model, heads: tuple[str, str]) -> None:
    st.markdown("##### Figures on held-out images")
    alike = differences.how_alike((model.folder, model.card), (other.folder, other.card))
    if alike.same:
        st.markdown(f"**The same held-out images.** {alike.reason} So the figures below can be compared.")
    else:
        known = "Not the same" if alike.same is False else "Not known to be the same"
        st.warning(
            f"**{known} held-out images.** {alike.reason} Figures of different images are not comparable: one set may "
            "be harder than the other, whatever the model.",
            icon=":material/warning:",
        )
    shared = differences.evaluated_on_both(model.card, other.card)
    if shared:
        st.markdown(f"Both were evaluated here on the very same images of {look.plain(', '.join(shared))}.")
    elif not alike.same:
        st.caption("For a fair comparison, evaluate both on the same images: `python -m derm_model evaluate --help`.")
    rows = differences.figure_rows(model.card, other.card, look.plain)
    st.markdown(table(("Figure", "Images of", *heads, "n"), rows, numbers=(2, 3, 4)))
    st.caption(
        "95% intervals. n = with disease + without, where a figure has two sides; both numbers where they differ. An "
        "expected calibration error is better the lower it is, all others the higher."
    )


def _draw_classes(model: Model, other: Model, heads: tuple[str, str]) -> None:
    st.markdown("##### Training classes")
    pairs = ((model, other, heads[0]), (other, model, heads[1]))
    only = [(head, differences.classes_only_in(one.card, two.card)) for one, two, head in pairs]
    n_shared = len(model.card.classes) - len(only[0][1])
    st.markdown(f"{n_shared} in both, by their place in the taxonomy.")
    for head, names in only:
        listed = "\n".join(f"- {look.plain(name)}" for name in names) or "- none"
        st.markdown(f"**Only in {head}** (training images)\n\n{listed}")
