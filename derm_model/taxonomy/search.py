"""Find nodes by what a clinician types: exact, prefix, word, substring, and with small typing errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from derm_model.taxonomy.node import Node, fold

EXACT, PREFIX, WORD, SUBSTRING = range(4)
SIMILARITY = 0.75  # of difflib: two letters off in a word of eight; below that "nevus" begins to match "herpes"
LENGTH_DIFFERENCE = 3  # longer or shorter words cannot reach SIMILARITY in practice; skipping them keeps it fast


class NameIndex:
    """All names, synonyms and ids of a tree, folded for comparison."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._terms = [
            (fold(text), position, 0 if text is node.name else 1)
            for position, node in enumerate(nodes)
            for text in (node.name, *node.synonyms)
        ]
        self._terms += [(fold(node.id), position, 0) for position, node in enumerate(nodes)]
        self._ids = [node.id for node in nodes]
        self._exact = {term: position for term, position, _ in reversed(self._terms)}
        self._words = sorted({word for term, _, _ in self._terms for word in term.split()})

    def find(self, text: str) -> str | None:
        """Return the id of the node with exactly this name, synonym or id (folded); None when there is none."""
        key = fold(text)
        position = self._exact.get(key)
        return None if position is None else self._ids[position]

    def search(self, text: str, limit: int) -> list[str]:
        """Return at most `limit` ids, best first."""
        query = fold(text)
        if not query or limit < 1:
            return []
        ranked = self._rank(query)
        if not ranked:
            corrected = self._correct(query)
            ranked = self._rank(corrected) if corrected else []
        return [self._ids[position] for position in ranked[:limit]]

    def _rank(self, query: str) -> list[int]:
        """Positions that match; better kind first, then names before synonyms, short before long, tree order."""
        best: dict[int, tuple[int, int, int, int]] = {}
        first_word = query.split()[0]
        for term, position, is_synonym in self._terms:
            if first_word not in term:  # every kind of match contains it; this spares most terms the rest
                continue
            kind = _kind(query, term)
            if kind is None:
                continue
            key = (kind, is_synonym, len(term), position)
            if position not in best or key < best[position]:
                best[position] = key
        return sorted(best, key=best.__getitem__)

    def _correct(self, query: str) -> str | None:
        """Replace each word nobody uses by the most similar word; None when one has no counterpart."""
        corrected = []
        for word in query.split():
            if any(known.startswith(word) for known in self._words):
                corrected.append(word)
                continue
            candidates = [known for known in self._words if abs(len(known) - len(word)) <= LENGTH_DIFFERENCE]
            closest = get_close_matches(word, candidates, n=1, cutoff=SIMILARITY)
            if not closest:
                return None
            corrected.append(closest[0])
        return " ".join(corrected)


def _kind(query: str, term: str) -> int | None:
    """How well a folded term answers a folded query; None when it does not."""
    if term == query:
        return EXACT
    if term.startswith(query):
        return PREFIX
    if all(_starts_a_word(word, term) for word in query.split()):
        return WORD
    return SUBSTRING if query in term else None


def _starts_a_word(word: str, term: str) -> bool:
    return term.startswith(word) or f" {word}" in term


def closest_names(text: str, names: Iterable[str], n: int = 3) -> list[str]:
    """Return up to `n` names most similar to `text`, best first, for error messages."""
    by_key = {fold(name): name for name in names}
    return [by_key[key] for key in get_close_matches(fold(text), list(by_key), n=n, cutoff=0.4)]
