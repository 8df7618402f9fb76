"""Principal components of a stream, against scikit-learn."""

import tracemalloc

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.decomposition import PCA

from harness.contracts.cells import ArrayCells
from harness.errors import HarnessError
from harness.measures import (
    corpus_components,
    log_normalise,
    most_variable,
    principal_components,
    variable_components,
)


@pytest.fixture(scope="module")
def cells():
    """250 cells of 5 kinds x 120 genes."""
    rng = np.random.default_rng(1)
    mean = rng.gamma(0.5, 2.0, (5, 120))[rng.integers(0, 5, 250)]
    counts = rng.negative_binomial(2, 2 / (2 + mean))
    return ArrayCells(counts=csr_matrix(counts), genes=[f"g{i}" for i in range(120)])


def in_batches(matrix, size):
    return (matrix[start : start + size] for start in range(0, matrix.shape[0], size))


@pytest.mark.parametrize("size", [1, 33, 250])
def test_equal_to_scikit_learn_whatever_the_batches(cells, size):
    """Loadings, variances and scores are those of an exact PCA, up to sign."""
    expression = log_normalise(cells.counts)
    reference = PCA(10, svd_solver="full").fit(expression.toarray().astype(np.float64))
    found = principal_components(in_batches(expression, size), 10)
    signs = np.sign(np.sum(found.loadings * reference.components_.T, axis=0))
    np.testing.assert_allclose(found.mean, reference.mean_, atol=1e-10)
    np.testing.assert_allclose(found.explained_variance, reference.explained_variance_, rtol=1e-8)
    np.testing.assert_allclose(found.loadings * signs, reference.components_.T, atol=1e-7)
    scores = reference.transform(expression.toarray())
    np.testing.assert_allclose(found.transform(expression) * signs, scores, atol=1e-4)


def test_signs_are_fixed(cells):
    """In every component the loading that is largest in size is positive."""
    loadings = principal_components([log_normalise(cells.counts)], 10).loadings
    assert (loadings[np.abs(loadings).argmax(axis=0), np.arange(10)] > 0).all()


def test_a_cell_has_one_vector_whatever_comes_with_it(cells):
    """The transformation of a part is the part of the transformation, bit by bit."""
    expression = log_normalise(cells.counts)
    found = principal_components([expression], 5)
    np.testing.assert_array_equal(found.transform(expression[40:47]), found.transform(expression)[40:47])


@pytest.mark.parametrize(("n_cells", "rank"), [(1, 0), (2, 1), (6, 5)])
def test_components_beyond_the_rank_are_zero(cells, n_cells, rank):
    """n cells span n - 1 directions; the width stays the one asked for."""
    expression = log_normalise(cells.counts[:n_cells])
    found = principal_components([expression], 20)
    assert found.loadings.shape == (120, 20)
    assert (np.abs(found.loadings).max(axis=0) > 0).sum() == rank
    np.testing.assert_array_equal(found.explained_variance[rank:], 0)
    np.testing.assert_array_equal(found.transform(expression)[:, rank:], 0)


def test_more_components_than_genes():
    """Two genes have two components; the others are zero."""
    found = principal_components([csr_matrix([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])], 4)
    assert found.loadings.shape == (2, 4)
    np.testing.assert_allclose(found.loadings[:, :2].T @ found.loadings[:, :2], np.eye(2), atol=1e-12)
    np.testing.assert_array_equal(found.loadings[:, 2:], 0)


def test_constant_cells_have_no_component():
    """Equal cells, however large their values, are all zero: rounding is not variance."""
    expression = csr_matrix(np.tile([1234.567, 0.1, 9.9], (500, 1)))
    found = principal_components(in_batches(expression, 7), 2)
    np.testing.assert_array_equal(found.explained_variance, 0)
    np.testing.assert_array_equal(found.transform(expression), 0)


def test_no_cell_is_an_error():
    """Without cells there is no component."""
    with pytest.raises(HarnessError, match="at least one"):
        principal_components([], 2)


def test_memory_does_not_grow_with_the_cells():
    """Ten times the batches need the same memory."""
    batch = csr_matrix(np.random.default_rng(0).poisson(1.0, (200, 50)).astype(np.float32))

    def peak(n_batches):
        tracemalloc.start()
        principal_components((batch.copy() for _ in range(n_batches)), 5)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(2)
    assert peak(40) < 1.2 * peak(4)


def test_components_of_the_variable_genes(cells):
    """Genes are chosen first, then their components found on log-normalised expression."""
    genes, found = variable_components(cells, 5, 40)
    np.testing.assert_array_equal(genes, most_variable(cells, 40))
    alone = principal_components([log_normalise(cells.counts)[:, genes]], 5)
    np.testing.assert_allclose(found.loadings, alone.loadings, atol=1e-12)


def test_what_samplers_get(cells):
    """One row per cell in order, float32, 30 wide, equal to the scores of an exact PCA up to sign."""
    found = corpus_components(cells, n_genes=40)
    assert found.shape == (250, 30)
    assert found.dtype == np.float32
    dense = log_normalise(cells.counts)[:, most_variable(cells, 40)].toarray().astype(np.float64)
    expected = PCA(30, svd_solver="full").fit_transform(dense)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-3)
