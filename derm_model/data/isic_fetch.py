"""Pictures of the ISIC Archive into a folder: `images/ISIC_*.jpg`, `metadata.csv` and `attribution.txt`.

`metadata.csv` has the form of the archive's own export, so that the importer `isic_archive` reads it: one row per
picture that is there, with its licence and whom to name. What is there is not fetched again; a picture gets its name
only when all of it is there, so that a run may be stopped at any moment and begun again with the same command.
"""

from __future__ import annotations

import csv
import io
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event, local

from derm_model.data.isic_api import BASE_URL, PAGE_SIZE, ArchiveImage, IsicApi, same_licence
from derm_model.data.problems import Problem, ProblemLog
from derm_model.data.sniffing import ends_early, sniff
from derm_model.errors import Cancelled, ImportProblem, UnreadableImage
from derm_model.files import replaced
from derm_model.progress import Progress, Report, quiet

BASE_COLUMNS = ("isic_id", "attribution", "copyright_license")
SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif", "GIF": ".gif", "BMP": ".bmp", "WebP": ".webp"}
PART = ".part"
STAGE = "Fetching images"
WORKERS = 4  # pictures lie on another server than the API; a public archive is not to be stormed (isic-cli takes ten)
MAX_FAILURES_IN_A_ROW = 20  # then it is not the pictures
REPORT_EVERY_S = 0.5  # how long a cancellation may wait


@dataclass(frozen=True)
class Fetched:
    """What a fetch has done.

    Attributes
    ----------
    n_new, n_present
        Pictures that were fetched now, and that were there before, of those that were asked for.
    n_other_licence
        Pictures passed over because of their licence.
    licences
        Licence -> number of pictures in the folder.
    problems
        Pictures that were not fetched, and why.
    """

    n_new: int
    n_present: int
    n_other_licence: int
    licences: Mapping[str, int]
    problems: tuple[Problem, ...]


def fetch_isic(
    folder: Path,
    *,
    limit: int | None = None,
    licences: Sequence[str] = (),
    query: str = "",
    collections: Sequence[int] = (),
    base_url: str = BASE_URL,
    report: Report = quiet,
    pause: Callable[[float], None] | None = None,
) -> Fetched:
    """Fetch pictures and their metadata.

    Parameters
    ----------
    folder
        Made where it is not there. Pictures and rows of earlier runs stay.
    limit
        At most so many pictures, counted from the newest; those already there count. None for all.
    licences
        Only pictures under one of these; () for any.
    query, collections, base_url
        See `IsicApi`.
    report
        Called at least every half second; what was fetched before it raises `Cancelled` is kept.
    pause
        Called with the seconds to wait when the archive is busy; by default it waits, and stops when cancelled.

    Raises
    ------
    ImportProblem
        When the archive cannot be reached, refuses the query or answers in another form, the folder cannot be written,
        or twenty pictures in a row could not be fetched.
    """
    run = _Run(folder, licences, report, pause)
    api = IsicApi(base_url, pause=pause or run.pause)
    wanted = run.wanted(api.search(query, collections))
    try:
        run.fetch(islice(wanted, limit), lambda: _total(api.count, limit, licences))
    except OSError as error:
        raise ImportProblem(
            f"The folder must be writable. {folder}: {error.strerror or error}. Make room, or choose another --out; "
            "what is fetched is kept."
        ) from error
    return Fetched(run.n_new, run.n_present, run.n_other_licence, run.count_licences(), run.log.problems())


class _Run:
    """One run into one folder."""

    def __init__(
        self, folder: Path, licences: Sequence[str], report: Report, pause: Callable[[float], None] | None
    ) -> None:
        self.log = ProblemLog()
        self.n_new = self.n_present = self.n_other_licence = 0
        self._folder, self._images = folder, folder / "images"
        self._licences, self._report, self._given_pause = licences, report, pause
        self._total: Callable[[], int | None] = lambda: None
        self._failures_in_a_row = 0
        self._stop = Event()
        self._own = local()  # a client per thread: sessions are not for several at once
        self._rows = read_metadata(folder / "metadata.csv")
        try:
            self._images.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImportProblem(f"--out must be a folder. {folder}: {error.strerror}. Choose another.") from error
        self._there = {path.stem for path in self._images.iterdir() if path.suffix != PART}

    def wanted(self, results: Iterator[ArchiveImage | str]) -> Iterator[ArchiveImage]:
        """Pass on the pictures under a licence that was asked for; count the others."""
        for number, result in enumerate(results):
            if number % PAGE_SIZE == 0:  # many pages may pass without a picture that is wanted
                self._tell()
            if isinstance(result, str):
                self.log.add("a result of the archive that cannot be used", result, unit="picture")
            elif self._licences and not any(same_licence(result.licence, licence) for licence in self._licences):
                self.n_other_licence += 1
            else:
                yield result

    def fetch(self, wanted: Iterator[ArchiveImage], total: Callable[[], int | None]) -> None:
        """Fetch page by page with several threads; write the metadata whatever happens."""
        self._total = total
        pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="isic")
        try:
            self._tell()
            while page := list(islice(wanted, PAGE_SIZE)):
                self._fetch_page(page, pool)
            self._tell(done=True)
        finally:
            self._stop.set()
            pool.shutdown(cancel_futures=True)
            self._write_tables()

    def pause(self, seconds: float) -> None:
        """Wait, and go on telling where the work is, so that it can be cancelled."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, REPORT_EVERY_S))
            self._tell()

    def count_licences(self) -> Mapping[str, int]:
        """Count the pictures of the folder by licence, the most frequent first."""
        return dict(Counter(row.get("copyright_license", "") for row in self._rows.values()).most_common())

    def _fetch_page(self, page: Sequence[ArchiveImage], pool: ThreadPoolExecutor) -> None:
        pending: dict[Future[None], ArchiveImage] = {}
        for image in page:
            if image.isic_id in self._there:
                self.n_present += 1
                self._keep(image)
            else:
                self._there.add(image.isic_id)  # the archive may list it again while it is on its way
                pending[pool.submit(self._fetch_one, image)] = image
        while pending:
            for future in wait(pending, timeout=REPORT_EVERY_S, return_when=FIRST_COMPLETED).done:
                self._finish(future, pending.pop(future))
            self._tell()

    def _fetch_one(self, image: ArchiveImage) -> None:
        """Fetch and check one picture, in a thread."""
        if not hasattr(self._own, "api"):
            self._own.api = IsicApi(pause=self._given_pause or self._wait_or_stop)
        data = self._own.api.image_bytes(image)
        kind = sniff(data)
        if ends_early(kind, data):
            raise UnreadableImage("the picture ends early")
        part = self._images / f"{image.isic_id}{PART}"
        part.write_bytes(data)
        part.replace(self._images / f"{image.isic_id}{SUFFIXES.get(kind, '.jpg')}")

    def _finish(self, future: Future[None], image: ArchiveImage) -> None:
        try:
            future.result()
        except (ImportProblem, UnreadableImage) as error:
            self._there.discard(image.isic_id)
            self._failures_in_a_row += 1
            self.log.add("could not be fetched", f"{image.isic_id}: {error}", unit="picture")
            if self._failures_in_a_row >= MAX_FAILURES_IN_A_ROW:
                raise ImportProblem(
                    f"The archive must give its pictures. {self._failures_in_a_row} in a row could not be fetched, the "
                    f"last because: {error} Run the same command again later: what is fetched is kept."
                ) from error
        else:
            self._failures_in_a_row = 0
            self.n_new += 1
            self._keep(image)

    def _keep(self, image: ArchiveImage) -> None:
        own = {"isic_id": image.isic_id, "attribution": image.attribution, "copyright_license": image.licence}
        self._rows[image.isic_id] = {**image.fields, **own}

    def _wait_or_stop(self, seconds: float) -> None:
        if self._stop.wait(seconds):
            raise Cancelled("the fetch was stopped")

    def _tell(self, *, done: bool = False) -> None:
        n_done = self.n_new + self.n_present
        self._report(Progress(STAGE, n_done, n_done if done else self._total()))

    def _write_tables(self) -> None:
        if self._rows:
            write_metadata(self._folder / "metadata.csv", self._rows.values())
            _write(self._folder / "attribution.txt", "".join(f"{line}\n" for line in self._attribution_lines()))

    def _attribution_lines(self) -> Iterator[str]:
        """Yield "Whom to name (licence): number of pictures", the most frequent first, as isic-cli orders them."""
        whom = Counter((row.get("attribution", ""), row.get("copyright_license", "")) for row in self._rows.values())
        for (attribution, licence), n in whom.most_common():
            yield f"{attribution or 'not said'} ({licence or 'licence not said'}): {n:,}"


def read_metadata(path: Path) -> dict[str, Mapping[str, str]]:
    """Read a metadata.csv as rows by isic_id; none where there is no file.

    Raises
    ------
    ImportProblem
        When it is no metadata of the archive: it would be overwritten.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows = {row.get("isic_id") or "": {k: v or "" for k, v in row.items() if k} for row in reader}
            is_metadata = "isic_id" in (reader.fieldnames or ())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ImportProblem(f"The metadata of an earlier fetch must be readable. {path}: {error}. Move it.") from error
    if not is_metadata:
        raise ImportProblem(f"A metadata.csv of the ISIC Archive has a column isic_id. {path} has none. Move it.")
    return {isic_id: row for isic_id, row in rows.items() if isic_id}


def write_metadata(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Write rows in the form of the archive's export: three columns, then all others by name."""
    rows = sorted(rows, key=lambda row: row["isic_id"])
    others = sorted({name for row in rows for name in row} - set(BASE_COLUMNS))
    text = io.StringIO()
    writer = csv.DictWriter(text, (*BASE_COLUMNS, *others), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    _write(path, text.getvalue())


def _write(path: Path, text: str) -> None:
    with replaced(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def _total(count: int | None, limit: int | None, licences: Sequence[str]) -> int | None:
    """How many there will be: exactly known without a licence to choose by, else only bounded by the limit."""
    if count is None or licences:
        return limit
    return count if limit is None else min(count, limit)
