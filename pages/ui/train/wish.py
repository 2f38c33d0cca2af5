"""What a form asks for, as the arguments of a command, and a command read back into a form. No Streamlit in here."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from derm_model.errors import TrainingError
from derm_model.recipe.config import PRESETS, TrainConfig
from derm_model.recipe.words import from_arguments, to_arguments

TRAIN, CROSSVAL = "train", "crossval"
TARGETS = ("partition", "nine", "three")
HOLDOUT, VALIDATION = 0.15, 0.10  # what the command takes where nothing is said
PAPERS_FOLDS = 9
MANY = (
    "--stages",
    "--source-weight",
    "--holdout",
    "--manifest",
    "--targets",
    "--devices",
)  # options with one word or more


@dataclass(frozen=True)
class Wish:
    """A training or a cross-validation that somebody asks for.

    Attributes
    ----------
    kind
        `TRAIN` or `CROSSVAL`.
    preset, config
        Name in `PRESETS`, and the recipe that was made of it.
    workspace, manifest
        Path of one of them; "" for the other.
    fold
        0-based fold of the workspace that validates; None: split by shares.
    holdout, validation
        Shares, where there is no fold.
    targets
        Of a cross-validation.
    n_folds
        Folds a cross-validation makes of a manifest; a workspace has its own.
    """

    kind: str = TRAIN
    preset: str = "paper"
    config: TrainConfig = field(default_factory=TrainConfig)
    workspace: str = ""
    manifest: str = ""
    fold: int | None = None
    holdout: float = HOLDOUT
    validation: float = VALIDATION
    targets: tuple[str, ...] = ("partition",)
    n_folds: int = PAPERS_FOLDS
    name: str = ""
    device: str = "auto"
    processes: int = 1

    @property
    def title(self) -> str:
        """What the job is called: its name, or what it is."""
        if self.name:
            return self.name
        what = {"nine": ", direct nine-way", "three": ", direct three-way"}.get(self.config.targets, "")
        if self.kind == CROSSVAL:
            return f"Cross-validation, {self.preset}"
        return f"{self.preset}{what}{'' if self.fold is None else f', fold {self.fold + 1}'}"

    def arguments(self, sources: Iterable[str]) -> list[str]:
        """The command, as after `python -m derm_model`.

        Parameters
        ----------
        sources
            Data sets without a test set of their own, which the holdout share is of.
        """
        config, preset = self.config, PRESETS[self.preset]
        if self.kind == CROSSVAL:  # has an option of its own for what is compared
            config = dataclasses.replace(config, targets=preset.targets)
        words = [self.kind, "--out={job}"]
        words += [f"--workspace={self.workspace}"] if self.workspace else ["--manifest", self.manifest]
        words += [f"--preset={self.preset}", *to_arguments(config, preset)]
        if self.kind == CROSSVAL:
            words += ["--targets", *self.targets]
            words += [] if self.device == "auto" else ["--devices", self.device]
            return words + ([] if self.workspace else [f"--n-folds={self.n_folds}"])
        words += [f"--device={self.device}", f"--processes={self.processes}", f"--name={self.title}"]
        if self.fold is not None:
            return [*words, f"--fold={self.fold}"]
        named = sorted(sources)
        if self.holdout != HOLDOUT and named:
            words += ["--holdout", *(f"{source}={self.holdout!r}" for source in named)]
        return [*words, f"--validation={self.validation!r}"]


def read_wish(arguments: Sequence[str]) -> Wish:
    """The wish that such arguments came from.

    Raises
    ------
    TrainingError
        They are of another command, or of options that are not known here.
    """
    if not arguments or arguments[0] not in (TRAIN, CROSSVAL):
        raise TrainingError("Only a training or a cross-validation can fill this form. This job is none.")
    found: dict[str, list[str]] = {}
    for option, value in _pairs(arguments[1:]):
        found.setdefault(option, []).append(value)

    def one(option: str, default: str = "") -> str:
        return found.get(option, [default])[-1]

    preset = one("--preset", "paper")
    if preset not in PRESETS:
        raise TrainingError(f"Presets are {', '.join(PRESETS)}. This job was started with {preset!r}.")
    try:
        holdout = [float(text.rpartition("=")[2]) for text in found.get("--holdout", [])]
        return Wish(
            kind=arguments[0],
            preset=preset,
            config=from_arguments(
                preset,
                settings=found.get("--set", []),
                stages=found.get("--stages", []),
                source_weights=found.get("--source-weight", []),
                initialisation=one("--initialisation"),
            ),
            workspace=one("--workspace"),
            manifest=one("--manifest"),
            fold=int(one("--fold")) if "--fold" in found else None,
            holdout=holdout[0] if holdout else HOLDOUT,
            validation=float(one("--validation", repr(VALIDATION))),
            targets=tuple(t for t in TARGETS if t in found.get("--targets", [])) or ("partition",),
            n_folds=int(one("--n-folds", str(PAPERS_FOLDS))),
            name=one("--name"),
            device=one("--device", one("--devices", "auto")),
            processes=int(one("--processes", "1")),
        )
    except ValueError as error:
        raise TrainingError(f"The arguments of this job cannot be read ({error}). Fill in the form by hand.") from error


def _pairs(arguments: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Options with their values: `--a=b`, `--a b`, and `--a b c` for those that take several."""
    option = ""
    for word in arguments:
        if word.startswith("--"):
            option, equals, value = word.partition("=")
            if equals:
                yield option, value
        elif option:
            yield option, word
            option = option if option in MANY else ""
