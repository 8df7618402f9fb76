"""R0 against every published answer at hand, and its edges."""

import csv
from collections import defaultdict

import pytest

from harness.checks import Curve, judge

KEY = ("task", "model", "dataset", "sampler", "metric")


def rows(file):
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def r0(scores, direction="up"):
    """What R0 says of (size, score) pairs."""
    runs = defaultdict(list)
    for size, score in scores:
        runs[size].append(score)
    (found,) = judge([Curve(runs=dict(runs), direction=direction)], replicates=50, permutations=9)
    return found.saturation["R0"]


def test_reproduces_every_published_answer(shared):
    """All 22 saturation points of the study's heat maps follow from its single runs, and so do the bounds."""
    runs = rows(shared / "reference" / "denadel2026_runs.csv")
    published = rows(shared / "reference" / "denadel2026_saturation.csv")
    assert len(published) == 22
    differ = {}
    for answer in published:
        found = r0(
            (int(run["percentage"]), float(run["value"]))
            for run in runs
            if all(run[name] == answer[name] for name in KEY)
        )
        if found.size != int(answer["published_saturation_percentage"]):
            differ[tuple(answer[name] for name in KEY)] = found
        assert (found.censored == "left") == (found.size == 1)
    assert differ == {}


def test_by_hand():
    """Bar 0.95 * 0.8 = 0.76; 0.77 at 300 is over it, 0.75 at 100 is not."""
    found = r0([(1000, 0.8), (100, 0.75), (300, 0.70), (300, 0.77), (0, 0.9)])
    assert (found.size, found.censored) == (300, "interval")


def test_strictly_above():
    """An exact tie with the bar fails."""
    assert r0([(1, 0.95 * 0.5), (10, 0.5)]).size == 10


def test_any_single_run_is_enough():
    """One lucky seed at the smallest size decides, as published; the answer is then censored."""
    found = r0([(1, 0.1), (1, 0.1), (1, 0.96), (10, 1.0), (10, 1.0)])
    assert (found.size, found.censored) == (1, "left")


def test_the_untrained_control_is_no_part_of_it():
    """A control above all trained runs moves neither the bar nor the smallest size tested."""
    with_control = r0([(0, 5.0), (10, 0.5), (100, 1.0)])
    assert with_control == r0([(10, 0.5), (100, 1.0)])
    assert with_control.size == 100


@pytest.mark.parametrize("curve", [[(1, -0.6), (10, -0.5), (100, -0.1)], [(1, -0.1), (10, 0.0)]])
def test_no_answer_at_or_below_zero(curve):
    """As published: no run lies above 95 % of a best run that is not positive."""
    found = r0(curve)
    assert (found.size, found.censored) == (None, "none")
    assert sum(found.distribution.values()) == 0


def test_losses_have_no_published_rule():
    """Nothing is invented where smaller is better."""
    assert r0([(10, 0.5), (100, 0.1)], direction="down").size is None
