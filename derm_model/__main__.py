"""The one door for people and jobs: `python -m derm_model COMMAND`; without a command, its list.

Exit codes: 0 done, 1 done but some inputs could not be read (or a check found something), 2 a mistake in the call or
its files, 130 stopped.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from types import ModuleType

from derm_model.commands.terminal import say, terminal_report
from derm_model.errors import Cancelled, DermTreeError
from derm_model.progress import Report

# name of the command -> module in derm_model.commands, which has add_parser(subparsers) and run(args) -> exit code
COMMANDS = {
    "predict": "predict",
    "report": "report",
    "saliency": "saliency",
    "partition": "partition",
    "taxonomy": "taxonomy",
    "train": "train",
    "crossval": "crossval",
    "evaluate": "evaluate",
    "import": "import_data",  # a module cannot be called import
    "fetch": "fetch",
    "curate": "curate",
    "split": "split",
    "jobs": "jobs",
    "card": "card",
    "records": "records",
    "readers": "readers",
    "roles": "roles",
}


def build_parser(commands: Iterable[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser with the named subcommands; their modules must not import torch at their top."""
    parser = argparse.ArgumentParser(
        prog="python -m derm_model",
        description="Read skin images with a DermTree model, or make one. Research tool, not a medical device.",
        epilog="example: python -m derm_model predict lesion.jpg",
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in commands:
        _module(name).add_parser(subparsers)
    return parser


def call(arguments: Sequence[str], report: Report | None = None) -> int:
    """Run one command and return its exit code; whatever it raises passes through.

    Parameters
    ----------
    arguments
        Command and its arguments.
    report
        Whom long work tells where it is; by default the terminal (standard error). Commands find it as `args.report`.

    Raises
    ------
    DermTreeError
        A mistake in the call or its files, or Cancelled by `report`.
    SystemExit
        The arguments could not be understood, or help was asked for.
    """
    # only the module of the command that was named is imported: `partition` waits for nobody's image library
    named = arguments[0] if arguments else None
    args = build_parser((named,) if named in COMMANDS else COMMANDS).parse_args(arguments)
    args.report = terminal_report() if report is None else report
    args.words = list(arguments)  # for a command that hands itself on to processes of its own
    code: int = _module(args.command).run(args)
    sys.stdout.flush()
    return code


def main(arguments: Sequence[str] | None = None, report: Report | None = None) -> int:
    """As `call`, for people: a `DermTreeError` becomes one line on stderr and code 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        return call(arguments, report)
    except (KeyboardInterrupt, Cancelled):
        say("stopped")
        return 130  # 128 + SIGINT, what a shell expects
    except DermTreeError as error:
        say(f"python -m derm_model {arguments[0]}: {' '.join(str(error).split())}")
        return 2
    except BrokenPipeError:
        # the reader of our output (`| head`) has left; keep Python's own flush at exit from complaining
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # 128 + SIGPIPE


def _module(command: str) -> ModuleType:
    return importlib.import_module(f"derm_model.commands.{COMMANDS[command]}")


if __name__ == "__main__":
    sys.exit(main())
