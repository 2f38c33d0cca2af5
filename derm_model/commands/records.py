"""`records`: care for the database of cases and reader studies: schema, audit log, retention, backup."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from derm_model.commands.terminal import operator
from derm_model.errors import RecordsError

EXAMPLE = """\
The database is records.db in $DERM_HOME, or the PostgreSQL database that DERM_DATABASE_URL names. See docs/records.md.
`check` and `verify-audit` end with code 1 when they find something.

example:
  python -m derm_model records check
  python -m derm_model records verify-audit
  python -m derm_model records purge --days 730 --dry-run
  python -m derm_model records backup --to backups/2027-01-31
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to a command line."""
    parser = subparsers.add_parser(
        "records",
        help="care for the database of cases and reader studies",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, what: str) -> argparse.ArgumentParser:
        return actions.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")

    add("upgrade", "bring the schema up to date; back up first")
    check = add("check", "look for damage: schema, database, missing and needless files")
    check.add_argument("--read-images", action="store_true", help="also read and decrypt every image")
    verify = add("verify-audit", "verify the hash chain of the audit log and print its head")
    verify.add_argument("--expect", metavar="N:HASH", help="head noted earlier, which must still be there")
    purge = add("purge", "delete cases whose retention is over, and files of no case")
    purge.add_argument("--days", type=int, metavar="N", help="retention (default: $DERM_RETENTION_DAYS)")
    purge.add_argument("--dry-run", action="store_true", help="only say how many cases")
    backup = add("backup", "copy a SQLite database and its images, while the app runs")
    backup.add_argument("--to", type=Path, required=True, metavar="DIR", help="new folder")
    restore = add("restore", "bring a backup back to where no database is; stop the app first")
    restore.add_argument("folder", type=Path, metavar="DIR", help="folder that `backup` made")
    add("new-key", "print a new key for DERM_IMAGE_KEY; keep it where the images are not")
    add("encrypt-images", "encrypt all images with the first key in DERM_IMAGE_KEY")


def run(args: argparse.Namespace) -> int:
    """Do what was asked for."""
    actions: dict[str, Callable[[argparse.Namespace], int]] = {
        "upgrade": _upgrade,
        "check": _check,
        "verify-audit": _verify,
        "purge": _purge,
        "backup": _backup,
        "restore": _restore,
        "new-key": _new_key,
        "encrypt-images": _encrypt,
    }
    return actions[args.action](args)


# the room is imported within: SQLAlchemy and Alembic take most of a second, and `--help` needs neither
def _upgrade(args: argparse.Namespace) -> int:
    from derm_model.records.engine import connected, explaining
    from derm_model.records.migrating import upgrade

    with connected() as engine, explaining(engine):
        before, after = upgrade(engine)
    print(f"Schema {after}, as before." if before == after else f"Schema {before or 'none'} -> {after}.")
    return 0


def _check(args: argparse.Namespace) -> int:
    from derm_model.records.checking import problems
    from derm_model.records.engine import connected
    from derm_model.records.image_store import image_store

    with connected() as engine:
        where = engine.url.render_as_string(hide_password=True)
        found = list(problems(engine, image_store(), read_images=args.read_images))
    print("\n".join(found) if found else f"Nothing is wrong with {where}.")
    return 1 if found else 0


def _verify(args: argparse.Namespace) -> int:
    from derm_model.records.anchor import parse_head, read_anchor
    from derm_model.records.audit import verify
    from derm_model.records.engine import connected, reading

    expected = None if args.expect is None else parse_head(args.expect)
    with connected() as engine, reading(engine) as session:
        report = verify(session, read_anchor(engine.url), expected)
    if report.problem is not None:
        print(f"The audit log is broken at entry {report.broken_at}. {report.problem}")
        return 1
    print(f"All {report.head.n:,} entries hold. Head: {report.head}")
    if report.anchored is None:
        print("No head was kept beside the database: entries cut off at the end would not show.")
    elif report.anchored < report.head.n:
        print(f"The head kept beside the database is that of entry {report.anchored:,}.")
    return 0


def _purge(args: argparse.Namespace) -> int:
    from derm_model.records.deleting import expired, purge, retention_days
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.image_store import image_store

    days = retention_days() if args.days is None else args.days
    if days is None or days < 1:
        raise RecordsError("A retention is one day or more: give --days N, or set DERM_RETENTION_DAYS.")
    engine = records_engine()
    if args.dry_run:
        with reading(engine) as session:
            print(f"{len(expired(session, days)):,} cases were last active more than {days:,} days ago.")
        return 0
    n_cases, n_files = purge(engine, image_store(), days, operator())
    print(f"Deleted {n_cases:,} cases last active more than {days:,} days ago, and {n_files:,} files of no case.")
    return 0


def _backup(args: argparse.Namespace) -> int:
    from derm_model.records.backup import backup
    from derm_model.records.engine import records_engine
    from derm_model.records.image_store import image_store

    done = backup(records_engine(), image_store(), args.to, operator())
    print(f"Wrote the database and {done.n_images:,} images to {done.folder}")
    if done.missing:
        print(f"{len(done.missing):,} images had no file: `python -m derm_model records check`.")
    return 1 if done.missing else 0


def _restore(args: argparse.Namespace) -> int:
    from derm_model.records.backup import restore
    from derm_model.records.engine import database_url
    from derm_model.records.image_store import image_store

    done = restore(args.folder, database_url(), image_store(), operator())
    print(f"Restored the database of {done.made_at} and {done.n_images:,} images.")
    if done.entries_lost:
        print(f"{done.entries_lost:,} entries of the audit log were made after the backup and are not in it.")
    return 0


def _new_key(args: argparse.Namespace) -> int:
    from derm_model.records.image_store import new_key

    print(new_key())
    return 0


def _encrypt(args: argparse.Namespace) -> int:
    from derm_model.records.image_store import image_store

    print(f"Encrypted {image_store().encrypt_all():,} images; the others were.")
    return 0
