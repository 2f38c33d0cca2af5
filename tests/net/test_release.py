"""What a bundle's card says of licences, and the notes a person adds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from derm_model.card import DataSource
from derm_model.errors import TrainingError
from derm_model.net.release import CardNotes, licence_of


def source(name: str, licence: str) -> DataSource:
    return DataSource(
        name=name, n_train=1, n_validation=1, n_test=1, licence=licence, modality="dermoscopy", reference="x"
    )


def test_one_non_commercial_data_set_makes_the_bundle_non_commercial() -> None:
    assert "non-commercial" in licence_of([source("a", "CC0-1.0"), source("b", "CC BY-NC 4.0")])
    assert "non-commercial" in licence_of([source("a", "CC-BY-NC-SA-3.0")])
    assert "non-commercial" not in licence_of([source("a", "CC0-1.0")])


def test_card_notes_with_another_key_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.json"
    path.write_text(json.dumps({"author": "me"}))
    with pytest.raises(TrainingError, match="origin, licence, limitations"):
        CardNotes.read(path)
    assert CardNotes.read(None) == CardNotes()
