"""The one door for people and jobs: `python -m derm_model {predict,saliency,partition,train}`.

Exit codes: 0 done, 1 done but some inputs could not be read, 2 a mistake in the call or its files, 130 Ctrl-C.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from derm_model.errors import DermTreeError

COMMANDS = ("predict", "saliency", "partition", "train")


def build_parser(commands: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser with the named subcommands; their modules must not import torch at their top."""
    parser = argparse.ArgumentParser(
        prog="python -m derm_model",
        description="Read skin images with a DermTree model, or make one. Research tool, not a medical device.",
        epilog="example: python -m derm_model predict lesion.jpg",
    )
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in commands:
        importlib.import_module(f"derm_model.commands.{name}").add_parser(subparsers)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a `DermTreeError` becomes one line on stderr and code 2."""
    arguments = sys.argv[1:] if arguments is None else arguments
    # only the module of the command that was named is imported: `partition` waits for nobody's image library
    named = arguments[0] if arguments else None
    args = build_parser((named,) if named in COMMANDS else COMMANDS).parse_args(arguments)
    command = importlib.import_module(f"derm_model.commands.{args.command}")
    try:
        code: int = command.run(args)
        sys.stdout.flush()
    except DermTreeError as error:
        print(f"python -m derm_model {args.command}: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130  # 128 + SIGINT, what a shell expects
    except BrokenPipeError:
        # the reader of our output (`| head`) has left; keep Python's own flush at exit from complaining
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141  # 128 + SIGPIPE
    return code


if __name__ == "__main__":
    sys.exit(main())
