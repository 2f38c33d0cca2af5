"""What follows the hand beside the charts: 1,000 people as marks and in sentences, the counts, the net benefit."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.palette import THEME_VARIABLES, Role
from pages.ui import components, look
from pages.ui.threshold.desk import Desk, about_curve
from pages.ui.threshold.numbers import PEOPLE, benefit_of_all, signed

RED, BLUE, GRAY = (THEME_VARIABLES[role] for role in (Role.MALIGNANT, Role.BENIGN, Role.UNRESOLVED))


def draw_people(desk: Desk) -> None:
    """Marks for people, the ill first; the sentences beside them are the legend and the text alternative."""
    disease = desk.task.positive_name
    groups = (
        ("found", True, True, RED, f"{{foundText}} with {disease}, above the threshold (found)"),
        ("missed", True, False, RED, f"{{missedText}} with {disease}, below it (missed)"),
        ("alarms", False, True, BLUE, "{alarmsText} without, above it (needless alarm)"),
        ("spared", False, False, GRAY, "{sparedText} without, below it"),
    )
    st.markdown(f"##### The same as {words.count(PEOPLE)} people")
    components.live(
        groups=[
            {"n": n, "ill": ill, "filled": filled, "paint": paint, "label": f"{n}Text", "text": text}
            for n, ill, filled, paint, text in groups
        ],
        sentences=[
            {
                "unless": "above",
                "text": f"Of the {{above}} people above the threshold, {{found}} have {disease} (PPV {{ppv}}; needed "
                "to biopsy per disease found: {needed}).",
            },
            {
                "unless": "below",
                "text": f"Of the {{below}} below it, {{missedText}} have {disease}: to be below does not exclude it.",
            },
        ],
        key="desk_people",
    )


def draw_counts(desk: Desk) -> None:
    """The 2 x 2 table of the images themselves, whatever the prevalence."""
    task, n_pos, n_neg = desk.task, desk.curve.n_pos, desk.curve.n_neg
    heading = f"Counts on the {words.plural(n_pos + n_neg, 'image')}"
    st.markdown(f"##### {heading}")
    components.live(
        table={
            "label": heading,
            "columns": ["", task.positive_name, task.negative_name],
            "rows": [
                ["Above the threshold", "{imagesFound}", "{imagesAlarms}"],
                ["Below the threshold", "{imagesMissed}", "{imagesSpared}"],
                ["All", words.count(n_pos), words.count(n_neg)],
            ],
        },
        key="desk_counts",
    )
    st.caption(f"{look.plain(desk.shown.choice.name.capitalize())}: {about_curve(desk)}.")


def draw_benefit_text(desk: Desk) -> None:
    """Net benefit at the threshold in words."""
    components.live(
        sentences=[
            {
                "unless": "",
                "text": f"Where a miss is as bad as {desk.hand.cost:g} needless alarms: {{benefitText}} at this "
                f"threshold, {signed(benefit_of_all(desk))} when everybody is treated, 0 when nobody is. "
                "Highest: {best}.",
            }
        ],
        key="desk_benefit_text",
    )
