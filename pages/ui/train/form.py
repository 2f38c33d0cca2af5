"""The form: recipe, images, outputs, weights, stages; preview and cost before the start. A fragment of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import streamlit as st

from derm_model import words
from derm_model.errors import DermTreeError
from derm_model.home import home
from derm_model.recipe.config import PRESETS, TrainConfig
from derm_model.recipe.options import GROUPS, OPTIONS, Group
from derm_model.recipe.words import in_words
from pages.ui import access, look, resources, state
from pages.ui.train import fields, form_state, preview, sources, starting
from pages.ui.train.choosing import choose_images
from pages.ui.train.form_state import BY_FOLD, BY_SHARES
from pages.ui.train.sources import Images, Weights
from pages.ui.train.wish import CROSSVAL, TRAIN

FRAGMENT = "train_form"  # its key: a card's "Clone with changes" draws it anew
PRESET_LABELS = {"paper": "Paper", "small-data": "Small data"}
KINDS = {TRAIN: "One training", CROSSVAL: "Cross-validation"}
SPLITS = {BY_FOLD: "Fold of the workspace", BY_SHARES: "By shares"}
ADVANCED = {
    Group.OPTIMISER: ":material/speed:",
    Group.LOSS: ":material/balance:",
    Group.AUGMENTATION: ":material/rotate_right:",
    Group.REGULARISATION: ":material/tune:",
    Group.WEIGHTS: ":material/palette:",
    Group.MACHINE: ":material/memory:",
}
TITLES = {Group.WEIGHTS: "Padding and colours of the first weights"}
OWN_PLACE = ("targets", "max_class_size", "initialisation", "stages")  # above, not folded
MACHINE_TOO = ("partition_mode", "read_size_px")  # seldom wanted, and alone in their groups otherwise
MAX_PROCESSES = 64
MAX_SHARE = 90.0  # of the images: whoever holds more out has nothing to learn from


@partial(access.fragment, key=FRAGMENT)
def draw_form() -> None:
    """Everything from the recipe to the start; jobs that are watched beside it do not draw it anew."""
    form_state.begin()
    st.markdown("### New training")
    with st.container(key="train_kind_box"):
        st.segmented_control(
            "What",
            list(KINDS),
            format_func=KINDS.__getitem__,
            key=state.TRAIN_KIND,
            required=True,
            wrap=True,
            persist_state="session",
            label_visibility="collapsed",
        )
    with st.container(key="train_preset_box"):
        st.segmented_control(
            "Recipe",
            list(PRESETS),
            format_func=lambda name: PRESET_LABELS.get(name, name),
            key=state.TRAIN_PRESET,
            required=True,
            wrap=True,
            persist_state="session",
            on_change=form_state.fill_preset,
            help="Fills in every option. Paper: as Esteva et al. 2017, for 100,000 images and a GPU. Small data: for "
            "some thousand images, and hours instead of days. Whatever you change afterwards is marked.",
        )
    values, _ = form_state.values()
    preset = (str(st.session_state[state.TRAIN_PRESET]), PRESETS[st.session_state[state.TRAIN_PRESET]])
    # Each part has a place of its own, whether or not it draws something: what stands below keeps its position in the
    # fragment, or the browser would for a moment show old elements in new places.
    with st.container(key="train_changes"):
        _draw_changes(values, preset)
    with st.container(key="train_images_box"):
        images, trouble = choose_images(
            "Images", sources.offered(), state.TRAIN_IMAGES, nothing="Choose images to train on."
        )
    with st.container(key="train_split_box"):
        n_folds = _choose_split(images)
    with st.container(key="train_outputs_box"):
        _choose_outputs(values, preset)
    with st.container(key="train_weights_box"):
        weights = _choose_weights(values, preset)
    with st.container(key="train_stages_box"):
        fields.draw_stages(values, preset)
    with st.container(key="train_name_box"):
        _choose_name()
    wish, problems = form_state.read(
        workspace=images.path if images and images.is_workspace else "",
        manifest=images.path if images and not images.is_workspace else "",
        has_folds=n_folds is not None,
    )
    future = None if images is None or wish is None or problems else resources.run_plan(images, wish)
    with st.container(key="train_preview_box"):
        if future is not None and wish is not None:
            preview.draw_preview(future, wish)
        elif images is not None:
            st.caption("The preview comes back when nothing speaks against the options; the reasons stand at the end.")
    st.markdown("##### Advanced")
    with st.container(gap="xsmall", key="train_advanced"):
        _draw_groups(values, preset)
    with st.container(key="train_device_box"):
        _choose_device()
    with st.container(key="train_start_box"):
        reasons = [*([trouble] if trouble else []), *problems, *_weights_problems(values, weights)]
        starting.draw_start(images, wish, future, reasons)


def _draw_changes(values: Mapping[str, Any], preset: tuple[str, TrainConfig]) -> None:
    """Which options are not the preset's."""
    name, config = preset
    changed = [option for option in OPTIONS if option in values and values[option] != getattr(config, option)]
    if not changed:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        listed = ", ".join(f"{OPTIONS[o].label.lower()} {in_words(o, values[o])}" for o in changed[:4])
        more = f" and {len(changed) - 4} more" if len(changed) > 4 else ""
        st.caption(
            f":material/edit: {words.plural(len(changed), 'option')} changed from {look.plain(name)}: "
            f"{look.plain(listed + more)}"
        )
        st.button("Back to the preset", key="back_to_preset", type="tertiary", on_click=form_state.fill_preset)


def _choose_split(images: Images | None) -> int | None:
    """How images are held out; the number of the workspace's folds, None without."""
    n_folds = None if images is None or images.folds is None else resources.n_folds(images.folds)
    if st.session_state[state.TRAIN_KIND] == CROSSVAL:
        if n_folds is not None:
            st.caption(f"Over the {words.plural(n_folds, 'fold')} of this workspace.")
        else:
            st.number_input(
                "Folds",
                min_value=2,
                max_value=20,
                key=state.TRAIN_N_FOLDS,
                persist_state="session",
                help="Made of the images that are no official test images; no group straddles. The paper: 9.",
            )
        return n_folds
    if n_folds is not None:
        st.segmented_control(
            "Split",
            list(SPLITS),
            format_func=SPLITS.__getitem__,
            key=state.TRAIN_SPLIT,
            required=True,
            wrap=True,
            persist_state="session",
            help="The workspace's folds know duplicates and flagged images; its test set is held out.",
        )
        if st.session_state[state.TRAIN_SPLIT] != BY_SHARES:
            st.session_state[state.TRAIN_FOLD] = min(max(1, st.session_state[state.TRAIN_FOLD] or 1), n_folds)
            st.number_input(
                f"Fold that validates, 1 to {n_folds}",
                min_value=1,
                max_value=n_folds,
                key=state.TRAIN_FOLD,
                persist_state="session",
                help="The others train.",
            )
            return n_folds
    left, right = st.columns(2)
    for place, key, label, text in (
        (
            left,
            state.TRAIN_HOLDOUT,
            "Held out, %",
            "Share of each data set's groups (lesion, patient, picture) that only measures the finished model. A data "
            "set with an official test set keeps that one.",
        ),
        (
            right,
            state.TRAIN_VALIDATION,
            "Validation, %",
            "Share of the remaining groups for accuracy during training, temperature and thresholds.",
        ),
    ):
        place.number_input(
            label,
            min_value=0.0,
            max_value=MAX_SHARE,
            step=1.0,
            format="%g",
            key=key,
            help=text,
            persist_state="session",
        )
    return n_folds


def _choose_outputs(values: Mapping[str, Any], preset: tuple[str, TrainConfig]) -> None:
    option = OPTIONS["targets"]
    if st.session_state[state.TRAIN_KIND] == CROSSVAL:
        with st.container():
            st.segmented_control(
                "Outputs to compare",
                list(option.choices),
                selection_mode="multi",
                format_func=option.choices.__getitem__,
                key=state.TRAIN_TARGETS,
                wrap=True,
                persist_state="session",
                help=option.help + " Each is trained on every fold.",
            )
        compared = st.session_state[state.TRAIN_TARGETS] or []
        fields.draw_option(
            "max_class_size", {**values, "targets": "partition" if "partition" in compared else ""}, preset
        )
        return
    fields.draw_option("targets", values, preset)
    fields.draw_option("max_class_size", values, preset)


def _choose_weights(values: Mapping[str, Any], preset: tuple[str, TrainConfig]) -> Sequence[Weights]:
    models, _ = resources.models()
    known = sources.first_weights([(model.folder, model.card) for model in models])
    by_value = {weights.value: weights for weights in known}
    key = state.train_option("initialisation")
    if st.session_state[key] not in by_value:
        st.session_state[key] = known[0].value
    chosen = st.selectbox(
        "First weights",
        list(by_value),
        format_func=lambda value: by_value[value].label,
        key=key,
        persist_state="session",
        on_change=_take_weights,
        args=(by_value,),
        help=OPTIONS["initialisation"].help
        + f" Offered are ImageNet's, installed models, and .safetensors files in {home() / sources.PRETRAINED}.",
    )
    if chosen in by_value:
        st.caption(look.plain(by_value[chosen].note))
    return known


def _take_weights(by_value: Mapping[str, Weights]) -> None:
    """Padding, colours and network follow the weights, as far as they say."""
    chosen = by_value[st.session_state[state.train_option("initialisation")]]
    if chosen.count_include_pad is not None:
        st.session_state[state.train_option("count_include_pad")] = chosen.count_include_pad
    for name, triple in (("mean", chosen.mean), ("std", chosen.std)):
        if triple is not None:
            form_state.set_triple(name, triple)
    if chosen.architecture is not None:
        st.session_state[state.train_option("architecture")] = chosen.architecture


def _weights_problems(values: Mapping[str, Any], known: Sequence[Weights]) -> list[str]:
    try:
        chosen = sources.find_weights(str(values.get("initialisation")), known)
    except DermTreeError as error:
        return [str(error)]
    problems = []
    network = values.get("architecture")
    if chosen.architecture not in (None, network):
        names = OPTIONS["architecture"].choices
        problems.append(
            f"These first weights are of {names[str(chosen.architecture)]}, not of {names.get(str(network), network)}: "
            "choose the other network, or random weights."
        )
    wanted = {"count_include_pad": chosen.count_include_pad, "mean": chosen.mean, "std": chosen.std}
    if chosen.is_model:
        problems += [
            f"“{OPTIONS[name].label}” is {in_words(name, value)} for this model's weights: it reads images that way."
            for name, value in wanted.items()
            if name in values and values[name] != value
        ]
    return problems


def _choose_name() -> None:
    if st.session_state[state.TRAIN_KIND] == TRAIN:
        st.text_input(
            "Name",
            key=state.TRAIN_NAME,
            max_chars=60,
            placeholder="by the recipe",
            persist_state="session",
            help="Of the run and of the model it gives, as the sidebar lists it.",
        )


def _draw_groups(values: Mapping[str, Any], preset: tuple[str, TrainConfig]) -> None:
    for group, icon in ADVANCED.items():
        title, key = TITLES.get(group, str(group)), f"advanced_{group.name.lower()}"
        with st.expander(title, icon=icon, key=key, on_change="rerun") as fold:
            if not fold.open:  # forty widgets fewer to send; what was chosen in them stays
                continue
            names = [option.name for option in GROUPS[group] if option.name not in OWN_PLACE]
            for name in [*names, *(MACHINE_TOO if group is Group.MACHINE else ())]:
                fields.draw_option(name, values, preset)


def _choose_device() -> None:
    gpus = resources.gpus()
    names = {"auto": "Automatic: a GPU where there is one, else the CPU", "cpu": "CPU"}
    names |= {f"cuda:{i}": f"GPU {i}: {name}" for i, name in enumerate(gpus)}
    state.drop_unless(state.TRAIN_DEVICE, names)
    st.selectbox(
        "Device",
        list(names),
        format_func=names.__getitem__,
        key=state.TRAIN_DEVICE,
        persist_state="session",
        help="One training at a time computes on a device; others wait in the queue.",
    )
    if st.session_state[state.TRAIN_KIND] == CROSSVAL:
        return
    st.number_input(
        "Training processes",
        min_value=1,
        max_value=MAX_PROCESSES,
        key=state.TRAIN_PROCESSES,
        persist_state="session",
        help="They divide each batch between them, one per GPU. On a CPU one process uses all cores: leave it at 1.",
    )
