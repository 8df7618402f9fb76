"""Board -> ``BOARD.md``. All text that comes from guests or data is escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tabulate import tabulate

from .efforts import FIT_COLUMNS, fit_rows, sample_rows
from .rows import (
    COLUMNS,
    NOTHING,
    grouped,
    heading,
    headline_rows,
    note_words,
    printable,
    split_words,
    tier_words,
)
from .tables import label, who

Board = Mapping[str, Any]

HOW_TO_READ = """\
- One table per task and data set, best score first. The arrow says whether larger (↑) or smaller (↓) is
  better. All other metrics, and every single run, are in `scores.csv` and `board.json`.
- **untrained** is the same model with random weights. Where a data set measured few of the model's genes
  (the share stands above the table), a trained model sees only those of its own choice, an untrained one all.
- **best seed mean** is the mean over seeds at the size (cells, in square brackets) where it is best, ± the
  standard deviation over seeds. The best of several sizes is biased towards luck.
- **verdict** is level × trend. Level: `below-baseline`, `no-benefit` (not shown to be better than the
  untrained control and the best baseline, or better by less than the margin), `beats-baseline`,
  `at-ceiling`. Trend over sizes: `flat` (shown to differ by less than 5 % of the room between floor and
  ceiling), `saturates@n`, `still-improving`, `inverse`, `non-monotone`, or `inconclusive`: these seeds cannot
  tell. `harm at n`: worse than untrained. Only `beats-baseline × saturates@n` without a fall may be quoted
  as a learning saturation point. One model's curves are corrected for each other; no other model matters.
- **saturation R0; R4**: R0 is the published rule (DenAdel et al. 2026, doi 10.1038/s41592-026-03120-y): the
  smallest size with any single run strictly above 95 % of the best single run. It knows no floor: where
  doing nothing scores high, it answers the smallest size by construction. R4 is the smallest size to which no
  larger one is shown to be superior by more than the margin. In cells and in percent of the cells of the
  corpus that a fit may see; `<=`: it sits on the smallest size tested, so it is a bound; `>=`: on the
  largest. All rules with their bootstrap are in `board.json`.
- **gain over the best baseline** is the mean difference, unit by unit, to the baseline of best score, at the
  largest size (a choice that looks at no score); positive where the model is better, with a 95 % bootstrap
  interval over independent units and seeds. "Beats
  it" and "worse" mean that the interval lies above or below zero, "no better" that it holds zero. Below 6
  independent units, where it is known to be too narrow, and where a declared baseline has no result, the gain
  is shown and not judged. Where a score is not a mean over units, the gain is not quite the difference of the
  two scores.
- Rows marked (baseline) are the task's own trivial answers, those marked (oracle) answers that know the
  truth and are never ranked, those marked (reference) models without pretraining. A dash stands where
  there is nothing to say; what is missing is never counted as a score.
"""


HOW_IN_THE_MIDDLE = """\
Median over the curves of a model by primary metrics, in cells, with a bootstrap over data sets. A ladder of
sizes only tells between which two the point lies, so no point is averaged (Turnbull). R0, as published,
counts every curve that has a point, whether it learns or not; R4 those that beat their baseline."""
HOW_DIVERSE = """\
Means over seeds. Vendi is the effective number of unlike cells, by the cosine of their principal components
in the corpus; then, for every column of the corpus, how many levels the sample has, their Shannon entropy,
and the chance that two cells differ (Gini-Simpson). Vendi grows with small samples: compare one size."""
HOW_LONG = """\
Updates, epochs and cells seen from the smallest to the largest fit, all of which had the same budget; early
stopping may end one sooner. Speeds are medians; peak memory is that of the worker."""


def render_markdown(board: Board) -> str:
    """Return the content of ``BOARD.md``."""
    version = f" {board['version']}" if board["version"] else ""
    parts = [f"# Board of the suite {escape(board['suite']['name'])}{version}", _trial(board)]
    parts += [escape(board["suite"].get("about", "")), "## How to read it", HOW_TO_READ]
    parts += [render_tables(board, level=2), _findings(board), _efforts(board), _provenance(board)]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def render_tables(board: Board, level: int) -> str:
    """Return all headline tables, their headings at this level."""
    return "\n\n".join(_table(board, table, "#" * level) for table in board["tables"])


def _table(board: Board, table: Mapping[str, Any], hashes: str) -> str:
    rows = headline_rows(board, table, escape)
    parts = [f"{hashes} {heading(table, escape)}", split_words(table, escape), note_words(table, escape)]
    return "\n\n".join(part for part in [*parts, _grid(COLUMNS, rows), tier_words(table, escape)] if part)


def _trial(board: Board) -> str:
    return "**This is a trial on limited cells, not a result.**" if board["trial"] else ""


def escape(value: Any) -> str:
    """Return a text on one line that Markdown shows as it is: no cell, tag, link or emphasis of its own."""
    line = html.escape(printable(value), quote=False)
    return (
        re.sub(r"([\\`*\[\]|~#!$])|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", lambda found: "\\" + found[0], line)
        .replace("://", "&#58;//")
        .replace("www.", "www&#46;")
    )


def _grid(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return tabulate(list(rows), headers, tablefmt="github", disable_numparse=True)


def _section(title: str, headers: Sequence[str], rows: Sequence[Sequence[str]], about: str = "") -> str:
    """Return a section, or nothing where there are no rows."""
    return "\n\n".join(part for part in (f"## {title}", about, _grid(headers, rows)) if part) if rows else ""


def _counted(entries: Iterable[Mapping[str, Any]], cells: Callable[[Any], Sequence[Any]]) -> list[list[str]]:
    """Return one row per distinct entry, with the count in front."""
    return [
        [f"{n:,}", *row] for n, row in grouped([escape(cell) for cell in cells(entry)] for entry in entries)
    ]


def _findings(board: Board) -> str:
    sections = [
        _section(
            "Failures",
            ("jobs", "class", "stage", "subject", "task", "reason"),
            _counted(board["failures"], lambda f: (f["kind"], f["stage"], who(f), _question(f), f["reason"])),
        ),
        _section(
            "Not applicable",
            ("jobs", "task", "reason"),
            _counted(board["not_applicable"], lambda n: (_question(n), n["reason"])),
        ),
        _section(
            "Metrics without a value",
            ("jobs", "task", "metric", "reason"),
            _counted(_undefined(board), lambda u: (_question(u), u["metric"], u["reason"])),
        ),
        _section(
            "Missing",
            ("jobs", "subject", "task"),
            _counted(board["missing"], lambda m: (who(m), _question(m))),
            "Planned jobs without a result. Run the suite again.",
        ),
        _section(
            "Pruned",
            ("combinations", "models", "samplers", "corpora", "tasks", "data sets", "reason"),
            _pruned(board["pruned"]),
            "Combinations that were not run because they cannot be.",
        ),
        _section("Plugins that could not be used", ("plugin", "distribution", "reason"), _unusable(board)),
    ]
    return "\n\n".join(section for section in sections if section)


def _question(entry: Mapping[str, Any]) -> str:
    return f"{label(entry['task'])} on {entry['dataset']['name']}"


def _undefined(board: Board) -> Iterable[dict[str, Any]]:
    for score in board["scores"]:
        for metric, reason in score["undefined"].items():
            yield {**score, "metric": metric, "reason": reason}


def _pruned(pruned: Iterable[Mapping[str, Any]]) -> list[list[str]]:
    """Return one row per reason, with everything that it concerns."""
    by_reason: dict[str, list[Mapping[str, Any]]] = {}
    for entry in pruned:
        by_reason.setdefault(entry["reason"], []).append(entry)
    names = ("model", "sampler", "corpus", "task", "dataset")
    return [
        [f"{len(entries):,}", *(_several(entry[name] for entry in entries) for name in names), escape(reason)]
        for reason, entries in by_reason.items()
    ]


def _several(names: Iterable[str | None], at_most: int = 4) -> str:
    known = [escape(name) for name in dict.fromkeys(names) if name is not None]
    more = [f"{len(known) - at_most} more"] if len(known) > at_most else []
    return ", ".join([*known[:at_most], *more]) or "all"


def _unusable(board: Board) -> list[list[str]]:
    plugins = board["plugins"]
    rows = [(b["name"], b["distribution"], b["reason"]) for b in plugins.get("broken", [])]
    rows += [
        (f"{c['kind']} {c['name']}", c["distribution"], f"the name belongs to {c['kept']}")
        for c in plugins.get("clashing", [])
    ]
    rows += [
        (f"{p['kind']} {p['name']}", p["distribution"], f"pruned everywhere: {p['reason']}")
        for p in plugins.get("pruned_everywhere", [])
    ]
    return [[escape(cell) for cell in row] for row in rows]


def _efforts(board: Board) -> str:
    columns, samples = sample_rows(board)
    return "\n\n".join(
        section
        for section in (
            _medians(board.get("medians", [])),
            _elasticities(board["elasticities"]),
            _section("Samples", columns, _escaped(samples), HOW_DIVERSE),
            _section("Fits", FIT_COLUMNS, _escaped(fit_rows(board)), HOW_LONG),
        )
        if section
    )


def _medians(found: Sequence[Mapping[str, Any]]) -> str:
    """Return where the curves of each model saturate by the published rule and by R4, over all tables."""
    names = ("model", "sampler", "corpus", "budget")
    rows: dict[tuple[Any, ...], dict[str, Mapping[str, Any]]] = {}
    for median in found:
        rows.setdefault(tuple(median[name] for name in names), {})[median["rule"]] = median
    return _section(
        "Where learning saturates, over all tables",
        (*names, "R0", "R4"),
        [
            [*(escape(name or NOTHING) for name in who), *(_median(of_rule[rule]) for rule in ("R0", "R4"))]
            for who, of_rule in rows.items()
        ],
        HOW_IN_THE_MIDDLE,
    )


def _median(found: Mapping[str, Any]) -> str:
    size, without = found["size"], found["n_without"]
    if size is None:
        return NOTHING
    left_out = f", {without:,} without" if without else ""
    words = f"{_span(size['low'], size['high'])} ({size['n']:,} curves{left_out})"
    if size["interval_low"] is None:
        return words
    return f"{words}; 95 %: {_span(size['interval_low'], size['interval_high'])}"


def _span(low: float, high: float | None) -> str:
    """Return (low, high] in words: a ladder of sizes tells no more."""
    if high is None:
        return f"> {low:,.0f}" if low else "anywhere"
    return f"<= {high:,.0f}" if low == 0 else f"{low:,.0f} to {high:,.0f}"


def _elasticities(found: Mapping[str, Any]) -> str:
    """Return what a decade of cells and of diversity changes, over all tables; nothing without a score."""
    if not found["n"]:
        return ""
    said = [
        f"- {words}: {_estimate(found[what])}"
        for what, words in (("size", "cells"), ("diversity", "diversity (Vendi) of the sample"))
    ]
    about = (
        "Change of the normalised score (floor 0, ceiling 1) per tenfold of one at an equal amount of the "
        f"other, over {found['n']:,} runs of all models and tasks on {found['n_clusters']:,} data sets."
    )
    return "\n\n".join(["## What more, and more diverse, data bring", about, "\n".join(said)])


def _estimate(found: Mapping[str, Any]) -> str:
    if found["value"] is None:
        return f"not told: {escape(found['reason'])}"
    if found["low"] is None or found["high"] is None:
        return f"{found['value']:+.3f}, without an interval: {escape(found['reason'])}"
    return f"{found['value']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]"


def _escaped(rows: Iterable[Iterable[str]]) -> list[list[str]]:
    return [[escape(cell) for cell in row] for row in rows]


def _provenance(board: Board) -> str:
    parts = [
        "## Provenance",
        "\n".join(f"- {name}: {escape(value)}" for name, value in _facts(board) if value),
        _grid(("kind", "plugin", "version", "distribution"), _plugins(board)),
        "\n".join(_caveats(board)),
        _grid(("kind", "data", "cells", "digest", "notes"), _data(board)),
        _overlaps(board),
    ]
    return "\n\n".join(part for part in parts if part)


def _facts(board: Board) -> list[tuple[str, str]]:
    harness = board["harness"]
    budgets = {
        f"{curve['budget']['amount']:,} {curve['budget']['unit']}"
        for table in board["tables"]
        for curve in table["curves"]
        if curve["budget"]
    }
    environments = board["environments"] or [board["environment"]]
    return [
        ("harness", " ".join(str(harness[name]) for name in ("version", "commit") if harness.get(name))),
        ("device", ", ".join(board["device"])),
        ("precision", ", ".join(board["precision"])),
        ("seeds", ", ".join(str(seed) for seed in board["seeds"])),
        ("training budget", ", ".join(sorted(budgets))),
        *(("computed with", _pairs(environment)) for environment in environments),
    ]


def _pairs(mapping: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(mapping.items()))


def _plugins(board: Board) -> list[list[str]]:
    return [
        [
            escape(plugin["kind"]),
            escape(plugin["name"]) + (" (trained with labels)" if plugin.get("supervised") else ""),
            escape(plugin["version"]),
            escape(plugin["distribution"]),
        ]
        for plugin in board["plugins"].get("found", [])
    ]


def _caveats(board: Board) -> list[str]:
    """Return what a reader must know to compare scores, as the models' cards say it."""
    return [
        f"- {escape(plugin['name'])}: {escape(caveat)}"
        for plugin in board["plugins"].get("found", [])
        for caveat in plugin.get("caveats", [])
    ]


def _data(board: Board) -> list[list[str]]:
    return [
        [
            escape(data["kind"]),
            escape(data["name"]),
            f"{data['n_cells']:,}",
            f"`{escape(data['digest'][:12])}`",
            escape("; ".join(data.get("notes", []))),
        ]
        for data in board["data"]
    ]


def _overlaps(board: Board) -> str:
    rows = [[*map(escape, pair.split("|", 1)), _shares(shared)] for pair, shared in board["overlap"].items()]
    return _grid(("data set", "corpus", "genes in common"), rows) if rows else ""


def _shares(shared: Mapping[str, Any]) -> str:
    shares = {name.replace("_", " "): share for name, share in shared.items() if isinstance(share, float)}
    return ", ".join(f"{escape(name)} {share:.0%}" for name, share in shares.items())
