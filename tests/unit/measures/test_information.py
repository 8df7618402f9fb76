"""Bits by hand, by scipy, and as the second founding study reports them."""

import numpy as np
import pytest
from scipy import stats

from harness.measures import bits_from_nats, bits_gained, gaussian_bits, r2_gained

GENE_MEAN = 1.8752
"""Validation error of the gene mean in arXiv 2602.15253."""


def test_published_bits():
    """The study's "2.30 bits": its floor as an entropy, and its floor in nats by way of the likelihood."""
    assert gaussian_bits(1.44) == pytest.approx(2.310, abs=5e-4)
    assert gaussian_bits(1.4437577651) == pytest.approx(2.312, abs=5e-4)
    assert bits_from_nats(1.5915) == pytest.approx(2.296, abs=5e-4)
    assert gaussian_bits(1.470) == pytest.approx(2.325, abs=5e-4)
    assert gaussian_bits(GENE_MEAN) == pytest.approx(2.501, abs=1e-3)


def test_published_gain_over_the_gene_mean():
    """Free of units: the best model gains .180 bits per gene, its floor .189; the R2 of three sizes."""
    assert bits_gained(1.4616, GENE_MEAN) == pytest.approx(0.180, abs=5e-4)
    assert bits_gained(1.4438, GENE_MEAN) == pytest.approx(0.189, abs=5e-4)
    assert r2_gained([2.1011, 1.5999, 1.4616], GENE_MEAN) == pytest.approx([-0.12, 0.147, 0.221], abs=1e-3)


@pytest.mark.parametrize("mse", [0.2, 1.0, 7.0])
def test_entropy_is_that_of_scipys_normal(mse):
    """scipy's differential entropy of the normal law, in nats."""
    assert gaussian_bits(mse) == pytest.approx(bits_from_nats(stats.norm(scale=mse**0.5).entropy()))


def test_units_change_entropy_but_not_the_gain():
    """Twice the unit is one bit more, and the same gain."""
    assert gaussian_bits(4 * 1.3) - gaussian_bits(1.3) == pytest.approx(1)
    assert bits_gained(4 * 1.3, 4 * 2.0) == pytest.approx(bits_gained(1.3, 2.0))
    assert bits_gained(2.0, 1.3) == pytest.approx(-bits_gained(1.3, 2.0))


def test_pooled_error_is_an_upper_bound():
    """The mean over genes of different error is below the entropy of the pooled error (Jensen)."""
    errors = np.array([0.1, 0.5, 3.0])
    assert gaussian_bits(errors).mean() < gaussian_bits(errors.mean())


def test_an_error_of_zero_is_refused():
    with pytest.raises(ValueError, match='positive, not "0"'):
        gaussian_bits([1.0, 0.0])
