"""A small bundle, whose tiny network has something to say at 96 px."""

from __future__ import annotations

from pathlib import Path

import pytest

from derm_model.net.saliency.explainer import Explainer
from derm_model.taxonomy import Taxonomy
from tests.net.saliency.networks import SIDE, make_explainer
from tests.support import make_tiny_bundle


@pytest.fixture(scope="package")
def small_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_bundle(tmp_path_factory.mktemp("bundles") / "small", size_px=SIDE)


@pytest.fixture
def explainer(small_bundle: Path, taxonomy: Taxonomy) -> Explainer:
    """Of its own engine: what a test does to it stays there."""
    return make_explainer(small_bundle, taxonomy)
