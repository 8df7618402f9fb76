"""Dunnett's test against scipy, published critical values and limits that are known."""

import numpy as np
import pytest
from scipy import stats

from harness.statistics import dunnett_p
from harness.statistics.dunnett import tail

HALF = 0.5**0.5
"""Correlation with the control where all groups have as many runs as it."""


@pytest.mark.parametrize("counts", [(5, 5, 5, 5, 5, 5), (3, 9, 5), (4,)])
@pytest.mark.parametrize("less", [False, True])
def test_agrees_with_scipy(counts, less):
    """All adjusted p-values of all curves, equal and unequal seeds, both sides, within scipy's own error."""
    rng = np.random.default_rng(len(counts))
    groups = [rng.normal(0.5, 1, (4, count)) for count in counts]
    control = rng.normal(0, 1, (4, 6))
    ours = dunnett_p(groups, control, less=less)
    for row in range(4):
        theirs = stats.dunnett(
            *[group[row] for group in groups],
            control=control[row],
            alternative="less" if less else "greater",
            rng=np.random.default_rng(0),
        ).pvalue
        assert ours[:, row] == pytest.approx(theirs, abs=2e-3)


@pytest.mark.parametrize(
    ("groups", "df", "critical"),
    [
        (1, 20, 1.72),
        (2, 20, 2.03),
        (3, 20, 2.19),
        (2, 10_000, 1.92),
        (3, 10_000, 2.06),
        (5, 10_000, 2.23),
    ],
)
def test_published_critical_values(groups, df, critical):
    """One-sided 5 % points of Dunnett 1955, table 1a, to their two decimals (the last row: infinite df)."""
    above, below = tail(np.array([critical - 0.006, critical + 0.006]), df, (HALF,) * groups)
    assert above > 0.05 > below


@pytest.mark.parametrize("df", [1, 4, 24, 300])
def test_one_group_is_a_t_test(df):
    """From one tail to the other, as far as the table goes."""
    t = np.minimum(stats.t.isf([0.999, 0.5, 0.2, 1e-3, 1e-6, 1e-9], df), 9e5)
    assert tail(t, df, (HALF,)) == pytest.approx(stats.t.sf(t, df), rel=1e-4)


def test_far_tail_lies_between_one_test_and_bonferroni():
    """Where simulation gives zero: p of six is above that of one and below six times it."""
    t = np.array([5.0, 12.0, 60.0])
    p, single = tail(t, 24, (HALF,) * 6), stats.t.sf(t, 24)
    assert (p > single).all()
    assert (p < 6 * single).all()


def test_a_constant_control_leaves_only_the_common_spread():
    """Independent groups over one pooled sd, against 400,000 simulated cases."""
    rng = np.random.default_rng(0)
    largest = (rng.normal(size=(400_000, 3)) / np.sqrt(rng.chisquare(6, (400_000, 1)) / 6)).max(axis=1)
    groups = [np.array([0.4, 1.0, 1.6]), np.array([0.1, 1.1, 0.6]), np.array([-0.5, 0.1, 0.4])]
    sd = np.sqrt(np.mean([group.var(ddof=1) for group in groups]))
    t = [group.mean() / (sd / 3**0.5) for group in groups]
    ours = dunnett_p(groups, np.array([0.0]), constant=True)
    assert ours == pytest.approx([np.mean(largest >= each) for each in t], abs=0.003)


def test_level():
    """Of 20,000 curves without an effect 5 % have a smallest p below 0.05."""
    rng = np.random.default_rng(2)
    groups = [rng.normal(size=(20_000, 3)) for _ in range(6)]
    p = dunnett_p(groups, rng.normal(size=(20_000, 5))).min(axis=0)
    assert np.mean(p <= 0.05) == pytest.approx(0.05, abs=0.005)


def test_edges():
    """No spread to judge by: NaN; no difference: not better; exact scores apart: certain."""
    assert np.isnan(dunnett_p([np.array([0.5])], np.array([0.1]))).all()
    assert dunnett_p([np.full(3, 0.5)], np.full(3, 0.5)) == pytest.approx(0.5)
    assert dunnett_p([np.full(3, 0.7)], np.full(3, 0.5)) < 1e-12
    assert dunnett_p([np.full(3, 0.2)], np.full(3, 0.5)) == pytest.approx(1)
