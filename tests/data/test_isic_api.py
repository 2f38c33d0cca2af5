"""The ISIC Archive's API and what is fetched from it, against a local server that speaks its documented form."""

from __future__ import annotations

import csv
import email.utils
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from derm_model.data import isic_api, isic_fetch
from derm_model.data.importers import IMPORTERS
from derm_model.data.importers.collect import import_data_set
from derm_model.data.isic_api import ArchiveImage, IsicApi, read_result, retry_after_s, same_licence
from derm_model.data.isic_fetch import Fetched, fetch_isic, read_metadata
from derm_model.errors import Cancelled, ImportProblem
from derm_model.progress import Progress
from derm_model.taxonomy import Crosswalk, Taxonomy
from tests.data.isic_server import IsicServer, jpeg, result, serving

SEARCH = "/api/v2/images/search/"


@pytest.fixture
def archive() -> Iterator[IsicServer]:
    """Twelve pictures, four under CC-BY."""
    with serving([result(n, "CC-BY" if n % 3 == 0 else "CC-0") for n in range(1, 13)]) as server:
        yield server


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def fetch(archive: IsicServer, waits: list[float], tmp_path: Path) -> Callable[..., Fetched]:
    def run(**options: object) -> Fetched:
        given = {"base_url": archive.base_url, "pause": waits.append, **options}
        return fetch_isic(tmp_path / "isic", **given)  # type: ignore[arg-type]

    return run


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "isic" / "metadata.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pictures(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "isic" / "images").iterdir())


# the API


def test_all_pages_are_read_and_the_count_is_known_after_the_first() -> None:
    with serving([result(n) for n in range(1, 231)], n_pictures=0) as archive:
        api = IsicApi(archive.base_url)
        found = list(api.search())
        assert [image.isic_id for image in found if isinstance(image, ArchiveImage)] == [
            f"ISIC_{n:07d}" for n in range(1, 231)
        ]
        assert (api.count, archive.times(SEARCH)) == (230, 3)


def test_query_and_collections_are_sent_as_the_archive_writes_them(archive: IsicServer) -> None:
    list(IsicApi(archive.base_url).search("sex:male AND age_approx:[20 TO 40]", (70, 66)))
    assert archive.asked == [f"{SEARCH}?limit=100&query=sex%3Amale+AND+age_approx%3A%5B20+TO+40%5D&collections=70%2C66"]


def test_a_result_is_read_with_its_licence_attribution_and_metadata() -> None:
    files = {"full": {"url": "https://pictures.example/7.jpg", "size": 1}}
    image = read_result({**result(7, "CC-BY", patient_id="IP_1", mel_ulcer=None), "files": files})
    assert isinstance(image, ArchiveImage)
    assert (image.isic_id, image.licence, image.attribution) == ("ISIC_0000007", "CC-BY", "Hospital 1")
    assert {"patient_id": "IP_1", "age_approx": "45", "image_type": "dermoscopic", "mel_ulcer": ""}.items() <= (
        image.fields.items()
    )


@pytest.mark.parametrize(
    "wrong",
    [
        "text",
        {},
        {**result(1), "isic_id": "../../etc/passwd"},
        {**result(1), "files": {"full": {"url": "file:///etc/passwd"}}},
        {**result(1), "metadata": None},
    ],
)
def test_a_result_of_another_form_is_no_picture(wrong: object) -> None:
    assert isinstance(read_result(wrong), str)


def test_a_busy_server_is_asked_again_after_longer_and_longer_waits(archive: IsicServer, waits: list[float]) -> None:
    archive.refusals[SEARCH] = [(503, {}), (502, {}), (429, {"Retry-After": "7"})]
    assert len(list(IsicApi(archive.base_url, pause=waits.append).search())) == 12
    assert waits == [1, 2, 7]


def test_a_server_that_stays_busy_is_given_up(archive: IsicServer, waits: list[float]) -> None:
    archive.refusals[SEARCH] = [(503, {})] * 99
    with pytest.raises(ImportProblem, match=r"must be reachable.*503.*6 tries.*run the same command again later"):
        list(IsicApi(archive.base_url, pause=waits.append).search())
    assert waits == [1, 2, 4, 8, 16]


def test_a_server_that_asks_for_an_hour_is_not_waited_for(archive: IsicServer, waits: list[float]) -> None:
    archive.refusals[SEARCH] = [(429, {"Retry-After": "3600"})]
    with pytest.raises(ImportProblem, match="asks to wait 3600 s"):
        list(IsicApi(archive.base_url, pause=waits.append).search())
    assert waits == []


def test_a_refusal_is_meant_and_its_reason_is_said(archive: IsicServer, waits: list[float]) -> None:
    archive.refusals[SEARCH] = [(400, {})]
    with pytest.raises(ImportProblem, match=r"400 Bad Request.*not now"):
        list(IsicApi(archive.base_url, pause=waits.append).search("nonsense:"))
    assert waits == []


def test_a_server_that_is_not_there_is_said_to_be_unreachable(waits: list[float]) -> None:
    with pytest.raises(ImportProblem, match=r"must be reachable.*Check the network"):
        list(IsicApi("http://127.0.0.1:9/api/v2", pause=waits.append).search())


def test_an_answer_of_another_form_is_not_taken_for_an_empty_archive(archive: IsicServer) -> None:
    archive.pages[SEARCH] = {"detail": "moved to version 3"}
    with pytest.raises(ImportProblem, match=r"speaks version 2: a page has a list `results`"):
        list(IsicApi(archive.base_url).search())
    archive.pages[SEARCH] = {"results": [], "next": f"{archive.base_url}/images/search/"}
    with pytest.raises(ImportProblem, match="leads on, never back"):
        list(IsicApi(archive.base_url).search())


def test_the_address_of_the_api_is_checked() -> None:
    with pytest.raises(ImportProblem, match="begins with https://"):
        IsicApi("api.isic-archive.com")


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    later = email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=90))
    assert retry_after_s("12") == 12
    assert retry_after_s(later) == pytest.approx(90, abs=5)
    assert (retry_after_s(""), retry_after_s("soon")) == (None, None)


def test_spellings_of_a_licence() -> None:
    assert same_licence("CC-0", "cc0")
    assert not same_licence("CC-BY", "CC-BY-NC")


# fetching


def test_pictures_metadata_and_attribution_are_written(fetch: Callable[..., Fetched], tmp_path: Path) -> None:
    fetched = fetch()
    assert (fetched.n_new, fetched.n_present, fetched.problems) == (12, 0, ())
    assert fetched.licences == {"CC-0": 8, "CC-BY": 4}
    assert (tmp_path / "isic" / "images" / "ISIC_0000003.jpg").read_bytes() == jpeg(3)
    first = rows(tmp_path)[0]
    assert list(first)[:3] == ["isic_id", "attribution", "copyright_license"]
    assert list(first)[3:] == sorted(list(first)[3:])
    assert (first["isic_id"], first["copyright_license"], first["diagnosis_3"]) == ("ISIC_0000001", "CC-0", "Nevus")
    assert "Hospital 0 (CC-0): 4\n" in (tmp_path / "isic" / "attribution.txt").read_text(encoding="utf-8")


def test_what_was_fetched_can_be_imported(
    fetch: Callable[..., Fetched], tmp_path: Path, taxonomy: Taxonomy, crosswalk: Crosswalk
) -> None:
    fetch()
    manifest = import_data_set(IMPORTERS["isic_archive"], tmp_path / "isic", taxonomy, crosswalk)
    assert (len(manifest.records), manifest.problems) == (12, ())
    assert {(r.node, r.modality, r.sex, r.age) for r in manifest.records} == {
        ("melanocytic-nevus-nos", "dermoscopic", "female", 45.0)
    }
    assert {r.licence for r in manifest.records} == {"CC-0", "CC-BY"}


def test_a_licence_and_a_limit_choose(fetch: Callable[..., Fetched], tmp_path: Path) -> None:
    fetched = fetch(licences=("CC-0",), limit=5)
    assert pictures(tmp_path) == [f"ISIC_{n:07d}.jpg" for n in (1, 2, 4, 5, 7)]
    assert (fetched.n_new, fetched.n_other_licence, fetched.licences) == (5, 2, {"CC-0": 5})


def test_what_is_there_is_not_fetched_again(fetch: Callable[..., Fetched], archive: IsicServer, tmp_path: Path) -> None:
    fetch(limit=5)
    (tmp_path / "isic" / "images" / "ISIC_0000009.part").write_bytes(b"half a picture")
    fetched = fetch()
    assert (fetched.n_new, fetched.n_present, len(rows(tmp_path))) == (7, 5, 12)
    assert all(archive.times(f"/pictures/{n}.jpg") == 1 for n in range(1, 13))
    assert pictures(tmp_path) == [f"ISIC_{n:07d}.jpg" for n in range(1, 13)]  # the half one has been finished


def test_rows_of_earlier_runs_with_another_query_stay(
    fetch: Callable[..., Fetched], archive: IsicServer, tmp_path: Path
) -> None:
    fetch(limit=2)
    archive.images = [result(11, "CC-BY-NC")]
    fetch()
    assert [row["isic_id"] for row in rows(tmp_path)] == ["ISIC_0000001", "ISIC_0000002", "ISIC_0000011"]


def test_a_stopped_fetch_keeps_what_it_has_and_goes_on_later(fetch: Callable[..., Fetched], tmp_path: Path) -> None:
    def stop_after_three(progress: Progress) -> None:
        if progress.done >= 3:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        fetch(report=stop_after_three)
    kept = {row["isic_id"] for row in rows(tmp_path)}
    assert 3 <= len(kept) <= 12
    assert kept <= {name.removesuffix(".jpg") for name in pictures(tmp_path)}
    assert fetch().n_present >= 3
    assert len(rows(tmp_path)) == 12


def test_progress_ends_with_what_was_done(fetch: Callable[..., Fetched]) -> None:
    seen: list[Progress] = []
    fetch(report=seen.append)
    assert {progress.total for progress in seen} == {None, 12}  # the count is known after the first page
    assert (seen[0].done, seen[-1].done, seen[-1].total) == (0, 12, 12)


def test_a_limit_beyond_what_there_is_ends_with_what_there_was(fetch: Callable[..., Fetched]) -> None:
    seen: list[Progress] = []
    fetch(report=seen.append, limit=50, licences=("CC-BY",))
    assert (seen[0].total, seen[-1].done, seen[-1].total) == (50, 4, 4)


def test_a_search_for_a_rare_licence_can_be_stopped(fetch: Callable[..., Fetched], archive: IsicServer) -> None:
    archive.images = [result(n, "CC-BY") for n in range(1, 500)]
    seen: list[Progress] = []

    def stop(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 3:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        fetch(licences=("CC-0",), report=stop)
    assert archive.times(SEARCH) == 2  # of five pages


def test_a_broken_line_is_asked_again_and_nothing_half_is_kept(
    fetch: Callable[..., Fetched], archive: IsicServer, waits: list[float], tmp_path: Path
) -> None:
    archive.cut.add("/pictures/4.jpg")
    assert fetch().n_new == 12
    assert (tmp_path / "isic" / "images" / "ISIC_0000004.jpg").read_bytes() == jpeg(4)
    assert waits == [1]


def test_pictures_that_cannot_be_fetched_are_reported_and_the_rest_goes_on(
    fetch: Callable[..., Fetched], archive: IsicServer, tmp_path: Path
) -> None:
    del archive.pictures["/pictures/5.jpg"]
    archive.pictures["/pictures/6.jpg"] = b"<html>please log in</html>"
    archive.pictures["/pictures/8.jpg"] = jpeg(8)[:-40]
    archive.images = [*archive.images, {"isic_id": "ISIC_1"}]
    fetched = fetch()
    assert fetched.n_new == 9
    kinds = {problem.kind: (problem.count, " ".join(problem.examples)) for problem in fetched.problems}
    count, examples = kinds["could not be fetched"]
    assert count == 3
    assert all(f"ISIC_000000{n}" in examples for n in (5, 6, 8))
    assert "secret" not in examples  # a signed address is nobody's business
    assert kinds["a result of the archive that cannot be used"][0] == 1
    assert {row["isic_id"] for row in rows(tmp_path)}.isdisjoint({"ISIC_0000005", "ISIC_0000006", "ISIC_0000008"})


def test_a_picture_that_failed_is_tried_by_the_next_run(fetch: Callable[..., Fetched], archive: IsicServer) -> None:
    picture = archive.pictures.pop("/pictures/5.jpg")
    fetch()
    archive.pictures["/pictures/5.jpg"] = picture
    fetched = fetch()
    assert (fetched.n_new, fetched.n_present, fetched.problems) == (1, 11, ())


def test_many_failures_in_a_row_end_the_fetch(
    fetch: Callable[..., Fetched], archive: IsicServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isic_fetch, "MAX_FAILURES_IN_A_ROW", 4)
    archive.pictures.clear()
    with pytest.raises(ImportProblem, match=r"4 in a row could not be fetched.*404"):
        fetch()


def test_too_large_an_answer_is_left_out(fetch: Callable[..., Fetched], monkeypatch: pytest.MonkeyPatch) -> None:
    api_page = 9000  # bytes: more than a page of three results, less than picture 2 below
    monkeypatch.setattr(isic_api, "MAX_IMAGE_BYTES", api_page)
    with serving([result(n) for n in range(1, 4)]) as archive:
        archive.pictures["/pictures/2.jpg"] = jpeg(2) + bytes(api_page)
        fetched = fetch(base_url=archive.base_url)
    assert fetched.n_new == 2
    assert "has more" in fetched.problems[0].message


def test_an_empty_archive_writes_no_table(fetch: Callable[..., Fetched], archive: IsicServer, tmp_path: Path) -> None:
    archive.images = []
    assert fetch().n_new == 0
    assert not (tmp_path / "isic" / "metadata.csv").exists()


def test_a_foreign_metadata_file_is_never_overwritten(fetch: Callable[..., Fetched], tmp_path: Path) -> None:
    (tmp_path / "isic").mkdir()
    (tmp_path / "isic" / "metadata.csv").write_text("photo,dx\n1,nv\n", encoding="utf-8")
    with pytest.raises(ImportProblem, match=r"column isic_id.*Move it"):
        fetch()
    assert read_metadata(tmp_path / "nothing.csv") == {}


def test_a_file_in_the_place_of_the_folder_is_said(fetch: Callable[..., Fetched], tmp_path: Path) -> None:
    (tmp_path / "isic").write_text("", encoding="utf-8")
    with pytest.raises(ImportProblem):
        fetch()
