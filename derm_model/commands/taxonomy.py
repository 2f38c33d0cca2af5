"""`taxonomy`: check, show, search, compare and export a taxonomy; move a model bundle to an edited one."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from derm_model.commands.terminal import operator
from derm_model.errors import TaxonomyError
from derm_model.taxonomy import Taxonomy, read_crosswalk, read_taxonomy
from derm_model.taxonomy.difference import compare_taxonomies
from derm_model.taxonomy.export import FORMATS, from_json
from derm_model.taxonomy.reading import check_file
from derm_model.taxonomy.search import closest_names, search

EXAMPLE = """\
A taxonomy is a CSV file (docs/taxonomy.md), a JSON file that `export` wrote, or the digest (12 digits or more) of one
that is stored in $DERM_HOME. Without one, the taxonomy that ships is meant. `check` ends with code 1 when it finds
something.

example:
  python -m derm_model taxonomy check my-tree.csv --roots 3
  python -m derm_model taxonomy show melanoma --bundle assets/bundles/demo
  python -m derm_model taxonomy search "seborheic keratosis"
  python -m derm_model taxonomy diff old.csv new.csv
  python -m derm_model taxonomy export --format skos > skin.ttl
  python -m derm_model taxonomy move var/bundles/mine --from old.csv
"""
MAX_LABELS = 12  # a node page on a terminal; the crosswalk file has all


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to a command line."""
    parser = subparsers.add_parser(
        "taxonomy",
        help="check, show, search, compare and export a taxonomy",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, what: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")

    check = add("check", "list everything that is wrong with a file, with rows")
    check.add_argument("file", type=Path, nargs="?", metavar="CSV", help="default: the taxonomy that ships")
    check.add_argument("--roots", type=int, metavar="N", help="number of roots it is meant to have")
    check.add_argument("--editorial", action="store_true", help="also list what an editor should look at")
    show = add("show", "show a node: path, synonyms, codes, labels of data sets, children")
    show.add_argument("node", metavar="NODE", help="id, name or synonym")
    show.add_argument("--bundle", type=Path, metavar="DIR", help="also say which training class covers the node")
    find = add("search", "find nodes by name or synonym; typing errors are forgiven")
    find.add_argument("text", nargs="+", metavar="TEXT")
    find.add_argument("--limit", type=int, default=10, metavar="N", help="most results (default 10)")
    diff = add("diff", "list what changed from one taxonomy to another")
    diff.add_argument("old", metavar="OLD")
    diff.add_argument("new", metavar="NEW", nargs="?", help="default: the taxonomy that ships")
    diff.add_argument("--format", choices=("text", "csv", "json"), default="text")
    export = add("export", "write a taxonomy in another format")
    export.add_argument("--format", choices=tuple(FORMATS), required=True)
    export.add_argument("--out", type=Path, metavar="FILE", help="default: standard output")
    for action in (show, find, export):
        action.add_argument("--taxonomy", metavar="TREE", help="default: the taxonomy that ships")
    move = add("move", "move a bundle to another taxonomy, where its classes survive")
    move.add_argument("bundle", type=Path, metavar="DIR")
    move.add_argument("--from", dest="old", metavar="TREE", help="the one it was made for (default: by its digest)")
    move.add_argument("--to", dest="new", metavar="TREE", help="default: the taxonomy that ships")
    move.add_argument("--dry-run", action="store_true", help="only say whether it would be moved")


def run(args: argparse.Namespace) -> int:
    """Do what was asked for."""
    actions: dict[str, Callable[[argparse.Namespace], int]] = {
        "check": _check,
        "show": _show,
        "search": _search,
        "diff": _diff,
        "export": _export,
        "move": _move,
    }
    return actions[args.action](args)


def open_taxonomy(text: str | None) -> Taxonomy:
    """Taxonomy that a person named: a CSV or JSON file, a stored digest, or None for the one that ships."""
    if text is None:
        return read_taxonomy()
    path = Path(text)
    if path.is_file():
        if path.suffix.lower() == ".json":
            try:
                text = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise TaxonomyError(f"{path} cannot be read as UTF-8 text ({error}); check the file") from error
            return from_json(text, path.name)
        return read_taxonomy(path)
    from derm_model.taxonomy.store import load_taxonomy

    if all(letter in "0123456789abcdef" for letter in text):
        return load_taxonomy(text)
    raise TaxonomyError(f"{text} is neither a file nor the digest of a stored taxonomy; check the path")


def _check(args: argparse.Namespace) -> int:
    from derm_model.taxonomy.reading import ASSETS

    path = args.file or ASSETS / "taxonomy.csv"
    problems = check_file(path, args.roots)
    for problem in problems:
        print(problem)
    if problems:
        print(f"{path.name}: {_count(len(problems), 'problem')}", file=sys.stderr)
        return 1
    taxonomy = read_taxonomy(path)
    print(
        f"{path.name} can be read: {_count(len(taxonomy), 'node')}, {_count(len(taxonomy.children(None)), 'root')}, "
        f"{_count(len(taxonomy.leaves()), 'disease')}, digest {taxonomy.digest}"
    )
    return _print_editorial(taxonomy) if args.editorial else 0


def _print_editorial(taxonomy: Taxonomy) -> int:
    from derm_model.taxonomy.editorial import find_editorial, judgements

    judged = judgements()
    found = find_editorial(taxonomy)
    for finding in found:
        judgement = judged.get(finding.key)
        print(finding if judgement is None else f"{finding} (kept: {judgement})")
    n_open = sum(finding.key not in judged for finding in found)
    print(f"{_count(len(found), 'finding')}, {n_open} not judged yet")
    return 1 if n_open else 0


def _show(args: argparse.Namespace) -> int:
    taxonomy = open_taxonomy(args.taxonomy)
    print("\n".join(node_lines(taxonomy, find_node(taxonomy, args.node), args.bundle)))
    return 0


def find_node(taxonomy: Taxonomy, text: str) -> str:
    """Id of a node by id, name or synonym; TaxonomyError names the nearest."""
    node = taxonomy.find(text)
    if node is None:
        near = [match.node for match in search(taxonomy, text, 3)] or closest_names(text, taxonomy.index)
        raise TaxonomyError(f"the taxonomy has no node {text!r}; the nearest are {', '.join(near) or 'none'}")
    return node


def node_lines(taxonomy: Taxonomy, node_id: str, bundle: Path | None) -> Iterator[str]:
    """Yield what is known of a node, a line each."""
    node = taxonomy.node(node_id)
    yield f"{node.name} ({node_id})"
    yield f"path: {' > '.join(taxonomy.path(node_id))}"
    yield f"synonyms: {'; '.join(node.synonyms) or 'none'}"
    yield f"malignancy status: {node.malignancy_status or 'differs below'}"
    yield f"ICD-10 (a hint, do not code with it): {node.icd10 or 'none'}"
    yield f"evidence tier: {node.tier or 'none'}"
    if taxonomy.digest == read_taxonomy().digest:  # the crosswalk's ids may mean other diseases in another tree
        labels = [f"{dataset} {label!r}" for dataset, label in read_crosswalk(taxonomy).labels_of(node_id)]
        more = f" and {len(labels) - MAX_LABELS} more" if len(labels) > MAX_LABELS else ""
        yield f"labels of data sets: {', '.join(labels[:MAX_LABELS]) or 'none'}{more}"
    if bundle is not None:
        yield f"training class of {bundle.name}: {_covering(taxonomy, node_id, bundle)}"
    children = taxonomy.children(node_id)
    if children:
        yield f"{_count(len(taxonomy.leaves(node_id)), 'disease')} below it:"
    for child in children:
        size = "" if taxonomy.is_leaf(child) else f", {_count(len(taxonomy.leaves(child)), 'disease')}"
        yield f"  {taxonomy.node(child).name} ({child}){size}"


def _covering(taxonomy: Taxonomy, node_id: str, bundle: Path) -> str:
    from derm_model.card import read_card
    from derm_model.taxonomy import Aggregator

    card = read_card(bundle)
    if card.taxonomy_digest != taxonomy.digest:
        raise TaxonomyError(f"{bundle} was made for another taxonomy ({card.taxonomy_digest[:12]}); move it first")
    aggregator = Aggregator(taxonomy, card.classes)
    within = aggregator.class_indices(node_id)
    if within:
        return ", ".join(card.classes[index].name for index in within)
    covering = aggregator.covering_class(node_id)
    if covering is not None:
        return f"{card.classes[covering].name}, which is coarser: not resolved by this model"
    return "none: not resolved by this model"


def _search(args: argparse.Namespace) -> int:
    taxonomy = open_taxonomy(args.taxonomy)
    matches = search(taxonomy, " ".join(args.text), args.limit)
    for match in matches:
        print(f"{match.node}\t{' > '.join(taxonomy.path(match.node))}\t{match.text} ({match.why})")
    if not matches:
        print("Nothing like it in the taxonomy. Try another spelling or a broader name.", file=sys.stderr)
    return 0 if matches else 1


def _diff(args: argparse.Namespace) -> int:
    difference = compare_taxonomies(open_taxonomy(args.old), open_taxonomy(args.new))
    if args.format == "json":
        print(json.dumps(difference.to_json(), indent=1, ensure_ascii=False))
    else:
        print(difference.to_csv() if args.format == "csv" else difference.to_text(), end="")
    return 0


def _export(args: argparse.Namespace) -> int:
    text = FORMATS[args.format](open_taxonomy(args.taxonomy))
    if args.out is None:
        print(text, end="")
        return 0
    from derm_model.files import replaced

    with replaced(args.out) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
    print(f"Wrote {args.out}", file=sys.stderr)
    return 0


def _move(args: argparse.Namespace) -> int:
    from derm_model.bundle_move import move_bundle, plan_move
    from derm_model.card import read_card

    card = read_card(args.bundle)
    old, new = open_taxonomy(args.old or card.taxonomy_digest), open_taxonomy(args.new)
    move = plan_move(card, old, new)
    if not move.is_possible:
        print(move.refusal, file=sys.stderr)
        return 1
    if args.dry_run:
        print(f"All {_count(len(card.classes), 'class', 'classes')} of {card.name} survive in {new.digest[:12]}.")
        return 0
    if old.digest == new.digest:
        print(f"{args.bundle} is of {new.digest[:12]} already; nothing was written.")
        return 0
    move_bundle(args.bundle, old, new, operator())
    print(f"Moved {args.bundle} from {old.digest[:12]} to {new.digest[:12]}; its weights are unchanged.")
    return 0


def _count(n: int, one: str, several: str | None = None) -> str:
    return f"{n:,} {one if n == 1 else several or one + 's'}"
