"""Find nodes by what a clinician types: exact, prefix, word, part, and with small typing errors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from derm_model.taxonomy.abbreviations import ABBREVIATIONS, plain
from derm_model.taxonomy.node import Node, fold

if TYPE_CHECKING:
    from derm_model.taxonomy.tree import Taxonomy

KINDS = ("exact", "prefix", "word", "part", "similar")  # best first
EXACT, PREFIX, WORD, PART = range(4)
LETTERS_PER_ERROR = 4  # a word of 4 to 7 letters may hold one typing error, of 8 to 11 two, of 12 or more three
MOST_ERRORS = 3
RUN_TOGETHER = 80.0  # of 100: for words written without the space between them, which no word can be compared with
NAME, SYNONYM, ID = range(3)
SOURCES = ("name", "synonym", "id")


@dataclass(frozen=True)
class Match:
    """A node that answers a search, and why.

    Attributes
    ----------
    node : str
        Its id.
    text : str
        The name, synonym or id that answers, as the file writes it.
    source : str
        "name", "synonym", "id" or "abbreviation": what `text` is.
    kind : str
        One of `KINDS`: `text` is what was typed, begins with it, has words that begin with its words, contains it, or
        is spelt almost so.
    """

    node: str
    text: str
    source: str
    kind: str

    @property
    def why(self) -> str:
        """Reason in words for people, e.g. "synonym, spelt almost so"."""
        how = {
            "exact": "exactly",
            "prefix": "begins with it",
            "word": "has words that begin so",
            "part": "contains it",
            "similar": "spelt almost so",
        }
        return f"{self.source}, {how[self.kind]}"


def search(taxonomy: Taxonomy, text: str, limit: int = 20) -> tuple[Match, ...]:
    """Nodes with a name or synonym like `text`, best first, each once.

    Parameters
    ----------
    taxonomy : Taxonomy
    text : str
        Case, accents, punctuation and spacing do not count. Typing errors are forgiven where nothing else answers.
    limit : int
        Most matches returned.

    Returns
    -------
    tuple of Match
        By kind as in `KINDS`; then names before synonyms, short before long, tree order.
    """
    return taxonomy.names.matches(text, limit)


class NameIndex:
    """All names, synonyms and ids of a tree, folded for comparison."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        written = [
            (text, position, NAME if place == 0 else SYNONYM)
            for position, node in enumerate(nodes)
            for place, text in enumerate((node.name, *node.synonyms))
        ]
        written += [(node.id, position, ID) for position, node in enumerate(nodes)]
        self._written = [text for text, _, _ in written]
        self._terms = [(plain(text), position, source) for text, position, source in written]
        self._ids = [node.id for node in nodes]
        self._exact = {fold(text): position for text, position, _ in reversed(written)}
        self._places: dict[str, list[int]] = {}
        for place, (term, _, _) in enumerate(self._terms):
            for word in dict.fromkeys(term.split()):
                self._places.setdefault(word, []).append(place)

    def find(self, text: str) -> str | None:
        """Return the id of the node with exactly this name, synonym or id (folded); None when there is none."""
        key = fold(text)
        position = self._exact.get(key) if key else None  # a synonym may be a dash
        return None if position is None else self._ids[position]

    def search(self, text: str, limit: int) -> list[str]:
        """Return at most `limit` ids, best first."""
        return [match.node for match in self.matches(text, limit)]

    def matches(self, text: str, limit: int) -> tuple[Match, ...]:
        """Return at most `limit` matches, best first."""
        query = plain(text)
        if not query or limit < 1:
            return ()
        found = self._literal(query) or self._similar(query) or self._run_together(query)
        best = self._best(found)
        ordered = [self._match(position, *best[position]) for position in sorted(best, key=best.__getitem__)]
        meant = self.find(ABBREVIATIONS.get(query, ""))
        if meant is not None and not (ordered and ordered[0].kind == "exact"):
            ordered = [
                Match(meant, text.strip(), "abbreviation", "exact"),
                *(match for match in ordered if match.node != meant),
            ]
        return tuple(ordered[:limit])

    def _literal(self, query: str) -> list[tuple[int, int]]:
        """(kind, place among the terms) of every term that answers as it is written."""
        words = query.split()
        found = []
        for place, (term, _, _) in enumerate(self._terms):
            if words[0] not in term:  # every kind of match contains it; this spares most terms the rest
                continue
            kind = _kind(query, words, term)
            if kind is not None:
                found.append((kind, place))
        return found

    def _similar(self, query: str) -> list[tuple[int, int]]:
        """(kind, place) of terms that answer once typing errors are forgiven; the more errors, the higher the kind."""
        errors: Mapping[int, int] | None = None
        for word in query.split():
            of_word: dict[int, int] = {}
            for known, n_errors in self._spellings(word).items():
                for place in self._places[known]:
                    of_word[place] = min(n_errors, of_word.get(place, n_errors))
            if errors is None:
                errors = of_word
            else:
                errors = {place: errors[place] + n for place, n in of_word.items() if place in errors}
        return [(PART + max(n_errors, 1), place) for place, n_errors in (errors or {}).items()]

    def _spellings(self, word: str) -> dict[str, int]:
        """Words of the tree that `word` may have been meant to be or to begin, and how far off it then is.

        Twice the typing errors, and one more for a word that was only begun.
        """
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        begun = {known: 0 for known in self._places if known.startswith(word)}
        if begun:
            return begun
        allowed = min(MOST_ERRORS, len(word) // LETTERS_PER_ERROR)
        if not allowed:
            return {}
        known_words = list(self._places)
        found: dict[str, int] = {}
        for length in (None, len(word) - 1, len(word), len(word) + 1):  # the whole word, or the beginning typed so far
            choices = known_words if length is None else [known[:length] for known in known_words]
            hits = process.extract(word, choices, scorer=OSA.distance, score_cutoff=allowed, limit=None)
            for _, n_errors, index in hits:
                known = known_words[index]
                if known[0] == word[0] or n_errors < allowed:  # the first letter is seldom wrong
                    distance = 2 * int(n_errors) + (length is not None)
                    found[known] = min(distance, found.get(known, distance))
        return found

    def _run_together(self, query: str) -> list[tuple[int, int]]:
        from rapidfuzz import fuzz, process

        if len(query) < 2 * LETTERS_PER_ERROR:
            return []
        choices = [term.replace(" ", "") for term, _, _ in self._terms]
        hits = process.extract(
            query.replace(" ", ""), choices, scorer=fuzz.ratio, score_cutoff=RUN_TOGETHER, limit=None
        )
        return [(PART + 1 + round(100 - score), place) for _, score, place in hits]

    def _best(self, found: Iterable[tuple[int, int]]) -> dict[int, tuple[tuple[int, ...], int]]:
        """The best rank of each node, and the term that has it."""
        best: dict[int, tuple[tuple[int, ...], int]] = {}
        for kind, place in found:
            term, position, source = self._terms[place]
            # an id says what the name says; it must not put a node before others of the same kind
            rank = (kind, int(source == SYNONYM), len(term), position, source)
            if position not in best or rank < best[position][0]:
                best[position] = (rank, place)
        return best

    def _match(self, position: int, rank: tuple[int, ...], place: int) -> Match:
        kind = KINDS[min(rank[0], len(KINDS) - 1)]
        return Match(self._ids[position], self._written[place], SOURCES[self._terms[place][2]], kind)


def _kind(query: str, words: Sequence[str], term: str) -> int | None:
    """How well a folded term answers a folded query; None when it does not."""
    if term == query:
        return EXACT
    if term.startswith(query):
        return PREFIX
    if all(_starts_a_word(word, term) for word in words):
        return WORD
    return PART if query in term else None


def _starts_a_word(word: str, term: str) -> bool:
    return term.startswith(word) or f" {word}" in term


def closest_names(text: str, names: Iterable[str], n: int = 3) -> list[str]:
    """Return up to `n` names most similar to `text`, best first, for error messages."""
    by_key = {fold(name): name for name in names}
    return [by_key[key] for key in get_close_matches(fold(text), list(by_key), n=n, cutoff=0.4)]
