"""A new evaluation: which labelled images, which part of them, under which name."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from derm_model.access import Right
from derm_model.assessment.seen import split_beside
from derm_model.errors import DermTreeError
from derm_model.jobs import Job, JobStore, launch
from pages.ui import access, look, resources
from pages.ui.evaluate import keys
from pages.ui.resources import Model
from pages.ui.train import sources
from pages.ui.train.choosing import choose_images
from pages.ui.train.sources import Images

KIND = "evaluate"
NEW = ""  # all images: they must be new to the model
PARTS = {
    "test": "Held out",
    "validation": "Validation images",
    "train": "Training images",
    NEW: "All, none of them seen",
}


def draw_new(model: Model, *, is_first: bool) -> None:
    """The form, folded where there is something to look at."""
    with st.expander(
        "New evaluation", icon=":material/add:", expanded=is_first, key="new_evaluation", on_change="rerun"
    ) as fold:
        if fold.open:
            _draw_form(model)


def _draw_form(model: Model) -> None:
    images, trouble = choose_images(
        "Labelled images",
        sources.offered(),
        keys.EVALUATE_IMAGES,
        nothing="Choose labelled images that the model has not learnt from.",
    )
    part = _choose_part(split_beside(model.folder))
    name = st.text_input(
        "Name",
        key=keys.EVALUATE_NAME,
        placeholder=images.label if images is not None else "What the images are called",
        persist_state="session",
    )
    if trouble:
        st.caption(look.plain(trouble))
    ready = images is not None
    if (
        st.button(
            "Evaluate",
            key="start_evaluation",
            type="primary",
            icon=":material/play_arrow:",
            disabled=not ready,
            help="Reads every image once. It goes on without this page.",
        )
        and images is not None
    ):
        try:
            begin(model, images, part, name.strip())
        except DermTreeError as error:
            st.error(f"**It was not started.** {look.plain(str(error))}", icon=":material/error:")
            return
        st.rerun()


def _choose_part(split: Path | None) -> str:
    """Which part of the images, where the training of the model says which image was what."""
    if split is None:
        st.caption(
            "The model does not lie in the folder of its training, so nothing tells which images it has seen. "
            "Figures of images it learnt from flatter it."
        )
        return NEW
    chosen = st.segmented_control(
        "Part of them",
        list(PARTS),
        format_func=PARTS.__getitem__,
        key=keys.EVALUATE_PART,
        default=None if keys.EVALUATE_PART in st.session_state else "test",
        required=True,
        wrap=True,
        persist_state="session",
        help="As the training of this model divided the images. Only those held out say how it does on new ones.",
    )
    return chosen or "test"


def begin(model: Model, images: Images, part: str, name: str) -> Job:
    """Start the job; evaluations wait for each other, and not for trainings, which take hours.

    Raises
    ------
    JobError
        No folder can be written, or no process be started.
    NotAllowed
    """
    access.who(Right.RESEARCH)
    title = name or f"{images.label}{'' if part == NEW else ', ' + PARTS[part].lower()}"
    where = f"--workspace={images.path}" if images.is_workspace else f"--manifest={images.path}"
    words = ["evaluate", "--out={job}", f"--bundle={model.folder}", where, f"--name={title}", "--device=auto"]
    words += [] if part == NEW else [f"--part={part}"]
    about = {"kind": KIND, "bundle": model.card.bundle_id}
    return launch(JobStore(), words, title, about, device="cuda:0" if resources.gpus() else "cpu")
