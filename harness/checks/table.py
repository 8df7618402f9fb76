"""Results from anywhere: a tidy table, one run per row, read into curves; every complaint names the row."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from harness.checks.curve import Curve
from harness.errors import Misuse, did_you_mean
from harness.statistics import Direction

NEEDED = ("task", "model", "dataset", "metric", "value", "seed")
SIZES = ("size", "cells")
"""Columns that may hold the size; the first that is there does."""
OF_THE_CURVE = ("task", "model", "dataset", "metric", "sampler", "corpus", "budget")
OF_THE_CONTROL = ("task", "model", "dataset", "metric")
REFERENCES = ("baseline", "trivial", "ceiling")
MEASURED = ("gpu_hours", "kwh", "diversity")
"""What a run may say of itself: what it cost, and how diverse its sample was."""
OPTIONAL = ("size", "cells", "percentage", "direction", "sampler", "corpus", "budget", *REFERENCES, *MEASURED)
SHOWN = 10
"""Complaints about rows that are printed."""

Read = TypeVar("Read")

METRICS: Mapping[str, tuple[Direction, float | None]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                *("micro_f1", "macro_f1", "f1", "accuracy", "balanced_accuracy", "auroc", "auprc"),
                *(
                    "avg_bio",
                    "nmi",
                    "ari",
                    "asw_label",
                    "bras",
                    "ilisi",
                    "clisi",
                    "kbet",
                    "graph_connectivity",
                ),
                *("r2", "pearson", "pearson_r", "pearson_delta", "spearman"),
            ),
            ("up", 1.0),
        ),
        **dict.fromkeys(("mse", "mae", "rmse", "brier_score", "expected_calibration_error"), ("down", 0.0)),
        **dict.fromkeys(("log_loss", "cross_entropy", "nll", "loss", "perplexity"), ("down", None)),
    }
)
"""Metric, in small letters -> direction and best possible value; others need a column ``direction``."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One run.

    Attributes
    ----------
    line
        Where it stands in the file.
    names
        What it belongs to.
    size, seed, value
        Cells (0 untrained), seed as it stands, score.
    full
        Whether it says that its size is the whole corpus.
    direction, references, measured
        As the row says, where it does.
    """

    line: int
    names: Mapping[str, str]
    size: int
    seed: str
    value: float
    full: bool
    direction: str
    references: Mapping[str, float]
    measured: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class Named:
    """A curve with its names.

    Attributes
    ----------
    names
        Task, model, data set, metric, sampler, corpus and budget; empty where the table has none.
    curve
        Its runs.
    whole
        Cells of the whole corpus, where the table says so.
    measured
        ``gpu_hours``, ``kwh``, ``diversity`` -> size -> one number per run, in the order of the curve's; only
        sizes all of whose runs have it.
    """

    names: Mapping[str, str]
    curve: Curve
    whole: int | None
    measured: Mapping[str, Mapping[int, Sequence[float]]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Table:
    """What a table holds.

    Attributes
    ----------
    curves
        Those that can be judged.
    unjudged
        A sentence for every other one.
    """

    curves: tuple[Named, ...]
    unjudged: tuple[str, ...]


def read_table(path: Path, *, paired: bool = False) -> Table:
    """Read a tidy table (CSV).

    The columns are ``task``, ``model``, ``dataset``, ``metric``, ``seed``, ``value`` and the size in cells
    (``size``, or ``cells``; with ``percentage`` beside it, 100 tells the whole corpus). Optional are
    ``sampler``, ``corpus``, ``budget``, ``direction`` (up or down; for well-known metrics not needed), one
    number per run, ``gpu_hours``, ``kwh`` and ``diversity`` (of its sample), and, one number for a whole
    curve, ``baseline``, ``trivial`` and ``ceiling``. Rows of size 0, the untrained
    control, belong to every curve of their model, task, data set and metric.

    Parameters
    ----------
    paired
        Seed i of all sizes belongs together, as for nested samples.

    Raises
    ------
    Misuse
        With the row, where the table cannot be read as what it says, or no curve of it can be judged.
        Duplicates are never averaged.
    """
    rows = _checked(path, read_rows(path, lambda columns: _refuse_columns(path, columns), _row))
    controls = _grouped([row for row in rows if row.size == 0], OF_THE_CONTROL)
    trained = _grouped([row for row in rows if row.size > 0], OF_THE_CURVE)
    whole = _whole(rows)
    curves: list[Named] = []
    unjudged: list[str] = []
    for names, runs in trained.items():
        control = controls.get(names[: len(OF_THE_CONTROL)], [])
        obstacle = _obstacle(runs)
        if obstacle:
            unjudged.append(f"{path.name}:{runs[0].line}: {' / '.join(filter(None, names))}: {obstacle}")
            continue
        named = dict(zip(OF_THE_CURVE, names, strict=True))
        curves.append(
            Named(
                names=named,
                curve=_curve(path, runs, control, paired),
                whole=whole.get(named["corpus"]),
                measured={column: _measured([*control, *runs], column) for column in MEASURED},
            )
        )
    if not curves:
        nothing = "it has no trained run (all sizes are 0)"
        raise Misuse("\n".join(unjudged[:SHOWN]) or f"{path.name}: {nothing}; a curve needs two sizes")
    return Table(curves=tuple(curves), unjudged=tuple(unjudged))


# -- reading ---------------------------------------------------------------------------------------------


def read_rows(
    path: Path,
    check: Callable[[Sequence[str]], None],
    row: Callable[[Mapping[str, str], int], Read],
) -> list[Read]:
    """Read a CSV file row by row.

    Parameters
    ----------
    check
        Is given the names of the columns, and refuses those that will not do.
    row
        Makes something of a row, column -> text, and its line; a ``ValueError`` is a complaint about the row.

    Raises
    ------
    Misuse
        With every row that was complained about, or why the file cannot be read.
    """
    rows: list[Read] = []
    complaints: list[str] = []
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            check(reader.fieldnames or ())
            for found in reader:
                try:
                    rows.append(row(_texts(found), reader.line_num))
                except ValueError as error:
                    complaints.append(f"{path.name}:{reader.line_num}: {error}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Misuse(f'"{path}" cannot be read as a table ({error}); a CSV file is needed') from error
    refuse(complaints)
    return rows


def _texts(found: Mapping[str | None, str | None]) -> dict[str, str]:
    """Return column -> text, empty where a line ends too early."""
    if None in found:
        raise ValueError("it has more fields than the first line names")
    return {column: (text or "").strip() for column, text in found.items() if column is not None}


def _refuse_columns(path: Path, columns: Sequence[str]) -> None:
    """Refuse a table without the columns it needs."""
    for needed in NEEDED:
        if needed not in columns:
            raise Misuse(
                f'{path.name}:1: there is no column "{needed}"; needed are {", ".join(NEEDED)} and size (or '
                f"cells), found were {', '.join(columns) or 'none'}"
            )
    if not any(size in columns for size in SIZES):
        alone = ' ("percentage" alone does not say of how many)' if "percentage" in columns else ""
        raise Misuse(
            f'{path.name}:1: there is no column "size" or "cells" that says how many cells a run was trained '
            f"on{alone}"
        )


def _row(found: Mapping[str, str], line: int) -> Row:
    def text(column: str) -> str:
        return found.get(column, "")

    for name in ("task", "model", "dataset", "metric", "seed"):
        if not text(name):
            raise ValueError(f'"{name}" is empty; every run needs it')
    size_column = next(column for column in SIZES if column in found)
    size = number(text(size_column), size_column)
    if size < 0 or not size.is_integer():
        raise ValueError(
            f'"{size_column}" is "{text(size_column)}"; a whole number of cells from 0 (untrained) is needed'
        )
    if text("direction") not in ("", "up", "down"):
        raise ValueError(
            f'"direction" is "{text("direction")}"; "up" (larger is better) or "down" is accepted'
        )
    percentage = number(text("percentage"), "percentage") if text("percentage") else None
    return Row(
        line=line,
        names={name: text(name) for name in OF_THE_CURVE},
        size=int(size),
        seed=text("seed"),
        value=number(text("value"), "value"),
        full=percentage == 100,
        direction=text("direction"),
        references={name: number(text(name), name) for name in REFERENCES if text(name)},
        measured={name: _amount(text(name), name) for name in MEASURED if text(name)},
    )


def _amount(text: str, column: str) -> float:
    amount = number(text, column)
    if amount < 0:
        raise ValueError(f'"{column}" is "{text}"; a number from 0 on is needed')
    return amount


def number(text: str, column: str) -> float:
    """Return a field as a finite number; the ``ValueError`` is a sentence with the name of its column."""
    try:
        value = float(text)
    except ValueError:
        said = f'"{column}" is "{text}", which is no number'
        raise ValueError(said if text else f'"{column}" is empty; leave missing runs out') from None
    if not math.isfinite(value):
        raise ValueError(f'"{column}" is "{text}"; leave missing runs out, they are no scores')
    return value


# -- the rows together -----------------------------------------------------------------------------------


def _checked(path: Path, rows: list[Row]) -> list[Row]:
    """Return the rows; refuse runs that occur twice, and directions that are unknown or mixed.

    Untrained controls that tables repeat for every sampler count once.
    """
    kept, repeated = _told_apart(rows)
    refuse([f"{path.name}:{complaint}" for complaint in (*repeated, *_directions(rows))])
    return kept


def refuse(complaints: Sequence[str]) -> None:
    """Raise ``Misuse`` with the first of the complaints, if there are any."""
    if complaints:
        more = f"\n... and {len(complaints) - SHOWN:,} more" if len(complaints) > SHOWN else ""
        raise Misuse("\n".join(complaints[:SHOWN]) + more)


def _told_apart(rows: Sequence[Row]) -> tuple[list[Row], list[str]]:
    """Return each run once, and a complaint for each that stands there again."""
    met: dict[tuple[str, ...], Row] = {}
    repeated = []
    for row in rows:
        names = OF_THE_CURVE if row.size else OF_THE_CONTROL
        first = met.setdefault((*(row.names[name] for name in names), str(row.size), row.seed), row)
        copied = first.names != row.names and first.value == row.value
        if first is not row and not copied:
            repeated.append(
                f"{row.line}: the run of {row.names['model']}, size {row.size:,}, seed {row.seed} stands in "
                f"line {first.line} already ({first.value:g} there, {row.value:g} here); keep one of them"
            )
    return list(met.values()), repeated


def _directions(rows: Sequence[Row]) -> Iterator[str]:
    said: dict[tuple[str, ...], Row] = {}
    for row in rows:
        metric = row.names["metric"]
        if not row.direction and metric.lower() not in METRICS:
            yield (
                f'{row.line}: the direction of "{metric}" is unknown; add a column "direction" with "up" '
                f'(larger is better) or "down".{did_you_mean(metric, list(METRICS))}'
            )
            return
        first = said.setdefault((row.names["task"], row.names["dataset"], metric), row)
        if row.direction != first.direction:
            yield (
                f'{row.line}: the direction of "{metric}" is "{row.direction or "not given"}" here and '
                f'"{first.direction or "not given"}" in line {first.line}; a metric has one'
            )
            return


def _grouped(rows: Sequence[Row], by: Sequence[str]) -> dict[tuple[str, ...], list[Row]]:
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(row.names[name] for name in by)].append(row)
    return dict(groups)


def _whole(rows: Sequence[Row]) -> dict[str, int]:
    """Return corpus -> cells at 100 % anywhere in the table."""
    return {row.names["corpus"]: row.size for row in rows if row.full}


def _obstacle(runs: Sequence[Row]) -> str | None:
    """Return why a curve cannot be judged, if it cannot."""
    by_size = _by_size(runs)
    if len(by_size) < 2:
        return f"only one trained size ({runs[0].size:,} cells); a trend needs two"
    if max(map(len, by_size.values())) < 2:
        return "only one seed at every size; without a second nothing says how far chance goes"
    return None


def _by_size(rows: Sequence[Row]) -> dict[int, list[float]]:
    return {size: [row.value for row in runs] for size, runs in _in_order(rows).items()}


def _measured(rows: Sequence[Row], column: str) -> dict[int, list[float]]:
    """Return what the runs of every size say in a column, where all of them say it."""
    return {
        size: [row.measured[column] for row in runs]
        for size, runs in _in_order(rows).items()
        if all(column in row.measured for row in runs)
    }


def _in_order(rows: Sequence[Row]) -> dict[int, list[Row]]:
    """Return size -> runs in the order of their seeds."""
    runs: dict[int, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.size, len(row.seed), row.seed)):
        runs[row.size].append(row)
    return dict(runs)


def _curve(path: Path, runs: Sequence[Row], control: Sequence[Row], paired: bool) -> Curve:
    direction, bound = METRICS.get(runs[0].names["metric"].lower(), ("up", None))
    given = {name: _one(path, [*runs, *control], name) for name in REFERENCES}
    baseline = given.pop("baseline")
    try:
        return Curve(
            runs=_by_size([*control, *runs]),
            direction="down" if (runs[0].direction or direction) == "down" else "up",
            baselines={} if baseline is None else {"baseline": [baseline]},
            bound=bound if not runs[0].direction or runs[0].direction == direction else None,
            paired=paired,
            **given,
        )
    except ValueError as error:
        raise Misuse(f"{path.name}:{runs[0].line}: {error}") from error


def _one(path: Path, rows: Sequence[Row], name: str) -> float | None:
    """Return the one value that the rows of a curve have in a column; None where they have none."""
    having = [row for row in rows if name in row.references]
    other = [row for row in having if row.references[name] != having[0].references[name]]
    if other:
        raise Misuse(
            f'{path.name}:{other[0].line}: "{name}" is {other[0].references[name]:g} here and '
            f"{having[0].references[name]:g} in line {having[0].line} of the same curve; it has one"
        )
    return having[0].references[name] if having else None
