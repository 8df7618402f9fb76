"""Depth normalisation, streamed moments and the choice of variable genes, against scanpy and numpy."""

import numpy as np
import pytest
import scanpy
from anndata import AnnData
from scipy.sparse import csr_matrix, vstack

from harness.contracts.cells import ArrayCells, read_only
from harness.errors import HarnessError
from harness.measures import (
    gene_moments,
    log_normalise,
    log_normalised,
    most_variable,
    normalise,
    variable_genes,
)


@pytest.fixture(scope="module")
def counts():
    """300 cells x 800 genes with a wide range of means; gene 5 is never seen, cell 7 is empty."""
    rng = np.random.default_rng(0)
    mean = rng.gamma(0.4, 2.0, 800) * rng.lognormal(0, 0.7, (300, 800))
    found = rng.negative_binomial(2, 2 / (2 + mean))
    found[:, 5], found[7] = 0, 0
    return csr_matrix(found)


def normalised_by_scanpy(counts, log):
    atlas = AnnData(counts.astype(np.float32))
    scanpy.pp.normalize_total(atlas, target_sum=1e4)
    if log:
        scanpy.pp.log1p(atlas)
    return atlas


@pytest.mark.parametrize(("ours", "log"), [(normalise, False), (log_normalise, True)])
def test_normalisation_is_that_of_scanpy(counts, ours, log):
    """Counts per 10,000, and their logarithm, in float32."""
    expected = normalised_by_scanpy(counts, log).X
    found = ours(counts)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.toarray(), expected.toarray(), rtol=2e-6)


def test_a_cell_worked_by_hand():
    """Counts 1, 0, 3 are 2,500, 0 and 7,500 of 10,000; an empty cell stays empty."""
    found = log_normalise([[1, 0, 3], [0, 0, 0]]).toarray()
    np.testing.assert_allclose(found, np.log([[2501, 1, 7501], [1, 1, 1]]), rtol=1e-6)


def test_the_target_is_a_choice():
    """Another target gives other totals."""
    np.testing.assert_allclose(normalise([[1, 3]], target=100).toarray(), [[25, 75]])


@pytest.mark.parametrize("form", [np.asarray, csr_matrix, lambda x: csr_matrix(x, dtype=np.float32)])
def test_dense_and_sparse_give_the_same_and_stay_as_they_are(form):
    """The input is never altered, and may be read-only."""
    given = form(np.arange(6).reshape(2, 3))
    before = csr_matrix(given).toarray().copy()
    given = read_only(given) if isinstance(given, csr_matrix) else given
    np.testing.assert_array_equal(log_normalise(given).toarray(), log_normalise(before).toarray())
    np.testing.assert_array_equal(csr_matrix(given).toarray(), before)


@pytest.mark.parametrize("size", [1, 7, 300])
def test_moments_do_not_depend_on_the_batches(counts, size):
    """Streamed mean and variance equal those of the whole matrix, divided by cells - 1."""
    dense = normalise(counts).toarray().astype(np.float64)
    batches = (normalise(counts[start : start + size]) for start in range(0, 300, size))
    mean, variance = gene_moments(batches)
    np.testing.assert_allclose(mean, dense.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(variance, dense.var(axis=0, ddof=1), rtol=1e-9)


def test_moments_keep_a_small_spread_around_a_large_mean():
    """Variance 1 around a mean of 10 million survives, which a sum of squares in float32 would lose."""
    values = 1e7 + np.array([[-1.0], [0.0], [1.0]])
    mean, variance = gene_moments([csr_matrix(values)] * 2)
    assert mean[0] == pytest.approx(1e7)
    assert variance[0] == pytest.approx(4 / 5)


def test_one_cell_has_no_variance_and_no_cell_is_an_error():
    """A single cell has mean and zero variance; without any there is nothing to average."""
    mean, variance = gene_moments([csr_matrix([[2.0, 0.0]])])
    assert mean.tolist() == [2, 0]
    assert variance.tolist() == [0, 0]
    with pytest.raises(HarnessError, match="at least one"):
        gene_moments([])


@pytest.mark.parametrize("n", [1, 50, 400])
def test_variable_genes_are_those_of_scanpy(counts, n):
    """The same selection as scanpy's flavour ``seurat``, gene for gene."""
    atlas = normalised_by_scanpy(counts, log=True)
    scanpy.pp.highly_variable_genes(atlas, flavor="seurat", n_top_genes=n)
    found = variable_genes(*gene_moments([normalise(counts)]), n)
    np.testing.assert_array_equal(found, np.flatnonzero(atlas.var["highly_variable"]))


def test_a_constant_gene_is_chosen_last():
    """Genes that do not vary, up to the rounding of float32, come after all others; fewer genes, all."""
    mean = np.array([10.0, 10.0, 10.0, 0.0])
    variance = np.array([1e-12, 1.0, 2.0, 0.0])
    assert variable_genes(mean, variance, 2).tolist() == [1, 2]
    assert variable_genes(mean, variance, 9).tolist() == [0, 1, 2, 3]


def test_a_gene_alone_in_its_bin_counts_as_one_deviation_above():
    """By hand: log dispersions -1, 0, 1.1 have mean 0.033 and deviation 1.050, so the third is at 1.016,
    above the lone gene's 1; with 0.9 instead it is at 0.981, below it."""
    mean = np.array([1.0, 1.0, 1.0, 99.0])
    variance = mean * np.exp([-1.0, 0.0, 1.1, 5.0])
    assert variable_genes(mean, variance, 1).tolist() == [2]
    assert variable_genes(mean, mean * np.exp([-1.0, 0.0, 0.9, 5.0]), 1).tolist() == [3]


def test_cells_are_read_in_batches(counts):
    """The shortcuts over cells equal the kernels over their batches."""
    cells = ArrayCells(counts=counts, genes=[f"g{i}" for i in range(800)])
    whole = vstack(list(log_normalised(cells)))
    np.testing.assert_array_equal(whole.toarray(), log_normalise(counts).toarray())
    np.testing.assert_array_equal(
        most_variable(cells, 50), variable_genes(*gene_moments([normalise(counts)]), 50)
    )
