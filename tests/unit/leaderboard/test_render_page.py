"""What stands in the files that browsers and papers get, without a browser: tests/browser has one."""

import base64
import copy
import gzip
import hashlib
import json
import re
import runpy
import tomllib
from pathlib import Path

import pytest

from harness_leaderboard.page_data import distinguishing_digits, page_data, rounded
from harness_leaderboard.render_figures import render_figures, saturation_point, says_nothing
from harness_leaderboard.render_index import render_index
from harness_leaderboard.render_page import MOST_BYTES, PROGRAMS, STYLES, render_page

ROOT = Path(__file__).resolve().parents[3]
SYNTHETIC = runpy.run_path(str(ROOT / "tests" / "fixtures" / "synthetic_boards.py"))
HOSTILE = "</script><script>alert(1)</script>{{data}}"


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    return SYNTHETIC["synthetic_board"](tmp_path_factory.mktemp("store"), 4, 2)


def embedded(page):
    [packed] = re.findall(r'<script type="text/plain" id="data">([A-Za-z0-9+/=]*)</script>', page)
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def test_the_page_holds_the_data_and_a_policy_for_its_one_program(board):
    """The policy names the digests of what is in the page, so nothing else runs; no address leads outside."""
    page = render_page(board)
    assert embedded(page) == json.loads(json.dumps(page_data(board)))
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none'; ")
    for kind, start in (("script", "<script>"), ("style", "<style>")):
        [content] = re.findall(rf"{start}(.*?)</{kind}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not re.search(r'(?:src|href)="(?!#)', page)


def test_every_program_is_in_the_page_and_in_the_package():
    """No file of the page is forgotten, and those that install the package get them all."""
    place = ROOT / "leaderboard"
    written = {path.relative_to(place / "page").as_posix() for path in (place / "page").rglob("*.js")}
    assert {name for name in written if "node_modules" not in name} == set(PROGRAMS)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    packed = {path for pattern in settings["harness_leaderboard"] for path in place.glob(pattern)}
    assert {place / "page" / name for name in (*PROGRAMS, *STYLES, "template.html")} <= packed


def test_the_same_board_makes_the_same_page(board):
    assert render_page(board) == render_page(json.loads(json.dumps(board)))


def test_a_hostile_suite_name_stays_text(board):
    """A name that closes the script or names a place of the template does neither."""
    page = render_page({**board, "suite": {"name": HOSTILE, "about": HOSTILE}})
    assert "<script>alert" not in page
    assert embedded(page)["suite"] == HOSTILE
    assert page.count("</script>") == render_page(board).count("</script>")


def test_every_address_can_be_found_again(board):
    """The digits that are kept tell all jobs apart, and every run of a curve points to its own."""
    data = page_data(board)
    digits = data["digits"]
    kept = [data["addresses"][at : at + digits] for at in range(0, len(data["addresses"]), digits)]
    known = {score["addresses"]["score"] for score in board["scores"]}
    known |= {each["address"] for each in board["missing"]}
    assert len(set(kept)) == len(kept) == len(known)
    for table, shown in zip(board["tables"], data["tables"], strict=True):
        points = {p["address"] for curve in table["curves"] for p in curve["points"] + curve["absent"]}
        assert {kept[at] for curve in shown["curves"] for at in curve["at"]} == {p[:digits] for p in points}


def test_digits_are_as_many_as_needed():
    """Eight, or one more than two addresses share."""
    assert distinguishing_digits(["a" * 64, "b" * 64]) == 8
    assert distinguishing_digits(["abcdefabcd0", "abcdefabcd1", "f" * 11]) == 11
    assert distinguishing_digits([]) == 8


def test_numbers_keep_five_digits():
    assert rounded({"a": [0.123456789, 12345678.0, None, "x", 3]}) == {
        "a": [0.12346, 12346000.0, None, "x", 3]
    }


def test_what_has_no_value_is_none_with_its_reason(board):
    """A failed run is no number on the page: it stands with its status and why."""
    [flat] = [c for c in page_data(board)["tables"][0]["curves"] if c["model"] == "model 002"]
    metric = flat["metrics"]["micro_f1"]
    [[place, status, reason]] = metric["absent"]
    assert (flat["size"][place], flat["seed"][place]) == (1_000, 2)
    assert (status, reason, metric["values"][place]) == ("failed", "no memory left", None)


def test_a_p_value_that_the_score_contradicts_is_not_shown(board):
    """It is kept in the board, beside the reason; a reader of the page would take it for a finding."""

    def shown(contradicted):
        changed = copy.deepcopy(board)
        for curve in changed["tables"][0]["curves"]:
            for finding in curve["no_change"]:
                for against in finding["against"][:1]:
                    against["reason"] = contradicted
        entries = page_data(changed)["tables"][0]["curves"]
        return [f.get("p") for e in entries for m in e["metrics"].values() for f in m["no_change"]]

    assert any(p is not None for p in shown(None))
    assert not any(
        p is not None for p in shown("over units it is shown to be better, and its score is worse")
    )


def test_fifty_models_on_twenty_tasks_are_under_a_megabyte_and_a_half(tmp_path):
    """Without every run of every metric where it must be, and it says so."""
    large = SYNTHETIC["synthetic_board"](tmp_path, 50, 20)
    assert len(render_page(large).encode()) < MOST_BYTES
    short = page_data(large, every_run=False)
    assert short["every_run"] is False
    metrics = short["tables"][0]["curves"][0]["metrics"]
    assert "values" in metrics["micro_f1"]
    assert "values" not in metrics["log_loss"]
    assert [size for size, *_ in metrics["log_loss"]["sizes"]] == [0, 100, 1_000, 10_000]


def test_a_board_of_the_first_schema_is_shown():
    """What it does not have is absent: no verdict, no rank, no elasticities."""
    old = json.loads((ROOT / "leaderboard" / "published" / "real" / "v0001" / "board.json").read_bytes())
    assert old["schema_version"] == 1
    data = embedded(render_page(old))
    assert data["ranking"] is None
    assert data["elasticities"] is None
    assert len(data["tables"]) == len(old["tables"])


def test_figures_for_papers(board):
    """Gains, the map and one figure of curves per table; the same board makes the same file."""
    board = {**board, "tables": board["tables"][:1]}
    drawn = render_figures(board)
    assert list(drawn) == ["gains.svg", "saturation.svg", "curves_01.svg"]
    assert render_figures(board, only="saturation") == {"saturation.svg": drawn["saturation.svg"]}
    words = drawn["saturation.svg"].decode()
    assert "1 k</text>" in words
    assert "≥ 10 k</text>" in words
    curves = {c["label"]: c for c in board["tables"][0]["curves"] if c["metric"] == "micro_f1"}
    assert saturation_point(curves["model 000"])["size"] == 1_000
    assert not says_nothing(curves["model 000"])
    assert says_nothing(curves["model 003"])
    assert render_figures(board, "png", "gains")["gains.png"].startswith(b"\x89PNG")


def test_the_index_lists_versions_newest_first():
    """A withdrawn version says why, is never the newest, and no text of it is a tag."""
    found = render_index(
        {
            "quick": [
                ("v0001", "BOARD.md", None),
                ("v0002", "index.html", None),
                ("v0003", "index.html", "<b>"),
            ]
        }
    )
    assert re.findall(r'href="([^"]*)"', found) == [
        "quick/v0003/index.html",
        "quick/v0002/index.html",
        "quick/v0001/BOARD.md",
    ]
    assert "v0002</a> <strong>newest</strong>" in found
    assert "withdrawn: &lt;b&gt;" in found
