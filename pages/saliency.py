"""See what the network looks at, and test whether a map can be believed. Works alone: Streamlit may open it alone."""

from __future__ import annotations

import streamlit as st

from derm_model.access import Right
from pages.ui import begin, frame, lesions, loading, resources, state
from pages.ui.dataset.current import draw_messages
from pages.ui.saliency import address, choosing, downloads, grid, sections, speed
from pages.ui.saliency.entries import entries

choices = frame.open_page(
    "Saliency lab",
    "See what the network looks at, by several methods side by side, and test whether a map can be believed.",
    Right.CLASSIFY,
    first=address.take_model,
)
model, case = choices.model, state.case()
if model is None:
    begin.explain_no_model()
    st.stop()
address.take(model)
draw_messages()
if not case.images:
    begin.draw_begin(case)
    resources.engine(model)  # starts loading behind the page that is already drawn
    st.stop()

lesions.draw_case_line(case)
lesions.draw_images(case)
engine = loading.engine(model)
known = entries()
pace = speed.known(engine)

image = choosing.choose_image(model, engine, case)
probs = choosing.predicted(engine, image)
wish = choosing.choose_wish(model, probs)
chosen = choosing.choose_methods(known)
settings = choosing.choose_settings(known, chosen, engine, pace)
panels = grid.panels_of(model, engine, image, wish, chosen, settings, pace)
grid.draw_grid(model, engine, image, panels)
downloads.draw_downloads(model, image, wish, panels, grid.mask_of(image, engine))
sections.draw_sections(model, engine, image, wish, panels, settings, pace)
address.put(model, wish, chosen, settings)
speed.measure_when_idle(engine, pace, is_idle=not any(panel.is_at_work for panel in panels))
