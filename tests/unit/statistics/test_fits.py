"""Scaling laws against the second founding study, scipy and known truths."""

import csv

import numpy as np
import pytest
from scipy.optimize import curve_fit, least_squares
from scipy.stats import f as f_law

from harness.statistics import (
    PowerLaw,
    curve,
    fit_family,
    fit_power_law,
    lack_of_fit,
    profile_limit,
    published_grid_fit,
    scaling_law,
)

SIZES = np.repeat(np.logspace(2, 6, 6), 3)


def law(limit, amplitudes, exponents):
    return PowerLaw(limit=limit, log_amplitudes=tuple(np.log(amplitudes)), exponents=exponents)


TRUTH = law(1.4, [6.0], (0.4,))


def noisy(seed, sd=0.01):
    return TRUTH(SIZES) * np.exp(np.random.default_rng(seed).normal(0, sd, len(SIZES)))


@pytest.fixture(scope="module")
def published(shared):
    """Parameters and losses of the 18 canonical runs of arXiv 2602.15253."""
    with (shared / "reference" / "kendiukhov2026_runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    return (
        np.array([float(row["parameters"]) for row in rows]),
        np.array([float(row["best_validation_mse"]) for row in rows]),
    )


@pytest.mark.parametrize("points", [100, 1_000])
def test_published_grid(published, points):
    """The study's c and alpha are the edge of its grid, however fine it is; and the fit says so."""
    fit = published_grid_fit(*published, points=points)
    assert fit.c == pytest.approx(1.44376, abs=5e-6)
    assert fit.alpha == pytest.approx(0.26643, abs=5e-6)
    assert fit.a == pytest.approx(2.153, abs=5e-4)
    assert fit.r2 == pytest.approx(0.858, abs=5e-4)
    assert fit.at_edge
    assert "c = 1.4438 is the edge of the grid" in fit.caveat


def test_a_grid_that_holds_the_answer_has_no_caveat():
    """Exact losses with a floor well inside the grid: the nearest point wins, by an R2 of nearly 1."""
    fit = published_grid_fit(SIZES, 1 + 20 * SIZES**-0.3, points=400)
    assert fit.c == pytest.approx(1, abs=0.005)
    assert (fit.at_edge, fit.caveat) == (False, None)


def test_published_refits(published):
    """Least squares on log L gives 1.4700 / .527; the Huber objective 1.4722 / .525."""
    squares, huber = (fit_power_law(*published, delta=delta, starts=20) for delta in (np.inf, 1e-3))
    assert (squares.limit, squares.exponents[0]) == pytest.approx((1.4700, 0.527), abs=5e-4)
    assert (huber.limit, huber.exponents[0]) == pytest.approx((1.4722, 0.525), abs=5e-4)


def test_huber_objective_is_scipys(published):
    """Another method of scipy's, with its own Huber loss, finds no smaller objective."""
    parameters, losses = published
    ours = fit_power_law(parameters, losses, starts=10)

    def residuals(p):
        return np.log(np.exp(p[0]) + np.exp(p[1] - p[2] * np.log(parameters))) - np.log(losses)

    theirs = least_squares(
        residuals, [0.38, 2.8, 0.5], loss="huber", f_scale=1e-3, xtol=1e-14, ftol=1e-14, gtol=1e-14
    )
    assert ours.objective == pytest.approx(theirs.cost, rel=1e-6)
    assert ours.objective <= theirs.cost * (1 + 1e-9)


def test_least_squares_is_curve_fits():
    """delta = infinity is least squares on log losses."""
    losses = noisy(0)
    ours = fit_power_law(SIZES, losses, delta=np.inf, starts=10)
    theirs, _ = curve_fit(lambda n, E, A, a: np.log(E + A * n**-a), SIZES, np.log(losses), p0=[1.4, 6, 0.4])
    assert [ours.limit, *ours.amplitudes, *ours.exponents] == pytest.approx(theirs, rel=1e-4)


def test_few_starts_find_what_all_find():
    """The starts of smallest objective lead where sixty of them lead."""
    losses = noisy(1)
    some, whole = (fit_power_law(SIZES, losses, starts=starts) for starts in (5, 60))
    assert some.objective == pytest.approx(whole.objective, rel=1e-6)


def test_two_axes_recover_the_truth():
    """The published Chinchilla law, from 60 runs without noise."""
    rng = np.random.default_rng(0)
    axes = np.stack([10 ** rng.uniform(7.5, 10, 60), 10 ** rng.uniform(9, 11.5, 60)], axis=1)
    truth = law(1.69, [406.4, 410.7], (0.34, 0.28))
    fit = fit_power_law(axes, truth(axes), starts=8)
    assert fit.limit == pytest.approx(1.69, rel=1e-4)
    assert fit.exponents == pytest.approx(truth.exponents, rel=1e-3)
    assert fit.amplitudes == pytest.approx(truth.amplitudes, rel=2e-2)


def test_three_axes_predict():
    """Cells, perturbations and contexts: from noisy runs the law predicts unseen ones within 1 %."""
    rng = np.random.default_rng(1)
    axes = 10 ** rng.uniform([3, 1, 0], [6, 3.5, 2], (80, 3))
    truth = law(0.5, [8.0, 2.0, 0.6], (0.4, 0.5, 0.6))
    fit = fit_power_law(axes, truth(axes) * np.exp(rng.normal(0, 0.002, 80)), delta=np.inf, starts=5)
    unseen = 10 ** rng.uniform([3, 1, 0], [6, 3.5, 2], (50, 3))
    assert fit(unseen) == pytest.approx(truth(unseen), rel=0.01)
    assert fit.exponents == pytest.approx(truth.exponents, rel=0.1)


def test_the_law_by_hand():
    """1 + 2 * 100^-.5 + 3 * 1000^-(1/3) = 1 + .2 + .3."""
    found = law(1.0, [2.0, 3.0], (0.5, 1 / 3))
    assert found([[100, 1000]]) == pytest.approx([1.5])
    assert found.amplitudes == pytest.approx((2, 3))


def test_published_intervals(published):
    """E and a with intervals about those of the refit: 1.466-1.474 and .50-.56."""
    found = scaling_law(*published, ["parameters"], delta=np.inf, starts=5, n=100)
    assert (found.limit.low, found.limit.high) == pytest.approx((1.466, 1.474), abs=0.003)
    exponent = found.exponents["parameters"]
    assert (exponent.low, exponent.high) == pytest.approx((0.50, 0.56), abs=0.025)


def test_profile_of_the_limit(published):
    """At both ends the best law with that E has the sum of squares that the F quantile allows."""
    parameters, losses = published
    found = profile_limit(parameters, losses, starts=5)
    best = fit_power_law(parameters, losses, delta=np.inf, starts=5).objective
    for end in (found.low, found.high):

        def residuals(p, end=end):
            return np.log(end + np.exp(p[0] - p[1] * np.log(parameters))) - np.log(losses)

        held = least_squares(residuals, [2.8, 0.5], xtol=1e-12, ftol=1e-12).cost
        assert held / best == pytest.approx(1 + f_law.ppf(0.95, 1, 15) / 15, rel=1e-3)
    assert found.low < 1.466 < 1.474 < found.high


def test_a_law_without_a_limit_is_not_given_one():
    """Of a pure power law the interval of E reaches down to 0."""
    losses = 5 * SIZES**-0.2 * np.exp(np.random.default_rng(4).normal(0, 0.05, len(SIZES)))
    assert profile_limit(SIZES, losses, starts=10).low == 0


def test_no_exponent_below_one_and_a_half_decades():
    """E and the law stay; the exponent is withheld with a reason."""
    narrow = np.repeat(np.logspace(2, 3.4, 6), 3)
    found = scaling_law(narrow, TRUTH(narrow) * noisy(2) / TRUTH(SIZES), starts=3, n=5)
    assert found.exponents["cells"].value is None
    assert "1.40 decades" in found.exponents["cells"].reason
    assert found.limit.value is not None


def test_axes_that_move_together_have_no_exponents():
    """Cells always ten times the perturbations: neither exponent can be told."""
    rng = np.random.default_rng(3)
    axes = np.stack([10 * SIZES, SIZES], axis=1) * np.exp(rng.normal(0, 0.01, (len(SIZES), 2)))
    found = scaling_law(axes, noisy(3), ["cells", "perturbations"], starts=2, n=2)
    assert all(each.value is None and "together" in each.reason for each in found.exponents.values())


def test_single_runs_have_no_interval():
    found = scaling_law(SIZES[::3], noisy(5)[::3], starts=3)
    assert found.limit.low is None
    assert "one run" in found.limit.reason


def test_lack_of_fit_by_hand():
    """Groups (1, 3), (4, 6), (9, 9) about a line 2, 4, 6: F = [(1+1+0+4+9+9-4)/1] / [4/3] = 15."""
    groups = np.array([0, 0, 1, 1, 2, 2])
    found = lack_of_fit([1, 3, 4, 6, 9, 9], [2, 2, 4, 4, 6, 6], groups, 2)
    assert (found.f, found.df_curve, found.df_runs) == (pytest.approx(15), 1, 3)
    assert found.p == pytest.approx(f_law.sf(15, 1, 3))
    assert lack_of_fit([1, 2], [1, 2], np.array([0, 1]), 1).reason is not None


@pytest.mark.parametrize("unit", [2.0**-20, 1.0, 2.0**20])
def test_equal_runs_do_not_contradict_a_law(unit):
    """Where the mean of equal numbers rounds there is still no scatter; one of 1e-9 of them is scatter."""
    groups = np.repeat(np.arange(20), 7)
    runs = unit * np.log(np.linspace(1.4, 2.4, 20))[groups]
    means = np.bincount(groups, runs) / 7
    assert np.sum((runs - means[groups]) ** 2) > 0  # else the example shows nothing
    law_there = runs + 0.01 * unit
    found = lack_of_fit(runs, law_there, groups, 2)
    assert (found.f, found.p, found.reason) == (None, None, "runs of a size are equal")
    scatter = 1e-9 * unit * np.tile(np.arange(-3, 4), 20)
    assert lack_of_fit(runs + scatter, law_there, groups, 2).p < 1e-6


def test_lack_of_fit_of_the_published_law(published):
    """The offset law is not contradicted by the scatter of the seeds; a pure power law is."""
    parameters, losses = published
    groups = np.unique(parameters, return_inverse=True)[1]
    offset, power = (fit_family(curve(parameters, losses), name) for name in ("pow3", "pow2"))
    assert lack_of_fit(losses, offset(parameters), groups, 3).p > 0.1
    assert lack_of_fit(losses, power(parameters), groups, 2).p < 1e-6


@pytest.mark.parametrize(
    ("axes", "loss", "complaint"),
    [
        ([1, 2, 3], [1, 2], "one loss per run"),
        ([1, 2, 3], [1, 0, 2], "losses must be positive"),
        ([1, 0, 3], [1, 2, 3], "axes must be positive"),
        ([5, 5, 5], [1, 2, 3], "axis 0 has one value"),
        ([1, 2], [1, 2], "fewer than the 3 parameters"),
    ],
)
def test_bad_runs_are_refused(axes, loss, complaint):
    with pytest.raises(ValueError, match=complaint):
        fit_power_law(axes, loss)
