"""`python -m derm_model saliency`: the saliency map of one image as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from derm_model.card import default_bundle
from derm_model.data.images import decode_file
from derm_model.errors import DermTreeError, UnreadableImage
from derm_model.taxonomy import Aggregator, Taxonomy, read_taxonomy
from derm_model.words import MAP, NOTICE

if TYPE_CHECKING:
    from derm_model.net.engine import Prediction
    from derm_model.net.saliency import Of, SaliencyMap, Target

MEANING = MAP.replace("*", "")  # plain text has no bold


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "saliency",
        help="draw which pixels an answer depends on",
        description="Draw the saliency map of an image over it, at the image's own size.",
        epilog='example: python -m derm_model saliency lesion.jpg --out map.png --node "melanoma"',
    )
    parser.add_argument("image", metavar="IMAGE", type=Path)
    parser.add_argument("--out", metavar="PNG", type=Path, required=True, help="picture to write")
    parser.add_argument("--node", help="id, name or synonym of a taxonomy node (default: the most probable class)")
    parser.add_argument("--bundle", metavar="DIR", type=Path, help="model bundle (default: the first one found)")
    parser.add_argument(
        "--of",
        choices=("loss", "score"),
        default="loss",
        help="gradient of the loss -log P, as in the paper, or of the probability (default: loss)",
    )
    parser.add_argument("--plain", action="store_true", help="white-to-black map for print, without the image")


def run(args: argparse.Namespace) -> int:
    """Write the picture and say what it shows; the exit code is 0."""
    if args.out.suffix.lower() != ".png":
        raise DermTreeError(f"The map is written as PNG; {args.out} does not end in .png. Choose another name.")
    try:
        image = decode_file(args.image)
    except UnreadableImage as error:
        raise UnreadableImage(f"{args.image.name} could not be read. {error}") from error
    taxonomy = read_taxonomy()
    from derm_model.net.bundle import load_bundle  # torch: only once the cheap mistakes are out of the way
    from derm_model.net.engine import Engine
    from derm_model.net.overlay import blend, plain_grey

    bundle = load_bundle(args.bundle or default_bundle(), taxonomy)
    target = _target(args.node, args.of, taxonomy, Aggregator(taxonomy, bundle.classes))
    (prediction,) = Engine(bundle, precision="fp32").predict([image.pixels], explain=target)
    saliency = _map_of(prediction)
    picture = plain_grey(saliency, *image.pixels.shape[:2]) if args.plain else blend(image.pixels, saliency)
    write_png(Image.fromarray(picture), args.out, saliency, prediction.bundle_id)
    print(f"{args.out}: {saliency.label} ({saliency.method}), bundle {prediction.bundle_id}")
    print(MEANING)
    print(NOTICE)
    return 0


def write_png(picture: Image.Image, path: Path, saliency: SaliencyMap, bundle_id: str) -> None:
    """Write a map with what it shows, the bundle and the notice as PNG text.

    Raises
    ------
    DermTreeError
        The file cannot be written.
    """
    text = PngInfo()
    text.add_text("Title", f"Saliency map: {saliency.label}")
    text.add_text("Description", f"{saliency.method}. {MEANING}")
    text.add_text("Source", f"DermTree bundle {bundle_id}")
    text.add_text("Disclaimer", NOTICE)
    try:
        picture.save(path, "PNG", pnginfo=text)
    except OSError as error:
        raise DermTreeError(f"{path} could not be written ({error.strerror}). Choose another place.") from error


def _target(name: str | None, of: Of, taxonomy: Taxonomy, aggregator: Aggregator) -> Target:
    from derm_model.net.saliency import Target

    if name is None:
        return Target.predicted(of)
    node = taxonomy.find(name)
    if node is None:
        near = ", ".join(taxonomy.node(found).name for found in taxonomy.search(name, limit=3))
        raise DermTreeError(
            f"--node takes an id, name or synonym of the taxonomy; {name!r} is none."
            + (f" Did you mean: {near}?" if near else " Try a part of its name.")
        )
    return Target.of_node(aggregator, node, of, label=taxonomy.node(node).name)


def _map_of(prediction: Prediction) -> SaliencyMap:
    if prediction.saliency is None:
        raise DermTreeError(
            "No map is defined for this image: the gradient is zero everywhere, so no small change of a pixel would "
            "move this answer. Try --of score or another node."
        )
    return prediction.saliency
