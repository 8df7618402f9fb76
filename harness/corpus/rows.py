"""Rows of a matrix on disk, sparse or dense: read in order and in bounded slabs, whatever rows are asked for.

Files are read fastest front to back. Rows that lie close together are therefore read in one slab together
with what lies between them, and never more than a slab at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from tempfile import TemporaryFile
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

GAP = 1 << 15
"""Values between two rows up to which reading them is cheaper than skipping them (two compressed chunks)."""
SLAB = 1 << 22
"""Values that are read at once."""

Integers = NDArray[np.int64]


class Rows(Protocol):
    """A matrix of which some rows can be had."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    def take(self, rows: Integers) -> csr_matrix:
        """Return these rows, which are sorted and distinct, in the type of number that is stored."""


def positions(starts: Integers, lengths: Integers) -> Integers:
    """Return the positions of all values of some rows: each row's start, and a running number in the row."""
    ends = np.cumsum(lengths)
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(ends[-1] if len(ends) else 0)


def slabs(starts: Integers, stops: Integers) -> Iterator[slice]:
    """Divide rows, given by the positions of their values, into runs that are read at once."""
    apart = (starts[1:] - stops[:-1] > GAP) | (starts[1:] // SLAB != starts[:-1] // SLAB)
    edges = [0, *(np.flatnonzero(apart) + 1).tolist(), len(starts)]
    return (slice(first, last) for first, last in pairwise(edges) if last > first)


@dataclass(frozen=True)
class SparseRows:
    """A CSR matrix on disk; ``data`` and ``indices`` are anything that can be sliced.

    Attributes
    ----------
    data, indices
        Values and their columns (stored values,).
    indptr
        Where each row begins (rows + 1,), in memory.
    shape
        Rows and columns.
    """

    data: Any
    indices: Any
    indptr: Integers
    shape: tuple[int, int]

    def take(self, rows: Integers) -> csr_matrix:
        """Return these rows, which are sorted and distinct."""
        starts, stops = self.indptr[rows], self.indptr[rows + 1]
        parts = [self._slab(starts[run], stops[run]) for run in slabs(starts, stops)]
        data = np.concatenate([part[0] for part in parts] or [self.data[:0]])
        indices = np.concatenate([part[1] for part in parts] or [self.indices[:0]])
        indptr = np.concatenate([[0], np.cumsum(stops - starts)])
        return csr_matrix((data, indices, indptr), shape=(len(rows), self.shape[1]))

    def _slab(self, starts: Integers, stops: Integers) -> tuple[NDArray[Any], NDArray[Any]]:
        first, last = int(starts[0]), int(stops[-1])
        data, indices = self.data[first:last], self.indices[first:last]
        lengths = stops - starts
        if lengths.sum() == last - first:
            return data, indices
        wanted = positions(starts - first, lengths)
        return data[wanted], indices[wanted]


@dataclass(frozen=True)
class DenseRows:
    """A dense matrix on disk; ``values`` is anything that can be sliced."""

    values: Any

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.values.shape
        return int(rows), int(columns)

    def take(self, rows: Integers) -> csr_matrix:
        """Return these rows, which are sorted and distinct."""
        width = self.shape[1]
        parts = [self._slab(rows[run]) for run in slabs(rows * width, (rows + 1) * width)]
        return vstack(parts, format="csr") if parts else csr_matrix((0, width), dtype=self.values.dtype)

    def _slab(self, rows: Integers) -> csr_matrix:
        return csr_matrix(self.values[int(rows[0]) : int(rows[-1]) + 1][rows - rows[0]])


def turned(data: Any, indices: Any, indptr: Integers, shape: tuple[int, int]) -> SparseRows:
    """Turn a CSC matrix on disk into CSR, in unnamed temporary files that vanish with it.

    A row of a CSC matrix is scattered over the whole file, so it is turned once instead of being searched
    for at every reading. Memory holds a slab and a few numbers per row.
    """
    stored = int(indptr[-1])
    counts = np.zeros(shape[0], dtype=np.int64)
    for start in range(0, stored, SLAB):
        counts += np.bincount(indices[start : start + SLAB], minlength=shape[0])
    begins = np.concatenate([[0], np.cumsum(counts)])
    values, columns = _scratch(stored, data.dtype), _scratch(stored, np.dtype(np.int32))
    free = begins[:-1].copy()
    for start in range(0, stored, SLAB):
        stop = min(start + SLAB, stored)
        # Columns come in order, and a stable sort keeps them so within each row.
        order = np.argsort(rows := indices[start:stop], kind="stable")
        column = np.searchsorted(indptr, np.arange(start, stop), side="right") - 1
        found, runs = np.unique(rows, return_counts=True)
        at = positions(free[found], runs)
        values[at], columns[at] = data[start:stop][order], column[order]
        free[found] += runs
    return SparseRows(values, columns, begins, shape)


def _scratch(length: int, kind: np.dtype[Any]) -> NDArray[Any]:
    if not length:
        return np.zeros(0, dtype=kind)
    with TemporaryFile() as file:  # the mapping keeps the file, which has no name, until it goes itself
        return np.asarray(np.memmap(file, dtype=kind, mode="w+", shape=(length,)))
