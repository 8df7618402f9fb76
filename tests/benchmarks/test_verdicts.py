"""How long verdicts take: R0-R4, level and trend with the whole bootstrap, fits, the bootstrap over units.

Toy size by default, so that the code runs in CI; ``HARNESS_BENCH_FULL=1`` measures and judges 10,000 curves.
"""

import os
import tracemalloc

import numpy as np
import pytest

from harness.checks import Curve, fit_all, judge
from harness.statistics import Scores, saturation_points

FULL = os.environ.get("HARNESS_BENCH_FULL") == "1"
N_CURVES = 10_000 if FULL else 100
N_SIZES, N_SEEDS, N_UNITS = 6, 5, 30


def grid(n_curves):
    """Curves of six sizes and five seeds, of every kind between flat and rising."""
    rng = np.random.default_rng(0)
    sizes = [100 * 3**place for place in range(N_SIZES)]
    rise = rng.exponential(0.02, n_curves)[:, None] * np.sqrt(np.arange(N_SIZES))
    noise = rng.choice([0.005, 0.02], (n_curves, 1, 1))
    scores = 0.6 + rise[:, :, None] + noise * rng.normal(size=(n_curves, N_SIZES, N_SEEDS))
    untrained = rng.normal(0.58, 0.01, (n_curves, N_SEEDS))
    return [
        Curve(runs={0: floor, **dict(zip(sizes, runs, strict=True))}, baselines={"exact": [0.58]}, bound=1.0)
        for floor, runs in zip(untrained, scores, strict=True)
    ]


@pytest.mark.timeout(600)
def test_ten_thousand_verdicts(benchmark):
    """10,000 curves of 6 sizes x 5 seeds with 2,000 replicates take a minute at most."""
    curves = grid(N_CURVES)
    finished = []
    verdicts = benchmark.pedantic(judge, args=(curves,), kwargs={"progress": finished.append})
    assert sum(finished) == len(verdicts) == N_CURVES
    assert len({(each.level, each.trend) for each in verdicts}) > 4
    if FULL:
        assert benchmark.stats.stats.max <= 60


def test_fits(benchmark):
    """R5 and the law of every curve, with 200 replicates, which are outside the minute."""
    curves = grid(1_000 if FULL else 5)
    found = benchmark.pedantic(lambda: list(fit_all(curves)), rounds=1)
    assert all(each.saturation.reached and each.law.weights for each in found)


def test_memory_is_bounded_by_blocks():
    """Ten times as many curves need no ten times as much memory for replicates."""
    peaks = []
    for n_curves in (100, 1_000):
        curves = grid(n_curves)
        groups = tuple(np.array([curve.runs[size] for curve in curves]) for size in curves[0].sizes)
        tracemalloc.start()
        saturation_points(Scores(groups=groups))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]


def test_units_in_the_outer_level(benchmark):
    """The bootstrap over seeds and units, which is outside the minute."""
    rng = np.random.default_rng(0)
    shape = (200 if FULL else 5, N_SEEDS, N_UNITS)
    groups = tuple(rng.normal(0.6 + 0.02 * place, 0.1, shape) for place in range(N_SIZES))
    answers = benchmark.pedantic(saturation_points, args=(Scores(groups=groups),))
    assert (answers["R1"].shares.sum(axis=0) > 0.999).all()
