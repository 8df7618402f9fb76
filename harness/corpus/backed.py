"""Cells in h5ad files, read in batches: the only file that opens them.

Counts may be CSR, CSC or dense, in X, a layer or raw. Memory holds a batch, not the corpus.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contracts.cells import read_only
from harness.corpus.catalogue import Entry
from harness.corpus.facts import limit_rows, without_version
from harness.errors import BadData

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from harness.corpus.rows import Rows

CONTROL = "control"
WHOLE_WITHIN = 0.1
"""How far a recovered count may be from a whole number."""


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open an h5ad file without reading its matrix.

    Raises
    ------
    BadData
        It is not an h5ad file.
    """
    import h5py

    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise BadData(f'"{path}" is not a readable h5ad file: {error}') from error
    with file:
        if not {"obs", "var"} <= set(file):
            raise BadData(f'"{path}" is not an h5ad file: it has no obs and var')
        yield file


class Table:
    """Obs or var: columns are read when they are asked for."""

    def __init__(self, file: Any, name: str) -> None:
        self._stored = file[name]
        self._current = getattr(self._stored, "attrs", {}).get("encoding-version") == "0.2.0"
        if not self._current:
            self._stored = _old_table(file, name)

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return [str(name) for name in (self._stored.attrs["column-order"] if self._current else self._stored)]

    @cached_property
    def index(self) -> Any:
        """Names of the rows."""
        return self._column(self._stored.attrs["_index"]) if self._current else self._stored.index.to_series()

    def __len__(self) -> int:
        return len(self.index)

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def __getitem__(self, name: str) -> Any:
        return self._column(name) if self._current else self._stored[name]

    def _column(self, name: str) -> Any:
        import pandas
        from anndata.io import read_elem

        return pandas.Series(read_elem(self._stored[name]))


def _old_table(file: Any, name: str) -> Any:
    """Return a table written before 2020 as a data frame; anndata knows how its labels were stored."""
    import anndata

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = anndata.read_h5ad(file.filename, backed="r")
    found = {"obs": whole.obs, "var": whole.var, "raw.var": whole.raw.var if whole.raw else None}
    whole.file.close()
    return found[name.replace("/", ".")]


def matrix_of(file: Any, entry: Entry) -> Rows:
    """Return the counts of an open file, still on disk.

    Raises
    ------
    BadData
        The layer or raw that the entry names is absent, or is not a matrix.
    """
    from harness.corpus.rows import DenseRows

    place = _raw(file, "X") if entry.counts == "raw" else entry.counts
    if place not in file:
        layers = [f"layers/{name}" for name in file.get("layers", ())]
        found = [*(["X"] if "X" in file else []), *layers, *(["raw"] if has_raw(file) else [])]
        raise BadData(
            f'{entry.name}: the file has no "{entry.counts}", where the catalogue says the counts are; '
            f"it has {', '.join(found) or 'no matrix at all'}"
        )
    stored = file[place]
    if hasattr(stored, "keys"):
        return _sparse(stored, entry)
    if len(stored.shape) != 2:
        raise BadData(
            f'{entry.name}: "{entry.counts}" has shape {stored.shape}; a matrix of cells x genes is needed'
        )
    return DenseRows(stored)


def _sparse(stored: Any, entry: Entry) -> Rows:
    """Return a CSR matrix on disk; a CSC one is turned."""
    import numpy as np

    from harness.corpus.rows import SparseRows, turned

    form = stored.attrs.get("encoding-type", stored.attrs.get("h5sparse_format", "none"))
    shape = stored.attrs.get("shape", stored.attrs.get("h5sparse_shape"))
    if form.removesuffix("_matrix") not in ("csr", "csc"):
        raise BadData(
            f'{entry.name}: "{entry.counts}" is stored as "{form}"; CSR, CSC and dense matrices can be read'
        )
    indptr = stored["indptr"][:].astype(np.int64)
    make = SparseRows if form.startswith("csr") else turned
    return make(stored["data"], stored["indices"], indptr, (int(shape[0]), int(shape[1])))


def has_raw(file: Any) -> bool:
    """Return whether a file has raw values beside X."""
    return _raw(file, "X") in file


def _raw(file: Any, part: str) -> str:
    """Return where a part of raw is: old files write a dot for the slash."""
    return f"raw.{part}" if f"raw.{part}" in file else f"raw/{part}"


def var_of(file: Any, entry: Entry) -> Table:
    """Return the gene table that belongs to the counts."""
    return Table(file, _raw(file, "var") if entry.counts == "raw" and has_raw(file) else "var")


@dataclass(frozen=True, kw_only=True)
class BackedCells:
    """Cells of one file.

    Attributes
    ----------
    path, entry
        The file and how it is read.
    kept
        Rows of the file that count (dropped cells and those beyond a limit are left out).
    symbols, ensembl
        One per gene.
    columns
        Role -> one label per cell.
    marked
        One label per cell: the data set it also belongs to, empty where none.
    """

    path: Path
    entry: Entry
    kept: NDArray[np.int64]
    symbols: tuple[str, ...]
    ensembl: tuple[str, ...] | None
    columns: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    marked: Any = None

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.kept)

    @property
    def genes(self) -> Sequence[str]:
        """Gene symbols."""
        return self.symbols

    @cached_property
    def measured(self) -> NDArray[np.bool_]:
        """All genes of the file count as measured."""
        import numpy as np

        return np.ones(len(self.symbols), dtype=bool)

    @cached_property
    def _matrix(self) -> Rows:
        import h5py

        return matrix_of(h5py.File(self.path, "r"), self.entry)

    def rows(self, indices: NDArray[np.int64]) -> csr_matrix:
        """Return these cells in the order asked for, read-only."""
        import numpy as np

        # Files are read fastest in order, and each row once.
        wanted, place = np.unique(self.kept[np.asarray(indices, dtype=np.int64)], return_inverse=True)
        counts = as_counts(self._matrix.take(wanted), self.entry)
        in_order = np.array_equal(place, np.arange(len(wanted)))
        return read_only(counts if in_order else counts[place])

    def batches(self, size: int = 1024) -> Iterator[csr_matrix]:
        """Yield all cells in order, read-only."""
        import numpy as np

        for start in range(0, self.n_cells, size):
            yield self.rows(np.arange(start, min(start + size, self.n_cells)))


def as_counts(values: csr_matrix, entry: Entry) -> csr_matrix:
    """Return values of a file as raw counts: CSR, float32, explicit zeros removed."""
    import numpy as np

    counts = values.astype(np.float64 if entry.recover else np.float32)
    counts.sum_duplicates()
    counts.eliminate_zeros()
    return recovered(counts, entry.name) if entry.recover == "expm1" else counts


def recovered(logged: csr_matrix, name: str) -> csr_matrix:
    """Return the counts behind log1p(count x unit of the cell): its smallest value stands for one count.

    Published values are often rounded. The unit read off the smallest value alone is then too coarse for
    large counts, so it is taken again from the whole cell: the sum of its values by the sum of its counts.

    Raises
    ------
    BadData
        What comes out is not whole within 0.1, so the values are something else.
    """
    import numpy as np

    values = np.expm1(logged.data)
    lengths = np.diff(logged.indptr)
    lengths, starts = lengths[lengths > 0], logged.indptr[:-1][lengths > 0]
    if not len(starts):
        return logged.astype(np.float32)
    smallest = np.repeat(np.minimum.reduceat(values, starts), lengths)
    unit = np.add.reduceat(values, starts) / np.add.reduceat(np.rint(values / smallest), starts)
    scaled = values / np.repeat(unit, lengths)
    worst = float(np.abs(scaled - np.rint(scaled)).max())
    if not worst <= WHOLE_WITHIN:
        raise BadData(
            f'{name}: counts cannot be recovered with "expm1": in units of each cell\'s smallest value '
            f"one is {worst:.2f} from a whole number, and at most {WHOLE_WITHIN} is accepted"
        )
    counts = logged.astype(np.float32)
    counts.data = np.rint(scaled).astype(np.float32)
    return counts


def open_cells(entry: Entry, path: Path, roles: Sequence[str] = (), limit: int | None = None) -> BackedCells:
    """Open the cells of an entry.

    Parameters
    ----------
    roles
        Which columns to attach.
    limit
        At most this many cells, always the same ones.
    """
    with opened(path) as file:
        obs, var = Table(file, "obs"), var_of(file, entry)
        kept = kept_rows(obs, entry, limit)
        return BackedCells(
            path=path,
            entry=entry,
            kept=kept,
            symbols=symbols(var, entry),
            ensembl=ensembl(var, entry),
            columns={role: read_only_labels(labels(obs, entry, role)[kept]) for role in roles},
            marked=read_only_labels(as_text(obs[entry.marks])[kept]) if entry.marks else None,
        )


def kept_rows(obs: Table, entry: Entry, limit: int | None = None) -> NDArray[np.int64]:
    """Return the rows of the file that count: those not dropped, and of these no more than the limit."""
    import numpy as np

    kept = np.flatnonzero(~dropped(obs, entry))
    rows = limit_rows(len(kept), limit)
    return kept if rows is None else kept[rows]


def read_only_labels(text: NDArray[np.object_]) -> NDArray[np.object_]:
    """Return labels that refuse to be written to."""
    text.setflags(write=False)
    return text


def dropped(obs: Table, entry: Entry) -> NDArray[np.bool_]:
    """Return, per cell of the file, whether the catalogue leaves it out."""
    import numpy as np

    out = np.zeros(len(obs), dtype=bool)
    for column, values in entry.drop.items():
        if column in obs:
            out |= np.isin(as_text(obs[column]).astype(str), list(values))
    return out


def labels(obs: Table, entry: Entry, role: str) -> NDArray[np.object_]:
    """Return a role's labels as text, empty where missing; a control is always called ``control``."""
    found = as_text(obs[entry.roles[role]])
    if entry.missing is not None:
        found[found == ""] = entry.missing
    if role == "perturbation":
        found[found == entry.control] = CONTROL
    return found


def as_text(column: Any) -> NDArray[np.object_]:
    """Return a column of obs as text, empty where a label is missing."""
    import numpy as np

    codes, levels = column.factorize()  # -1 stands for a missing label
    text: NDArray[np.object_] = np.array([*(str(level) for level in levels), ""], dtype=object)[codes]
    return text


def symbols(var: Table, entry: Entry) -> tuple[str, ...]:
    """Return the gene symbols, empty where missing."""
    return tuple(as_text(var.index if entry.symbols == "index" else var[entry.symbols]))


def ensembl(var: Table, entry: Entry) -> tuple[str, ...] | None:
    """Return Ensembl ids without version, or None where the catalogue names no column."""
    if entry.ensembl is None:
        return None
    column = var.index if entry.ensembl == "index" else var[entry.ensembl]
    return tuple(without_version(name) for name in as_text(column))
