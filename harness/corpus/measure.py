"""The first look at a data file: read it once from end to end, complain about everything, write its facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.corpus.backed import (
    as_counts,
    as_text,
    dropped,
    ensembl,
    labels,
    matrix_of,
    opened,
    symbols,
    table,
    var_of,
)
from harness.corpus.catalogue import Entry
from harness.corpus.facts import CROSSTABS, Facts, limit_rows
from harness.digest import address
from harness.errors import BadData, did_you_mean

CHUNK = 2048
SHOWN = 3


def measure(entry: Entry, path: Path, limit: int | None = None) -> Facts:
    """Read a file and return its facts.

    Raises
    ------
    BadData
        With every complaint, each a sentence that begins with catalogue and line.
    """
    where = f"{entry.source[0]}:{entry.source[1]}: {entry.name}"
    try:
        with opened(path) as file:
            obs, var = table(file, "obs"), table(file, "var")
            wrong = [*_column_complaints(entry, obs, file), *_cell_complaints(obs)]
            matrix = matrix_of(file, entry)
            if not wrong:
                wrong += _size_complaints(matrix) or _label_complaints(entry, obs)
            if not wrong:
                var = var_of(file, entry)
                totals, wrong = _scan(matrix, entry)
    except BadData as error:
        wrong = [str(error).removeprefix(f"{entry.name}: ")]
    if not wrong:
        content, wrong = _content(entry, path)
    if wrong:
        raise BadData("\n".join(f"{where}: {one}" for one in wrong))
    return _facts(entry, path, obs, var, totals, content, limit)


def _content(entry: Entry, path: Path) -> tuple[str, list[str]]:
    from blake3 import blake3

    found = blake3(max_threads=1).update_mmap(path).hexdigest()
    if entry.digest and found != entry.digest:
        return found, [f'the file has digest "{found}" and the catalogue expects "{entry.digest}"']
    return found, []


def _column_complaints(entry: Entry, obs: Any, file: Any) -> list[str]:
    """Say which columns the catalogue names and the file lacks."""
    wanted = {f"role {role}": column for role, column in entry.roles.items()}
    wanted |= {f"drop {column}": column for column in entry.drop}
    wanted |= {"marks": entry.marks} if entry.marks else {}
    wrong = [
        f'obs has no column "{column}" ({why}).{did_you_mean(column, list(obs.columns))}'
        for why, column in wanted.items()
        if column not in obs.columns
    ]
    genes = var_of(file, entry) if entry.counts != "raw" or "raw" in file else None
    for why, column in (("symbols", entry.symbols), ("ensembl", entry.ensembl)):
        if genes is not None and column not in (None, "index") and column not in genes.columns:
            wrong.append(f'var has no column "{column}" ({why}).{did_you_mean(column, list(genes.columns))}')
    return wrong


def _cell_complaints(obs: Any) -> list[str]:
    repeated = obs.index[obs.index.duplicated()]
    if not len(repeated):
        return []
    return [
        f'{len(repeated):,} names of cells stand more than once, such as "{repeated[0]}"; '
        "make obs_names unique"
    ]


def _size_complaints(matrix: Any) -> list[str]:
    if 0 in matrix.shape:
        return [
            f"the matrix has {matrix.shape[0]} cells and {matrix.shape[1]} genes; "
            "an empty one holds nothing to learn"
        ]
    return []


def _label_complaints(entry: Entry, obs: Any) -> list[str]:
    """Say which labels are missing; labels of dropped cells do not count."""
    kept = ~dropped(obs, entry)
    if not kept.any():
        return ["no cell is left after those that the catalogue drops"]
    wrong = []
    for role, column in entry.roles.items():
        missing = int((labels(obs, entry, role)[kept] == "").sum())
        if missing and entry.kind == "dataset":
            wrong.append(
                f'{missing:,} cells have no label in "{column}" ({role}); give them one with missing, '
                f'or leave them out with drop: {{{column}: [""]}}'
            )
    if "perturbation" in entry.roles:
        found = set(as_text(obs[entry.roles["perturbation"]])[kept])
        if entry.control not in found:
            wrong.append(
                f'no cell has the control "{entry.control}" in "{entry.roles["perturbation"]}".'
                + did_you_mean(entry.control, [str(level) for level in found])
            )
    return wrong


def _scan(matrix: Any, entry: Entry) -> tuple[NDArray[np.float64], list[str]]:
    """Read all counts once; return each cell's total and what is wrong with the counts."""
    totals: list[NDArray[np.float64]] = []
    faults: Counter[str] = Counter()
    for start in range(0, matrix.shape[0], CHUNK):
        counts = _readable(matrix[start : start + CHUNK], entry, faults)
        if counts is not None:
            totals.append(np.asarray(counts.sum(axis=1), dtype=float).ravel())
    wrong = [
        f"{cells:,} counts are {fault}; raw counts are whole numbers from 0"
        for fault, cells in faults.items()
    ]
    return np.concatenate(totals) if totals else np.zeros(0), wrong


def _readable(chunk: Any, entry: Entry, faults: Counter[str]) -> Any:
    """Return a chunk as counts, noting what cannot be counts."""
    values = np.asarray(chunk.data if hasattr(chunk, "tocsr") else chunk)
    bad = ~np.isfinite(values)
    if bad.any():
        faults["NaN or infinite"] += int(bad.sum())
        return None
    counts = as_counts(chunk, entry)
    negative = counts.data < 0
    fractional = counts.data != np.rint(counts.data)
    if negative.any():
        faults["negative"] += int(negative.sum())
    if fractional.any():
        example = float(counts.data[fractional][0])
        faults[f"not whole (such as {example:g}; are they normalised?)"] += int(fractional.sum())
    return counts


def _facts(
    entry: Entry, path: Path, obs: Any, var: Any, totals: Any, content: str, limit: int | None
) -> Facts:
    kept = np.flatnonzero(~dropped(obs, entry))
    rows = limit_rows(len(kept), limit)
    if rows is not None:
        kept = kept[rows]
    columns = {role: labels(obs, entry, role)[kept] for role in entry.roles}
    names, ids = symbols(var, entry), ensembl(var, entry)
    marked = Counter(as_text(obs[entry.marks])[kept].tolist()) if entry.marks else Counter()
    return Facts(
        name=entry.name,
        kind=entry.kind,
        digest=address(
            "data", content=content, reading=entry.reading(), limit=limit if rows is not None else None
        ),
        n_cells=len(kept),
        symbols=tuple(names),
        ensembl=ids,
        gene_digest=address("genes", symbols=names, ensembl=ids),
        levels={role: _counts(column) for role, column in columns.items()},
        crosstabs={
            f"{a}|{b}": _crosstab(columns[a], columns[b]) for a, b in CROSSTABS if {a, b} <= set(columns)
        },
        marked={str(name): int(cells) for name, cells in marked.items() if name},
        median_counts=float(np.median(totals[kept])),
        warnings=tuple(_warnings(entry, obs, totals[kept], names, columns)),
        species=entry.species,
        min_overlap=entry.min_overlap,
        marked_as=(entry.marked_as or (entry.name,)) if entry.kind == "dataset" else (),
        file=path.name,
    )


def _warnings(
    entry: Entry, obs: Any, totals: Any, names: list[str], columns: Mapping[str, NDArray[np.object_]]
) -> list[str]:
    unlabelled = {role: int((column == "").sum()) for role, column in columns.items()}
    found = [
        f"{cells:,} cells have no {role}, so it is not offered" for role, cells in unlabelled.items() if cells
    ]
    for column, values in entry.drop.items():
        absent = sorted(set(values) - set(as_text(obs[column])))
        found += [f'no cell has "{value}" in "{column}", so there is nothing to drop' for value in absent]
    empty = int((totals == 0).sum())
    if empty:
        found.append(f"{empty:,} cells have no counts")
    repeated = len(names) - len(set(names))
    if repeated:
        found.append(
            f"{repeated:,} gene symbols stand more than once; their counts are summed where genes are aligned"
        )
    return found


def _counts(column: NDArray[np.object_]) -> dict[str, int]:
    return {str(level): int(cells) for level, cells in sorted(Counter(column.tolist()).items()) if level}


def _crosstab(rows: NDArray[np.object_], columns: NDArray[np.object_]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (row, column), cells in sorted(Counter(zip(rows.tolist(), columns.tolist(), strict=True)).items()):
        found.setdefault(row, {})[column] = cells
    return found
