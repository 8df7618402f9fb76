"""``harness judge``: the same verdicts for results from anywhere; no model is run."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.options import AsJson

if TYPE_CHECKING:
    from harness.checks.judgement import Judged

MARKS = {"left": "<= ", "right": ">= ", "beyond": "> "}
SHOWN = ("R0", "R3", "R4")
"""Rules in the table; JSON has all."""


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
) -> None:
    """Judge the learning curves of a table: does the model beat doing nothing, and where does it saturate?"""
    from harness.errors import Misuse

    if schema:
        print(schema_text())
        return
    if table is None:
        raise Misuse("judge needs a table, a CSV file with one run per row; --help names the columns")
    from harness.checks.judgement import describe, judged
    from harness.checks.table import read_table

    read = read_table(table, paired=paired)
    with _progress(len(read.curves)) as progress:
        found = judged(read.curves, replicates=replicates, fits=fits, progress=progress)
    for sentence in read.unjudged:
        print(f"harness: {sentence}", file=sys.stderr)
    if plots is not None:
        _draw(found, plots)
    if as_json:
        print(json.dumps(describe(found, read.unjudged), indent=1, allow_nan=False))
    else:
        print(_table(found))


def schema_text() -> str:
    """Return the published JSON Schema."""
    return (Path(__file__).parents[1] / "schemas" / "judge.json").read_text()


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], object]]:
    """Show a bar where someone looks and it takes a while."""
    from rich.console import Console
    from rich.progress import Progress

    quiet = total < 100 or not sys.stderr.isatty()
    with Progress(console=Console(stderr=True), disable=quiet, transient=True) as bar:
        task = bar.add_task("judging", total=total)
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
    if verdict.reading:
        parts.append(verdict.reading.replace("-", " "))
    return "; ".join(parts)
