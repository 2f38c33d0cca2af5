"""`readers`: what came of a reader study, on the command line: result, import of readings, export of everything."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from derm_model.commands.terminal import operator, say
from derm_model.errors import EvaluationError, RecordsError
from derm_model.words import BADGE

if TYPE_CHECKING:
    from derm_model.reader_result import Material, NetworkAnswers, StudyResult

EXAMPLE = f"""\
A study is named by its name or id. With --bundle the readers are compared with that model, which is asked about the
study's images once; its answers are kept. See docs/reader-studies.md.

example:
  python -m derm_model readers result "Autumn" --bundle assets/bundles/demo
  python -m derm_model readers import "Autumn" readings.csv
  python -m derm_model readers export "Autumn" --bundle assets/bundles/demo --out var/autumn

{BADGE}."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the options."""
    parser = subparsers.add_parser(
        "readers",
        help="result, import and export of a reader study",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, what: str) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
        action.add_argument("study", metavar="STUDY", help="name or id")
        return action

    for name, what in (
        ("result", "print what came of a study"),
        ("export", "write readings, readers, images and result, without the readers' codes"),
    ):
        action = add(name, what)
        action.add_argument("--bundle", metavar="DIR", type=Path, help="model to compare the readers with")
        action.add_argument("--group", help="only readers of this experience")
        action.add_argument("--threshold", help="name of the preset at which the network decides")
        action.add_argument("--interim", action="store_true", help="also of a study that is still open")
        if name == "export":
            action.add_argument(
                "--out", metavar="DIR", type=Path, required=True, help="folder, made where it is not there"
            )
    action = add("import", "add readings from a CSV file: all of them or none")
    action.add_argument("file", metavar="FILE", type=Path)


def run(args: argparse.Namespace) -> int:
    """Do what was asked for; 1 where rows of a file are wrong."""
    material = _read(args.study)
    if args.action == "import":
        return _import(material, args.file)
    if material.is_open and not args.interim:
        raise EvaluationError(
            "The study is still open. Whoever looks early finds differences where there are none, and may steer the "
            "readers who are left: close it first, or give --interim."
        )
    result = _result(material, args)
    if args.action == "export":
        return _export(material, result, args.out)
    if material.is_open:
        _note_look(material)
    return _print(result)


# the rooms are imported within: SQLAlchemy takes most of a second, and `--help` does not need it
def _read(named: str) -> Material:
    from derm_model.reader_result import collect
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.studies import list_studies
    from derm_model.taxonomy import read_taxonomy

    with reading(records_engine()) as session:
        studies = list_studies(session)
        found = next((study for study in studies if named in (study.name, study.study_id)), None)
        if found is None:
            there = ", ".join(f'"{study.name}"' for study in studies) or "none"
            raise RecordsError(f'There is no study "{named}". Studies: {there}.')
    return collect(found.study_id, read_taxonomy())


def _result(material: Material, args: argparse.Namespace) -> StudyResult:
    from derm_model.reader_result import study_result

    network = None if args.bundle is None else _network(material, args)
    # help can be judged by the answers that were shown, and by no other model's
    is_shown = network is not None and network.bundle_id == material.study.bundle_id
    shown = network if is_shown and material.study.settings.second_pass else None
    groups = material.groups
    if args.group is not None and args.group not in groups:
        raise EvaluationError(f"No reader has the experience {args.group!r}. There are: {', '.join(groups)}.")
    if network is not None and args.threshold not in (None, *(t.name for t in network.thresholds)):
        names = ", ".join(t.name for t in network.thresholds) or "none"
        raise EvaluationError(f"The network has no threshold {args.threshold!r} for this question. There are: {names}.")
    return study_result(material, network, shown, group=args.group, threshold=args.threshold)


def _network(material: Material, args: argparse.Namespace) -> NetworkAnswers:
    from derm_model.assessment.answers import Answers, read_answers, write_answers
    from derm_model.card import read_card
    from derm_model.reader_result.network import (
        about_answers,
        answers_folder,
        check_files,
        network_answers,
        records_of,
    )
    from derm_model.taxonomy import read_taxonomy

    card, taxonomy, images = read_card(args.bundle), read_taxonomy(), material.everything
    folder = answers_folder(card.bundle_id, images)
    if not folder.is_dir():
        from derm_model.net.answering import answer
        from derm_model.net.bundle import load_bundle

        check_files(images)
        said = answer(load_bundle(args.bundle, taxonomy), records_of(images), report=args.report)
        for record, reason in said.unreadable:
            say(f"{record.image_id}: {reason}")
        what = about_answers(material.study.name, card, args.bundle, images, len(said.records))
        write_answers(Answers(what, said.records, said.probs, said.features, said.unusual, said.distance))
    return network_answers(material, card, taxonomy, read_answers(folder), args.bundle)


def _note_look(material: Material) -> None:
    """Write into the audit log that somebody looked early, as the page does."""
    from derm_model.records import audit
    from derm_model.records.engine import records_engine, writing

    seen = {"done": "interim results seen"}
    with writing(records_engine()) as session:
        audit.append(session, audit.Action.STUDY, operator(), subjects=[material.study.study_id], details=seen)


def _print(result: StudyResult) -> int:
    from derm_model.reader_result.text import lines

    print("\n".join(lines(result)))
    return 0


def _export(material: Material, result: StudyResult, folder: Path) -> int:
    from derm_model.files import replaced
    from derm_model.reader_result.exports import FILES, export
    from derm_model.records import audit
    from derm_model.records.engine import records_engine, writing

    made = {name: export(material, result, name) for name in FILES}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with writing(records_engine()) as session:
            audit.append(
                session,
                audit.Action.EXPORT,
                operator(),
                subjects=[material.study.study_id],
                details={"file": "everything", "readings": len(material.readings)},
            )
            for name, content in made.items():
                with replaced(folder / name) as temporary:
                    temporary.write_bytes(content)
    except OSError as error:
        raise EvaluationError(f"The files could not be written to {folder} ({error.strerror}).") from error
    print(f"Written to {folder}: {', '.join(made)}. {BADGE}.")
    return 0


def _import(material: Material, file: Path) -> int:
    from derm_model.reader_result.incoming import look_through
    from derm_model.records.engine import records_engine, writing
    from derm_model.records.importing import import_readings

    try:
        content = file.read_bytes()
    except OSError as error:
        raise EvaluationError(f"{file} cannot be read ({error.strerror}).") from error
    found = look_through(content, material)
    if found.problems:
        print("\n".join((*found.problems, "Nothing was imported.")))
        return 1
    with writing(records_engine()) as session:
        n = import_readings(session, material.study.study_id, found.readings, operator())
    print(f"{n:,} readings of {len(found.readers)} readers imported.")
    return 0
