"""``harness run``: do what the plan says and write the board."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options
from harness.cli.grid import Grid, expand
from harness.cli.listing import complaints
from harness.cli.planning import lost, pruned_lines, summary
from harness.errors import HarnessError, Misuse
from harness.records import Job, Record

if TYPE_CHECKING:
    from harness.executors.session import Progress

Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", min=1, help="Jobs at the same time; one per accelerator, or the cores, if not given."
    ),
]


Adaptive = Annotated[
    bool,
    typer.Option("--adaptive", help="Start with few runs, and add sizes and seeds where a verdict is open."),
]
Confidence = Annotated[
    float | None,
    typer.Option(
        min=0.5,
        max=1.0,
        help="With --adaptive: how probable the whole grid's verdict must be.",
        show_default="0.95",
    ),
]
Share = Annotated[
    float | None,
    typer.Option(
        "--budget",
        min=0.0,
        max=1.0,
        help="With --adaptive: share of the whole grid's cost that may be spent.",
    ),
]


@options.takes_grid
def run(
    wanted: options.Wanted,
    jobs: Jobs = None,
    refresh: options.Refresh = False,
    strict: options.Strict = False,
    adaptive: Adaptive = False,
    confidence: Confidence = None,
    budget: Share = None,
) -> None:
    """Run every job of a suite that has no result yet, judge the curves, and write the board."""
    started = time.monotonic()
    if not adaptive and (confidence is not None or budget is not None):
        raise Misuse("--confidence and --budget say when an adaptive grid stops; add --adaptive")
    if jobs:
        os.environ.setdefault("LOKY_MAX_CPU_COUNT", str(jobs))  # the board is made by no more processes
    try:
        grid = expand(wanted, announce=lambda text: print(text, flush=True))
        if adaptive:
            grid, failed = _run_in_rounds(grid, jobs, refresh, confidence, budget)
        else:
            failed = _run_what_is_left(grid, jobs, refresh)
    except KeyboardInterrupt:
        print(
            "\ninterrupted; what is finished is stored. The same command goes on from there.", file=sys.stderr
        )
        raise typer.Exit(130) from None
    guests, ours = lost(grid)
    problems = complaints(grid.registry) + guests
    _report(grid)
    for line in problems + ours:
        print(line)
    print(f"finished in {time.monotonic() - started:.0f} s")
    if failed or (strict and problems) or not grid.plan.jobs:
        raise typer.Exit(1)


def _run_what_is_left(grid: Grid, jobs: int | None, refresh: bool) -> int:
    """Run the jobs that have no result; return how many failed."""
    from harness.executors.session import take_stock

    progress = take_stock(grid.plan, grid.store, refresh)
    print(summary(grid, len(progress.todo), len(progress.stored), 0 if refresh else progress.other_versions))
    for line in pruned_lines(grid):
        print(line)
    if not grid.plan.jobs:
        print("nothing can be run: every combination is pruned")
    elif not progress.todo:
        print("nothing to compute: every job has a result")
    else:
        return _failed(_execute(grid, progress, jobs))
    return 0


def _run_in_rounds(
    grid: Grid, jobs: int | None, refresh: bool, confidence: float | None, budget: float | None
) -> tuple[Grid, int]:
    """Run the jobs that verdicts need; return the grid of those alone, and how many failed."""
    from harness.adaptive import CONFIDENCE, Limits, run_in_rounds
    from harness.cli.adaptive import ending_lines, left_out, round_line
    from harness.executors.session import Progress, take_stock

    stock = take_stock(grid.plan, grid.store, refresh)
    print(summary(grid, len(stock.todo), len(stock.stored), 0 if refresh else stock.other_versions))
    for line in pruned_lines(grid):
        print(line)
    made: list[Record] = []

    def execute(wanted: Sequence[Job]) -> list[Record]:
        records = _execute(grid, Progress(todo=tuple(wanted)), jobs)
        made.extend(records)
        return records

    ending = run_in_rounds(
        grid.plan,
        grid.registry,
        stock.stored,
        Limits(
            confidence=CONFIDENCE if confidence is None else confidence,
            budget=1.0 if budget is None else budget,
        ),
        execute,
        lambda number, wanted, cost: print(round_line(number, len(wanted), cost), flush=True),
    )
    for line in ending_lines(ending):
        print(line)
    return replace(grid, plan=left_out(grid.plan, ending)), _failed(made)


def _failed(records: Iterable[Record]) -> int:
    return sum(record.outcome.status == "failed" for record in records)


def _execute(grid: Grid, progress: Progress, jobs: int | None) -> list[Record]:
    from harness.cli.progress import Display
    from harness.executors.local import Limits, LocalExecutor
    from harness.executors.session import execute

    suite, cores = grid.plan.suite, os.cpu_count() or 1
    at_once = jobs or grid.device.count or cores
    slots = min(at_once, len(progress.todo))
    executor = LocalExecutor(
        grid.store,
        slots=slots,
        threads=max(1, cores // at_once),  # whatever is left to do: the last bits of a fit depend on it
        accelerators=grid.device.count,
        limits=Limits(seconds=suite.timeout, memory_bytes=int(suite.memory * 2**30)),
    )
    records = execute(
        progress,
        grid.plan,
        grid.registry,
        grid.known,
        grid.store,
        executor,
        environment={"device": grid.device.name, "device_kind": grid.device.kind},
        trial=grid.trial,
    )
    made = []
    with Display(len(progress.todo), executor.activities) as display:
        for record in records:
            made.append(record)
            display.advance(_trouble(record))
    outcomes = Counter(record.outcome.status for record in made)
    print(", ".join(f"{count:,} {status}" for status, count in sorted(outcomes.items())))
    return made


def _trouble(record: Record) -> list[str]:
    """Return what there is to say of a job that did not simply succeed."""
    lines = [f"noticed: {text}" for text in record.outcome.notes.get("recomputed", ())]
    failure = record.outcome.failure
    if failure:
        job = record.job
        who = job["baseline"] or job["model"]["name"]
        lines.append(
            f"failed ({failure.kind}, in {failure.stage}): {who} on {job['dataset']['name']}, "
            f"{job['task']['name']}: {failure.reason}"
        )
    if record.outcome.status == "not-applicable":
        job = record.job
        lines.append(
            f"not applicable: {job['task']['name']} on {job['dataset']['name']}: {record.outcome.reason}"
        )
    return lines


def _report(grid: Grid) -> None:
    """Let every report be made; a broken one is named and stops nothing."""
    if not grid.plan.jobs:
        return
    described = grid.describe()
    for report in grid.registry.reports:
        try:
            lines = report(store=grid.store.path, grid=described)
        except (HarnessError, Exception) as error:
            print(f"the report {report.__module__} failed: {type(error).__name__}: {error}", file=sys.stderr)
            continue
        for line in lines:
            print(line)
