"""The work on an atlas: image after image, what is finished is kept, what fails is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from derm_model.data.images import decode_file
from derm_model.errors import DermTreeError, UnreadableImage
from derm_model.net.atlas.folder import Atlas
from derm_model.net.atlas.masks import Masks, read_mask
from derm_model.net.atlas.order import Item, Order, answer_and_map, within
from derm_model.net.atlas.pictures import MAX_SIDE_PX, picture_of, write_picture, write_values
from derm_model.net.atlas.rows import Row, answer_fields, map_fields, start_of
from derm_model.net.belief import deletion, insertion
from derm_model.net.engine import Engine
from derm_model.net.saliency import SaliencyMap, Target
from derm_model.net.saliency.explainer import Explainer
from derm_model.progress import Progress, Report, quiet, track
from derm_model.taxonomy import Taxonomy

NOT_DEFINED = "No map is defined: the method gives zero everywhere."


@dataclass(frozen=True)
class Drawn:
    """What a run did.

    Attributes
    ----------
    rows
        Of the images of this run that have one, in their order, the finished before among them.
    n_new
        Maps made in this run.
    n_kept
        Maps that were there.
    troubled
        Images without a map, with the reason as their note.
    """

    rows: tuple[Row, ...]
    n_new: int
    n_kept: int
    troubled: tuple[Row, ...]


def draw_maps(
    atlas: Atlas,
    order: Order,
    engine: Engine,
    taxonomy: Taxonomy,
    items: Sequence[Item],
    *,
    report: Report = quiet,
    on_trouble: Callable[[Row], None] = lambda row: None,
) -> Drawn:
    """Make the maps of all images that are not finished.

    Parameters
    ----------
    atlas, order
    engine
        In fp32.
    taxonomy
    items
        Different ones.
    report
        After each image, and within one as often as the method reports; may raise `Cancelled`: the table then holds
        what is finished.
    on_trouble
        Called with each image that gets no map, as soon as that is known.

    Raises
    ------
    DermTreeError
        A file cannot be written, a setting does not suit the network, or the masks are not there.
    """
    masks = None if order.masks is None else Masks(order.masks)
    left = [item for item in items if not atlas.finished(item)]
    n_kept, n_new = len(items) - len(left), 0
    stage = f"Maps: {order.method.name}"
    troubled: list[Row] = []
    try:
        for done, item in enumerate(track(left, stage, report, total=len(items), start=n_kept), start=n_kept):
            inner = within(report, Progress(stage, done, len(items)))
            try:
                _draw(atlas, order, engine, taxonomy, item, masks, inner)
                n_new += 1
            except (UnreadableImage, _Untold) as error:
                troubled.append(Row(**start_of(item), note=str(error)))
                on_trouble(troubled[-1])
    finally:
        atlas.write_table(items, troubled)
    rows = [row for row in map(atlas.row, items) if row is not None]
    return Drawn(tuple(rows), n_new, n_kept, tuple(troubled))


class _Untold(DermTreeError):
    """An image that cannot be explained as ordered; others may."""


def _draw(
    atlas: Atlas, order: Order, engine: Engine, taxonomy: Taxonomy, item: Item, masks: Masks | None, report: Report
) -> None:
    """Explain one image, write its files and note it."""
    try:
        target = order.target_of(item, engine.bundle, taxonomy)
    except DermTreeError as error:
        raise _Untold(str(error)) from error
    pixels = decode_file(item.path).pixels
    probs, settled, found = answer_and_map(engine, pixels, order.method, target, order.settings, report)
    told: dict[str, Any] = start_of(item) | answer_fields(order, engine.bundle, probs, settled, found)
    if found is None:
        atlas.add(item, Row(**told, note=NOT_DEFINED))
        return
    mask, notes = _mask_of(masks, item, pixels.shape)
    told |= map_fields(found.values, mask) | _belief(engine, order, pixels, settled, found, report)
    picture, values = atlas.files_of(item)
    drawn = picture_of(pixels, found, max_side_px=MAX_SIDE_PX)
    write_picture(drawn, atlas.folder / picture, found, order.method, engine.bundle.card.bundle_id)
    write_values(atlas.folder / values, found)
    note = " ".join(filter(None, (found.note, notes)))
    atlas.add(item, Row(**told, picture=picture.as_posix(), values=values.as_posix(), note=note))


def _mask_of(masks: Masks | None, item: Item, shape: tuple[int, ...]) -> tuple[NDArray[np.bool_] | None, str]:
    """The lesion of an image, and what is wrong with its file."""
    path = None if masks is None else masks.find(item)
    if path is None:
        return None, ""
    try:
        return read_mask(path, shape), ""
    except UnreadableImage as error:
        return None, f"Its mask {path.name} could not be read. {error}"


def _belief(
    engine: Engine, order: Order, pixels: NDArray[np.uint8], target: Target, known: SaliencyMap, report: Report
) -> dict[str, float | None]:
    """Areas under the curves that were ordered."""
    if not order.measures:
        return {}
    explainer, found = Explainer(engine), dict[str, float | None]()
    for name, curve in (("deletion", deletion), ("insertion", insertion)):
        if name in order.measures:
            result = curve(explainer, pixels, order.method, target, order.settings, report, known=known)
            found[f"{name}_area"] = result.area
            found[f"{name}_random_area"] = float(result.random_areas.mean())
    return found
