"""The network's answers to a study's images: kept on disk, and asked for beside the page where they are not there."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import Cancelled
from derm_model.progress import Progress, Report
from pages.ui import access, look
from pages.ui.evaluate.kept import Work, explain
from pages.ui.readers.networks import model_of
from pages.ui.resources import Model

if TYPE_CHECKING:
    from derm_model.reader_result import Material, NetworkAnswers
    from derm_model.records.studies import FrozenImage

POLL_S = 1.0

_worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dermtree-study")


@st.cache_resource(show_spinner=False)
def _works() -> tuple[threading.Lock, dict[str, Work]]:
    return threading.Lock(), {}


def kept_answers(model: Model, material: Material) -> NetworkAnswers | None:
    """A model's answers to a study's images; None where it was not asked yet.

    Raises
    ------
    EvaluationError
        They cannot be read, or the model cannot answer the study's question.
    """
    from derm_model.assessment.answers import read_answers
    from derm_model.reader_result.network import answers_folder, network_answers

    folder = answers_folder(model.card.bundle_id, material.everything)
    if not folder.is_dir():
        return None
    answers = replace(read_answers(folder), features=None)
    return network_answers(material, model.card, model.taxonomy, answers, model.folder)


def shown_model(material: Material) -> Model | None:
    """The model whose answers the second pass shows, where it is on this server; None without a second pass."""
    return model_of(material.study) if material.study.settings.second_pass else None


def draw_asking(model: Model, material: Material) -> None:
    """Ask a model about the images, or say how far that is; the page is drawn anew when it has answered."""
    from derm_model.reader_result.network import answers_folder

    key = str(answers_folder(model.card.bundle_id, material.everything))
    lock, works = _works()
    with lock:
        work = works.get(key)
    if work is not None and not work.future.done():
        access.poll(_draw_work, POLL_S)(work, model.card.name)
        return
    if work is not None and (error := work.future.exception()) is not None and not isinstance(error, Cancelled):
        st.error(f"**It was not asked.** {look.plain(explain(error, 'a study'))}", icon=":material/error:")
    n = words.plural(len(material.everything), "image")
    st.markdown(f"**{look.plain(model.card.name)}** has not been asked about the study's {n} yet.")
    if st.button("Ask the network", key="ask_network", type="primary", icon=":material/play_arrow:"):
        access.who(Right.RUN_STUDIES)
        _start(key, model, material)
        st.rerun()
    st.caption("Its answers are kept, so that this is done once. Every file is checked to be the one the readers saw.")


def _start(key: str, model: Model, material: Material) -> None:
    lock, works = _works()
    with lock:
        before = works.get(key)
        if before is not None and not before.future.done():
            return
        work = works[key] = Work()

    def report(progress: Progress) -> None:
        work.progress = progress
        if work.stop:
            raise Cancelled("Stopped.")

    def ask() -> Path:
        return ask_network(model, material.study.name, material.everything, report)

    work.future = _worker.submit(ask)


def ask_network(model: Model, name: str, images: tuple[FrozenImage, ...], report: Report) -> Path:
    """Ask a model about every image and keep the answers; return their folder.

    Raises
    ------
    EvaluationError
        A file is not the one of the study, or no image can be read.
    """
    from derm_model.assessment.answers import Answers, write_answers
    from derm_model.net.answering import answer
    from derm_model.net.bundle import load_bundle
    from derm_model.reader_result.network import about_answers, check_files, records_of

    check_files(images)
    # a copy of its own: that of the Classify page stays on its device
    said = answer(load_bundle(model.folder, model.taxonomy), records_of(images), report=report)
    what = about_answers(name, model.card, model.folder, images, len(said.records))
    return write_answers(Answers(what, said.records, said.probs, said.features, said.unusual, said.distance))


def _draw_work(work: Work, name: str) -> None:
    if work.future.done():
        st.rerun()
    progress = work.progress
    share = 0.0 if progress is None or not progress.total else min(1.0, progress.done / progress.total)
    st.progress(
        share, text=f"{look.plain(name)} is reading the images." if progress is None else look.plain(progress.stage)
    )
    if st.button("Stop", key="stop_asking", icon=":material/stop:"):
        access.who(Right.RUN_STUDIES)
        work.stop = True
