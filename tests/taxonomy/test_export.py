"""Any valid tree comes back from every export that can be read; what cannot be read back is understood by others."""

from __future__ import annotations

import json
import shutil
import subprocess
import warnings
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from derm_model.errors import TaxonomyError
from derm_model.taxonomy import Node, Taxonomy
from derm_model.taxonomy.export import (
    CONCEPT,
    SCHEME,
    from_json,
    to_csv,
    to_dot,
    to_json,
    to_skos,
)
from derm_model.taxonomy.reading import parse_taxonomy
from tests.taxonomy.trees import file_taxonomies, tree

ODD = Taxonomy(
    [
        Node("root", 'A "quoted" & <b>name</b>', None, ("semi;colon", "two\nlines"), "malignant", "C44", "A"),
        Node("back.slash", r"back\slash \N \l and $HOME", "root", ("Ménétrier", "汗管腫", "🙂x"), "benign"),
        Node("comma", "a, b\r\nand c", "root"),
        Node("a--b", "{braces} <>", "comma"),
    ]
)


@given(file_taxonomies())
def test_any_tree_comes_back_from_csv(taxonomy: Taxonomy) -> None:
    assert parse_taxonomy(to_csv(taxonomy).encode(), "tree.csv").nodes == taxonomy.nodes


@given(file_taxonomies())
def test_any_tree_comes_back_from_json(taxonomy: Taxonomy) -> None:
    again = from_json(to_json(taxonomy))
    assert (again.nodes, again.digest) == (taxonomy.nodes, taxonomy.digest)


@settings(max_examples=30)  # rdflib takes its time
@given(file_taxonomies(max_nodes=8))
def test_any_tree_comes_back_from_skos(taxonomy: Taxonomy) -> None:
    assert nodes_of_skos(to_skos(taxonomy)) == [without_order(node) for node in taxonomy.nodes]


def test_the_tree_that_ships_comes_back_from_skos(taxonomy: Taxonomy) -> None:
    assert nodes_of_skos(to_skos(taxonomy)) == [without_order(node) for node in taxonomy.nodes]


def without_order(node: Node) -> tuple[Any, ...]:
    """A node whose synonyms are a set: triples have no order."""
    return (node.id, node.name, node.parent, set(node.synonyms), node.malignancy_status, node.icd10, node.tier)


def nodes_of_skos(turtle: str) -> list[tuple[Any, ...]]:
    """Nodes of a SKOS file, read by rdflib, in the order of their positions."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of rdflib about its own parser
        from rdflib import RDF, SKOS, Graph, Namespace, URIRef

        graph = Graph().parse(data=turtle, format="turtle")
    derm = Namespace("urn:dermtree:term:")
    (scheme,) = graph.subjects(RDF.type, SKOS.ConceptScheme)
    assert str(scheme).startswith(SCHEME)

    def text(concept: URIRef, predicate: URIRef) -> str | None:
        found = graph.value(concept, predicate, any=False)
        return None if found is None else str(found)

    def node_id(concept: Any) -> str:
        return unquote(str(concept).removeprefix(CONCEPT))

    found = []
    for concept in graph.subjects(RDF.type, SKOS.Concept):
        above = graph.value(concept, SKOS.broader, any=False)
        assert (above is None) == ((concept, SKOS.topConceptOf, scheme) in graph)
        assert above is None or (above, SKOS.narrower, concept) in graph
        assert text(concept, SKOS.notation) == node_id(concept)
        values = (text(concept, term) for term in (derm.malignancyStatus, derm.icd10, derm.tier))
        synonyms = {str(label) for label in graph.objects(concept, SKOS.altLabel)}
        name = text(concept, SKOS.prefLabel)
        node = (node_id(concept), name, None if above is None else node_id(above), synonyms, *values)
        found.append((int(graph.value(concept, derm.position)), node))
    return [node for _, node in sorted(found, key=lambda item: item[0])]


@pytest.mark.parametrize(
    "change, part",
    [
        (lambda content: content.pop("nodes"), "no list of nodes"),
        (lambda content: content.update(version=2), "of version 1"),
        (lambda content: content["nodes"][0].pop("tier"), "node 1 of the file must have the fields"),
        (lambda content: content["nodes"][1].update(name=3), "a field of node 2"),
        (lambda content: content["nodes"][1].update(synonyms="x"), "a field of node 2"),
        (lambda content: content["nodes"][1].update(parent="nowhere"), "an orphan"),
        (lambda content: content["nodes"][1].update(name="Other"), "its digest"),
        (lambda content: content["nodes"][1].update(synonyms=["u|v"]), "holds '|'"),
        (lambda content: content["nodes"][1].update(id="a/b"), "letters a to z"),
    ],
)
def test_a_json_file_that_was_changed_is_refused(change: Any, part: str) -> None:
    content = json.loads(to_json(ODD))
    change(content)
    with pytest.raises(TaxonomyError) as caught:
        from_json(json.dumps(content))
    assert part in str(caught.value)


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TaxonomyError, match="no valid JSON"):
        from_json("id,parent")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_shows_every_name_as_it_is_and_every_edge() -> None:
    done = subprocess.run(["dot", "-Tsvg"], input=to_dot(ODD).encode(), capture_output=True, check=True, timeout=60)
    root = ElementTree.fromstring(done.stdout)
    groups = root.iter("{http://www.w3.org/2000/svg}g")
    shown: dict[str, list[str]] = {"node": [], "edge": []}
    for group in groups:
        kind = group.get("class")
        if kind in shown:
            texts = [element.text or "" for element in group.iter("{http://www.w3.org/2000/svg}text")]
            title = next(group.iter("{http://www.w3.org/2000/svg}title")).text or ""
            shown[kind].append("\n".join(texts) if kind == "node" else title)
    plain = [node.name.replace("\r\n", "\n") for node in ODD.nodes]
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in shown["node"]] == plain
    assert set(shown["edge"]) == {f"{node.parent}->{node.id}" for node in ODD.nodes if node.parent}


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@settings(max_examples=5)
@given(file_taxonomies(max_nodes=6))
def test_graphviz_parses_any_tree(taxonomy: Taxonomy) -> None:
    text = to_dot(taxonomy).encode()
    done = subprocess.run(["dot", "-Tdot_json"], input=text, capture_output=True, check=True, timeout=60)
    graph = json.loads(done.stdout)
    assert [entry["name"] for entry in graph["objects"]] == [node.id for node in taxonomy.nodes]
    assert len(graph.get("edges", [])) == len(taxonomy) - 1


def test_the_graph_of_a_tree_has_its_edges_and_colours() -> None:
    text = to_dot(tree())
    assert '"malignant" -> "melanoma";' in text
    assert text.count(" -> ") == len(tree()) - 2
