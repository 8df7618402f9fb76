"""Principal components of cells that need not fit into memory: exact, from the streamed covariance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.contracts.cells import Cells
from harness.errors import HarnessError
from harness.measures.expression import log_normalised, most_variable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, kw_only=True)
class Components:
    """Principal components of genes.

    Attributes
    ----------
    mean
        Mean of every gene.
    loadings
        Genes x components, orthonormal columns, in each the largest absolute loading positive. Components
        beyond the rank of the data are columns of zeros, so that the width is always the one asked for.
    explained_variance
        Variance along each component, falling; zero beyond the rank.
    """

    mean: NDArray[Any]
    loadings: NDArray[Any]
    explained_variance: NDArray[Any]

    def transform(self, expression: csr_matrix) -> NDArray[np.float32]:
        """Return the scores of cells (cells x components), float32.

        The mean is taken off after the projection, so that a sparse matrix stays sparse.
        """
        scores = expression @ self.loadings - self.mean @ self.loadings
        return np.asarray(scores, dtype=np.float32)


def principal_components(batches: Iterable[csr_matrix], n_components: int) -> Components:
    """Exact principal components in one pass, in memory of genes x genes whatever the number of cells.

    The covariance is (X'X - n mm') / (n - 1) with mean m, summed in float64 batch by batch, and its leading
    eigenvectors are the loadings. Meant for up to about 5,000 genes.

    Parameters
    ----------
    batches
        Expression (cells x genes), dense or sparse, with the same genes.
    n_components
        How many; those beyond the rank (fewer cells or genes, constant genes) are zero.

    Raises
    ------
    HarnessError
        There is no cell at all.
    """
    n_cells, total, products = 0, np.zeros(0), np.zeros((0, 0))
    for batch in batches:
        dense = np.asarray(batch.todense() if hasattr(batch, "todense") else batch, dtype=np.float64)
        if not n_cells:
            total, products = np.zeros(dense.shape[1]), np.zeros((dense.shape[1],) * 2)
        n_cells += len(dense)
        total += dense.sum(axis=0)
        products += dense.T @ dense
    if not n_cells:
        raise HarnessError("there are no cells to find principal components of; at least one is needed")
    mean = total / n_cells
    covariance = (products - n_cells * np.outer(mean, mean)) / max(n_cells - 1, 1)
    rounding = np.finfo(np.float64).eps * max(n_cells, len(mean)) * float(np.trace(products)) / n_cells
    variance, loadings = _leading(covariance, n_components, rounding)
    return Components(mean=mean, loadings=loadings, explained_variance=variance)


def _leading(
    covariance: NDArray[np.float64], n_components: int, rounding: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the largest eigenvalues and their vectors; zeros where they are no larger than rounding."""
    from scipy.linalg import eigh

    n_genes = len(covariance)
    found = min(n_components, n_genes)
    values, vectors = eigh(covariance, subset_by_index=[n_genes - found, n_genes - 1])
    values, vectors = values[::-1], vectors[:, ::-1]
    largest = vectors[np.abs(vectors).argmax(axis=0), np.arange(found)]
    real = values > rounding
    variance, loadings = np.zeros(n_components), np.zeros((n_genes, n_components))
    variance[:found] = np.where(real, values, 0.0)
    loadings[:, :found] = vectors * np.sign(largest) * real
    return variance, loadings


def variable_components(
    cells: Cells, n_components: int, n_genes: int
) -> tuple[NDArray[np.int64], Components]:
    """Choose the variable genes of some cells and find the components of their log-normalised expression.

    Parameters
    ----------
    cells
        Raw counts, read twice.
    n_components
        How many components; those beyond the rank are zero.
    n_genes
        How many variable genes take part.

    Returns
    -------
    genes, components
        Indices of the chosen genes, ascending, and the components of these genes.
    """
    genes = most_variable(cells, n_genes)
    return genes, principal_components((batch[:, genes] for batch in log_normalised(cells)), n_components)


def corpus_components(cells: Cells, n_components: int = 30, n_genes: int = 2000) -> NDArray[np.float32]:
    """Return the principal components of a corpus (cells x components) that the host gives to samplers.

    Parameters
    ----------
    cells
        Raw counts, read three times.
    n_components
        How many components; those beyond the rank are zero.
    n_genes
        How many variable genes take part.
    """
    genes, components = variable_components(cells, n_components, n_genes)
    return np.concatenate([components.transform(batch[:, genes]) for batch in log_normalised(cells)])
