"""Censored sizes by hand, against other libraries, a published analysis and brute force."""

import numpy as np
import pytest
from scipy.optimize import minimize

from harness.statistics import median_size, turnbull

INF = np.inf

RADIOTHERAPY = """45- 25-37 37- 6-10 46- 0-5 0-7 26-40 18- 46- 46- 24- 46- 27-34 36- 7-16 36-44 5-11 17- 46-
19-35 7-14 36-48 17-25 37-44 37- 24- 0-8 40- 32- 4-11 17-25 33- 15- 46- 19-26 11-15 11-18 37- 22- 38- 34- 46-
5-12 36- 46-"""
"""Months to cosmetic deterioration of 46 patients (Finkelstein and Wolfe 1985, doi 10.2307/2530965)."""


def radiotherapy():
    pairs = [each.split("-") for each in RADIOTHERAPY.split()]
    return np.array([[float(low), float(high or INF)] for low, high in pairs]).T


def test_published_distribution():
    """The estimate that Fay and Shaw print (2010, doi 10.18637/jss.v036.i02) for the radiotherapy group."""
    found = turnbull(*radiotherapy())
    kept = found.probability > 1e-4
    assert found.low[kept].tolist() == [4, 6, 7, 11, 24, 33, 38, 46]
    assert found.high[kept].tolist() == [5, 7, 8, 12, 25, 34, 40, 48]
    published = [0.0463, 0.0334, 0.0887, 0.0708, 0.0926, 0.0818, 0.1209, 0.4656]
    assert found.probability[kept] == pytest.approx(published, abs=1e-4)
    assert found.quantile(0.5) == (38, 40)


def test_right_censored_is_kaplan_meier():
    """Known and right-censored sizes: statsmodels' Kaplan-Meier estimate at every event."""
    duration = pytest.importorskip("statsmodels.duration.survfunc")
    rng = np.random.default_rng(0)
    sizes, limits = rng.integers(1, 12, 60).astype(float), rng.integers(3, 15, 60).astype(float)
    known = sizes <= limits
    seen = np.minimum(sizes, limits)
    theirs = duration.SurvfuncRight(seen, known)
    ours = turnbull(seen, np.where(known, seen, INF))
    for time, survival in zip(theirs.surv_times, theirs.surv_prob, strict=True):
        assert 1 - ours.at_most(time)[0] == pytest.approx(survival, abs=1e-5)
    assert ours.quantile(0.5)[1] == theirs.quantile(0.5)


def test_kaplan_meier_by_hand():
    """1, 2+, 3, 4+: S = 3/4 after 1, 3/4 * 1/2 after 3, and the rest lies beyond 4."""
    found = turnbull([1, 2, 3, 4], [1, INF, 3, INF])
    assert found.high.tolist() == [1, 3, INF]
    assert found.probability == pytest.approx([1 / 4, 3 / 8, 3 / 8], abs=1e-6)
    assert found.quantile(0.5) == (3, 3)


def test_left_censored_by_hand():
    """Three "at most 1 %", one in (1, 10], one "more than 10": shares 3/5, 1/5, 1/5."""
    found = turnbull([0, 0, 0, 1, 10], [1, 1, 1, 10, INF])
    assert found.probability == pytest.approx([0.6, 0.2, 0.2])
    assert found.quantile(0.5) == (0, 1)
    assert found.quantile(0.7) == (1, 10)
    assert found.at_most(10) == pytest.approx((0.8, 0.8))
    assert found.at_most(5) == pytest.approx((0.6, 0.8))


def test_overlap_by_hand():
    """(0, 2] and (1, 3]: all probability lies in (1, 2], where both can be."""
    found = turnbull([0, 1], [2, 3])
    assert (found.low.tolist(), found.high.tolist(), found.probability.tolist()) == ([1], [2], [1])
    assert found.log_likelihood == pytest.approx(0)


def test_ends_belong_to_the_interval_beginnings_do_not():
    """A known 2 may lie in (1, 2] but not in (2, 3]."""
    together, apart = turnbull([1, 2], [2, 2]), turnbull([2, 2], [3, 2])
    assert together.log_likelihood == pytest.approx(0)
    assert apart.log_likelihood == pytest.approx(2 * np.log(0.5))


@pytest.mark.parametrize("seed", range(6))
def test_no_distribution_is_more_likely(seed):
    """Brute force: a general optimiser over all probabilities of the unit steps finds nothing better."""
    rng = np.random.default_rng(seed)
    low = rng.integers(0, 5, 15)
    high = np.where(rng.random(15) < 0.3, INF, low + rng.integers(1, 4, 15))
    cells = np.arange(9)
    inside = (cells >= low[:, None]) & (cells + 1 <= np.where(np.isinf(high), 9, high)[:, None])

    def loss(logits):
        p = np.exp(logits - logits.max())
        return -np.log(inside @ (p / p.sum())).sum()

    best = min(minimize(loss, rng.normal(size=9), method="BFGS").fun for _ in range(3))
    found = turnbull(low, high)
    assert found.log_likelihood == pytest.approx(-best, abs=1e-3)
    assert found.log_likelihood >= -best - 1e-4


def test_weights_are_repetitions():
    """An observation of weight 2 counts like two, one of weight 0 like none."""
    low, high = np.array([0, 1, 3, 2]), np.array([2, 4, INF, 5])
    weighted = turnbull(low, high, [2, 1, 0, 3])
    repeated = turnbull(np.repeat(low, [2, 1, 0, 3]), np.repeat(high, [2, 1, 0, 3]))
    assert weighted.probability == pytest.approx(repeated.probability)
    assert weighted.log_likelihood == pytest.approx(repeated.log_likelihood)


def test_the_median_is_not_an_average_of_limits():
    """Six of ten tasks say "at most 1", so does the median, whatever the others say; a mean would move."""
    for others in ([10, 10, 25, 25], [100, 100, INF, INF]):
        found = median_size([0] * 6 + [1, 1, 10, 10], [1] * 6 + others, n=50)
        assert (found.low, found.high) == (0, 1)


def test_more_than_half_beyond():
    """The median of sizes that mostly lie beyond what was measured is beyond it."""
    found = median_size([100, 100, 1], [INF, INF, 10], n=50)
    assert (found.low, found.high) == (100, INF)
    assert found.interval_high == INF


def test_interval_covers_the_true_median():
    """Log-normal sizes seen on a grid of seven: the bootstrap interval holds the median in 55 of 60 worlds.

    It may cover more than 95 %, since it ends with whole steps of the grid.
    """
    grid = np.array([0, 1, 3, 10, 30, 100, 300, INF])
    hits = 0
    for world in range(60):
        sizes = np.exp(np.random.default_rng(world).normal(np.log(20), 1.2, 25))
        step = np.searchsorted(grid, sizes)
        found = median_size(grid[step - 1], grid[step], n=80, seed=world)
        hits += found.interval_low <= 20 <= found.interval_high
    assert hits >= 55


def test_clusters_are_drawn_together():
    """Twenty curves of two tasks are two observations: the interval spans both tasks' answers."""
    low, high = [0] * 10 + [10] * 10, [1] * 10 + [25] * 10
    alone = median_size([*low[:11], 0], [*high[:11], 1], n=200)
    together = median_size(low, high, ["a"] * 10 + ["b"] * 10, n=200)
    assert (alone.interval_low, alone.interval_high) == (0, 1)
    assert (together.interval_low, together.interval_high, together.n_clusters) == (0, 25, 2)
    single = median_size(low, high, ["a"] * 20)
    assert (single.interval_low, single.reason) == (None, "only one cluster: nothing to resample")


@pytest.mark.parametrize(
    ("low", "high", "complaint"),
    [
        ([2], [1], r'not "\(2, 1\]"'),
        ([-1], [1], "0 <= low"),
        ([np.nan], [1], "must lie"),
        ([1], [np.nan], "must lie"),
        ([], [], "one low and one high"),
        ([INF], [INF], "must lie"),
    ],
)
def test_bad_observations_are_refused(low, high, complaint):
    with pytest.raises(ValueError, match=complaint):
        turnbull(low, high)


def test_half_before_and_half_behind():
    """Of (0, 100] and (300, inf) any size is a median."""
    found = median_size([0, 300], [100, np.inf])
    assert (found.low, found.high) == (0, np.inf)
