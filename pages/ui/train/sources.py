"""What the form offers: images to train on, and weights to begin with. No Streamlit in here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from derm_model.card import BundleCard, folder_name
from derm_model.curation.workspace import list_workspaces
from derm_model.errors import ImportProblem, TrainingError
from derm_model.home import home
from pages.ui.dataset import places

PRETRAINED = "pretrained"  # folder below $DERM_HOME
MANIFESTS = ("*manifest*.csv", "*manifest*.parquet")
MAX_MANIFESTS = 50  # a longer list is no help: paths can be typed
ENDINGS = (".csv", ".parquet")


def file_version(path: Path) -> tuple[int, int] | None:
    """Changes with a file; None where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size


@dataclass(frozen=True)
class Images:
    """Images to train on: a workspace or a manifest."""

    path: str
    label: str
    is_workspace: bool

    @property
    def stamp(self) -> tuple[object, ...]:
        """Changes with the files."""
        folder = Path(self.path)
        files = [folder / "manifest.parquet", folder / "folds.parquet"] if self.is_workspace else [folder]
        return tuple(file_version(file) for file in files)

    @property
    def manifest(self) -> Path:
        """The table."""
        return Path(self.path) / "manifest.parquet" if self.is_workspace else Path(self.path)

    @property
    def folds(self) -> Path | None:
        """Its folds, where it has some."""
        file = Path(self.path) / "folds.parquet"
        return file if self.is_workspace and file.is_file() else None


def offered() -> list[Images]:
    """Workspaces with images, and files below the permitted folders that are called a manifest."""
    found = [
        Images(str(workspace.folder), f"{workspace.name} (workspace)", is_workspace=True)
        for workspace in list_workspaces()
        if workspace.paths.manifest.is_file()
    ]
    return found + [Images(str(path), _short(path), is_workspace=False) for path in _manifests()]


def _manifests() -> list[Path]:
    folders = [root for root in places.roots() if root.is_dir()] + [Path(text) for text in places.suggestions()]
    files = [file for folder in folders for pattern in MANIFESTS for file in sorted(folder.glob(pattern))]
    return [file for file in files if file.is_file()][:MAX_MANIFESTS]


def _short(path: Path) -> str:
    """Path below the folder it is permitted by."""
    for root in places.roots():
        if path.is_relative_to(root):
            return str(path.relative_to(root))
    return str(path)


def find(text: str, known: Sequence[Images]) -> Images:
    """The images that were chosen or typed.

    Raises
    ------
    ImportProblem
        A path outside the permitted folders, or no table.
    """
    for images in known:
        if text == images.path:
            return images
    path = places.check_file(text, next(iter(places.roots())))
    if path.suffix.lower() not in ENDINGS:
        raise ImportProblem(f"A manifest is a CSV or a Parquet file (docs/data-format.md). {path.name} is neither.")
    return Images(str(path), _short(path), is_workspace=False)


@dataclass(frozen=True)
class Weights:
    """First weights; padding, `mean` and `std` as they need them, None where nobody knows."""

    value: str
    label: str
    note: str
    count_include_pad: bool | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    architecture: str | None = None
    is_model: bool = False  # a bundle, which is refused in any other reading than its own


def first_weights(bundles: Sequence[tuple[Path, BundleCard]]) -> list[Weights]:
    """What a training may begin with."""
    half = (0.5, 0.5, 0.5)
    twins = Counter(card.name for _, card in bundles)
    found = [
        Weights(
            "imagenet",
            "ImageNet (torchvision, download)",
            "Downloads 104 MB once, where this server may reach download.pytorch.org. The paper's way.",
            True,
            half,
            half,
            "inception_v3",
        )
    ]
    for folder, card in bundles:
        normal = card.preprocessing
        found.append(
            Weights(
                str(folder.absolute()),
                f"Model {card.name}" + (f" ({folder_name(folder)})" if twins[card.name] > 1 else ""),
                "Its last layer stays where the classes are the same, and is new elsewhere. "
                f"{card.network.origin}. Licence: {card.licence}",
                card.network.count_include_pad,
                _triple(normal.get("mean")),
                _triple(normal.get("std")),
                card.network.architecture,
                is_model=True,
            )
        )
    files = sorted((home() / PRETRAINED).glob("*.safetensors")) if (home() / PRETRAINED).is_dir() else []
    found += [
        Weights(
            str(file.absolute()),
            f"File {file.name}",
            "A file does not say how its pixels were standardised: see Padding, Mean and Spread below.",
        )
        for file in files
    ]
    found.append(Weights("random", "Random", "For trials: some thousand images are far too few for it."))
    return found


def _triple(value: object) -> tuple[float, ...] | None:
    if isinstance(value, list | tuple) and len(value) == 3:
        return tuple(float(x) for x in value)
    return None


def find_weights(value: str, known: Sequence[Weights]) -> Weights:
    """The weights that were chosen; only those that are offered, because a browser could name any file.

    Raises
    ------
    TrainingError
        They are not.
    """
    for weights in known:
        if weights.value == value:
            return weights
    raise TrainingError(
        f"First weights are ImageNet's, an installed model's, a file in {home() / PRETRAINED}, or random. {value} is "
        "none of them, or is no longer there. Choose others."
    )
