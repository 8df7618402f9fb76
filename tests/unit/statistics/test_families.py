"""Families of curves against scipy's curve_fit, known truths and the second founding study."""

import csv

import numpy as np
import pytest
from scipy.optimize import curve_fit

from harness.statistics import FAMILIES, curve, fit_family, select_family
from harness.statistics.families import EXPONENTS, aicc, search

SIZES = np.repeat([100.0, 300, 1_000, 3_000, 10_000, 30_000, 100_000], 3)

FORMULAS = {
    "flat": (lambda n, E: E + 0 * n, {"E": 0.7}),
    "log_linear": (lambda n, E, A: E + A * np.log10(n), {"E": 0.2, "A": 0.1}),
    "pow2": (lambda n, A, a: A * n**-a, {"A": 3.0, "a": 0.3}),
    "pow3": (lambda n, E, A, a: E + A * n**-a, {"E": 0.8, "A": -2.5, "a": 0.4}),
    "pow4": (
        lambda n, E, A, a, d: E + A * (n + d) ** -a,
        {"E": 0.8, "A": -9.0, "a": 0.5, "d": 500.0},
    ),
    "exp": (lambda n, E, A, b: E + A * np.exp(-b * n), {"E": 0.8, "A": -0.4, "b": 4e-4}),
    "mmf4": (
        lambda n, a, b, c, d: (a * b + c * n**d) / (b + n**d),
        {"a": 0.3, "b": 1_800.0, "c": 0.8, "d": 1.2},
    ),
    "wbl4": (
        lambda n, a, b, c, d: c - b * np.exp(-a * n**d),
        {"a": 0.02, "b": 0.5, "c": 0.8, "d": 0.5},
    ),
    "bnsl": (
        lambda n, a, b, c0, c1, d, f: a + b * n**-c0 * (1 + (n / d) ** (1 / f)) ** (-c1 * f),
        {"a": 0.8, "b": -0.5, "c0": 0.05, "c1": 0.8, "d": 3_000.0, "f": 0.3},
    ),
}
"""Written out here as in the literature; in the product they are c0 + c1 g."""


@pytest.fixture(scope="module")
def published(shared):
    """Parameters and losses of the 18 canonical runs of arXiv 2602.15253."""
    with (shared / "reference" / "kendiukhov2026_runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    return (
        np.array([float(row["parameters"]) for row in rows]),
        np.array([float(row["best_validation_mse"]) for row in rows]),
    )


@pytest.mark.parametrize("name", FAMILIES)
def test_truth_is_recovered_without_noise(name):
    """Values of the formula as printed give back its parameters: formula and code are one curve."""
    formula, truth = FORMULAS[name]
    fit = fit_family(curve(SIZES, formula(SIZES, **truth)), name)
    assert dict(fit.parameters) == pytest.approx(truth, rel=2e-3)
    other = np.array([170.0, 5e4, 3e5])
    assert fit(other) == pytest.approx(formula(other, **truth), abs=1e-6)
    assert not fit.at_edge


@pytest.mark.parametrize("name", ["pow3", "exp", "pow4", "mmf4", "wbl4", "bnsl"])
def test_noisy_fits_are_no_worse_than_scipys(name):
    """curve_fit, begun at the truth, finds no smaller sum of squares."""
    formula, truth = FORMULAS[name]
    values = formula(SIZES, **truth) + np.random.default_rng(1).normal(0, 0.01, len(SIZES))
    theirs, _ = curve_fit(formula, SIZES, values, p0=list(truth.values()), maxfev=20_000)
    fit = fit_family(curve(SIZES, values), name)
    assert fit.rss <= np.sum((values - formula(SIZES, *theirs)) ** 2) * (1 + 1e-6)
    assert fit.rss == pytest.approx(np.sum((values - fit(SIZES)) ** 2))


def test_falling_losses_mirror_rising_scores():
    """A curve upside down is fitted by the curve upside down."""
    values = FORMULAS["exp"][0](SIZES, **FORMULAS["exp"][1]) + np.random.default_rng(2).normal(0, 0.01, 21)
    for name in ("pow3", "exp", "mmf4"):
        up, down = fit_family(curve(SIZES, values), name), fit_family(curve(SIZES, 1 - values), name)
        assert down(SIZES) == pytest.approx(1 - up(SIZES), abs=1e-5)
        assert down.aicc == pytest.approx(up.aicc, abs=1e-4)


def test_published_information_criteria(published):
    """The AICc table of the 18 runs: an offset is supported, by 76 over a pure power.

    The published -65.7 of the pure power is that of a straight line through log L, its misfit counted in L;
    the maximum likelihood that AICc asks for is .7 better.
    """
    parameters, losses = published
    chosen = select_family(curve(parameters, losses))
    found = {name: fit.aicc for name, fit in chosen.fits.items()}
    assert found["flat"] == pytest.approx(-48.7, abs=0.05)
    assert found["log_linear"] == pytest.approx(-64.0, abs=0.05)
    assert found["pow3"] == pytest.approx(-142.4, abs=0.05)
    slope, height = np.polyfit(np.log(parameters), np.log(losses), 1)
    line = np.exp(height + slope * np.log(parameters))
    assert aicc(np.sum((losses - line) ** 2), 18, 2, 1.0) == pytest.approx(-65.7, abs=0.05)
    assert found["pow2"] == pytest.approx(-66.37, abs=0.01)
    assert chosen.best == "pow3"
    assert chosen.headline["pow3"] > 0.999


def test_aicc_by_hand():
    """n = 10, RSS = 1, two parameters and a variance: 10 ln .1 + 6 + 2 * 3 * 4 / 6."""
    assert aicc(1.0, 10, 2, 1.0) == pytest.approx(10 * np.log(0.1) + 6 + 4)


def test_weights_by_hand():
    """exp(-difference / 2), normalised."""
    values = np.random.default_rng(3).normal(0.7, 0.01, len(SIZES))
    chosen = select_family(curve(SIZES, values), ("flat", "log_linear"))
    odds = np.exp((chosen.fits["log_linear"].aicc - chosen.fits["flat"].aicc) / 2)
    assert chosen.weights["flat"] / chosen.weights["log_linear"] == pytest.approx(odds)
    assert sum(chosen.weights.values()) == pytest.approx(1)
    assert chosen.headline == chosen.weights


def test_the_headline_tells_three_truths_apart():
    """Flat, without and with a finite asymptote: the true one is chosen in at least 16 of 20 worlds.

    AICc takes the larger of two true models about one time in seven.
    """
    right = {"flat": 0, "log_linear": 0, "pow3": 0}
    for world in range(20):
        noise = np.random.default_rng(world).normal(0, 0.01, len(SIZES))
        for name in right:
            formula, truth = FORMULAS[name]
            weights = select_family(curve(SIZES, formula(SIZES, **truth) + noise), tuple(right)).headline
            right[name] += max(weights, key=weights.get) == name
    assert min(right.values()) >= 16, right


def test_families_need_sizes():
    """With three sizes a curve of three parameters would pass through the means: it is not fitted."""
    small = SIZES <= 1_000
    chosen = select_family(curve(SIZES[small], np.log10(SIZES[small])))
    assert set(chosen.fits) == {"flat", "log_linear", "pow2"}
    assert chosen.left_out["pow3"] == "it needs 4 sizes, and there are 3"
    with pytest.raises(ValueError, match="exp cannot be fitted: it needs 4 sizes"):
        fit_family(curve(SIZES[small], SIZES[small]), "exp")


def test_equal_values_are_flat():
    """Without any scatter the simplest of the perfect curves is the best."""
    assert select_family(curve(SIZES, np.full(len(SIZES), 0.9))).best == "flat"


def test_exponents_of_short_ranges_are_not_to_be_quoted():
    """Sizes from 100 to 3,000 span 1.48 decades; to 10,000 two."""
    fits = [
        fit_family(curve(SIZES[kept], SIZES[kept] ** -0.3), "pow3") for kept in (SIZES < 5e3, SIZES < 2e4)
    ]
    assert "1.48 decades" in fits[0].unquotable
    assert fits[1].unquotable is None


def test_limits():
    """A rising power and a straight line in log n have none; a falling power tends to 0."""
    rising, falling = (fit_family(curve(SIZES, SIZES**a), "pow2") for a in (0.2, -0.2))
    assert (rising.limit, falling.limit) == (None, 0)
    assert fit_family(curve(SIZES, np.log10(SIZES)), "log_linear").limit is None


def test_an_edge_is_said():
    """A step behind the smallest size has no exponent: the search ends at its bound and says so."""
    fit = fit_family(curve(SIZES, np.where(SIZES > 100, 1.0, 0.0)), "pow3")
    assert fit.at_edge


def test_an_edge_is_the_best_of_what_is_searched():
    """A straight line in log n is a power law of exponent 0: the smallest one searched leaves least."""
    values = 0.3 + 0.1 * np.log10(SIZES) + np.random.default_rng(6).normal(0, 1e-3, len(SIZES))
    fit = fit_family(curve(SIZES, values), "pow3")
    assert (fit.shape[0], fit.at_edge) == (EXPONENTS[0], True)
    for exponent in EXPONENTS[0] + np.geomspace(1e-7, 1, 30):
        power = np.stack([np.ones(len(SIZES)), SIZES**-exponent], axis=1)
        assert np.linalg.lstsq(power, values)[1] > fit.rss
    near_it = fit_family(curve(SIZES, 0.9 - 0.5 * SIZES**-0.02), "pow3")
    assert near_it.shape[0] == pytest.approx(0.02, rel=1e-3)


def test_curves_of_the_same_sizes_keep_their_own_weights():
    """With other numbers of seeds the best curve is another one: each is as good as curve_fit's."""
    formula, truth = FORMULAS["pow3"]
    exponents = []
    for seeds in ([3] * 7, [3, 90, 3, 3, 90, 90, 3]):
        sizes = np.repeat(SIZES[::3], seeds)
        values = formula(sizes, **truth) + np.repeat([0.1, 0, 0, -0.05, 0, 0, 0.05], seeds)
        theirs, _ = curve_fit(formula, sizes, values, p0=list(truth.values()), maxfev=20_000)
        fit = fit_family(curve(sizes, values), "pow3")
        assert fit.rss <= np.sum((values - formula(sizes, *theirs)) ** 2) * (1 + 1e-6)
        assert fit.parameters["a"] == pytest.approx(theirs[2], rel=1e-3)
        exponents.append(fit.parameters["a"])
    assert abs(exponents[0] - exponents[1]) > 0.1


def test_many_at_once_agree_with_one_by_one():
    """The search over resamples ends where the refined fit does, within a thousandth of the exponent."""
    formula, truth = FORMULAS["pow3"]
    runs = curve(SIZES, formula(SIZES, **truth))
    noise = np.random.default_rng(5).normal(0, 0.005, (20, len(runs.sizes)))
    shapes = search(runs, FAMILIES["pow3"], runs.means + noise)
    for shape, moved in zip(shapes, noise, strict=True):
        alone = fit_family(curve(runs.sizes, runs.means + moved), "pow3")
        assert shape == pytest.approx(alone.shape, abs=1e-3)


@pytest.mark.parametrize(
    ("sizes", "values", "complaint"),
    [
        ([1, 2], [1], "one size and one value"),
        ([0, 2], [1, 2], 'positive and finite, not "0"'),
        ([1, 2], [1, np.nan], "no finite value"),
        ([], [], "one size and one value"),
    ],
)
def test_bad_runs_are_refused(sizes, values, complaint):
    with pytest.raises(ValueError, match=complaint):
        curve(sizes, values)
