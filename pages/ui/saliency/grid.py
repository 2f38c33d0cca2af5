"""The maps side by side: what is at work, what is there, what is drawn on it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from derm_model import words
from derm_model.errors import DermTreeError
from derm_model.progress import Report
from pages.ui import access, components, look, state
from pages.ui.case import CaseImage
from pages.ui.resources import Model
from pages.ui.saliency import keys, outline, progress
from pages.ui.saliency.entries import Entry, duration, map_key, settings_in_words
from pages.ui.saliency.outline import Mask
from pages.ui.saliency.wish import Wish
from pages.ui.saliency.works import Work, wait_for

if TYPE_CHECKING:
    from derm_model.evaluation.map_measures import Inside
    from derm_model.net.engine import Engine
    from derm_model.net.saliency import SaliencyMap, Target
    from derm_model.net.saliency.method import Pace, Settings

PATIENCE_S = 0.6  # the paper's map is there by then
ASK_ABOVE_S = 20.0  # what takes longer begins on demand only, if it also takes
ASK_ABOVE_PASSES = 50  # more than this: a pass may have been timed while the machine was busy
MEANING = (
    "Darker is stronger. A map shows **what the network reacted to**, not where disease is, and it can be wrong where "
    "the answer is right."
)
HOW_TO_READ = (
    "Every map answers another question about the same answer, so that two may differ and both be right; each method's "
    f"line says which. {MEANING} Before you believe one, try it under *Can it be believed*.\n\n"
    "*Under the pointer:* the map's own value, not smoothed, and how many of its pixels are as strong. "
    "*Zoom:* the buttons, the keys + and −, 0 to fit, Ctrl with the wheel, two fingers, or a double click; arrow keys "
    "move the zoomed image, Shift with arrow keys reads a place."
)


@dataclass(frozen=True, eq=False)
class Panel:
    """A chosen method on this image: at work, done, or not to be had (`trouble`)."""

    entry: Entry
    settings: Settings
    badge: str
    key: Hashable = None
    target: Target | None = None
    work: Work | None = None
    trouble: str = ""
    seconds: float | None = None
    is_long: bool = False

    @property
    def is_at_work(self) -> bool:
        """Whether its map is being computed."""
        return self.work is not None and not self.work.is_done

    @property
    def map(self) -> SaliencyMap | None:
        """The map, where it is there and defined."""
        found: SaliencyMap | None = None if self.work is None else self.work.result
        return found

    @property
    def id(self) -> str:
        """Another one for another map."""
        return digest_of((self.entry.id, self.key))


def digest_of(key: Hashable) -> str:
    """Short name of a map, for the browser."""
    return hashlib.sha256(repr(key).encode()).hexdigest()[:16]


def panels_of(
    model: Model,
    engine: Engine,
    image: CaseImage,
    wish: Wish,
    chosen: Sequence[Entry],
    settings: Settings,
    pace: Pace | None,
) -> list[Panel]:
    """Start what is quick, stop what is no longer wanted, and say where each method is."""
    works, found = state.lab().maps, []
    for entry in chosen:
        badge = entry.badge_of(wish)
        try:
            target = entry.target(wish, model)
        except DermTreeError as error:
            found.append(Panel(entry, settings, badge, trouble=str(error)))
            continue
        key = map_key(model.card.bundle_id, image.digest, entry, target, settings)
        cost = entry.method.cost(settings, engine.bundle.preprocessing.size_px)
        needed = None if pace is None else cost.seconds(pace)
        is_long = cost.passes > ASK_ABOVE_PASSES and (needed is None or needed > ASK_ABOVE_S)
        found.append(Panel(entry, settings, badge, key, target, works.get(key), seconds=needed, is_long=is_long))
    works.forget_others({panel.key for panel in found})
    begun = [_begun(panel, engine, image) for panel in found]
    new = [after.work for before, after in zip(found, begun, strict=True) if after.work and not before.work]
    wait_for(new, PATIENCE_S)
    return begun


def _begun(panel: Panel, engine: Engine, image: CaseImage) -> Panel:
    """The same, at work where it needs no question first."""
    if panel.trouble or panel.work is not None or panel.is_long:
        return panel
    return replace(panel, work=start(panel, engine, image))


def start(panel: Panel, engine: Engine, image: CaseImage) -> Work:
    """Compute a map beside the page."""
    method, target, settings, pixels = panel.entry.method, panel.target, panel.settings, image.pixels
    assert target is not None  # a panel without one has no button

    def make(report: Report) -> object:
        from derm_model.net.saliency.explainer import Explainer

        return Explainer(engine).explain(pixels, method, target, settings, report)

    return state.lab().maps.start(panel.key, make)


def draw_grid(model: Model, engine: Engine, image: CaseImage, panels: Sequence[Panel]) -> None:
    """Progress, then the image and its maps."""
    troubles = list(dict.fromkeys(panel.trouble for panel in panels if panel.trouble))
    for trouble in troubles:
        st.warning(look.plain(trouble), icon=":material/info:")
    _draw_waiting(engine, image, [panel for panel in panels if not panel.trouble])
    mask = mask_of(image, engine)
    height, width = image.pixels.shape[:2]
    components.maps(
        image=image.digest,
        photo=image.view_url,
        aspect=width / height,
        alt=f"{'Drawing' if image.is_drawing else 'Image'} {image.name}.",
        panels=[_image_panel(mask), *(_payload(panel, mask) for panel in panels if not panel.trouble)],
        palette=palette(),
        defaults={"opacity": 70, "clip": 99.5, "smooth": True, "style": "overlay", "scale": "own"},
        caption=caption_lines(model, image, panels),
        file="dermtree-saliency.png",
        key=keys.SALIENCY_MAPS,
        draw="Draw the lesion's outline on any panel to see how much of each map lies inside.",
        shapes=state.lab().lesions.get(image.digest, []),
        mask=outline.payload(state.lab().masks[image.digest]) if image.digest in state.lab().masks else None,
        on_draw=_take_lesion,
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        with st.popover("How to read the maps", icon=":material/help:", type="tertiary"):
            st.markdown(HOW_TO_READ)
        with st.popover("Upload a mask of the lesion", icon=":material/upload:", type="tertiary"):
            _draw_upload(image)


def palette() -> dict[str, Any]:
    """Colours of the overlay, as the component takes them."""
    from derm_model.net.overlay import FAINTEST, FULL_AT, PALETTE

    return {"stops": PALETTE.tolist(), "faintest": FAINTEST, "fullAt": FULL_AT}


def _take_lesion() -> None:
    drawn = (st.session_state.get(keys.SALIENCY_MAPS) or {}).get("drawn")
    found = outline.checked_shapes(drawn, [image.digest for image in state.case().images])
    if found is not None:
        state.lab().lesions[found[0]] = found[1]


def mask_of(image: CaseImage, engine: Engine) -> Mask | None:
    """The lesion on this image, uploaded or drawn, (s, s) bool as the network sees it; None where nobody has said."""
    lab, size_px = state.lab(), engine.bundle.preprocessing.size_px
    if image.digest in lab.masks:
        return outline.resized(lab.masks[image.digest], size_px, size_px)
    shapes = lab.lesions.get(image.digest)
    return outline.rasterised(shapes, size_px, size_px) if shapes else None


def _draw_upload(image: CaseImage) -> None:
    lab = state.lab()
    file = st.file_uploader(
        "A PNG: white inside the lesion, black outside",
        type=["png"],
        key=f"{keys.SALIENCY_MASK}_{image.digest[:16]}",
        max_upload_size=20,
        help="Of the same shape as the image; it may be smaller. It goes before an outline that is drawn.",
    )
    before = image.digest in lab.masks
    lab.masks.pop(image.digest, None)
    if file is not None:
        try:
            lab.masks[image.digest] = outline.read_mask(file.getvalue(), image.width_px, image.height_px)
        except DermTreeError as error:
            st.error(f"**{look.plain(file.name)} was not taken.** {look.plain(str(error))}", icon=":material/error:")
    if before != (image.digest in lab.masks):
        st.rerun()  # the panels above were drawn without it


def _image_panel(mask: Mask | None) -> dict[str, Any]:
    area = [] if mask is None else [f"The outline covers {words.percent(float(mask.mean()))} of the image."]
    return {"id": "image", "title": "Image", "notes": area}


def _payload(panel: Panel, mask: Mask | None) -> dict[str, Any]:
    entry, found, work = panel.entry, panel.map, panel.work
    payload: dict[str, Any] = {"id": panel.id, "title": entry.name, "badge": panel.badge}
    if found is not None:
        part = outline.inside(found.values, mask)
        told = [_inside_in_words(part)] if part is not None else []
        notes = [*told, entry.method.meaning, *([found.note] if found.note else [])]
        return payload | {"map": encoded(found.values), "notes": notes}
    if work is None:
        time = duration(panel.seconds)
        waiting = f"Takes {time}: begin it above." if time else "Takes long: begin it above."
    elif not work.is_done:
        waiting = "At work"
    elif work.was_stopped:
        waiting = "Stopped. Begin it again above."
    elif work.error is not None:
        waiting = "It went wrong; see above."
    else:
        waiting = "Not defined: this map is zero everywhere, so no pixel would move this answer."
    return payload | {"waiting": waiting}


def _inside_in_words(part: Inside) -> str:
    share, area = words.percent(part.share), words.percent(part.area)
    return f"{share} of the map lies inside the outline, which covers {area} of the image."


def encoded(values: NDArray[np.float32]) -> dict[str, Any]:
    """A map as the component takes it: 16 bits a pixel at the network's resolution."""
    strongest = float(values.max())
    codes = np.round(values.astype(np.float64) / strongest * 65535).astype("<u2")
    height, width = values.shape
    return {"size": [width, height], "max": strongest, "data": base64.b64encode(codes.tobytes()).decode("ascii")}


def caption_lines(model: Model, image: CaseImage, panels: Sequence[Panel]) -> list[str]:
    """What a saved picture says below the maps."""
    explained = next((_explained(panel.target, panel.map) for panel in panels if panel.target and panel.map), "")
    how = [f"{p.entry.name}: {text}" for p in panels if (text := settings_in_words(p.entry, p.settings))]
    drawing = "A drawing made by a program, not a patient. " if image.is_drawing else ""
    return [
        words.NOTICE,
        f"{drawing}Explained: {explained}. {'; '.join(how)}",
        MEANING.replace("**", ""),
        f"Model {model.card.name}, bundle {model.card.bundle_id}.",
    ]


def _explained(target: Target, found: SaliencyMap) -> str:
    is_score = target.negative is not None and not target.contrast
    return f"score for {found.label}" if is_score else found.label


def _draw_waiting(engine: Engine, image: CaseImage, panels: Sequence[Panel]) -> None:
    """What takes long, failed or was stopped, each with its button; follows the work without a hand on the page."""
    at_work = [panel for panel in panels if panel.is_at_work]
    if at_work:
        access.poll(_draw_progress, progress.POLL_S)(at_work)
    for panel in panels:
        work = panel.work
        if work is not None and work.trouble:
            text = f"**{look.plain(panel.entry.name)} went wrong.** {look.plain(work.trouble)}"
            st.error(text, icon=":material/error:")
        if work is None or work.error is not None:
            time = duration(panel.seconds)
            st.button(
                f"Compute {panel.entry.name}" + (f" ({time})" if time else ""),
                key=f"compute_{panel.entry.id}",
                icon=":material/play_arrow:",
                on_click=_begin,
                args=(panel, engine, image),
            )


def _begin(panel: Panel, engine: Engine, image: CaseImage) -> None:
    start(panel, engine, image)


def _draw_progress(panels: Sequence[Panel]) -> None:
    if any(panel.work is not None and panel.work.is_done for panel in panels):
        st.rerun()  # the whole page: there is one map more
    for panel in panels:
        assert panel.work is not None
        progress.draw_bar(panel.work, panel.entry.name, state.lab().maps, panel.key, panel.entry.id)
