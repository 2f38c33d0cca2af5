"""Every key of the session's state, with typed access. Pixels and answers live here and nowhere else.

Widget keys are dropped when their widget is not drawn; those that must survive are widgets with ``persist_state``.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any, TypeVar

import streamlit as st

from pages.ui.case import Case
from pages.ui.question import Thresholds
from pages.ui.reading import Results

T = TypeVar("T")

# keys of widgets
MODEL = "model"
QUESTION = "question"
LEVEL = "level"
PROBS_OF = "probs_of"
EXPLAIN = "explain"
GRADIENT = "gradient"
GROUPING = "grouping"
SHOWN = "shown"
VIEWER = "viewer"
PRESET = "preset"
LIVE = "live_threshold"
TREE = "tree"
SEARCH = "search"
CAMERA = "camera"

# keys of widgets on the Data page
WORKSPACE = "workspace"
NEW_WORKSPACE = "new_workspace"
STEP = "step"
IMPORTER = "importer"
FOLDER = "import_folder"
CLASS_LEVEL = "class_level"
PAIR_KIND = "pair_kind"
PAIR_THRESHOLD = "pair_threshold"
PAIR_SHOW = "pair_show"
PAIR_PAGE = "pair_page"
MEASURE = "measure"
MEASURE_THRESHOLD = "measure_threshold"
FLAG_SHOW = "flag_show"
FLAG_PAGE = "flag_page"
COUNTED = "counted"
SPLIT_LEVEL = "split_level"
DOCTOR_SOURCE = "doctor_source"
DOCTOR_FILE = "doctor_file"
LEAK_PAGE = "leak_page"

# keys of widgets on the Train page; those of the recipe's options are `train_option(name)`
TRAIN_KIND = "train_kind"
TRAIN_PRESET = "train_preset"
TRAIN_IMAGES = "train_images"
TRAIN_SPLIT = "train_split"
TRAIN_FOLD = "train_fold"
TRAIN_HOLDOUT = "train_holdout"
TRAIN_VALIDATION = "train_validation"
TRAIN_TARGETS = "train_targets"
TRAIN_N_FOLDS = "train_n_folds"
TRAIN_NAME = "train_name"
TRAIN_DEVICE = "train_device"
TRAIN_PROCESSES = "train_processes"
COMPARED = "compared_runs"
COMPARED_METRIC = "compared_metric"

# keys of our own
_STAGES = "dermtree_train_stages"
_DELETING = "dermtree_deleting"
_ACTIVE = "dermtree_active_runs"
_CASE = "dermtree_case"
_RESULTS = "dermtree_results"
_THRESHOLDS = "dermtree_thresholds"
_PICKED = "dermtree_picked"
_DOOR = "dermtree_door"
_LISTED = "dermtree_listed_sides"
_UNDO = "dermtree_undo"
_MESSAGES = "dermtree_messages"


def _owned(key: str, make: Callable[[], T]) -> T:
    if key not in st.session_state:
        st.session_state[key] = make()
    value: T = st.session_state[key]
    return value


def drop_unless(key: str, options: Container[object]) -> None:
    """Forget a choice that is no longer offered, so that its widget begins with the first option."""
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]


def case() -> Case:
    """Images of this session."""
    return _owned(_CASE, Case)


def results() -> Results:
    """Answers already computed for them."""
    return _owned(_RESULTS, Results)


def thresholds() -> Thresholds:
    """The one owner of the thresholds: range, number and presets write here and are drawn from here."""
    return _owned(_THRESHOLDS, dict)


def listed_sides() -> tuple[bool | None, ...] | None:
    """Sides of the operating point as the list of lesions shows them."""
    sides: tuple[bool | None, ...] | None = st.session_state.get(_LISTED)
    return sides


def set_listed_sides(sides: tuple[bool | None, ...]) -> None:
    """Say which sides the list shows."""
    st.session_state[_LISTED] = sides


def picked() -> str | None:
    """Node that rows, tree or search picked last."""
    node: str | None = st.session_state.get(_PICKED)
    return node


def pick(node: str | None) -> None:
    """Make `node` the picked one, whichever control it came from, and let the map explain it."""
    st.session_state[_PICKED] = node
    if node is not None:
        st.session_state[EXPLAIN] = "picked"
    elif st.session_state.get(EXPLAIN) == "picked":
        st.session_state[EXPLAIN] = None


def door() -> int:
    """Number in the uploader's key: a new number is an empty uploader."""
    return _owned(_DOOR, int)


def renew_door() -> None:
    """Empty the uploader and the camera: their files are in the case now."""
    st.session_state[_DOOR] = door() + 1


def new_case() -> None:
    """Forget images, answers, messages and the picked node; question, level and thresholds stay."""
    for key in (_CASE, _RESULTS, _PICKED, EXPLAIN, SHOWN, TREE, SEARCH):
        st.session_state.pop(key, None)
    renew_door()


def undo_stack(workspace: str, what: str) -> list[Any]:
    """What this session decided in a workspace, the last one at the end; `what` is "pairs" or "flags"."""
    stacks: dict[tuple[str, str], list[Any]] = _owned(_UNDO, dict)
    return stacks.setdefault((workspace, what), [])


def say(message: str, *, failed: bool = False) -> None:
    """Leave a message for the next run, which shows it once."""
    messages: list[tuple[str, bool]] = _owned(_MESSAGES, list)
    messages.append((message, failed))


def take_messages() -> list[tuple[str, bool]]:
    """Messages left by callbacks, (text, whether something failed); taken once."""
    messages: list[tuple[str, bool]] = st.session_state.pop(_MESSAGES, [])
    return messages


def train_option(name: str, part: str = "") -> str:
    """Key of the widget of one option of the recipe; `part` where it has several."""
    return f"train_option_{name}{part}"


def n_stages() -> int:
    """Rows of stages in the training form."""
    return _owned(_STAGES, lambda: 1)


def set_n_stages(n: int) -> None:
    """Say how many rows of stages the form has."""
    st.session_state[_STAGES] = n


def deleting() -> str | None:
    """Run whose deletion waits for a confirmation."""
    run: str | None = st.session_state.get(_DELETING)
    return run


def ask_to_delete(run: str | None) -> None:
    """Ask for a confirmation before a run is deleted; None: it was given or refused."""
    st.session_state[_DELETING] = run


def active_runs() -> frozenset[str]:
    """Runs that were active when the page was last drawn as a whole."""
    return _owned(_ACTIVE, frozenset)


def set_active_runs(runs: frozenset[str]) -> None:
    """Remember them."""
    st.session_state[_ACTIVE] = runs
