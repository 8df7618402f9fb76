"""Calibration by hand, and on noise where nothing can be told."""

import numpy as np
import pytest
from scipy.stats import binomtest

from harness.measures.response import (
    calibrate,
    dynamic_range_fraction,
    effect_strata,
    gap_closed,
    published_dynamic_range,
    solved,
)

A = np.array


def test_dynamic_range_by_hand():
    """Negative .2, perfect 1: .6 is half way, .2 nowhere, -.6 the whole way back, -1.8 more than that."""
    found = dynamic_range_fraction([0.6, 0.2, -0.6, -1.8], [0.2] * 4, 1)
    np.testing.assert_allclose(found, [0.5, 0, -1, -2.5])
    np.testing.assert_allclose(published_dynamic_range(found), [0.5, 0, -1, -1])
    # A loss: from 4 to 1 of the way to 0.
    assert dynamic_range_fraction(1, 4, 0) == pytest.approx(0.75)
    assert np.isnan(dynamic_range_fraction(0.5, 1, 1))


def test_calibration_by_hand():
    """Wins in 7 of 8, one tie, one undefined: (7 + .5) / 9 and the sign test of scipy."""
    negative = np.zeros(10)
    positive = A([0.5] * 7 + [-0.5, 0, np.nan])
    found = calibrate(positive, negative, 1.0, "up")
    assert found.discrimination == pytest.approx(7.5 / 9)
    assert found.p_value == pytest.approx(binomtest(7, 8, alternative="greater").pvalue)
    assert (found.dynamic_range, found.perturbations) == (0.5, 9)
    assert found.published_dynamic_range == pytest.approx((7 * 0.5 - 0.5) / 9)
    assert found.passes


def test_the_direction_of_a_loss():
    """Smaller is better: the positive control has the smaller error."""
    assert calibrate(np.full(8, 0.1), np.full(8, 0.4), 0.0, "down").passes
    assert calibrate(np.full(8, 0.4), np.full(8, 0.1), 0.0, "down").discrimination == 0


def test_noise_does_not_pass():
    """Both controls from one distribution pass in at most about one in twenty of 200 draws."""
    rng = np.random.default_rng(0)
    passed = [calibrate(*rng.normal(size=(2, 30)), 5.0, "up").passes for _ in range(200)]
    assert np.mean(passed) < 0.1


def test_without_a_perturbation_nothing_is_known():
    """NaN, and it does not pass."""
    found = calibrate([np.nan], [0.0], 1.0, "up")
    assert np.isnan(found.dynamic_range)
    assert np.isnan(found.discrimination)
    assert not found.passes


def test_gaps_by_hand():
    """From .5 to .9, .7 closes half; above the ceiling it is more than all; no gap is no answer."""
    np.testing.assert_allclose(
        gap_closed([0.7, 1.0, 0.4], [0.5, 0.5, 0.4], [0.9, 0.9, 0.4]), [0.5, 1.25, np.nan]
    )
    # A loss from 1 to 0.
    assert gap_closed(0.25, 1, 0) == pytest.approx(0.75)


def test_solved_by_hand():
    """From .5 to .9 the duplicate's range begins at .86. Where it is below no change, at itself."""
    baseline = A([0.87, 0.85, 0.95, 0.5, 0.3, np.nan, 0.9])
    floor = A([0.5, 0.5, 0.5, 0.5, 0.5, 0.5, np.nan])
    ceiling = A([0.9, 0.9, 0.9, 0.4, 0.4, 0.9, 0.9])
    np.testing.assert_array_equal(solved(baseline, floor, ceiling), [1, 0, 1, 1, 0, 0, np.nan])
    np.testing.assert_array_equal(solved(-baseline, -floor, -ceiling, "down"), [1, 0, 1, 1, 0, 0, np.nan])


def test_what_does_nothing_is_solved_by_no_change_about_as_often_as_not():
    """Where nothing is to be predicted, no change and a second measurement are two draws of one law."""
    no_change, duplicate = np.random.default_rng(0).normal(size=(2, 400))
    assert solved(no_change, no_change, duplicate).mean() == pytest.approx(0.5, abs=0.08)


def test_strata_have_equal_numbers():
    """The smallest third, the middle, the largest."""
    assert effect_strata([5.0, 1, 9, 2, 7, 3]).tolist() == [1, 0, 2, 0, 2, 1]
