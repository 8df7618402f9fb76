"""The compiled part of rank-sum tests: many groups against one reference, gene by gene.

Imported when called, because it imports numba. Everything compiled is in this file: numba does not notice
when a compiled function changes that another file calls.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile at the first call; keep the code beside this file, or in the user's cache if it is read-only.

    Where neither can be written (a container without a home) every process compiles.
    """
    try:
        keep: Callable[..., Any] = numba.njit(function, cache=True, nogil=True)
    except RuntimeError:
        keep = numba.njit(function, nogil=True)
    return keep


@compiled
def tied(cells: int, n: int, there: int) -> float:
    """Return by how much N^3 - sum t^3 grows when ``n`` cells join the ``there`` that tie with them.

    N is the number of cells and t the size of each block of ties: (N + n)^3 - N^3 - (t + n)^3 + t^3, written
    as a product, so that nothing cancels and nothing overflows.
    """
    return 3.0 * n * (cells - there) * (float(cells) + there + n)


@compiled
def run_length(values: NDArray[np.float64], start: int) -> int:
    """Return how many values from ``start`` on are equal, in an ascending array."""
    stop = start + 1
    while stop < len(values) and values[stop] == values[start]:
        stop += 1
    return stop - start


@compiled
def ties_within(values: NDArray[np.float64], zeros: int) -> float:
    """Return N^3 - sum t^3 of ascending non-zero values and a block of zeros."""
    cells, ties, start = zeros, 0.0, 0
    while start < len(values):
        n = run_length(values, start)
        ties += tied(cells, n, 0)
        cells += n
        start += n
    return ties


@compiled
def compare(
    values: NDArray[np.float64], zeros: int, reference: NDArray[np.float64], reference_zeros: int
) -> tuple[int, float]:
    """Hold one group against the reference; both are ascending non-zero values and a number of zeros.

    Returns
    -------
    Twice the Mann-Whitney U of the group (a cell of the reference below counts 2, a tied one 1), and by how
    much N^3 - sum t^3 of the reference grows when the group joins it.
    """
    cells = len(reference) + reference_zeros
    below = int(np.searchsorted(reference, 0.0))
    twice_u = zeros * (2 * below + reference_zeros)
    ties = tied(cells, zeros, reference_zeros)
    cells += zeros
    start, left = 0, 0
    while start < len(values):
        value, n = values[start], run_length(values, start)
        left += int(np.searchsorted(reference[left:], value))
        equal = 0
        if left < len(reference) and reference[left] == value:
            equal = run_length(reference, left)
        below = left + (reference_zeros if value > 0 else 0)
        twice_u += n * (2 * below + equal)
        ties += tied(cells, n, equal)
        cells += n
        start += n
    return twice_u, ties


@compiled
def rank_sums(
    data: NDArray[np.float64],
    indices: NDArray[np.int32],
    indptr: NDArray[np.int64],
    bounds: NDArray[np.int64],
    first: int,
    last: int,
    twice_u: NDArray[np.float64],
    ties: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """Hold every group against the reference in every gene.

    Parameters
    ----------
    data, indices, indptr
        Expression (cells x genes) by columns, rows ascending, without stored zeros; ``data`` is sorted within
        gene and group on return.
    bounds
        Group g is the rows from ``bounds[g]`` up to ``bounds[g + 1]`` (groups + 1,).
    first, last
        The reference is the rows from ``first`` up to ``last``; it may contain groups.
    twice_u, ties, sums
        Filled (genes x groups + 1): see :func:`compare`; the sums of expression. The last column is the
        reference itself.
    """
    n_groups = len(bounds) - 1
    for gene in range(len(indptr) - 1):
        start, stop = indptr[gene], indptr[gene + 1]
        rows = indices[start:stop]
        there = np.searchsorted(rows, first), np.searchsorted(rows, last)
        reference = np.sort(data[start + there[0] : start + there[1]])
        reference_zeros = last - first - len(reference)
        ties[gene, n_groups] = ties_within(reference, reference_zeros)
        sums[gene, n_groups] = reference.sum()
        begin = start + np.searchsorted(rows, bounds[0])
        for group in range(n_groups):
            end = begin
            while end < stop and indices[end] < bounds[group + 1]:
                end += 1
            values = data[begin:end]
            values.sort()
            zeros = bounds[group + 1] - bounds[group] - len(values)
            twice_u[gene, group], ties[gene, group] = compare(values, zeros, reference, reference_zeros)
            sums[gene, group] = values.sum()
            begin = end
