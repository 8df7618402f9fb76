"""Tests for a size effect against scipy, statsmodels, exhaustive permutation and by hand."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from harness.statistics import (
    equivalence_p,
    intraclass_correlation,
    jonckheere,
    mean_difference_p,
    one_way,
    paired_resolution,
    permutation_p,
    pooled_spread,
    resolution,
    seeds_needed,
)


def groups(*counts, n_curves=7, seed=0, rise=0.0, decimals=None):
    rng = np.random.default_rng(seed)
    found = [rng.normal(rise * place, 1, (n_curves, count)) for place, count in enumerate(counts)]
    return found if decimals is None else [np.round(group, decimals) for group in found]


def curve(found, row):
    return [group[row] for group in found]


def test_pooled_spread_is_the_root_of_the_mean_variance():
    """For equal seeds; variances 2 and 8 give sqrt(5), with one degree of freedom each."""
    spread = pooled_spread([np.array([0.0, 2.0]), np.array([1.0, 5.0])])
    assert spread.sd == pytest.approx(5**0.5)
    assert spread.df == 2


def test_pooled_spread_weighs_by_degrees_of_freedom():
    """Squares 8 of three runs and 2 of two: sqrt(10 / 3); a single run adds nothing."""
    spread = pooled_spread([np.array([0.0, 2.0, 4.0]), np.array([1.0, 3.0]), np.array([9.0])])
    assert spread.sd == pytest.approx((10 / 3) ** 0.5)
    assert spread.df == 3


@pytest.mark.parametrize("counts", [(5, 5, 5, 5, 5, 5), (2, 3, 9), (1, 4)])
def test_f_agrees_with_scipy(counts):
    """For every curve of a block, unequal seeds included."""
    found = groups(*counts, rise=0.3)
    ours = one_way(found)
    for row in range(7):
        theirs = stats.f_oneway(*curve(found, row))
        assert ours.f[row] == pytest.approx(theirs.statistic)
        assert ours.p[row] == pytest.approx(theirs.pvalue)


def test_f_of_equal_scores_shows_nothing():
    """No spread at all is no effect; no degrees of freedom is no answer."""
    assert one_way([np.full(3, 0.1), np.full(2, 0.1)]).p == 1
    assert np.isnan(one_way([np.array([0.1]), np.array([0.2])]).p)
    assert np.isnan(one_way([np.array([0.1, 0.2])]).p)


def test_permutation_p_agrees_with_all_permutations():
    """Exhaustive over the 6! orders of three pairs: equal up to the error of the shuffles."""
    found = groups(2, 2, 2, n_curves=3, seed=5, rise=1.0)
    ours = permutation_p(found, n=40_000)
    for row in range(3):
        values = np.concatenate(curve(found, row))
        observed = stats.f_oneway(*values.reshape(3, 2)).statistic
        orders = np.array(list(permutations(values)))
        f = stats.f_oneway(orders[:, :2], orders[:, 2:4], orders[:, 4:], axis=1).statistic
        exact = np.mean(f >= observed - 1e-9)
        assert ours[row] == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 40_000) ** 0.5 + 1e-4)


def test_permutation_p_agrees_with_scipy():
    """For unequal seeds, against scipy's own shuffles of its own F."""
    found = curve(groups(3, 5, 4, seed=2, rise=0.4), 0)
    theirs = stats.permutation_test(
        found,
        lambda *parts: stats.f_oneway(*parts).statistic,
        permutation_type="independent",
        n_resamples=500,
        alternative="greater",
        rng=np.random.default_rng(0),
    ).pvalue
    assert permutation_p(found, n=20_000) == pytest.approx(theirs, abs=0.07)


def test_permutation_p_has_a_floor_and_needs_something_to_deal():
    """The data are one of the shuffles; equal scores never surprise; one size or seed is no test."""
    apart = [np.arange(5.0), 100 + np.arange(5.0), 200 + np.arange(5.0)]
    assert permutation_p(apart, n=999) == pytest.approx(1 / 1000)
    assert permutation_p([np.full(3, 0.1), np.full(3, 0.1)], n=99) == 1
    assert np.isnan(permutation_p([np.array([0.1]), np.array([0.2])], n=99))
    assert np.isnan(permutation_p([np.array([0.1, 0.3])], n=99))


def test_permutation_p_holds_its_level_where_f_does_not():
    """Heavy tails: 5 % of 2,000 flat curves are rejected, and no more."""
    rng = np.random.default_rng(1)
    found = [rng.standard_t(1.5, (2_000, 3)) for _ in range(6)]
    assert np.mean(permutation_p(found, n=999) <= 0.05) == pytest.approx(0.05, abs=0.016)


def test_blocks_of_shuffles_do_not_matter(monkeypatch):
    """The p-value is the same however many shuffles and curves are held at a time."""
    found = groups(3, 3, 3, rise=0.5)
    whole = permutation_p(found, n=1_000)
    monkeypatch.setattr("harness.statistics.trend.SHUFFLES", 300)
    monkeypatch.setattr("harness.statistics.trend.BLOCK", 900)
    assert permutation_p(found, n=1_000).tolist() == whole.tolist()


def test_jonckheere_by_hand():
    """Pairs of (1, 4), (2, 4), (5): 1<2, 1<4, 4=4 (half), 4>2; 1<5, 4<5; 2<5, 4<5: 2.5 + 2 + 2 = 6.5."""
    found = jonckheere([np.array([1.0, 4.0]), np.array([2.0, 4.0]), np.array([5.0])])
    assert found.statistic == 6.5
    assert found.p_up + found.p_down == pytest.approx(1)


@pytest.mark.parametrize("counts", [(2, 2, 3), (1, 3, 2), (3, 3)])
@pytest.mark.parametrize("decimals", [None, 0])
def test_jonckheere_moments_are_those_of_all_permutations(counts, decimals):
    """Mean and variance, with and without ties, are exact: z is the statistic standardised by brute force."""
    found = curve(groups(*counts, decimals=decimals, seed=3, rise=0.5), 0)
    values, ends = np.concatenate(found), np.cumsum(counts)[:-1]
    counted = []
    for order in permutations(values):
        parts = np.split(np.array(order), ends)
        pairs = [
            np.sum(b[:, None] > a) + 0.5 * np.sum(b[:, None] == a)
            for i, b in enumerate(parts)
            for a in parts[:i]
        ]
        counted.append(sum(pairs))
    ours = jonckheere(found)
    assert ours.z == pytest.approx((ours.statistic - np.mean(counted)) / np.std(counted))


@pytest.mark.parametrize("decimals", [None, 1, 0])
def test_jonckheere_agrees_with_kendall(decimals):
    """It is Kendall's tau-b of score and size, whose asymptotic p with ties scipy has."""
    found = groups(5, 4, 5, 6, decimals=decimals, rise=0.2)
    ours = jonckheere(found)
    sizes = np.repeat(range(4), [5, 4, 5, 6])
    for row in range(7):
        for p, side in ((ours.p_up, "greater"), (ours.p_down, "less")):
            theirs = stats.kendalltau(
                sizes, np.concatenate(curve(found, row)), method="asymptotic", alternative=side
            )
            assert p[row] == pytest.approx(theirs.pvalue)


def test_jonckheere_turns_with_the_order():
    """A fall is a rise of the reversed order; equal scores are neither; one size has no order."""
    found = curve(groups(4, 4, 4, rise=1.0), 0)
    assert jonckheere(found).p_up < 0.01
    assert jonckheere(found[::-1]).p_down == pytest.approx(jonckheere(found).p_up)
    assert jonckheere([np.full(3, 0.1), np.full(3, 0.1)]).p_up == 0.5
    assert np.isnan(jonckheere(found[:1]).p_up)


@pytest.mark.parametrize("margin", [0.2, 0.8, 2.0])
def test_equivalence_agrees_with_statsmodels(margin):
    """The larger of two one-sided pooled t tests, for unequal seeds and both signs."""
    weightstats = pytest.importorskip("statsmodels.stats.weightstats")
    for row in range(4):
        a, b = curve(groups(6, 9, rise=0.3), row)
        theirs = weightstats.ttost_ind(a, b, -margin, margin, usevar="pooled")[0]
        spread = pooled_spread([a, b])
        error = spread.sd * np.sqrt(1 / 6 + 1 / 9)
        assert equivalence_p(a.mean() - b.mean(), error, spread.df, np.array(margin)) == pytest.approx(theirs)


def test_a_difference_agrees_with_scipy():
    """The one-sided pooled t test; exact differences are above zero or not."""
    a, b = curve(groups(6, 9, rise=0.3), 0)
    spread = pooled_spread([a, b])
    ours = mean_difference_p(b.mean() - a.mean(), spread.sd * np.sqrt(1 / 6 + 1 / 9), spread.df)
    assert ours == pytest.approx(stats.ttest_ind(b, a, alternative="greater").pvalue)
    assert mean_difference_p(np.array([0.1, 0.0, -0.1]), np.zeros(3), 4).tolist() == [0, 1, 1]
    assert np.isnan(mean_difference_p(np.array(0.1), np.array(np.nan), 0))


def test_equivalence_without_error_or_margin():
    """Exact differences are inside or outside; an unknown margin gives no p-value."""
    p = equivalence_p(np.array([0.1, -0.3, 0.1]), np.zeros(3), 4, np.array([0.2, 0.2, np.nan]))
    assert p[:2].tolist() == [0, 1]
    assert np.isnan(p[2])
    assert np.isnan(equivalence_p(np.array(0.1), np.array(0.1), 4, np.array(np.nan)))


def test_resolution_is_the_half_width_of_the_interval():
    """scipy's 95 % interval of a difference of two sizes; with paired seeds that of the paired test."""
    a, b = curve(groups(5, 5), 0)
    spread = pooled_spread([a, b])
    interval = stats.ttest_ind(a, b).confidence_interval(0.95)
    assert resolution(spread.sd, 5, spread.df) == pytest.approx((interval.high - interval.low) / 2)
    paired = stats.ttest_rel(a, b).confidence_interval(0.95)
    assert paired_resolution([a, b]) == pytest.approx((paired.high - paired.low) / 2)


def test_shared_seeds_sharpen_the_paired_resolution():
    """What a seed adds to all sizes cancels, but not in the unpaired one; unequal seeds have no pairs."""
    found = [group / 100 + 10 * np.arange(4.0) for group in groups(4, 4, 4)]
    spread = pooled_spread(found)
    assert (paired_resolution(found) < 0.01 * resolution(spread.sd, 4, spread.df)).all()
    with pytest.raises(ValueError, match="same number of seeds"):
        paired_resolution(groups(4, 3))


def test_seeds_needed_by_hand():
    """2 * ((1.6449 + 0.8416) * 0.028 / 0.01)^2 = 2 * 6.9622^2 = 96.9, so 97; no margin, no number."""
    assert seeds_needed(np.array(0.028), np.array(0.01)) == 97
    assert seeds_needed(np.array(0.001), np.array(1.0)) == 2
    assert np.isnan(seeds_needed(np.array(0.1), np.array(np.nan)))
    assert np.isnan(seeds_needed(np.array(0.1), np.array(-0.1)))


def test_seeds_needed_have_the_power():
    """With so many seeds the one-sided 5 % test of two sizes finds the margin in 80 % of 4,000 trials."""
    needed = int(seeds_needed(np.array(1.0), np.array(0.5)))
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.5, 1, (4_000, needed)), rng.normal(0, 1, (4_000, needed))
    found = np.mean(stats.ttest_ind(a, b, axis=1, alternative="greater").pvalue < 0.05)
    assert found == pytest.approx(0.80, abs=0.02)


def test_intraclass_correlation_by_hand():
    """(1, 2), (3, 4): MSB 4, MSW 0.5: (4 - 0.5) / (4 + 0.5); chance alone is about zero."""
    assert intraclass_correlation([np.array([1.0, 2.0]), np.array([3.0, 4.0])]) == pytest.approx(3.5 / 4.5)
    assert abs(intraclass_correlation(groups(5, 5, 5, 5, n_curves=3_000)).mean()) < 0.02
