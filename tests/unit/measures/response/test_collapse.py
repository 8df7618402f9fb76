"""Diagnostics of mode collapse by hand."""

import numpy as np
import pytest

from harness.measures.response import best_scale, mse, pairwise_cosine, variance_ratio

A = np.array
TRUTH = A([[2.0, 0], [0, 2]])


def test_variance_ratio_by_hand():
    """Squares sum to 8; twice the effect has 4 times the squares; no change has none."""
    assert variance_ratio(TRUTH, TRUTH) == pytest.approx(1)
    assert variance_ratio(2 * TRUTH, TRUTH) == pytest.approx(4)
    assert variance_ratio(0 * TRUTH, TRUTH) == 0
    assert np.isnan(variance_ratio(TRUTH, 0 * TRUTH))


def test_pairwise_cosine_by_hand():
    """Orthogonal 0, equal 1; with (1, 1) the pairs have 0, 1 / sqrt 2, 1 / sqrt 2."""
    assert pairwise_cosine(TRUTH) == pytest.approx(0)
    assert pairwise_cosine(A([[1.0, 2], [3, 6], [2, 4]])) == pytest.approx(1)
    assert pairwise_cosine(A([[2.0, 0], [0, 2], [1, 1]])) == pytest.approx(np.sqrt(2) / 3)
    assert pairwise_cosine(A([[2.0, 0], [0, 2], [0, 0]])) == pytest.approx(0)
    assert np.isnan(pairwise_cosine(A([[1.0, 1], [0, 0]])))


def test_the_best_scale_leaves_the_least_error():
    """An answer three times too large is scaled by 1 / 3; around the best, errors are larger."""
    assert best_scale(3 * TRUTH, TRUTH) == pytest.approx(1 / 3)
    effect, truth = np.random.default_rng(0).normal(size=(2, 5, 20))
    best = best_scale(effect, truth)
    errors = [mse(factor * effect, truth).mean() for factor in (best - 0.1, best, best + 0.1)]
    assert errors[1] < min(errors[0], errors[2])
    assert np.isnan(best_scale(0 * effect, truth))
