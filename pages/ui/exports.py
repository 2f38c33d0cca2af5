"""Downloads of a case: reports to print and file, tables and FHIR to compute with, the map as PNG.

Built when a button is pressed, at the threshold of that moment, outside of the session: what they need of it is taken
while the page is drawn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from derm_model import report, words
from derm_model.access import Right
from derm_model.report import CaseReport, MapPicture, Paper, Seen, TaskResult
from pages.ui import audit_trail, look, resources, rows, state, viewer
from pages.ui.audit_trail import Content
from pages.ui.case import CaseImage
from pages.ui.question import Question
from pages.ui.reading import Reading, Results, map_of
from pages.ui.resources import Model

if TYPE_CHECKING:
    from derm_model.net.engine import Engine
    from derm_model.net.saliency import SaliencyMap

MAX_NOTE = 4000  # characters; a page of print
SETTLING_S = 0.4  # a press that ends the typing comes at the same moment as what was typed


@dataclass(frozen=True, eq=False)
class Export:
    """What the files of a case are made of.

    Attributes
    ----------
    asked
        Task of the page's question; None: "What is it?".
    engine, results
        For the maps of images that were not in the viewer.
    usual_paper
        Where no other was chosen.
    wishes
        The session's own: paper and note by the keys of their widgets.
    """

    model: Model
    images: Sequence[CaseImage]
    shown: int
    reading: Reading
    questions: Sequence[Question]
    average: bool
    asked: str | None
    strength: float
    engine: Future[Engine]
    results: Results
    usual_paper: Paper
    wishes: dict[str, str]

    def case(self) -> CaseReport:
        """The case without pictures, as tables need it."""
        return case_report(
            self.model, self.images, self.reading, self.questions, average=self.average, asked=self.asked
        )

    def illustrated(self) -> CaseReport:
        """The case with every image and its map; those that were not looked at are computed now."""
        maps = [self._map(image) for image in self.images]
        return case_report(
            self.model, self.images, self.reading, self.questions, average=self.average, asked=self.asked, maps=maps
        )

    def pdf(self) -> bytes:
        """Report to print."""
        from derm_model.report.pdf import case_pdf

        case = self.illustrated()
        time.sleep(SETTLING_S)
        paper = Paper(self.wishes.get(state.REPORT_PAPER) or self.usual_paper)
        return case_pdf(case, paper, note=self.wishes.get(state.REPORT_NOTE, ""))

    def html(self) -> str:
        """Report for a browser."""
        from derm_model.report.html import case_html

        case = self.illustrated()
        time.sleep(SETTLING_S)
        return case_html(case, note=self.wishes.get(state.REPORT_NOTE, ""))

    def json(self) -> str:
        """Every number."""
        return report.case_json(self.case())

    def csv(self) -> str:
        """One line per image."""
        return report.images_csv(self.case())

    def fhir(self) -> str:
        """Bundle for a clinic's systems; without pixels."""
        from derm_model.report.fhir import case_fhir

        return case_fhir(self.case())

    def map(self) -> bytes:
        """The map in the viewer."""
        return map_png(self.model, self.images[self.shown], self.reading, self.strength)

    def _map(self, image: CaseImage) -> MapPicture | None:
        target = self.reading.target
        if target is None:
            return None
        found = map_of(self.engine.result(), image, target, self.results).map
        return None if found is None else map_picture(image, found, self.strength)


def draw_downloads(
    model: Model,
    images: Sequence[CaseImage],
    shown: int,
    reading: Reading,
    questions: Sequence[Question],
    *,
    average: bool,
) -> None:
    """Two reports and, folded, what only programs read. No file name of a patient's image names a download."""
    task = rows.chosen_task(model)
    usual = report.paper_of(st.context.locale)
    files = Export(
        model=model,
        images=images,
        shown=shown,
        reading=reading,
        questions=questions,
        average=average,
        asked=None if task is None else task.task.id,
        strength=viewer.strength(),
        engine=resources.engine(model),
        results=state.results(),
        usual_paper=usual,
        wishes=state.report_wishes(),
    )

    def draw(label: str, make: Callable[[], Content], name: str, kind: str) -> None:
        st.download_button(
            label,
            audit_trail.exporting(make, label.lower(), Right.CLASSIFY, model=model, n_images=len(images)),
            f"dermtree-{name}",
            kind,
            on_click="ignore",
            icon=":material/download:",
        )

    st.markdown("##### Take it with you")
    with st.container(horizontal=True, key="downloads"):
        draw("Report (PDF)", files.pdf, "report.pdf", "application/pdf")
        draw("Report (HTML)", files.html, "report.html", "text/html")
        with st.popover("Paper and note", icon=":material/edit_note:"):
            _draw_wishes(usual)
        with st.popover("Data files", icon=":material/data_object:"), st.container(horizontal=True, key="data_files"):
            draw("Case (JSON)", files.json, "case.json", "application/json")
            draw("Table (CSV)", files.csv, "case.csv", "text/csv")
            draw("Case (FHIR)", files.fhir, "case.fhir.json", "application/fhir+json")
        if reading.map_view.map is not None:
            draw("Map (PNG)", files.map, "map.png", "image/png")
    st.caption(
        f"Every file says: {words.NOTICE} It names model, threshold and time, and holds no metadata of yours. "
        "The reports hold the images, and no file names."
    )


def _draw_wishes(usual: Paper) -> None:
    """Paper of the PDF and a note; the note goes into the two reports and nowhere else."""
    st.segmented_control(
        "Paper of the PDF",
        list(Paper),
        default=usual,
        required=True,
        key=state.REPORT_PAPER,
        persist_state="session",
        on_change=_take,
        args=(state.REPORT_PAPER,),
    )
    note = st.text_area(
        "Note for PDF and HTML",
        key=state.REPORT_NOTE,
        persist_state="session",
        max_chars=MAX_NOTE,
        height=140,
        on_change=_take,
        args=(state.REPORT_NOTE,),
        help="Printed above the lines for a written note. It is kept nowhere else, and gone with the case.",
    )
    if note:
        from derm_model.report.pdf_parts import missing_signs

        missing = missing_signs(note)
        if missing:
            st.warning(
                f"**The PDF cannot print this note.** Its font has no sign for {look.plain(missing[:20])}. Take the "
                "HTML report, or change the note.",
                icon=":material/translate:",
            )


def _take(key: str) -> None:
    state.report_wishes()[key] = st.session_state[key] or ""


def case_report(
    model: Model,
    images: Sequence[CaseImage],
    reading: Reading,
    questions: Sequence[Question],
    *,
    average: bool,
    asked: str | None = None,
    maps: Sequence[MapPicture | None] | None = None,
) -> CaseReport:
    """Everything the page knows about these images.

    Parameters
    ----------
    questions : sequence of Question
        Every question the model can answer.
    average : bool
        The images are views of one lesion; else there is no common answer, only one per image.
    asked : str, optional
        Task of the page's question.
    maps : sequence, optional
        One per image; with them the pictures are in the report, too.
    """

    def answer(probs: NDArray[np.float64]) -> dict[str, TaskResult]:
        return {q.classes.task.id: q.put_to(probs).result() for q in questions}

    seen = [
        Seen(
            file=image.name,
            sha256=image.digest,
            width_px=image.width_px,
            height_px=image.height_px,
            is_drawing=image.is_drawing,
            notices=tuple(notice.message for notice in image.notices),
            probs=prediction.class_probs,
            ood_percentile=prediction.ood_percentile,
            picture=None if maps is None else image.view_pixels,
            map=None if maps is None else maps[i],
        )
        for i, (image, prediction) in enumerate(zip(images, reading.predictions, strict=True))
    ]
    return report.build_case(model.card, model.aggregator, seen, answer, average=average, asked=asked)


def map_picture(image: CaseImage, saliency: SaliencyMap, strength: float) -> MapPicture:
    """Image with its map as the viewer shows it."""
    from derm_model.net.overlay import blend

    pixels = blend(image.view_pixels, saliency, strength)
    return MapPicture(pixels, saliency.label, saliency.method, saliency.note, strength)


def map_png(model: Model, image: CaseImage, reading: Reading, strength: float) -> bytes:
    """Image with its map at the strength of the viewer, and below it what it is."""
    saliency = reading.map_view.map
    if saliency is None:
        raise ValueError("there is no map to save: the gradient is zero everywhere")
    drawing = "A drawing made by a program, not a patient. " if image.is_drawing else ""
    return report.captioned_png(
        map_picture(image, saliency, strength).pixels,
        (
            f"{drawing}Map for: {saliency.label}. {saliency.method}. Strength {strength:.0%}.",
            words.MAP.replace("**", ""),
            f"Model {model.card.name}, bundle {model.card.bundle_id}. {report.now().isoformat()}",
        ),
    )
