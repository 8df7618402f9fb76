"""``harness judge``: the same verdicts for results from anywhere; no model is run."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import AsJson

if TYPE_CHECKING:
    from harness.checks import Median, Standings
    from harness.checks.judgement import Judged
    from harness.statistics import Estimate

MARKS = {"left": "<= ", "right": ">= ", "beyond": "> "}
SHOWN = ("R0", "R3", "R4")
"""Rules in the table; JSON has all."""


class Unit(StrEnum):
    """What a cost may be counted in."""

    MONEY = "money"
    GPU_HOURS = "gpu_hours"
    KWH = "kwh"


def judge(
    table: Annotated[
        Path | None, typer.Argument(help="CSV: task, model, dataset, metric, size, seed, value, ...")
    ] = None,
    as_json: AsJson = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of --json.")] = False,
    paired: Annotated[
        bool, typer.Option("--paired", help="Seed i of all sizes belongs together (nested samples).")
    ] = False,
    replicates: Annotated[int, typer.Option(min=200, help="Bootstrap replicates.")] = 2000,
    fits: Annotated[bool, typer.Option("--fits/--no-fits", help="Fit each curve too (rule R5).")] = True,
    plots: Annotated[Path | None, typer.Option(help="Folder for a picture of every curve (SVG).")] = None,
    price_gpu_hour: Annotated[float, typer.Option(min=0, help="What a GPU-hour costs you.")] = 0.0,
    price_kwh: Annotated[float, typer.Option(min=0, help="What a kWh costs you.")] = 0.0,
    worth: Annotated[
        float | None, typer.Option(min=0, help="What you pay for a gain of 1 in a score: where to stop.")
    ] = None,
    worth_in: Annotated[Unit, typer.Option(help="The unit of --worth.")] = Unit.MONEY,
    replay_adaptive: Annotated[
        bool,
        typer.Option(
            "--replay-adaptive",
            help="What an adaptive grid would have saved, and how often it would have agreed with this one; "
            "without a table, on synthetic curves of known truth.",
        ),
    ] = False,
    orders: Annotated[
        int, typer.Option(min=1, help="Orders of the seeds that --replay-adaptive averages over.")
    ] = 5,
) -> None:
    """Judge the learning curves of a table: does the model beat doing nothing, and where does it saturate?"""
    from harness.errors import Misuse

    if schema:
        print(schema_text())
        return
    if replay_adaptive:
        _replay(table, paired, orders, as_json)
        return
    if table is None:
        raise Misuse("judge needs a table, a CSV file with one run per row; --help names the columns")
    from harness.checks.judgement import Paying, describe, judged, medians_over_tasks, rankings
    from harness.checks.table import read_table
    from harness.statistics import Prices

    read = read_table(table, paired=paired)
    prices = Prices(gpu_hour=price_gpu_hour, kwh=price_kwh)
    paying = Paying(prices=prices, unit=worth_in.value, worth=worth)
    with _progress(len(read.curves)) as progress:
        found = judged(read.curves, replicates=replicates, fits=fits, paying=paying, progress=progress)
    for sentence in read.unjudged:
        print(f"harness: {sentence}", file=sys.stderr)
    if plots is not None:
        _draw(found, plots)
    if as_json:
        print(json.dumps(describe(found, read.unjudged), indent=1, allow_nan=False))
    else:
        print(_table(found))
        print(_ranking_table(rankings(read.curves)))
        print(_median_table(medians_over_tasks(found)))


def _replay(table: Path | None, paired: bool, orders: int, as_json: bool) -> None:
    from harness.adaptive import CONFIDENCES, replay, synthetic_curves
    from harness.checks.table import read_table
    from harness.cli.adaptive import describe_replay, replay_table
    from harness.errors import Misuse

    if paired:
        raise Misuse(
            "--replay-adaptive deals the seeds of every size anew, which --paired forbids; leave one out"
        )
    read = read_table(table) if table else None
    curves = [named.curve for named in read.curves] if read else synthetic_curves()
    for sentence in read.unjudged if read else ():
        print(f"harness: {sentence}", file=sys.stderr)
    with _progress(orders * len(CONFIDENCES), "replaying", at_least=0) as progress:
        found = replay(curves, orders=orders, progress=progress)
    print(json.dumps(describe_replay(found), indent=1) if as_json else replay_table(found))


def schema_text() -> str:
    """Return the published JSON Schema."""
    return (Path(__file__).parents[1] / "schemas" / "judge.json").read_text()


@contextmanager
def _progress(total: int, what: str = "judging", at_least: int = 100) -> Iterator[Callable[[int], object]]:
    """Show a bar where someone looks and it takes a while."""
    from rich.console import Console
    from rich.progress import Progress

    quiet = total < at_least or not sys.stderr.isatty()
    with Progress(console=Console(stderr=True), disable=quiet, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda done: bar.advance(task, done)


def _draw(found: Sequence[Judged], folder: Path) -> None:
    from harness.checks.figures import draw_curve

    folder.mkdir(parents=True, exist_ok=True)
    for number, judged in enumerate(found, start=1):
        words = "-".join(filter(None, judged.named.names.values()))
        draw_curve(judged, folder / f"{number:04d}-{re.sub(r'[^A-Za-z0-9_.-]+', '_', words)[:120]}.svg")
    print(f"{len(found)} pictures are in {folder}", file=sys.stderr)


def _table(found: Sequence[Judged]) -> str:
    from tabulate import tabulate

    rows = [
        [
            "\n".join(filter(None, (names["task"], names["dataset"], names["metric"]))),
            "\n".join(filter(None, (names["model"], names["sampler"], names["corpus"], names["budget"]))),
            f"{judged.verdict.level}\n{judged.verdict.trend}",
            "\n".join(judged.verdict.flags[:4]) or "-",
            *(_point(judged.verdict.saturation[rule]) for rule in SHOWN),
            _says(judged),
        ]
        for judged in found
        for names in [judged.named.names]
    ]
    headers = ["task, data, metric", "model, sampler", "level, trend", "flags", *SHOWN, "what it says"]
    return tabulate(rows, headers=headers, tablefmt="grid", maxcolwidths=[*([None] * 7), 34])


def _ranking_table(rankings: Mapping[tuple[str, ...], Standings]) -> str:
    """Return a row for every ranked model; a sentence where there is nothing to rank."""
    from tabulate import tabulate

    rows = [
        [
            " / ".join(filter(None, setting)) or "-",
            row.model,
            _interval(row.average_rank),
            f"{row.best:.0%}",
            "-" if row.win_rate is None else f"{row.win_rate:.0%}",
            row.tier,
            f"{len(ranking.tasks)}" + ("" if ranking.of_tasks_like_these else ", these alone"),
        ]
        for setting, ranking in rankings.items()
        for row in ranking.rows
    ]
    if not rows:
        reasons = sorted({ranking.reason for ranking in rankings.values() if ranking.reason})
        return f"No ranking: {'; '.join(reasons)}."
    headers = ["sampler", "model", "average rank [95 %]", "P(best)", "wins", "tier", "tasks"]
    return tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True)


def _median_table(medians: Sequence[Median]) -> str:
    """Return a row for every model: its median saturation point over tasks, by the rules that are shown."""
    from tabulate import tabulate

    rows: dict[tuple[str | None, ...], dict[str, str]] = {}
    for each in medians:
        trained = " / ".join(filter(None, (each.sampler, each.corpus, each.budget))) or "-"
        n_curves = each.n_without + (each.size.n if each.size else 0)
        rows.setdefault((each.model, trained, f"{n_curves:,}"), {})[each.rule] = _median(each)
    return tabulate(
        [[*who, *(of_rule[rule] for rule in SHOWN)] for who, of_rule in rows.items()],
        headers=["model", "sampler", "curves", *(f"median {rule} [95 %] in cells" for rule in SHOWN)],
        tablefmt="simple",
        disable_numparse=True,
    )


def _median(median: Median) -> str:
    size = median.size
    if size is None:
        return "-"
    words = _span(size.low, size.high)
    if size.interval_low is None or size.interval_high is None:
        return words
    return f"{words} [{_span(size.interval_low, size.interval_high)}]"


def _span(low: float, high: float) -> str:
    """Return (low, high] in words: a ladder of sizes tells no more."""
    if math.isinf(high):
        return f"> {low:,.0f}" if low else "anywhere"
    return f"<= {high:,.0f}" if low == 0 else f"{low:,.0f} to {high:,.0f}"


def _interval(estimate: Estimate) -> str:
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.2f}"
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"


def _point(point: Any) -> str:
    if point.size is None:
        return "-"
    share = point.distribution.get(point.size, 0.0)
    return f"{MARKS.get(point.censored, '')}{point.size:,}\n({share:.0%} of resamples)"


def _says(judged: Judged) -> str:
    """Return the numbers that decide, in words."""
    verdict, evidence = judged.verdict, judged.verdict.evidence
    parts = [f"best {evidence.best:.3f} at {evidence.best_size:,}"]
    if evidence.gain is not None:
        parts.append(f"{evidence.gain:+.3f} over untrained")
    if evidence.baseline_low is not None and evidence.baseline_high is not None:
        parts.append(f"[{evidence.baseline_low:+.3f}, {evidence.baseline_high:+.3f}] over the baseline")
    seeds = max(map(len, judged.named.curve.runs.values()))
    if verdict.trend == "inconclusive" and (evidence.seeds_needed or 0) > seeds:
        parts.append(f"about {evidence.seeds_needed:.0f} seeds a size are needed")
    parts.extend(_paid(judged))
    if verdict.reading:
        parts.append(verdict.reading.replace("-", " "))
    return "; ".join(parts)


def _paid(judged: Judged) -> Iterator[str]:
    """Say what a decade of cells brings and, to who said what a gain is worth, where to stop."""
    per_decade, stop = judged.marginal.per_decade, judged.marginal.stop
    if per_decade.value is not None:
        known = per_decade.low is not None and per_decade.high is not None
        within = f" [{per_decade.low:+.3f}, {per_decade.high:+.3f}]" if known else ""
        yield f"{per_decade.value:+.3f}{within} per decade of cells"
    if stop is not None:
        beyond = " or later" if stop.at_end else ""
        yield f"stop at {stop.size:,.0f}{beyond}" if stop.size is not None else str(stop.reason)
