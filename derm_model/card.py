"""The model card: bundle.json as typed objects. Needs no torch, so the app can show a card before the model is loaded.

A bundle is a folder with ``bundle.json`` (this card) and ``weights.safetensors``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from derm_model.errors import BundleError, UnsupportedFormat
from derm_model.evaluation.curves import OperatingCurve, OperatingPoint
from derm_model.evaluation.subgroups import Subgroups
from derm_model.files import replaced
from derm_model.home import home
from derm_model.taxonomy import Partition, TrainingClass
from derm_model.typed_json import FieldError, decode_dataclass, encode

FORMAT_VERSION = 1
CARD_FILE = "bundle.json"
WEIGHTS_FILE = "weights.safetensors"
RUNS_FOLDER, RUN_BUNDLE = "runs", "bundle"  # of derm_model.jobs and derm_model.net.run_state, which depend on more
FIRST_PRESET = "Sensitivity 90%"  # missing few is the first wish in screening; the others are one press away
PRESET_SENSITIVITIES = (0.90, 0.95)  # the clinical habit of naming a sensitivity first, then reading the specificity


@dataclass(frozen=True, kw_only=True)
class NetworkCard:
    """What the network is and where its first weights came from."""

    architecture: str  # one of net.network.ARCHITECTURES
    count_include_pad: bool
    aux: bool  # whether the auxiliary head was trained; it is never part of a bundle
    initialisation: str  # "imagenet", "backbone", "bundle" or "random"
    origin: str  # in words, with licence


@dataclass(frozen=True, kw_only=True)
class TrainingCard:
    """How the network was trained. `config` is the complete training configuration."""

    config: Mapping[str, Any]
    epochs: int
    seconds: float
    hardware: str
    n_train: int
    n_validation: int


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """One data set: how many of its images were used for what."""

    name: str
    n_train: int
    n_validation: int
    n_test: int
    licence: str
    modality: str
    reference: str  # citation or address


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One figure with its 95 % interval. `n_pos` and `n_neg` only where the figure has two sides (AUC)."""

    name: str
    data_set: str
    value: float
    low: float | None
    high: float | None
    n: int
    n_pos: int | None = None
    n_neg: int | None = None


@dataclass(frozen=True, kw_only=True)
class Preset:
    """A named threshold, chosen on validation images; `held_out` has the rates of images never used for choosing."""

    name: str
    chosen: OperatingPoint
    held_out: OperatingPoint | None

    @property
    def threshold(self) -> float:
        """Score at or above which the suggestion is "above the operating point"."""
        return self.chosen.threshold


@dataclass(frozen=True, kw_only=True)
class SubgroupCard:
    """What is known of parts of the held-out images.

    Attributes
    ----------
    preset, threshold
        The preset at whose threshold sensitivity and specificity are those of the parts.
    attributes
        By attribute (`derm_model.attributes`); of the gaps those beyond chance and the largest of each measure.
    """

    preset: str
    threshold: float
    attributes: Mapping[str, Subgroups]


@dataclass(frozen=True, kw_only=True)
class TaskCard:
    """What is known of one binary question: curves, presets, AUC per data set and subgroups.

    `subgroups` is None where they were not measured, as on cards of older versions.
    """

    validation: OperatingCurve
    holdout: OperatingCurve | None
    presets: tuple[Preset, ...]
    biopsy_proven: bool  # True only where every held-out image is
    auc: tuple[Metric, ...] = ()
    subgroups: SubgroupCard | None = None

    @staticmethod
    def from_curves(
        validation: OperatingCurve,
        holdout: OperatingCurve | None,
        *,
        biopsy_proven: bool,
        auc: Iterable[Metric] = (),
    ) -> TaskCard:
        """Card with the presets sensitivity 90 %, 95 % and Youden; a sensitivity that is never reached is left out."""
        chosen = {f"Sensitivity {100 * s:.0f}%": validation.at_sensitivity(s) for s in PRESET_SENSITIVITIES}
        chosen["Youden"] = validation.youden()
        presets = tuple(
            Preset(name=name, chosen=point, held_out=_rates_at(holdout, point))
            for name, point in chosen.items()
            if point is not None
        )
        if holdout is not None:  # a card stores a thinned curve; the presets stay exact on it
            holdout = holdout.thinned(keep=[preset.threshold for preset in presets])
        return TaskCard(
            validation=validation, holdout=holdout, presets=presets, biopsy_proven=biopsy_proven, auc=tuple(auc)
        )


def _rates_at(holdout: OperatingCurve | None, point: OperatingPoint) -> OperatingPoint | None:
    if holdout is None:
        return None
    return holdout.at_threshold(point.threshold, rule=f"{point.rule}, chosen on validation images")


# Further from the training images than this share of the validation images (per cent) is worth a word to the reader.
NOTICE_PERCENTILE = 97.5


@dataclass(frozen=True, kw_only=True)
class FeatureCard:
    """Summary of the feature reference stored beside the weights."""

    method: str
    n_train: int
    n_validation: int
    n_components: int


@dataclass(frozen=True, kw_only=True)
class BundleCard:
    """Everything about a bundle but its weights.

    `save_bundle` fills `bundle_id`, `weights_sha256` and `feature_reference`.
    """

    format_version: int = FORMAT_VERSION
    bundle_id: str = ""
    weights_sha256: str = ""
    name: str
    created_at: str  # UTC, ISO 8601
    code_version: str
    partition: Partition
    network: NetworkCard
    preprocessing: Mapping[str, Any]  # read by net.preprocessing.Preprocessing.from_json
    training: TrainingCard
    data: tuple[DataSource, ...]
    split_rule: str
    licence: str
    intended_use: str
    limitations: tuple[str, ...] = ()
    metrics: tuple[Metric, ...]
    tasks: Mapping[str, TaskCard]
    temperature: float
    feature_reference: FeatureCard | None = None

    @property
    def classes(self) -> tuple[TrainingClass, ...]:
        """Training classes in logit order."""
        return self.partition.classes

    @property
    def taxonomy_digest(self) -> str:
        """Digest of the taxonomy the classes belong to."""
        return self.partition.taxonomy_digest


def read_card(folder: Path) -> BundleCard:
    """Card of the bundle in `folder`.

    Raises
    ------
    UnsupportedFormat
        Written in another format version.
    BundleError
        No folder, no card, no JSON, or a field that is missing, unknown or of the wrong kind (the message names it).
    """
    path = Path(folder) / CARD_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BundleError(
            f"A model bundle is a folder with {CARD_FILE} and {WEIGHTS_FILE}; {path} could not be read "
            f"({error.strerror}). Check the path, or train a bundle with `python -m derm_model train`."
        ) from error
    except ValueError as error:
        raise BundleError(f"{path} is not valid JSON ({error}). Copy the bundle again from its source.") from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if type(version) is not int or version != FORMAT_VERSION:  # True == 1 in Python
        raise UnsupportedFormat(
            f"This DermTree reads bundle format {FORMAT_VERSION}; {path} says {version!r}. "
            "Update DermTree, or use a bundle made by this version."
        )
    try:
        card: BundleCard = decode_dataclass(BundleCard, content, complete=True)
    except FieldError as error:
        raise BundleError(f"{path} does not follow the bundle format: {error}. Copy the bundle again.") from error
    if not card.temperature > 0:
        raise BundleError(f"{path}: temperature must be above 0, found {card.temperature}. Train the bundle again.")
    return card


def write_card(card: BundleCard, folder: Path) -> None:
    """Write `card` into `folder` as bundle.json.

    Raises
    ------
    BundleError
        The card holds something that cannot be written as JSON.
    """
    try:
        text = json.dumps(encode(card), indent=1, ensure_ascii=False, allow_nan=False)
    except (FieldError, TypeError, ValueError) as error:
        raise BundleError(f"The card of bundle {card.name!r} cannot be written: {error}.") from error
    # Lists of numbers and words on one line: line breaks never occur inside a JSON string, so none is changed.
    text = re.sub(r"\[\n[^][{}]*\]", lambda found: re.sub(r"\n\s*", " ", found[0]), text)
    with replaced(Path(folder) / CARD_FILE) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def bundle_roots() -> tuple[Path, ...]:
    """Folders in which bundles are looked for: those shipped in assets, those of this installation, its trainings."""
    return Path(__file__).resolve().parents[1] / "assets" / "bundles", home() / "bundles", home() / RUNS_FOLDER


def find_bundles(roots: Iterable[Path] | None = None) -> list[Path]:
    """Folders below `roots` (default `bundle_roots()`) that hold a card, in name order within each root.

    A folder below a root may also be that of a training, with its bundle in it.

    The bundles may be broken; `read_card` tells. A root that does not exist or cannot be read holds none.
    """
    found: list[Path] = []
    for root in bundle_roots() if roots is None else roots:
        try:
            folders = sorted(p for p in Path(root).iterdir() if not p.name.startswith("."))
            found += [b for p in folders for b in (p, p / RUN_BUNDLE) if (b / CARD_FILE).is_file()]
        except OSError:
            continue
    return found


def folder_name(folder: Path) -> str:
    """What tells a bundle's folder from others: its name, of a training's bundle the training's."""
    return folder.parent.name if folder.name == RUN_BUNDLE else folder.name


def default_bundle() -> Path:
    """First bundle found, the shipped one before others.

    Raises
    ------
    BundleError
        There is none.
    """
    found = find_bundles()
    if not found:
        looked = " or ".join(str(root) for root in bundle_roots())
        raise BundleError(
            f"No model bundle was found in {looked}. Train one with `python -m derm_model train`, "
            "or name a folder with --bundle."
        )
    return found[0]
