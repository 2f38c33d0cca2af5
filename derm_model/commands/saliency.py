"""`python -m derm_model saliency`: saliency maps of one image, of many, or of one of each class."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from derm_model.card import default_bundle
from derm_model.commands.explaining import PREDICTED, TRUTH, add_explaining, read_method, read_target
from derm_model.commands.saliency_many import run_many, run_panel
from derm_model.data.images import decode_file
from derm_model.errors import DermTreeError, UnreadableImage
from derm_model.taxonomy import Taxonomy, read_taxonomy
from derm_model.words import NOTICE

if TYPE_CHECKING:
    from derm_model.net.engine import Engine

EPILOG = f"""\
One image is drawn into --out map.png. Many (--manifest, --workspace, --folder) go into the folder --out: a picture and
raw values of each, and maps.csv with what was measured of them. A second call goes on where the first one stopped.
--panel draws one image of each class above its map, as Extended Data Figure 3 does.

example: python -m derm_model saliency lesion.jpg --out map.png --node "melanoma" --rather-than "nevus"
  python -m derm_model saliency --manifest own.csv --masks-folder masks/ --method smoothgrad --out var/maps
  python -m derm_model saliency --manifest own.csv --panel panel.png

{NOTICE}"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "saliency",
        help="draw which pixels an answer depends on",
        description="Draw the saliency map of an image over it, at the image's own size.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("image", metavar="IMAGE", type=Path, nargs="?", help="one image")
    images = parser.add_argument_group("many images")
    where = images.add_mutually_exclusive_group()
    where.add_argument("--manifest", type=Path, nargs="+", help="manifests, CSV or Parquet (docs/data-format.md)")
    where.add_argument("--workspace", type=Path, metavar="DIR", help="curation workspace")
    where.add_argument("--folder", type=Path, metavar="DIR", nargs="+", help="folders of images, searched at any depth")
    images.add_argument("--masks-folder", type=Path, metavar="DIR", help="lesion masks, such as ID_segmentation.png")
    images.add_argument(
        "--measures",
        nargs="+",
        choices=("deletion", "insertion"),
        default=[],
        help="also the areas under these curves; each costs 83 passes an image",
    )
    images.add_argument("--again", action="store_true", help="make maps anew that --out has already")
    output = parser.add_mutually_exclusive_group(required=True)
    output.add_argument("--out", metavar="PATH", type=Path, help="picture to write (PNG), or folder for many")
    output.add_argument("--panel", metavar="PNG", type=Path, help="picture of one image of each class and its map")
    parser.add_argument("--plain", action="store_true", help="white-to-black map for print, without the image")
    parser.add_argument("--npy", action="store_true", help="also write the raw values, NAME.npy (of many: always)")
    add_explaining(parser)
    parser.add_argument("--bundle", metavar="DIR", type=Path, help="model bundle (default: the first one found)")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")


def run(args: argparse.Namespace) -> int:
    """Make the maps; 0, or 1 when some of many images got none."""
    many = (args.manifest or args.workspace or args.folder) is not None
    _check(args, many)
    taxonomy = read_taxonomy()
    if not many:
        return _run_one(args, taxonomy)
    if args.panel is not None:
        return run_panel(args, taxonomy, lambda: engine_of(args, taxonomy))
    return run_many(args, taxonomy, lambda: engine_of(args, taxonomy))


def engine_of(args: argparse.Namespace, taxonomy: Taxonomy) -> Engine:
    """The bundle, in full precision: a map is of the answer it stands beside."""
    from derm_model.net.bundle import load_bundle  # torch: only once the cheap mistakes are out of the way
    from derm_model.net.engine import Engine
    from derm_model.net.precision import find_device

    return Engine(load_bundle(args.bundle or default_bundle(), taxonomy), find_device(args.device), precision="fp32")


def _check(args: argparse.Namespace, many: bool) -> None:
    """Refuse options that contradict each other.

    Raises
    ------
    DermTreeError
        Some do.
    """
    if many == (args.image is not None):
        raise DermTreeError("Give one IMAGE, or many by --manifest, --workspace or --folder.")
    if not many:
        alone = {"--panel": args.panel, "--masks-folder": args.masks_folder, "--measures": args.measures}
        alone |= {"--again": args.again, "--explain truth": args.explain == TRUTH}
        for option in (option for option, given in alone.items() if given):
            raise DermTreeError(f"{option} is for many images, from --manifest, --workspace or --folder.")
    if args.panel is not None and args.folder is not None:
        raise DermTreeError("A panel shows an image of each class, so it needs labels: --manifest or --workspace.")
    for option, given in {"--masks-folder": args.masks_folder, "--measures": args.measures}.items():
        if args.panel is not None and given:
            raise DermTreeError(f"{option} measures maps; a panel only shows them. Leave one out.")
    if many and args.plain:
        raise DermTreeError("--plain is for one image; those of many lie on their images. NAME.npy has the values.")
    if args.explain == TRUTH and args.folder is not None:
        raise DermTreeError(f"A folder has no labels; --explain {PREDICTED}, or give a manifest.")
    picture = args.panel or (None if many else args.out)
    if picture is not None and picture.suffix.lower() != ".png":
        raise DermTreeError(f"The map is written as PNG; {picture} does not end in .png. Choose another name.")


def _run_one(args: argparse.Namespace, taxonomy: Taxonomy) -> int:
    """Write the picture and say what it shows."""
    try:
        pixels = decode_file(args.image).pixels
    except UnreadableImage as error:
        raise UnreadableImage(f"{args.image.name} could not be read. {error}") from error
    engine = engine_of(args, taxonomy)
    from derm_model.net.atlas import answer_and_map, write_picture, write_values
    from derm_model.net.atlas.pictures import meaning_of, picture_of

    method, settings = read_method(args)
    target = read_target(args, engine.bundle, taxonomy)
    assert target is not None  # `_check` has refused the true label
    _, _, saliency = answer_and_map(engine, pixels, method, target, settings, args.report)
    if saliency is None:
        raise DermTreeError(
            f"No map is defined for this image: {method.name} gives zero everywhere. Try --of score, another node or "
            "another --method."
        )
    bundle_id = engine.bundle.card.bundle_id
    write_picture(picture_of(pixels, saliency, plain=args.plain), args.out, saliency, method, bundle_id)
    if args.npy:
        write_values(args.out.with_suffix(".npy"), saliency)
    print(f"{args.out}: {saliency.label} ({saliency.method}), bundle {bundle_id}")
    if saliency.note:
        print(saliency.note)
    print(meaning_of(method))
    print(NOTICE)
    return 0
