"""Can a map be believed: four tests of one method's map, each begun by a button."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from derm_model.progress import Report
from pages.ui import look, state
from pages.ui.case import CaseImage
from pages.ui.saliency import belief_figures, keys, progress
from pages.ui.saliency.entries import duration
from pages.ui.saliency.grid import Panel
from pages.ui.saliency.works import Works

if TYPE_CHECKING:
    from derm_model.net.engine import Engine
    from derm_model.net.saliency.method import Cost, Pace

UNCHANGED = (
    "**The map does not change when the network is made random.** It would look the same had nothing been learnt."
)


@dataclass(frozen=True)
class Test:
    """A test as the page offers it.

    Attributes
    ----------
    parts
        Functions of `derm_model.net.belief`, by name; run one after the other.
    """

    name: str
    question: str
    parts: tuple[str, ...]
    draw: Callable[[Any, str], None]


TESTS = {
    "randomisation": Test(
        "Random weights",
        "The network's layers are made random, the last one first. A map that stays as it was explains nothing the "
        "network has learnt.",
        ("randomisation",),
        belief_figures.draw_randomisation,
    ),
    "perturbation": Test(
        "Deletion and insertion",
        "The map's strongest pixels are taken away first, or put back first. If they matter, the answer moves sooner "
        "than when the same pattern lies elsewhere.",
        ("deletion", "insertion"),
        belief_figures.draw_perturbations,
    ),
    "stability": Test(
        "Small moves",
        "The image is turned by up to 15° and cropped by up to a fifth. A map that jumps about is read by its areas "
        "at most.",
        ("stability",),
        belief_figures.draw_stability,
    ),
    "classes": Test(
        "Other classes",
        "The same method explains the next most probable classes. A map that is the same for all says where the "
        "network looks, and not why.",
        ("class_sensitivity",),
        belief_figures.draw_classes,
    ),
}


def draw_belief(engine: Engine, image: CaseImage, panels: Sequence[Panel], pace: Pace | None) -> None:
    """Choose the map, then the four tests of it."""
    done = {panel.entry.id: panel for panel in panels if panel.map is not None}
    if not done:
        st.caption("A map is tested once it is there.")
        return
    state.drop_unless(keys.SALIENCY_TESTED, done)
    chosen = st.selectbox(
        "Map that is tested",
        list(done),
        format_func=lambda i: done[i].entry.name,
        key=keys.SALIENCY_TESTED,
        persist_state="session",
    )
    panel = done[chosen]
    needed = _seconds(engine, panel, pace)
    left, right = st.columns(2, gap="medium")
    for number, (name, test) in enumerate(TESTS.items()):
        with (left, right)[number % 2], st.container(border=True, key=f"test_{name}", gap="small"):
            _draw_test(engine, image, panel, name, test, needed.get(name))


def _seconds(engine: Engine, panel: Panel, pace: Pace | None) -> dict[str, float | None]:
    from derm_model.net.belief import costs
    from derm_model.net.saliency.explainer import Explainer

    found: dict[str, Cost] = dict(costs(Explainer(engine), panel.entry.method, panel.settings).items())
    return {
        name: None if pace is None else sum(found[part].seconds(pace) for part in test.parts)
        for name, test in TESTS.items()
    }


def key_of(name: str, panel: Panel) -> Hashable:
    """What a test's result is of."""
    return ("test", name, panel.key)


def _draw_test(engine: Engine, image: CaseImage, panel: Panel, name: str, test: Test, needed: float | None) -> None:
    st.markdown(f"##### {test.name}")
    st.caption(test.question)
    works, key = state.lab().tests, key_of(name, panel)
    work = works.get(key)
    if work is None or work.error is not None:
        time = duration(needed)
        st.button(
            "Test" + (f", {time}" if time else ""),
            key=f"begin_{name}",
            icon=":material/play_arrow:",
            on_click=begin,
            args=(engine, image, panel, name),
        )
    if work is None:
        return
    found = progress.draw_work(work, test.name, works, key, name)
    if found is None:
        return
    if name == "randomisation" and found[0].warning:
        st.warning(UNCHANGED, icon=":material/warning:")
    test.draw(found, panel.entry.name)
    if len(found) == 1:  # of several each has its sentence below its figure
        st.markdown(look.plain(found[0].reading))


def begin(engine: Engine, image: CaseImage, panel: Panel, name: str) -> None:
    """Run a test beside the page."""
    parts, pixels = TESTS[name].parts, image.pixels
    method, target, settings, known = panel.entry.method, panel.target, panel.settings, panel.map
    assert target is not None  # a panel with a map has one

    def make(report: Report) -> object:
        from derm_model.net import belief
        from derm_model.net.saliency.explainer import Explainer

        explainer = Explainer(engine)
        return [
            getattr(belief, part)(explainer, pixels, method, target, settings, report, known=known) for part in parts
        ]

    state.lab().tests.start(key_of(name, panel), make)


def results_of(panels: Sequence[Panel], tests: Works) -> list[dict[str, Any]]:
    """What was found of these maps, as JSON types."""
    found = []
    for panel in panels:
        for name in TESTS:
            work = tests.get(key_of(name, panel))
            for part in (None if work is None else work.result) or []:
                found.append({"method": panel.entry.id, "test": name, **belief_figures.as_json(part)})
    return found
