"""Part of `saliency`: maps of many images in a folder, and the panel of one image of each class."""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING

from derm_model.commands.explaining import PREDICTED, read_method, read_target
from derm_model.commands.images import read_images
from derm_model.commands.predict import Unreadable, find_images
from derm_model.commands.terminal import say
from derm_model.errors import DermTreeError
from derm_model.taxonomy import Taxonomy
from derm_model.words import BADGE, fine_percent, plural

if TYPE_CHECKING:
    from derm_model.net.atlas import Drawn, Item
    from derm_model.net.atlas.rows import Row
    from derm_model.net.engine import Engine


def run_many(args: argparse.Namespace, taxonomy: Taxonomy, engine_of: Callable[[], Engine]) -> int:
    """Make the maps of an atlas; 0, or 1 when some image got none."""
    from derm_model.net.atlas import TABLE, Atlas, Order, draw_maps
    from derm_model.net.atlas.order import OF_MEASURES

    items, unreadable = _items(args, taxonomy)
    for entry in unreadable:
        say(f"{entry.file}: {entry.error}")
    method, settings = read_method(args, also=OF_MEASURES if args.measures else ())
    engine = engine_of()
    target = read_target(args, engine.bundle, taxonomy)
    order = Order(method, settings, target, args.of, tuple(args.measures), args.masks_folder)
    atlas = Atlas(args.out, order.described(engine.bundle), again=args.again)
    drawn = draw_maps(atlas, order, engine, taxonomy, items, report=args.report, on_trouble=_say_trouble)
    print("\n".join(_summary(drawn, masks=args.masks_folder is not None)))
    print(f"Written: {args.out / TABLE}, bundle {engine.bundle.card.bundle_id}. {BADGE}.")
    return 1 if drawn.troubled or unreadable else 0


def run_panel(args: argparse.Namespace, taxonomy: Taxonomy, engine_of: Callable[[], Engine]) -> int:
    """Draw the panel; 0, or 1 when an image that was chosen could not be read."""
    from derm_model.net.atlas import Order, choose_images, draw_panel
    from derm_model.net.atlas.pictures import meaning_of, save_png

    items, _ = _items(args, taxonomy)
    method, settings = read_method(args, also=("seed",))  # the choice of the images has it, too
    engine = engine_of()
    # the paper's loss is that of the label
    labelled = not any((args.node, args.training_class, args.task)) and args.explain != PREDICTED
    target = None if labelled else read_target(args, engine.bundle, taxonomy)
    order = Order(method, settings, target, args.of)
    candidates = choose_images(items, engine, settings.seed)
    troubled: list[Row] = []

    def on_trouble(row: Row) -> None:
        troubled.append(row)
        _say_trouble(row)

    picture, cells = draw_panel(order, engine, taxonomy, candidates, report=args.report, on_trouble=on_trouble)
    shown = [f"{chr(ord('a') + i)} {cell.item.source} {cell.item.image_id}" for i, cell in enumerate(cells)]
    texts = {"Title": "Saliency maps, one image of each class", "Description": meaning_of(method)}
    save_png(
        picture, args.panel, {**texts, "Source": f"DermTree bundle {engine.bundle.card.bundle_id}; images: {shown}"}
    )
    for letter, cell in zip(shown, cells, strict=True):
        print(f"{letter}: {cell.title}. {cell.said}")
    print(f"Written: {args.panel}, bundle {engine.bundle.card.bundle_id}. {BADGE}.")
    return 1 if troubled else 0


def _items(args: argparse.Namespace, taxonomy: Taxonomy) -> tuple[list[Item], list[Unreadable]]:
    """The images, and what could not be looked for."""
    from derm_model.net.atlas import Item

    if args.folder is None:
        manifest = read_images(args, taxonomy)
        for problem in manifest.problems:
            say(problem.message)
        return [Item(r.source, r.image_id, r.path, r.node) for r in manifest.records], []
    items: list[Item] = []
    unreadable: list[Unreadable] = []
    roots = [root.resolve() for root in args.folder]
    for given, root in zip(args.folder, roots, strict=True):
        if not root.is_dir():
            raise DermTreeError(f"--folder takes folders of images; {given} is none. Give one image as IMAGE.")
        # two folders of one name are told apart by where they lie
        source = root.name if sum(root.name == other.name for other in roots) == 1 else str(root)
        for entry in find_images([given]):
            if isinstance(entry, Unreadable):
                unreadable.append(entry)
            else:
                items.append(Item(source, entry.relative_to(given).as_posix(), entry))
    if not items:
        raise DermTreeError(f"There is no image in {' and '.join(map(str, args.folder))}. Check the path.")
    return list({item.key: item for item in items}.values()), unreadable


def _say_trouble(row: Row) -> None:
    say(f"{row.file}: {row.note}")


def _summary(drawn: Drawn, *, masks: bool) -> list[str]:
    """How many maps there are, and the measures of most interest."""
    kept = f" ({plural(drawn.n_kept, 'map was', 'maps were')} there)" if drawn.n_kept else ""
    lines = [f"{plural(drawn.n_new, 'new map')}{kept}."]
    if drawn.troubled:
        lines.append(f"{plural(len(drawn.troubled), 'image')} got none.")
    known = [(row.inside_share, row.mask_area) for row in drawn.rows]
    inside = [(share, area) for share, area in known if share is not None and area is not None]
    if inside:
        share, area = (statistics.median(values) for values in zip(*inside, strict=True))
        lines.append(
            f"Inside the lesion: {fine_percent(share)} of the map on {fine_percent(area)} of the image (medians of "
            f"{plural(len(inside), 'image')} with a mask)."
        )
    elif masks:
        lines.append("No image has a mask in that folder: a mask is named like its image.")
    return lines
