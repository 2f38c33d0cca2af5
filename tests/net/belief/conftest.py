"""A tiny bundle that reads small squares, for the four tests of a map."""

from __future__ import annotations

import pytest

from derm_model.net.saliency.explainer import Explainer
from derm_model.taxonomy import Taxonomy
from tests.net.belief.networks import explainer_of


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, taxonomy: Taxonomy) -> Explainer:
    return explainer_of(tmp_path_factory.mktemp("belief") / "tiny", taxonomy)
