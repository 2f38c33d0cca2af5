"""The files of a study by name, for page and command line."""

from __future__ import annotations

from derm_model.reader_result.as_json import result_json
from derm_model.reader_result.material import Material
from derm_model.reader_result.result import StudyResult
from derm_model.reader_result.tables import images_csv, names_of, readers_csv, readings_csv

READINGS, READERS, IMAGES, RESULT = "readings.csv", "readers.csv", "images.csv", "result.json"
FILES = (READINGS, READERS, IMAGES, RESULT)


def export(material: Material, result: StudyResult, name: str) -> bytes:
    """One of `FILES`.

    Parameters
    ----------
    material
        Of all readers, so that numbers are the same whoever is looked at.
    result
        Of those who are looked at.

    Raises
    ------
    EvaluationError
        The key by which readers are numbered cannot be read or kept.
    ValueError
        There is no such file.
    """
    called = names_of(material)
    made = {
        READINGS: lambda: readings_csv(material),
        READERS: lambda: readers_csv(result, called),
        IMAGES: lambda: images_csv(material, result),
        RESULT: lambda: result_json(result, called),
    }
    if name not in made:
        raise ValueError(f"a file of a study is one of {', '.join(FILES)}, got {name!r}")
    return made[name]().encode()
