"""A model against the best baseline, on scores whose answer is known."""

import numpy as np
import pytest

from harness.checks import NoChange, Subject, UnitScores, no_change, seed_average

NAMES = tuple(f"d{i}" for i in range(12))
NOISE = np.random.default_rng(0).normal(0, 0.01, 12)


def subject(name, level, names=NAMES, values=None, weights=None):
    values = level + np.resize(NOISE, len(names)) if values is None else np.asarray(values)
    return Subject(name=name, value=level, units=UnitScores(names=names, values=values, weights=weights))


def test_gain_over_the_best_of_several():
    """The baseline of best headline value is the one to beat."""
    found = no_change(
        subject("model", 0.8, values=0.8 - NOISE), [subject("majority", 0.3), subject("hvg", 0.7)]
    )
    assert (found.verdict, found.baseline, found.baseline_value) == ("beats", "hvg", 0.7)
    assert found.gain.estimate == pytest.approx(np.mean(0.1 - 2 * NOISE))
    assert found.gain.n_units == 12
    assert not found.few_units


def test_a_loss_counts_downwards():
    """Where smaller is better the best baseline is the smallest, and a smaller model score is a gain."""
    baselines = [subject("no_change", 0.5), subject("mean", 0.2)]
    found = no_change(subject("model", 0.1), baselines, "down")
    assert (found.verdict, found.baseline) == ("beats", "mean")
    assert found.gain.estimate == pytest.approx(0.1)
    assert no_change(subject("model", 0.3), baselines, "down").verdict == "does_not_beat"


def test_an_interval_that_touches_zero_does_not_beat():
    """Equal scores are no gain."""
    found = no_change(subject("model", 0.7), [subject("hvg", 0.7)])
    assert (found.verdict, found.gain.low) == ("does_not_beat", 0.0)


def test_rounding_is_no_gain():
    """Differences within the metric's tolerance do not beat anything."""
    model, hvg = subject("model", 0.7 + 1e-9), subject("hvg", 0.7)
    assert no_change(model, [hvg], tolerance=1e-6).verdict == "does_not_beat"
    assert no_change(model, [hvg]).verdict == "beats"


def test_units_are_paired_by_name():
    """Order does not matter; a unit that the baseline lacks is left out and counted."""
    hvg = subject("hvg", 0.6, names=NAMES[::-1], values=np.arange(12.0)[::-1])
    found = no_change(subject("model", 0.8, values=np.arange(12.0) + 1), [hvg])
    assert (found.gain.estimate, found.gain.low, found.gain.high) == (1, 1, 1)
    short = subject("hvg", 0.6, names=NAMES[2:], values=np.arange(2.0, 12.0))
    partly = no_change(subject("model", 0.8, values=np.arange(12.0) + 1), [short])
    assert (partly.gain.n_units, partly.gain.n_excluded, partly.gain.estimate) == (10, 2, 1)


def test_units_without_unique_names_are_not_paired_by_guess():
    model, hvg = subject("model", 1.0, names=("a", "a", "b")), subject("hvg", 0.5, names=("b", "a", "a"))
    found = no_change(model, [hvg])
    assert (found.verdict, found.gain) == ("not_assessed", None)
    assert "unique" in found.reason


def test_weights_are_those_of_the_units():
    model = subject("model", 1.0, names=("a", "b"), values=[1.0, 0.0], weights=np.array([3.0, 1.0]))
    assert no_change(model, [subject("hvg", 0.0, names=("a", "b"), values=[0.0, 0.0])]).gain.estimate == 0.75


def test_few_units_are_marked():
    """Below six pairs the verdict stands but carries a warning."""
    five = NAMES[:5]
    assert no_change(subject("model", 0.9, names=five), [subject("hvg", 0.1, names=five)]).few_units


@pytest.mark.parametrize(
    ("model", "baselines", "word"),
    [
        (subject("model", 0.8), [], "no baseline"),
        (Subject(name="model", value=0.8), [subject("hvg", 0.7)], "model has no scores per unit"),
        (subject("model", 0.8), [Subject(name="hvg", value=0.7, reason="damaged")], "damaged"),
        (subject("model", 0.8, names=("a",)), [subject("hvg", 0.7, names=("a",))], "one unit"),
        (subject("model", 0.8, names=("a",)), [subject("hvg", 0.7, names=("b",))], "no unit"),
    ],
)
def test_not_assessed_has_a_reason(model, baselines, word):
    """Without something to compare, or to resample, there is no verdict."""
    found = no_change(model, baselines)
    assert found.verdict == "not_assessed"
    assert word in found.reason


def test_seeds_are_averaged_per_unit():
    """A unit that one seed does not define is not filled from the others."""
    one = UnitScores(names=("a", "b"), values=np.array([0.2, np.nan]))
    two = UnitScores(names=("a", "b"), values=np.array([0.4, 0.8]))
    np.testing.assert_allclose(seed_average([one, two]).values, [0.3, np.nan])
    assert seed_average([one, UnitScores(names=("a", "c"), values=one.values)]) is None
    assert seed_average([]) is None


def test_findings_are_frozen():
    with pytest.raises(AttributeError):
        NoChange(verdict="beats", value=1.0).value = 2.0
