"""Two partitions side by side: which classes were split, merged, moved or lost."""

from __future__ import annotations

import streamlit as st

from derm_model import words
from derm_model.taxonomy import Partition, Taxonomy, TrainingClass
from derm_model.taxonomy.comparing import Change, Entry, PartitionChanges, compare_partitions
from pages.ui import resources
from pages.ui.components import trees
from pages.ui.resources import Model
from pages.ui.taxonomy import address, kept, keys
from pages.ui.taxonomy.counting import choose_counts
from pages.ui.taxonomy.lab import cut
from pages.ui.taxonomy.stepping import choose_cut

HEIGHT_PX = 520
SECOND = "_b"
NAMES_SHOWN = 12
SENTENCES = {Change.SAME: "same in both", Change.LOST: "in no class of B", Change.NEW: "in no class of A"}


def draw(model: Model | None) -> None:
    """Choose two, look at the difference."""
    left, right = st.columns(2, gap="large")
    tree = resources.taxonomy()
    with left, st.container(border=True, key="partition_a"):
        st.markdown("##### Partition A")
        counted_a = choose_counts(model)
        choose_cut()
        first = None if counted_a is None else cut(tree, counted_a, address.limit(), address.rule())
    with right, st.container(border=True, key="partition_b"):
        st.markdown("##### Partition B")
        counted_b = choose_counts(model, SECOND)
        choose_cut(SECOND)
        second = None if counted_b is None else cut(tree, counted_b, *_second())
    if first is None or second is None:
        return
    changes = compare_partitions(first, second)
    _draw_summary(first, second, changes)
    trees.changes(
        kept.tree_payload(tree),
        sides=[
            {
                "name": f"A: {words.plural(len(first.classes), 'class', 'classes')}",
                "classes": _side(tree, changes, before=True),
            },
            {
                "name": f"B: {words.plural(len(second.classes), 'class', 'classes')}",
                "classes": _side(tree, changes, before=False),
            },
        ],
        height_px=HEIGHT_PX,
        key="taxonomy_changes",
    )
    _draw_table(changes)


def _second() -> tuple[int, str]:
    return int(st.session_state[keys.TAXONOMY_LIMIT + SECOND]), str(st.session_state[keys.TAXONOMY_RULE + SECOND])


def _draw_summary(first: Partition, second: Partition, changes: PartitionChanges) -> None:
    if not changes.changed:
        st.markdown(f"**A and B are the same**: {words.plural(len(first.classes), 'class', 'classes')}.")
        return
    n = {change: len(changes.of(change)) for change in Change}
    told = [
        f"{words.plural(n[Change.SAME], 'class', 'classes')} the same",
        f"{words.count(n[Change.SPLIT])} of A split",
        f"{words.plural(n[Change.MERGED], 'merger')} into classes of B",
        f"{words.count(n[Change.MOVED])} at another node",
        f"{words.count(n[Change.LOST])} of A in no class of B",
        f"{words.count(n[Change.NEW])} of B in no class of A",
    ]
    st.markdown(
        f"**{words.plural(len(first.classes), 'class', 'classes')} in A, {words.count(len(second.classes))} in B.** "
        + "; ".join(told)
        + "."
    )


def _side(tree: Taxonomy, changes: PartitionChanges, *, before: bool) -> list[tuple[int, bool, int, str, str]]:
    return [
        (tree.index[c.node], c.residual, c.n_images, entry.change.value, _became(entry, before=before))
        for entry in changes.entries
        for c in (entry.before if before else entry.after)
    ]


def _became(entry: Entry, *, before: bool) -> str:
    """What a tooltip says of a class."""
    other = entry.after if before else entry.before
    where = "B" if before else "A"
    if entry.change in (Change.SPLIT, Change.MERGED, Change.MOVED):
        return f"{entry.change.value}; in {where}: {_names(other, 3)}"
    return SENTENCES[entry.change]


def _names(classes: tuple[TrainingClass, ...], limit: int) -> str:
    shown = "; ".join(c.name for c in classes[:limit])
    return shown + (f"; and {len(classes) - limit} more" if len(classes) > limit else "")


def _draw_table(changes: PartitionChanges) -> None:
    rows = [
        {
            "Change": entry.change.value,
            "In A": _names(entry.before, NAMES_SHOWN),
            "Images in A": sum(c.n_images for c in entry.before),
            "In B": _names(entry.after, NAMES_SHOWN),
            "Images in B": sum(c.n_images for c in entry.after),
        }
        for entry in sorted(changes.changed, key=lambda e: -sum(c.n_images for c in (*e.before, *e.after)))
    ]
    if rows:
        st.dataframe(rows, hide_index=True, alt="What became of each class of A in B, the largest first")
