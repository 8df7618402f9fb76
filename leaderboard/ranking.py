"""Models side by side: on one table, and over all tables of a board."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic_core import to_jsonable_python as as_json

from harness.checks import Entry, Standings, standings

Json = dict[str, Any]
MODELS = ("trained", "pretrained", "reference")
"""Arms that are ranked over all tables; a task's own baselines are ranked on its own table too."""


def ranking(
    contestants: Iterable[tuple[str, Entry]], arms: Sequence[str] | None = None, reason: str | None = None
) -> Json:
    """Rank the contestants of one table or of several.

    Parameters
    ----------
    contestants
        Arm and entry of each.
    arms
        Those that take part; all where None.
    reason
        Why nobody is ranked, where that is so.
    """
    chosen = [(arm, entry) for arm, entry in contestants if arms is None or arm in arms]
    arm_of = {entry.model: arm for arm, entry in chosen}
    found = standings([entry for _, entry in chosen])
    return _describe(found if reason is None else replace(found, reason=reason), arm_of)


def _describe(found: Standings, arm_of: Mapping[str, str]) -> Json:
    """Return a ranking as plain data; the pairs are told by the letters of the tiers."""
    return {
        "rows": [{**as_json(row), "arm": arm_of[row.model]} for row in found.rows],
        "tasks": list(found.tasks),
        "left_out": dict(found.left_out),
        "unranked": dict(found.unranked),
        "of_tasks_like_these": found.of_tasks_like_these,
        "without": {task: as_json(stability) for task, stability in found.without.items()},
        "reason": found.reason,
    }
