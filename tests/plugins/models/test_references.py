"""Models without pretraining, against scikit-learn, scanpy and by hand."""

import numpy as np
import pytest
import scanpy
from anndata import AnnData
from sklearn.decomposition import PCA
from sklearn.metrics import pairwise_distances

from harness import ArrayCells, PlainRun
from harness.measures import log_normalise, most_variable
from harness_plugins.models.hvg.model import HighlyVariableGenes
from harness_plugins.models.random_projection.model import RandomProjection
from harness_plugins.models.target_pca.model import TargetPCA


@pytest.fixture(scope="module")
def cells():
    """200 cells of 60 genes whose means differ by type, the last ten never seen."""
    rng = np.random.default_rng(0)
    rates = rng.gamma(1.0, 2.0, (3, 60))[rng.integers(0, 3, 200)]
    rates[:, 50:] = 0
    return ArrayCells(counts=rng.poisson(rates), genes=[f"g{i:02}" for i in range(60)])


def embedding(model, cells, seed=0):
    run = PlainRun(seed=seed)
    model.initialise(cells.genes, run)
    return model.embed(cells, run)


def test_target_pca_is_that_of_scikit_learn(cells):
    """Up to signs: components of log-normalised expression of the variable genes of scanpy."""
    found = embedding(TargetPCA(n_components=5, n_genes=20), cells)
    chosen = most_variable(cells, 20)
    values = log_normalise(cells.counts).toarray()[:, chosen].astype(float)
    expected = PCA(5, svd_solver="full").fit_transform(values)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-4)


def test_hvg_is_the_scaled_expression_of_variable_genes(cells):
    """The genes are those of scanpy's flavour seurat; each column has mean 0 and variance 1."""
    found = embedding(HighlyVariableGenes(n_genes=15), cells)
    adata = AnnData(cells.counts.astype(np.float32))
    adata.var_names = list(cells.genes)
    scanpy.pp.normalize_total(adata, target_sum=1e4)
    scanpy.pp.log1p(adata)
    scanpy.pp.highly_variable_genes(adata, n_top_genes=15)
    expected = scanpy.pp.scale(adata[:, adata.var.highly_variable].copy(), copy=True).X
    n = cells.n_cells
    np.testing.assert_allclose(found, expected * np.sqrt(n / (n - 1)), atol=1e-4)


def test_more_genes_than_there_are(cells):
    """The reference takes all that are seen, and none of the width is made up."""
    assert embedding(HighlyVariableGenes(n_genes=500), cells).shape == (200, 60)


def test_a_projection_keeps_distances(cells):
    """Johnson and Lindenstrauss: relative errors of squared distances are of the size sqrt(2 / width)."""
    width = 2000
    found = embedding(RandomProjection(width=width), cells)
    true = pairwise_distances(log_normalise(cells.counts).toarray())
    above = np.triu_indices(200, 1)
    ratios = (pairwise_distances(found)[above] / true[above]) ** 2
    assert abs(ratios.mean() - 1) < 0.05
    assert ratios.std() < 2 * np.sqrt(2 / width)


def test_projections_of_two_seeds_differ(cells):
    """The seed is the model."""
    one, other = (embedding(RandomProjection(width=8), cells, seed) for seed in (0, 1))
    assert not np.allclose(one, other)
