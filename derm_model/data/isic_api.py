"""Client of the ISIC Archive's public API, version 2: which pictures there are, and their bytes.

Form followed: the archive's own server and command line (repositories ImageMarkup/isic: isic/core/api/image.py,
isic/core/pagination.py; ImageMarkup/isic-cli: isic_cli/io/http.py). `GET images/search/?query=&collections=&limit=`
answers {"count", "next", "previous", "results"}; `next` is the address of the next page or null, `count` is only on
the first. A result has isic_id, copyright_license, attribution, files.full.url, files.full.size, and metadata with the
parts acquisition and clinical.

It was tested against a local server that speaks this form, not against the archive itself.

Reading needs no account: only public pictures are asked for, and nothing is sent but the query.
"""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from derm_model import __version__
from derm_model.errors import ImportProblem

if TYPE_CHECKING:
    import requests

BASE_URL = "https://api.isic-archive.com/api/v2/"
PAGE_SIZE = 100  # the archive gives no more at once (isic/core/pagination.py, max_page_size)
ISIC_ID = re.compile(r"ISIC_[0-9]{7}")  # isic/core/constants.py; it becomes a file name, so nothing else may pass
LICENCES = ("CC-0", "CC-BY", "CC-BY-NC")

TIMEOUT_S = (10.0, 60.0)  # to connect; between two pieces of the answer
MAX_TRIES = 6
FIRST_WAIT_S = 1.0  # doubled from try to try: 1 + 2 + 4 + 8 + 16 = 31 s in all, enough for a restart of the server
MAX_WAIT_S = 300.0  # a server that asks for more had better be asked again by hand
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})  # busy or broken for now; other refusals are meant
MAX_IMAGE_BYTES = 256 * 2**20  # the largest dermoscopic pictures have some 20 MB
CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class ArchiveImage:
    """One picture of the archive.

    Attributes
    ----------
    isic_id
        "ISIC_0024306".
    licence
        "CC-0", "CC-BY" or "CC-BY-NC".
    attribution
        Whom the licence asks to be named.
    url
        Where its bytes are, for a limited time (the address is signed).
    fields
        Its acquisition and clinical metadata by the names of the archive's data dictionary, as text.
    """

    isic_id: str
    licence: str
    attribution: str
    url: str
    fields: Mapping[str, str]


class IsicApi:
    """The archive's API: asks again when the server is busy or the line breaks, and says what it cannot do.

    Not for several threads at once: give each its own.

    Parameters
    ----------
    base_url
        Of the API, with or without the slash at its end.
    pause
        Called with seconds to wait before the next try; may raise, e.g. `Cancelled`.
    """

    def __init__(self, base_url: str = BASE_URL, *, pause: Callable[[float], None] = time.sleep) -> None:
        import requests

        if not base_url.startswith(("https://", "http://")):
            raise ImportProblem(f"The address of the API begins with https://. Found {base_url!r}. Correct --base-url.")
        self.base_url = base_url.rstrip("/") + "/"
        self.count: int | None = None
        self._pause = pause
        self._session = requests.Session()
        self._session.headers.update({"Accept": "application/json", "User-Agent": f"DermTree/{__version__}"})

    def search(self, query: str = "", collections: Sequence[int] = ()) -> Iterator[ArchiveImage | str]:
        """Yield the public pictures that fit, newest first, page by page; `count` is known after the first.

        Parameters
        ----------
        query
            In the archive's language, e.g. ``diagnosis_1:Malignant AND image_type:dermoscopic``; "" for all.
        collections
            Numbers of the archive's collections; pictures in any of them. () for all.

        Yields
        ------
        ArchiveImage or str
            The reason in words for a result that cannot be used.

        Raises
        ------
        ImportProblem
            When the archive cannot be reached, refuses, or answers in another form.
        """
        parameters: dict[str, str] = {"limit": str(PAGE_SIZE)}
        if query.strip():
            parameters["query"] = query.strip()
        if collections:
            parameters["collections"] = ",".join(str(number) for number in collections)
        address: str | None = self.base_url + "images/search/"
        asked: set[str] = set()
        while address:
            page = self._json(address, {} if asked else parameters)
            results, following = page.get("results"), page.get("next")
            if not isinstance(results, list) or not (following is None or isinstance(following, str)):
                raise _other_form(address, "a page has a list `results` and an address `next`")
            if not asked and isinstance(page.get("count"), int):
                self.count = page["count"]
            yield from (read_result(result) for result in results)
            asked.add(address)
            if following in asked:
                raise _other_form(address, "`next` leads on, never back")
            address = following

    def image_bytes(self, image: ArchiveImage) -> bytes:
        """Fetch a picture; `ImportProblem` when that fails, or it has more than `MAX_IMAGE_BYTES`."""
        return self._get(image.url, {})

    def _json(self, address: str, parameters: Mapping[str, str]) -> Mapping[str, Any]:
        try:
            page = json.loads(self._get(address, parameters))
        except ValueError as error:
            raise _other_form(address, "an answer is JSON") from error
        if not isinstance(page, dict):
            raise _other_form(address, "a page is an object")
        return page

    def _get(self, address: str, parameters: Mapping[str, str]) -> bytes:
        """Ask until there is a whole answer, the server refuses, or the tries are used up."""
        import requests

        for tried in range(1, MAX_TRIES + 1):
            wait_s = FIRST_WAIT_S * 2 ** (tried - 1)
            try:
                with self._session.get(address, params=parameters, timeout=TIMEOUT_S, stream=True) as answer:
                    if answer.ok:
                        return _whole_content(answer)
                    found = f"it answers {answer.status_code} {answer.reason}{_explanation(answer)}"
                    if answer.status_code not in PASSING:
                        raise ImportProblem(f"{_plain(address)} must give what is asked for: {found}. Ask otherwise.")
                    wait_s = max(wait_s, retry_after_s(answer.headers.get("Retry-After", "")) or 0.0)
            except requests.exceptions.RequestException as error:
                found = type(error).__name__  # its text would repeat the whole address
            if tried == MAX_TRIES or wait_s > MAX_WAIT_S:
                break
            self._pause(wait_s)
        again = f"it asks to wait {wait_s:.0f} s" if wait_s > MAX_WAIT_S else f"{tried} tries"
        raise ImportProblem(
            f"The ISIC Archive must be reachable. {_plain(address)}: {found} ({again}). Check the network, and run the "
            "same command again later: what is fetched is kept."
        )


def read_result(result: object) -> ArchiveImage | str:
    """Read one result of a page; in words what is wrong with it where it cannot be used."""
    try:
        isic_id, files, parts = str(result["isic_id"]), result["files"], result["metadata"]  # type: ignore[index]
        url = files["full"]["url"]
        fields = {**parts.get("acquisition", {}), **parts.get("clinical", {})}
        licence, attribution = result["copyright_license"], result["attribution"]  # type: ignore[index]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        name = result.get("isic_id", "?") if isinstance(result, dict) else "?"
        return f"{name}: {type(error).__name__} {error}"
    if not ISIC_ID.fullmatch(isic_id):
        return f"{isic_id[:40]!r} is no ISIC id"
    if not (isinstance(url, str) and url.startswith(("https://", "http://"))):
        return f"{isic_id}: no address of the picture"
    texts = {str(name): _text(value) for name, value in fields.items()}
    return ArchiveImage(isic_id, _text(licence), _text(attribution), url, texts)


def same_licence(one: str, other: str) -> bool:
    """Whether two spellings mean one licence: "CC-0", "CC0" and "cc_0" do."""
    return _letters(one) == _letters(other)


def retry_after_s(header: str) -> float | None:
    """Return the seconds that a Retry-After header asks to wait, a number or a date; None where it says nothing."""
    header = header.strip()
    if header.isdecimal():
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else None


def _whole_content(answer: requests.Response) -> bytes:
    """Read an answer; an end before the announced length is a broken line (requests itself does not look)."""
    import requests

    announced = answer.headers.get("Content-Length", "")
    data = bytearray()
    for chunk in answer.iter_content(CHUNK_BYTES):
        data += chunk
        if len(data) > MAX_IMAGE_BYTES:
            limit = f"{MAX_IMAGE_BYTES // 2**20} MiB"
            raise ImportProblem(f"An answer has at most {limit}. {_plain(answer.url)} has more. It is left out.")
    encoded = "Content-Encoding" in answer.headers  # then the announced length is not that of the content
    if announced.isdecimal() and not encoded and len(data) != int(announced):
        raise requests.exceptions.ConnectionError(f"{len(data)} of {announced} bytes came")
    return bytes(data)


def _explanation(answer: requests.Response) -> str:
    """Say what the archive says, e.g. about a query it cannot parse; its pages of errors are not repeated."""
    try:
        said = answer.json()
    except ValueError:
        return ""
    return f" ({str(said)[:200]})" if said else ""


def _other_form(address: str, rule: str) -> ImportProblem:
    return ImportProblem(
        f"The ISIC Archive's API speaks version 2: {rule}. {_plain(address)} answers otherwise. Check --base-url; if "
        "it is right, the API has changed, and the archive's own command line (isic-cli) will still work."
    )


def _plain(address: str) -> str:
    """Cut the query off an address: it may be signed, and a signature belongs in no message."""
    return address.partition("?")[0]


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _letters(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text).casefold()
