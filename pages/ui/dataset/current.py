"""Which workspace and which step the page shows. Both stand in the address, so a closed tab comes back to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.curation.view import Curation, StageState
from derm_model.curation.workspace import Workspace, create_workspace, list_workspaces, workspaces_root
from derm_model.errors import DermTreeError
from pages.ui import access, look, resources, state

STEPS = {
    "import": "Import",
    "problems": "Problems",
    "duplicates": "Duplicates",
    "quality": "Quality",
    "splits": "Splits",
}
ICONS = {
    "done": ":material/check_circle:",
    "partial": ":material/incomplete_circle:",
    "stale": ":material/update:",
    "missing": ":material/radio_button_unchecked:",
}


@dataclass(frozen=True)
class StepState:
    """State of a step in one word of `ICONS`, and in a sentence."""

    word: str
    sentence: str


def choose_workspace() -> Workspace | None:
    """Selection of a workspace, and the door to a new one; None where there is none yet."""
    names = [workspace.name for workspace in list_workspaces()]
    if not names:
        _begin()
        return None
    _take_from_address(state.WORKSPACE, names)
    state.drop_unless(state.WORKSPACE, names)
    with st.container(horizontal=True, vertical_alignment="bottom", key="workspaces"):
        name = st.selectbox(
            "Workspace",
            names,
            key=state.WORKSPACE,
            width=320,
            persist_state="session",
            help=f"A folder on the server with one collection: its table, its decisions and its splits. In {_root()}.",
        )
        with st.popover("New workspace", icon=":material/add:"):
            _new_workspace()
    _put_into_address(state.WORKSPACE, name)
    return next(workspace for workspace in list_workspaces() if workspace.name == name)


def _begin() -> None:
    with st.container(border=True, key="no_workspace"):
        st.markdown("##### Begin with a workspace")
        st.markdown(
            "A workspace is a folder on the server that holds one collection: which images there are, what was decided "
            "about them, and the splits. Images stay where they are. All who open this server see the same workspaces."
        )
        _new_workspace()
        st.caption(f"It is made in {_root()}. Without this page: `python -m derm_model curate --help`.")


def _new_workspace() -> None:
    with st.form("make_workspace", border=False):
        st.text_input(
            "Name of the new workspace",
            key=state.NEW_WORKSPACE,
            max_chars=64,
            placeholder="For example: isic-2017",
        )
        st.form_submit_button("Make workspace", icon=":material/add:", on_click=_make_workspace)


def _make_workspace() -> None:
    try:
        access.who(Right.RESEARCH)
        made = create_workspace(st.session_state[state.NEW_WORKSPACE].strip())
    except (DermTreeError, OSError) as error:
        state.say(look.plain(str(error)), failed=True)
        return
    st.session_state[state.WORKSPACE] = made.name
    st.session_state[state.NEW_WORKSPACE] = ""
    st.session_state[state.STEP] = "import"


def _root() -> str:
    return f"`{workspaces_root().absolute()}`"


def load(workspace: Workspace) -> Curation | None:
    """The workspace as it stands; where a file of it is damaged, the page says which one and None is returned."""
    try:
        return resources.curation(workspace)
    except DermTreeError as error:
        st.error(
            f"**{look.plain(workspace.name)} cannot be opened.** {look.plain(str(error))} Others can be used.",
            icon=":material/error:",
        )
        return None


def choose_step(curation: Curation) -> str:
    """The five steps with their states; what comes next stands below."""
    _take_from_address(state.STEP, list(STEPS))
    st.session_state.setdefault(state.STEP, next_step(curation) or "splits")
    states = {step: step_state(curation, step) for step in STEPS}
    control = "step_control"
    st.session_state[control] = st.session_state[state.STEP]  # labels change with the state: the choice must not
    with st.container():
        st.segmented_control(
            "Step",
            list(STEPS),
            key=control,
            required=True,
            format_func=lambda step: f"{ICONS[states[step].word]} {STEPS[step]}",
            on_change=_take_step,
            args=(control,),
            label_visibility="collapsed",
            wrap=True,
        )
    step: str = st.session_state[state.STEP]
    _put_into_address(state.STEP, step)
    with st.container(horizontal=True, vertical_alignment="center", key="step_state"):
        st.markdown(f"**{STEPS[step]}:** {states[step].sentence}", width="content")
        coming = next_step(curation)
        if coming is not None and coming != step:
            st.button(
                f"Next: {STEPS[coming]}",
                icon=":material/arrow_forward:",
                icon_position="right",
                type="tertiary",
                on_click=go_to,
                args=(coming,),
                key="next_step",
            )
    return step


def _take_step(control: str) -> None:
    st.session_state[state.STEP] = st.session_state[control]


def go_to(step: str) -> None:
    """Show a step on the next run."""
    st.session_state[state.STEP] = step


def next_step(curation: Curation) -> str | None:
    """The first step that is not done; None where all are. Problems are read, not done."""
    steps = (step for step in STEPS if step != "problems")
    return next((step for step in steps if step_state(curation, step).word != "done"), None)


def step_state(curation: Curation, step: str) -> StepState:
    """Where a step stands, from what is on disk."""
    return {
        "import": _import_state,
        "problems": _problems_state,
        "duplicates": _duplicates_state,
        "quality": _quality_state,
        "splits": _splits_state,
    }[step](curation)


def _import_state(curation: Curation) -> StepState:
    table = curation.collection.table
    if not len(table):
        return StepState("missing", "no images yet.")
    sources = table["source"].nunique()
    return StepState("done", f"{words.plural(len(table), 'image')} from {words.plural(sources, 'data set')}.")


def _problems_state(curation: Curation) -> StepState:
    found = [problem for note in curation.collection.imports for problem in note.problems]
    if not curation.collection.imports:
        return StepState("missing", "nothing was imported yet.")
    if not found:
        return StepState("done", "none were met on import.")
    return StepState("done", f"{words.plural(len(found), 'kind')} met on import.")


def _duplicates_state(curation: Curation) -> StepState:
    link = curation.stage("duplicates")
    if link.state == "missing":
        return StepState("missing", "not searched yet. Groups are of lesions, patients and identical files only.")
    if link.state != "done":
        return StepState("stale", "images, scan or features have changed since the search. Search again.")
    open_inputs = [s for s in (curation.stage("scan"), curation.stage("features")) if s.state != "done"]
    if open_inputs:
        return StepState("partial", f"searched without {_inputs(open_inputs)}.")
    return StepState("done", "searched in all images.")


def _inputs(stages: Sequence[StageState]) -> str:
    names = {"scan": "the scan of", "features": "the features of"}
    return " and ".join(f"{names[s.name]} {words.plural(s.total - s.done, 'image')}" for s in stages)


def _quality_state(curation: Curation) -> StepState:
    scan = curation.stage("scan")
    if scan.state == "missing":
        return StepState("missing", "not measured yet.")
    flagged = f"{words.plural(int(curation.flagged.sum()), 'image')} flagged"
    if scan.state != "done":
        return StepState(
            "partial", f"{words.count(scan.done)} of {words.plural(scan.total, 'image')} measured, {flagged}."
        )
    return StepState("done", f"all images measured, {flagged}.")


def _splits_state(curation: Curation) -> StepState:
    made = curation.stage("splits")
    if made.state == "missing":
        return StepState("missing", "not made yet.")
    if made.state != "done":
        return StepState("stale", "images, groups, flags or the plan have changed since. Make the splits again.")
    return StepState("done", "made from what is shown here.")


def _take_from_address(key: str, options: Sequence[str]) -> None:
    """Begin a session with what the address says."""
    if key not in st.session_state and st.query_params.get(key) in options:
        st.session_state[key] = st.query_params[key]


def _put_into_address(key: str, value: str) -> None:
    if st.query_params.get(key) != value:
        st.query_params[key] = value


def draw_messages() -> None:
    """What callbacks had to say."""
    for text, failed in state.take_messages():
        if failed:
            st.error(text, icon=":material/error:")
        else:
            st.toast(text, icon=":material/check:")
