"""Intervals and the resampling of runs, by hand and by simulation."""

import numpy as np
import pytest

from harness.statistics.estimates import (
    draws_within,
    percentile,
    quantiles,
    resampled_runs,
    spread_runs,
    too_few_runs,
)


def test_spread_by_hand():
    """Runs 1, 2, 6 about 3, times sqrt(3 / 2); a single run stays where it is."""
    found = spread_runs(np.array([1.0, 2.0, 6.0, 5.0]), np.array([0, 0, 0, 1]))
    root = 1.5**0.5
    assert found == pytest.approx([3 - 2 * root, 3 - root, 3 + 3 * root, 5])


@pytest.mark.parametrize("k", [2, 3, 5])
def test_resampled_means_have_the_right_variance(k):
    """The variance of the mean of resamples is s^2 / k, not the smaller s^2 (k - 1) / k^2."""
    values = np.random.default_rng(k).normal(size=k)
    groups = np.zeros(k, dtype=np.intp)
    drawn = spread_runs(values, groups)[draws_within(groups, 40_000, 0)]
    assert drawn.mean(axis=1).var() == pytest.approx(values.var(ddof=1) / k, rel=0.03)


def test_draws_stay_within_their_group():
    """A run is replaced by a run of the same group; the seed decides alone."""
    groups = np.array([0, 1, 0, 1, 1])
    drawn = draws_within(groups, 50, 3)
    assert (groups[drawn] == groups).all()
    assert len(np.unique(drawn, axis=0)) > 10
    assert (drawn == draws_within(groups, 50, 3)).all()
    assert (drawn != draws_within(groups, 50, 4)).any()


def test_pooled_runs_share_their_scatter_not_their_means():
    """A size whose two runs happen to be equal scatters like the others; its mean stays."""
    values, groups = np.array([1.0, 1.0, 5.0, 7.0]), np.array([0, 0, 1, 1])
    within = resampled_runs(values, groups, 400, 0)
    pooled = resampled_runs(values, groups, 400, 0, pooled=True)
    assert (within[:, 0] == 1).all()
    root = 2**0.5
    assert set(np.round(pooled[:, 0], 6)) == set(np.round([1 - root, 1, 1 + root], 6))
    assert set(np.round(pooled[:, 2], 6)) == set(np.round([6 - root, 6, 6 + root], 6))


def test_percentile_by_hand():
    """Of 0 ... 100 the central 90 % is 5 to 95; infinite replicates stand at the end."""
    found = percentile(50.0, np.arange(101.0), 0.9)
    assert (found.low, found.high) == pytest.approx((5, 95))
    assert percentile(1.0, [1.0] * 50 + [np.inf] * 50).high == np.inf
    assert percentile(1.0, [1.0] * 99 + [np.inf]).high == 1


def test_few_seeds_widen_the_interval():
    """Of resamples from a standard normal, 4 degrees of freedom leave Student's 2.776 instead of 1.960."""
    drawn = np.random.default_rng(0).normal(size=400_000)
    assert percentile(0.0, drawn, df=4).high == pytest.approx(2.776, abs=0.04)
    assert percentile(0.0, drawn).high == pytest.approx(1.960, abs=0.02)


def test_undefined_resamples_leave_no_interval():
    """One NaN among the resamples is a reason, never left out in silence."""
    found = percentile(1.0, [1.0, np.nan, 2.0])
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert found.reason == "undefined in 1 of 3 resamples"


def test_single_runs_are_said():
    assert too_few_runs(np.array([0, 0, 1, 1])) is None
    assert too_few_runs(np.array([0, 0, 1])) == "1 of 2 sizes have one run: nothing to resample within them"


@pytest.mark.parametrize("n", [1, 2, 999, 1000])
def test_quantiles_are_numpys(n):
    """To rounding; NaN where a number is."""
    drawn, shares = np.random.default_rng(n).normal(size=n), [0.0, 0.025, 0.3, 0.975, 1.0]
    np.testing.assert_allclose(quantiles(drawn, shares), np.quantile(drawn, shares), rtol=1e-14)
    assert np.isnan(quantiles(np.append(drawn, np.nan), shares)).all()
