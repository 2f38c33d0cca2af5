"""Fixtures for every room. Each is made once; nothing may change what it gets from them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from derm_model.taxonomy import Taxonomy


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    """The real tree."""
    from derm_model.taxonomy import read_taxonomy

    return read_taxonomy()


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a bundle with random weights on the real taxonomy, tiny network."""
    from tests.support import make_tiny_bundle

    return make_tiny_bundle(tmp_path_factory.mktemp("bundles") / "tiny")
