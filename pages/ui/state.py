"""Every key of the session's state, with typed access. Pixels and answers live here and nowhere else.

Widget keys are dropped when their widget is not drawn; those that must survive are widgets with ``persist_state``.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import TYPE_CHECKING, Any, TypeVar

import streamlit as st

from pages.ui.case import Case
from pages.ui.question import Thresholds
from pages.ui.reading import Results
from pages.ui.saliency.lab import Lab

if TYPE_CHECKING:
    from pages.ui.threshold.hand import Hands
    from pages.ui.threshold.sources import Scored

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
REPORT_PAPER = "report_paper"
REPORT_NOTE = "report_note"

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

# keys of widgets on the Threshold page
DESK_QUESTION = "desk_question"
DESK_IMAGES = "desk_images"
DESK_LIVE = "desk_live"
DESK_PRESET = "desk_preset"
DESK_PREVALENCE = "desk_prevalence"
DESK_PREVALENCES = "desk_prevalences"
DESK_COST = "desk_cost"
DESK_CURVE = "desk_curve"
DESK_GALLERY = "desk_gallery"
DESK_NAME = "desk_name"
DESK_WHO = "desk_who"
DESK_WHY = "desk_why"

# keys of widgets on the Model page
MODEL_VIEW = "model_view"
MODEL_OTHER = "model_other"
MODEL_NAME = "model_name"
MODEL_FILE = "model_file"

# keys of widgets on the Reader study page
STUDY_VIEW = "study_view"
STUDY_NEW = "study_new"
STUDY_IMAGES = "study_images"
STUDY_PART = "study_part"
STUDY_QUESTION = "study_question"
STUDY_KIND = "study_kind"
STUDY_SIZE = "study_size"
STUDY_SEED = "study_seed"
STUDY_NAME = "study_name"
STUDY_WASHOUT = "study_washout"
STUDY_SECOND = "study_second"
STUDY_PAUSE = "study_pause"
STUDY_CONFIDENCE = "study_confidence"
STUDY_OWN_CODE = "study_own_code"
STUDY_ROLE = "study_role"
STUDY_EXPERIENCE = "study_experience"
STUDY_ANYWAY = "study_anyway"
STUDY_DESK = "study_desk"

# keys of our own
STUDY_SHOWN = "dermtree_study_shown"
STUDY_CODE = "dermtree_study_code"
STUDY_TAKING = "dermtree_study_taking"
_DESKS = "dermtree_study_desks"
_DELETING_STUDY = "dermtree_deleting_study"
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
_HANDS = "dermtree_desk_hands"
_SCORED = "dermtree_desk_scored"
_CLICKS = "dermtree_desk_clicks"
_KEPT = "dermtree_desk_kept"
_MESSAGES = "dermtree_messages"
_BUNDLE_DOOR = "dermtree_bundle_door"
_IMPORTED = "dermtree_imported"
_DELETING_MODEL = "dermtree_deleting_model"
_DELETING_EVALUATION = "dermtree_deleting_evaluation"
_WRITTEN = "dermtree_written"
_LAB = "dermtree_saliency_lab"
_REPORT_WISHES = "dermtree_report_wishes"


def _owned(key: str, make: Callable[[], T]) -> T:
    if key not in st.session_state:
        st.session_state[key] = make()
    value: T = st.session_state[key]
    return value


def drop_unless(key: str, options: Container[object]) -> None:
    """Forget a choice that is no longer offered, so that its widget begins with the first option."""
    if key in st.session_state and st.session_state[key] not in options:
        del st.session_state[key]


def hold(key: str) -> None:
    """Keep a choice although its label changed: the browser sends labels, and the old one would choose nothing."""
    if key in st.session_state:
        st.session_state[key] = st.session_state[key]


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
    for key in (_CASE, _RESULTS, _PICKED, EXPLAIN, SHOWN, TREE, SEARCH, REPORT_NOTE, _REPORT_WISHES):
        st.session_state.pop(key, None)
    renew_door()


def report_wishes() -> dict[str, str]:
    """Note and paper as last set: the session's own object, so that a report made later sees what was typed last."""
    return _owned(_REPORT_WISHES, dict)


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


def hands() -> Hands:
    """The one owner of what was set on the threshold desk."""
    return _owned(_HANDS, dict)


def scored() -> dict[tuple[object, ...], Scored]:
    """Kept answers as the desk last read them: of this session, because they are answers about images."""
    return _owned(_SCORED, dict)


def desk_kept() -> dict[str, Any]:
    """Figures and numbers of the desk, each with what it was made of."""
    return _owned(_KEPT, dict)


def desk_clicks() -> int:
    """Clicks on the curve of the desk so far."""
    return _owned(_CLICKS, int)


def count_desk_click() -> None:
    """Count one more: the curve is drawn anew, and the same place can be clicked again."""
    st.session_state[_CLICKS] = desk_clicks() + 1


def bundle_door() -> int:
    """Number in the key of the uploader of models: a new number is an empty uploader."""
    return _owned(_BUNDLE_DOOR, int)


def renew_bundle_door() -> None:
    """Empty it: what was uploaded is imported, and would only fill the memory."""
    st.session_state[_BUNDLE_DOOR] = bundle_door() + 1


def set_imported(folder: str) -> None:
    """Say which model the next run begins with: in this one the choice is drawn already."""
    st.session_state[_IMPORTED] = folder


def take_imported() -> str | None:
    """Folder of the model that was just imported; taken once."""
    folder: str | None = st.session_state.pop(_IMPORTED, None)
    return folder


def deleting_model() -> str | None:
    """Folder of the imported model whose deletion waits for a confirmation."""
    folder: str | None = st.session_state.get(_DELETING_MODEL)
    return folder


def ask_to_delete_model(folder: str | None) -> None:
    """Ask for a confirmation before an imported model is deleted; None: it was given or refused."""
    st.session_state[_DELETING_MODEL] = folder


def is_message_waiting() -> bool:
    """Whether a callback of a fragment left something to say, which the page as a whole does."""
    return bool(st.session_state.get(_MESSAGES))


def deleting_evaluation() -> str | None:
    """Folder of the kept evaluation whose deletion waits for a confirmation."""
    folder: str | None = st.session_state.get(_DELETING_EVALUATION)
    return folder


def ask_to_delete_evaluation(folder: str | None) -> None:
    """Ask for a confirmation before an evaluation is deleted; None: it was given or refused."""
    st.session_state[_DELETING_EVALUATION] = folder


def written(page: str, make: Callable[[], T]) -> T:
    """What a page put into its address (`address_bar`)."""
    return _owned(f"{_WRITTEN}_{page}", make)


def lab() -> Lab:
    """Maps, tests and drawings of the saliency lab."""
    return _owned(_LAB, Lab)


def study_count(choice: str) -> str:
    """Key of the widget with the number of images of one answer of a new study."""
    return f"study_count_{choice}"


def desks() -> dict[str, Any]:
    """What this session has on the screen of each participant, by id; nothing that is lost with it is missed."""
    return _owned(_DESKS, dict)


def deleting_study() -> str | None:
    """Study whose deletion waits for a confirmation."""
    study: str | None = st.session_state.get(_DELETING_STUDY)
    return study


def ask_to_delete_study(study: str | None) -> None:
    """Ask for a confirmation before a study is deleted; None: it was given or refused."""
    st.session_state[_DELETING_STUDY] = study
