"""`python -m derm_model taxonomy`."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

from derm_model.__main__ import main
from derm_model.card import CARD_FILE, read_card
from derm_model.taxonomy import Taxonomy, read_taxonomy
from derm_model.taxonomy.export import from_json, to_csv
from derm_model.taxonomy.reading import ASSETS, parse_taxonomy
from derm_model.taxonomy.store import save_taxonomy

DEMO = Path(__file__).resolve().parents[2] / "assets" / "bundles" / "demo"
SMALL = "id,parent,name,synonyms,malignancy_status,icd10,tier\nskin,,Skin,,,,\nwart,skin,Wart,verruca,benign,B07,A\n"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DERM_HOME", str(tmp_path / "home"))
    return tmp_path


def write(folder: Path, text: str, name: str = "tree.csv") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def test_check_lists_every_problem_and_ends_with_code_1(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(home, SMALL + "wart,skin,Other,,,,\nx,nowhere,Verruca,,odd,,\n")
    assert main(["taxonomy", "check", path]) == 1
    done = capsys.readouterr()
    assert [line.partition(":")[0] for line in done.out.splitlines()] == ["row 4", "row 5", "row 5", "row 5"]
    assert done.err.strip() == "tree.csv: 4 problems"


def test_check_says_what_a_sound_file_is(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(home, SMALL)
    assert main(["taxonomy", "check", path, "--roots", "1"]) == 0
    assert "2 nodes, 1 root, 1 disease, digest " in capsys.readouterr().out
    assert main(["taxonomy", "check", path, "--roots", "2"]) == 1


def test_the_tree_that_ships_is_sound_and_everything_found_in_it_judged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["taxonomy", "check", "--roots", "3", "--editorial"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "2,226 nodes, 3 roots, 2,032 diseases" in lines[0]
    assert lines[-1].endswith("findings, 0 not judged yet")
    assert all("(kept: " in line for line in lines[1:-1])


def test_findings_in_another_tree_end_with_code_1(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["taxonomy", "check", write(home, SMALL), "--editorial"]) == 1
    assert "only child: Skin holds wart alone" in capsys.readouterr().out


def test_show_says_all_that_is_known_of_a_node(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["taxonomy", "show", "senile wart", "--bundle", str(DEMO)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Seborrheic keratosis (seborrheic-keratosis)"
    assert lines[1].startswith("path: Benign single lesions > ")
    assert "basal cell papilloma" in lines[2]
    assert lines[3:6] == ["malignancy status: benign", "ICD-10 (a hint, do not code with it): L82", "evidence tier: A"]
    assert "PAD-UFES-20 'SEK'" in lines[6]
    assert lines[7] == "training class of demo: Seborrheic keratosis"


def test_show_lists_children_with_their_sizes_and_what_covers_them(
    taxonomy: Taxonomy, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["taxonomy", "show", "melanoma", "--bundle", str(DEMO)]) == 0
    text = capsys.readouterr().out
    assert "54 diseases below it:" in text
    assert "  Invasive melanoma (invasive-melanoma), 41 diseases" in text
    assert "  Melanoma, not otherwise specified (melanoma-nos)" in text
    assert "training class of demo: Melanoma, not otherwise specified" in text
    main(["taxonomy", "show", "keloid", "--bundle", str(DEMO)])
    assert "Benign fibrous tumors, which is coarser: not resolved by this model" in capsys.readouterr().out
    main(["taxonomy", "show", "psoriasis", "--bundle", str(DEMO)])
    assert "none: not resolved by this model" in capsys.readouterr().out


def test_an_unknown_node_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["taxonomy", "show", "melanomo"]) == 2
    assert "the nearest are melanoma, " in capsys.readouterr().err


def test_search_forgives_typing_errors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["taxonomy", "search", "seborheic", "keratosis", "--limit", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("seborrheic-keratosis\tBenign single lesions > ")
    assert lines[0].endswith("(name, spelt almost so)")
    assert main(["taxonomy", "search", "xyzzy"]) == 1


def test_diff_compares_files_and_versions(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = write(home, SMALL), write(home, SMALL.replace("Wart", "Common wart"), "new.csv")
    assert main(["taxonomy", "diff", old, new]) == 0
    assert "Common wart (wart): renamed, Wart -> Common wart" in capsys.readouterr().out
    main(["taxonomy", "diff", old, new, "--format", "csv"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["kind"] for row in rows] == ["renamed"]
    main(["taxonomy", "diff", old, new, "--format", "json"])
    assert json.loads(capsys.readouterr().out)["changes"][0]["after"] == "Common wart"
    main(["taxonomy", "diff", "49d2e010d8b8"])
    assert "Turban tumor (turban-tumor): removed from below" in capsys.readouterr().out


@pytest.mark.parametrize("format_", ["csv", "json", "skos", "dot"])
def test_export_writes_what_can_be_read_back(
    home: Path, taxonomy: Taxonomy, format_: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = home / "out"
    assert main(["taxonomy", "export", "--format", format_, "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["taxonomy", "export", "--format", format_]) == 0
    text = capsys.readouterr().out
    assert text == out.read_text(encoding="utf-8")
    if format_ == "csv":
        assert parse_taxonomy(text.encode(), "out").nodes == taxonomy.nodes
    if format_ == "json":
        assert from_json(text).nodes == taxonomy.nodes
        shutil.move(out, home / "tree.json")
        assert main(["taxonomy", "diff", str(home / "tree.json")]) == 0
        assert "no difference" in capsys.readouterr().out


def test_a_stored_tree_is_named_by_its_digest(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = save_taxonomy(SMALL.encode(), "mine", "Ada")
    assert main(["taxonomy", "show", "verruca", "--taxonomy", stored.digest[:12]]) == 0
    text = capsys.readouterr().out
    assert "path: Skin > Wart" in text
    assert "labels of data sets" not in text  # ids of another tree may mean other diseases in the crosswalk
    assert main(["taxonomy", "show", "verruca", "--taxonomy", "no such file.csv"]) == 2


def test_move_takes_a_bundle_along_or_says_why_not(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = home / "mine"
    shutil.copytree(DEMO, bundle)
    renamed = (ASSETS / "taxonomy.csv").read_text(encoding="utf-8").replace(",Psoriasis,", ",Psoriasis and its forms,")
    new = write(home, renamed)
    assert main(["taxonomy", "move", str(bundle), "--to", new, "--dry-run"]) == 0
    assert "All 10 classes of demo survive" in capsys.readouterr().out
    assert (bundle / CARD_FILE).read_bytes() == (DEMO / CARD_FILE).read_bytes()
    assert main(["taxonomy", "move", str(bundle), "--to", new]) == 0
    assert read_card(bundle).taxonomy_digest == read_taxonomy(Path(new)).digest
    card = (bundle / CARD_FILE).read_bytes()
    assert main(["taxonomy", "move", str(bundle), "--from", new, "--to", new]) == 0
    assert "already; nothing was written" in capsys.readouterr().out
    assert (bundle / CARD_FILE).read_bytes() == card
    assert main(["taxonomy", "move", str(bundle), "--from", new, "--to", write(home, SMALL, "small.csv")]) == 1
    assert "10 of 10 classes do not survive" in capsys.readouterr().err


def test_a_bundle_of_another_tree_covers_nothing_here(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(home, to_csv(read_taxonomy()).replace(",Psoriasis,", ",Psoriasis and its forms,"))
    assert main(["taxonomy", "show", "keloid", "--taxonomy", path, "--bundle", str(DEMO)]) == 2
    assert "made for another taxonomy" in capsys.readouterr().err


def test_a_json_file_that_is_no_text_is_refused_in_words(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "tree.json").write_bytes(b"{\xff\xfe")
    assert main(["taxonomy", "export", "--format", "csv", "--taxonomy", str(home / "tree.json")]) == 2
    assert "tree.json cannot be read as UTF-8 text" in capsys.readouterr().err
    path = write(home, "[" * 100_000, "nested.json")
    assert main(["taxonomy", "export", "--format", "csv", "--taxonomy", path]) == 2
    assert "nested.json is no valid JSON" in capsys.readouterr().err
