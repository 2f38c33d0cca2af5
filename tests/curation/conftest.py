from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from derm_model.curation.workspace import Workspace, create_workspace
from derm_model.data.manifest import Manifest, Record
from tests.support import noise_image


def draw(path: Path, seed: int) -> Path:
    """A picture with structure of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    fine = rng.integers(0, 60, (240, 320, 3), dtype=np.uint8)
    Image.fromarray(noise_image(seed, 240, 320) // 2 + fine).save(path)
    return path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def workspace(home: Path) -> Workspace:
    return create_workspace("test")


@pytest.fixture
def manifest(tmp_path: Path) -> Manifest:
    """Eight pictures: 0 and 1 one lesion, 2 and 3 one file under two names, 4 a patient with 5, 6 and 7 alone."""
    folder = tmp_path / "pictures"
    nodes = ["melanoma", "melanoma", "basal-cell-carcinoma", "basal-cell-carcinoma", *["melanoma"] * 4]
    records = []
    for i, node in enumerate(nodes):
        path = draw(folder / f"{i}.png", 2 if i == 3 else i)
        records.append(
            Record(
                image_id=f"I{i}",
                path=path,
                node=node,
                label=None,
                source="drawn",
                lesion_id="L0" if i < 2 else None,
                patient_id="P4" if i in (4, 5) else None,
            )
        )
    return Manifest(tuple(records))
