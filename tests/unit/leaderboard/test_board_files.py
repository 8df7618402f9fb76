"""What is rendered from a board says what its data say, and the data keep to the published schema."""

import io
import json
from pathlib import Path

import jsonschema
import pandas as pd
import pytest
from test_board import HOSTILE, board_of, failed, fit, level_board, record, standard

import harness_leaderboard
from harness_leaderboard.render_bibtex import render_bibtex
from harness_leaderboard.render_csv import render_csv
from harness_leaderboard.render_latex import latex, render_latex
from harness_leaderboard.render_parquet import render_parquet

FOLDER = Path(harness_leaderboard.__file__).parent
SCHEMA = json.loads((FOLDER / "schemas" / "board.json").read_text())


def complaints(board):
    return [e.message for e in jsonschema.Draft202012Validator(SCHEMA).iter_errors(board)]


def test_boards_keep_to_the_schema(tmp_path):
    """One with verdicts, failures, refusals and missing jobs; and none with a number as text."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    refused = record(fit(size=100, seed=7), status="not-applicable", reason="too few donors")
    board = board_of(tmp_path / "a", [*standard(), refused], missing=[record(fit(size=300, seed=3))])
    assert complaints(board) == []
    assert complaints(level_board(tmp_path / "b")) == []
    board["tables"][0]["curves"][0]["points"][0]["value"] = "0.5"
    assert len(complaints(board)) == 1


@pytest.mark.parametrize(
    "folder", sorted((FOLDER / "published").glob("*/v*")), ids=lambda f: "-".join(f.parts[-2:])
)
def test_published_boards_keep_to_the_schema_of_their_day(folder):
    board = json.loads((folder / "board.json").read_bytes())
    if board["schema_version"] != 2:
        pytest.skip(f"schema version {board['schema_version']}, of before there was a published schema")
    assert complaints(board) == []


def test_parquet_has_the_rows_of_the_csv(tmp_path):
    """The same rows in the same order, values to the last digit; what is absent is null."""
    board = board_of(tmp_path, [*standard(), record(fit(size=100, seed=3), 1 / 3)])
    text = render_csv(board)
    table = pd.read_parquet(io.BytesIO(render_parquet(text)))
    lines = pd.read_csv(io.StringIO(text))
    assert list(table.columns) == list(lines.columns)
    assert table["address"].tolist() == lines["address"].tolist()
    assert (1 / 3) in table["value"].tolist()
    assert table["value"].isna().sum() == lines["value"].isna().sum() > 0
    assert str(table["size"].dtype) == "Int64"


def test_latex_is_booktabs_and_escaped(tmp_path):
    board = level_board(tmp_path)
    text = render_latex(board)
    assert [text.count(rule) for rule in ("\\toprule", "\\midrule", "\\bottomrule", "\\hline")] == [
        1,
        1,
        1,
        0,
    ]
    assert "micro\\_f1" in text
    assert latex(HOSTILE).count("\\") >= 10
    assert latex("50 % of a_b & {c}") == "50 \\% of a\\_b \\& \\{c\\}"


def test_only_what_was_used_is_cited(tmp_path):
    """A plugin with a score on the board brings its works; one that failed brings none."""
    found = [
        {"kind": "model", "name": "mae", "version": "2", "distribution": "ours", "citation":
         "Doe et al. 2021, doi:10.1000/x_1; Roe 2022, arXiv:2202.01234"},
        {"kind": "model", "name": "idle", "version": "1", "distribution": "ours", "citation": "Poe 1999"},
        {"kind": "task", "name": "typing", "version": "1", "distribution": "ours", "citation": "Doe 2021"},
    ]  # fmt: skip
    text = render_bibtex(board_of(tmp_path, plugins={"found": found}))
    assert [line for line in text.splitlines() if line.startswith("@")] == [
        "@misc{doe2021,", "@misc{roe2022,", "@misc{doe2021a,",
    ]  # fmt: skip
    assert "doi = {10.1000/x_1}" in text
    assert "eprint = {2202.01234}" in text
    assert "Poe" not in text
    many = [{**found[0], "citation": "; ".join(f"Doe 2021, part {n}" for n in range(40))}]
    text = render_bibtex(board_of(tmp_path / "many", plugins={"found": many}))
    assert len({line for line in text.splitlines() if line.startswith("@")}) == 40
    assert "@" not in render_bibtex(
        board_of(tmp_path / "b", [failed(fit(size=100))], plugins={"found": found})
    )
