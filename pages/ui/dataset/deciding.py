"""Deciding about what a gallery shows: buttons and keys, several at once, undo. One desk for pairs, one for images.

A decision goes to disk at once. Undo belongs to the session and leaves alone what somebody else has decided since.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError
from pages.ui import access, look, state

if TYPE_CHECKING:
    from derm_model.curation.workspace import Workspace

MAX_UNDO = 50
K = TypeVar("K")


class Made(Protocol):
    """A decision as it stands on disk."""

    @property
    def decision(self) -> str:
        """What was decided."""

    @property
    def note(self) -> str:
        """Why."""


@dataclass(frozen=True)
class Answer:
    """One thing that can be decided: the button's key, label, keyboard shortcut and icon."""

    word: str
    key: str
    label: str
    shortcut: str
    icon: str


@dataclass(frozen=True, eq=False)
class Desk(Generic[K]):
    """Where decisions of one kind are taken.

    Attributes
    ----------
    name
        "pairs" or "flags": part of the widgets' keys.
    page
        Key of the gallery's page in the session.
    path
        The decision file.
    read, decide, withdraw
        `read(path)` gives a mapping-like object with `get`; `decide(path, keys, word, note)` and
        `withdraw(path, keys)` change the file under its lock.
    box
        Key of the checkbox of one thing.
    """

    name: str
    page: str
    workspace: Workspace
    path: Path
    read: Callable[[Path], Any]
    decide: Callable[..., object]
    withdraw: Callable[..., object]
    box: Callable[[K], str]

    def draw(self, answers: Sequence[Answer], acted: Sequence[K], made: Mapping[K, Made | None], more: bool) -> None:
        """Draw the toolbar: one button an answer, then undo and pages."""
        page = st.session_state.get(self.page, 0)
        with st.container(horizontal=True, key=f"{self.name}_tools"):
            for answer in answers:
                st.button(
                    answer.label,
                    key=answer.key,
                    shortcut=answer.shortcut,
                    icon=f":material/{answer.icon}:",
                    disabled=not acted,
                    on_click=self._take,
                    args=(acted, answer.word, made),
                )
            for label, shortcut, icon, disabled, callback, args in (
                ("Undo", "U", "undo", not self._stack, self._take_back, ()),
                ("Previous", "P", "arrow_back", page == 0, self._turn, (page - 1,)),
                ("Next", "N", "arrow_forward", not more, self._turn, (page + 1,)),
            ):
                st.button(
                    label,
                    key=f"{label.lower()}_{self.name}",
                    shortcut=shortcut,
                    icon=f":material/{icon}:",
                    disabled=disabled,
                    on_click=callback,
                    args=args,
                )

    def checked(self, keys: Sequence[K]) -> list[K]:
        """Those whose box is ticked."""
        return [key for key in keys if st.session_state.get(self.box(key))]

    @property
    def _stack(self) -> list[Any]:
        return state.undo_stack(self.workspace.name, self.name)

    def _turn(self, page: int) -> None:
        st.session_state[self.page] = max(0, page)

    def _take(self, keys: Sequence[K], word: str, made: Mapping[K, Made | None]) -> None:
        try:
            access.who(Right.RESEARCH)
            self.decide(self.path, keys, word)
        except (DermTreeError, OSError) as error:
            state.say(f"**The decision was not kept.** {look.plain(str(error))}", failed=True)
            return
        self._stack.append((word, [(key, made[key]) for key in keys]))
        del self._stack[:-MAX_UNDO]
        for key in keys:
            st.session_state[self.box(key)] = False

    def _take_back(self) -> None:
        """Take back what this session decided last, unless somebody has decided otherwise since."""
        word, before = self._stack.pop()
        try:
            access.who(Right.RESEARCH)
            now = self.read(self.path)
            ours = [(key, old) for key, old in before if (made := now.get(key)) is not None and made.decision == word]
            self.withdraw(self.path, [key for key, old in ours if old is None])
            for key, old in ours:
                if old is not None:
                    self.decide(self.path, [key], old.decision, old.note)
        except (DermTreeError, OSError) as error:
            state.say(f"**Nothing was undone.** {look.plain(str(error))}", failed=True)
            return
        state.say(f"{words.plural(len(ours), 'decision')} taken back.")
