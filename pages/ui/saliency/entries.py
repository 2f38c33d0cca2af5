"""The methods as the page offers them: the paper's map first, and what each costs here. No Streamlit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from derm_model import words
from pages.ui.saliency.wish import Kind, Wish, target_of

if TYPE_CHECKING:
    from collections.abc import Hashable

    from derm_model.net.saliency import Of, Target
    from derm_model.net.saliency.method import Cost, Method, Settings
    from pages.ui.resources import Model

PAPER = "gradient"
PAPER_NAME = "Loss gradient, L1"
PAPER_BADGE = "the paper's map"
PAPER_METHOD = "the paper's method"  # of a question or a difference, which the paper did not explain
PAPER_SOURCE = "Esteva et al., Dermatologist-level classification of skin cancer, 2017"
SCORE = "score_gradient"
SCORE_SOURCE = "Simonyan et al., Deep inside convolutional networks, 2013"


@dataclass(frozen=True)
class Entry:
    """A method to choose; `of` where it is always of the loss or of the probability."""

    id: str
    name: str
    paper: str
    method: Method
    of: Of | None = None

    @property
    def is_paper(self) -> bool:
        """Whether it is the map of Esteva et al. 2017."""
        return self.id == PAPER

    @property
    def badge(self) -> str:
        """What stands beside its name."""
        return PAPER_BADGE if self.is_paper else ""

    @property
    def label(self) -> str:
        """Its name with that."""
        return f"{self.name} ({self.badge})" if self.badge else self.name

    def badge_of(self, wish: Wish) -> str:
        """The same beside a map of this; a question or a difference is no loss of a class."""
        return PAPER_METHOD if self.badge and wish.kind in (Kind.QUESTION, Kind.DIFFERENCE) else self.badge

    def target(self, wish: Wish, model: Model) -> Target:
        """What it explains.

        Raises
        ------
        DermTreeError
            The choice is not complete, or the model cannot tell it.
        """
        return target_of(wish, model, self.of or ("score" if wish.of == "score" else "loss"))


def entries() -> dict[str, Entry]:
    """All, the paper's first; imports torch, so only once an engine is there."""
    from derm_model.net.saliency.methods import METHODS

    found = {}
    for method in METHODS.values():
        if method.id == PAPER:
            found[PAPER] = Entry(PAPER, PAPER_NAME, PAPER_SOURCE, method, "loss")
            found[SCORE] = Entry(SCORE, "Probability gradient, L1", SCORE_SOURCE, method, "score")
        else:
            found[method.id] = Entry(method.id, method.name, method.paper, method)
    return found


def read_by(chosen: Sequence[Entry]) -> tuple[str, ...]:
    """Settings that any of them reads, in the order of `Settings`."""
    from dataclasses import fields

    from derm_model.net.saliency.method import Settings

    wanted = {name for entry in chosen for name in entry.method.settings}
    return tuple(field.name for field in fields(Settings) if field.name in wanted)


def map_key(bundle_id: str, digest: str, entry: Entry, target: Target, settings: Settings) -> Hashable:
    """What a map depends on, and nothing else."""
    read = tuple((name, getattr(settings, name)) for name in entry.method.settings)
    return ("map", bundle_id, digest, entry.id, target, read)


def settings_in_words(entry: Entry, settings: Settings) -> str:
    """``samples 16, noise 0.15``; "" where it reads none."""
    read = ((name.removesuffix("_px"), getattr(settings, name)) for name in entry.method.settings)
    return ", ".join(f"{name} {'last' if value is None else value}" for name, value in read)


def cost_in_words(cost: Cost) -> str:
    """``16 forward and backward passes``."""
    parts = []
    if cost.backward:
        parts.append(words.plural(cost.backward, "forward and backward pass", "forward and backward passes"))
    if cost.forward:
        parts.append(words.plural(cost.forward, "forward pass", "forward passes"))
    return " + ".join(parts) or "no pass"


def duration(of: float | None) -> str:
    """``about 3 s``; "" where it is not known."""
    if of is None:
        return ""
    if of < 1:
        return "less than 1 s"
    return f"about {of:.0f} s" if of < 90 else f"about {of / 60:.0f} min"
