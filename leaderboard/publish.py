"""Board -> ``<to>/<suite>/v0001/``: numbered versions that are never overwritten."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from harness.errors import HarnessError, Misuse
from harness.store import Store, write_atomically

from .board import SCHEMA_VERSION, Board
from .render_index import render_index
from .render_markdown import HOW_TO_READ, escape, render_tables
from .report import PAGE, files, read_board, stored_board, suite_folder
from .tables import table_key, tables_by_key
from .versions import newest_standing, tombstone_of, tombstones, versions_in


def publish(store: Store, suite: str | None, to: Path) -> tuple[str, str]:
    """Publish the newest board of a suite, unless it says the same as the newest version.

    Where ``to`` stands in a folder named ``leaderboard``, that folder's README.md is written anew, from the
    newest version of every suite.

    Parameters
    ----------
    suite
        None where the store has boards of one suite only.
    to
        Folder of all published boards.

    Returns
    -------
    The version that now is the newest, and a sentence for people.

    Raises
    ------
    Misuse
        There is no board, or it is a trial, or nothing on it has a score.
    """
    board = stored_board(store, suite)
    name = suite_folder(board["suite"]["name"])
    _refuse_unfit(board)
    folder = to / name
    newest = next(reversed(versions_in(folder)), None)
    if newest and same_scores(read_board(folder / newest), board):
        _refuse_withdrawn(folder / newest)
        message = f"Nothing new: {folder / newest} has the same scores."
    else:
        newest = _write(folder, _next(newest), board)
        message = f"Published {folder / newest}."
    refresh_readme(to)
    return newest, message


def refresh_readme(to: Path) -> None:
    """Write the index of versions anew, and the README of a leaderboard's folder, where ``to`` is in one."""
    write_atomically(to / "index.html", render_index(_versions(to)).encode())
    if to.resolve().parent.name == "leaderboard":
        write_atomically(to.resolve().parent / "README.md", render_readme(to).encode())


def _versions(to: Path) -> dict[str, list[tuple[str, str, str | None]]]:
    """Return, for every suite, each version with its page and why it was withdrawn."""
    return {
        path.name: [
            (name, PAGE if (path / name / PAGE).exists() else "BOARD.md", stone.reason if stone else None)
            for name in versions_in(path)
            for stone in [tombstone_of(path / name)]
        ]
        for path in sorted(to.iterdir())
        if path.is_dir() and versions_in(path)
    }


def _refuse_withdrawn(folder: Path) -> None:
    if tombstone := tombstone_of(folder):
        raise Misuse(f'the same scores were withdrawn as "{folder}": {tombstone.reason}')


def _refuse_unfit(board: Board) -> None:
    name = board["suite"]["name"]
    if board["trial"]:
        raise Misuse(
            f'the board of "{name}" is a trial on limited cells and is never published; run without --limit'
        )
    if not any(score["status"] == "ok" for score in board["scores"]):
        raise Misuse(f'no job on the board of "{name}" has a score, so there is nothing to publish')


def _next(version: str | None) -> str:
    return f"v{(int(version[1:]) if version else 0) + 1:04}"


def same_scores(one: Board, other: Board) -> bool:
    """Return whether two boards hold the same jobs with values equal within each metric's tolerance.

    Times, devices, versions of libraries and everything else that was not scored do not count.
    """
    mine, theirs = _by_address(one), _by_address(other)
    if mine.keys() != theirs.keys():
        return False
    tables = tables_by_key(other)
    return all(_equal(mine[a], score, tables[table_key(score)]["metrics"]) for a, score in theirs.items())


def _by_address(board: Board) -> dict[str, Any]:
    return {score["addresses"]["score"]: score for score in board["scores"]}


def _equal(mine: Mapping[str, Any], theirs: Mapping[str, Any], metrics: Mapping[str, Any]) -> bool:
    if mine["status"] != theirs["status"] or mine["metrics"].keys() != theirs["metrics"].keys():
        return False
    return all(
        abs(mine["metrics"][metric] - value) <= metrics[metric]["tolerance"]
        for metric, value in theirs["metrics"].items()
    )


def _write(folder: Path, version: str, board: Board) -> str:
    """Write a version beside its final place and rename it, so that it is there whole or not at all."""
    temporary = folder / f".{version}.{uuid4().hex}"
    try:
        for name, content in files({**board, "version": version}).items():
            write_atomically(temporary / name, content)
        _rename_to_new(temporary, folder / version)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return version


def _rename_to_new(temporary: Path, target: Path) -> None:
    try:
        os.rename(temporary, target)
    except OSError as error:
        raise HarnessError(
            f'"{target}" was published by somebody else meanwhile and is never overwritten; publish again'
        ) from error


def render_readme(to: Path) -> str:
    """Return the README of the leaderboard's folder: the newest standing version of every suite."""
    suites = sorted(path.name for path in to.glob("*") if path.is_dir() and versions_in(path))
    parts = ["# Leaderboard", "## How to read it", HOW_TO_READ.strip("\n")]
    parts += [_newest(to, suite) for suite in suites]
    return "\n\n".join(parts) + "\n"


def _newest(to: Path, suite: str) -> str:
    """Return the tables of the newest version that was not withdrawn, and which ones were, and why."""
    withdrawn = [
        f"- {each.version} was withdrawn on {escape(each.withdrawn)}: {escape(each.reason)}"
        for each in tombstones(to / suite)
    ]
    version = newest_standing(to / suite)
    if version is None:
        return "\n\n".join([f"## Suite {escape(suite)}", "No version stands.", "\n".join(withdrawn)])
    link = f"{to.name}/{suite}/{version}/BOARD.md"
    parts = [
        f"## Suite {escape(suite)}, {version}",
        f"Failures, pruned combinations and provenance: [{link}]({link})",
        *(["\n".join(withdrawn)] if withdrawn else []),
    ]
    board = read_board(to / suite / version)
    if board["schema_version"] == SCHEMA_VERSION:
        parts.append(render_tables(board, level=3))
    else:
        parts.append(
            f"It was published in an older form, without verdicts; its tables are in [{link}]({link})."
        )
    return "\n\n".join(parts)
