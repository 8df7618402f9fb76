"""The leaderboard: a guest of the harness with one command and one report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import CommandCard, hookimpl


@hookimpl
def harness_commands() -> list[CommandCard]:
    """Offer ``harness leaderboard``."""
    return [
        CommandCard(
            name="leaderboard",
            entry="harness_leaderboard.app:app",
            summary="Show the newest board of a store, or publish it as a version.",
        )
    ]


@hookimpl
def harness_reports(store: Path, grid: Mapping[str, Any]) -> list[str]:
    """Write the board of a finished run into its store and return its short form."""
    from .report import report

    return report(Path(store), grid)
