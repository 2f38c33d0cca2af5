"""What a training would be, before it starts: classes with their images, oddities, time, memory and space."""

from __future__ import annotations

import logging
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.errors import DermTreeError
from pages.ui import access, look, resources
from pages.ui.train import machine, table
from pages.ui.train.wish import CROSSVAL, Wish

if TYPE_CHECKING:
    from pages.ui.train.plan import Plan

log = logging.getLogger(__name__)

PATIENCE_S = 0.4  # most plans are ready by then; a longer one must not hold up typing
POLL_S = 0.5
SHOWN_CLASSES = 8
WORKING = "Being worked out: counting images and classes. A server that has just started loads PyTorch first."


def settled(future: Future[Plan]) -> Plan | str | None:
    """The plan, or why there is none, or None while it is being worked out."""
    if not future.done():
        return None
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, DermTreeError):
        return str(error)
    log.error("a training could not be planned", exc_info=error)
    return "It could not be worked out, by an unexpected error; the log of the server has the details."


def draw_preview(future: Future[Plan], wish: Wish) -> None:
    """Table of classes and what is odd; looks again by itself while that is being worked out."""
    wait([future], timeout=PATIENCE_S)
    found = settled(future)
    with st.container(border=True, key="train_preview", gap="small"):
        if found is None:
            st.markdown(f":material/hourglass_empty: {WORKING}")
            st.skeleton(180)
            access.poll(_look_again, POLL_S)(future)
        elif isinstance(found, str):
            st.warning(f"**No preview.** {look.plain(found)}", icon=":material/warning:")
        else:
            _draw(found, wish)


def _look_again(future: Future[Plan]) -> None:
    if future.done():
        st.rerun()


def _draw(plan: Plan, wish: Wish) -> None:
    n = words.plural(len(plan.classes), "training class", "training classes")
    st.markdown(f"**{n}** from {words.plural(plan.n_train, 'training image')}")
    rows = list(plan.classes)
    table.draw_classes(rows[:SHOWN_CLASSES])
    if len(rows) > SHOWN_CLASSES:
        with st.expander(f"{len(rows) - SHOWN_CLASSES} more classes", key="more_classes"):
            table.draw_classes(rows[SHOWN_CLASSES:], longest=max(c.n_train for c in rows))
    parts = [
        f"{words.count(plan.n_validation)} for validation",
        f"{words.count(plan.n_test)} held out",
        f"{words.count(plan.n_left_out)} left out",
        f"{words.plural(plan.n_steps, 'step')}",
    ]
    st.caption(" · ".join(parts if plan.n_left_out else [p for p in parts if "left out" not in p]))
    notes = [*plan.notes, *_faithful(plan, wish)]
    if notes:
        st.markdown("\n".join(f"- {look.plain(note)}" for note in notes))
    more = []
    if wish.kind == CROSSVAL:
        more.append("This is one fold of it; the others are alike.")
    if plan.by_ids_only:
        more.append("Images were grouped by their ids. The start also compares the pictures, and may move some images.")
    more += [f"{words.plural(n, 'row')} of the manifest cannot be used: {kind}." for n, kind in plan.left_out]
    if more:
        st.caption(look.plain(" ".join(more)))


def _faithful(plan: Plan, wish: Wish) -> list[str]:
    """What the other way to partition would do."""
    if plan.faithful_lost is None or wish.config.partition_mode == "faithful":
        return []
    if not plan.faithful_lost:
        return ["The paper's pseudocode, taken literally, would lose no image here."]
    left = words.plural(plan.faithful_classes or 0, "class", "classes")
    lost = words.plural(plan.faithful_lost, "image")
    return [f"The paper's pseudocode, taken literally, would lose {lost} and leave {left}."]


def draw_cost(plan: Plan | str | None, wish: Wish) -> None:
    """Time, memory and space, right above the start."""
    if plan is None:
        st.markdown("Time and memory are being worked out.")
    elif not isinstance(plan, str):
        _draw_time(plan, wish)
    free, memory = machine.free_disk_bytes(), machine.memory_bytes()
    facts = [f"{machine.size(free)} free on the disk of runs"] if free is not None else []
    facts += [f"{machine.size(memory)} of memory in this machine"] if memory is not None else []
    st.caption(" · ".join(facts))
    if free is not None and free < machine.ENOUGH_DISK_BYTES:
        st.warning(
            f"**Little space.** A training writes about 1 GB, and {machine.size(free)} are free. A full disk stops it; "
            "its last epoch is kept. Delete runs that are not needed.",
            icon=":material/hard_drive:",
        )
    on_cpu = wish.device == "cpu" or not resources.gpus()
    if isinstance(plan, str) or plan is None or memory is None or not on_cpu:
        return
    if plan.memory_bytes * wish.processes > memory:
        st.warning(
            f"**More memory than there is.** About {machine.size(plan.memory_bytes * wish.processes)} are needed, "
            f"{machine.size(memory)} are there. Use a smaller batch, more parts of it, or smaller crops.",
            icon=":material/memory:",
        )


def _draw_time(plan: Plan, wish: Wish) -> None:
    n = 1 if wish.kind != CROSSVAL else len(wish.targets) * (plan.n_folds or wish.n_folds)
    each = " each" if wish.processes > 1 else ""
    memory = f"**{machine.size(plan.memory_bytes)}** of memory{each}"
    if plan.seconds is None:
        st.markdown(f"Time: not known for this machine before its first epoch. About {memory}.")
        return
    how = "as measured here" if plan.measured else "a rough guess: nothing was measured here yet"
    trainings = f" for {n} trainings, one after the other," if n > 1 else ""
    st.markdown(f"About **{machine.duration(n * plan.seconds)}**{trainings} and {memory} ({how}).")
