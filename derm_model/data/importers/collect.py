"""From a data set's official rows to a manifest: files found, labels looked up, values checked, files hashed."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from derm_model.data.consistency import check_lesions
from derm_model.data.hashing import content_hash
from derm_model.data.importers.base import Importer, Options
from derm_model.data.importers.files import FileIndex
from derm_model.data.importers.row import OfficialRow
from derm_model.data.labels import LabelReader
from derm_model.data.manifest import Manifest, Record, record_of
from derm_model.data.problems import ProblemLog, RowProblem
from derm_model.data.schema import check_row
from derm_model.errors import ImportProblem
from derm_model.progress import Report, quiet, track
from derm_model.taxonomy import Crosswalk, Taxonomy


def import_data_set(
    importer: Importer,
    root: Path,
    taxonomy: Taxonomy,
    crosswalk: Crosswalk,
    *,
    images: Path | None = None,
    options: Options | None = None,
    report: Report = quiet,
) -> Manifest:
    """Import one data set.

    Parameters
    ----------
    importer
        See `derm_model.data.importers.IMPORTERS`.
    root
        The folder with the official files.
    taxonomy, crosswalk
    images
        The folder with the images, where that is another one.
    options
        What the importer is told beside.
    report
        Called while files are hashed; `Cancelled` passes through.

    Returns
    -------
    Manifest
        A record per usable row, in the order of the official files, with content hashes. Images are not decoded here.
        `problems` counts what was left out or emptied, and image files that no row names.

    Raises
    ------
    ImportProblem
        When an official file or the folder is missing, an option cannot be understood, or no row could be used.
    """
    log = ProblemLog()
    options = check_options(importer, options or {})
    index = FileIndex(images or root, importer.not_images)
    rows = track(importer.read(root, log, options), "Reading the official files", report, unit="rows")
    records = _records(rows, importer, index, LabelReader(taxonomy, crosswalk), log)
    kept = check_lesions(tuple(_hashed(records, log, report)), taxonomy, log)
    if not kept:
        found = " ".join(problem.message for problem in log.problems()) or "The official files have no rows."
        raise ImportProblem(
            f"An import needs at least one row that can be used. {importer.title} from {root}: {found} Check the "
            f"folder. Expected: {importer.layout}"
        )
    return Manifest(kept, log.problems())


def check_options(importer: Importer, options: Options) -> Options:
    """Return the options; `ImportProblem` for one the importer does not have, lacks, or cannot understand."""
    known = {option.name: option for option in importer.options}
    for name, values in options.items():
        option = known.get(name)
        if option is None:
            raise ImportProblem(
                f"{importer.name} has no option {name!r}; it has {', '.join(known) or 'none'}. Leave it out."
            )
        if len(values) > 1 and not option.multiple:
            raise ImportProblem(f"Option {name} is given once. Found {', '.join(values)}. Choose one.")
        wrong = [value for value in values if option.choices and value not in option.choices]
        if wrong:
            raise ImportProblem(f"Option {name} is one of {', '.join(option.choices)}. Found {', '.join(wrong)}.")
    missing = [option.name for option in importer.options if option.required and not options.get(option.name)]
    if missing:
        raise ImportProblem(f"{importer.name} needs the option {', '.join(missing)}. Give it as --{missing[0]} VALUE.")
    return options


def _records(
    rows: Iterable[OfficialRow], importer: Importer, index: FileIndex, labels: LabelReader, log: ProblemLog
) -> list[Record]:
    records: dict[tuple[str, str], Record] = {}
    claimed: set[Path] = set()
    for official in rows:
        files = index.find(official.file or official.image_id)
        claimed.update(files[:1])  # also for rows that fail for another reason: the file does have a row
        try:
            record = _record(official, importer, files, labels, log)
            if record is not None and (record.source, record.image_id) in records:
                raise RowProblem("image_id appears twice, the first one was kept", record.image_id)
        except RowProblem as problem:
            log.add_row(problem)
            continue
        if record is not None:
            records[record.source, record.image_id] = record
            if len(files) > 1:
                names = " and ".join(path.relative_to(index.root).as_posix() for path in files)
                log.add("several files fit, the first was taken", f"{record.image_id}: {names}", kept=True)
    _report_files(index, claimed, log)
    return list(records.values())


def _report_files(index: FileIndex, claimed: Container[Path], log: ProblemLog) -> None:
    for path in index.paths:
        if path not in claimed:
            log.add("no row of the official files names it", path.relative_to(index.root).as_posix(), unit="file")
    for path in index.masks:
        log.add("a mask or superpixels, no image", path.relative_to(index.root).as_posix(), unit="file")


def _record(
    official: OfficialRow, importer: Importer, files: list[Path], labels: LabelReader, log: ProblemLog
) -> Record | None:
    """Build the record of one row without its hash; None when the schema has logged why not."""
    if official.left_out:
        raise RowProblem(official.left_out, official.image_id)
    if not (official.file or official.image_id):
        raise RowProblem("image_id is empty", "a row without image_id and file")
    if not files:
        raise RowProblem("file not found", official.file or official.image_id)
    row = check_row(_cells(official, importer, files[0]), log)
    if row is None:
        return None
    node = labels.node(row.image_id, official.labels_of or row.source, row.node, row.diagnosis)
    return record_of(row, files[0], node)


def _cells(official: OfficialRow, importer: Importer, path: Path) -> Mapping[str, object]:
    cells = dict(vars(official))
    cells["diagnosis"] = cells.pop("label")
    cells["file"] = str(path)
    cells["source"] = official.source or importer.source
    cells["licence"] = official.licence or importer.licence
    return cells


def _hashed(records: list[Record], log: ProblemLog, report: Report) -> Iterator[Record]:
    for record in track(records, "Reading images", report):
        try:
            if record.path.stat().st_size == 0:
                log.add("the file is empty", record.path.name)
                continue
            yield replace(record, content_hash=content_hash(record.path))
        except OSError as error:
            log.add("the file cannot be read", f"{record.path.name}: {error.strerror}")
