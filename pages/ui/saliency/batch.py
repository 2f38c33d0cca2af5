"""Maps of all labelled images as a background job: begun, followed, taken away."""

from __future__ import annotations

import io
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from derm_model.access import Right
from derm_model.errors import DermTreeError
from derm_model.jobs import Job, JobState, JobStore, launch, resume
from pages.ui import access, audit_trail, job_panel, look, resources, state
from pages.ui.resources import Model
from pages.ui.saliency import keys
from pages.ui.saliency.entries import Entry
from pages.ui.saliency.wish import Kind, Wish
from pages.ui.train.sources import Images

if TYPE_CHECKING:
    from derm_model.net.saliency.method import Settings

KIND = "saliency"
TABLE = "maps.csv"  # of derm_model.net.atlas, whose import would be torch's
TRUTH, CHOSEN = "The true label of each image", "What is chosen above"
OPTIONS = {"patch_px": "patch"}  # setting -> its option, where it has another name
OWN_FILES = ("request.json", "status.json", "cancel", "worker.lock", "reserve")
MAX_ZIP_BYTES = 150 * 1024**2  # made in the server's memory; larger ones are fetched from its folder
LISTED = 4


def draw_form(model: Model, images: Images, entry: Entry, wish: Wish, settings: Settings) -> None:
    """What each map explains, and the button that begins."""
    explained = st.segmented_control(
        "Explained",
        [TRUTH, CHOSEN],
        key=keys.SALIENCY_BATCH_EXPLAINED,
        default=None if keys.SALIENCY_BATCH_EXPLAINED in st.session_state else TRUTH,
        required=True,
        wrap=True,
        persist_state="session",
    )
    st.caption(
        "A picture and the raw values of each image, and a table of measures. It goes on without this page, and one "
        "that was stopped goes on where it was."
    )
    if st.button("Compute all as a job", key="start_batch", icon=":material/play_arrow:"):
        try:
            begin(model, images, entry, wish if explained == CHOSEN else Wish(Kind.LABEL, of=wish.of), settings)
        except DermTreeError as error:
            st.error(f"**It was not started.** {look.plain(str(error))}", icon=":material/error:")
            return
        st.rerun()


def begin(model: Model, images: Images, entry: Entry, wish: Wish, settings: Settings) -> Job:
    """Start the job; it waits while an evaluation or another one of these is at work.

    Raises
    ------
    JobError
        No folder can be written, or no process be started.
    NotAllowed
    """
    access.who(Right.RESEARCH)
    where = f"--workspace={images.path}" if images.is_workspace else f"--manifest={images.path}"
    words = ["saliency", "--out={job}", f"--bundle={model.folder}", where, *options_of(entry, wish, settings)]
    about = {"kind": KIND, "bundle": model.card.bundle_id}
    title = f"{entry.name}, {images.label}"
    return launch(JobStore(), words, title, about, device="cuda:0" if resources.gpus() else "cpu")


def options_of(entry: Entry, wish: Wish, settings: Settings) -> list[str]:
    """Method, settings and target as options of the command; the label of a wish is that of each image."""
    found = [f"--method={entry.method.id}", f"--of={entry.of or wish.of}"]
    for name in entry.method.settings:
        value = getattr(settings, name)
        if value is not None:
            found.append(f"--{OPTIONS.get(name, name)}={value}")
    by_kind = {
        Kind.PREDICTED: ["--explain=predicted"],
        Kind.LABEL: ["--explain=truth"],
        Kind.CLASS: [f"--class={wish.class_id}"],
        Kind.NODE: [f"--node={wish.node}"],
        Kind.DIFFERENCE: [f"--node={wish.node}", f"--rather-than={wish.other}"],
        Kind.QUESTION: [f"--task={wish.task_id}"],
    }
    return found + by_kind[wish.kind]


def draw_jobs(model: Model) -> None:
    """Jobs of this model; follows the work without a hand on the page."""
    active = job_panel.active(_jobs(model.card.bundle_id))
    seconds = job_panel.POLL_S if active else job_panel.IDLE_POLL_S
    access.poll(_draw_panel, seconds)(model.card.bundle_id, active)


def _jobs(bundle_id: str) -> list[Job]:
    return JobStore().list(about={"kind": KIND, "bundle": bundle_id})


def _draw_panel(bundle_id: str, active_before: tuple[str, ...]) -> None:
    jobs = _jobs(bundle_id)
    if job_panel.active(jobs) != active_before:
        st.rerun()  # the whole page: another rhythm of looking
    with st.container(key="saliency_jobs", gap="small"):
        for job in jobs[:LISTED]:
            _draw_job(job)
        if len(jobs) > LISTED:
            st.caption(f"The last {LISTED} are listed.")


def _draw_job(job: Job) -> None:
    job_panel.draw_card(
        job,
        again=job_panel.Again("Resume", _resume) if job.is_resumable else None,
        dismissed="Deletes its log and its maps.",
        waiting="Waits until another job has ended.",
        told=_outcome,
        below=_draw_files,
    )


def _outcome(job: Job) -> str:
    if job.status.state is not JobState.FINISHED:
        return job_panel.outcome(job)
    if job.status.exit_code == 1:
        return "The maps are there. Some images got none; the log names them."
    return "The maps are there."


def _draw_files(job: Job) -> None:
    """The table, and all in one file where that is not too large."""
    table = job.paths.folder / TABLE
    if not table.is_file():
        return
    size = _bytes_made(job.paths.folder, table.stat().st_mtime_ns)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Table (CSV)",
            audit_trail.exporting(table.read_bytes, "table of many saliency maps (CSV)", Right.RESEARCH),
            f"dermtree-{TABLE}",
            "text/csv",
            key=f"table_{job.id}",
            on_click="ignore",
            icon=":material/download:",
        )
        if size <= MAX_ZIP_BYTES:
            st.download_button(
                f"Maps and table (ZIP, {size / 1024**2:.0f} MB)",
                audit_trail.exporting(
                    lambda: zipped(job.paths.folder), "many saliency maps and their table (ZIP)", Right.RESEARCH
                ),
                "dermtree-maps.zip",
                "application/zip",
                key=f"zip_{job.id}",
                on_click="ignore",
                icon=":material/download:",
            )
        else:
            st.caption(f"The maps have {size / 1024**2:,.0f} MB: fetch them from their folder on the server.")


def files_of(folder: Path) -> list[Path]:
    """What the job made, without what it needs for itself."""
    made = sorted(path for path in folder.rglob("*") if path.is_file())
    return [path for path in made if path.name not in OWN_FILES and not path.name.startswith("log")]


@lru_cache(maxsize=64)
def _bytes_made(folder: Path, stamp: int) -> int:
    """Size of the same. The panel is drawn every few seconds, and a job may have made ten thousands of files."""
    return sum(file.stat().st_size for file in files_of(folder))


def zipped(folder: Path) -> bytes:
    """The same in one file; pictures and values hardly get smaller, so nothing is compressed but the table."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in files_of(folder):
            kind = zipfile.ZIP_DEFLATED if path.suffix in (".csv", ".json") else zipfile.ZIP_STORED
            archive.write(path, path.relative_to(folder), compress_type=kind)
    return buffer.getvalue()


def _resume(job: Job) -> None:
    try:
        access.who(Right.RESEARCH)
        resume(JobStore(), job.id)
    except DermTreeError as error:
        state.say(look.plain(str(error)), failed=True)
