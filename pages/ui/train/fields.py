"""One option of the recipe as a widget, with its explanation and what the preset says where it was changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from derm_model.recipe.config import TrainConfig, allowed_range
from derm_model.recipe.option import Kind, Option
from derm_model.recipe.options import OPTIONS
from derm_model.recipe.words import in_words
from pages.ui import look, state
from pages.ui.train import form_state

MIN_EPOCHS, MAX_EPOCHS = 1, 1000  # of one stage


def draw_option(name: str, values: Mapping[str, Any], preset: tuple[str, TrainConfig]) -> None:
    """The widget of an option.

    Parameters
    ----------
    name
        Of the option; not of the stages and the first weights, which have widgets of their own.
    values
        Of all options, as far as they can be read.
    preset
        Name and recipe of the preset.
    """
    option = OPTIONS[name]
    has_effect = option.has_effect(values)
    _widget(option, disabled=not has_effect)
    if not has_effect and option.only_with is not None:
        other, wanted = option.only_with
        words = " or ".join(in_words(other, value) for value in wanted)
        st.caption(f"Only with “{look.plain(OPTIONS[other].label)}”: {look.plain(words)}.")
    else:
        draw_change(name, values, preset)


def draw_change(name: str, values: Mapping[str, Any], preset: tuple[str, TrainConfig]) -> None:
    """What the preset says, where the value is another one."""
    title, config = preset
    said = getattr(config, name)
    if name in values and values[name] != said:
        st.caption(f":material/edit: Changed. {look.plain(title)}: {look.plain(in_words(name, said))}")


def _widget(option: Option, *, disabled: bool) -> None:
    key = state.train_option(option.name)
    common: dict[str, Any] = {"key": key, "help": option.help, "disabled": disabled, "persist_state": "session"}
    if option.kind is Kind.FLAG:
        st.checkbox(option.label, **common)
    elif option.kind is Kind.CHOICE:
        st.segmented_control(
            option.label,
            list(option.choices),
            format_func=option.choices.__getitem__,
            required=True,
            wrap=True,
            **common,
        )
    elif option.kind is Kind.TRIPLE:
        st.text_input(option.label, placeholder="red, green, blue", **common)
    elif option.kind is Kind.WEIGHTS:
        st.text_area(option.label, placeholder="PAD-UFES-20=5", height=90, **common)
    else:
        low, high = option.bounds
        kind: type[int] | type[float] = int if option.kind is Kind.WHOLE else float
        if option.optional:
            common |= {"value": None, "placeholder": "none"}
        st.number_input(
            option.label,
            min_value=kind(low),
            max_value=kind(high),
            step=kind(option.step),
            format="%d" if kind is int else "%g",
            **common,
        )


def draw_stages(values: Mapping[str, Any], preset: tuple[str, TrainConfig]) -> None:
    """Rows of size and epochs."""
    option = OPTIONS["stages"]
    low, high = allowed_range("read_size_px")
    n = state.n_stages()
    st.markdown(f"**{option.label}**", help=option.help)
    for i in range(n):
        with st.container(horizontal=True, vertical_alignment="bottom", key=f"stage_{i}", wrap=False):
            st.number_input(
                "Crop, px" if n == 1 else f"Crop of stage {i + 1}, px",
                min_value=int(low),
                max_value=int(high),
                step=16,
                key=state.train_option("stages", f"{form_state.SIZE}{i}"),
                persist_state="session",
            )
            st.number_input(
                "Epochs",
                min_value=MIN_EPOCHS,
                max_value=MAX_EPOCHS,
                step=1,
                key=state.train_option("stages", f"{form_state.EPOCHS}{i}"),
                persist_state="session",
            )
            if n > 1:
                st.button(
                    "Remove",
                    key=f"remove_stage_{i}",
                    type="tertiary",
                    on_click=form_state.remove_stage,
                    args=(i, n),
                )
    if n < form_state.MAX_STAGES:
        st.button("Add a stage", key="add_stage", icon=":material/add:", on_click=form_state.add_stage, args=(n,))
    draw_change("stages", values, preset)
