"""What the pages know of images and answers, in the form the records keep. No Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derm_model.card import NOTICE_PERCENTILE
from pages.ui.question import BY_HAND, Question

if TYPE_CHECKING:
    from derm_model.net.engine import Prediction
    from derm_model.records.saving import NewAnswer, NewImage, NewPrediction
    from pages.ui.case import CaseImage
    from pages.ui.resources import Model

LONGEST_RULE = 120  # of the column


def new_images(images: Sequence[CaseImage], modalities: Sequence[str | None]) -> tuple[NewImage, ...]:
    """Pixels as they were classified."""
    from derm_model.records.saving import NewImage

    return tuple(NewImage(image.pixels, modality) for image, modality in zip(images, modalities, strict=True))


def new_predictions(
    model: Model, images: Sequence[CaseImage], predictions: Sequence[Prediction], questions: Sequence[Question]
) -> tuple[NewPrediction, ...]:
    """What the model says of each view of a lesion, and of several views what it says of them together.

    Parameters
    ----------
    model, images
    predictions
        One per image.
    questions
        Every question the model can answer, with the thresholds in use.
    """
    found = [
        _prediction(model, number, prediction.class_probs, prediction.ood_percentile, notes_of(image), questions)
        for number, (image, prediction) in enumerate(zip(images, predictions, strict=True))
    ]
    if len(images) > 1:
        together = np.mean([prediction.class_probs for prediction in predictions], axis=0)
        found.append(_prediction(model, None, together, None, (), questions))
    return tuple(found)


def notes_of(image: CaseImage) -> tuple[str, ...]:
    """What the page said of an image's quality, as plain sentences."""
    return tuple(notice.message.replace("**", "") for notice in image.notices)


def _prediction(
    model: Model,
    image: int | None,
    probs: NDArray[np.float64],
    ood_percentile: float | None,
    notes: tuple[str, ...],
    questions: Sequence[Question],
) -> NewPrediction:
    from derm_model.records.saving import NewPrediction

    return NewPrediction(
        image=image,
        bundle_id=model.card.bundle_id,
        bundle_digest=model.card.weights_sha256,
        taxonomy_digest=model.card.taxonomy_digest,
        class_probs={c.id: float(p) for c, p in zip(model.card.classes, probs, strict=True)},
        ood_percentile=ood_percentile,
        quality_notes=notes,
        answers=tuple(_answer(question.put_to(probs)) for question in questions),
    )


def _answer(question: Question) -> NewAnswer:
    """Score with the threshold in use; where nobody chose one the page shows 0.5, which decides nothing."""
    from derm_model.records.saving import NewAnswer

    task_id = question.classes.task.id
    if not question.is_chosen:
        return NewAnswer(task_id, question.score, None)
    rule = " = ".join(question.presets_in_force) or BY_HAND
    return NewAnswer(task_id, question.score, question.threshold, rule[:LONGEST_RULE])


def is_unusual(percentile: float | None) -> bool:
    """Whether the page says that an image is unlike those the model learnt from."""
    return percentile is not None and percentile >= NOTICE_PERCENTILE
