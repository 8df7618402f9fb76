"""How often the intervals of laws, R5 and limits hold a known truth, and how long they take.

A few worlds by default, so that the code runs in CI; ``HARNESS_BENCH_FULL=1`` measures and judges 200.
"""

import os

import numpy as np
import pytest

from harness.statistics import PowerLaw, fitted_saturation, profile_limit, scaling_law

FULL = os.environ.get("HARNESS_BENCH_FULL") == "1"
WORLDS, REPLICATES = (200, 200) if FULL else (2, 20)
LAW = PowerLaw(limit=1.4, log_amplitudes=(float(np.log(6.0)),), exponents=(0.4,))


def losses(sizes, world):
    return LAW(sizes) * np.exp(np.random.default_rng(world).normal(0, 0.01, len(sizes)))


def holds(estimate, truth):
    return estimate.low <= truth <= estimate.high


def law_coverage(sizes, delta, pooled):
    """Return the share of worlds whose intervals hold E and a."""
    hits = np.zeros(2)
    for world in range(WORLDS):
        found = scaling_law(
            sizes, losses(sizes, world), delta=delta, pooled=pooled, starts=2, n=REPLICATES, seed=world
        )
        hits += [holds(found.limit, LAW.limit), holds(found.exponents["cells"], LAW.exponents[0])]
    return (hits / WORLDS).tolist()


def profile_coverage(sizes):
    return np.mean(
        [holds(profile_limit(sizes, losses(sizes, world), starts=2), LAW.limit) for world in range(WORLDS)]
    )


def saturation_coverage(sizes, pooled):
    """Return the share of worlds whose intervals hold n_80, n_90 and n_95: 2,500, 10,000 and 40,000."""
    hits = np.zeros(3)
    for world in range(WORLDS):
        rng = np.random.default_rng(world)
        values = 0.8 - 0.6 * (sizes / 100) ** -0.5 + rng.normal(0, 0.01, len(sizes))
        found = fitted_saturation(
            sizes, values, rng.normal(0.2, 0.01, 5), pooled=pooled, n=REPLICATES, seed=world
        )
        hits += [holds(r, n) for r, n in zip(found.reached, (2_500, 10_000, 40_000), strict=True)]
    return (hits / WORLDS).tolist()


@pytest.mark.timeout(6_000)
@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("pooled", [True, False], ids=["pooled", "within"])
@pytest.mark.parametrize("delta", [np.inf, 1e-3], ids=["squares", "huber"])
def test_laws(benchmark, seeds, pooled, delta):
    """95 % intervals of E and a; drawn among three or five seeds of a size they are somewhat too narrow."""
    sizes = np.repeat(np.logspace(2, 6, 6), seeds)
    found = benchmark.pedantic(law_coverage, args=(sizes, delta, pooled))
    benchmark.extra_info.update({"worlds": WORLDS, "limit": found[0], "exponent": found[1]})
    assert not FULL or min(found) >= (0.9 if pooled else 0.8)


@pytest.mark.timeout(6_000)
def test_profiles(benchmark):
    """The profile interval of E holds the truth about as often as it says."""
    found = benchmark.pedantic(profile_coverage, args=(np.repeat(np.logspace(2, 6, 6), 3),))
    benchmark.extra_info.update({"worlds": WORLDS, "limit": found})
    assert not FULL or 0.91 <= found <= 0.99


@pytest.mark.timeout(6_000)
@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("pooled", [True, False], ids=["pooled", "within"])
def test_fitted_saturation(benchmark, seeds, pooled):
    """95 % intervals of R5, families selected anew in every resample."""
    sizes = np.repeat([100.0, 300, 1_000, 3_000, 10_000, 30_000], seeds)
    found = benchmark.pedantic(saturation_coverage, args=(sizes, pooled))
    benchmark.extra_info.update({"worlds": WORLDS, "n_80": found[0], "n_90": found[1], "n_95": found[2]})
    assert not FULL or min(found) >= 0.8
