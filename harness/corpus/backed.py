"""Cells in h5ad files, read in batches: the only file that opens them.

Counts may be CSR, CSC or dense, in X, a layer or raw. Memory holds a batch, not the corpus.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contracts.cells import Cells, read_only
from harness.corpus.catalogue import Entry
from harness.corpus.facts import limit_rows, overlap, without_version
from harness.errors import BadData

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

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


def table(file: Any, name: str) -> Any:
    """Return obs or var as a data frame."""
    from anndata.io import read_elem

    return read_elem(file[name])


def matrix_of(file: Any, entry: Entry) -> Any:
    """Return the counts of an open file, still on disk.

    Raises
    ------
    BadData
        The layer or raw that the entry names is absent.
    """
    from anndata.io import sparse_dataset

    place = "raw/X" if entry.counts == "raw" else entry.counts
    if place not in file:
        found = [
            "X",
            *(f"layers/{name}" for name in file.get("layers", ())),
            *(["raw"] if "raw" in file else []),
        ]
        raise BadData(
            f'{entry.name}: the file has no "{entry.counts}", where the catalogue says the counts are; '
            f"it has {', '.join(found)}"
        )
    stored = file[place]
    return sparse_dataset(stored) if hasattr(stored, "keys") else stored


def var_of(file: Any, entry: Entry) -> Any:
    """Return the gene table that belongs to the counts."""
    return table(file, "raw/var" if entry.counts == "raw" else "var")


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
    def _matrix(self) -> Any:
        import h5py

        return matrix_of(h5py.File(self.path, "r"), self.entry)

    def rows(self, indices: NDArray[np.int64]) -> csr_matrix:
        """Return these cells in the order asked for, read-only."""
        import numpy as np

        # Files are read fastest in order, and each row once.
        wanted, place = np.unique(self.kept[np.asarray(indices, dtype=np.int64)], return_inverse=True)
        return read_only(as_counts(self._matrix[wanted], self.entry)[place])

    def batches(self, size: int = 1024) -> Iterator[csr_matrix]:
        """Yield all cells in order, read-only."""
        import numpy as np

        for start in range(0, self.n_cells, size):
            yield self.rows(np.arange(start, min(start + size, self.n_cells)))


def as_counts(values: Any, entry: Entry) -> csr_matrix:
    """Return values of a file as raw counts: CSR, float32, explicit zeros removed."""
    import numpy as np
    from scipy.sparse import csr_matrix

    counts = csr_matrix(values, dtype=np.float64 if entry.recover else np.float32)
    counts.eliminate_zeros()
    counts.sort_indices()
    return recovered(counts, entry.name) if entry.recover == "expm1" else counts


def recovered(logged: csr_matrix, name: str) -> csr_matrix:
    """Return the counts behind log1p(count x factor of the cell): its smallest value stands for one count.

    Raises
    ------
    BadData
        What comes out is not whole within 0.1, so the values are something else.
    """
    import numpy as np

    scaled = logged.copy()
    scaled.data = np.expm1(scaled.data)
    filled = np.flatnonzero(np.diff(scaled.indptr))
    smallest = np.minimum.reduceat(scaled.data, scaled.indptr[filled]) if len(filled) else np.ones(0)
    scaled.data /= np.repeat(smallest, np.diff(scaled.indptr)[filled])
    whole = np.rint(scaled.data)
    worst = float(np.abs(scaled.data - whole).max(initial=0.0))
    if worst > WHOLE_WITHIN:
        raise BadData(
            f'{name}: counts cannot be recovered with "expm1": after division by each cell\'s smallest value '
            f"one is {worst:.2f} from a whole number, and at most {WHOLE_WITHIN} is accepted"
        )
    scaled.data = whole.astype(np.float32)
    return scaled.astype(np.float32)


def open_cells(entry: Entry, path: Path, roles: Sequence[str] = (), limit: int | None = None) -> BackedCells:
    """Open the cells of an entry.

    Parameters
    ----------
    roles
        Which columns to attach.
    limit
        At most this many cells, always the same ones.
    """
    import numpy as np

    with opened(path) as file:
        obs, var = table(file, "obs"), var_of(file, entry)
    kept = np.flatnonzero(~dropped(obs, entry))
    rows = limit_rows(len(kept), limit)
    kept = kept if rows is None else kept[rows]
    return BackedCells(
        path=path,
        entry=entry,
        kept=kept,
        symbols=tuple(symbols(var, entry)),
        ensembl=ensembl(var, entry),
        columns={role: labels(obs, entry, role)[kept] for role in roles},
        marked=as_text(obs[entry.marks])[kept] if entry.marks else None,
    )


def dropped(obs: Any, entry: Entry) -> NDArray[np.bool_]:
    """Return, per cell of the file, whether the catalogue leaves it out."""
    import numpy as np

    out = np.zeros(len(obs), dtype=bool)
    for column, values in entry.drop.items():
        if column in obs:
            out |= np.isin(as_text(obs[column]).astype(str), list(values))
    return out


def labels(obs: Any, entry: Entry, role: str) -> NDArray[np.object_]:
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


def symbols(var: Any, entry: Entry) -> list[str]:
    """Return the gene symbols."""
    return [str(name) for name in (var.index if entry.symbols == "index" else var[entry.symbols])]


def ensembl(var: Any, entry: Entry) -> tuple[str, ...] | None:
    """Return Ensembl ids without version, or None where the catalogue names no column."""
    if entry.ensembl is None:
        return None
    return tuple(without_version(name) for name in as_text(var[entry.ensembl]))


@dataclass(frozen=True, kw_only=True)
class AlignedCells:
    """Cells on another gene list: duplicates summed, genes that were not measured zero.

    Attributes
    ----------
    behind
        The cells on their own genes.
    genes
        The gene list asked for.
    mapping
        Own genes x genes asked for, 1 where they are the same gene.
    """

    behind: Cells
    genes: Sequence[str]
    mapping: Any

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.behind.n_cells

    @property
    def columns(self) -> Mapping[str, NDArray[np.object_]]:
        """Role -> one label per cell."""
        return self.behind.columns

    @cached_property
    def measured(self) -> NDArray[np.bool_]:
        """Per gene: whether the data set has it."""
        import numpy as np

        return np.asarray(self.mapping.sum(axis=0)).ravel() > 0

    def rows(self, indices: NDArray[np.int64]) -> csr_matrix:
        """Return these cells in the order asked for, read-only."""
        return self._aligned(self.behind.rows(indices))

    def batches(self, size: int = 1024) -> Iterator[csr_matrix]:
        """Yield all cells in order, read-only."""
        for batch in self.behind.batches(size):
            yield self._aligned(batch)

    def _aligned(self, batch: csr_matrix) -> csr_matrix:
        from scipy.sparse import csr_matrix

        found = csr_matrix(batch @ self.mapping)
        found.sort_indices()
        return read_only(found)


@dataclass(frozen=True, kw_only=True)
class GeneList:
    """A gene list by itself."""

    symbols: tuple[str, ...]
    ensembl: tuple[str, ...] | None = None


def aligned(cells: Any, symbols: Sequence[str], ensembl: Sequence[str] | None = None) -> AlignedCells:
    """Return cells on another gene list, matched by symbol or Ensembl id, whichever matches more genes.

    Parameters
    ----------
    cells
        With ``symbols`` and ``ensembl``, as :func:`open_cells` and spools give them.
    symbols, ensembl
        The gene list asked for; a name that stands twice in it takes the counts the first time.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    asked = GeneList(symbols=tuple(symbols), ensembl=tuple(ensembl) if ensembl else None)
    by_symbol = overlap(cells, asked).key == "symbol"
    names = asked.symbols if by_symbol else (asked.ensembl or ())
    place: dict[str, int] = {}
    for number, name in enumerate(names):
        if name:
            place.setdefault(name, number)
    own = cells.symbols if by_symbol else cells.ensembl
    pairs = [(row, place[name]) for row, name in enumerate(own) if name in place]
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    ones = np.ones(len(pairs), dtype=np.float32)
    mapping = csr_matrix((ones, (rows, columns)), shape=(len(own), len(names)))
    return AlignedCells(behind=cells, genes=asked.symbols, mapping=mapping)
