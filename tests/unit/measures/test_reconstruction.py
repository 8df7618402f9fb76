"""Scores of restored values, against published figures and by hand."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import r2_score

from harness.measures import gaussian_bits, restoration


def test_bits_are_those_of_a_gaussian():
    """Published: an error of 1.44 is 2.310 bits, 1.4438 is 2.312 (arXiv:2602.15253); and scipy's entropy."""
    assert float(gaussian_bits(1.44)) == pytest.approx(2.310, abs=5e-4)
    assert float(gaussian_bits(1.4438)) == pytest.approx(2.312, abs=5e-4)
    assert float(gaussian_bits(0.37)) == pytest.approx(norm(scale=0.37**0.5).entropy() / np.log(2))


def test_gains_over_the_gene_mean_are_the_published_ones():
    """Gene means 1.8752, size M 1.4616: R2 .221 and .180 bits; XXS at 2.1011 is worse than the means."""
    found = restoration([1.4616, 2.1011], [1.8752, 1.8752], [1, 1])
    assert found["r2_over_gene_mean"] == pytest.approx([0.2206, -0.1205], abs=1e-3)
    assert found["bits_over_gene_mean"][0] == pytest.approx(0.180, abs=5e-4)
    assert found["bits_over_gene_mean"][1] < 0


def test_r2_is_that_of_scikit_learn():
    """Where the reference is the mean of the very values."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200)
    answers = truth + rng.normal(size=200) / 2
    found = restoration(((truth - answers) ** 2).sum(), ((truth - truth.mean()) ** 2).sum(), 200)
    assert float(found["r2_over_gene_mean"]) == pytest.approx(r2_score(truth, answers))
    assert float(found["mse"]) == pytest.approx(((truth - answers) ** 2).mean())


def test_what_cannot_be_told_is_no_number():
    """No entries, or gene means without error: NaN, never infinity or zero."""
    found = restoration([0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0, 1, 1])
    assert np.isnan(found["r2_over_gene_mean"][:2]).all()
    assert np.isnan(found["mse"][0])
    assert np.isnan(found["gaussian_bits"][2])  # an exact answer has no entropy
    assert found["r2_over_gene_mean"][2] == 1
