"""The form of a manifest's row: columns, types, vocabularies with their synonyms, ranges. See docs/data-format.md.

A value outside its vocabulary or range is emptied and reported, and its row is kept: a misspelt sex must not cost an
image. Two columns are stricter. Without image_id, file or source a row cannot be used. And an official_split that is
not understood leaves the row out, because it might have been a test image, which must not become trainable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from derm_model.data.problems import ProblemLog

COLUMNS = (
    "image_id",
    "file",
    "content_hash",
    "source",
    "modality",
    "node",
    "diagnosis",
    "lesion_id",
    "patient_id",
    "confirmed_by",
    "official_split",
    "fitzpatrick_type",
    "age",
    "sex",
    "site",
    "licence",
    "links",
)
REQUIRED_COLUMNS = ("image_id", "file", "source")

Modality = Literal["clinical", "dermoscopic"]
Confirmation = Literal["histopathology", "confocal_microscopy", "follow_up", "consensus", "single_expert"]
OfficialSplit = Literal["train", "validation", "test"]
Sex = Literal["female", "male"]

MODALITIES: tuple[str, ...] = ("clinical", "dermoscopic")
CONFIRMATIONS: tuple[str, ...] = ("histopathology", "confocal_microscopy", "follow_up", "consensus", "single_expert")
OFFICIAL_SPLITS: tuple[str, ...] = ("train", "validation", "test")
SEXES: tuple[str, ...] = ("female", "male")
MAX_AGE_YEARS = 120  # nobody in any of the data sets is older than 90; beyond 120 it is a slip of the keyboard

# What data sets write where they know nothing. As a lesion or patient id such a word would join strangers.
MISSING = frozenset(
    {"", "unknown", "n/a", "na", "nan", "none", "null", "not recorded", "not available", "not specified", "-", "?"}
)

# word -> the other spellings that are met in public data sets; case, hyphens and underscores do not count
SPELLINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "modality": {
        "clinical": ("clinic", "clinical photograph", "macroscopic", "smartphone", "photograph", "clinical: close-up"),
        "dermoscopic": ("dermoscopy", "dermatoscopic", "dermatoscopy", "derm"),
    },
    "confirmed_by": {
        "histopathology": ("histo", "histology", "biopsy", "biopsied", "pathology"),
        "confocal_microscopy": (
            "confocal",
            "reflectance confocal microscopy",
            "confocal microscopy with consensus dermoscopy",
        ),
        "follow_up": ("followup", "serial imaging", "serial imaging showing no change"),
        "consensus": ("expert consensus", "clinical consensus", "single image expert consensus"),
        "single_expert": ("expert", "single image expert", "single contributor clinical assessment"),
    },
    "official_split": {
        "train": ("training",),
        "validation": ("val", "valid", "dev"),
        "test": ("testing",),
    },
    "sex": {"female": ("f", "woman"), "male": ("m", "man")},
}
_SKIN_TYPE = re.compile(r"(?:(?:type|fst|fitzpatrick)[\s_-]*)?(?:(?P<digit>[1-6])(?:\.0+)?|(?P<roman>i{1,3}|iv|vi?))")
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5, "vi": 6}

_RULES = {
    "image_id": "image_id is empty",
    "file": "file is empty",
    "source": "source is empty",
    "content_hash": "content_hash is no SHA-256 in hexadecimal digits",
    "modality": f"modality is none of {', '.join(MODALITIES)}",
    "confirmed_by": f"confirmed_by is none of {', '.join(CONFIRMATIONS)}",
    "official_split": f"official_split is none of {', '.join(OFFICIAL_SPLITS)}",
    "fitzpatrick_type": "fitzpatrick_type is none of 1 to 6 (or I to VI)",
    "age": f"age is no number of years from 0 to {MAX_AGE_YEARS}",
    "sex": f"sex is none of {', '.join(SEXES)}",
}
_NEEDED = frozenset({*REQUIRED_COLUMNS, "official_split"})


@lru_cache(maxsize=1024)  # the same few words stand in every row
def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text).strip().casefold()


def _text(value: object) -> object:
    """Trim; a cell without content, or a missing value of a table (None, NaN, NA), is None."""
    if value is None or value != value:  # NaN differs from itself
        return None
    return str(value).strip() or None


def _known_text(value: object) -> object:
    text = _text(value)
    return None if text is None or str(text).casefold() in MISSING else text


def _word_of(column: str) -> Callable[[object], object]:
    """Turn every spelling of the column's words into the word itself; leave others for the check to refuse."""
    words = {_plain(s): word for word, others in SPELLINGS[column].items() for s in (word, *others)}

    def read(value: object) -> object:
        known = _known_text(value)
        return None if known is None else words.get(_plain(str(known)), known)

    return read


def _skin_type(value: object) -> object:
    known = _known_text(value)
    found = None if known is None else _SKIN_TYPE.fullmatch(str(known).casefold())
    if found is None:
        return known
    return int(found["digit"]) if found["digit"] else _ROMAN[found["roman"]]


def _hash(value: object) -> object:
    known = _text(value)
    return None if known is None else str(known).lower()


def _links(value: object) -> object:
    """Keys of a cell are separated by spaces; a sequence is taken as it is."""
    if isinstance(value, str) or value is None or value != value:
        return tuple(str(_text(value) or "").split())
    return value


# a constraint stands inside the union, so that it is asked of values only and never of None
Needed = Annotated[str, Field(min_length=1), BeforeValidator(_text)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
SkinType = Annotated[int, Field(ge=1, le=6)]
Years = Annotated[float, Field(ge=0, le=MAX_AGE_YEARS)]
Text = Annotated[str | None, BeforeValidator(_text)]
KnownText = Annotated[str | None, BeforeValidator(_known_text)]


class Row(BaseModel):
    """One row of a manifest, its values coerced and within their vocabularies; what is not known is None."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    image_id: Needed
    file: Needed
    source: Needed
    content_hash: Annotated[Sha256 | None, BeforeValidator(_hash)] = None
    modality: Annotated[Modality | None, BeforeValidator(_word_of("modality"))] = None
    node: Text = None
    diagnosis: Text = None
    lesion_id: KnownText = None
    patient_id: KnownText = None
    confirmed_by: Annotated[Confirmation | None, BeforeValidator(_word_of("confirmed_by"))] = None
    official_split: Annotated[OfficialSplit | None, BeforeValidator(_word_of("official_split"))] = None
    fitzpatrick_type: Annotated[SkinType | None, BeforeValidator(_skin_type)] = None
    age: Annotated[Years | None, BeforeValidator(_known_text)] = None
    sex: Annotated[Sex | None, BeforeValidator(_word_of("sex"))] = None
    site: KnownText = None
    licence: Text = None
    links: Annotated[tuple[str, ...], BeforeValidator(_links)] = ()


def check_row(values: Mapping[str, Any], log: ProblemLog) -> Row | None:
    """Read one row; what is wrong with it goes to the log.

    Parameters
    ----------
    values
        Cells by column name, as text or typed; missing columns are unknown values, other columns are ignored.
    log
        Gets one problem per value that was emptied (row kept), or one for the reason why the row cannot be used.

    Returns
    -------
    Row or None
        None for a row that cannot be used.
    """
    try:
        return Row.model_validate(values)
    except ValidationError as error:
        wrong = dict.fromkeys(str(detail["loc"][0]) for detail in error.errors(include_url=False))
    name = str(_text(values.get("image_id")) or _text(values.get("file")) or "a row without image_id and file")
    for column in wrong:
        if column in _NEEDED:
            found = "" if column in REQUIRED_COLUMNS else f": {values[column]}"
            log.add(_RULES[column], f"{name}{found}")
            return None
    for column in wrong:
        log.add(f"{_RULES[column]}; the value was emptied", f"{name}: {values[column]}", kept=True)
    return Row.model_validate({column: value for column, value in values.items() if column not in wrong})


def link(kind: str, *parts: str) -> str:
    """Build a key for `links`: "isic" and "ISIC_0024306" give `isic:ISIC_0024306`. Spaces would separate keys."""
    return ":".join(re.sub(r"\s+", "_", part.strip()) for part in (kind, *parts))


def join_links(links: Iterable[str]) -> str:
    """Write keys into one cell."""
    return " ".join(links)
