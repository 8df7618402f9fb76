"""The head on embeddings: against scikit-learn, and what it makes of treatments that were never taught."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from harness.measures.head import RIDGE_PENALTY, context_weights, gene_embedding


def contexts():
    """Embeddings of the control cells of three contexts."""
    rng = np.random.default_rng(0)
    return [rng.normal(place, 1, (n, 4)).astype(np.float32) for place, n in ((0, 60), (1, 45), (0.4, 70))]


def test_the_head_is_ridge_regression_of_scikit_learn():
    """Cells of two contexts against the treated mean of their context, applied to the cells of the third."""
    *learnt, asked = contexts()
    features = np.concatenate(learnt).astype(float)
    targets = np.random.default_rng(1).normal(size=(2, 7))
    scaler = StandardScaler().fit(features)
    of_cell = targets[np.repeat([0, 1], [len(rows) for rows in learnt])]
    peer = Ridge(alpha=RIDGE_PENALTY * len(features)).fit(scaler.transform(features), of_cell)
    expected = peer.predict(scaler.transform(asked.astype(float))).mean(axis=0)
    np.testing.assert_allclose(context_weights(learnt, asked) @ targets, expected, rtol=1e-6)


def test_a_constant_embedding_weighs_contexts_by_their_cells():
    """No division by a spread of zero."""
    found = context_weights([np.ones((30, 2)), np.ones((10, 2))], np.ones((5, 2)))
    np.testing.assert_allclose(found, [0.75, 0.25])


def test_genes_are_embedded_by_their_covariance_with_components():
    """As numpy has it over the chosen cells alone, components from a singular value decomposition; in any
    batches. Signs of components are nobody's, so that inner products are compared."""
    rng = np.random.default_rng(2)
    expression, embedding, chosen = rng.random((50, 6)), rng.normal(size=(50, 4)), rng.random(50) < 0.6
    embedding[~chosen] = 1e6
    batches = [csr_matrix(expression[:20]), csr_matrix(expression[20:])]
    found = gene_embedding(batches, embedding, chosen, dimensions=3)
    z = StandardScaler().fit_transform(embedding[chosen])
    left = np.linalg.svd(z, full_matrices=False)[0][:, :3] * np.sqrt(chosen.sum())
    x = expression[chosen]
    peer = (x - x.mean(axis=0)).T @ left / chosen.sum()
    np.testing.assert_allclose(found @ found.T, peer @ peer.T, atol=1e-12)


@pytest.mark.parametrize("width", [1, 30])
def test_what_varies_with_nothing_is_at_zero(width):
    """A constant embedding, and a constant gene."""
    expression = np.random.default_rng(3).random((40, 5))
    expression[:, 2] = 1.5
    everywhere = np.ones(40, dtype=bool)
    assert not gene_embedding([csr_matrix(expression)], np.ones((40, width)), everywhere).any()
    places = gene_embedding(
        [csr_matrix(expression)], np.random.default_rng(4).normal(size=(40, width)), everywhere
    )
    np.testing.assert_allclose(places[2], 0, atol=1e-12)
    assert np.abs(places[0]).max() > 0.01
