"""Ask the image: cover a part and see the probabilities move; turn it and see whether they stay."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from derm_model import words
from derm_model.answer import role_of
from derm_model.palette import MARKS
from derm_model.progress import Report
from derm_model.taxonomy import task_score
from pages.ui import components, look, state
from pages.ui.case import VIEW_PX, CaseImage, data_url
from pages.ui.evaluate import parts
from pages.ui.resources import Model
from pages.ui.saliency import keys, outline, progress
from pages.ui.saliency.wish import resolved_nodes
from pages.ui.saliency.works import wait_for
from pages.ui.train.curves import wait_for_pandas

if TYPE_CHECKING:
    from derm_model.net.asking import Asked, Rotations
    from derm_model.net.engine import Engine

PATIENCE_S = 1.0
N_THUMBNAILS = 12
THUMBNAIL_PX = 96
NOTICEABLE = 0.05  # change of a probability that is told in words


def draw_asking(model: Model, engine: Engine, image: CaseImage) -> None:
    """Both questions."""
    st.markdown("##### Cover a part")
    st.caption(
        "Draw around what should not matter: a ruler, ink, hair, the background. It is painted over and the image is "
        "read again. A probability that moves depended on it, or on the paint: a painted part has no texture."
    )
    _draw_cover(model, engine, image)
    st.markdown("##### Turn the image")
    _draw_turning(model, engine, image)


def _draw_cover(model: Model, engine: Engine, image: CaseImage) -> None:
    from derm_model.data.covering import FILLS

    fill = st.segmented_control(
        "Paint with",
        list(FILLS),
        format_func=lambda name: FILLS[name],
        key=keys.SALIENCY_FILL,
        default=None if keys.SALIENCY_FILL in st.session_state else "skin",
        required=True,
        wrap=True,
        persist_state="session",
    )
    shapes = state.lab().regions.get(image.digest, [])
    asked = _asked(engine, image, shapes, fill or "skin") if shapes else None
    height, width = image.pixels.shape[:2]
    panels = [{"id": "region", "title": "Image", "notes": []}]
    if asked is not None:
        photo = data_url(_small(asked.pixels), "JPEG", quality=86)
        panels.append(
            {"id": "covered", "title": "Painted over", "photo": photo, "alt": "The image, partly painted over"}
        )
    components.maps(
        image=image.digest,
        photo=image.view_url,
        aspect=width / height,
        alt=f"{'Drawing' if image.is_drawing else 'Image'} {image.name}.",
        panels=panels,
        palette={},
        defaults={"opacity": 70, "clip": 100, "smooth": False, "style": "overlay", "scale": "own"},
        caption=[],
        file="",
        key=keys.SALIENCY_REGION,
        draw="Draw around what shall be covered; several parts are possible.",
        many=True,
        shapes=shapes,
        on_draw=_take_region,
    )
    if asked is not None:
        _draw_moves(model, asked)


def _take_region() -> None:
    drawn = (st.session_state.get(keys.SALIENCY_REGION) or {}).get("drawn")
    found = outline.checked_shapes(drawn, [image.digest for image in state.case().images])
    if found is not None:
        state.lab().regions[found[0]] = found[1]


def _small(pixels: NDArray[np.uint8]) -> Image.Image:
    picture = Image.fromarray(pixels)
    picture.thumbnail((VIEW_PX, VIEW_PX), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return picture


def _asked(engine: Engine, image: CaseImage, shapes: list[list[list[float]]], fill: str) -> Asked | None:
    """The answer before and after, None while it is at work or where it cannot be had; then the page says so."""
    drawn = hashlib.sha256(repr(shapes).encode()).hexdigest()
    key: Hashable = ("ask", engine.bundle.card.bundle_id, image.digest, fill, drawn)
    pixels = image.pixels

    def make(report: Report) -> object:
        from derm_model.net.asking import ask

        height, width = pixels.shape[:2]
        return ask(engine, pixels, outline.rasterised(shapes, width, height), "blur" if fill == "blur" else "skin")

    work = state.lab().asks.get(key) or state.lab().asks.start(key, make)  # what failed once is not tried at every look
    wait_for([work], PATIENCE_S)
    found: Asked | None = progress.draw_work(work, "Reading the painted image", state.lab().asks, key, "ask")
    return found


def _draw_moves(model: Model, asked: Asked) -> None:
    """How every probability moved, the largest change in a sentence."""
    rows = moves(model, asked.before, asked.after)
    name, before, after = max(rows, key=lambda row: abs(row[2] - row[1]))
    change = after - before
    if abs(change) < NOTICEABLE:
        st.markdown(
            f"**Little moved**: at most {_points(change)} ({look.plain(name)}). What was covered hardly mattered here."
        )
    else:
        st.markdown(
            f"**{look.plain(name)} moved most**: from {words.percent(before)} to {words.percent(after)}, "
            f"{_points(change)}. Part of that may be the paint itself: cover as much of plain skin and compare."
        )
    table = [(label, words.percent(one), words.percent(other), _points(other - one)) for label, one, other in rows]
    st.markdown(parts.table(("", "Before", "After", "Change"), table))


def moves(model: Model, before: NDArray[np.float64], after: NDArray[np.float64]) -> list[tuple[str, float, float]]:
    """Roots, nine classes and scores of the questions: name, before and after; what the model does not know is out."""
    found = []
    for node in (*model.taxonomy.cut(1), *model.taxonomy.cut(2)):
        one, other = (model.aggregator.probability(probs, node) for probs in (before, after))
        if one is not None and other is not None:
            mark = MARKS[role_of(model.taxonomy, node)]
            found.append((f"{mark} {model.taxonomy.node(node).name}", one, other))
    for classes in model.tasks.values():
        one, other = (float(task_score(probs, classes)) for probs in (before, after))
        if not (math.isnan(one) or math.isnan(other)):
            found.append((f"Score: {classes.task.positive_name} against {classes.task.negative_name}", one, other))
    return found


def _points(change: float) -> str:
    """``+3.2 points`` with a minus sign, and no sign before a zero."""
    text = f"{round(100 * change, 1) + 0.0:+.1f}".replace("-", "−")
    return ("0.0" if text in ("+0.0", "−0.0") else text) + " points"


def _draw_turning(model: Model, engine: Engine, image: CaseImage) -> None:
    key: Hashable = ("rotations", engine.bundle.card.bundle_id, image.digest)
    works = state.lab().asks
    work = works.get(key)
    if work is None or work.error is not None:
        st.caption(
            "A lesion has no upright position, so that the probability should not depend on how the camera was held. "
            "The image is turned to 36 angles and read at each."
        )
    pixels = image.pixels

    def begin() -> None:
        def make(report: Report) -> object:
            from derm_model.net.asking import rotations

            return rotations(engine, pixels, report=report)

        works.start(key, make)

    if work is None or work.error is not None:
        st.button("Turn it", key="turn", icon=":material/rotate_right:", on_click=begin)
    if work is None:
        return
    found: Rotations | None = progress.draw_work(work, "Turning the image", works, key, "turn")
    if found is not None:
        _draw_rotations(model, image, found)


def _draw_rotations(model: Model, image: CaseImage, found: Rotations) -> None:
    from derm_model.net.asking import spread_of

    options = {f"task:{task_id}": f"Score: {c.task.positive_name}" for task_id, c in model.tasks.items()}
    options |= {f"node:{node}": name for node, name in resolved_nodes(model).items()}
    if st.session_state.get(keys.SALIENCY_FOLLOWED) not in options:
        top = model.card.classes[int(found.whole_probs.argmax())].node
        st.session_state[keys.SALIENCY_FOLLOWED] = f"node:{top}"
    chosen = st.selectbox(
        "Followed", list(options), format_func=options.__getitem__, key=keys.SALIENCY_FOLLOWED, persist_state="session"
    )
    turned, upright = (_values(model, chosen, probs) for probs in (found.class_probs, found.upright_probs))
    spread = spread_of(turned)
    if spread is None:
        st.markdown("**Not defined**: the model puts no probability on either side of this question at some angle.")
        return
    name = options[chosen].strip()
    beside = spread_of(upright)
    st.markdown(
        f"**{look.plain(name)}: {spread.mean:.1%} ± {spread.sd:.1%}** over {len(turned)} angles (mean ± SD), from "
        f"{spread.minimum:.1%} to {spread.maximum:.1%}."
        + ("" if beside is None else f" Of that, the closer look alone gives ± {beside.sd:.1%}.")
    )
    _draw_chart(found, name, turned.tolist(), upright.tolist(), spread.mean, spread.sd)
    st.caption(
        "A turned image does not fit its frame: the largest upright rectangle in it gets smaller towards 45°, so that "
        "the network also looks closer. The dotted line is that closer look without turning; what lies between the two "
        "lines is the turning."
    )
    _draw_strip(image, found)


def _values(model: Model, chosen: str, probs: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, n_classes) to the followed probability or score, (n,)."""
    kind, _, name = chosen.partition(":")
    if kind == "task":
        return np.asarray(task_score(probs, model.tasks[name]))
    return np.asarray(probs[:, list(model.aggregator.class_indices(name))].sum(axis=1))


def _draw_chart(
    found: Rotations, name: str, turned: Sequence[float], upright: Sequence[float], mean: float, sd: float
) -> None:
    wait_for_pandas()
    from derm_model.figures.rotation import TurnedLine, plot_rotation  # plotly: not before there is something to draw

    lines = [TurnedLine("turned", turned), TurnedLine("as close, not turned", upright, "dot")]
    title = "Score" if name.startswith("Score") else "Probability"
    parts.chart(
        plot_rotation(found.angles_deg.tolist(), lines, mean, sd, title, look.palette()),
        "saliency_rotation",
        f"{name} while the image turns: mean {mean:.1%}, standard deviation {sd:.1%}.",
    )


def _draw_strip(image: CaseImage, found: Rotations) -> None:
    """What the network saw at every thirtieth degree."""
    from derm_model.net.augmentation import View, resample

    step = max(1, len(found.angles_deg) // N_THUMBNAILS)
    small = np.asarray(_small(image.pixels))
    with st.grid(N_THUMBNAILS, min_column_width=64, gap="xsmall", key="saliency_strip"):
        for i in range(0, len(found.angles_deg), step):
            angle = float(found.angles_deg[i])
            view = resample(small, THUMBNAIL_PX, View(math.radians(angle), False))  # the same cut as in `rotations`
            with st.container(gap=None):
                st.image(view, width="stretch", alt=f"The view at {angle:.0f} degrees")
                st.caption(f"{angle:.0f}°")
