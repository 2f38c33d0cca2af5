"""Router of DermTree: the table of pages, each with the right that opens it. No widget, no state, no model."""

from __future__ import annotations

from derm_model.access import Right
from pages.ui import frame
from pages.ui.navigation import Entry, run

frame.configure()  # first of all commands, or a page's icon becomes the favicon and is fetched from a font host
PAGES = {
    "Read": [
        Entry("pages/classify.py", "Classify", "center_focus_strong", Right.CLASSIFY),
        Entry("pages/threshold.py", "Threshold desk", "tune", Right.CLASSIFY),
        Entry("pages/saliency.py", "Saliency", "flare", Right.CLASSIFY),
        Entry("pages/cases.py", "Cases", "folder_shared", Right.CASES),
    ],
    "Research": [
        Entry("pages/taxonomy.py", "Taxonomy", "account_tree", Right.CLASSIFY),
        Entry("pages/dataset.py", "Data", "dataset", Right.RESEARCH),
        Entry("pages/train.py", "Train", "model_training", Right.RESEARCH),
        Entry("pages/evaluate.py", "Evaluate", "query_stats", Right.RESEARCH),
        Entry("pages/model.py", "Model", "id_card", Right.CLASSIFY),
    ],
    "Compare": [
        Entry("pages/readers.py", "Reader study", "groups", Right.TAKE_STUDY),
    ],
    "Administration": [
        Entry("pages/audit.py", "Audit log", "history_edu", Right.AUDIT),
    ],
}
run(PAGES)
