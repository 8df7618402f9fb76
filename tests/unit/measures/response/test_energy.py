"""Energy distances by hand and against scipy, and what copies and the order of cells do."""

import numpy as np
import pytest
from scipy.stats import energy_distance as scipys

from harness.errors import NotApplicable
from harness.measures.response import effect_p_value, energy_distance

A = np.array


def test_by_hand():
    """X = 0, 2 and Y = 5, 9: between 5, 9, 3, 7 (mean 6); within 2 and 4, a cell's own distance left out."""
    assert energy_distance(A([[0.0], [2]]), A([[5.0], [9]]), seed=0) == pytest.approx(2 * 6 - 2 - 4)


def test_it_is_scipys_with_unbiased_terms():
    """In one dimension scipy's, squared, has means within sets over n^2 pairs instead of n (n - 1)."""
    x, y = np.random.default_rng(0).normal(size=(2, 30, 1))
    within = sum(np.abs(each - each.T).sum() for each in (x, y))
    expected = scipys(x[:, 0], y[:, 0]) ** 2 + within / 30**2 - within / (30 * 29)
    assert energy_distance(x, y, seed=0) == pytest.approx(expected)


def test_equal_distributions_have_none_on_average():
    """400 pairs of small samples; with self-distances counted the mean would be far above 0."""
    rng = np.random.default_rng(1)
    found = [energy_distance(*rng.normal(size=(2, 5, 3)), seed=0) for _ in range(400)]
    assert abs(np.mean(found)) < 2.5 * np.std(found) / 20
    assert np.std(found) < 1


def test_sets_are_made_equal_and_the_order_of_cells_does_not_count():
    """Of the larger set as many are drawn as the smaller has; the draw follows the seed."""
    x, y = np.random.default_rng(2).normal(size=(20, 3)), 1 + np.random.default_rng(3).normal(size=(60, 3))
    assert energy_distance(x, y, seed=0) == energy_distance(x, y, seed=0)
    assert energy_distance(x, y, seed=0) != energy_distance(x, y, seed=1)
    shuffled = x[np.random.default_rng(4).permutation(20)]
    assert energy_distance(shuffled, x + 1, seed=0) == pytest.approx(energy_distance(x, x + 1, seed=0))


def test_copies_of_cells_do_not_pay():
    """Half of the predicted cells twice instead of all: farther from the truth, in the mean of 40 draws."""
    rng = np.random.default_rng(5)
    gap = []
    for seed in range(40):
        truth, honest = rng.normal(size=(2, 40, 4))
        copied = np.repeat(honest[:20], 2, axis=0)
        gap.append(energy_distance(copied, truth, seed) - energy_distance(honest, truth, seed))
    assert np.mean(gap) > 2 * np.std(gap) / np.sqrt(40)


def test_too_few_cells_are_not_applicable():
    """One cell has no distance within; more than there are cannot be drawn."""
    with pytest.raises(NotApplicable, match='asked with "1" cells'):
        energy_distance(np.ones((1, 2)), np.ones((5, 2)), seed=0)
    with pytest.raises(NotApplicable, match="the smaller has 5"):
        energy_distance(np.ones((5, 2)), np.ones((9, 2)), seed=0, n=6)


def test_the_test_of_an_effect_is_a_permutation_test():
    """Its statistic orders divisions as the distance does: the same p as 99 distances written out."""
    rng = np.random.default_rng(6)
    x, y = rng.normal(size=(8, 2)), 0.7 + rng.normal(size=(8, 2))
    pooled, draws = np.vstack([x, y]), np.random.default_rng(7)
    observed, count = energy_distance(x, y, 0), 0
    sign = np.repeat([1.0, -1.0], 8)
    for _ in range(99):
        part = draws.permutation(sign)
        count += energy_distance(pooled[part > 0], pooled[part < 0], 0) >= observed - 1e-12
    assert effect_p_value(x, y, seed=7, draws=99) == pytest.approx((count + 1) / 100)


def test_effects_are_found_and_no_effect_is_uniform():
    """A large shift has the smallest p; without one, p is below .2 in about a fifth of 100 draws."""
    rng = np.random.default_rng(8)
    assert effect_p_value(rng.normal(size=(20, 2)), 3 + rng.normal(size=(20, 2)), 0, draws=199) == 1 / 200
    small = [effect_p_value(*rng.normal(size=(2, 10, 2)), seed, draws=49) <= 0.2 for seed in range(100)]
    assert 0.08 < np.mean(small) < 0.32
