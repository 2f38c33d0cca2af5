"""Upload an image and read probabilities, map and verdict. Works alone: Streamlit may open a page without app.py."""

from __future__ import annotations

import streamlit as st

from derm_model.access import Right
from pages.ui import begin, evidence, exports, frame, lesions, loading, picker, resources, rows, state, verdict, viewer
from pages.ui.audit_trail import classified
from pages.ui.cases.saving import draw_saving
from pages.ui.node_link import follow_address
from pages.ui.question import Question, sides
from pages.ui.reading import explained_node, read, target_of
from pages.ui.saliency.doors import draw_lab_link

choices = frame.open_page(
    "Classify",
    "Upload a photograph or dermoscopy image and read the probabilities, the map and the position against a threshold.",
    Right.CLASSIFY,
)
model, case = choices.model, state.case()
if model is None:
    begin.explain_no_model()
    st.stop()
follow_address(model)
if not case.images:
    begin.draw_begin(case)
    resources.engine(model)  # starts loading behind the page that is already drawn
    st.stop()

lesions.draw_case_line(case)
lesions.draw_images(case)
engine = loading.engine(model)

separate = lesions.is_lesions(case)
shown = min(st.session_state.get(state.SHOWN) or 0, len(case.images) - 1)
image, task = case.images[shown], rows.chosen_task(model)
explain, gradient = viewer.explain_choice(model, task)
picked = state.picked()
node = None if picked is None else explained_node(model.aggregator, model.card.classes, picked)
reading = read(
    engine,
    case.images,
    shown,
    target_of(explain, gradient, task, model.aggregator, node),
    state.results(),
    average=not separate,
)
questions = [Question(model, classes, reading.probs, state.thresholds()) for classes in model.tasks.values()]
question = next((q for q in questions if q.classes is task), None)
views = [] if question is None else [question.put_to(p.class_probs) for p in reading.predictions]

state.set_listed_sides(sides(views))
classified(model, case.images, question, separate=separate)

left, right = st.columns([11, 9], gap="large")
with left:
    viewer.choose_image(case.images, lesions.labels(reading, views))
    viewer.draw_viewer(image, reading)
    predicted = model.card.classes[int(reading.predictions[shown].class_probs.argmax())].name
    viewer.draw_explain_controls(model, task, predicted)
    draw_lab_link(model, shown, explain, gradient, task, node)
    viewer.draw_notices(image, reading, shown)
with right:
    rows.choose_question(model)
    if question is not None:
        verdict.draw_region_notice(question)
        verdict.draw_verdict(question, views, lesions=separate)
    probs = rows.choose_probs(reading, shown, several_views=len(case.images) > 1 and not separate)
    rows.draw_rows(model, probs)
    rows.draw_picked(model, probs)
if separate:
    lesions.draw_list(model, case, reading, views)
picker.draw_picker(model, probs)
evidence.draw_evidence(model)
exports.draw_downloads(model, case.images, shown, reading, questions, average=not separate)
draw_saving(model, case.images, shown, reading, questions, separate=separate)
