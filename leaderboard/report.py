"""What happens at the end of a run: the board is written into the store, and its short form returned."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import Misuse, did_you_mean
from harness.store import Store, write_atomically

from .board import Board, make_board, to_json
from .render_bibtex import render_bibtex
from .render_csv import render_csv
from .render_latex import render_latex
from .render_markdown import render_markdown
from .render_page import render_page
from .render_parquet import render_parquet
from .render_terminal import render_terminal

PAGE = "index.html"
PARTS = ("schema_version", "suite", "scores", "tables")
"""What every board has had from the first day."""
FOLDER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


def report(path: Path, grid: Mapping[str, Any]) -> list[str]:
    """Write the board of a grid into its store and return the lines to print.

    Parameters
    ----------
    path
        The store's folder.
    grid
        What was asked, see :func:`harness.hookspecs.harness_reports`.
    """
    store = Store(path)
    board = make_board(store, grid)
    folder = store.boards / suite_folder(board["suite"]["name"])
    write_atomically(folder / "board.json", to_json(board))  # first: what is rendered can be rendered again
    for name, content in _rendered(board).items():
        write_atomically(folder / name, content)
    return [
        *render_terminal(board),
        f"Written to {folder / 'BOARD.md'}",
        f"Open in a browser: {(folder / PAGE).resolve().as_uri()}",
    ]


def files(board: Board) -> dict[str, bytes]:
    """Return the files of a board: the data, and what is rendered from it."""
    return {"board.json": to_json(board), **_rendered(board)}


def _rendered(board: Board) -> dict[str, bytes]:
    scores = render_csv(board)
    return {
        "scores.csv": scores.encode(),
        "scores.parquet": render_parquet(scores),
        "BOARD.md": render_markdown(board).encode(),
        "board.tex": render_latex(board).encode(),
        "citations.bib": render_bibtex(board).encode(),
        PAGE: render_page(board).encode(),
    }


def suite_folder(name: str) -> str:
    """Return the suite's name as the name of a folder.

    Raises
    ------
    Misuse
        It could lead out of the boards' folder.
    """
    if not FOLDER_NAME.fullmatch(name):
        raise Misuse(f'the suite name "{name}" cannot name a folder; use letters, digits and . _ - only')
    return name


def read_board(folder: Path) -> Board:
    """Return the board in a folder.

    Raises
    ------
    Misuse
        The file cannot be read.
    """
    try:
        board = json.loads((folder / "board.json").read_bytes())
    except (OSError, ValueError) as error:
        raise Misuse(
            f'the board "{folder / "board.json"}" cannot be read ({error}); run the suite again'
        ) from error
    absent = [part for part in PARTS if not isinstance(board, dict) or part not in board]
    if absent:
        raise Misuse(
            f'"{folder / "board.json"}" is no board: it has no {", ".join(absent)}; run the suite again'
        )
    return dict(board)


def stored_board(store: Store, suite: str | None) -> Board:
    """Return the newest board of a suite in a store; the suite may stay unnamed where there is one.

    Raises
    ------
    Misuse
        There is none, or several and none was named.
    """
    suites = sorted(file.parent.name for file in store.boards.glob("*/board.json"))
    if not suites:
        raise Misuse(f'the store "{store.path}" has no board yet; make one with: harness run')
    if suite is None and len(suites) > 1:
        raise Misuse(f'the store "{store.path}" has boards of {", ".join(suites)}; name one')
    if suite is not None and suite not in suites:
        raise Misuse(f'the store "{store.path}" has no board of "{suite}".' + did_you_mean(suite, suites))
    return read_board(store.boards / (suite or suites[0]))
