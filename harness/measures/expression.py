"""From raw counts to comparable expression: depth normalisation, moments and variable genes, in a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.contracts.cells import Cells
from harness.errors import HarnessError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

DEPTH = 1e4
"""Counts that every cell is scaled to."""

ROUNDING = 1e-12
"""A variance below this share of the squared mean is the rounding of float32, not variation."""


def normalise(counts: Any, target: float = DEPTH) -> csr_matrix:
    """Scale each cell to the same total.

    Parameters
    ----------
    counts
        Raw counts (cells x genes), dense or sparse; never altered.
    target
        Total of a cell afterwards.

    Returns
    -------
    Counts per ``target`` (cells x genes), float32. Empty cells stay empty.
    """
    from scipy.sparse import csr_matrix
    from sklearn.preprocessing import normalize

    shares: csr_matrix = normalize(csr_matrix(counts, dtype=np.float32), norm="l1", copy=True)
    shares.data *= np.float32(target)
    return shares


def log_normalise(counts: Any, target: float = DEPTH) -> csr_matrix:
    """Scale each cell to the same total and take ``log(1 + x)``.

    Parameters
    ----------
    counts
        Raw counts (cells x genes), dense or sparse; never altered.
    target
        Total of a cell before the logarithm.

    Returns
    -------
    Log-normalised expression (cells x genes), float32, natural logarithm. Empty cells stay empty.
    """
    expression = normalise(counts, target)
    np.log1p(expression.data, out=expression.data)
    return expression


def log_normalised(cells: Cells) -> Iterator[csr_matrix]:
    """Yield the log-normalised expression of all cells in order, batch by batch."""
    return map(log_normalise, cells.batches())


def most_variable(cells: Cells, n: int) -> NDArray[np.int64]:
    """Return the ``n`` most variable genes of some cells (indices, ascending), in one pass over them."""
    return variable_genes(*gene_moments(map(normalise, cells.batches())), n)


def gene_moments(batches: Iterable[csr_matrix]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of every gene over all cells, in one pass whose memory does not grow with them.

    Parameters
    ----------
    batches
        Matrices (cells x genes) with the same genes.

    Returns
    -------
    mean, variance
        Per gene, float64; the variance divides by cells - 1 and is zero for a single cell.

    Raises
    ------
    HarnessError
        There is no cell at all.
    """
    from sklearn.utils.sparsefuncs import incr_mean_variance_axis

    n_cells, mean, variance = 0, np.zeros(0), np.zeros(0)
    for batch in batches:
        if not n_cells:
            mean, variance = np.zeros(batch.shape[1]), np.zeros(batch.shape[1])
        wide = batch.astype(np.float64)
        mean, variance, _ = incr_mean_variance_axis(
            wide, axis=0, last_mean=mean, last_var=variance, last_n=np.full(len(mean), float(n_cells))
        )
        n_cells += batch.shape[0]
    if not n_cells:
        raise HarnessError("there are no cells to take means of; at least one is needed")
    return mean, variance * (n_cells / max(n_cells - 1, 1))


def variable_genes(
    mean: NDArray[np.float64], variance: NDArray[np.float64], n: int, n_bins: int = 20
) -> NDArray[np.int64]:
    """Choose the genes that vary most among genes of like expression.

    The logarithm of variance / mean is standardised within bins of equal width of ``log(1 + mean)``; a bin
    with one gene gives it the value 1 (Satija et al. 2015, Nature Biotechnology, doi:10.1038/nbt.3192; the
    flavour ``seurat`` of scanpy).

    Parameters
    ----------
    mean, variance
        Per gene, of normalised counts that are not logged.
    n
        How many to choose; where there are fewer genes, all. Genes that do not vary are chosen last.
    n_bins
        Number of bins.

    Returns
    -------
    Indices of the chosen genes, ascending.
    """
    scores = _standardised_dispersion(mean, variance, n_bins)
    ranked = np.argsort(-scores, kind="stable")
    return np.sort(ranked[:n])


def _standardised_dispersion(
    mean: NDArray[np.float64], variance: NDArray[np.float64], n_bins: int
) -> NDArray[np.float64]:
    import pandas as pd

    varies = variance > ROUNDING * mean**2
    dispersion = np.full(len(mean), np.nan)
    dispersion[varies] = np.log(variance[varies] / mean[varies])
    alike = pd.Series(dispersion).groupby(pd.cut(np.log1p(mean), bins=n_bins, labels=False))
    centre, spread = alike.transform("mean").to_numpy(), alike.transform("std").to_numpy()
    alone = np.isnan(spread)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = np.where(alone, dispersion / centre, (dispersion - centre) / spread)
    return np.where(np.isfinite(scores), scores, -np.inf)
