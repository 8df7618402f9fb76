"""Where fitted curves reach their gain, and what they predict: by hand, on known truths, by simulation."""

import csv

import numpy as np
import pytest

from harness.statistics import fitted_saturation, held_out_largest, offset_law

SIZES = np.repeat([100.0, 300, 1_000, 3_000, 10_000, 30_000], 5)


def rising(scale=1.0, sd=0.0, seed=0):
    """Floor .2, limit .8: .8 - .6 (n / 100)^-.5 / scale."""
    return 0.8 - 0.6 * scale * (SIZES / 100) ** -0.5 + np.random.default_rng(seed).normal(0, sd, len(SIZES))


def by_share(found):
    return {reached.share: reached for reached in found.reached}


def test_shares_by_hand():
    """Gain .6 from .2 to .8: 80 % leave .6 (n / 100)^-.5 = .12, so n = 2,500; 90 %: 10,000; 95 %: 40,000."""
    found = by_share(fitted_saturation(SIZES, rising(), 0.2, names=["pow3"], n=10))
    assert [found[q].size for q in (0.8, 0.9, 0.95)] == pytest.approx([2_500, 10_000, 40_000], rel=1e-3)
    assert [found[q].extrapolated for q in (0.8, 0.9, 0.95)] == [False, False, True]
    assert [found[q].censored for q in (0.8, 0.9, 0.95)] == ["none", "none", "beyond"]


def test_losses_mirror_scores():
    """Turned upside down, with the floor, the answers are the same."""
    up = fitted_saturation(SIZES, rising(sd=0.01), [0.2, 0.21, 0.19], n=20, seed=3)
    down = fitted_saturation(SIZES, -rising(sd=0.01), [-0.2, -0.21, -0.19], direction="down", n=20, seed=3)
    for ours, theirs in zip(up.reached, down.reached, strict=True):
        assert ours.size == pytest.approx(theirs.size, rel=1e-4)
        assert ours.distribution == theirs.distribution


def test_reached_at_the_smallest_size_is_censored():
    """A plateau above the floor says "at the smallest size or before", never a size below."""
    values = 0.8 + np.random.default_rng(1).normal(0, 0.005, len(SIZES))
    for reached in fitted_saturation(SIZES, values, 0.2, n=20).reached:
        assert (reached.size, reached.censored, reached.extrapolated) == (100, "left", False)
        assert reached.distribution[0] > 0.5


def test_no_limit_no_saturation():
    """A straight line in log n has no limit: beyond everything, and no size is made up."""
    found = fitted_saturation(SIZES, 0.1 * np.log10(SIZES), 0.1, names=["flat", "log_linear"], n=10)
    for reached in found.reached:
        assert (reached.size, reached.censored, reached.beyond) == (None, "beyond", 1.0)
        assert reached.high == np.inf


def test_farther_than_ten_times_is_not_a_size():
    """99.9 % of the gain needs n = 10^8, more than ten times 30,000."""
    (reached,) = fitted_saturation(SIZES, rising(), 0.2, shares=[0.999], names=["pow3"], n=5).reached
    assert (reached.size, reached.censored) == (None, "beyond")


def test_nothing_gained_is_no_answer():
    """A curve that tends to less than the floor saturates nowhere."""
    for reached in fitted_saturation(SIZES, rising(sd=0.01), 0.9, n=20).reached:
        assert (reached.size, reached.censored, reached.unanswered) == (None, None, 0.0)
        assert "nothing better than the floor" in reached.reason


def test_resamples_are_shares():
    """Every resample answers with a size, beyond, or not at all."""
    for reached in fitted_saturation(SIZES, rising(sd=0.05), [0.3, 0.1], n=50).reached:
        assert sum(reached.distribution) + reached.beyond + reached.unanswered == pytest.approx(1)
        assert reached.low <= reached.size <= reached.high


def test_an_uncertain_floor_widens_the_answer():
    """The control's runs are resampled too: with wide ones the sizes spread."""
    values = rising(sd=0.005)
    fixed, loose = (
        fitted_saturation(SIZES, values, floor, names=["pow3"], shares=[0.8], n=100).reached[0]
        for floor in (0.2, [0.0, 0.1, 0.2, 0.3, 0.4])
    )
    assert loose.high / loose.low > 1.5 * fixed.high / fixed.low


def test_too_few_sizes_and_single_runs_are_said():
    two = SIZES < 200
    (reached, *_) = fitted_saturation(SIZES[two], rising()[two], 0.2).reached
    assert reached.size is None
    assert "no family could be fitted" in reached.reason
    (reached, *_) = fitted_saturation(SIZES[::5], rising(sd=0.001)[::5], 0.2, names=["pow3"]).reached
    assert reached.size is not None
    assert (reached.low, reached.distribution) == (None, ())
    assert "one run" in reached.reason


def test_held_out_by_hand():
    """Exact values: the largest size is predicted without error; by a flat curve, as the others' mean."""
    found = held_out_largest(SIZES, rising(), names=["pow3"], n=5)
    assert (found.size, found.family) == (30_000, "pow3")
    assert found.predicted == pytest.approx(found.observed, abs=1e-6)
    flat = held_out_largest(SIZES, rising(), names=["flat"], n=5)
    assert flat.predicted == pytest.approx(rising()[SIZES < 30_000].mean())
    assert flat.error.value == pytest.approx(flat.observed - flat.predicted)


def test_the_interval_of_a_right_family_holds_zero_and_that_of_a_wrong_one_does_not():
    """A straight line in log n misses what a power law with a limit predicts."""
    values = rising(sd=0.01, seed=4)
    right, wrong = (held_out_largest(SIZES, values, names=[name]).error for name in ("pow3", "log_linear"))
    assert right.low <= 0 <= right.high
    assert wrong.high < 0


def test_held_out_covers():
    """Over 30 worlds the 95 % interval of the error holds 0 in at least 25."""
    hits = 0
    for world in range(30):
        error = held_out_largest(SIZES, rising(sd=0.01, seed=world), names=["pow3"], n=100, seed=world).error
        hits += error.low <= 0 <= error.high
    assert hits >= 25


def test_nothing_predicts_where_nothing_can_be_fitted():
    two = SIZES < 500
    found = held_out_largest(SIZES[two], rising()[two])
    assert (found.predicted, found.error.value) == (None, None)
    assert "no family could be fitted" in found.error.reason


def test_published_largest_model(shared):
    """Without its largest size the second study's law predicts it: the error holds 0."""
    with (shared / "reference" / "kendiukhov2026_runs.csv").open() as file:
        rows = list(csv.DictReader(file))
    parameters = [float(row["parameters"]) for row in rows]
    losses = [float(row["best_validation_mse"]) for row in rows]
    found = held_out_largest(parameters, losses, names=["pow3"])
    assert found.predicted == pytest.approx(1.468, abs=1e-3)
    assert found.error.low < 0 < found.error.high


def test_the_offset_law_is_recovered():
    """E = .8 and a = .5 exactly without noise; upside down the limit alone turns."""
    limit, exponent = offset_law(SIZES, rising(), n=10)
    assert (limit.value, exponent.value) == pytest.approx((0.8, 0.5), rel=1e-4)
    turned, same = offset_law(SIZES, -rising(), n=10)
    assert (turned.value, same.value) == pytest.approx((-0.8, 0.5), rel=1e-4)


def test_the_offset_laws_intervals_cover():
    """Limit and exponent of 40 worlds of five seeds: nominal 95 %, at least 85 % here."""
    hits = np.zeros(2)
    for world in range(40):
        limit, exponent = offset_law(SIZES, rising(sd=0.01, seed=world), n=100, seed=world)
        hits += [limit.low <= 0.8 <= limit.high, exponent.low <= 0.5 <= exponent.high]
    assert min(hits / 40) >= 0.85


def test_what_the_sizes_do_not_tell_has_a_reason():
    """A straight line in log n has no limit in sight; a short range no exponent; three sizes no law."""
    line = 0.3 + 0.1 * np.log10(SIZES)
    limit, exponent = offset_law(SIZES, line, n=10)
    assert (limit.value, exponent.value) == (None, None)
    assert "on the edge" in limit.reason
    short = np.repeat([1_000.0, 2_000, 5_000, 10_000], 3)
    limit, exponent = offset_law(short, 0.8 - 0.6 * (short / 100) ** -0.5, n=10)
    assert limit.value == pytest.approx(0.8, rel=1e-3)
    assert "1.00 decades" in exponent.reason
    few = np.repeat([100.0, 1_000, 10_000, 100_000], 3)
    noise = np.random.default_rng(1).normal(0, 0.02, len(few))
    limit, exponent = offset_law(few, np.where(few > 100, 0.8, 0.5) + noise, n=200)
    assert exponent.value is None
    assert "reaches the edge of what was searched (5)" in exponent.reason
    assert limit.low < 0.8 < limit.high
    limit, exponent = offset_law(few, -0.5 * few**-0.1 + noise, n=200)
    assert limit.value is None
    assert "reaches the edge of what was searched (0.01" in limit.reason
    (limit, exponent) = offset_law(SIZES[::3], rising()[::3])
    assert (limit.value, exponent.value) == pytest.approx((0.8, 0.5), rel=1e-3)
    assert (limit.low, exponent.low) == (None, None)
    assert "have one run: nothing to resample" in limit.reason
    assert "it needs 4 sizes" in offset_law([1, 1, 10, 10, 100, 100], [1, 2, 3, 4, 5, 6])[0].reason


def test_rounding_does_not_choose():
    """Behind a step all steep curves fit alike: scores moved by a rounding error keep their intervals."""
    sizes = np.repeat([100.0, 1_000, 10_000, 100_000], 4)
    found = []
    for last_bit in (0, 1):
        bounds = []
        for seed in range(12):
            rng = np.random.default_rng(seed)
            step = np.where(sizes > 100, 0.5, 0.42) + rng.normal(0, 0.004, len(sizes))
            moved = step * (1 + 2.2e-16 * last_bit * rng.integers(-1, 2, len(sizes)))
            (reached,) = fitted_saturation(sizes, moved, [0.3, 0.31], shares=[0.9], pooled=True).reached
            bounds += [reached.low, reached.high]
        found.append(bounds)
    assert found[0] == pytest.approx(found[1], rel=1e-4)
