"""Samples of labelled images, drawn without replacement: so many of each class, the same images for the same seed.

Whether an image is drawn depends on seed, image ids, classes and groups, never on the order of rows: each image has a
key, a hash of its id and the seed, and the smallest keys are drawn. Nothing here is for intervals: those come of
redrawing with replacement (`bootstrap`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from derm_model.errors import EvaluationError

Label = TypeVar("Label", bound=Hashable)
Keys = NDArray[np.uint64]
Positions = NDArray[np.int64]

_CELLS = 1_000_000  # keys held at once, 8 MB
_GROUP, _CLASS, _ORDER = 1, 2, 3  # what a key is for: keys of the same thing for two purposes must not agree
_LAST = np.uint64(1 << 63)


@dataclass(frozen=True)
class SampleSize:
    """Images of either side of a yes-or-no question, both at least one."""

    n_pos: int
    n_neg: int

    @property
    def n(self) -> int:
        """All images."""
        return self.n_pos + self.n_neg

    def within(self, n_pos: int, n_neg: int) -> SampleSize:
        """The largest size, up to this one, that keeps its ratio and fits so many images; to the nearest image."""
        share = min(1.0, n_pos / self.n_pos, n_neg / self.n_neg)
        return SampleSize(min(n_pos, round(self.n_pos * share)), min(n_neg, round(self.n_neg * share)))


# The images the paper showed to dermatologists, by question and modality: Esteva et al., Nature 542 (2017) 115,
# Figure 3a: 135 (65 keratinocyte carcinomas + 70 seborrheic keratoses), 130 (33 melanomas + 97 nevi), 111 (71 + 40).
PAPER_SIZES: Mapping[tuple[str, str], SampleSize] = {
    ("epidermal", "clinical"): SampleSize(65, 70),
    ("melanocytic", "clinical"): SampleSize(33, 97),
    ("melanocytic", "dermoscopic"): SampleSize(71, 40),
}


def paper_size(question: str, modalities: Iterable[str | None]) -> SampleSize | None:
    """The paper's sample for a question, None where it had none.

    Parameters
    ----------
    question
        Id of the task.
    modalities
        Of the images. The paper asked of melanocytic lesions twice, of photographs and of dermoscopic images, with two
        sizes: images of both kinds, or of none that is stated, have no size. Its epidermal size serves any modality.
    """
    sizes = {modality: size for (task, modality), size in PAPER_SIZES.items() if task == question}
    if len(sizes) == 1:
        return next(iter(sizes.values()))
    kinds = set(modalities)
    return sizes.get(next(iter(kinds)) or "") if len(kinds) == 1 else None


def draw_sample(
    labels: Sequence[Label],
    ids: Sequence[str],
    wanted: Mapping[Label, int],
    *,
    groups: Sequence[Hashable] | None = None,
    seed: int = 0,
) -> Positions:
    """Return the images of one sample, in an order that is the seed's, too, and tells nothing about their classes.

    Parameters
    ----------
    labels : (n,)
        Class of each image; classes that are not wanted are passed over.
    ids : (n,)
        Unique and lasting, such as source and image id: they decide what is drawn.
    wanted
        Images of each class, >= 1: those of `SampleSize`, or as many of each as of every other.
    groups : (n,)
        Lesion or patient of each image; an image whose group is None stands alone. Groups are drawn, each as likely as
        any other, and one image of each. Only where a class has fewer groups than images are wanted, further images
        of groups that are in the sample are added. A group with images of several classes stands for one of them, for
        the one that lacks groups where one does.
    seed
        >= 0.

    Returns
    -------
    (m,) int64
        Positions in `labels`, without repetition; m is the sum of `wanted`.

    Raises
    ------
    EvaluationError
        A class has too few images.
    ValueError
        Not one id and group per image, an id twice, nothing wanted of a class, or a negative seed.
    """
    (drawn,) = draw_samples(labels, ids, wanted, [seed], groups=groups)
    keys = _keys(_hashes(ids)[drawn], _salts([seed]), _ORDER)[0]
    return np.asarray(drawn[np.argsort(keys)])


def draw_samples(
    labels: Sequence[Label],
    ids: Sequence[str],
    wanted: Mapping[Label, int],
    seeds: Sequence[int],
    *,
    groups: Sequence[Hashable] | None = None,
) -> Positions:
    """Return `draw_sample` for many seeds at once, class after class in the order of `wanted`.

    Returns
    -------
    (len(seeds), m) int64
        A row per seed, with the images `draw_sample` draws. A thousand of a thousand images take less than 0.1 s.
    """
    images, of_image = _hashes(ids), _numbered(groups, len(labels))
    if len(ids) != len(labels):
        raise ValueError(f"one id per image is needed, got {len(ids)} for {len(labels)} images")
    members = _members(labels, wanted)
    n_groups = int(of_image.max()) + 1
    # a group is known by the smallest hash of its images, whatever its own key was
    names = np.full(n_groups, np.iinfo(np.uint64).max, dtype=np.uint64)
    np.minimum.at(names, of_image, images)
    has = np.stack([np.bincount(of_image[m], minlength=n_groups) > 0 for m in members], axis=1)
    found = np.empty((len(seeds), sum(wanted.values())), dtype=np.int64)
    salts, step = _salts(seeds), max(1, _CELLS // len(labels))
    for start in range(0, len(seeds), step):
        some = salts[start : start + step]
        stands_for = _classes_of_groups(has, names, list(wanted.values()), some)
        order = _keys(names, some, _GROUP)
        parts = [
            _drawn(m, n, of_image[m], _keys(images[m], some), order, stands_for == k)
            for k, (m, n) in enumerate(zip(members, wanted.values(), strict=True))
        ]
        found[start : start + step] = np.concatenate(parts, axis=1)
    return found


def _members(labels: Sequence[Label], wanted: Mapping[Label, int]) -> list[Positions]:
    """Images of each class."""
    if not wanted or min(wanted.values()) < 1:
        raise ValueError(f"at least one image of each class must be wanted, got {dict(wanted)}")
    by_class: dict[Label, list[int]] = {label: [] for label in wanted}
    for position, label in enumerate(labels):
        if label in by_class:
            by_class[label].append(position)
    missing = [
        f"{n - len(by_class[label]):,} more of {label} ({len(by_class[label]):,} of {n:,} are there)"
        for label, n in wanted.items()
        if len(by_class[label]) < n
    ]
    if missing:
        raise EvaluationError(
            f"There are too few images for a sample of {' + '.join(f'{n:,}' for n in wanted.values())}: it needs "
            f"{', and '.join(missing)}. Ask for a smaller sample, or add images."
        )
    return [np.array(positions, dtype=np.int64) for positions in by_class.values()]


def _classes_of_groups(has: NDArray[np.bool_], names: Keys, wanted: Sequence[int], salts: Keys) -> NDArray[np.int64]:
    """For each seed the class each group stands for, (r, g); -1 for a group of none.

    `has` (g, k) says which classes a group has images of. A group of several stands for any of them by chance, unless
    classes lack groups: then they are dealt out one after the other, in an order of chance, each to the class that
    lacks most.
    """
    found = np.tile(np.where(has.any(axis=1), has.argmax(axis=1), -1), (len(salts), 1))
    mixed = np.flatnonzero(has.sum(axis=1) > 1)
    if not mixed.size:
        return found
    keys, rows = _keys(names[mixed], salts, _CLASS), np.arange(len(salts))
    chances = [np.where(has[mixed, k], _keys(keys, salts, k), 0) for k in range(has.shape[1])]
    found[:, mixed] = np.argmax(chances, axis=0)
    alone = has[has.sum(axis=1) == 1].sum(axis=0)
    lacking = np.tile(np.maximum(np.array(wanted) - alone, 0), (len(salts), 1))
    for place in keys.argsort(axis=1).T:
        if not lacking.any():
            break
        group = mixed[place]
        lacks = np.where(has[group], lacking, 0)
        chosen = np.where(lacks.any(axis=1), lacks.argmax(axis=1), found[rows, group])
        found[rows, group] = chosen
        lacking[rows, chosen] = np.maximum(lacking[rows, chosen] - 1, 0)
    return found


def _drawn(
    members: Positions, n: int, groups: Positions, keys: Keys, order: Keys, stands: NDArray[np.bool_]
) -> Positions:
    """Return images of a class for each seed, (r, n): one of each group that stands for it first.

    `keys` (r, m) are those of its images, `order` (r, g) those of all groups, `stands` (r, g).
    """
    by_group = np.argsort(groups, kind="stable")
    starts = np.flatnonzero(np.diff(groups[by_group], prepend=-1))
    first = stands[:, groups]
    if starts.size < groups.size:
        number = np.empty_like(groups)
        number[by_group] = np.repeat(np.arange(starts.size), np.diff(starts, append=groups.size))
        first &= keys == np.minimum.reduceat(keys[:, by_group], starts, axis=1)[:, number]
    rank = np.where(first, order[:, groups] >> np.uint64(1), keys >> np.uint64(1) | _LAST)
    chosen = np.argpartition(rank, n - 1, axis=1)[:, :n]
    sorted_ = np.take_along_axis(rank, chosen, axis=1).argsort(axis=1)
    return members[np.take_along_axis(chosen, sorted_, axis=1)]


def _numbered(groups: Sequence[Hashable] | None, n: int) -> Positions:
    """Groups as numbers from 0; an image without one has a number of its own."""
    if groups is None:
        return np.arange(n)
    if len(groups) != n:
        raise ValueError(f"one group per image is needed, got {len(groups)} for {n} images")
    number: dict[Hashable, int] = {}
    keys = ((None, i) if group is None else (group, -1) for i, group in enumerate(groups))
    return np.array([number.setdefault(key, len(number)) for key in keys], dtype=np.int64)


def _hashes(ids: Sequence[str]) -> Keys:
    """64 bits of each id, the same on every machine."""
    if len(set(ids)) != len(ids):
        raise ValueError("ids must be unique: an image that is there twice could be drawn twice")
    digests = b"".join(hashlib.blake2b(one.encode("utf-8", "surrogateescape"), digest_size=8).digest() for one in ids)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def _salts(seeds: Sequence[int]) -> Keys:
    """(r, 1), one per seed."""
    if any(seed < 0 for seed in seeds):
        raise ValueError("a seed is a whole number from 0")
    return _mixed(np.array(seeds, dtype=np.uint64)[:, None])


def _keys(hashes: Keys, salts: Keys, purpose: int = 0) -> Keys:
    """Key of each hash (m,) for each salt (r, 1): (r, m)."""
    return _mixed(hashes ^ _mixed(salts + np.uint64(purpose)))


def _mixed(numbers: Keys) -> Keys:
    """Scatter numbers over 64 bits, one to one: splitmix64 (Steele et al., OOPSLA 2014), whose overflow is meant."""
    x = numbers + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))
