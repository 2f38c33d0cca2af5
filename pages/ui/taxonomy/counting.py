"""Which images are counted: published totals, what the chosen model learnt from, a workspace or a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from derm_model import words
from derm_model.access import Right
from derm_model.errors import DermTreeError
from derm_model.taxonomy.partition_files import counts_digest
from derm_model.taxonomy.published import CONTAINED, count_nodes, read_published
from pages.ui import access, look, state
from pages.ui.resources import Model
from pages.ui.taxonomy import kept, keys
from pages.ui.train import sources
from pages.ui.train.sources import Images

PUBLISHED, MODEL = "published", "model"
FIRST_SETS = ("Fitzpatrick17k", "ISIC 2019", "PAD-UFES-20")


@dataclass(frozen=True, eq=False)
class Counted:
    """Images per node.

    Attributes
    ----------
    words
        What was counted, for files and sentences.
    note
        What one should know of it.
    images
        The workspace or manifest, where it is one: a training can use it.
    """

    words: str
    by_node: Mapping[str, int]
    note: str
    images: Images | None = None

    @property
    def total(self) -> int:
        """All images."""
        return sum(self.by_node.values())

    @property
    def digest(self) -> str:
        """Of the counts."""
        return counts_digest(self.by_node)


def choose_counts(model: Model | None, suffix: str = "", label: str = "Images to count") -> Counted | None:
    """The choice of what is counted; None, with a reason on the page, where nothing can be.

    Parameters
    ----------
    suffix
        Of the widgets' keys: a page that compares two partitions has two choices.
    """
    options = {PUBLISHED: "Published totals of public data sets"}
    if model is not None:
        options[MODEL] = f"What {model.card.name} learnt from"
    collections = {images.path: images for images in sources.offered()} if access.may(Right.RESEARCH) else {}
    options |= {path: images.label for path, images in collections.items()}
    key = keys.TAXONOMY_COUNTS + suffix
    state.drop_unless(key, options)
    chosen = st.selectbox(label, list(options), format_func=options.__getitem__, key=key, persist_state="session")
    try:
        if chosen in collections:
            access.who(Right.RESEARCH)
            counted = _of_images(collections[chosen])
        elif chosen == MODEL and model is not None:
            counted = _of_model(model)
        else:
            counted = _published(suffix)
    except DermTreeError as error:
        st.error(f"**These images cannot be counted.** {look.plain(str(error))}", icon=":material/error:")
        return None
    if not counted.total:
        st.warning("**Nothing is counted.** Choose at least one data set with images.", icon=":material/info:")
        return None
    st.caption(
        f"{words.plural(counted.total, 'image')} at {words.plural(len(counted.by_node), 'node')}. {counted.note}"
    )
    return counted


def _of_images(images: Images) -> Counted:
    return Counted(images.label, kept.image_counts(images), "Images held out for tests are not counted.", images)


def _of_model(model: Model) -> Counted:
    found: dict[str, int] = {}
    for c in model.card.classes:
        found[c.node] = found.get(c.node, 0) + c.n_images
    return Counted(
        f"training images of {model.card.name}",
        found,
        "The card counts by training class: of a class that is a group, all images stand at the group here.",
    )


def _published(suffix: str) -> Counted:
    published = read_published()
    key = keys.TAXONOMY_SETS + suffix
    st.session_state.setdefault(key, [name for name in FIRST_SETS if name in published])
    chosen = st.pills(
        "Data sets",
        list(published),
        selection_mode="multi",
        format_func=lambda name: f"{name} · {words.count(sum(entry.n_images for entry in published[name]))}",
        key=key,
        wrap=True,
        persist_state="session",
        help="Label counts of the publishers' own tables, read through the crosswalk. No image is needed.",
    )
    mapped = count_nodes(chosen, published, kept.crosswalk())
    notes = ["Counted in the publishers' own tables."]
    if mapped.unmapped:
        n = sum(n_images for _, _, n_images in mapped.unmapped)
        notes.append(f"{words.plural(n, 'image')} left out: their labels stand for no node.")
    twice = [inner for inner, outer in CONTAINED.items() if inner in chosen and outer in chosen]
    notes += [f"{inner} is counted twice: its images are in {CONTAINED[inner]}, too." for inner in twice]
    return Counted("published totals of " + ", ".join(chosen), mapped.by_node, " ".join(notes))
