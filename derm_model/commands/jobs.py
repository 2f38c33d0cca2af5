"""`jobs`: background jobs, those of the Data page and trainings: listed, followed, stopped, resumed, deleted."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Callable, Iterable, Sequence

from derm_model.commands.terminal import amount
from derm_model.errors import JobError
from derm_model.jobs import Job, JobState, JobStore, cancel, jobs_root, resume, runs_root, tail
from derm_model.jobs.remaining import in_words
from derm_model.progress import Progress

ENDED_LISTED = 10  # a screen holds them beside those at work
EXAMPLE = """\
A job is named by any beginning or end of its ID that no other job has. A job that was stopped, failed or was lost (its
process was killed, or the machine restarted) is resumed: what it had finished is not done again.

example:
  python -m derm_model jobs list
  python -m derm_model jobs log c81c55 --lines 50
  python -m derm_model jobs stop c81c55
  python -m derm_model jobs resume c81c55
"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand to a command line."""
    parser = subparsers.add_parser(
        "jobs",
        help="list, follow, stop and resume background jobs",
        description=__doc__,
        epilog=EXAMPLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, what: str, *, id_optional: bool | None = False) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=what, description=f"{what[0].upper()}{what[1:]}.")
        if id_optional is not None:
            text = "the job" + (" (default: the newest)" if id_optional else "")
            action.add_argument("id", nargs="?" if id_optional else None, metavar="ID", help=text)
        return action

    listing = add("list", "list the jobs, newest first", id_optional=None)
    listing.add_argument(
        "--all", action="store_true", help=f"also those before the last {ENDED_LISTED} that have ended"
    )
    listing.add_argument("--json", action="store_true", help="print JSON")
    add("show", "all that is known of a job", id_optional=True).add_argument(
        "--json", action="store_true", help="print JSON"
    )
    add("log", "the last lines a job has printed", id_optional=True).add_argument(
        "--lines", type=int, default=200, metavar="N", help="how many (default: %(default)s)"
    )
    add("stop", "ask a job to stop; what it has finished is kept").add_argument(
        "--force", action="store_true", help="end its process at once, and all it started"
    )
    add("resume", "go on with a job that was stopped, failed or was lost")
    add("delete", "delete the folder of a job that has ended; of a training, checkpoint and model, too")


def run(args: argparse.Namespace) -> int:
    """Do what was asked for."""
    actions: dict[str, Callable[[argparse.Namespace], None]] = {
        "list": _list,
        "show": _show,
        "log": _log,
        "stop": _stop,
        "resume": _resume,
        "delete": _delete,
    }
    actions[args.action](args)
    return 0


def _list(args: argparse.Namespace) -> None:
    jobs = [job for _, job in _all()]
    ended = [job for job in jobs if not job.is_active]
    left_out = set() if args.all else {job.id for job in ended[ENDED_LISTED:]}
    listed = [job for job in jobs if job.id not in left_out]
    if args.json:
        print(json.dumps([job.to_json() for job in listed], indent=1))
        return
    if not jobs:
        print("There are no jobs.")
        return
    head = ("ID", "STATE", "PROGRESS", "LEFT", "TITLE")
    rows = [(job.id, str(job.status.state), _progress(job), _left(job), job.request.title) for job in listed]
    print("\n".join(_table([head, *rows])))
    if left_out:
        print(f"{len(left_out):,} more that ended earlier: --all")
    lost = [job.id for job in listed if job.status.state is JobState.LOST and job.is_resumable]
    if lost:
        ended_so = "This one ended" if len(lost) == 1 else f"These {len(lost)} ended"
        print(f"{ended_so} without a word; what was finished is kept. Go on with:")
        print("\n".join(f"  python -m derm_model jobs resume {job_id}" for job_id in lost))


def _show(args: argparse.Namespace) -> None:
    _, job = _find(args.id)
    if args.json:
        print(json.dumps(job.to_json(), indent=1))
        return
    status, request = job.status, job.request
    known = {
        "ID": job.id,
        "title": request.title,
        "state": str(status.state),
        "message": status.message,
        "progress": _reached(job),
        "time left": _left(job),
        "result": status.result or "",
        "device": request.device or "",
        "about": ", ".join(f"{key}: {value}" for key, value in request.about.items()),
        "asked for": request.created_at,
        "resumed": f"{status.n_resumed} times, last {status.queued_at}" if status.n_resumed else "",
        "began": status.started_at or "",
        "ended": status.finished_at or "",
        "process": f"{status.pid} on {status.host}" if job.is_active and status.pid else "",
        "folder": str(job.paths.folder.absolute()),
        "command": shlex.join(["python", "-m", "derm_model", *job.arguments]) if job.arguments else "",
    }
    print("\n".join(_table([(f"{key}:", value) for key, value in known.items() if value])))
    if job.is_resumable:
        print(f"Go on with: python -m derm_model jobs resume {job.id}")


def _log(args: argparse.Namespace) -> None:
    if args.lines < 1:
        raise JobError(f"--lines is 1 or more, got {args.lines}.")
    _, job = _find(args.id)
    # bytes enough for long lines, too: whoever asks for many lines gets them
    print(tail(job.paths.log, args.lines, max_bytes=max(65_536, 500 * args.lines)))


def _stop(args: argparse.Namespace) -> None:
    store, job = _find(args.id)
    stopped = cancel(store, job.id, force=args.force)
    if not stopped.is_active:
        print(f"{job.id}: {stopped.status.state}")
    elif args.force:
        print(f"{job.id}: is being ended")
    else:
        print(f"{job.id}: asked to stop. It does when it next says where it is; --force does not wait for that.")


def _resume(args: argparse.Namespace) -> None:
    store, job = _find(args.id)
    print(f"{resume(store, job.id).id}: goes on")


def _delete(args: argparse.Namespace) -> None:
    store, job = _find(args.id)
    store.delete(job.id)
    print(f"{job.id}: deleted")


def _all() -> list[tuple[JobStore, Job]]:
    """All jobs and where they are, newest first."""
    found = [(store, job) for store in (JobStore(jobs_root()), JobStore(runs_root())) for job in store.list()]
    return sorted(found, key=lambda pair: (pair[1].request.created_at, pair[1].id), reverse=True)


def _find(name: str | None) -> tuple[JobStore, Job]:
    """The job that is meant; the newest where none is named."""
    found = _all()
    if name is None:
        if not found:
            raise JobError("There are no jobs.")
        return found[0]
    meant = [pair for pair in found if pair[1].id.startswith(name) or pair[1].id.endswith(name)] if name else []
    if not meant:
        raise JobError(
            f"A job is named by a beginning or an end of its ID. None has {name!r}. See python -m derm_model jobs list."
        )
    if len(meant) > 1:
        ids = ", ".join(job.id for _, job in meant[:5]) + (", ..." if len(meant) > 5 else "")
        raise JobError(f"A job is named by what no other ID begins or ends with. {name!r} fits {ids}. Give more of it.")
    return meant[0]


def _progress(job: Job) -> str:
    """What a row says: where it is, or why it waits."""
    return job.status.message if job.status.state is JobState.QUEUED else _reached(job)


def _reached(job: Job) -> str:
    """`Reading images: 300 of 9,037 images (3%)`; "" before the first report."""
    status = job.status
    if not status.stage:
        return ""
    share = "" if status.fraction is None else f" ({status.fraction:.0%})"
    return f"{status.stage}: {amount(Progress(status.stage, status.done, status.total, status.unit))}{share}"


def _left(job: Job) -> str:
    return in_words(job.status.remaining_s) if job.is_active else ""


def _table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Rows as lines, columns aligned."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
