"""A row of the table: what is explained in one image, and what can be measured of its map."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derm_model.evaluation.map_measures import inside
from derm_model.net.atlas.order import Item, Order, probability_of
from derm_model.net.bundle import ModelBundle
from derm_model.net.saliency import SaliencyMap, Target
from derm_model.net.saliency.maps import mass_levels

TOP_SHARES = (0.01, 0.05, 0.10)


@dataclass(frozen=True)
class Row:
    """One image of an atlas; what is not known or not defined is None. Shares are from 0 to 1.

    Attributes
    ----------
    source, image_id, file, node
        Which image; `node` is its label.
    predicted, predicted_probability
        The most probable class.
    explained, probability
        What the map explains and how probable that is (of a difference: the difference).
    of, method, settings
        How; settings as JSON.
    top_1_area, top_5_area, top_10_area
        Share of the image that the strongest pixels take which together hold 1, 5 and 10 % of the map's mass: 0.01,
        0.05 and 0.10 for a map that is the same everywhere, less the more it is concentrated.
    offset_x, offset_y
        Centre of the map's mass relative to the image's centre, as shares of width and height: right and down are
        positive.
    mask_area, inside_share
        Share of the image that the lesion takes, and of the map's mass that lies in it: equal for an even map.
    deletion_area, deletion_random_area, insertion_area, insertion_random_area
        Areas under the curves of `net.belief`, and the mean of those of random orders.
    picture, values
        Its files, relative to the folder.
    note
        What the method says of this map, or why there is none.
    """

    source: str
    image_id: str
    file: str
    node: str | None = None
    predicted: str | None = None
    predicted_probability: float | None = None
    explained: str | None = None
    probability: float | None = None
    of: str | None = None
    method: str | None = None
    settings: str | None = None
    top_1_area: float | None = None
    top_5_area: float | None = None
    top_10_area: float | None = None
    offset_x: float | None = None
    offset_y: float | None = None
    mask_area: float | None = None
    inside_share: float | None = None
    deletion_area: float | None = None
    deletion_random_area: float | None = None
    insertion_area: float | None = None
    insertion_random_area: float | None = None
    picture: str | None = None
    values: str | None = None
    note: str = ""


COLUMNS = tuple(f.name for f in fields(Row))


def answer_fields(
    order: Order, bundle: ModelBundle, probs: NDArray[np.float64], target: Target, found: SaliencyMap | None
) -> dict[str, Any]:
    """Fields of what was said and explained."""
    top = int(probs.argmax())
    named = target.label or " or ".join(bundle.classes[i].name for i in target.positive)
    return {
        "predicted": bundle.classes[top].id,
        "predicted_probability": float(probs[top]),
        "explained": found.label if found is not None else named,
        "probability": probability_of(target, probs),
        "of": target.of,
        "method": order.method.id,
        "settings": json.dumps(order.used_settings, sort_keys=True),
    }


def map_fields(values: NDArray[np.float32], mask: NDArray[np.bool_] | None) -> dict[str, float | None]:
    """Fields measured of a map (s, s), >= 0, and of a lesion mask, where there is one."""
    levels = mass_levels(values, TOP_SHARES)
    tops = {f"top_{share:.0%}_area".replace("%", ""): level for share, level in zip(TOP_SHARES, levels, strict=True)}
    weights = values.astype(np.float64) / values.sum(dtype=np.float64)
    places = [(np.arange(n) + 0.5) / n - 0.5 for n in values.shape]
    found: dict[str, float | None] = {name: float((values >= level).mean()) for name, level in tops.items()}
    found |= {
        "offset_x": float(weights.sum(axis=0) @ places[1]),
        "offset_y": float(weights.sum(axis=1) @ places[0]),
    }
    if mask is not None:
        region = inside(values, mask)
        # an empty mask has an area, and no share
        found["mask_area"] = float(mask.mean()) if region is None else region.area
        found["inside_share"] = None if region is None else region.share
    return found


def start_of(item: Item) -> dict[str, Any]:
    """Fields of which image it is."""
    return {"source": item.source, "image_id": item.image_id, "file": str(item.path), "node": item.node}
