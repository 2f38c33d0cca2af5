"""What every page begins with: configuration, style, logo, model, title and the notice. A page works without app.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.card import folder_name
from pages.ui import access, audit_trail, components, door, look, resources, state

ASSETS = Path(__file__).resolve().parents[2] / "assets"
SIDEBAR_PX = 240


@dataclass(frozen=True)
class Choices:
    """What the frame's own controls say."""

    model: resources.Model | None
    broken: tuple[resources.BrokenBundle, ...]


def configure(title: str | None = None) -> None:
    """Page configuration; the first command of app.py and of every page.

    Without it a page's icon would become the favicon, which Streamlit fetches from a web font host.
    """
    st.set_page_config(
        page_title=f"{title} · DermTree" if title else "DermTree",
        page_icon=str(ASSETS / "favicon.png"),
        layout="wide",
        initial_sidebar_state=SIDEBAR_PX,
    )


def open_page(title: str, note: str, right: Right, *, first: Callable[[], None] | None = None) -> Choices:
    """Draw the frame and return what was chosen in it.

    Nothing of a page is computed before: who may not open it sees who they are and what is missing.

    Parameters
    ----------
    title : str
    note : str
        One sentence: what one does here.
    right : Right
        What one must be allowed to do; the script ends here for who is not.
    first
        What must happen before the model choice is drawn, such as taking a model from the address.
    """
    configure(title)
    colours = look.palette()
    st.html(look.style_sheet(colours))
    st.logo(str(ASSETS / f"logo-{colours.name}.svg"), size="large")
    with st.sidebar:
        components.watch_theme()
    caller = door.let_in(title, right)
    if first is not None:
        first()
    with st.sidebar:
        # a model's classes and figures are nothing for who must not see its answers
        choices = _choose_model() if caller.person.may(Right.CLASSIFY) else Choices(None, ())
        door.draw_person(caller)
    with st.container(horizontal=True, vertical_alignment="center", key="head"):
        st.title(title, anchor=False, width="content")
        st.badge(words.BADGE, color="gray")
    st.caption(note)
    audit_trail.begin_run(caller.person.name, choices.model)
    access.watch_session(caller)
    return choices


def _choose_model() -> Choices:
    usable, broken = resources.models()
    model = None
    if usable:
        names = {str(m.folder): _label(m, usable) for m in usable}
        state.drop_unless(state.MODEL, names)
        state.hold(state.MODEL)  # a model may have been renamed, here or by somebody else
        chosen = st.selectbox(
            "Model",
            list(names),
            format_func=names.__getitem__,
            key=state.MODEL,
            help="The bundle every page uses.",
            persist_state="session",
        )
        model = next(m for m in usable if str(m.folder) == chosen)
        images = sum(source.n_train for source in model.card.data)
        st.caption(
            f"{words.plural(len(model.card.classes), 'class', 'classes')} · learnt from {words.plural(images, 'image')}"
        )
    for bundle in broken:
        with st.expander(f"{look.plain(folder_name(bundle.folder))} cannot be used", icon=":material/warning:"):
            st.caption(look.plain(bundle.reason))
    return Choices(model, tuple(broken))


def _label(model: resources.Model, usable: list[resources.Model]) -> str:
    """Name of the card, with the folder where two cards have the same name."""
    name = model.card.name
    twins = sum(other.card.name == name for other in usable) > 1
    return f"{name} ({folder_name(model.folder)})" if twins else name
