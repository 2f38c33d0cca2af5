"""Edges between shots of one camera within a short time: probably one patient, often one lesion.

The data preparation of Esteva et al. 2017 joins images by EXIF metadata, too (Methods, "Data preparation").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from derm_model.data.duplicates.edges import exif_strength, make_edges, no_edges
from derm_model.data.duplicates.identity import first_places, known

if TYPE_CHECKING:
    import pandas as pd

    from derm_model.data.duplicates.edges import Edges

# Edges are kept up to here, so that a threshold can be raised without looking anew: ten times the default.
KEPT_SECONDS = 300.0
# No hand takes more shots in one second. A clock that stands still, or an export that stamps all its files, does.
MAX_SHOTS_A_SECOND = 5


def edges_of_exif(table: pd.DataFrame, prints: pd.DataFrame, max_seconds: float = KEPT_SECONDS) -> Edges:
    """Edges between neighbouring shots of one camera in one data set.

    Each shot is joined to the next one, so that a series makes a chain and not all its pairs. Two shots that the data
    set gives to different patients are not joined: what it states is stronger than a guess from a clock.

    Parameters
    ----------
    table
        Columns content_hash, source, patient_id.
    prints
        Columns content_hash, camera, taken_at; one row a content. A shot without a camera or a time has no edge.
    max_seconds
        Greatest time between two shots.
    """
    import pandas as pd

    places = first_places(table["content_hash"], prints["content_hash"])
    usable = (places >= 0) & prints["camera"].notna().to_numpy() & prints["taken_at"].notna().to_numpy()
    if not usable.any():
        return no_edges()
    rows = table.iloc[places[usable]]
    shots = pd.DataFrame(
        {
            "place": places[usable],
            "source": rows["source"].to_numpy(),
            "patient": known(rows["patient_id"]),
            "camera": prints["camera"].to_numpy()[usable],
            "second": prints["taken_at"].to_numpy()[usable].astype("datetime64[s]").astype(np.int64),
        }
    )
    at_once = shots.groupby(["source", "camera", "second"])["place"].transform("size")
    shots = shots[at_once <= MAX_SHOTS_A_SECOND].sort_values(["source", "camera", "second", "place"])
    following = shots.shift(-1)
    apart = (following["second"] - shots["second"]).to_numpy()
    same = (shots["source"] == following["source"]) & (shots["camera"] == following["camera"])
    joined = same.to_numpy() & (apart <= max_seconds) & ~_different_patients(shots["patient"], following["patient"])
    pairs = np.stack([shots["place"].to_numpy()[joined], following["place"].to_numpy()[joined]], axis=1)
    return make_edges(pairs, "exif", exif_strength(apart[joined]))


def _different_patients(ours: pd.Series, others: pd.Series) -> NDArray[np.bool_]:
    """Where both are known and differ."""
    return np.asarray(ours.notna() & others.notna() & (ours != others), dtype=np.bool_)
