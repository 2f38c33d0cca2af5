"""Which labelled images a study may show, and a sample of them that a seed draws again. No Streamlit in here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from derm_model.assessment.seen import choose, count_parts, split_beside
from derm_model.card import BundleCard
from derm_model.data.manifest import Record, read_manifest
from derm_model.errors import EvaluationError
from derm_model.evaluation.sampling import PAPER_SIZES, SampleSize, draw_sample
from derm_model.reader_questions import StudyQuestion
from derm_model.taxonomy import Taxonomy, read_crosswalk
from pages.ui.train.sources import Images

ALL, HELD_OUT, TEST_FOLD, OFFICIAL_TEST = "all", "held_out", "test_fold", "official"
PARTS = {
    ALL: "All of them",
    HELD_OUT: "Held out by the model's training",
    TEST_FOLD: "Test part of the workspace",
    OFFICIAL_TEST: "Test part of the data set",
}
ANY_KIND, NOT_STATED = "any", "not stated"


@dataclass(frozen=True, eq=False)
class Usable:
    """Images a question can be asked of.

    Attributes
    ----------
    records
    answers
        Right choice of each.
    n_other
        Images of which the label does not say it.
    """

    records: tuple[Record, ...]
    answers: tuple[str, ...]
    n_other: int

    @property
    def counts(self) -> Counter[str]:
        """Images of each right choice."""
        return Counter(self.answers)

    def of_kind(self, kind: str) -> Usable:
        """Only images of a modality."""
        if kind == ANY_KIND:
            return self
        kept = [i for i, record in enumerate(self.records) if kind_of(record) == kind]
        return Usable(tuple(self.records[i] for i in kept), tuple(self.answers[i] for i in kept), self.n_other)


def kind_of(record: Record) -> str:
    """Modality of an image in a word."""
    return record.modality or NOT_STATED


def read_records(images: Images, taxonomy: Taxonomy) -> tuple[Record, ...]:
    """All usable images of a workspace or manifest.

    Raises
    ------
    ManifestError
        The table cannot be used.
    """
    return read_manifest(images.manifest, taxonomy, read_crosswalk(taxonomy)).records


def parts_of(images: Images, records: Sequence[Record], bundle: Path | None) -> list[str]:
    """Parts that can be told apart, those nobody trained on first."""
    found = []
    if bundle is not None and split_beside(bundle) is not None:
        found.append(HELD_OUT)
    if images.folds is not None:
        found.append(TEST_FOLD)
    if any(record.official_split == "test" for record in records):
        found.append(OFFICIAL_TEST)
    return [*found, ALL]


def in_part(images: Images, records: Sequence[Record], part: str, bundle: Path | None) -> tuple[Record, ...]:
    """Images of one part.

    Raises
    ------
    EvaluationError
        No image is in it, or the table that tells cannot be read.
    SplitError
        The folds cannot be read.
    """
    if part == HELD_OUT and bundle is not None:
        return choose(records, split_beside(bundle), "test")[0]
    if part == OFFICIAL_TEST:
        return tuple(record for record in records if record.official_split == "test")
    if part == TEST_FOLD and images.folds is not None:
        from derm_model.data.fold_table import TEST, read_folds

        folds = read_folds(images.folds)
        there = folds[folds["part"] == TEST]
        test = set(zip(there["source"], there["image_id"], strict=True))
        found = tuple(record for record in records if (record.source, record.image_id) in test)
        if not found:
            raise EvaluationError("The splits of the workspace hold no image out. Choose another part.")
        return found
    return tuple(records)


def usable(question: StudyQuestion, taxonomy: Taxonomy, records: Sequence[Record]) -> Usable:
    """Images of which the label says the right answer."""
    right = {node: question.truth(taxonomy, node) for node in {record.node for record in records}}
    kept = [(record, answer) for record in records if (answer := right[record.node]) is not None]
    return Usable(tuple(r for r, _ in kept), tuple(a for _, a in kept), len(records) - len(kept))


def paper_sizes(question: StudyQuestion) -> dict[str, SampleSize]:
    """The paper's sets for a question by the modality they had; {} where it had none."""
    task = None if question.task is None else question.task.id
    return {modality: size for (one, modality), size in PAPER_SIZES.items() if one == task}


def draw(question: StudyQuestion, of: Usable, wanted: Mapping[str, int], seed: int) -> tuple[Record, ...]:
    """Draw so many images of each choice, one of a lesion or patient where that is enough.

    Their order is the seed's, too, and tells nothing about what they show.

    Raises
    ------
    EvaluationError
        Fewer than two choices are wanted, or a choice has too few images.
    """
    asked = {question.words(choice): n for choice, n in wanted.items() if n}  # words, for the message
    if len(asked) < 2:
        raise EvaluationError("A study needs images of two answers or more. Ask for some of each.")
    ids = [f"{record.source}\0{record.image_id}" for record in of.records]
    answers = [question.words(answer) for answer in of.answers]
    drawn = draw_sample(answers, ids, asked, groups=[_group(record) for record in of.records], seed=seed)
    return tuple(of.records[i] for i in drawn)


def n_repeated(records: Sequence[Record]) -> int:
    """Images of a lesion or patient that is there already."""
    groups = [group for group in map(_group, records) if group is not None]
    return len(groups) - len(set(groups))


def seen_by(card: BundleCard, bundle: Path, records: Sequence[Record]) -> str:
    """Whether a model learnt from these images, as a sentence; "" where nothing says so.

    Raises
    ------
    EvaluationError
        The split of its training cannot be read.
    """
    split = split_beside(bundle)
    if split is not None:
        parts = count_parts(records, split)
        used = parts["train"] + parts["validation"]
        if not used:
            return ""
        return (
            f"The model was trained or tuned on {used:,} of these {len(records):,} images: readers would be compared "
            "with what it remembers. Choose those held out."
        )
    learnt = {source.name for source in card.data if source.n_train or source.n_validation}
    shared = sorted(learnt & {record.source for record in records})
    if not shared:
        return ""
    return (
        f"The model learnt from images of {', '.join(shared)}, and nothing here tells from which. If these are among "
        "them, readers are compared with what it remembers. Use images it was never shown."
    )


def _group(record: Record) -> tuple[str, str] | None:
    key = record.patient_id or record.lesion_id
    return (record.source, key) if key else None
