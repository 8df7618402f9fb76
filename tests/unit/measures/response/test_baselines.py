"""Baselines by hand, and the linear one against scikit-learn and its formula written out."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsRegressor

from harness.measures.response import (
    additive,
    fit_linear_response,
    gene_loadings,
    majority_effect,
    matching_mean,
    nearest_effect,
    perturbed_mean,
    target_embedding,
    transferred_effect,
)

A = np.array
PROFILES = {"X": A([2.0, 0]), "Y": A([4.0, 2]), "Z": A([0.0, 4])}
CONTROL = A([1.0, 1])


def test_means_by_hand():
    """The mean of all is (2, 2). Effects are (1, -1), (3, 1), (-1, 3), in the mean (1, 1)."""
    assert perturbed_mean(list(PROFILES.values())).tolist() == [2, 2]
    assert matching_mean(["X", "Y"], PROFILES).tolist() == [3, 1]
    assert matching_mean(["X", "new"], PROFILES).tolist() == [2, 1]  # (2, 0) and (2, 2)
    assert additive(["X", "Y"], PROFILES, CONTROL).tolist() == [5, 1]
    assert additive(["X", "new"], PROFILES, CONTROL).tolist() == [3, 1]
    assert additive(["X"], PROFILES, CONTROL).tolist() == [2, 0]
    assert transferred_effect([A([1.0, 0]), A([4.0, 3])], [2, 1]).tolist() == [2, 1]


def test_majority_by_hand():
    """Gene 0 goes up in two of three; gene 1 down in one and up in one (a tie is up); gene 2 down in one."""
    significant = A([[1, 1, 0], [1, 0, 1], [0, 1, 0]], dtype=bool)
    effects = A([[2.0, -1, 5], [1, 1, -4], [-9, 3, 1]])
    np.testing.assert_allclose(majority_effect(significant, effects), [2 / 3, 2 / 3, -1 / 3])


def linear_world(seed=0):
    """20 training effects of 50 genes, loadings (50 x 4), embeddings (20 x 3)."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(20, 50)), rng.normal(size=(20, 3)), rng.normal(size=(50, 4))


def test_the_linear_baseline_is_its_formula():
    """W = (G'G + l I)^-1 G' (Y - b) P (P'P + l I)^-1, with the rows of Y the genes."""
    effects, p, g = linear_world()
    fitted = fit_linear_response(effects, p, g, penalty=0.3)
    y, b = effects.T, effects.T.mean(axis=1, keepdims=True)
    w = (
        np.linalg.inv(g.T @ g + 0.3 * np.eye(4))
        @ g.T
        @ (y - b)
        @ p
        @ np.linalg.inv(p.T @ p + 0.3 * np.eye(3))
    )
    np.testing.assert_allclose(fitted.weights, w)
    asked = np.random.default_rng(1).normal(size=(2, 3))
    np.testing.assert_allclose(fitted.predict(asked), (g @ w @ asked.T + b).T)


def test_the_linear_baseline_is_two_ridge_regressions_of_scikit_learn():
    """Genes on loadings, then their coefficients on embeddings."""
    effects, p, g = linear_world()
    fitted = fit_linear_response(effects, p, g)
    onto_genes = Ridge(alpha=0.1, fit_intercept=False).fit(g, (effects - effects.mean(axis=0)).T).coef_
    np.testing.assert_allclose(fitted.weights, Ridge(alpha=0.1, fit_intercept=False).fit(p, onto_genes).coef_)


def test_without_penalty_it_recovers_a_planted_matrix():
    """Effects G W p + b with 0-mean embeddings give W and b back."""
    _, p, g = linear_world()
    p -= p.mean(axis=0)
    w, b = np.random.default_rng(2).normal(size=(4, 3)), np.random.default_rng(3).normal(size=50)
    fitted = fit_linear_response(b + p @ w.T @ g.T, p, g, penalty=0)
    np.testing.assert_allclose(fitted.weights, w)
    np.testing.assert_allclose(fitted.intercept, b)


def test_an_unembedded_perturbation_has_the_mean_effect():
    """Such as one whose target was not measured."""
    effects, p, g = linear_world()
    fitted = fit_linear_response(effects, p, g)
    np.testing.assert_allclose(fitted.predict(np.zeros((1, 3)))[0], effects.mean(axis=0))


def test_loadings_are_principal_components_of_genes():
    """As scikit-learn's, up to sign, which is fixed; no more of them than there are conditions."""
    profiles = np.random.default_rng(0).gamma(1, 1, (12, 60))
    found, peer = gene_loadings(profiles, 5), PCA(5, svd_solver="full").fit_transform(profiles.T)
    np.testing.assert_allclose(np.abs(found), np.abs(peer), atol=1e-9)
    assert (found[np.abs(found).argmax(axis=0), range(5)] > 0).all()
    assert gene_loadings(profiles[:4]).shape == (60, 4)


def test_targets_are_embedded_as_their_genes():
    """One target, two targets (their sum), none (0)."""
    loadings = A([[1.0, 0], [2, 3], [5, 5]])
    targets = A([[0, 1, 0], [1, 1, 0], [0, 0, 0]], dtype=bool)
    assert target_embedding(loadings, targets).tolist() == [[2, 3], [3, 3], [0, 0]]


def test_nearest_effects_are_averaged_and_ties_share_a_place():
    """Asked at 0: the nearest two of four at 1, 3, -3, 9 are the first and half of each of the next two."""
    places, effects = A([[1.0], [3], [-3], [9]]), A([[1.0, 0], [2, 2], [4, 2], [100, 100]])
    found = nearest_effect(A([0.0]), places, effects, neighbours=2)
    np.testing.assert_allclose(found, [(1 + (2 + 4) / 2) / 2, (0 + 2) / 2])
    np.testing.assert_allclose(nearest_effect(A([0.0]), places, effects, 9), effects.mean(axis=0))


def test_nearest_effects_are_those_of_scikit_learns_neighbours():
    """Uniform weights over the five nearest of 30."""
    rng = np.random.default_rng(4)
    places, effects, place = rng.normal(size=(30, 3)), rng.normal(size=(30, 8)), rng.normal(size=3)
    peer = KNeighborsRegressor(5).fit(places, effects).predict(place[None])[0]
    np.testing.assert_allclose(nearest_effect(place, places, effects), peer)
