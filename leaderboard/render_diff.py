"""A difference, or a gate, as Markdown; a gate as JUnit XML too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from junitparser import Failure, JUnitXml, Skipped, TestCase, TestSuite
from tabulate import tabulate

from .diff import CAUSES, Change, Difference, Lost, Standing
from .gate import Gate
from .places import Move
from .render_markdown import escape
from .rows import NOTHING, grouped, printable

MOST = 30
"""Rows of a list in Markdown; JSON has all."""
MARKS = {"passed": "passed", "failed": "**FAILED**", "skipped": "skipped"}


def render_diff(difference: Difference) -> str:
    """Return a difference as Markdown."""
    jobs = difference.jobs
    parts = [
        f"# {escape(difference.before)} → {escape(difference.after)}",
        *(f"**{escape(name)} is withdrawn: {escape(why)}**" for name, why in difference.withdrawn.items()),
        f"{jobs['both']:,} scored jobs in both, {len(difference.added):,} added, "
        f"{len(difference.lost):,} lost; {len(difference.changes):,} values changed.",
        *_section("Models and tasks", _standings(difference.standings)),
        *_section("Places", _moves(difference.moves)),
        *_section("Causes of changed values", _causes(difference.changes)),
        *_section("Lost", _lost(difference.lost)),
        *_section("Added", _lost(difference.added)),
        *_section("Recorded differently", "\n".join(f"- {escape(words)}" for words in difference.beside)),
    ]
    return "\n\n".join(parts) + "\n"


def _section(title: str, body: str) -> list[str]:
    return [f"## {title}", body] if body else []


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a pipe table, or nothing where it has no rows."""
    return tabulate(rows, headers=columns, tablefmt="pipe", disable_numparse=True) if rows else ""


def _standings(standings: Sequence[Standing]) -> str:
    """Return one row for every model on a task that moved; those that did not are counted."""
    moved = [s for s in standings if s.causes]
    columns = ("task", "model", "metric", "gain [95 %]", "pairs", "p (t; Wilcoxon)", "gain by cause")
    table = _table(columns, [_standing(s) for s in moved])
    still = len(standings) - len(moved)
    return "\n\n".join(filter(None, [table, f"{still:,} others are unchanged." if still else ""]))


def _standing(standing: Standing) -> list[str]:
    test = standing.test
    gain = NOTHING if test is None else f"{test.mean:+.4g}"
    if test and test.low is not None and test.high is not None:
        gain += f" [{test.low:+.4g}, {test.high:+.4g}]"
    p_values = (test.t_p, test.wilcoxon_p) if test else (None, None)
    causes = "; ".join(f"{cause}: {found['gain']:+.4g}" for cause, found in standing.causes.items())
    return [
        escape(standing.task),
        escape(f"{standing.model} ({standing.arm})"),
        escape(standing.metric) + ("" if standing.comparable else ", not measured alike"),
        gain,
        str(test.n) if test else "0",
        "; ".join(NOTHING if p is None else f"{p:.2g}" for p in p_values),
        causes or NOTHING,
    ]


def _moves(moves: Sequence[Move]) -> str:
    """Return who changed places, the best places first."""
    rows = [
        [
            escape(f"{move.task} on {move.dataset}"),
            escape(move.row),
            f"{NOTHING if move.before is None else move.before} → {move.after}",
            f"{move.value:.4g}",
        ]
        for move in sorted(moves, key=lambda move: (move.task, move.dataset, move.after))[:MOST]
    ]
    about = "By best seed mean, as the tables list them; tiers and intervals stand on the board."
    more = f"\n\nand {len(moves) - MOST:,} more" if len(moves) > MOST else ""
    return f"{about}\n\n{_table(('table', 'row', 'place', 'value'), rows)}{more}" if rows else ""


def _causes(changes: Sequence[Change]) -> str:
    """Return how many values each cause, or several together, changed, and by how much at most."""
    found: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        found.setdefault(change.causes, []).append(change)
    rows = [
        [
            " + ".join(causes),
            f"{len(of_cause):,}",
            f"{len({change.addresses for change in of_cause}):,}",
            _largest(of_cause),
            escape("; ".join(_details(of_cause))),
        ]
        for causes, of_cause in sorted(found.items(), key=lambda item: [CAUSES.index(c) for c in item[0]])
    ]
    return _table(("cause", "values", "jobs", "largest change", "what differs"), rows)


def _largest(changes: Iterable[Change]) -> str:
    largest = max(changes, key=lambda change: abs(change.gain))
    return f"{escape(largest.metric)} {largest.before:.4g} → {largest.after:.4g}"


def _details(changes: Iterable[Change]) -> list[str]:
    names = list(dict.fromkeys(words for change in changes for words in change.details))
    return names[:4] + ([f"{len(names) - 4} more"] if len(names) > 4 else [])


def _lost(jobs: Sequence[Lost]) -> str:
    rows = [(one.job["task"], f"{one.job['model']} ({one.job['arm']})", one.reason) for one in jobs]
    counted = grouped(rows)
    lines = [f"- {count:,} × {escape(', '.join(row[:2]))}: {escape(row[2])}" for count, row in counted[:MOST]]
    more = len(counted) - MOST
    return "\n".join([*lines, *([f"- and {more:,} kinds more"] if more > 0 else [])])


def render_gate(gate: Gate) -> str:
    """Return a gate as Markdown: what failed first, then what was skipped, and how much passed."""
    state = "passed" if gate.passed else "FAILED"
    counts = {name: sum(check.state == name for check in gate.checks) for name in MARKS}
    told = [check for name in ("failed", "skipped") for check in gate.checks if check.state == name]
    rows = [[MARKS[check.state], check.rule, escape(check.subject), escape(check.message)] for check in told]
    parts = [
        f"# Gate {state}: {escape(gate.before)} → {escape(gate.after)}",
        ", ".join(f"{count:,} {name}" for name, count in counts.items()) + ".",
        _table(("", "rule", "what", "found"), rows),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def junit(gate: Gate) -> str:
    """Return a gate as JUnit XML: one suite per rule, one case per check."""
    document = JUnitXml(name=f"gate {printable(gate.before)} to {printable(gate.after)}")
    for rule in dict.fromkeys(check.rule for check in gate.checks):
        suite = TestSuite(rule)
        for check in gate.checks:
            if check.rule == rule:
                case: Any = TestCase(printable(check.subject), classname=f"gate.{rule.replace(' ', '_')}")
                message = printable(check.message)
                results = {"failed": Failure(message, rule), "skipped": Skipped(message)}
                case.result = [results[check.state]] if check.state in results else []
                suite.add_testcase(case)
        document.add_testsuite(suite)
    document.update_statistics()  # type: ignore[no-untyped-call]
    return bytes(document.tostring()).decode()  # type: ignore[no-untyped-call]
