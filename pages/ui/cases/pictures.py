"""Images of a lesion side by side: any two visits, with one zoom for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from derm_model.errors import RecordsError
from pages.ui import components, look, state
from pages.ui.cases import keys, store

if TYPE_CHECKING:
    from derm_model.records.cases import CaseRecord, VisitRow

MOST_PANELS = 6
NO_MAPS = {"opacity": 70, "clip": 99.5, "smooth": True, "style": "overlay", "scale": "own"}


def draw_pictures(case: CaseRecord) -> None:
    """Images of one visit, or of the two that are chosen."""
    st.markdown("##### Images")
    chosen = _choose(case)
    panels: list[dict[str, Any]] = []
    troubles: list[str] = []
    left_out = 0
    for visit in chosen:
        for number, image in enumerate(visit.images, start=1):
            if len(panels) == MOST_PANELS:
                left_out += 1
                continue
            kind = f" · {image.modality}" if image.modality else ""
            title = f"{visit.seen_on}{kind}" if len(visit.images) == 1 else f"{visit.seen_on} · {number}{kind}"
            try:
                photo = store.picture(image.sha256)
            except RecordsError as error:
                troubles.append(str(error))
                continue
            panels.append(
                {
                    "id": f"{visit.visit_id}_{number}",
                    "title": title,
                    "photo": photo,
                    "aspect": image.width_px / image.height_px,
                    "alt": f"Image of the lesion, {title}.",
                }
            )
    for trouble in dict.fromkeys(troubles):
        st.warning(f"**An image cannot be shown.** {look.plain(trouble)}", icon=":material/image_not_supported:")
    if panels:
        components.maps(
            image=" ".join(panel["id"] for panel in panels),
            photo=panels[0]["photo"],
            aspect=panels[0]["aspect"],
            alt="Images of the lesion, side by side.",
            panels=panels,
            palette={},
            defaults=NO_MAPS,
            caption=(),
            file="",
            key="case_images",
        )
        st.caption("One zoom for all: buttons, + and −, 0 to fit, Ctrl with the wheel, two fingers; arrow keys move.")
    if left_out:
        st.caption(f"{left_out} more images of these visits are not shown here; open them in Classify.")


def _choose(case: CaseRecord) -> list[VisitRow]:
    visits = {visit.visit_id: visit for visit in case.visits}
    if len(visits) < 2:
        return list(visits.values())
    ids = list(visits)
    for key in (keys.LEFT, keys.RIGHT):
        state.drop_unless(key, ids)
    names = {visit_id: _name(case, visit) for visit_id, visit in visits.items()}
    left, right = st.columns(2, wrap=False)
    with left:
        one = st.selectbox("Visit", ids, index=len(ids) - 2, format_func=names.__getitem__, key=keys.LEFT)
    with right:
        other = st.selectbox("Beside it", ids, index=len(ids) - 1, format_func=names.__getitem__, key=keys.RIGHT)
    return [visits[visit_id] for visit_id in dict.fromkeys((one, other))]


def _name(case: CaseRecord, visit: VisitRow) -> str:
    same = [other.visit_id for other in case.visits if other.seen_on == visit.seen_on]
    return str(visit.seen_on) if len(same) == 1 else f"{visit.seen_on} ({same.index(visit.visit_id) + 1})"
