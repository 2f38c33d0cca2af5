"""What leaves the app about a case: PDF, HTML, FHIR, JSON, CSV, the map as PNG. All carry the notice.

Light: reportlab, jinja2 and the FHIR library are imported by whoever writes such a file (`pdf`, `html`, `fhir`).
"""

from derm_model.report.build import Seen, build_case, task_result
from derm_model.report.case import CaseReport, ImageResult, MapPicture, NodeFacts, TaskResult, now
from derm_model.report.paper import Paper, paper_of
from derm_model.report.picture import captioned_png
from derm_model.report.tables import FORMAT_VERSION, case_json, csv_cell, csv_columns, images_csv, plain

__all__ = [
    "FORMAT_VERSION",
    "CaseReport",
    "ImageResult",
    "MapPicture",
    "NodeFacts",
    "Paper",
    "Seen",
    "TaskResult",
    "build_case",
    "captioned_png",
    "case_json",
    "csv_cell",
    "csv_columns",
    "images_csv",
    "now",
    "paper_of",
    "plain",
    "task_result",
]
