"""Board -> a few plain lines for a terminal: the headline of every table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

from .rows import heading, headline_rows, printable

COLUMNS = (
    "model",
    "sampler (corpus)",
    "untrained",
    "best [cells] ± sd",
    "verdict",
    "R0; R4",
    "gain at the largest size [95 %]",
    "seeds",
)


def render_terminal(board: Mapping[str, Any]) -> list[str]:
    """Return the lines to print."""
    lines = [_title(board)]
    for table in board["tables"]:
        rows = headline_rows(board, table, printable)
        mark = "  (split random by cell)" if table["random_by_cell"] else ""
        lines += ["", heading(table, printable) + mark]
        lines += tabulate(rows, COLUMNS, tablefmt="simple", disable_numparse=True).splitlines()
    return [*lines, "", _counts(board)]


def _title(board: Mapping[str, Any]) -> str:
    suite = printable(board["suite"]["name"])
    version = f" {board['version']}" if board["version"] else ""
    trial = "  TRIAL on limited cells: not a result" if board["trial"] else ""
    return f"Board of the suite {suite}{version}{trial}"


def _counts(board: Mapping[str, Any]) -> str:
    scored = sum(score["status"] == "ok" for score in board["scores"])
    parts = {
        "failed": len(board["failures"]),
        "not applicable": len(board["not_applicable"]),
        "missing": len(board["missing"]),
        "combinations pruned": len(board["pruned"]),
    }
    return ", ".join([f"{scored:,} jobs scored", *(f"{n:,} {what}" for what, n in parts.items() if n)])
