"""Cells on another gene list: duplicates summed, absent genes zero."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.contracts.cells import Cells, read_only
from harness.corpus.facts import Overlap, overlap

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix


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
    shared
        How far the two gene lists agree.
    """

    behind: Cells
    genes: Sequence[str]
    mapping: Any
    shared: Overlap

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
        """Per gene: whether the data set measured it."""
        import numpy as np

        return np.asarray(self.mapping.T @ np.asarray(self.behind.measured, dtype=np.float32) > 0)

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
        Where they have ``symbols`` and ``ensembl``, as :func:`open_cells` and spools give them, these are
        matched; otherwise their ``genes`` are the symbols.
    symbols, ensembl
        The gene list asked for. A name that stands twice in it takes the counts the first time, and counts
        as not measured the second time.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    own = GeneList(
        symbols=tuple(getattr(cells, "symbols", cells.genes)), ensembl=getattr(cells, "ensembl", None)
    )
    asked = GeneList(symbols=tuple(symbols), ensembl=tuple(ensembl) if ensembl else None)
    shared = overlap(own, asked)
    key = shared.key
    place: dict[str, int] = {}
    for number, name in enumerate(_ids(asked, key)):
        if name:
            place.setdefault(name, number)
    pairs = [(row, place[name]) for row, name in enumerate(_ids(own, key)) if name in place]
    rows, columns = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    ones = np.ones(len(pairs), dtype=np.float32)
    mapping = csr_matrix((ones, (rows, columns)), shape=(len(own.symbols), len(asked.symbols)))
    return AlignedCells(behind=cells, genes=asked.symbols, mapping=mapping, shared=shared)


def _ids(genes: GeneList, key: str) -> tuple[str, ...]:
    return genes.symbols if key == "symbol" else genes.ensembl or ()
