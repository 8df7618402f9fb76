"""Correlations and errors of profiles against scipy, scikit-learn and hand-worked numbers."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import mean_squared_error, r2_score

from harness.measures.response import (
    contrast_weights,
    expression_stratum,
    mse,
    pearson,
    pearson_delta,
    r2,
    skill,
    spearman,
)

A = np.array


@pytest.fixture(scope="module")
def profiles():
    """Predicted and measured profiles of 6 perturbations, a control, and weights (6 x 40)."""
    rng = np.random.default_rng(0)
    truth = rng.gamma(1, 1, (6, 40))
    return truth + rng.normal(size=(6, 40)), truth, rng.gamma(1, 1, 40), rng.random((6, 40))


def test_correlations_are_those_of_scipy(profiles):
    """Pearson's and Spearman's, each row for itself, ties included."""
    predicted, truth, _, _ = profiles
    rounded = np.round(predicted)
    for row in range(6):
        assert pearson(predicted, truth)[row] == pytest.approx(pearsonr(predicted[row], truth[row]).statistic)
        found, peer = spearman(rounded, truth)[row], spearmanr(rounded[row], truth[row]).statistic
        assert found == pytest.approx(peer)


def test_weighted_correlation_is_that_of_a_weighted_covariance(profiles):
    """numpy's covariance with analytic weights; with weights of 0 and 1 it is that of the chosen genes."""
    predicted, truth, _, weights = profiles
    table = np.cov(predicted[0], truth[0], aweights=weights[0])
    assert pearson(predicted, truth, weights)[0] == pytest.approx(
        table[0, 1] / np.sqrt(table[0, 0] * table[1, 1])
    )
    chosen = weights > 0.5
    peer = pearsonr(predicted[1, chosen[1]], truth[1, chosen[1]]).statistic
    assert pearson(predicted, truth, chosen)[1] == pytest.approx(peer)


def test_delta_by_hand():
    """Against the reference (1, 1, 1) the differences are (1, 0, -1) and (2, 0, -2): one direction."""
    found = pearson_delta(A([[2.0, 1, 0]]), A([[3.0, 1, -1]]), A([1.0, 1, 1]))
    assert found == pytest.approx(1)
    # Against (2, 1, 0) the prediction does not differ at all.
    assert np.isnan(pearson_delta(A([[2.0, 1, 0]]), A([[3.0, 1, -1]]), A([2.0, 1, 0])))


def test_errors_are_those_of_scikit_learn(profiles):
    """MSE and R2 of differences from a reference, with genes as samples, plain and weighted."""
    predicted, truth, control, weights = profiles
    for row, w in enumerate(weights):
        p, t = predicted[row], truth[row]
        assert mse(predicted, truth)[row] == pytest.approx(mean_squared_error(t, p))
        assert mse(predicted, truth, weights)[row] == pytest.approx(mean_squared_error(t, p, sample_weight=w))
        assert r2(predicted, truth, control)[row] == pytest.approx(r2_score(t - control, p - control))
        peer = r2_score(t - control, p - control, sample_weight=w)
        assert r2(predicted, truth, control, weights)[row] == pytest.approx(peer)


def test_skill_by_hand():
    """The reference errs by 2 and 4 (20 squared), the prediction by 1 and 2 (5): 3 / 4 is removed."""
    truth, reference = A([0.0, 0.0]), A([2.0, 4.0])
    assert skill(A([1.0, 2.0]), truth, reference) == pytest.approx(0.75)
    assert skill(reference, truth, reference) == pytest.approx(0)
    assert skill(truth, truth, reference) == pytest.approx(1)
    # Weights 1 and 3: (1 + 12) / (4 + 48).
    assert skill(A([1.0, 2.0]), truth, reference, A([1.0, 3.0])) == pytest.approx(1 - 13 / 52)


def test_weights_by_hand():
    """|t| = 1, 3, 5 is scaled to 0, .5, 1, squared to 0, .25, 1, and divided by 1.25."""
    np.testing.assert_allclose(contrast_weights([[-1.0, 3, -5]]), [[0, 0.2, 0.8]])
    # A gene that was not tested counts as t = 0: 0, .6, 1 squared is 0, .36, 1.
    np.testing.assert_allclose(contrast_weights([[np.nan, 3, 5]]), [[0, 0.36 / 1.36, 1 / 1.36]])
    assert np.isnan(contrast_weights([[2.0, -2, 2]])).all()


def test_strata_of_expression():
    """Ten genes are seen; the lowest fifth are those with 1 and 2, the highest those with 9 and 10."""
    mean = A([5, 1, 0, 2, 3, 4, 0, 6, 7, 8, 9, 10.0])
    assert mean[expression_stratum(mean)].tolist() == [1, 2]
    assert sorted(mean[expression_stratum(mean, 4)]) == [9, 10]
    assert sum(expression_stratum(mean, s).sum() for s in range(5)) == 10
    rows = expression_stratum(np.stack([mean, mean[::-1]]))
    assert (rows[1] == rows[0][::-1]).all()


def test_what_is_constant_or_empty_is_missing():
    """A constant side, no weight, a reference without error: NaN for that perturbation, none other."""
    predicted, truth = A([[0.1 + 0.2] * 3, [1.0, 2, 4]]), A([[1.0, 2, 3], [1.0, 2, 3]])
    assert np.isnan(pearson(predicted, truth)).tolist() == [True, False]
    assert np.isnan(r2(truth, predicted)).tolist() == [True, False]
    weights = A([[0.0, 0, 0], [1.0, 1, 1]])
    for found in (pearson, mse, r2):
        kwargs = {"weights": weights}
        assert np.isnan(found(truth + A([0, 0, 1]), truth, **kwargs)).tolist() == [True, False]
    assert np.isnan(skill(predicted, truth, truth)).all()
