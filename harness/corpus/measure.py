"""The first look at a data file: read it once from end to end, complain about everything, write its facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from harness.corpus.backed import (
    CONTROL,
    Table,
    as_counts,
    as_text,
    dropped,
    ensembl,
    kept_rows,
    labels,
    matrix_of,
    opened,
    symbols,
    var_of,
)
from harness.corpus.catalogue import Entry
from harness.corpus.facts import CROSSTABS, Facts
from harness.corpus.rows import Rows
from harness.digest import address
from harness.errors import BadData, did_you_mean

CHUNK = 2048
"""Cells that are read at once."""
NOT_WHOLE = "not whole"
LARGEST = 2**24
"""Above this, float32 no longer holds every whole number."""


def measure(entry: Entry, path: Path, limit: int | None = None) -> Facts:
    """Read a file and return its facts.

    Raises
    ------
    BadData
        With every complaint, each a sentence that begins with catalogue and line.
    """
    wrong: list[str] = []
    facts = None
    try:
        with opened(path) as file:
            facts = _look(entry, path, file, limit, wrong)
    except BadData as error:
        wrong.append(str(error).removeprefix(f"{entry.name}: "))
    if facts is None or wrong:
        where = f"{entry.source[0]}:{entry.source[1]}: {entry.name}"
        raise BadData("\n".join(f"{where}: {one}" for one in wrong))
    return facts


def _look(entry: Entry, path: Path, file: Any, limit: int | None, wrong: list[str]) -> Facts | None:
    """Return the facts of an open file, or add to ``wrong`` what is wrong with it."""
    obs, var = Table(file, "obs"), var_of(file, entry)
    wrong += [*_column_complaints(entry, obs, var), *_cell_complaints(obs), *_label_complaints(entry, obs)]
    content = _content(entry, path, wrong)
    matrix = matrix_of(file, entry)
    wrong += _size_complaints(matrix, obs, var, entry)
    kept = kept_rows(obs, entry, limit) if len(obs) == matrix.shape[0] else np.zeros(0, dtype=np.int64)
    scan = _Scan(matrix, entry, kept).run()
    wrong += scan.complaints(obs, var, entry)
    if wrong:
        return None
    return _facts(entry, path, obs, var, kept, scan.totals, content)


def _content(entry: Entry, path: Path, wrong: list[str]) -> str:
    """Return what names the content: a digest of the file, or the address of the world it was made from."""
    if entry.world is not None:
        return path.stem  # HDF5 may write the same cells as other bytes on another machine
    from blake3 import blake3

    found = blake3(max_threads=blake3.AUTO).update_mmap(path).hexdigest()
    if entry.digest and found != entry.digest:
        wrong.append(f'the file has the blake3 digest "{found}" and the catalogue expects "{entry.digest}"')
    return found


def _column_complaints(entry: Entry, obs: Table, var: Table) -> Iterator[str]:
    """Say which columns the catalogue names and the file lacks."""
    wanted = {f"role {role}": column for role, column in entry.roles.items()}
    wanted |= {f"drop {column}": column for column in entry.drop}
    wanted |= {"marks": entry.marks} if entry.marks else {}
    for why, column in wanted.items():
        if column not in obs:
            yield f'obs has no column "{column}" ({why}).{did_you_mean(column, obs.columns)}'
    for why, column in {"symbols": entry.symbols, "ensembl": entry.ensembl or "index"}.items():
        if column != "index" and column not in var:
            yield f'var has no column "{column}" ({why}).{did_you_mean(column, var.columns)}'


def _cell_complaints(obs: Table) -> Iterator[str]:
    repeated = obs.index[obs.index.duplicated()]
    if len(repeated):
        yield (
            f'{len(repeated):,} names of cells stand more than once, such as "{repeated.iloc[0]}"; '
            "make obs_names unique"
        )


def _size_complaints(matrix: Rows, obs: Table, var: Table, entry: Entry) -> Iterator[str]:
    cells, genes = matrix.shape
    if not cells or not genes:
        yield f"the matrix has {cells} cells and {genes} genes; an empty one holds nothing to learn"
    if (cells, genes) != (len(obs), len(var)):
        yield (
            f'"{entry.counts}" is {cells:,} x {genes:,}, but there are {len(obs):,} cells in obs and '
            f"{len(var):,} genes in var"
        )


def _label_complaints(entry: Entry, obs: Table) -> Iterator[str]:
    """Say which labels are missing; labels of dropped cells do not count."""
    kept = ~dropped(obs, entry)
    if len(kept) and not kept.any():
        yield "no cell is left after those that the catalogue drops"
        return
    for role, column in entry.roles.items():
        if column not in obs:
            continue
        found = labels(obs, entry, role)[kept]
        missing = int((found == "").sum())
        if missing and entry.kind == "dataset":
            yield (
                f'{missing:,} cells have no label in "{column}" ({role}); give them one with missing, '
                f'or leave them out with drop: {{{column}: [""]}}'
            )
        if role == "perturbation":
            yield from _control_complaints(entry, set(as_text(obs[column])[kept]))


def _control_complaints(entry: Entry, levels: set[str]) -> Iterator[str]:
    column = entry.roles["perturbation"]
    if entry.control not in levels:
        yield f'no cell has the control "{entry.control}" in "{column}".' + did_you_mean(
            entry.control, sorted(levels)
        )
    elif entry.control != CONTROL and CONTROL in levels:
        yield (
            f'"{column}" has the levels "{entry.control}", which the catalogue names as control, and '
            f'"{CONTROL}"; rename one of them, or drop its cells'
        )


@dataclass
class _Fault:
    """One thing that is wrong with values: how often, and where first."""

    times: int
    value: float
    cell: int
    gene: int


@dataclass
class _Scan:
    """All counts read once: each cell's total, and what is wrong with the counts."""

    matrix: Rows
    entry: Entry
    kept: NDArray[np.int64]
    faults: dict[str, _Fault] = field(default_factory=dict)
    beyond_recovery: str | None = None
    totals: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def run(self) -> _Scan:
        """Read chunk by chunk."""
        self.totals = np.zeros(len(self.kept))
        for start in range(0, len(self.kept), CHUNK):
            rows = self.kept[start : start + CHUNK]
            self.totals[start : start + CHUNK] = self._chunk(self.matrix.take(rows), rows)
        return self

    def _chunk(self, values: csr_matrix, rows: NDArray[np.int64]) -> Any:
        data = values.data
        self._note("NaN or infinite", ~np.isfinite(data), values, rows)
        self._note("negative", data < 0, values, rows)
        if self.entry.recover is None:
            self._note(NOT_WHOLE, np.isfinite(data) & (data != np.rint(data)), values, rows)
            self._note(f"above {LARGEST:,}", np.isfinite(data) & (data > LARGEST), values, rows)
        if self.faults:
            return 0.0
        try:
            return np.asarray(as_counts(values, self.entry).sum(axis=1, dtype=np.float64)).ravel()
        except BadData as error:
            self.beyond_recovery = self.beyond_recovery or str(error).removeprefix(f"{self.entry.name}: ")
            return 0.0

    def _note(self, what: str, bad: Any, values: csr_matrix, rows: NDArray[np.int64]) -> None:
        found = np.flatnonzero(bad)
        if not len(found):
            return
        if what in self.faults:
            self.faults[what].times += len(found)
            return
        first = int(found[0])
        cell = int(rows[np.searchsorted(values.indptr, first, side="right") - 1])
        value, gene = float(values.data[first]), int(values.indices[first])
        self.faults[what] = _Fault(times=len(found), value=value, cell=cell, gene=gene)

    def complaints(self, obs: Table, var: Table, entry: Entry) -> Iterator[str]:
        """Say what is wrong, with the first place of each fault."""
        for what, fault in self.faults.items():
            cell, gene = obs.index.iloc[fault.cell], var.index.iloc[fault.gene]
            guess = "; are they normalised?" if what == NOT_WHOLE else ""
            yield (
                f'{fault.times:,} counts are {what} (such as {fault.value:g} in cell "{cell}", '
                f'gene "{gene}"{guess}); raw counts are whole numbers from 0'
            )
        if self.beyond_recovery:
            yield self.beyond_recovery
        elif not self.faults and len(self.kept) and self.matrix.shape[1] and not self.totals.any():
            yield f'"{entry.counts}" holds zeros only, so there are no counts'


def _facts(
    entry: Entry,
    path: Path,
    obs: Table,
    var: Table,
    kept: NDArray[np.int64],
    totals: NDArray[np.float64],
    content: str,
) -> Facts:
    columns = {role: labels(obs, entry, role)[kept] for role in entry.roles}
    names, ids = symbols(var, entry), ensembl(var, entry)
    marked = Counter(as_text(obs[entry.marks])[kept].tolist()) if entry.marks else Counter()
    limit = len(kept) if len(kept) < int((~dropped(obs, entry)).sum()) else None
    return Facts(
        name=entry.name,
        kind=entry.kind,
        digest=address("data", content=content, reading=entry.reading(), limit=limit),
        n_cells=len(kept),
        symbols=names,
        ensembl=ids,
        gene_digest=address("genes", symbols=names, ensembl=ids),
        levels={role: _counts(column) for role, column in columns.items()},
        crosstabs={
            f"{a}|{b}": _crosstab(columns[a], columns[b]) for a, b in CROSSTABS if {a, b} <= set(columns)
        },
        marked={str(name): int(cells) for name, cells in sorted(marked.items()) if name},
        related=entry.related,
        warnings=tuple(_warnings(entry, obs, kept, totals, names, columns)),
        species=entry.species,
        min_overlap=entry.min_overlap,
        marked_as=(entry.marked_as or (entry.name,)) if entry.kind == "dataset" else (),
    )


def _warnings(
    entry: Entry,
    obs: Table,
    kept: NDArray[np.int64],
    totals: NDArray[np.float64],
    names: tuple[str, ...],
    columns: Mapping[str, NDArray[np.object_]],
) -> Iterator[str]:
    for role, found in columns.items():
        if cells := int((found == "").sum()):
            yield f"{cells:,} cells have no {role}, so it is not offered"
        elif entry.missing is not None and (
            cells := int((as_text(obs[entry.roles[role]])[kept] == "").sum())
        ):
            yield f'{cells:,} cells have no {role} and count as "{entry.missing}"'
    for column, values in entry.drop.items():
        for value in sorted(set(values) - set(as_text(obs[column]))):
            yield f'no cell has "{value}" in "{column}", so there is nothing to drop'
    if empty := int((totals == 0).sum()):
        yield f"{empty:,} cells have no counts"
    if repeated := len(names) - len(set(names)):
        yield (
            f"{repeated:,} gene symbols stand more than once; their counts are summed where genes are aligned"
        )


def _counts(column: NDArray[np.object_]) -> dict[str, int]:
    return {str(level): int(cells) for level, cells in sorted(Counter(column.tolist()).items()) if level}


def _crosstab(rows: NDArray[np.object_], columns: NDArray[np.object_]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (row, column), cells in sorted(Counter(zip(rows.tolist(), columns.tolist(), strict=True)).items()):
        found.setdefault(row, {})[column] = cells
    return found
