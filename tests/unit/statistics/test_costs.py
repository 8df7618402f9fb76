"""Gains per cost by hand and on known truths."""

import numpy as np
import pytest
from scipy.stats import linregress, ttest_ind

from harness.statistics import Costs, Prices, gain_per_decade, marginal_gains, stop_size

SIZES = np.repeat([0.0, 100, 1_000, 10_000], 2)
VALUES = np.array([0.1, 0.1, 0.4, 0.6, 0.7, 0.7, 0.71, 0.73])
HOURS = np.array([0, 0, 1, 1, 2, 2, 11, 13.0])
"""Means .1, .5, .7, .72 for 0, 1, 2, 12 hours."""


def costs(**more):
    return Costs(sizes=SIZES, values=VALUES, gpu_hours=HOURS, kwh=HOURS / 2, **more)


def test_steps_by_hand():
    """Gains .4, .2, .02; per hour .4, .2, .002; an hour costs 3 and a kWh 2, so an hour 4 in all."""
    steps = marginal_gains(costs(), Prices(gpu_hour=3, kwh=2), n=50)
    assert [(step.start, step.end) for step in steps] == [(0, 100), (100, 1_000), (1_000, 10_000)]
    assert [step.gain.value for step in steps] == pytest.approx([0.4, 0.2, 0.02])
    assert [step.per_cost["gpu_hours"].value for step in steps] == pytest.approx([0.4, 0.2, 0.002])
    assert [step.per_cost["kwh"].value for step in steps] == pytest.approx([0.8, 0.4, 0.004])
    assert [step.per_cost["money"].value for step in steps] == pytest.approx([0.1, 0.05, 0.0005])
    assert [step.cost_of_gain["gpu_hours"].value for step in steps] == pytest.approx([2.5, 5, 500])
    assert steps[0].per_decade.value is None
    assert steps[1].per_decade.value == pytest.approx(0.2)


def test_losses_gain_by_falling():
    """The same numbers with their sign changed."""
    down = Costs(sizes=SIZES, values=-VALUES, gpu_hours=HOURS, direction="down")
    up = Costs(sizes=SIZES, values=VALUES, gpu_hours=HOURS)
    assert marginal_gains(down, n=50) == marginal_gains(up, n=50)
    assert gain_per_decade(down, n=50) == gain_per_decade(up, n=50)


def test_slope_is_scipys():
    """Over the trained runs: linregress on log10 cells."""
    found = gain_per_decade(costs(), n=200)
    assert found.value == pytest.approx(linregress(np.log10(SIZES[2:]), VALUES[2:]).slope)
    assert found.low < found.value < found.high


def test_a_gain_that_may_be_none_has_no_upper_cost():
    """Runs of the last step overlap: its cost of a gain reaches to infinity; no gain has a reason."""
    values = np.array([0.1, 0.1, 0.4, 0.6, 0.6, 0.8, 0.69, 0.73])
    last = marginal_gains(Costs(sizes=SIZES, values=values, gpu_hours=HOURS), n=500)[-1]
    assert last.per_cost["gpu_hours"].low < 0 < last.per_cost["gpu_hours"].high
    assert last.cost_of_gain["gpu_hours"].high == np.inf
    falling = marginal_gains(Costs(sizes=SIZES, values=-VALUES, gpu_hours=HOURS), n=50)[0]
    assert falling.cost_of_gain["gpu_hours"].value is None
    assert falling.cost_of_gain["gpu_hours"].reason == "it costs more and gains nothing"


def test_a_size_that_costs_no_more_has_no_gain_per_cost():
    """With a fixed number of updates the hours are equal: a reason, not infinity."""
    fixed = Costs(sizes=SIZES, values=VALUES, gpu_hours=np.where(SIZES > 0, 2.0, 0.0))
    second = marginal_gains(fixed, n=20)[1]
    assert second.per_cost["gpu_hours"].reason == "the larger size did not cost more"
    assert second.cost_of_gain["gpu_hours"].value is None


def test_stop_size_by_hand():
    """Gains per hour are .4, .2, .002: whoever pays 4 hours for a gain of 1 stops at 100, 10 at 1,000."""
    stops = {worth: stop_size(costs(), "gpu_hours", worth, n=50) for worth in (2, 4, 10, 1_000)}
    assert {worth: stop.size for worth, stop in stops.items()} == {2: 0, 4: 100, 10: 1_000, 1_000: 10_000}
    assert [stop.at_end for stop in stops.values()] == [False, False, False, True]
    assert sum(stops[4].distribution.values()) == pytest.approx(1)
    assert max(stops[10].distribution, key=stops[10].distribution.get) == 1_000


def test_stop_size_sees_past_a_step_that_does_not_pay():
    """Gains 0, then .5 for 2 hours in all: at 10 hours for 1 the second step pays for the first too."""
    uneven = Costs(
        sizes=np.repeat([1.0, 10, 100], 2),
        values=np.array([0.1, 0.1, 0.1, 0.1, 0.6, 0.6]),
        gpu_hours=np.array([0, 0, 1, 1, 2, 2.0]),
    )
    assert stop_size(uneven, "gpu_hours", 10, n=20).size == 100
    assert stop_size(uneven, "gpu_hours", 3, n=20).size == 1


def test_intervals_are_as_wide_as_students():
    """Five seeds at two sizes: within a tenth the width of scipy's t interval, on average over 30 worlds."""
    sizes = np.repeat([100.0, 1_000], 5)
    widths = []
    for world in range(30):
        values = np.random.default_rng(world).normal(0.5, 0.05, 10)
        gain = marginal_gains(Costs(sizes=sizes, values=values), seed=world)[0].gain
        theirs = ttest_ind(values[5:], values[:5]).confidence_interval()
        widths.append((gain.high - gain.low) / (theirs.high - theirs.low))
    assert np.mean(widths) == pytest.approx(1, abs=0.1)


def test_what_was_not_measured_has_no_price():
    """Without kWh nothing is charged for them in silence."""
    found = stop_size(Costs(sizes=SIZES, values=VALUES, gpu_hours=HOURS), "money", 1, Prices(kwh=0.3))
    assert found.size is None
    assert found.reason == 'the cost "money" was not measured or has no price; known: gpu_hours'


def test_single_runs_have_no_interval():
    step = marginal_gains(Costs(sizes=SIZES[::2], values=VALUES[::2], gpu_hours=HOURS[::2]))[0]
    assert (step.gain.value, step.gain.low) == (pytest.approx(0.3), None)
    assert "one run" in step.gain.reason


def test_bad_tables_are_refused():
    with pytest.raises(ValueError, match="kwh: one number per run"):
        Costs(sizes=SIZES, values=VALUES, kwh=HOURS[:3])
    with pytest.raises(ValueError, match="values: a run has no finite number"):
        Costs(sizes=SIZES, values=np.where(SIZES > 0, VALUES, np.nan))
