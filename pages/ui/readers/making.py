"""A new study: which images, which question, how it is taken. Files are read once while it is made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.data.manifest import Record
from derm_model.errors import DermTreeError
from derm_model.reader_questions import StudyQuestion, study_questions
from pages.ui import access, look, resources, state
from pages.ui.evaluate.parts import table
from pages.ui.readers import address, freezing, sample
from pages.ui.readers.sample import Usable
from pages.ui.resources import Model
from pages.ui.train import sources
from pages.ui.train.choosing import choose_images
from pages.ui.train.sources import Images

if TYPE_CHECKING:
    from derm_model.records.studies import FrozenImage, StudySettings

FIRST_QUESTION = "biopsy-melanocytic"
OWN = "own"
PAPER_WORDS = {"clinical": "Paper, photographs", "dermoscopic": "Paper, dermoscopy"}
DEFAULT_N = 20
MAX_N, MAX_SEED = 2_000, 999_999
LISTED = 8  # files that cannot be used; more say no more


@dataclass(frozen=True, eq=False)
class Plan:
    """A sample that can be made into a study."""

    question: StudyQuestion
    records: tuple[Record, ...]
    seed: int


def draw_new(model: Model | None, *, is_first: bool) -> None:
    """The form, folded where there is something to look at."""
    with st.expander(
        "New study", icon=":material/add:", expanded=is_first, key=state.STUDY_NEW, on_change="rerun"
    ) as fold:
        if fold.open:
            _draw_form(model)


def _draw_form(model: Model | None) -> None:
    name = st.text_input(
        "Name", key=state.STUDY_NAME, max_chars=120, placeholder="For example: Melanoma or nevus, autumn"
    )
    images, trouble = choose_images(
        "Labelled images",
        sources.offered(),
        state.STUDY_IMAGES,
        nothing="Choose labelled images, best such as no network has learnt from.",
    )
    if images is None:
        st.caption(look.plain(trouble))
        return
    try:
        plan = _plan(model, images)
    except DermTreeError as error:
        st.warning(look.plain(str(error)), icon=":material/info:")
        return
    settings = _settings(model, plan.question)
    st.caption(
        "Images and question are fixed when the study is made; each reader gets the images in an order of their own."
    )
    if st.button("Make the study", key="make_study", type="primary", icon=":material/add:"):
        _make(name, plan, settings, model)


# which images, which question


def _plan(model: Model | None, images: Images) -> Plan:
    bundle = None if model is None else model.folder
    everything = resources.labelled(images)
    part = _choose_part(sample.parts_of(images, everything, bundle))
    records = sample.in_part(images, everything, part, bundle)
    question = _choose_question()
    usable = _choose_kind(sample.usable(question, resources.taxonomy(), records))
    wanted = _choose_numbers(question, usable)
    seed = st.number_input(
        "Seed",
        0,
        MAX_SEED,
        value=1,
        step=1,
        key=state.STUDY_SEED,
        width=200,
        help="The same seed draws the same images again, and the same orders.",
    )
    _draw_counts(question, usable, wanted)
    drawn = sample.draw(question, usable, wanted, int(seed))
    _draw_notes(model, drawn)
    return Plan(question, drawn, int(seed))


def _choose_part(parts: list[str]) -> str:
    state.drop_unless(state.STUDY_PART, parts)
    if len(parts) == 1:
        return parts[0]
    chosen = st.segmented_control(
        "Part of them",
        parts,
        format_func=sample.PARTS.__getitem__,
        key=state.STUDY_PART,
        default=None if state.STUDY_PART in st.session_state else parts[0],
        required=True,
        wrap=True,
    )
    return chosen or parts[0]


def _choose_question() -> StudyQuestion:
    questions = study_questions(resources.taxonomy())
    chosen = st.selectbox(
        "Readers are asked",
        list(questions),
        index=None if state.STUDY_QUESTION in st.session_state else list(questions).index(FIRST_QUESTION),
        format_func=lambda key: questions[key].name,
        key=state.STUDY_QUESTION,
    )
    question = questions[chosen or FIRST_QUESTION]
    answers = ", ".join(look.plain(choice.words) for choice in question.choices)
    st.caption(f"“{look.plain(question.prompt)}” {answers}.")
    return question


def _choose_kind(usable: Usable) -> Usable:
    """Photographs or dermoscopy, where there are several kinds: readers of a mixture meet two tasks."""
    kinds = Counter(map(sample.kind_of, usable.records))
    if len(kinds) < 2:
        return usable
    options = [sample.ANY_KIND, *sorted(kinds)]
    state.drop_unless(state.STUDY_KIND, options)
    chosen = st.segmented_control(
        "Kind of image",
        options,
        format_func=lambda kind: "Any" if kind == sample.ANY_KIND else f"{kind.capitalize()} ({kinds[kind]:,})",
        key=state.STUDY_KIND,
        default=None if state.STUDY_KIND in st.session_state else sample.ANY_KIND,
        required=True,
        wrap=True,
    )
    return usable.of_kind(chosen or sample.ANY_KIND)


def _choose_numbers(question: StudyQuestion, usable: Usable) -> dict[str, int]:
    """Images of each answer: the paper's numbers, or own ones."""
    paper = sample.paper_sizes(question)
    options = [*paper, OWN]
    state.drop_unless(state.STUDY_SIZE, options)
    size = OWN
    if paper:
        size = (
            st.segmented_control(
                "How many images",
                options,
                format_func=lambda key: (
                    "Own numbers" if key == OWN else f"{PAPER_WORDS[key]}: {paper[key].n_pos} + {paper[key].n_neg}"
                ),
                key=state.STUDY_SIZE,
                default=None if state.STUDY_SIZE in st.session_state else OWN,
                required=True,
                wrap=True,
                help="Esteva et al., Nature 542 (2017) 115, Figure 3: 135, 130 and 111 images.",
            )
            or OWN
        )
    if size != OWN:
        return dict(zip(question.choice_ids, (paper[size].n_pos, paper[size].n_neg), strict=True))
    counts, wanted = usable.counts, {}
    with st.grid(3, min_column_width=200):
        for choice in question.choices:
            there = min(counts[choice.id], MAX_N)
            wanted[choice.id] = int(
                st.number_input(
                    choice.words,
                    0,
                    MAX_N,
                    value=min(DEFAULT_N, there),
                    step=1,
                    key=state.study_count(f"{question.id}_{choice.id}"),
                    help=f"{counts[choice.id]:,} are there.",
                )
            )
    return wanted


def _draw_counts(question: StudyQuestion, usable: Usable, wanted: dict[str, int]) -> None:
    counts = usable.counts
    rows = [(choice.words, f"{counts[choice.id]:,}", f"{wanted[choice.id]:,}") for choice in question.choices]
    if len(rows) > 2:
        rows = [row for row in rows if row[1:] != ("0", "0")]
    rows.append(("All", f"{sum(counts.values()):,}", f"{sum(wanted.values()):,}"))
    st.markdown(table(("Right answer", "Images there", "In the study"), rows))
    if usable.n_other:
        n = words.plural(usable.n_other, "image")
        st.caption(f"{n} of other lesions, or with a label too coarse to say the right answer, are passed over.")


def _draw_notes(model: Model | None, drawn: tuple[Record, ...]) -> None:
    repeated = sample.n_repeated(drawn)
    if repeated:
        n = words.plural(repeated, "image")
        st.caption(f"{n} in it of a lesion or patient that is in it already: there were too few others.")
    seen = "" if model is None else sample.seen_by(model.card, model.folder, drawn)
    if seen:
        st.warning(f"**Not new to {look.plain(model.card.name if model else '')}.** {look.plain(seen)}")


# how it is taken


def _settings(model: Model | None, question: StudyQuestion) -> StudySettings:
    from derm_model.records.studies import StudySettings

    columns = None if model is None else question.columns(model.taxonomy, model.card.classes)
    with st.grid(3, min_column_width=200):
        washout = st.number_input(
            "Empty screen between images (s)",
            0.0,
            60.0,
            value=0.0,
            step=0.5,
            format="%.1f",
            key=state.STUDY_WASHOUT,
            help="So that the image before does not linger. No answer is possible meanwhile.",
        )
        confidence = st.checkbox(
            "Ask how sure they are", key=state.STUDY_CONFIDENCE, help="0 to 100 after each answer; it can be skipped."
        )
        second = st.checkbox(
            "Second part with the network's answer",
            key=state.STUDY_SECOND,
            disabled=columns is None,
            help="Every image once more, with the answer and the map of the model chosen in the sidebar."
            if columns is not None
            else "The model chosen in the sidebar cannot answer this question, or there is none.",
        )
    pause = 0
    if second and columns is not None:
        pause = st.number_input(
            "Days between the parts, at least",
            0,
            365,
            value=0,
            step=1,
            key=state.STUDY_PAUSE,
            width=260,
            help="So that readers forget the images; weeks are usual.",
        )
    return StudySettings(
        washout_s=float(washout), second_pass=bool(second and columns), pause_days=int(pause), confidence=confidence
    )


# making it


def _make(name: str, plan: Plan, settings: StudySettings, model: Model | None) -> None:
    from derm_model.records.engine import records_engine, writing
    from derm_model.records.studies import NewStudy, create_study

    try:
        who = access.who(Right.RUN_STUDIES)
        if not name.strip():
            st.warning("Give the study a name first: readers see it.", icon=":material/info:")
            return
        images = _freeze(plan)
        if images is None:
            return
        has_network = settings.second_pass and model is not None
        new = NewStudy(
            name=name,
            question=plan.question.id,
            choices=plan.question.choice_ids,
            images=images,
            seed=plan.seed,
            settings=settings,
            bundle_id=model.card.bundle_id if has_network and model else None,
            bundle_digest=model.card.weights_sha256 if has_network and model else None,
        )
        with writing(records_engine()) as session:
            study_id = create_study(session, new, who)
    except DermTreeError as error:
        st.error(f"**It was not made.** {look.plain(str(error))}", icon=":material/error:")
        return
    address.show(study_id)
    state.say("Made. Give readers the link.")
    st.rerun()


def _freeze(plan: Plan) -> tuple[FrozenImage, ...] | None:
    """Images with hash and path; None, with the reason said, where some cannot be used."""
    found, wrong = [], []
    n = len(plan.records)
    bar = st.progress(0.0, "Reading the images")
    for done, checked in enumerate(freezing.check_each(plan.records), start=1):
        bar.progress(done / n, f"Reading the images: {done:,} of {n:,}")
        if checked.image is None:
            wrong.append(checked)
        else:
            found.append(checked.image)
    bar.empty()
    if not wrong:
        return tuple(found)
    listed = "\n".join(f"- {look.plain(c.record.image_id)}: {look.plain(c.reason)}" for c in wrong[:LISTED])
    more = f"\n- and {len(wrong) - LISTED:,} more" if len(wrong) > LISTED else ""
    st.error(
        f"**It was not made: {words.plural(len(wrong), 'image')} of {n:,} cannot be used.** Mend the files, or draw "
        f"others with another seed.\n\n{listed}{more}",
        icon=":material/error:",
    )
    return None
