"""Paired bootstrap against scipy, by hand, and on synthetic truth."""

import numpy as np
import pytest
from scipy import stats

from harness.statistics import holm, paired_difference


def scores(n=25, seed=1):
    rng = np.random.default_rng(seed)
    return rng.normal(0.7, 0.1, n), rng.normal(0.6, 0.1, n), rng.integers(1, 50, n).astype(float)


def test_agrees_with_scipy():
    """The interval is that of an independent percentile bootstrap, up to resampling noise."""
    a, b, _ = scores()
    ours = paired_difference(a, b, n=20_000)
    theirs = stats.bootstrap(
        (a, b),
        lambda a, b, axis: np.mean(a - b, axis=axis),
        paired=True,
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(7),
    ).confidence_interval
    assert ours.estimate == pytest.approx(np.mean(a - b))
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.0015)


def test_weighted_agrees_with_scipy():
    """Weights move with their units."""
    a, b, w = scores()
    ours = paired_difference(a, b, w, n=20_000, level=0.9)
    theirs = stats.bootstrap(
        (a - b, w),
        lambda d, w, axis: np.sum(d * w, axis=axis) / np.sum(w, axis=axis),
        paired=True,
        method="percentile",
        confidence_level=0.9,
        n_resamples=20_000,
        rng=np.random.default_rng(7),
    ).confidence_interval
    assert ours.estimate == pytest.approx(np.average(a - b, weights=w))
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.002)
    assert ours.estimate != pytest.approx(np.mean(a - b), abs=1e-4)


def test_covers_the_truth():
    """With 40 units the nominal 95 % interval covers a known difference about 94 % of the time."""
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(1000):
        shared = rng.normal(size=40)
        found = paired_difference(shared + 0.3 + rng.normal(size=40), shared, n=1000)
        hits += found.low <= 0.3 <= found.high
    assert 0.915 <= hits / 1000 <= 0.965


def test_clusters_agree_with_scipy():
    """Units of a cluster are drawn together: the bootstrap of cluster sums, by scipy."""
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(12), rng.integers(1, 6, 12))
    a = rng.normal(0, 1, 12)[clusters] + rng.normal(0, 0.2, len(clusters))
    w = rng.integers(1, 9, len(a)).astype(float)
    ours = paired_difference(a, np.zeros(len(a)), w, [f"line{c}" for c in clusters], n=20_000)
    sums, shares = np.bincount(clusters, w * a), np.bincount(clusters, w)
    theirs = stats.bootstrap(
        (sums, shares),
        lambda s, w, axis: s.sum(axis=axis) / w.sum(axis=axis),
        paired=True,
        method="percentile",
        n_resamples=20_000,
        rng=np.random.default_rng(7),
    ).confidence_interval
    assert ours.estimate == pytest.approx(np.average(a, weights=w))
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.02)
    assert (ours.n_units, ours.n_clusters) == (len(a), 12)
    alone = paired_difference(a, np.zeros(len(a)), w)
    assert ours.high - ours.low > 1.4 * (alone.high - alone.low)


def test_seeds_are_resampled_too():
    """Crossed with units: the variances of both means add up; equal seeds change nothing."""
    rng = np.random.default_rng(5)
    of_seed, of_unit = rng.normal(0, 0.3, 8), rng.normal(0, 0.5, 40)
    found = paired_difference(of_seed[:, None] + of_unit, np.zeros(40), n=20_000)
    spread = np.sqrt(of_seed.var() / 8 + of_unit.var() / 40)
    assert found.n_seeds == 8
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(spread, rel=0.05)
    one = paired_difference(of_unit, np.zeros(40))
    same = paired_difference(np.tile(of_unit, (3, 1)), np.zeros(40))
    assert (same.low, same.high) == pytest.approx((one.low, one.high))


def test_coverage_with_seeds_and_units():
    """Five seeds and twenty units: the crossed interval covers where that of units alone does not."""
    rng = np.random.default_rng(6)
    crossed = alone = 0
    for _ in range(400):
        scores = rng.normal(0, 0.3, (5, 1)) + rng.normal(0, 0.5, 20) + rng.normal(0, 0.1, (5, 20))
        both = paired_difference(scores, np.zeros(20), n=500)
        units = paired_difference(scores.mean(axis=0), np.zeros(20), n=500)
        crossed += both.low <= 0 <= both.high
        alone += units.low <= 0 <= units.high
    assert crossed / 400 > 0.86
    assert alone / 400 < 0.82


def test_pairing_narrows_the_interval():
    """What units share cancels: the interval is far narrower than that of shuffled pairs."""
    rng = np.random.default_rng(0)
    hard = rng.normal(0, 1, 30)
    a, b = hard + 0.1 + rng.normal(0, 0.05, 30), hard
    paired, unpaired = paired_difference(a, b), paired_difference(a, rng.permutation(b))
    assert (unpaired.high - unpaired.low) > 5 * (paired.high - paired.low)


def test_missing_units_are_left_out_and_counted():
    """NaN in either score, or weight zero, removes the pair; nothing is imputed."""
    a = [0.5, np.nan, 0.7, 0.9, 1.0]
    b = [0.4, 0.3, np.nan, 0.6, 0.0]
    found = paired_difference(a, b, [1, 1, 1, 3, 0])
    assert (found.n_units, found.n_excluded) == (2, 3)
    assert found.estimate == pytest.approx((0.1 + 3 * 0.3) / 4)
    assert found.low == pytest.approx(0.1)
    assert found.high == pytest.approx(0.3)


@pytest.mark.parametrize(("a", "estimate"), [([0.5], 0.25), ([np.nan], None), ([], None)])
def test_one_unit_or_none_has_no_interval(a, estimate):
    """Where nothing can be resampled there is a reason, not an interval."""
    found = paired_difference(a, [0.25] * len(a))
    assert (found.estimate, found.low, found.high) == (estimate, None, None)
    assert "unit" in found.reason


def test_same_seed_same_interval_whatever_came_between():
    """The answer depends on the arguments alone, also where counts are kept between calls."""
    a, b, w = scores()
    first = paired_difference(a, b, w)
    paired_difference(a[:5], b[:5])
    assert paired_difference(a, b, w) == first
    assert paired_difference(a, b, w, seed=1) != first


def test_blocks_do_not_change_the_result(monkeypatch):
    """Splitting the resamples into blocks of memory is invisible."""
    from harness.statistics import resample

    a, b, w = scores()
    resample._counts.cache_clear()
    whole = paired_difference(a, b, w)
    monkeypatch.setattr(resample, "BLOCK", 60)
    resample._counts.cache_clear()
    blocked = paired_difference(a, b, w)
    assert (blocked.low, blocked.high) == pytest.approx((whole.low, whole.high), rel=1e-12)


def test_weights_of_each_seed():
    """A seed's score is the mean by its own weights, and what it does not weigh it need not define."""
    rng = np.random.default_rng(0)
    a, w = rng.normal(size=(3, 40)), rng.gamma(1.0, size=(3, 40))
    a[1, 5], w[1, 5] = np.nan, 0.0
    scores = [np.average(np.nan_to_num(each), weights=by) for each, by in zip(a, w, strict=True)]
    found = paired_difference(a, np.zeros(40), w, n=4000)
    assert found.estimate == pytest.approx(np.mean(scores))
    assert (found.n_units, found.n_excluded) == (40, 0)
    assert found.low < np.mean(scores) < found.high
    assert found.high - found.low == pytest.approx(_jackknifed_width(a, w), rel=0.25)
    assert paired_difference(a, np.zeros(40), np.where(w > 0, 1.0, 0.0)).n_excluded == 0
    assert paired_difference(a, np.zeros(40), np.ones((3, 40))).n_excluded == 1


def _jackknifed_width(a, w):
    """Width of a normal 95 % interval: units by leaving each out in turn, and the seeds' own spread."""
    ratio = [
        [np.nansum(np.delete(x * y, i)) / np.delete(y, i).sum() for i in range(40)]
        for x, y in zip(a, w, strict=True)
    ]
    leave_one_out = np.mean(ratio, axis=0)
    of_units = 39 / 40 * ((leave_one_out - leave_one_out.mean()) ** 2).sum()
    of_seeds = np.var([np.nansum(x * y) / y.sum() for x, y in zip(a, w, strict=True)]) / 3
    return 2 * 1.96 * np.sqrt(of_units + of_seeds)


def test_weights_alike_for_all_seeds_need_one_row():
    """The same to the last digits."""
    rng = np.random.default_rng(1)
    a, w = rng.normal(size=(3, 12)), rng.gamma(1.0, size=12)
    one, each = paired_difference(a, np.zeros(12), w), paired_difference(a, np.zeros(12), np.tile(w, (3, 1)))
    assert (one.low, one.high) == pytest.approx((each.low, each.high), rel=1e-12)


def test_a_seed_that_weighs_nothing_has_no_score():
    """Nor has a resample in which it weighs nothing: there is a reason in place of an interval."""
    some, none = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 1.0]]), np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    found = paired_difference(np.ones((2, 3)), np.zeros(3), some, n=100)
    assert (found.estimate, found.low) == (1, None)
    assert "no unit counts for a seed in" in found.reason
    assert paired_difference(np.ones((2, 3)), np.zeros(3), none, n=100).estimate is None


@pytest.mark.parametrize("weights", [[1, -1, 1], [1, np.nan, 1], [1, 1]])
def test_bad_weights_are_refused(weights):
    with pytest.raises(ValueError, match="weight"):
        paired_difference([1, 2, 3], [1, 1, 1], weights)


def test_holm_by_hand_and_by_statsmodels():
    """.01 * 4, max(.02 * 3, .04), .03 * 2 raised to .06, .5: and never above 1."""
    from statsmodels.stats.multitest import multipletests

    assert holm([0.03, 0.01, 0.5, 0.02]).tolist() == pytest.approx([0.06, 0.04, 0.5, 0.06])
    p = np.random.default_rng(0).random(30) ** 3
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert holm([]).tolist() == []
