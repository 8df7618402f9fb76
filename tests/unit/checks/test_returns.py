"""What more cells bring and cost, the law of a curve, diversity: by hand, by scipy and on known truths."""

import json
from itertools import product

import numpy as np
import pytest
from scipy.optimize import curve_fit

from harness.checks import Curve
from harness.checks.fitting import law
from harness.checks.judgement import rankings
from harness.checks.plain import plain
from harness.checks.returns import diversity_elasticities, marginal_gain
from harness.checks.table import Named
from harness.statistics import Prices

SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000)
RUNS = {0: [0.2, 0.2], 100: [0.49, 0.51], 1_000: [0.58, 0.62], 100_000: [0.62, 0.60]}
HOURS = {100: [0.9, 1.1], 1_000: [10.0, 12.0], 100_000: [1_000.0, 1_022.0]}


def test_marginal_gains_by_hand():
    """Means .2 .5 .6 .61 for 0, 1, 11, 1,011 hours: .3, .1 / 10 = .01, .01 / 1,000 = 1e-5 per hour."""
    found = marginal_gain(Curve(runs=RUNS), gpu_hours=HOURS, prices=Prices(gpu_hour=2.0))
    assert [step.gain.value for step in found.steps] == pytest.approx([0.3, 0.1, 0.01])
    per_hour = [step.per_cost["gpu_hours"].value for step in found.steps]
    assert per_hour == pytest.approx([0.3, 0.01, 1e-5])
    assert [step.per_cost["money"].value for step in found.steps] == pytest.approx([0.15, 0.005, 5e-6])
    assert found.steps[1].cost_of_gain["gpu_hours"].value == pytest.approx(100)
    assert found.steps[0].per_decade.value is None
    assert [step.per_decade.value for step in found.steps[1:]] == pytest.approx([0.1, 0.005])
    x = np.repeat([2.0, 3.0, 5.0], 2)
    slope = np.polyfit(x, np.concatenate([RUNS[size] for size in (100, 1_000, 100_000)]), 1)[0]
    assert found.per_decade.value == pytest.approx(slope)
    assert found.per_decade.low < slope < found.per_decade.high
    assert found.stop is None


def test_losses_gain_downwards():
    mirrored = {size: [1 - value for value in values] for size, values in RUNS.items()}
    up, down = marginal_gain(Curve(runs=RUNS)), marginal_gain(Curve(runs=mirrored, direction="down"))
    assert [step.gain.value for step in up.steps] == pytest.approx([step.gain.value for step in down.steps])
    assert up.per_decade.value == pytest.approx(down.per_decade.value)


def test_where_to_stop_by_hand():
    """A gain of 1 is worth 200 h: net 100 - 1, 120 - 11, 122 - 1,011; worth 1e6 h it pays to the end."""
    curve = Curve(runs=RUNS)
    found = marginal_gain(curve, gpu_hours=HOURS, unit="gpu_hours", worth=200).stop
    assert (found.size, found.at_end) == (1_000, False)
    assert found.distribution[1_000.0] > 0.9
    assert marginal_gain(curve, gpu_hours=HOURS, unit="gpu_hours", worth=1e6).stop.at_end
    unpriced = marginal_gain(curve, gpu_hours=HOURS, worth=200).stop
    assert (unpriced.size, "has no price" in unpriced.reason) == (None, True)


def test_a_cost_that_a_run_lacks_is_not_measured():
    """Nothing is filled in; the untrained control alone costs nothing unless it is said."""
    part = {100: HOURS[100], 1_000: [10.0]}
    assert marginal_gain(Curve(runs=RUNS), gpu_hours=part).steps[1].per_cost == {}
    control = marginal_gain(Curve(runs=RUNS), gpu_hours={**HOURS, 0: [0.5, 0.5]})
    assert control.steps[0].per_cost["gpu_hours"].value == pytest.approx(0.3 / 0.5)


def runs(mean, sd=0.003, seeds=5, sizes=SIZES, seed=0):
    rng = np.random.default_rng(seed)
    return Curve(runs={size: mean(size) + sd * rng.normal(size=seeds) for size in sizes})


LAWS = {
    "flat": lambda n: 0.7,
    "log-linear": lambda n: 0.3 + 0.1 * np.log10(n),
    "offset": lambda n: 0.8 - 0.6 * (n / 100) ** -0.5,
}


@pytest.mark.parametrize("name", LAWS)
def test_the_law_of_known_curves(name):
    """Each of the three is the answer on its own truth, and predicts the largest size."""
    found = law(runs(LAWS[name]))
    assert found.answer == name
    assert sum(found.weights.values()) == pytest.approx(1)
    assert found.held_out.size == SIZES[-1]
    assert found.held_out.error.low < 0 < found.held_out.error.high


def test_headline_weights_are_those_of_scipys_fits():
    """AICc n ln(rss / n) + 2 k + 2 k (k + 1) / (n - k - 1) by scipy's least squares, k with the variance."""
    curve = runs(LAWS["offset"], sd=0.05)
    n = np.repeat(np.array(SIZES, dtype=float), 5)
    y = np.concatenate([curve.runs[size] for size in SIZES])

    def offset(n, e, a, c):
        return e - a * (n / 100) ** -c

    best, _ = curve_fit(offset, n, y, p0=(0.8, 0.6, 0.5), maxfev=10_000)
    misfits = {
        "flat": (np.sum((y - y.mean()) ** 2), 2),
        "log-linear": (np.sum((y - np.polyval(np.polyfit(np.log(n), y, 1), np.log(n))) ** 2), 3),
        "offset": (np.sum((y - offset(n, *best)) ** 2), 4),
    }
    aicc = {
        name: len(y) * np.log(rss / len(y)) + 2 * k + 2 * k * (k + 1) / (len(y) - k - 1)
        for name, (rss, k) in misfits.items()
    }
    share = {name: np.exp(-(value - min(aicc.values())) / 2) for name, value in aicc.items()}
    found = law(curve)
    assert found.weights == pytest.approx({n: s / sum(share.values()) for n, s in share.items()}, abs=1e-4)
    assert (found.limit.value, found.exponent.value) == pytest.approx((best[0], best[2]), rel=1e-3)
    assert found.limit.low < found.limit.value < found.limit.high
    assert found.exponent.low < found.exponent.value < found.exponent.high


def test_no_exponent_below_one_and_a_half_decades():
    """Over 1.4 decades the limit is told, the exponent is not."""
    found = law(runs(LAWS["offset"], sizes=(1_000, 2_000, 5_000, 10_000, 25_000)))
    assert found.exponent.value is None
    assert "1.40 decades" in found.exponent.reason
    assert found.limit.value == pytest.approx(0.8, abs=0.02)


def test_too_few_sizes_for_a_law():
    found = law(Curve(runs={100: [0.5, 0.6], 300: [0.5, 0.7]}))
    assert (found.limit.value, found.held_out) == (None, None)
    assert "it needs 4 sizes" in found.limit.reason
    json.dumps(plain(found), allow_nan=False)


def named(model, dataset, curve, diversity=None, sampler="random", metric="f1", **options):
    names = {"task": "t", "model": model, "dataset": dataset, "metric": metric, "sampler": sampler}
    measured = {} if diversity is None else {"diversity": diversity}
    return Named(
        names={**names, "corpus": "", "budget": "", **options}, curve=curve, whole=None, measured=measured
    )


def known_world(samplers):
    """z = .10 log10 n + .05 log10 diversity + effects of model and data set, floor 0 and bound 1."""
    found = []
    for (i, model), (j, dataset), (sampler, kinds) in product(
        enumerate("ab"), enumerate("uvwxyz"), samplers.items()
    ):
        scores = {
            size: [0.1 + 0.02 * i + 0.01 * j + 0.10 * np.log10(size) + 0.05 * np.log10(kinds(size))] * 2
            for size in SIZES
        }
        curve = Curve(runs=scores, trivial=0.0, bound=1.0)
        found.append(named(model, dataset, curve, {n: [kinds(n)] * 2 for n in SIZES}, sampler))
    return found


def test_elasticities_of_a_known_world():
    """Two samplers, one of which holds the diversity: both slopes are found; random draws alone tell one."""
    both = diversity_elasticities(known_world({"random": lambda n: 80.0, "few": lambda n: 5.0 + n / 1_000}))
    assert (both.size.value, both.diversity.value) == pytest.approx((0.10, 0.05))
    assert (both.n, both.n_clusters, both.n_excluded) == (2 * 6 * 2 * 6 * 2, 6, 0)
    random = diversity_elasticities(known_world({"random": lambda n: 80.0}))
    assert random.size.value == pytest.approx(0.10)
    assert (random.diversity.value, "does not vary" in random.diversity.reason) == (None, True)
    together = diversity_elasticities(known_world({"random": lambda n: n**0.5}))
    assert (together.size.value, "move together" in together.size.reason) == (None, True)


def test_elasticities_leave_out_what_they_cannot_scale():
    """A curve without a best possible score or a diversity is counted, not guessed."""
    world = known_world({"random": lambda n: 80.0, "few": lambda n: 5.0 + n / 1_000})
    bare = named("a", "u", Curve(runs={100: [9.0, 9.0], 300: [9.5, 9.6]}), {100: [1, 1], 300: [1, 1]})
    silent = named("a", "u", Curve(runs={100: [0.1, 0.2], 300: [0.9, 0.9]}, trivial=0.0, bound=1.0))
    found = diversity_elasticities([*world, bare, silent])
    assert found.diversity.value == pytest.approx(0.05)
    assert found.n_excluded == 8
    assert diversity_elasticities([]).diversity.reason == "no score has a size and a diversity"


def test_models_are_ranked_at_their_largest_size_per_setting():
    """By the first metric of a task; another sampler is another ranking."""
    rows = [
        named("x", "d", Curve(runs={100: [0.9] * 5, 300: [0.5, 0.51] * 3})),
        named("y", "d", Curve(runs={100: [0.1] * 5, 300: [0.6, 0.61] * 3})),
        named("x", "d", Curve(runs={100: [0.9] * 5, 300: [0.9] * 5}), metric="second"),
        named("y", "d", Curve(runs={100: [0.1] * 5, 300: [0.1] * 5}), metric="second"),
        named("x", "d", Curve(runs={100: [0.9] * 5, 300: [0.8, 0.81] * 3}), sampler="other"),
    ]
    found = rankings(rows)
    assert list(found) == [("random", "", ""), ("other", "", "")]
    first = found["random", "", ""]
    assert first.tasks == ("t / d / f1",)
    assert [(row.model, row.tier) for row in first.rows] == [("y", "a"), ("x", "b")]
    assert found["other", "", ""].reason.startswith("fewer than two models")
