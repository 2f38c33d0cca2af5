"""Several images: views of one lesion or separate lesions, removing one, and the list of separate lesions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from derm_model import words
from derm_model.answer import Level, level_answers
from pages.ui import begin, look, state
from pages.ui.case import Case
from pages.ui.question import Question, sides
from pages.ui.reading import Reading
from pages.ui.resources import Model

VIEWS, LESIONS = "Views of one lesion", "Separate lesions"


def draw_case_line(case: Case) -> None:
    """How many images, what they are, and the way to a new case."""
    n = len(case.images)
    parts = [f"**{n} separate lesions**" if is_lesions(case) else f"**Case of {words.plural(n, 'image')}**"]
    drawings = sum(image.is_drawing for image in case.images)
    if drawings:
        parts.append(
            "drawing, not a patient" if drawings == n == 1 else f"{words.plural(drawings, 'drawing')} among them"
        )
    if n > 1 and not is_lesions(case):
        parts.append("probabilities averaged")
    with st.container(horizontal=True, vertical_alignment="center", key="case_line"):
        st.markdown(" · ".join(parts))
        st.space("stretch")
        st.button("New case", icon=":material/add:", on_click=state.new_case, key="new_case")


def is_lesions(case: Case) -> bool:
    """Whether the images are separate lesions; one image is always one lesion."""
    return len(case.images) > 1 and st.session_state.get(state.GROUPING) == LESIONS


def draw_images(case: Case) -> None:
    """Add images, say what several of them are, remove one."""
    with st.expander("Add or remove images", icon=":material/add_photo_alternate:", expanded=bool(case.problems)):
        begin.doors(case)
        if len(case.images) > 1:
            st.segmented_control(
                "Several images are",
                [VIEWS, LESIONS],
                default=VIEWS,
                required=True,
                key=state.GROUPING,
                wrap=True,
                persist_state="session",
                help="Views of one lesion are averaged. Separate lesions are read one by one and listed.",
            )
        with st.container(horizontal=True):
            for number, image in enumerate(case.images, start=1):
                st.button(
                    f"Remove {number} · {look.plain(image.name)}",
                    key=f"remove_{image.digest}",
                    icon=":material/close:",
                    on_click=_remove,
                    args=(image.digest,),
                )


def _remove(digest: str) -> None:
    case = state.case()
    case.remove(digest)
    case.problems = []
    st.session_state.pop(state.SHOWN, None)
    if not case.images:
        state.new_case()


def labels(reading: Reading, views: Sequence[Question]) -> list[str]:
    """What the image chooser says of each image: its score, or how probable it finds the case's first class."""
    if views:
        return ["no score" if q.score is None else f"score {words.number(q.score)}" for q in views]
    first = int(reading.probs.argmax())
    return [words.percent(float(prediction.class_probs[first])) for prediction in reading.predictions]


def _most_probable(model: Model, probs: NDArray[np.float64]) -> tuple[str, str]:
    best = level_answers(model.taxonomy, model.aggregator, model.card.classes, probs, Level.NINE)[0]
    return best.name, words.percent(best.probability or 0.0)


def draw_list(model: Model, case: Case, reading: Reading, views: Sequence[Question]) -> None:
    """One line per lesion; the download CSV has the same and more."""
    st.markdown("##### All lesions")
    found = sides(views)
    lines = []
    for i, (image, prediction) in enumerate(zip(case.images, reading.predictions, strict=True)):
        name, probability = _most_probable(model, prediction.class_probs)
        line = {"Image": f"{i + 1} · {image.name}", "Most probable of nine": name, "Probability": probability}
        if views:
            score = views[i].score
            line["Score"] = "no score" if score is None else words.number(score, views[i].threshold)
            line["Operating point"] = {None: "no score", True: "↑ above", False: "↓ below"}[found[i]]
        lines.append(line)
    st.dataframe(lines, hide_index=True, alt="One line per lesion with its most probable class and its score")
