"""Doses by hand and against numpy's interpolation."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from harness.errors import Misuse
from harness.measures.response import dose_response, log_dose_line, nearest_dose

A = np.array
DOSES, EFFECTS = [1.0, 100.0, 10.0], A([[0.0, 1], [4, 1], [2, 3]])


def test_nearest_dose_by_hand():
    """On a log scale 20 is nearer to 10, 40 to 100; sqrt(1000) is as near to both."""
    assert nearest_dose(20, DOSES, EFFECTS).tolist() == [2, 3]
    assert nearest_dose(40, DOSES, EFFECTS).tolist() == [4, 1]
    assert nearest_dose(np.sqrt(1000), DOSES, EFFECTS).tolist() == [3, 2]


def test_the_line_between_doses_is_numpys():
    """Linear in log dose, whatever the order of doses."""
    for asked in (1, 2, 10, 31, 100):
        found = log_dose_line(asked, DOSES, EFFECTS)
        order = np.argsort(DOSES)
        peer = [np.interp(np.log(asked), np.log(A(DOSES)[order]), EFFECTS[order, g]) for g in range(2)]
        np.testing.assert_allclose(found, peer)


def test_the_line_goes_on_beyond_the_ends():
    """By 2 and -2 per decade above, by 2 and 2 below; one dose only is its own answer."""
    np.testing.assert_allclose(log_dose_line(1000, DOSES, EFFECTS), [6, -1])
    np.testing.assert_allclose(log_dose_line(0.1, DOSES, EFFECTS), [-2, -1])
    assert log_dose_line(7, [10.0], EFFECTS[:1]).tolist() == [0, 1]


def test_a_dose_of_zero_is_refused():
    """Untreated cells are the control, not a dose."""
    with pytest.raises(Misuse, match='a dose of "0" has no logarithm'):
        nearest_dose(1, [0.0, 1.0], EFFECTS[:2])


def test_dose_response_is_spearmans_correlation_of_norms():
    """Measured norms 1, 2, 3, 4; predicted 5, 1, 2, 9 (ranks 3, 1, 2, 4): 1 - 6 x 6 / 60 = .4."""
    truth, effect = np.diag([1.0, 2, 3, 4]), np.diag([5.0, 1, 2, 9])
    assert dose_response(effect, truth, [1, 2, 3, 4]) == pytest.approx(0.4)
    assert dose_response(effect, truth, [1, 2, 3, 4]) == pytest.approx(
        spearmanr([5, 1, 2, 9], [1, 2, 3, 4])[0]
    )
    assert dose_response(-3 * effect, truth, [1, 2, 3, 4]) == pytest.approx(0.4)
    assert np.isnan(dose_response(effect[:2], truth[:2], [1, 2]))
    assert np.isnan(dose_response(np.eye(4), truth, [1, 2, 3, 4]))
