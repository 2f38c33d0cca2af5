"""Operating points that people named and kept: which threshold, for which question, chosen by whom, why, on what.

They lie in ``$DERM_HOME/operating_points/<bundle id>.json`` and not in the bundle: a shipped bundle may be read-only,
its weights and card are known by their digests, and choosing a threshold for one's own clinic must not change them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from derm_model.errors import EvaluationError
from derm_model.evaluation.curves import OperatingPoint
from derm_model.files import taking_turns, write_json
from derm_model.home import home
from derm_model.typed_json import FieldError, decode_dataclass, encode

FOLDER = "operating_points"
FORMAT = 1
MAX_NAME, MAX_WHO, MAX_WHY = 60, 80, 500  # a name is a button's label, who a signature, why a paragraph

_FILE_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")  # a card is a file from elsewhere: its id must lead nowhere else


@dataclass(frozen=True, kw_only=True)
class SavedPoint:
    """A named threshold of one bundle and one question.

    Attributes
    ----------
    name
        Unique per task, whatever its capitals.
    task_id
    threshold
        In [0, 1]; a score at or above it is above the operating point.
    who, why
        In the words of whoever saved it.
    saved_at
        UTC, ISO 8601.
    chosen_on
        The images it was chosen on, in words.
    measured_on
        The images `rates` were counted on, in words; the same as `chosen_on` where they flatter it.
    rates
        The rates at that time; None where none were known.
    """

    name: str
    task_id: str
    threshold: float
    who: str
    why: str
    saved_at: str
    chosen_on: str
    measured_on: str
    rates: OperatingPoint | None

    @property
    def optimistic(self) -> bool:
        """Whether the rates were counted on the images the threshold was chosen on."""
        return self.rates is not None and self.chosen_on == self.measured_on


@dataclass(frozen=True, kw_only=True)
class _File:
    format: int
    bundle_id: str
    points: tuple[SavedPoint, ...]


def new_point(
    name: str,
    task_id: str,
    threshold: float,
    *,
    who: str,
    why: str,
    chosen_on: str,
    measured_on: str,
    rates: OperatingPoint | None,
) -> SavedPoint:
    """Describe a point saved now; white space in the words is tidied.

    Raises
    ------
    EvaluationError
        A word is missing, too long or holds control characters, or the threshold lies outside [0, 1].
    """
    if not 0 <= threshold <= 1:
        raise EvaluationError(f"A threshold on a score lies between 0 and 1, got {threshold}. Choose another.")
    return SavedPoint(
        name=_words("name", name, MAX_NAME),
        task_id=task_id,
        threshold=float(threshold),
        who=_words("person who chose it", who, MAX_WHO),
        why=_words("reason", why, MAX_WHY),
        saved_at=datetime.now(UTC).isoformat(timespec="seconds"),
        chosen_on=chosen_on,
        measured_on=measured_on,
        rates=rates,
    )


def points_file(bundle_id: str) -> Path:
    """Where the points of a bundle are kept.

    Raises
    ------
    EvaluationError
        The id could name a file elsewhere.
    """
    if not _FILE_NAME.fullmatch(bundle_id):
        raise EvaluationError(
            f"Operating points are kept under the id of their bundle: letters, digits, '.', '_' and '-', "
            f"beginning with a letter or digit. {bundle_id!r} is no such id. Train or export the bundle again."
        )
    return home() / FOLDER / f"{bundle_id}.json"


def read_points(bundle_id: str) -> tuple[SavedPoint, ...]:
    """Points saved for a bundle, oldest first; none where there is no file.

    Raises
    ------
    EvaluationError
        The file is damaged, cannot be read or is of another bundle or a newer DermTree. It is left as it is.
    """
    path = points_file(bundle_id)
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise EvaluationError(f"{path} cannot be read ({error.strerror}). Check its permissions.") from error
    except ValueError as error:
        raise _damaged(path, str(error)) from error
    found = content.get("format") if isinstance(content, dict) else None
    if type(found) is int and found > FORMAT:
        raise EvaluationError(f"{path} was written by a newer DermTree (format {found}, known is {FORMAT}). Update it.")
    try:
        file: _File = decode_dataclass(_File, content, complete=True)
    except FieldError as error:
        raise _damaged(path, str(error)) from error
    problem = _problem(file, bundle_id)
    if problem:
        raise _damaged(path, problem)
    return file.points


def save_point(bundle_id: str, point: SavedPoint, *, taken: Iterable[str] = ()) -> None:
    """Add a point; what others save at the same moment is kept, too.

    Parameters
    ----------
    bundle_id
    point
    taken
        Names the question has already, such as the presets of its card.

    Raises
    ------
    EvaluationError
        The name is taken, or the file is damaged or cannot be written. Nothing is changed then.
    """
    path = points_file(bundle_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with taking_turns(path):
            points = read_points(bundle_id)
            names = [*taken, *(other.name for other in points if other.task_id == point.task_id)]
            if point.name.casefold() in {name.casefold() for name in names}:
                raise EvaluationError(
                    f"A name stands for one operating point of a question, and {point.name!r} is taken. "
                    "Choose another name, or delete the saved point first."
                )
            _write(path, bundle_id, (*points, point))
    except OSError as error:
        raise _unwritten(path, error) from error


def delete_point(bundle_id: str, task_id: str, name: str) -> bool:
    """Delete a point; False where it was gone already.

    Raises
    ------
    EvaluationError
        The file is damaged or cannot be written. Nothing is changed then.
    """
    path = points_file(bundle_id)
    if not path.parent.is_dir():
        return False
    try:
        with taking_turns(path):
            points = read_points(bundle_id)
            kept = tuple(p for p in points if (p.task_id, p.name) != (task_id, name))
            if len(kept) == len(points):
                return False
            _write(path, bundle_id, kept)
    except OSError as error:
        raise _unwritten(path, error) from error
    return True


def _words(what: str, text: str, longest: int) -> str:
    tidy = " ".join(text.split())
    if not tidy:
        raise EvaluationError(f"A saved operating point has a name, a person and a reason. The {what} is missing.")
    if len(tidy) > longest or not tidy.isprintable():
        raise EvaluationError(
            f"The {what} may have {longest} printable characters. This one has {len(tidy)}. Shorten or retype it."
        )
    return tidy


def _problem(file: _File, bundle_id: str) -> str | None:
    """What `decode_dataclass` cannot see."""
    if file.format != FORMAT:
        return f"format: {FORMAT} is expected, found {file.format}"
    if file.bundle_id != bundle_id:
        return f"bundle_id: {bundle_id} is expected, found {file.bundle_id}"
    seen: set[tuple[str, str]] = set()
    for number, point in enumerate(file.points):
        key = (point.task_id, point.name.casefold())
        if key in seen:
            return f"points[{number}].name: {point.name!r} stands there twice for one question"
        if not 0 <= point.threshold <= 1:
            return f"points[{number}].threshold: between 0 and 1 is expected, found {point.threshold}"
        seen.add(key)
    return None


def _write(path: Path, bundle_id: str, points: tuple[SavedPoint, ...]) -> None:
    write_json(path, encode(_File(format=FORMAT, bundle_id=bundle_id, points=points)))


def _damaged(path: Path, why: str) -> EvaluationError:
    return EvaluationError(
        f"The saved operating points in {path} are damaged ({why}). The file was left as it is: correct it, restore a "
        "copy, or move it away to begin anew."
    )


def _unwritten(path: Path, error: OSError) -> EvaluationError:
    return EvaluationError(
        f"{path} could not be written ({error.strerror}). Nothing was changed. Free some space, or let the server "
        "write to that folder."
    )
