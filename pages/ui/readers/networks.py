"""The network whose answers the second pass of a study shows: the very one the study was made with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from derm_model.reader_questions import StudyQuestion
from pages.ui import resources
from pages.ui.readers.sheets import Network
from pages.ui.resources import Model

if TYPE_CHECKING:
    from derm_model.records.studies import StudyRow


def model_of(study: StudyRow) -> Model | None:
    """The model with the weights the study names; None where it is not on this server."""
    usable, _ = resources.models()
    return next((model for model in usable if model.card.weights_sha256 == study.bundle_digest), None)


def network_of(study: StudyRow, question: StudyQuestion) -> Network | None:
    """The same, loading, put to the study's question; None where it is not here or cannot answer it."""
    model = model_of(study)
    columns = None if model is None else question.columns(model.taxonomy, model.card.classes)
    if model is None or columns is None:
        return None
    return Network(resources.engine(model), question, columns)
