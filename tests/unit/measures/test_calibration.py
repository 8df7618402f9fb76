"""Brier score, log loss and calibration error, against scikit-learn and by hand."""

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss, log_loss

from harness.measures import brier_scores, expected_calibration_error, log_losses


@pytest.fixture
def forecast():
    """400 cells, four classes, random probabilities."""
    rng = np.random.default_rng(2)
    return rng.dirichlet(np.ones(4), 400), rng.integers(0, 4, 400)


def test_the_mean_brier_score_is_that_of_scikit_learn(forecast):
    """In its multi-class form from 0 to 2."""
    probabilities, truth = forecast
    expected = brier_score_loss(truth, probabilities, labels=[0, 1, 2, 3], scale_by_half=False)
    assert brier_scores(probabilities, truth).mean() == pytest.approx(expected, abs=1e-12)


def test_brier_scores_by_hand():
    """Right and sure 0; wrong and sure 1 + 1; undecided (1/2)^2 + (1/2)^2; never below 0."""
    given = np.array([[1, 0], [0, 1], [0.5, 0.5]])
    assert brier_scores(given, np.array([0, 0, 1])).tolist() == [0, 2, 0.5]
    thirds = np.array([[1 - 1e-17, 1e-17, 0]])
    assert brier_scores(thirds, np.array([0])) >= 0


def test_the_mean_log_loss_is_that_of_scikit_learn(forecast):
    """In nats."""
    probabilities, truth = forecast
    expected = log_loss(truth, probabilities, labels=[0, 1, 2, 3])
    assert log_losses(probabilities, truth).mean() == pytest.approx(expected, abs=1e-12)


def test_what_was_thought_impossible_is_an_infinite_loss():
    """Nothing is clipped, and a sure right answer loses nothing (and not minus nothing)."""
    found = log_losses(np.array([[0.0, 1.0], [0.0, 1.0]]), np.array([0, 1]))
    assert found[0] == np.inf
    assert str(found[1]) == "0.0"


def test_the_calibration_error_by_hand():
    """Two bins of two: |0.6 - 1/2| and |0.9 - 1/2|, each half of the cells."""
    confidence = np.array([0.5, 0.95, 0.7, 0.85])
    right = np.array([True, False, False, True])
    assert expected_calibration_error(confidence, right, bins=2) == pytest.approx((0.1 + 0.4) / 2)


def test_the_calibration_error_from_scikit_learns_curve(forecast):
    """Its curve over quantiles, weighted by the cells of each bin."""
    probabilities, truth = forecast
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    accuracy, mean = calibration_curve(right, confidence, n_bins=10, strategy="quantile")
    expected = np.abs(accuracy - mean).mean()  # without ties, all bins hold 40 cells
    assert expected_calibration_error(confidence, right, bins=10) == pytest.approx(expected, abs=1e-12)


def test_equal_confidences_share_a_bin():
    """Neighbours vote in fifths: by level, whatever the number of bins and the order of the cells."""
    confidence = np.repeat([0.4, 0.6, 0.8, 1.0], [10, 20, 30, 40])
    right = np.random.default_rng(0).random(100) < 0.7
    shares = [(confidence == level).mean() for level in (0.4, 0.6, 0.8, 1.0)]
    gaps = [abs(right[confidence == level].mean() - level) for level in (0.4, 0.6, 0.8, 1.0)]
    order = np.random.default_rng(1).permutation(100)
    for which in (slice(None), order):
        found = expected_calibration_error(confidence[which], right[which], bins=15)
        assert found == pytest.approx(np.dot(shares, gaps))


def test_an_honest_forecast_is_calibrated():
    """Labels drawn from the probabilities themselves; the same ones made twice as sure are not."""
    rng = np.random.default_rng(5)
    confidence = rng.uniform(0.5, 0.75, 200_000)
    right = rng.random(200_000) < confidence
    assert expected_calibration_error(confidence, right) < 0.005
    assert expected_calibration_error(2 * confidence - 0.5, right) == pytest.approx(0.125, abs=0.005)
