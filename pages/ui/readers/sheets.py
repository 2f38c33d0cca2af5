"""What lies on the desk of a reader: the picture, and in the second pass what the network says of it. No Streamlit.

Made ahead of time in a thread of its own, while the reader looks at the image before.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from derm_model import words
from derm_model.reader_questions import StudyQuestion, choice_probs
from pages.ui.case import data_url
from pages.ui.readers.pictures import picture_url, read_pixels

if TYPE_CHECKING:
    from derm_model.net.engine import Engine
    from derm_model.net.saliency import SaliencyMap

MAP_PX = 640  # longer side of the overlay: twice the network's input, the browser smooths the rest
_worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="dermtree-sheets")


@dataclass(frozen=True)
class Said:
    """What the network says of an image.

    Attributes
    ----------
    shares
        Probability of each choice among the choices; None of all where the network gives none of them any.
    sentence
        The same in words.
    map_url
        Saliency map as a transparent picture; None where the gradient is zero everywhere.
    """

    shares: tuple[float | None, ...]
    sentence: str
    map_url: str | None


@dataclass(frozen=True)
class Sheet:
    """An image as it is shown; `said` only in the second pass."""

    url: str
    said: Said | None = None


@dataclass(frozen=True, eq=False)
class Network:
    """The network of a study and its question: `columns` are the classes that stand for each choice."""

    engine: Future[Engine]
    question: StudyQuestion
    columns: tuple[tuple[int, ...], ...]


def order(participant_id: str, position: int, network: Network | None) -> Future[Sheet]:
    """Begin to make a sheet; its errors are those of `records.reader_view.read_study_image` and of the engine."""
    return _worker.submit(partial(_make, participant_id, position, network))


def _make(participant_id: str, position: int, network: Network | None) -> Sheet:
    from derm_model.records.engine import reading, records_engine
    from derm_model.records.reader_view import read_study_image

    with reading(records_engine()) as session:
        data = read_study_image(session, participant_id, position)
    pixels = read_pixels(data)
    return Sheet(picture_url(pixels), None if network is None else ask(network, pixels))


def ask(network: Network, pixels: NDArray[np.uint8]) -> Said:
    """Put the study's question to the network, and ask what moved its answer."""
    from derm_model.net.saliency import Target

    engine, question, columns = network.engine.result(), network.question, network.columns
    if len(columns) == 2:
        (found,) = engine.predict([pixels], Target(columns[0], columns[1], question.choices[0].words))
        shares = choice_probs(found.class_probs, columns)
    else:
        (found,) = engine.predict([pixels])
        shares = choice_probs(found.class_probs, columns)
        if not np.isnan(shares).any():
            best = int(shares.argmax())
            (found,) = engine.predict([pixels], Target(columns[best], None, question.choices[best].words))
    if np.isnan(shares).any():
        return Said((None,) * len(columns), "The network gives none of these answers any probability.", None)
    return Said(tuple(map(float, shares)), _sentence(question, shares), _map_url(found.saliency, pixels))


def _sentence(question: StudyQuestion, shares: NDArray[np.float64]) -> str:
    ranked = sorted(range(len(shares)), key=lambda i: -shares[i])[:3]
    told = ", ".join(f"{question.choices[i].words} {words.percent(float(shares[i]))}" for i in ranked)
    return f"The network: {told}."


def _map_url(saliency: SaliencyMap | None, pixels: NDArray[np.uint8]) -> str | None:
    if saliency is None:
        return None
    from derm_model.net.overlay import overlay_rgba

    height, width = pixels.shape[:2]
    scale = min(1.0, MAP_PX / max(height, width))
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return data_url(Image.fromarray(overlay_rgba(saliency, *size)), "WEBP", quality=80, method=0)
