"""Doors through which images enter, and what the page shows before there is one."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from derm_model import words
from pages.ui import components, look, resources, state
from pages.ui.case import Case
from pages.ui.frame import ASSETS

FORMATS = "JPEG, PNG, WebP, TIFF, BMP, HEIC or DICOM."
MAX_UPLOAD_MB = 20
STEPS = """
1. Fill the frame with one lesion, in focus, in even light.
2. Add more views of the **same** lesion to average them.
3. Choose a question, then read the result with its error rates.
"""
LOCAL_HOSTS = ("localhost", "127.0.0.1", "[::1]")


def doors(case: Case) -> None:
    """Uploader and camera; new files go into the case and the doors are empty again. Problems stand right below.

    The uploader has no list of file types: DICOM files often have no ending, and what a file is, its content tells.
    """
    with st.container(key="uploader"):
        key = f"upload_{state.door()}"
        st.file_uploader(
            "Images of one lesion",
            accept_multiple_files=True,
            max_upload_size=MAX_UPLOAD_MB,
            key=key,
            on_change=_take_files,
            args=(key,),
            help=f"Drop files here, browse, or paste a picture with Ctrl+V; {MAX_UPLOAD_MB} MB each at most.",
        )
        components.accept_paste()
    if st.toggle(
        "Use the camera", key=state.CAMERA, help="Works on this computer, or where the page is served by https."
    ):
        key = f"photo_{state.door()}"
        st.camera_input("Photograph of the lesion", resolution="1080p", key=key, on_change=_take_photo, args=(key,))
    _problems(case)
    st.caption(f"{FORMATS} {words.PRIVACY.format(place=_place())}")


def _take_files(key: str) -> None:
    files = st.session_state[key]
    if files:
        state.case().add((file.name, file.getvalue()) for file in files)
        state.renew_door()


def _take_photo(key: str) -> None:
    photo = st.session_state[key]
    if photo is not None:
        state.case().add([(f"photo-{len(state.case().images) + 1}.jpg", photo.getvalue())])
        st.session_state[state.CAMERA] = False  # no camera runs on unseen
        state.renew_door()


def _problems(case: Case) -> None:
    for problem in case.problems:
        kept = " The other images were kept." if case.images else ""
        st.error(
            f"**{look.plain(problem.name)} {problem.what}.** {look.plain(problem.message)}{kept}",
            icon=":material/broken_image:",
        )


def _place() -> str:
    """Where the images are held, in words: the server is this computer only under a local address."""
    address = st.context.url or ""
    local = not address or any(f"//{host}" in address for host in LOCAL_HOSTS)
    return "this computer" if local else "the server"


def draw_begin(case: Case) -> None:
    """The page without an image: doors and steps, then drawings to try."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        doors(case)
    with right, st.container(border=True):
        st.markdown("##### How to begin")
        st.markdown(STEPS)
    drawings = sorted((ASSETS / "examples").glob("drawing-*"))
    if not drawings:
        return
    st.markdown("##### Or try a drawing")
    st.caption(words.DRAWINGS)
    with st.grid(len(drawings), min_column_width=150):
        for number, path in enumerate(drawings, start=1):
            with st.container():
                st.image(str(path), width="stretch", alt=f"Example drawing {number}, not a patient")
                st.button(
                    f"Use drawing {number}",
                    key=f"drawing_{number}",
                    width="stretch",
                    on_click=_take_drawing,
                    args=(path, number),
                )


def _take_drawing(path: Path, number: int) -> None:
    state.case().add([(path.name, path.read_bytes())], drawing=True)


def explain_no_model() -> None:
    """The page where no bundle can be used: what is missing and what to do."""
    with st.container(border=True, key="no_model"):
        st.markdown("##### No model to read with")
        st.markdown(
            "DermTree needs a model bundle: a folder with `bundle.json` and `weights.safetensors`. "
            "None that can be used was found in:"
        )
        for place in resources.places():
            st.code(str(place), language=None)
        st.markdown(
            "Copy a bundle into one of these folders, or train one (`python -m derm_model train --help`), and reload "
            "this page. A bundle that is there but cannot be used is named in the sidebar with the reason."
        )
