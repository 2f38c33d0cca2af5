"""Readers' confusion matrix beside an evaluation's, on the images that both have (Extended Data Figure 2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from derm_model.assessment.answers import Answers
from derm_model.card import BundleCard
from derm_model.errors import DermTreeError
from derm_model.evaluation.confusion import ConfusionMatrix
from derm_model.evaluation.metrics import Interval
from derm_model.reader_result.material import collect
from derm_model.reader_result.network import network_answers
from derm_model.reader_result.result import StudyResult, study_result
from derm_model.records.engine import reading, records_engine
from derm_model.records.studies import StudyRow, list_studies
from derm_model.taxonomy import Taxonomy
from derm_model.words import count, plural

QUESTIONS = {"nine": "nine-way", "three": "three-way"}  # level of an evaluation -> question of a study


@dataclass(frozen=True, eq=False)
class Beside:
    """Readers of a study and the network on the same images.

    Attributes
    ----------
    study_id, study_name
    level
        "nine" or "three".
    names
        Of the classes, in the order of rows and columns of both matrices.
    readers, mean, sd
        Answers of the readers who answered all of these images; mean accuracy and how much readers differ.
    network, accuracy
    n_images, n_of_study
        Images that both have, and all that count in the study.
    n_readers, n_scripts
        Those readers, and how many of them are no people.
    """

    study_id: str
    study_name: str
    level: str
    names: tuple[str, ...]
    readers: ConfusionMatrix
    mean: float
    sd: float | None
    network: ConfusionMatrix
    accuracy: Interval
    n_images: int
    n_of_study: int
    n_readers: int
    n_scripts: int

    @property
    def sentence(self) -> str:
        """What the two matrices rest on, and the accuracies."""
        of = "" if self.n_images == self.n_of_study else f" of {count(self.n_of_study)}"
        scripts = f", {count(self.n_scripts)} of them scripts and no people," if self.n_scripts else ""
        spread = "" if self.sd is None else f" ± {100 * self.sd:.1f}% (SD over readers)"
        network = f"{self.accuracy.value:.1%} ({100 * self.accuracy.low:.1f}–{self.accuracy.high:.1%})"
        return (
            f"{self.study_name}: {plural(self.n_images, 'image')}{of}. {plural(self.n_readers, 'reader')}{scripts} "
            f"have a mean of class accuracies of {self.mean:.1%}{spread}, the network {network}."
        )


def studies_at(level: str) -> tuple[StudyRow, ...]:
    """Closed studies that asked for a level, newest first: the result of an open one is interim.

    Raises
    ------
    RecordsError
        The records cannot be reached.
    """
    asked = QUESTIONS.get(level)
    with reading(records_engine()) as session:
        return tuple(s for s in list_studies(session) if s.question == asked and s.closed_at is not None)


def beside(study_id: str, answers: Answers, card: BundleCard, bundle: Path, taxonomy: Taxonomy) -> Beside | None:
    """Set a study's readers beside the answers of an evaluation.

    Returns
    -------
    Beside or None
        None where the two have no image in common, or no reader answered all of these.

    Raises
    ------
    RecordsError
        The study cannot be read.
    """
    material = collect(study_id, taxonomy)
    try:
        whole = network_answers(material, card, taxonomy, answers, bundle)
    except DermTreeError:
        return None
    common = material.of_images(whole.answered.tolist())
    result = study_result(common, network_answers(common, card, taxonomy, answers, bundle))
    return _beside(result, len(material.images))


def _beside(result: StudyResult, n_of_study: int) -> Beside | None:
    found, study = result.classes, result.material.study
    if found is None or found.complete is None or found.network is None:
        return None
    level = next(name for name, question in QUESTIONS.items() if question == study.question)
    return Beside(
        study_id=study.study_id,
        study_name=study.name,
        level=level,
        names=found.names,
        readers=found.complete.confusion,
        mean=found.complete.mean,
        sd=found.complete.sd,
        network=found.network.confusion,
        accuracy=found.network.accuracy,
        n_images=len(result.material.images),
        n_of_study=n_of_study,
        n_readers=len(result.complete),
        n_scripts=sum(reader.is_script for reader in result.complete),
    )


def all_beside(answers: Answers, card: BundleCard, bundle: Path, taxonomy: Taxonomy) -> Iterator[Beside]:
    """Every closed study that has images of an evaluation."""
    for level in QUESTIONS:
        for study in studies_at(level):
            found = beside(study.study_id, answers, card, bundle, taxonomy)
            if found is not None:
                yield found
