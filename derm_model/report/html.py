"""A case as one HTML file: images inside, no script, nothing fetched. Printed, it is a page or two of paper."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from jinja2 import Environment, FileSystemLoader, select_autoescape
from numpy.typing import NDArray

from derm_model import words
from derm_model.palette import DARK, LIGHT, MARKS
from derm_model.report.case import CaseReport
from derm_model.report.content import make_document
from derm_model.report.document import BOLD_MARK
from derm_model.report.picture import jpeg

TEMPLATES = Path(__file__).resolve().parents[2] / "assets"
TEMPLATE = "case_report.html.jinja"
THUMB_PX = 180


def case_html(report: CaseReport, *, note: str = "", with_names: bool = False) -> str:
    """The report as a whole page, with the content of the PDF.

    Parameters
    ----------
    report
    note
        Of the clinician.
    with_names
        Whether the names of the files stand in it.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"parts": _parts, "url": _url}
    return environment.get_template(TEMPLATE).render(
        document=make_document(report, note=note, with_names=with_names),
        notice=words.NOTICE,
        marks=MARKS,
        light=LIGHT,
        dark=DARK,
        thumb_px=THUMB_PX,
    )


def _parts(text: str) -> list[tuple[bool, str]]:
    """Text in pieces: whether bold, and the words, which the template escapes."""
    return [(bool(i % 2), part) for i, part in enumerate(BOLD_MARK.split(text)) if part]


def _url(pixels: NDArray[np.uint8], longest_px: int = 1000) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg(pixels, longest_px)).decode('ascii')}"
