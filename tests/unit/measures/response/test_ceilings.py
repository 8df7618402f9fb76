"""Halves share no cell, ceilings follow from them, and why resampling does not do."""

import numpy as np
import pytest

from harness.measures.response import (
    at_most,
    attainable_correlation,
    halves,
    interpolated_duplicate,
    pearson,
    spearman_brown,
)

A = np.array


def test_halves_are_even_in_every_stratum():
    """Numbers differ by at most one, and where they do, either half may have the odd cell."""
    rng = np.random.default_rng(0)
    what, where = rng.integers(0, 6, 300), A(list("xyz"))[rng.integers(0, 3, 300)]
    half = halves(3, what, where)
    gaps = []
    for one in range(6):
        for place in "xyz":
            rows = (what == one) & (where == place)
            gaps.append((half[rows] == 0).sum() - (half[rows] == 1).sum())
    assert set(gaps) == {-1, 0, 1}
    assert set(half) == {0, 1}


def test_halves_follow_the_seed():
    """The same seed divides alike, another otherwise."""
    label = np.zeros(40)
    assert (halves(1, label) == halves(1, label)).all()
    assert (halves(1, label) != halves(2, label)).any()


def test_choices_are_nested_and_stratified():
    """25 of each, or all where there are fewer; 10 are among the 25."""
    label = np.repeat(["a", "b", "c"], [100, 20, 40])
    larger, smaller = at_most(25, 0, label), at_most(10, 0, label)
    assert [larger[label == name].sum() for name in "abc"] == [25, 20, 25]
    assert (larger | ~smaller).all()
    assert smaller.sum() == 30


def test_reliability_by_hand():
    """Halves that correlate by .5 have 2 x .5 / 1.5 = 2 / 3 together; sqrt(2 / 3) is attainable."""
    assert spearman_brown(0.5) == pytest.approx(2 / 3)
    assert attainable_correlation(2 / 3) == pytest.approx(np.sqrt(2 / 3))
    np.testing.assert_allclose(spearman_brown([1, 0, -0.5, -1]), [1, 0, -2, np.nan])
    assert np.isnan(attainable_correlation(-0.1))


def test_reliability_is_that_of_the_whole():
    """Known truth: signal 1, noise 2 per cell, 8 cells. A perfect prediction correlates with the mean of all
    cells as foreseen from their halves."""
    rng = np.random.default_rng(1)
    signal = rng.normal(size=20_000)
    first, second = (signal + 2 * rng.normal(size=(4, 20_000)).mean(axis=0) for _ in range(2))
    foreseen = attainable_correlation(spearman_brown(pearson(first, second)))
    assert foreseen == pytest.approx(pearson(signal, (first + second) / 2), abs=0.01)
    assert foreseen == pytest.approx(np.sqrt(1 / (1 + 4 / 8)), abs=0.01)


def test_resampled_cells_share_noise_and_halves_do_not():
    """A perturbation without effect: 2 n draws from n cells, halved, correlate by about one half; disjoint
    halves by nothing."""
    rng = np.random.default_rng(2)
    cells = rng.normal(size=(200, 2000))
    drawn = cells[rng.integers(0, 200, 400)]
    assert pearson(drawn[:200].mean(axis=0), drawn[200:].mean(axis=0)) == pytest.approx(0.5, abs=0.06)
    half = halves(0, np.zeros(200))
    assert abs(pearson(cells[half == 0].mean(axis=0), cells[half == 1].mean(axis=0))) < 0.06


def test_interpolation_by_hand():
    """p = 0 takes the duplicate, p = 1 and an untested gene the mean, p = .25 three quarters of the way."""
    found = interpolated_duplicate(A([[4.0, 4, 4, 4]]), np.zeros(4), A([[0.0, 1, np.nan, 0.25]]))
    assert found.tolist() == [[4, 0, 0, 3]]


def test_interpolation_comes_nearer_to_the_truth_than_the_duplicate():
    """Known truth: 5 % of genes change; where they do not, the mean of all has less noise."""
    rng = np.random.default_rng(3)
    true = np.where(rng.random((30, 400)) < 0.05, 2.0, 0.0)
    first, second = true + 0.5 * rng.normal(size=(2, 30, 400))
    p = np.where(np.abs(first) > 1.5, 0.0, 1.0)
    better = interpolated_duplicate(second, second.mean(axis=0), p)
    assert ((better - true) ** 2).mean() < 0.5 * ((second - true) ** 2).mean()
