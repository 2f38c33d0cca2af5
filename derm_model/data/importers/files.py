"""The image files below a folder, found by path, by name or by stem."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from derm_model.data.importers.base import walk

# In order of preference where one stem has several: data sets ship JPEG photographs, and PNG for masks and previews.
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".png", ".tif", ".tiff", ".bmp", ".webp", ".heic", ".heif", ".gif", ".dcm")

# What the ISIC challenges put beside the images: superpixels (2016-2018), lesion masks and attribute maps (tasks 1, 2).
ISIC_MASKS = ("*_superpixels.*", "*_segmentation.*", "*_attribute_*.*")

DOWNSAMPLED = "_downsampled"  # what ISIC 2019 adds to the names of pictures it has made smaller


class FileIndex:
    """Image files below a folder.

    Parameters
    ----------
    root
    not_images
        Patterns of names of files that are not images of the set; they are kept apart in `masks`.
    """

    def __init__(self, root: Path, not_images: Sequence[str] = ()) -> None:
        self.root = root
        self.masks: list[Path] = []
        self.paths: list[Path] = []
        for path in walk(root):
            if path.suffix.casefold() in SUFFIXES:
                name = path.name.casefold()
                mask = any(fnmatchcase(name, pattern.casefold()) for pattern in not_images)
                (self.masks if mask else self.paths).append(path)
        self._by_path = {self._relative(path).casefold(): path for path in self.paths}
        self._by_name: dict[str, list[Path]] = {}
        self._by_stem: dict[str, list[Path]] = {}
        for path in sorted(self.paths, key=lambda path: SUFFIXES.index(path.suffix.casefold())):
            self._by_name.setdefault(path.name.casefold(), []).append(path)
            self._by_stem.setdefault(_plain_stem(path.stem), []).append(path)

    def find(self, name: str) -> list[Path]:
        """Return the files a row may mean, best first: this path, else this name, else this stem.

        Case does not count, nor does `_downsampled` in a stem. A name whose suffix is another than the file's (copies
        of a data set are often converted) is read as a stem.
        """
        wanted = name.strip().replace("\\", "/").removeprefix("./").casefold()
        if wanted in self._by_path:
            return [self._by_path[wanted]]
        last = wanted.rpartition("/")[2]
        if last in self._by_name:
            # of several files of this name, those in the folder that was named
            return [p for p in self._by_name[last] if self._relative(p).casefold().endswith("/" + wanted)] or list(
                self._by_name[last]
            )
        stem = last.rpartition(".")[0] if last.endswith(SUFFIXES) else last
        same = self._by_stem.get(_plain_stem(stem), [])
        exact = [path for path in same if path.stem.casefold() == stem]
        return exact or list(same)

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def _plain_stem(stem: str) -> str:
    return stem.casefold().removesuffix(DOWNSAMPLED)
