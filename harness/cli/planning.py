"""``harness plan``: what would be run, and why the rest would not."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping

from harness.cli import options
from harness.cli.grid import Grid, expand
from harness.registry import HOUSE


@options.takes_grid
def plan(wanted: options.Wanted, as_json: options.AsJson = False) -> None:
    """Show the expanded grid: new, stored and pruned jobs, and a sentence for every pruned combination."""
    from harness.executors.session import take_stock

    grid = expand(wanted)
    progress = take_stock(grid.plan, grid.store)
    if as_json:
        counts = {"new": len(progress.todo), "stored": len(progress.stored), "pruned": len(grid.plan.pruned)}
        print(json.dumps({**grid.describe(), "counts": counts}, indent=1))
        return
    print(_table(grid, {job.address for job in progress.todo}))
    print(summary(grid, len(progress.todo), len(progress.stored), progress.other_versions))
    for line in pruned_lines(grid):
        print(line)


def _table(grid: Grid, todo: set[str]) -> str:
    """Return one row for every model and task on a data set."""
    from tabulate import tabulate

    rows: dict[tuple[str, str, str], Counter[str]] = {}
    for job in grid.plan.jobs:
        who = job.fit.model.label if job.fit else "(baselines)"
        state = "new" if job.address in todo else "stored"
        rows.setdefault((job.dataset.name, job.task.label, who), Counter())[state] += 1
    return tabulate(
        [[*key, count["new"], count["stored"]] for key, count in rows.items()],
        headers=["data set", "task", "model", "new", "stored"],
    )


def summary(grid: Grid, new: int, stored: int, other_versions: int = 0) -> str:
    """Return the line that counts the grid."""
    text = (
        f"\nsuite {grid.plan.suite.name} on {grid.device.kind} ({grid.device.name}): "
        f"{len(grid.plan.jobs):,} jobs, {new:,} new, {stored:,} stored; "
        f"{len(grid.plan.pruned):,} combinations pruned"
    )
    if other_versions:
        text += (
            f"\n{other_versions:,} stored results come from other library versions; --refresh repeats them"
        )
    return text


def pruned_lines(grid: Grid) -> list[str]:
    """Return one line for every reason, with whom it concerns."""
    concerned: dict[str, list[str]] = {}
    for pruned in grid.plan.pruned:
        size = f"size {pruned.size:,}" if pruned.size else None
        parts = [pruned.model, pruned.sampler, pruned.corpus, size, pruned.task, pruned.dataset]
        concerned.setdefault(pruned.reason, []).append(" x ".join(part for part in parts if part))
    return [f"pruned: {_some(names)}: {reason}" for reason, names in concerned.items()]


def _some(names: list[str]) -> str:
    distinct = list(dict.fromkeys(names))
    more = f" and {len(distinct) - 3} more" if len(distinct) > 3 else ""
    return "; ".join(distinct[:3]) + more


def lost(grid: Grid) -> tuple[list[str], list[str]]:
    """Return the guests, and the plugins of ours, that a plan prunes everywhere, a line for each.

    Ours are known to be of use on other data, or wait for an extra.
    """
    found = grid.plan.pruned_everywhere(grid.registry)
    is_ours = [one["distribution"].split()[0] == HOUSE for one in found]
    guests = [one for one, ours in zip(found, is_ours, strict=True) if not ours]
    return _lines(guests), _lines(one for one, ours in zip(found, is_ours, strict=True) if ours)


def _lines(found: Iterable[Mapping[str, str]]) -> list[str]:
    """Return a line for each plugin that a plan prunes everywhere."""
    return [
        f'pruned everywhere: the {one["kind"]} "{one["name"]}" of {one["distribution"]}: {one["reason"]}'
        for one in found
    ]
