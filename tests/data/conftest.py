"""Small manifests made of drawings."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from derm_model.data.drawings import KINDS, draw_lesion
from derm_model.taxonomy import Crosswalk, Taxonomy, read_crosswalk, read_taxonomy


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return read_taxonomy()


@pytest.fixture(scope="session")
def crosswalk(taxonomy: Taxonomy) -> Crosswalk:
    return read_crosswalk(taxonomy)


@pytest.fixture(scope="session")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Sixteen different drawings as JPEG files, four of each kind."""
    folder = tmp_path_factory.mktemp("drawings")
    paths = []
    for kind in KINDS:
        for seed in range(4):
            path = folder / f"{kind}{seed}.jpg"
            Image.fromarray(draw_lesion(seed, 128, kind)).save(path, quality=90)
            paths.append(path)
    return paths
