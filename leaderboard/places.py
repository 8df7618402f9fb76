"""Who stands where in a table, before and after: by best seed mean, as boards list their rows.

Places are for a glance. Who is really ahead of whom is told by the tiers and intervals of a board's ranking.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from .tables import label, table_key

Board = Mapping[str, Any]
Table = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Move:
    """One row of a table whose place changed; ``before`` is None where it was not there."""

    task: str
    dataset: str
    row: str
    before: int | None
    after: int
    value: float


def moves(old: Board, new: Board) -> Iterator[Move]:
    """Yield the rows whose place changed, table by table.

    Rows that only the earlier board has stay where the table is measured alike, so that a board of a few
    models is told as what it would change among all. A row that lost its value has no place any more: it is
    told among what was lost, and here by those who move up.
    """
    tables = {_name(table): table for table in old["tables"]}
    for table in new["tables"]:
        known = tables.get(_name(table))
        before = _defined(_rows(known)) if known else {}
        kept = before if known and table_key(known) == table_key(table) else {}
        after = _defined({**kept, **_rows(table)})
        first, then = _places(before, table), _places(after, table)
        for row, place in then.items():
            if first.get(row) != place:
                yield Move(
                    task=label(table["task"]),
                    dataset=table["dataset"]["name"],
                    row=row,
                    before=first.get(row),
                    after=place,
                    value=after[row],
                )


def _name(table: Table) -> tuple[str, str]:
    return label(table["task"]), str(table["dataset"]["name"])


def _rows(table: Table) -> dict[str, float | None]:
    """Return row -> value by the primary metric, None where it is undefined; oracles take no place."""
    metric = table["primary"]
    curves = {_curve(curve): _best(curve) for curve in table["curves"] if curve["metric"] == metric}
    constants = {
        f"{constant['label']} ({constant['arm']})": constant["mean"]
        for constant in table["constants"]
        if constant["metric"] == metric and constant["arm"] != "oracle"
    }
    return curves | constants


def _best(curve: Mapping[str, Any]) -> float | None:
    return next((at["mean"] for at in curve["sizes"] if at["size"] == curve["best_size"]), None)


def _defined(rows: Mapping[str, float | None]) -> dict[str, float]:
    return {row: float(value) for row, value in rows.items() if value is not None}


def _curve(curve: Mapping[str, Any]) -> str:
    budget = f", {curve['budget']['amount']:,} {curve['budget']['unit']}" if curve["budget"] else ""
    sampled = f"{label(curve['sampler'])} of {curve['corpus']['name']}" if curve["sampler"] else "untrained"
    return f"{curve['label']} ({sampled}{budget})"


def _places(rows: Mapping[str, float], table: Table) -> dict[str, int]:
    """Return row -> place from 1; equal values share the better one."""
    sign = -1 if table["metrics"][table["primary"]]["direction"] == "up" else 1
    return {
        row: 1 + sum(sign * other < sign * value for other in rows.values()) for row, value in rows.items()
    }
