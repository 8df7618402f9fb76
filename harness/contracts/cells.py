"""What the host hands to guests: cells, read in batches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix


@runtime_checkable
class Cells(Protocol):
    """Raw counts of some cells, read from disk in batches.

    Batches are read-only: a guest that writes into them ends its job with a failed outcome. ``columns``
    holds what this guest may see: nothing for a model that embeds evaluation cells; for a fit only the
    roles its card declares as ``corpus:<role>``; for a task the roles of the data set.
    """

    @property
    def n_cells(self) -> int:
        """Number of cells."""

    @property
    def genes(self) -> Sequence[str]:
        """Gene names, in the order of the matrix columns."""

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Per gene: False where the data set did not measure it and the zeros mean nothing."""

    @property
    def columns(self) -> Mapping[str, NDArray[np.object_]]:
        """Role -> one label per cell, for the roles this guest may see."""

    def batches(self, size: int = 1024) -> Iterator[csr_matrix]:
        """Yield all cells in order, ``size`` at a time: CSR, float32, raw counts (cells x genes)."""

    def rows(self, indices: NDArray[np.int64]) -> csr_matrix:
        """Return these cells in the order asked for: CSR, float32, raw counts (cells x genes)."""


@runtime_checkable
class Corpus(Cells, Protocol):
    """The cells a sampler may choose from."""

    @property
    def components(self) -> NDArray[np.float32]:
        """Principal components (cells x components), for samplers that need ``corpus:components``."""


@dataclass(frozen=True, kw_only=True)
class ArrayCells:
    """Cells in memory: what tests of a plugin hand to it, and what small data sets are made of.

    Attributes
    ----------
    counts
        Raw counts (cells x genes), dense or sparse.
    genes
        One name per matrix column.
    columns
        Role -> one label per cell.
    components
        Principal components (cells x components), for samplers that need them.
    """

    counts: Any
    genes: Sequence[str]
    columns: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    components: Any = None

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.counts.shape[0])

    @property
    def measured(self) -> NDArray[np.bool_]:
        """All genes count as measured."""
        import numpy as np

        return np.ones(len(self.genes), dtype=bool)

    def rows(self, indices: NDArray[np.int64]) -> csr_matrix:
        """Return these cells in the order asked for, read-only."""
        from scipy.sparse import csr_matrix

        return read_only(csr_matrix(self.counts[indices], dtype="float32"))

    def batches(self, size: int = 1024) -> Iterator[csr_matrix]:
        """Yield all cells in order, read-only."""
        import numpy as np

        for start in range(0, self.n_cells, size):
            yield self.rows(np.arange(start, min(start + size, self.n_cells)))


@dataclass(frozen=True, kw_only=True)
class View:
    """Cells as one guest may see them: some rows of the cells behind it, and these columns alone."""

    behind: Cells
    columns: Mapping[str, NDArray[np.object_]]
    chosen: NDArray[np.int64] | None = None
    components: Any = None

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.behind.n_cells if self.chosen is None else len(self.chosen)

    @property
    def genes(self) -> Any:
        """Gene names."""
        return self.behind.genes

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Per gene: whether it was measured."""
        return self.behind.measured

    def rows(self, indices: NDArray[np.int64]) -> csr_matrix:
        """Return these cells, read-only."""
        return self.behind.rows(indices if self.chosen is None else self.chosen[indices])

    def batches(self, size: int = 1024) -> Iterator[csr_matrix]:
        """Yield all cells in order, read-only."""
        import numpy as np

        if self.chosen is None:
            yield from self.behind.batches(size)
            return
        for start in range(0, self.n_cells, size):
            yield read_only(self.rows(np.arange(start, min(start + size, self.n_cells))))


def read_only(matrix: csr_matrix) -> csr_matrix:
    """Return a CSR matrix whose arrays refuse to be written to."""
    for array in (matrix.data, matrix.indices, matrix.indptr):
        array.setflags(write=False)
    return matrix
