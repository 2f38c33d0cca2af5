"""The records as the Cases page reads them; each function opens the database and lets go of it.

The room is imported within: it takes 0.2 s, and Classify needs the links of these pages only.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from PIL import Image

from pages.ui.case import VIEW_PX, data_url
from pages.ui.cases import keys

if TYPE_CHECKING:
    from derm_model.records.cases import CaseFilter, CasePage, CaseRecord
    from derm_model.records.followed import FollowedAnswer

MOST_PICTURES = 12  # kept in a session, some 150 KB each: those of two visits are compared again and again


def case_page(chosen: CaseFilter, page: int) -> CasePage:
    """A page of the list."""
    from derm_model.records.cases import list_cases
    from derm_model.records.engine import reading, records_engine

    with reading(records_engine()) as session:
        return list_cases(session, chosen, page=page)


def one_case(case_id: str) -> CaseRecord:
    """All of a case."""
    from derm_model.records.cases import case_record
    from derm_model.records.engine import reading, records_engine

    with reading(records_engine()) as session:
        return case_record(session, case_id)


def n_cases_of(patient_key: str) -> int:
    """How many lesions of a patient are saved."""
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.looking_up import known_lesions

    with reading(records_engine()) as session:
        return len(known_lesions(session, patient_key))


def bundles() -> tuple[str, ...]:
    """Ids of the bundles that have answered."""
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.looking_up import bundles_that_answered

    with reading(records_engine()) as session:
        return bundles_that_answered(session)


def followed(task_id: str, bundle_id: str, confirmed_by: Sequence[str] | None) -> tuple[FollowedAnswer, ...]:
    """Answers whose outcome is known."""
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.followed import followed_answers

    with reading(records_engine()) as session:
        return followed_answers(session, task_id, bundle_id=bundle_id, confirmed_by=confirmed_by)


def expired_cases(days: int) -> int:
    """How many cases a purge would delete."""
    from derm_model.records.deleting import expired
    from derm_model.records.engine import reading, records_engine

    with reading(records_engine()) as session:
        return len(expired(session, days))


def image_file(sha256: str) -> bytes:
    """A stored image, decrypted.

    Raises
    ------
    RecordsError
        It is missing or damaged, or its key is not here.
    """
    from derm_model.records.image_store import image_store

    return image_store().get(sha256)


def picture(sha256: str) -> str:
    """The image as a data URL of at most `VIEW_PX` a side; kept in this session only.

    Raises
    ------
    RecordsError
        As `image_file`.
    """
    kept: dict[str, str] = st.session_state.setdefault(keys.PICTURES, {})
    if sha256 not in kept:
        image = Image.open(io.BytesIO(image_file(sha256))).convert("RGB")
        image.thumbnail((VIEW_PX, VIEW_PX), Image.Resampling.BILINEAR, reducing_gap=2.0)
        kept[sha256] = data_url(Image.fromarray(np.asarray(image)), "JPEG", quality=86)
        for oldest in list(kept)[:-MOST_PICTURES]:
            del kept[oldest]
    return kept[sha256]
