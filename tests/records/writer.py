"""A process that writes to the records until it is done or killed; says on standard output what is committed."""

from __future__ import annotations

import sys

from sqlalchemy import Engine, make_url

from derm_model.errors import AlreadyAnswered
from derm_model.home import home
from derm_model.records.audit import Action, append
from derm_model.records.deleting import delete_case
from derm_model.records.engine import new_engine, reading, writing
from derm_model.records.image_store import ImageStore
from derm_model.records.reader_view import reader_state
from derm_model.records.readings import record_reading
from derm_model.records.saving import save_visit
from tests.records.material import lesion, visit


def main(what: str, url: str, *arguments: str) -> None:
    engine = new_engine(make_url(url))
    print("ready", flush=True)
    sys.stdin.readline()  # so that two processes begin together
    if what == "audit":
        for _ in range(int(arguments[0])):
            with writing(engine) as session:
                append(session, Action.OPEN, arguments[1])
    elif what == "read":
        read(engine, arguments[0])
    elif what == "die":
        with writing(engine) as session:
            record_reading(session, arguments[0], int(arguments[1]), "biopsy", seconds=1.0)
            print("flushed", flush=True)
            sys.stdin.readline()  # killed here, before the commit
    elif what == "cases":
        store = ImageStore(home() / "images")
        for number in range(int(arguments[0])):
            # always the same two images, so that every delete races with somebody else's save
            saved = save_visit(engine, store, lesion(arguments[1], f"L{number}"), visit(1, 2), "dr")
            if number % 2:
                delete_case(engine, store, saved.case_id, "dr")


def read(engine: Engine, person: str) -> None:
    while True:
        with reading(engine) as session:
            state = reader_state(session, person)
        if state.next is None:
            return
        try:
            with writing(engine) as session:
                record_reading(session, person, state.next.position, "biopsy", seconds=1.0, with_ai=state.with_ai)
        except AlreadyAnswered:
            print("taken", flush=True)
        else:
            print(state.next.position, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
