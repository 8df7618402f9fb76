"""R0 against every published answer at hand, and its edges."""

import csv
import math

import pytest

from harness.checks import published_saturation

KEY = ("task", "model", "dataset", "sampler", "metric")


def rows(file):
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_reproduces_every_published_answer(shared):
    """All 22 saturation points of the study's heat maps follow from its single runs."""
    runs = rows(shared / "reference" / "denadel2026_runs.csv")
    published = rows(shared / "reference" / "denadel2026_saturation.csv")
    assert len(published) == 22
    differ = {}
    for answer in published:
        curve = [
            (int(run["percentage"]), float(run["value"]))
            for run in runs
            if all(run[name] == answer[name] for name in KEY)
        ]
        found = published_saturation(curve)
        if found.size != int(answer["published_saturation_percentage"]):
            differ[tuple(answer[name] for name in KEY)] = found
        assert found.censored == ("left" if found.size == 1 else None)
    assert differ == {}


def test_by_hand():
    """Bar 0.95 * 0.8 = 0.76; 0.77 at 300 is over it, 0.75 at 100 is not."""
    found = published_saturation([(1000, 0.8), (100, 0.75), (300, 0.70), (300, 0.77), (0, 0.9)])
    assert (found.size, found.best, found.threshold) == (300, 0.8, 0.95 * 0.8)
    assert (found.censored, found.n_runs, found.n_above) == (None, 4, 2)


def test_strictly_above():
    """An exact tie with the bar fails."""
    assert published_saturation([(1, 0.95 * 0.5), (10, 0.5)]).size == 10


def test_any_single_run_is_enough():
    """One lucky seed at the smallest size decides, as published; the answer is then censored."""
    found = published_saturation([(1, 0.1), (1, 0.1), (1, 0.96), (10, 1.0), (10, 1.0)])
    assert (found.size, found.censored) == (1, "left")


def test_the_untrained_control_is_no_part_of_it():
    """A control above all trained runs moves neither the bar nor the smallest size tested."""
    with_control = published_saturation([(0, 5.0), (10, 0.5), (100, 1.0)])
    assert with_control == published_saturation([(10, 0.5), (100, 1.0)])
    assert with_control.size == 100


@pytest.mark.parametrize("curve", [[], [(0, 0.5)], [(10, -0.5), (100, -0.1)], [(10, 0.0)]])
def test_no_answer_has_a_reason(curve):
    """An empty curve and a best run at or below zero have no answer, as published."""
    found = published_saturation(curve)
    assert (found.size, found.censored) == (None, None)
    assert found.reason


def test_losses_have_no_published_rule():
    """Nothing is invented where smaller is better."""
    found = published_saturation([(10, 0.5), (100, 0.1)], direction="down")
    assert found.size is None
    assert "smaller is better" in found.reason


def test_missing_runs_must_be_left_out():
    """A NaN is refused rather than skipped in silence."""
    with pytest.raises(ValueError, match="not finite"):
        published_saturation([(10, math.nan), (100, 1.0)])
