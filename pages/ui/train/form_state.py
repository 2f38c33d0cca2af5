"""The form's widgets and the wish they make up, both ways. Every key is in `pages.ui.state`."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from derm_model.errors import TrainingError
from derm_model.recipe.config import PRESETS, Stage, TrainConfig
from derm_model.recipe.option import Kind, Option
from derm_model.recipe.options import OPTIONS
from derm_model.recipe.words import read_value
from pages.ui import state
from pages.ui.train.wish import CROSSVAL, TRAIN, Wish

MAX_STAGES = 8
BY_FOLD, BY_SHARES = "fold", "shares"
SIZE, EPOCHS = "_size_", "_epochs_"
FIRST = Wish()  # the paper's recipe

_NAMES = re.compile(r"\b(?:" + "|".join(name for name in OPTIONS if "_" in name) + r"|targets|optimizer|stages)\b")


def begin() -> None:
    """Fill what has no value yet: everything in a new session, nothing later."""
    for key, value in _values(FIRST).items():
        st.session_state.setdefault(key, value)


def fill(wish: Wish) -> None:
    """Fill the whole form; for callbacks, because the widgets must not have been drawn yet."""
    st.session_state.update(_values(wish))
    state.set_n_stages(len(wish.config.stages))


def fill_preset() -> None:
    """Fill the recipe with the preset that was chosen; images, split, name and device stay."""
    config = PRESETS[st.session_state[state.TRAIN_PRESET]]
    st.session_state.update(_recipe(config))
    state.set_n_stages(len(config.stages))


def _values(wish: Wish) -> dict[str, Any]:
    chosen = wish.workspace or wish.manifest
    return _recipe(wish.config) | {
        state.TRAIN_KIND: wish.kind,
        state.TRAIN_PRESET: wish.preset,
        state.TRAIN_IMAGES: chosen or None,
        state.TRAIN_SPLIT: BY_SHARES if chosen and wish.fold is None else BY_FOLD,
        state.TRAIN_FOLD: (wish.fold or 0) + 1,
        state.TRAIN_HOLDOUT: round(100 * wish.holdout, 6),
        state.TRAIN_VALIDATION: round(100 * wish.validation, 6),
        state.TRAIN_TARGETS: list(wish.targets),
        state.TRAIN_N_FOLDS: wish.n_folds,
        state.TRAIN_NAME: wish.name,
        state.TRAIN_DEVICE: wish.device,
        state.TRAIN_PROCESSES: wish.processes,
    }


def _recipe(config: TrainConfig) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, option in OPTIONS.items():
        value = getattr(config, name)
        if option.kind is Kind.STAGES:
            for i, stage in enumerate(value[:MAX_STAGES]):
                found[state.train_option(name, f"{SIZE}{i}")] = stage.size_px
                found[state.train_option(name, f"{EPOCHS}{i}")] = stage.epochs
        else:
            found[state.train_option(name)] = _shown(option, value)
    return found


def _shown(option: Option, value: Any) -> Any:
    """A value as its widget holds it."""
    if option.kind is Kind.TRIPLE:
        return ", ".join(map(_exact, value))
    if option.kind is Kind.WEIGHTS:
        return "\n".join(f"{source}={_exact(weight)}" for source, weight in value.items())
    if value is not None and option.kind in (Kind.NUMBER, Kind.WHOLE):
        low, high = option.bounds
        return type(value)(min(max(value, low), high))
    return value


def _exact(number: float) -> str:
    """As short as it can be and still read back as the same number."""
    return repr(number).removesuffix(".0")


def set_triple(name: str, values: tuple[float, ...]) -> None:
    """Write three numbers into their field; for callbacks."""
    st.session_state[state.train_option(name)] = _shown(OPTIONS[name], values)


def stages() -> tuple[Stage, ...]:
    """Stages as the rows say."""
    found = []
    for i in range(state.n_stages()):
        size = st.session_state.get(state.train_option("stages", f"{SIZE}{i}"))
        epochs = st.session_state.get(state.train_option("stages", f"{EPOCHS}{i}"))
        if size is not None and epochs is not None:
            found.append(Stage(int(size), int(epochs)))
    return tuple(found)


def add_stage(n: int) -> None:
    """One more row, like the last of `n`; nothing where there are not so many any more, as after a double click."""
    if n != state.n_stages():
        return
    for part in (SIZE, EPOCHS):
        last = st.session_state.get(state.train_option("stages", f"{part}{n - 1}"))
        st.session_state[state.train_option("stages", f"{part}{n}")] = last
    state.set_n_stages(n + 1)


def remove_stage(row: int, n: int) -> None:
    """One row of `n` less; those below move up. Nothing where there are not so many any more: one always stays."""
    if n != state.n_stages():
        return
    for part in (SIZE, EPOCHS):
        for i in range(row, n - 1):
            below = st.session_state[state.train_option("stages", f"{part}{i + 1}")]
            st.session_state[state.train_option("stages", f"{part}{i}")] = below
    state.set_n_stages(n - 1)


def values() -> tuple[dict[str, Any], list[str]]:
    """Fields of the recipe as the widgets say, and what cannot be read of them, a sentence each."""
    found: dict[str, Any] = {}
    problems = []
    for name, option in OPTIONS.items():
        try:
            found[name] = _read(option)
        except TrainingError as error:
            problems.append(str(error))
    return found, problems


def _read(option: Option) -> Any:
    if option.kind is Kind.STAGES:
        return stages()
    value = st.session_state.get(state.train_option(option.name))
    if option.kind in (Kind.TRIPLE, Kind.WEIGHTS):
        return read_value(option.name, str(value or ""))
    if value is None and not option.optional:
        raise TrainingError(f"{option.label} is empty. Give a value.")
    return value


def read(*, workspace: str, manifest: str, has_folds: bool) -> tuple[Wish | None, list[str]]:
    """The wish the form makes up, and everything that speaks against it; None where it cannot be read at all."""
    fields, problems = values()
    if problems:
        return None, problems
    config = TrainConfig(**fields)
    try:
        config.check()
    except TrainingError as error:
        problems += [in_form_words(line) for line in str(error).splitlines()]
    get = st.session_state.get
    kind = get(state.TRAIN_KIND) or TRAIN
    by_fold = has_folds and get(state.TRAIN_SPLIT) != BY_SHARES
    targets = tuple(get(state.TRAIN_TARGETS) or ())
    if kind == CROSSVAL and not targets:
        problems.append("Choose at least one kind of outputs to compare.")
    wish = Wish(
        kind=kind,
        preset=get(state.TRAIN_PRESET) or FIRST.preset,
        config=config,
        workspace=workspace,
        manifest=manifest,
        fold=int(get(state.TRAIN_FOLD) or 1) - 1 if by_fold and kind == TRAIN else None,
        holdout=_share(state.TRAIN_HOLDOUT, FIRST.holdout),
        validation=_share(state.TRAIN_VALIDATION, FIRST.validation),
        targets=targets or FIRST.targets,
        n_folds=int(get(state.TRAIN_N_FOLDS) or FIRST.n_folds),
        name=str(get(state.TRAIN_NAME) or "").strip(),
        device=get(state.TRAIN_DEVICE) or FIRST.device,
        processes=int(get(state.TRAIN_PROCESSES) or 1),
    )
    return wish, problems


def _share(key: str, default: float) -> float:
    percent = st.session_state.get(key)
    return default if percent is None else round(float(percent) / 100, 8)


def in_form_words(text: str) -> str:
    """A reason with the form's labels instead of the names of the command line."""
    return _NAMES.sub(lambda found: f"“{OPTIONS[found[0]].label}”", text)
