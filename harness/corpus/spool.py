"""Cells copied to plain arrays on disk: fast to read at random, and apart from the file they came from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.contracts.cells import Cells, read_only

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix


def spool(cells: Cells, folder: Path) -> None:
    """Copy the counts of cells into ``folder`` as CSR arrays; no label goes with them.

    Memory holds one batch: the arrays are written as the batches come.
    """
    import numpy as np

    folder.mkdir(parents=True, exist_ok=True)
    lengths = [np.zeros(1, dtype=np.int64)]
    with (folder / "data.f32").open("wb") as data, (folder / "indices.i32").open("wb") as indices:
        for batch in cells.batches():
            batch.data.astype(np.float32).tofile(data)
            batch.indices.astype(np.int32).tofile(indices)
            lengths.append(np.diff(batch.indptr).astype(np.int64))
    np.save(folder / "indptr.npy", np.cumsum(np.concatenate(lengths)))
    np.save(folder / "measured.npy", cells.measured)
    genes = {"symbols": list(cells.genes), "ensembl": _listed(getattr(cells, "ensembl", None))}
    (folder / "genes.json").write_text(json.dumps(genes))


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return list(values) if values else None


@dataclass(frozen=True, kw_only=True)
class SpooledCells:
    """Cells in a spool, mapped into memory read-only: the arrays stay on disk.

    Attributes
    ----------
    data, indices, indptr
        CSR arrays (float32, int32, int64).
    symbols, ensembl
        One per gene.
    """

    data: NDArray[np.float32]
    indices: NDArray[np.int32]
    indptr: NDArray[np.int64]
    measured: NDArray[np.bool_]
    symbols: tuple[str, ...]
    ensembl: tuple[str, ...] | None
    columns: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.indptr) - 1

    @property
    def genes(self) -> Sequence[str]:
        """Gene symbols."""
        return self.symbols

    def rows(self, indices: NDArray[np.int64]) -> csr_matrix:
        """Return these cells in the order asked for, read-only."""
        import numpy as np

        wanted = np.asarray(indices, dtype=np.int64)
        starts, lengths = self.indptr[wanted], self._lengths[wanted]
        indptr = np.concatenate([[0], np.cumsum(lengths)])
        # Positions of all values: each row's start, and a running number within the row.
        at = np.repeat(starts - indptr[:-1], lengths) + np.arange(indptr[-1])
        return self._matrix(self.data[at], self.indices[at], indptr)

    def batches(self, size: int = 1024) -> Iterator[csr_matrix]:
        """Yield all cells in order, read-only."""
        import numpy as np

        for start in range(0, self.n_cells, size):
            indptr = self.indptr[start : min(start + size, self.n_cells) + 1]
            span = slice(int(indptr[0]), int(indptr[-1]))
            yield self._matrix(np.array(self.data[span]), np.array(self.indices[span]), indptr - indptr[0])

    @cached_property
    def _lengths(self) -> NDArray[np.int64]:
        import numpy as np

        return np.diff(self.indptr)

    def _matrix(self, data: Any, indices: Any, indptr: Any) -> csr_matrix:
        from scipy.sparse import csr_matrix

        return read_only(csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, len(self.symbols))))


def open_spool(folder: Path) -> SpooledCells:
    """Open what :func:`spool` wrote."""
    import numpy as np

    genes = json.loads((folder / "genes.json").read_bytes())
    indptr = np.load(folder / "indptr.npy", allow_pickle=False)
    filled = int(indptr[-1]) > 0

    def mapped(name: str, kind: Any) -> Any:
        return np.memmap(folder / name, dtype=kind, mode="r") if filled else np.zeros(0, dtype=kind)

    return SpooledCells(
        data=mapped("data.f32", np.float32),
        indices=mapped("indices.i32", np.int32),
        indptr=indptr,
        measured=np.load(folder / "measured.npy", allow_pickle=False),
        symbols=tuple(genes["symbols"]),
        ensembl=tuple(genes["ensembl"]) if genes["ensembl"] else None,
    )
