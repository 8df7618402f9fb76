"""PCA pretrained on a sample, against scikit-learn."""

import tracemalloc

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.decomposition import PCA as Peer

from harness import ArrayCells, PlainRun
from harness.measures import log_normalise, most_variable
from harness_plugins.models.pca.model import PCA


def atlas(n, seed):
    """Cells of three types over 50 genes."""
    rng = np.random.default_rng(7)
    rates = rng.gamma(1.0, 2.0, (3, 50))
    draw = np.random.default_rng(seed)
    counts = draw.poisson(rates[draw.integers(0, 3, n)])
    return ArrayCells(counts=csr_matrix(counts), genes=[f"g{i:02}" for i in range(50)])


SAMPLE, OTHERS = atlas(300, seed=1), atlas(80, seed=2)


def initialised(seed=0, **parameters):
    model = PCA(**{"n_components": 4, "n_genes": 20, **parameters})
    model.initialise(SAMPLE.genes, PlainRun(seed=seed))
    return model


@pytest.fixture
def fitted():
    model = initialised()
    model.fit(SAMPLE, PlainRun())
    return model


def test_new_cells_are_projected_as_by_scikit_learn(fitted):
    """Components and mean of the sample, applied to cells it has not seen; up to signs."""
    chosen = most_variable(SAMPLE, 20)
    values, new = (log_normalise(c.counts).toarray()[:, chosen].astype(float) for c in (SAMPLE, OTHERS))
    peer = Peer(4, svd_solver="full").fit(values)
    found = fitted.embed(OTHERS, PlainRun())
    np.testing.assert_allclose(np.abs(found), np.abs(peer.transform(new)), atol=1e-4)
    np.testing.assert_allclose(fitted.weights["explained_variance"], peer.explained_variance_, rtol=1e-4)


def test_genes_that_do_not_vary_have_no_weight(fitted):
    """Loadings are zero outside the chosen genes."""
    used = np.flatnonzero(fitted.weights["loadings"].any(axis=1))
    assert set(used) <= set(most_variable(SAMPLE, 20))


def test_the_seed_changes_the_control_and_not_the_fit(fitted):
    """A fit is exact; untrained, the loadings are Gaussian and every gene counts."""
    other = initialised(seed=1)
    assert not np.allclose(other.weights["loadings"], initialised(seed=0).weights["loadings"])
    assert other.weights["loadings"].all()
    other.fit(SAMPLE, PlainRun(seed=1))
    np.testing.assert_array_equal(other.weights["loadings"], fitted.weights["loadings"])


def test_a_sample_smaller_than_its_components(tmp_path):
    """Three cells have two components; the others are zero, and saving keeps them."""
    small = ArrayCells(counts=SAMPLE.counts[:3], genes=SAMPLE.genes)
    model = initialised()
    model.fit(small, PlainRun())
    found = model.embed(OTHERS, PlainRun())
    assert (found[:, 2:] == 0).all()
    assert found[:, 0].any()
    model.save(tmp_path)
    again = PCA(n_components=4, n_genes=20)
    again.load(tmp_path, SAMPLE.genes)
    np.testing.assert_array_equal(again.embed(OTHERS, PlainRun()), found)


class Stream:
    """The same thousand cells, again and again."""

    genes, columns = SAMPLE.genes, {}
    block = atlas(1000, seed=3).counts.astype(np.float32)

    def __init__(self, blocks):
        self.n_cells = 1000 * blocks

    def batches(self, size=1024):
        for _ in range(self.n_cells // 1000):
            yield self.block


def test_memory_does_not_grow_with_the_sample():
    """Ten times the cells need no more of it."""

    def peak(blocks):
        tracemalloc.start()
        initialised().fit(Stream(blocks), PlainRun())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak(1)  # what is imported on first use counts in no comparison
    assert peak(40) < 1.2 * peak(4)
