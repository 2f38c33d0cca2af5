"""Where images lie for the network: t-SNE of its features, kept beside the answers (the paper's Figure 4).

Distances within a cloud mean something, those between clouds and the clouds' sizes do not (Wattenberg et al., Distill
2016): the picture shows which images the network takes for alike, and proves nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from derm_model.assessment.answers import FEATURES
from derm_model.errors import EvaluationError
from derm_model.files import replaced, write_json
from derm_model.progress import Progress, Report, quiet

EMBEDDING, PARAMETERS = "embedding.npy", "embedding.json"
MIN_IMAGES = 10  # a perplexity of 3 is the least that means "neighbours"
EVERY = 25  # iterations between two reports
N_NEIGHBOURS = 10


@dataclass(frozen=True)
class Recipe:
    """How the picture is made; another recipe makes another picture.

    Attributes
    ----------
    n_components
        Directions of largest variance that are kept first: 2,048 features hold fewer, and the rest is noise.
    perplexity
        Neighbours each image is drawn to; at most a third of the images.
    n_early, n_late
        Iterations with and without the exaggeration that pulls clouds apart.
    seed
    """

    n_components: int = 50
    perplexity: float = 30.0
    n_early: int = 250
    n_late: int = 500
    seed: int = 0


DEFAULT = Recipe()


def principal_components(features: NDArray[np.float32], n: int) -> NDArray[np.float64]:
    """Coordinates along the directions of largest variance, the largest first.

    Parameters
    ----------
    features : (m, d)
    n
        At most; fewer where m or d are smaller.

    Returns
    -------
    (m, min(n, m, d)) float64
        Of each direction the coordinate with the largest magnitude is positive: its sign would be chance otherwise.
    """
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    m, d = centred.shape
    # the smaller of the two square matrices has the same non-zero eigenvalues
    if d <= m:
        _, vectors = np.linalg.eigh(centred.T @ centred)
        found = centred @ vectors[:, ::-1][:, : min(n, d)]
    else:
        values, vectors = np.linalg.eigh(centred @ centred.T)
        found = (vectors * np.sqrt(np.clip(values, 0, None)))[:, ::-1][:, : min(n, m)]
    signs = np.sign(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])])
    flipped: NDArray[np.float64] = found * np.where(signs == 0, 1, signs)
    return flipped


def embed(features: NDArray[np.float32], recipe: Recipe = DEFAULT, report: Report = quiet) -> NDArray[np.float32]:
    """Lay images out in the plane, alike ones near each other: the same features and recipe, the same picture.

    One thread: more of them wait for each other on a machine that also trains. On two cores shared with others
    10,000 images take some minutes.

    Parameters
    ----------
    features : (n, n_features)
    recipe, report

    Returns
    -------
    (n, 2) float32

    Raises
    ------
    EvaluationError
        Fewer than `MIN_IMAGES` images, features that are not finite, or all the same.
    """
    n = len(features)
    if n < MIN_IMAGES:
        raise EvaluationError(f"A map needs {MIN_IMAGES} images or more, found {n}. Evaluate a larger collection.")
    if not np.isfinite(features).all():
        raise EvaluationError("A map needs features that are finite. Evaluate the bundle on the images again.")
    from openTSNE import TSNE  # type: ignore[import-untyped]  # shipped without types

    total = recipe.n_early + recipe.n_late
    report(Progress("Finding the main directions of the features", 0, total, "steps"))
    reduced = principal_components(features, recipe.n_components)
    spread = float(reduced[:, 0].std())
    if spread == 0 or reduced.shape[1] < 2:
        raise EvaluationError("A map needs features that differ. Those of these images are all the same.")
    tsne = TSNE(
        perplexity=min(recipe.perplexity, (n - 1) / 3),
        early_exaggeration_iter=recipe.n_early,
        n_iter=recipe.n_late,
        initialization=reduced[:, :2] / spread * 1e-4,
        neighbors="exact",  # approximate ones are random, and save little below 20,000 images
        random_state=recipe.seed,
        n_jobs=1,
        callbacks=_reporter(report, total),
        callbacks_every_iters=EVERY,
    )
    return np.asarray(tsne.fit(reduced), dtype=np.float32)


def _reporter(report: Report, total: int) -> Callable[[int, float, object], None]:
    """What the method calls now and then; it counts its two phases separately."""
    done = 0

    def tell(iteration: int, error: float, embedding: object) -> None:
        nonlocal done
        done += EVERY
        report(Progress("Laying the images out", min(done, total), total, "steps"))

    return tell


def read_embedding(folder: Path, recipe: Recipe = DEFAULT) -> NDArray[np.float32] | None:
    """The picture kept beside the answers of `folder`; None where there is none of this recipe."""
    try:
        if json.loads((folder / PARAMETERS).read_bytes()) != _parameters(recipe):
            return None
        found: NDArray[np.float32] = np.load(folder / EMBEDDING, allow_pickle=False)
    except (OSError, ValueError):
        return None
    return found


def make_embedding(folder: Path, recipe: Recipe = DEFAULT, report: Report = quiet) -> NDArray[np.float32]:
    """Lay out the images of kept answers, and keep the picture beside them with its recipe.

    Raises
    ------
    EvaluationError
        As `embed`; or features were not kept, or the picture cannot be.
    """
    try:
        features = np.load(folder / FEATURES, allow_pickle=False).astype(np.float32)
    except (OSError, ValueError) as error:
        raise EvaluationError(
            f"A map needs the features of the images. {folder.name} has none ({type(error).__name__}). "
            "Evaluate the bundle on the images again."
        ) from error
    found = embed(features, recipe, report)
    try:
        (folder / PARAMETERS).unlink(missing_ok=True)  # first: a picture without a recipe is none
        with replaced(folder / EMBEDDING) as temporary, temporary.open("wb") as file:
            np.save(file, found)
        write_json(folder / PARAMETERS, _parameters(recipe))
    except OSError as error:
        raise EvaluationError(
            f"The map could not be kept ({error.strerror}). Free some space, then try again."
        ) from error
    return found


def has_features(folder: Path) -> bool:
    """Whether a picture can be made."""
    return (folder / FEATURES).is_file()


def like_neighbours(points: NDArray[np.float32], labels: list[str | None], k: int = N_NEIGHBOURS) -> dict[str, float]:
    """Of each label the mean share of an image's k nearest in the picture that have its label: the picture in words.

    Images without a label are neighbours, too, and have no share of their own.
    """
    from scipy.spatial import cKDTree

    near = np.asarray(cKDTree(points).query(points, k=min(k + 1, len(points)))[1])[:, 1:]
    names = sorted({label for label in labels if label is not None})
    code = np.array([names.index(label) if label is not None else -1 for label in labels])
    same = (code[near] == code[:, None]).mean(axis=1)
    return {name: float(same[code == i].mean()) for i, name in enumerate(names)}


def _parameters(recipe: Recipe) -> dict[str, object]:
    return {"method": "t-SNE (openTSNE) of principal components, one thread", **asdict(recipe)}
