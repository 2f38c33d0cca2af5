"""`roles`: check the file that says who has which role, before or while the app reads it."""

from __future__ import annotations

import argparse
from pathlib import Path

from derm_model.access.roles import Role
from derm_model.access.roles_file import RolesFile, RolesProblems, read_roles, roles_path

EXAMPLE = """\
The file is roles.toml in $DERM_HOME, or the one that DERM_ROLES names. See docs/deployment.md. Ends with code 1 when it
cannot be used: then the app lets nobody in.

example:
  python -m derm_model roles
  python -m derm_model roles --file new-roles.toml
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to a command line."""
    parser = subparsers.add_parser(
        "roles",
        help="check the file that says who has which role",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--file", type=Path, metavar="FILE", help="another file than the one in use")


def run(args: argparse.Namespace) -> int:
    """Read it and say what is in it, or everything that is wrong with it."""
    path = args.file if args.file is not None else roles_path()
    try:
        roles = read_roles(path)
    except RolesProblems as error:
        print(f"{path}: nobody is let in.")
        print("\n".join(f"- {problem}" for problem in error.problems))
        return 1
    print(f"{path}: can be used.")
    print("\n".join(_lines(roles)))
    return 0


def _lines(roles: RolesFile) -> list[str]:
    given = [*roles.emails.values(), *roles.subjects.values(), *roles.groups.values()]
    token = " and with the token" if roles.end_with_token else ""
    return [
        f"Provider: {roles.issuer}",
        f"Sessions end after {roles.idle_minutes:g} minutes without a hand, after {roles.max_hours:g} hours{token}.",
        f"In the audit log: {roles.name_by}",
        f"{len(roles.emails)} by e-mail, {len(roles.subjects)} by subject, {len(roles.groups)} by group:",
        *(f"  {role}: {given.count(role)}" for role in Role),
    ]
