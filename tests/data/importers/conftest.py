"""A data set on disk: official files with invented rows, drawings as images, and its import."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from derm_model.data.importers import importer
from derm_model.data.importers.collect import import_data_set
from derm_model.data.manifest import Manifest, Record
from derm_model.taxonomy import Crosswalk, Taxonomy


class Disk:
    """A folder in which a test lays out a data set."""

    def __init__(self, root: Path, drawings: list[Path], taxonomy: Taxonomy, crosswalk: Crosswalk) -> None:
        self.root = root
        self._drawings = drawings
        self._taxonomy = taxonomy
        self._crosswalk = crosswalk
        self._n_images = 0

    def write(self, name: str, text: str, encoding: str = "utf-8") -> Path:
        """An official file; its lines may be indented for reading."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = (line.strip(" ") for line in text.strip("\n").splitlines() if line.strip(" "))
        path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
        return path

    def images(self, *names: str) -> None:
        """Drawings under these names, all different in content; a JPEG whatever the suffix says."""
        for name in names:
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self._drawings[self._n_images % len(self._drawings)], path)
            with path.open("ab") as file:
                file.write(self._n_images.to_bytes(4, "big"))  # after the end of the picture: another hash
            self._n_images += 1

    def read(self, name: str, images: Path | None = None, **options: str | tuple[str, ...]) -> Manifest:
        """Import the folder."""
        given = {key: (value,) if isinstance(value, str) else value for key, value in options.items()}
        return import_data_set(importer(name), self.root, self._taxonomy, self._crosswalk, images=images, options=given)


@pytest.fixture
def disk(tmp_path: Path, drawings: list[Path], taxonomy: Taxonomy, crosswalk: Crosswalk) -> Disk:
    root = tmp_path / "data"
    root.mkdir()
    return Disk(root, drawings, taxonomy, crosswalk)


@pytest.fixture
def by_id() -> Callable[[Manifest], dict[str, Record]]:
    return lambda manifest: {record.image_id: record for record in manifest.records}


@pytest.fixture
def kinds() -> Callable[[Manifest], dict[str, int]]:
    """Kind of problem -> count."""
    return lambda manifest: {problem.kind: problem.count for problem in manifest.problems}
