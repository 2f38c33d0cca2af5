"""One method over many images: those of the case, or one labelled example of each of the nine classes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError, UnreadableImage
from derm_model.progress import Progress, Report
from pages.ui import access, components, look, state
from pages.ui.case import DETAIL_PX, VIEW_PX, CaseImage, data_url
from pages.ui.resources import Model
from pages.ui.saliency import batch, grid, keys, progress
from pages.ui.saliency.entries import Entry, entries
from pages.ui.saliency.wish import Wish
from pages.ui.train import sources
from pages.ui.train.choosing import choose_images
from pages.ui.train.sources import Images

if TYPE_CHECKING:
    from derm_model.data.manifest import Record
    from derm_model.net.engine import Engine
    from derm_model.net.saliency import Target
    from derm_model.net.saliency.method import Settings

CASE, LABELLED = "The images of this case", "Labelled images on the server"
TRIES = 5  # images of a class that are tried, where files are missing or damaged
STAGE = "Maps"


@dataclass(frozen=True, eq=False)
class Example:
    """An image with its map; `values` is None where the map is zero everywhere."""

    title: str
    notes: tuple[str, ...]
    photo: str
    aspect: float
    values: NDArray[np.float32] | None


@dataclass(frozen=True, eq=False)
class Wanted:
    """An image to explain, read when its turn comes."""

    title: str
    pixels: NDArray[np.uint8]
    target: Target
    notes: tuple[str, ...] = ()


def draw_many(model: Model, engine: Engine, wish: Wish, settings: Settings) -> None:
    """Choose the images and the method, then draw them, or let a job compute all."""
    known = entries()
    source = st.segmented_control(
        "Images",
        [CASE, LABELLED] if access.may(Right.RESEARCH) else [CASE],
        key=keys.SALIENCY_MANY_FROM,
        default=None if keys.SALIENCY_MANY_FROM in st.session_state else CASE,
        required=True,
        wrap=True,
        persist_state="session",
    )
    state.drop_unless(keys.SALIENCY_MANY_METHOD, known)
    name = st.selectbox(
        "Method",
        list(known),
        format_func=lambda i: known[i].label,
        key=keys.SALIENCY_MANY_METHOD,
        persist_state="session",
        help="With the settings above.",
    )
    entry = known[name]
    if source == LABELLED:
        _draw_labelled(model, engine, wish, entry, settings)
    else:
        _draw_case(model, engine, wish, entry, settings)


def _draw_case(model: Model, engine: Engine, wish: Wish, entry: Entry, settings: Settings) -> None:
    images = state.case().images
    if len(images) < 2:
        st.caption("There is one image in this case. Add more above to see them beside each other.")
    try:
        target = entry.target(wish, model)
    except DermTreeError as error:
        st.warning(look.plain(str(error)), icon=":material/info:")
        return

    def want() -> list[Wanted]:
        return [Wanted(_title(number, image), image.pixels, target) for number, image in enumerate(images, start=1)]

    key = ("case", engine.bundle.card.bundle_id, tuple(image.digest for image in images), _how(entry, settings), target)
    _draw(model, engine, entry, settings, key, want, "case")


def _title(number: int, image: CaseImage) -> str:
    return f"{number} · {image.name}"


def _how(entry: Entry, settings: Settings) -> Hashable:
    return entry.id, tuple(getattr(settings, name) for name in entry.method.settings)


def _draw_labelled(model: Model, engine: Engine, wish: Wish, entry: Entry, settings: Settings) -> None:
    images, trouble = choose_images(
        "Labelled images",
        sources.offered(),
        keys.SALIENCY_MANY_IMAGES,
        nothing="Choose labelled images.",
    )
    if trouble:
        st.caption(look.plain(trouble))
    if images is None:
        batch.draw_jobs(model)
        return
    st.markdown("##### One example of each of the nine classes")
    st.caption(
        "As Extended Data Figure 3 of the paper: each map is of the loss of its image's true class. Which example is "
        "shown is drawn by chance, by the seed, and not chosen for its map."
    )
    seed = st.number_input("Seed of the examples", 0, 9999, key=keys.SALIENCY_MANY_SEED, width=200, step=1)
    source = images

    def want() -> list[Wanted]:
        return nine_examples(model, engine, source, int(seed))

    key = ("nine", engine.bundle.card.bundle_id, images.path, images.stamp, int(seed), _how(entry, settings))
    examples = _draw(model, engine, entry, settings, key, want, "nine")
    n_classes = len(model.taxonomy.cut(2))
    if examples is not None and len(examples) < n_classes:
        st.caption(
            f"{len(examples)} of the {n_classes} classes: of the others this model has learnt nothing, or none of "
            "these images can be read."
        )
    st.markdown("##### Maps of all of them")
    batch.draw_form(model, images, entry, wish, settings)
    batch.draw_jobs(model)


def nine_examples(model: Model, engine: Engine, images: Images, seed: int) -> list[Wanted]:
    """A readable image of each of the nine classes that the model and the images have.

    Raises
    ------
    DermTreeError
        The table cannot be read, or no image of these classes can.
    """
    from derm_model.data.manifest import read_manifest
    from derm_model.net.saliency import Target
    from derm_model.taxonomy import read_crosswalk

    tree = model.taxonomy
    records = read_manifest(images.manifest, tree, read_crosswalk(tree)).records
    rng = np.random.default_rng(seed)
    found = []
    for node in tree.cut(2):
        own = [record for record in records if node in (record.node, *tree.ancestors(record.node))]
        if not own or not model.aggregator.class_indices(node):
            continue
        order = rng.permutation(len(own))[:TRIES]
        example = next((pair for i in order if (pair := _read(own[int(i)])) is not None), None)
        if example is None:
            continue
        record, pixels = example
        (answer,) = engine.predict([pixels])
        probability = model.aggregator.probability(answer.class_probs, node) or 0.0
        name = tree.node(node).name
        notes = (f"Truth: {tree.node(record.node).name}. The network gives this class {words.percent(probability)}.",)
        found.append(Wanted(name, pixels, Target.of_node(model.aggregator, node, label=name), notes))
    if not found:
        raise DermTreeError("None of these images is of a class the model knows and can be read. Choose others.")
    return found


def _read(record: Record) -> tuple[Record, NDArray[np.uint8]] | None:
    from derm_model.data.images import decode_file

    try:
        return record, decode_file(Path(record.path), min_side_px=DETAIL_PX).pixels
    except UnreadableImage:
        return None


def _draw(
    model: Model,
    engine: Engine,
    entry: Entry,
    settings: Settings,
    key: Hashable,
    want: Callable[[], list[Wanted]],
    name: str,
) -> list[Example] | None:
    """The panels, or the button that begins them; None while there are none."""
    works = state.lab().asks

    def begin() -> None:
        def make(report: Report) -> object:
            report(Progress("Reading the images", 0))
            return explain_each(engine, want(), entry, settings, report)

        works.start(key, make)

    work = works.get(key)
    if work is None or work.error is not None:
        st.button("Show the maps", key=f"many_{name}", icon=":material/play_arrow:", on_click=begin)
    if work is None:
        return None
    examples: list[Example] | None = progress.draw_work(work, STAGE, works, key, f"many_{name}")
    if examples is None:
        return None
    components.maps(
        image=grid.digest_of(key),
        photo="",
        aspect=1.0,
        alt="Images with their maps.",
        panels=[_panel(number, example, key) for number, example in enumerate(examples)],
        palette=grid.palette(),
        defaults={"opacity": 70, "clip": 99.5, "smooth": True, "style": "overlay", "scale": "own"},
        caption=[
            words.NOTICE,
            f"Method: {entry.label}. {grid.MEANING.replace('**', '')}",
            f"Model {model.card.name}, bundle {model.card.bundle_id}.",
        ],
        file=f"dermtree-saliency-{name}.png",
        key=f"saliency_many_{name}",
    )
    return examples


def _panel(number: int, example: Example, key: Hashable) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "id": f"{grid.digest_of(key)}-{number}",
        "title": example.title,
        "notes": list(example.notes),
        "photo": example.photo,
        "aspect": example.aspect,
        "alt": f"{example.title}.",
    }
    if example.values is None:
        return payload | {"waiting": "Not defined: this map is zero everywhere."}
    return payload | {"map": grid.encoded(example.values)}


def _tell(report: Report, at: Progress, within: Progress) -> None:
    """Of many images only their number is told, but each step may be stopped."""
    report(at)


def explain_each(
    engine: Engine, wanted: Sequence[Wanted], entry: Entry, settings: Settings, report: Report
) -> list[Example]:
    """Maps of several images, one after the other."""
    from derm_model.net.saliency.explainer import Explainer

    explainer, found = Explainer(engine), []
    for number, one in enumerate(wanted):
        at = partial(_tell, report, Progress(STAGE, number, len(wanted)))
        saliency = explainer.explain(one.pixels, entry.method, one.target, settings, at)
        picture = Image.fromarray(one.pixels)
        picture.thumbnail((VIEW_PX // 2, VIEW_PX // 2), Image.Resampling.BILINEAR, reducing_gap=2.0)
        explained = () if saliency is None or one.notes else (f"Explained: {saliency.label}",)
        found.append(
            Example(
                one.title,
                one.notes or explained,
                data_url(picture, "JPEG", quality=86),
                one.pixels.shape[1] / one.pixels.shape[0],
                None if saliency is None else saliency.values,
            )
        )
    return found
