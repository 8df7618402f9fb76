"""Words for adaptive grids: what a run made and left out, and the trade-off that a replay measured."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from harness.adaptive import answer_of
from harness.records import Pruned

if TYPE_CHECKING:
    from harness.adaptive import CurveEnd, Ending, Replay, Row
    from harness.plan import Plan
    from harness.records import Job

AIM, AIM_COST = 0.90, 0.50
LOW_COST = 0.25


def round_line(number: int, jobs: int, cost: float) -> str:
    """Return the line that opens a round."""
    return f"round {number}: {jobs:,} jobs; {cost:.0%} of the whole grid's cost so far"


def ending_lines(ending: Ending) -> list[str]:
    """Return what came of every curve, what was not run, and why."""
    states = Counter(_state(curve) for curve in ending.curves)
    counted = ", ".join(f"{n:,} {state}" for state, n in sorted(states.items()))
    return [
        f"\nadaptive: {ending.cost:.0%} of the whole grid's cost; curves: {counted or 'none'}",
        *(f"  {_curve_name(curve)}: {_found(curve)}" for curve in ending.curves),
        f"{len(ending.not_run):,} jobs were not run; the same command without --adaptive runs them",
    ]


def _state(curve: CurveEnd) -> str:
    if not curve.not_run:
        return "complete"
    return "settled" if curve.reason == "settled" else "open, the budget is spent"


def _curve_name(curve: CurveEnd) -> str:
    job, draw = curve.jobs.first, curve.jobs.first.draw
    assert draw is not None
    who = f"{curve.jobs.fit.model.label} on {draw.sampler.label} cells of {draw.corpus.name}"
    return f"{who}, {job.task.label} on {job.dataset.name}"


def _found(curve: CurveEnd) -> str:
    """Return the verdict on the runs made, that of the whole grid as far as it can be told, and the rest."""
    words = "not judged" if curve.verdict is None else _verdict(*answer_of(curve.verdict))
    if not curve.not_run:
        return words
    sizes = Counter(_size(job) for job in curve.not_run)
    missing = ", ".join(
        f"{n} of {size:,} cells" if size else f"{n} untrained" for size, n in sorted(sizes.items())
    )
    return f"{words}; {why_not_run(curve)}; runs left out: {missing}"


def _size(job: Job) -> int:
    """Return how many cells a job of a curve trains on; the untrained control has none."""
    return job.draw.size if job.draw else 0


def why_not_run(curve: CurveEnd) -> str:
    """Return why the runs of a curve that are left were not made."""
    forecast = curve.forecast
    if forecast is None:
        return "not run, the budget of the adaptive grid is spent"
    whole = f"the whole grid would say {_verdict(*forecast.answer)} (probability {forecast.probability:.2f})"
    if curve.reason == "settled":
        return f"settled, {whole}"
    needed = curve.verdict.evidence.seeds_needed if curve.verdict else None
    seeds = f", and about {needed:,} seeds a size show its margin" if needed else ""
    return f"open when the budget was spent: {whole}{seeds}"


def _verdict(level: str, trend: str, size: int | None) -> str:
    return f"{level} x {trend}" + (f" at {size:,}" if size else "")


def left_out(plan: Plan, ending: Ending) -> Plan:
    """Return the plan of what was run; the rest is pruned, with the reason, under a name of its own."""
    pruned = [
        Pruned(
            model=curve.jobs.fit.model.label,
            task=job.task.label,
            dataset=job.dataset.name,
            sampler=job.draw.sampler.label if job.draw else None,
            corpus=job.draw.corpus.name if job.draw else None,
            size=_size(job),
            reason=f"not run by the adaptive grid: {why_not_run(curve)}",
        )
        for curve in ending.curves
        for job in curve.not_run
    ]
    return replace(
        plan,
        suite=plan.suite.model_copy(update={"name": f"{plan.suite.name}.adaptive"}),
        jobs=tuple(job for job in plan.jobs if job.address not in ending.not_run),
        pruned=(*plan.pruned, *dict.fromkeys(pruned)),
    )


def replay_table(found: Replay) -> str:
    """Return the trade-off as a table, with the sentence that sums it up."""
    from tabulate import tabulate

    headers = ["stops at", "cost", "agreement", "", "promised", "verdicts of the runs alone", "level"]
    rows = [
        [
            _limits(row),
            f"{row.cost:.0%}",
            f"{row.agreement:.1%}",
            "" if row.error is None else f"± {row.error:.1%}",
            f"{row.promised:.1%}",
            f"{row.agreement_of_runs:.1%}",
            f"{row.level_agreement:.1%}",
        ]
        for row in found.rows
    ]
    return f"{tabulate(rows, headers=headers)}\n\n{sentence(found)}"


def _limits(row: Row) -> str:
    words = f"confidence {row.confidence:g}"
    return words if row.budget == 1 else f"{words}, budget {row.budget:.0%}"


def sentence(found: Replay) -> str:
    """Return what a replay says of the aim: agreement at half the cost, at a quarter, and what 90 % takes."""
    half, quarter = (_best(found, at_most=cost) for cost in (AIM_COST, LOW_COST))
    enough = min((row for row in found.rows if row.agreement >= AIM), key=lambda row: row.cost, default=None)
    met = half is not None and half.agreement >= AIM
    return " ".join(
        [
            f"Curves: {found.curves}; orders of their seeds: {found.orders}; cost in cells trained.",
            f"The aim, {AIM:.0%} agreement at {AIM_COST:.0%} of the cost, is {'met' if met else 'missed'}:",
            f"{_at(half, AIM_COST)}; {_at(quarter, LOW_COST)}.",
            f"{AIM:.0%} takes {enough.cost:.0%} of the cost."
            if enough
            else f"{AIM:.0%} was not reached by any setting.",
        ]
    )


def _best(found: Replay, at_most: float) -> Row | None:
    affordable = [row for row in found.rows if row.cost <= at_most]
    return max(affordable, key=lambda row: row.agreement, default=None)


def _at(row: Row | None, cost: float) -> str:
    if row is None:
        return f"no setting costs {cost:.0%} or less"
    return (
        f"{row.agreement:.1%} at {row.cost:.0%} of it ({row.agreement_of_runs:.1%} by the runs alone, "
        "without the forecast)"
    )


def describe_replay(found: Replay) -> Mapping[str, Any]:
    """Return a replay as plain data."""
    return {"schema": "1", **asdict(found), "says": sentence(found)}
