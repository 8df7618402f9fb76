"""Which genes differ between groups of cells? The Wilcoxon rank-sum test of many groups at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, NotFinite, did_you_mean
from harness.measures.screen import CONTROL, MIN_CELLS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

REST = "rest"
"""The reference that is, for each group, all other cells."""
PSEUDOCOUNT = 1e-9
"""Added to both sides of a fold change, as in scanpy."""
BLOCK = 2**24
"""Stored values that are worked on at once, about: what bounds the memory."""


@dataclass(frozen=True, kw_only=True)
class DifferentialExpression:
    """What the test found; rows are groups, columns are genes, all float64.

    Attributes
    ----------
    groups
        Their names.
    reference
        What they were held against: a group, or ``"rest"``.
    z
        Standardised rank sum (groups x genes); positive where the group is higher than the reference. Zero
        where all cells of both have the same value: every order of them is the same.
    p
        Two-sided p-value of ``z`` (groups x genes) under the normal law; below about 1e-308 it is 0.
    p_adjusted
        ``p`` after Benjamini and Hochberg over the genes of each group.
    log_fold_change
        ``log2((exp(a) - 1 + 1e-9) / (exp(b) - 1 + 1e-9))`` with a and b the mean log-normalised expression of
        group and reference (groups x genes), as in scanpy. Extreme, about 20 to 30, where only one of them
        expresses a gene; NaN where a side is not positive or not finite, which no log-normalised counts give.
    n_cells, n_reference
        Cells of each group and of what it was held against (groups,).
    notes
        Group -> why it was not tested; its rows are NaN.
    """

    groups: tuple[str, ...]
    reference: str
    z: NDArray[np.float64]
    p: NDArray[np.float64]
    p_adjusted: NDArray[np.float64]
    log_fold_change: NDArray[np.float64]
    n_cells: NDArray[np.int64]
    n_reference: NDArray[np.int64]
    notes: Mapping[str, str]


def wilcoxon(
    expression: Any,
    labels: ArrayLike,
    *,
    reference: str = CONTROL,
    groups: Sequence[str] | None = None,
    tie_correct: bool = True,
    min_cells: int = MIN_CELLS,
    threads: int = 1,
) -> DifferentialExpression:
    """Test every gene of many groups against one reference by the Wilcoxon rank-sum (Mann-Whitney) test.

    With n cells in the group, m in the reference, N = n + m, and U the number of pairs in which the cell of
    the group is higher, ties counting one half,

        z = (U - n m / 2) / sqrt(n m (N + 1) / 12 * c),    c = 1 - sum(t^3 - t) / (N^3 - N)

    over the blocks of t tied cells; without tie correction c = 1. There is no correction for continuity.
    These are the definitions of ``scanpy.tl.rank_genes_groups`` and of ``scipy.stats.mannwhitneyu``
    (Mann & Whitney 1947, doi:10.1214/aoms/1177730491; ties: Kruskal & Wallis 1952,
    doi:10.1080/01621459.1952.10483441; false discoveries: Benjamini & Hochberg 1995,
    doi:10.1111/j.2517-6161.1995.tb02031.x).

    Parameters
    ----------
    expression
        Log-normalised expression (cells x genes), natural logarithm, sparse or dense; never altered. What
        is not stored is zero. Negative values are allowed and rank below the zeros.
    labels
        Group of every cell (cells,).
    reference
        A group, or ``"rest"``: for each group all other cells, those of groups not asked for included.
    groups
        Groups to test, in this order; all but the reference, by name, if not given.
    tie_correct
        Whether the variance is that of tied ranks. Without, sparse genes get |z| too small.
    min_cells
        Group and reference need as many cells each, because the normal law is an approximation.
    threads
        How many blocks of genes are worked on at once. Results do not depend on it.

    Raises
    ------
    NotFinite
        A value is NaN or infinite.
    HarnessError
        There is not one label for each cell, a label is missing, a group is not among the labels, is asked
        for twice, is the reference, or is called ``"rest"`` where that is the reference.
    """
    import numpy as np

    names = _names(labels)
    matrix = _matrix(expression, len(names))
    asked = _asked(names, reference, groups)
    layout = _layout(names, asked, reference)
    twice_u, ties, sums = _compared(matrix, layout, threads)
    notes = _too_few(asked, layout, max(min_cells, 1))
    untested = [name in notes for name in asked]
    z, change = _standardised(twice_u, ties if tie_correct else None, layout), _log_fold_change(sums, layout)
    z[untested], change[untested] = np.nan, np.nan
    p = _two_sided(z)
    return DifferentialExpression(
        groups=asked,
        reference=reference,
        z=z,
        p=p,
        p_adjusted=_adjusted(p),
        log_fold_change=change,
        n_cells=layout.n_cells,
        n_reference=layout.n_reference,
        notes=notes,
    )


def _names(labels: ArrayLike) -> NDArray[np.str_]:
    import numpy as np
    import pandas as pd

    values = np.asarray(labels, dtype=object)
    if missing := int(pd.isna(values).sum()):
        raise HarnessError(f"{missing} of {len(values)} cells have no label; leave them out or name them")
    return values.astype(str)


def _matrix(expression: Any, n_cells: int) -> Any:
    """Return the expression by rows or by columns; it is the caller's where it is so already."""
    import numpy as np
    from scipy.sparse import csr_matrix

    slices = getattr(expression, "format", None) in ("csr", "csc")
    matrix = expression if slices else csr_matrix(expression)
    if matrix.shape[0] != n_cells:
        raise HarnessError(f"{n_cells} labels are given for {matrix.shape[0]} cells; one for each is needed")
    if bad := int(np.count_nonzero(~np.isfinite(matrix.data))):
        raise NotFinite(
            f"{bad} values of the expression are NaN or infinite, and have no rank; all must be finite"
        )
    return matrix


def _asked(names: NDArray[np.str_], reference: str, groups: Sequence[str] | None) -> tuple[str, ...]:
    known = sorted(set(names.tolist()))
    if reference == REST and REST in known:
        raise HarnessError(f'a group is called "{REST}", which as reference means all other cells; rename it')
    asked = tuple(name for name in known if name != reference) if groups is None else tuple(groups)
    for name in asked if reference == REST else (*asked, reference):
        if name not in known:
            raise HarnessError(f'no cell is labelled "{name}".{did_you_mean(name, known)}')
    if not asked or reference in asked or len(set(asked)) < len(asked):
        raise HarnessError(
            f'the groups to test are "{", ".join(asked)}"; '
            f'at least one is needed, each once and none the reference "{reference}"'
        )
    return asked


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """Cells in the order of their groups.

    Group g is the rows from ``bounds[g]`` up to ``bounds[g + 1]`` of ``order``, the reference those from
    ``first`` up to ``last``. A pooled reference is all rows, those of the group itself included.
    """

    order: NDArray[np.int64]
    bounds: NDArray[np.int64]
    first: int
    last: int
    pooled: bool

    @property
    def n_cells(self) -> NDArray[np.int64]:
        return self.bounds[1:] - self.bounds[:-1]

    @property
    def n_reference(self) -> NDArray[np.int64]:
        """Cells that each group is held against in the end, itself never included."""
        return self.last - self.first - self.pooled * self.n_cells


def _layout(names: NDArray[np.str_], asked: tuple[str, ...], reference: str) -> _Layout:
    import numpy as np

    ranked = (*asked, reference)
    place = {name: number for number, name in enumerate(ranked)}
    codes = np.array([place.get(name, len(ranked)) for name in names.tolist()])
    bounds = np.searchsorted(np.sort(codes), np.arange(len(ranked) + 1))
    pooled = reference == REST
    first, last = (0, len(codes)) if pooled else (int(bounds[-2]), int(bounds[-1]))
    order = np.argsort(codes, kind="stable")[:last]
    return _Layout(order=order, bounds=bounds[:-1], first=first, last=last, pooled=pooled)


def _too_few(asked: tuple[str, ...], layout: _Layout, min_cells: int) -> dict[str, str]:
    notes = {}
    for name, n, m in zip(asked, layout.n_cells, layout.n_reference, strict=True):
        if min(n, m) < min_cells:
            notes[name] = f"{n} cells against {m} of the reference; at least {min_cells} of each are needed"
    return notes


def _compared(matrix: Any, layout: _Layout, threads: int) -> tuple[NDArray[np.float64], ...]:
    """Return twice U, the ties and the sums (genes x groups + 1), see :func:`rank_sums`, block by block."""
    import numpy as np

    from harness.measures.rank_sums import rank_sums

    n_genes = matrix.shape[1]
    found = tuple(np.zeros((n_genes, len(layout.bounds))) for _ in range(3))

    def fill(genes: slice) -> None:
        block = matrix[:, genes].tocsr()[layout.order].tocsc()
        block.sum_duplicates()
        block.eliminate_zeros()
        # One type for each argument, so that the kernel is compiled once.
        data, rows = block.data.astype(np.float64), block.indices.astype(np.int32)
        starts = block.indptr.astype(np.int64)
        places = layout.bounds, layout.first, layout.last
        rank_sums(data, rows, starts, *places, *(part[genes] for part in found))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(fill, _blocks(n_genes, matrix.nnz, threads)))
    return found


def _blocks(n_genes: int, stored: int, threads: int) -> list[slice]:
    """Cut the genes into runs of about :data:`BLOCK` stored values, and at least one for each thread."""
    size = min(n_genes * BLOCK // max(stored, 1), -(-n_genes // threads))
    return [slice(start, start + max(size, 1)) for start in range(0, n_genes, max(size, 1))]


def _standardised(
    twice_u: NDArray[np.float64], ties: NDArray[np.float64] | None, layout: _Layout
) -> NDArray[np.float64]:
    """Return z (groups x genes) from what was counted (genes x groups + 1); ``ties`` is N^3 - sum t^3."""
    import numpy as np

    n, m = layout.n_cells.astype(float), layout.n_reference.astype(float)
    cells = n + m
    # Held against itself, half of a group's pairs count: n^2 / 2.
    excess = (twice_u[:, :-1] - layout.pooled * n**2 - n * m) / 2
    untied = cells**3 - cells
    distinct = untied if ties is None else ties[:, -1:] + (0 if layout.pooled else ties[:, :-1])
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.sqrt(n * m * (cells + 1) / 12 * (distinct / untied))
    return np.asarray(np.divide(excess, deviation, out=np.zeros_like(excess), where=deviation > 0).T)


def _log_fold_change(sums: NDArray[np.float64], layout: _Layout) -> NDArray[np.float64]:
    import numpy as np

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = sums[:, :-1] / layout.n_cells
        reference = (sums[:, -1:] - layout.pooled * sums[:, :-1]) / layout.n_reference
        changes = np.log2(np.expm1(mean) + PSEUDOCOUNT) - np.log2(np.expm1(reference) + PSEUDOCOUNT)
    return np.where(np.isfinite(changes), changes, np.nan).T


def _two_sided(z: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np
    from scipy.special import ndtr

    return np.asarray(2 * ndtr(-np.abs(z)))


def _adjusted(p: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np
    from scipy.stats import false_discovery_control

    adjusted = np.full_like(p, np.nan)
    tested = ~np.isnan(p).any(axis=1)
    if p[tested].size:
        adjusted[tested] = false_discovery_control(p[tested], axis=1)
    return adjusted
