"""A taxonomy as CSV, JSON, SKOS (Turtle) and Graphviz DOT. The first three keep everything a tree holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from derm_model.errors import TaxonomyError
from derm_model.taxonomy.node import Node
from derm_model.taxonomy.problems import check_problems, file_problems
from derm_model.taxonomy.reading import REQUIRED_COLUMNS, parse_taxonomy
from derm_model.taxonomy.tree import Taxonomy

JSON_FORMAT = "dermtree-taxonomy"
JSON_VERSION = 1
JSON_FIELDS = {*REQUIRED_COLUMNS}

# Names of our own: `urn:` needs no owner of a domain and no reader can mistake them for an address to load.
CONCEPT, SCHEME, TERMS = "urn:dermtree:node:", "urn:dermtree:taxonomy:", "urn:dermtree:term:"
SKOS_TERMS = "http://www.w3.org/2004/02/skos/core#"

# Figure 2a of the paper: malignant red, benign green, either orange, melanoma black; here with the words beside them
DOT_COLOURS: Mapping[str | None, str] = {
    "malignant": "#c0392b",
    "premalignant": "#e67e73",
    "indeterminate": "#8e6bb0",
    "benign": "#2e8b57",
    "non-neoplastic": "#d98e04",
    None: "#7f8c8d",
}


def to_csv(taxonomy: Taxonomy) -> str:
    """Return the table that `read_taxonomy` reads, nodes depth-first."""
    lines = [",".join(REQUIRED_COLUMNS)]
    for node in taxonomy.nodes:
        fields = {**asdict(node), "synonyms": "|".join(node.synonyms)}
        lines.append(",".join(_cell(fields[column] or "") for column in REQUIRED_COLUMNS))
    return "\n".join(lines) + "\n"


def to_json(taxonomy: Taxonomy) -> str:
    """Return the tree as JSON text with its digest; `from_json` reads it back."""
    content = {
        "format": JSON_FORMAT,
        "version": JSON_VERSION,
        "digest": taxonomy.digest,
        "nodes": [asdict(node) for node in taxonomy.nodes],
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str, source: str = "the file") -> Taxonomy:
    """Read what `to_json` wrote.

    Raises
    ------
    TaxonomyError
        The text is no such JSON, a node lacks a field or has one too many, a rule of the tree is broken, or the digest
        is not that of the nodes.
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TaxonomyError(f"{source} is no valid JSON ({error}); export the taxonomy again") from error
    if not isinstance(content, dict) or content.get("format") != JSON_FORMAT or content.get("version") != JSON_VERSION:
        raise TaxonomyError(f"{source} is no {JSON_FORMAT} of version {JSON_VERSION}; export the taxonomy again")
    entries = content.get("nodes")
    if not isinstance(entries, list):
        raise TaxonomyError(f"{source} has no list of nodes; export the taxonomy again")
    nodes = [_node(entry, number, source) for number, entry in enumerate(entries, start=1)]
    check_problems(file_problems(nodes, range(1, len(nodes) + 1)), source)
    taxonomy = Taxonomy(nodes, source=source)
    if parse_taxonomy(to_csv(taxonomy).encode(), source).nodes != taxonomy.nodes:
        raise TaxonomyError(f"a name or synonym of {source} has spaces around it, or a synonym holds '|'; mend it")
    if content.get("digest") != taxonomy.digest:
        raise TaxonomyError(f"the nodes of {source} are not those its digest was made of; export the taxonomy again")
    return taxonomy


def to_skos(taxonomy: Taxonomy, title: str = "Skin diseases") -> str:
    """Return the tree as a SKOS concept scheme in Turtle.

    Concepts are ``urn:dermtree:node:ID``; ``derm:position`` keeps the order, which a set of triples has not, and
    ``derm:malignancyStatus``, ``derm:icd10`` and ``derm:tier`` what SKOS has no word for.
    """
    scheme = f"<{SCHEME}{taxonomy.digest}>"
    lines = [
        f"@prefix skos: <{SKOS_TERMS}> .",
        f"@prefix derm: <{TERMS}> .",
        "",
        f"{scheme} a skos:ConceptScheme ;",
        f"    skos:prefLabel {_turtle(title)} ;",
        f"    skos:hasTopConcept {', '.join(_concept(root) for root in taxonomy.children(None))} .",
    ]
    for position, node in enumerate(taxonomy.nodes):
        lines += ["", f"{_concept(node.id)} a skos:Concept ;"]
        statements = list(_statements(taxonomy, node, position, scheme))
        lines += [f"    {statement} ;" for statement in statements[:-1]] + [f"    {statements[-1]} ."]
    return "\n".join(lines) + "\n"


def to_dot(taxonomy: Taxonomy) -> str:
    """Return the tree as a Graphviz graph, drawn from left to right, coloured by malignancy status."""
    lines = [
        "digraph taxonomy {",
        '  graph [rankdir=LR, charset="UTF-8"];',
        '  node [shape=box, style=rounded, fontname="Helvetica"];',
    ]
    for node in taxonomy.nodes:
        colour = DOT_COLOURS[node.malignancy_status]
        tooltip = node.malignancy_status or "differs below"
        lines.append(f'  {_dot(node.id)} [label={_dot(node.name)}, color="{colour}", tooltip="{tooltip}"];')
    lines += [f"  {_dot(node.parent)} -> {_dot(node.id)};" for node in taxonomy.nodes if node.parent is not None]
    return "\n".join([*lines, "}"]) + "\n"


# name on the command line -> writer
FORMATS: Mapping[str, Callable[[Taxonomy], str]] = {"csv": to_csv, "json": to_json, "skos": to_skos, "dot": to_dot}


def _node(entry: Any, number: int, source: str) -> Node:
    if not isinstance(entry, dict) or set(entry) != JSON_FIELDS:
        raise TaxonomyError(f"node {number} of {source} must have the fields {', '.join(REQUIRED_COLUMNS)}")
    synonyms = entry["synonyms"]
    texts = [entry["id"], entry["name"], *(synonyms if isinstance(synonyms, list) else [None])]
    optional = [entry[field] for field in ("parent", "malignancy_status", "icd10", "tier")]
    if not all(isinstance(text, str) for text in texts) or not all(o is None or isinstance(o, str) for o in optional):
        raise TaxonomyError(f"a field of node {number} of {source} is no text; export the taxonomy again")
    return Node(**{**entry, "synonyms": tuple(synonyms)})


def _statements(taxonomy: Taxonomy, node: Node, position: int, scheme: str) -> Iterator[str]:
    yield f"skos:inScheme {scheme}"
    yield f"skos:notation {_turtle(node.id)}"
    yield f"skos:prefLabel {_turtle(node.name)}"
    if node.synonyms:
        yield f"skos:altLabel {', '.join(map(_turtle, node.synonyms))}"
    yield f"skos:topConceptOf {scheme}" if node.parent is None else f"skos:broader {_concept(node.parent)}"
    children = taxonomy.children(node.id)
    if children:
        yield f"skos:narrower {', '.join(map(_concept, children))}"
    for term, value in (("malignancyStatus", node.malignancy_status), ("icd10", node.icd10), ("tier", node.tier)):
        if value is not None:
            yield f"derm:{term} {_turtle(value)}"
    yield f"derm:position {position}"


def _concept(node_id: str) -> str:
    return f"<{CONCEPT}{quote(node_id, safe='')}>"


def _turtle(text: str) -> str:
    """A Turtle string; quotes, backslashes and what a line cannot hold are written as code points."""
    return '"' + re.sub(r'["\\\x00-\x1f\x7f-\x9f]', lambda found: f"\\u{ord(found[0]):04X}", text) + '"'


def _cell(text: str) -> str:
    """A cell of a table; csv.writer of Python 3.11 leaves a lone carriage return unquoted, which ends the row."""
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n]', text) else text


def _dot(text: str) -> str:
    """A quoted DOT string that is shown as it is: no escapes, no line breaks, no entities."""
    shown = text.replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;")
    return '"' + re.sub(r"\r\n|\r|\n", r"\\n", shown) + '"'
