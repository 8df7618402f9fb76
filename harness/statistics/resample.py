"""Bootstrap intervals over the units of generalisation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.statistics.estimates import cluster_sums, quantiles

BLOCK = 2_000_000
"""Resampling counts drawn or multiplied at a time, so that memory does not grow with the units."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its percentile bootstrap interval.

    Attributes
    ----------
    estimate
        None where no unit is left, or none that counts for some seed.
    low, high
        None, with a ``reason``, where fewer than two clusters are left, or a seed has no score in a resample.
    level
        Nominal coverage.
    n_units, n_clusters, n_seeds
        Units that entered, how many independent clusters they form, and seeds.
    n_excluded
        Units that could not be paired.
    reason
        Why there is no interval.
    p
        Two-sided: twice the smaller share of the resamples (with the data among them) that are not above, or
        not below, zero.
    """

    estimate: float | None
    low: float | None
    high: float | None
    level: float
    n_units: int
    n_clusters: int
    n_seeds: int
    n_excluded: int = 0
    reason: str | None = None
    p: float | None = None


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    weights: ArrayLike | None = None,
    clusters: Sequence[str] | None = None,
    *,
    tolerance: float = 0.0,
    n: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return the mean over seeds of the weighted mean over units of ``a - b``, with a bootstrap interval.

    Whole clusters of units are drawn with replacement, so that ``a`` and ``b`` are resampled jointly (Efron
    and Tibshirani 1993, An Introduction to the Bootstrap, chapter 13), and independently of them the seeds of
    ``a`` (two crossed factors: Owen 2007, The pigeonhole bootstrap, doi 10.1214/07-AOAS122). With few
    clusters the interval is too narrow: for normal differences a nominal 95 % was measured to cover 51 % at 2
    units, 75 % at 3, 84 % at 5, 90 % at 10, 93 % at 20 and 94 % at 50; so it is with few seeds.

    Parameters
    ----------
    a
        One score per unit (n_units,), or per seed and unit (n_seeds, n_units). A unit where any is NaN is
        left out and counted.
    b
        One score per unit (n_units,); NaN likewise.
    weights
        One non-negative weight per unit (n_units,), or per seed and unit (n_seeds, n_units): a seed's score
        is then the mean by its own weights. Units of weight zero are left out and counted.
    clusters
        One name per unit: units of one cluster are not independent and are drawn together. Each unit is a
        cluster of its own where not given.
    tolerance
        Difference up to which nothing is a difference, for ``p``.
    n
        Number of resamples.
    level
        Nominal coverage of the interval.
    seed
        Seed of the resampling: the same for all comparisons, so that they are comparable.

    Raises
    ------
    ValueError
        The arrays differ in length, or a weight is negative or not finite.
    """
    first, second = np.atleast_2d(np.asarray(a, dtype=float)), np.asarray(b, dtype=float)
    weight = np.atleast_2d(np.ones(len(second)) if weights is None else np.asarray(weights, dtype=float))
    cluster = None if clusters is None else np.asarray(clusters)
    by_seed = len(weight) in (1, len(first))
    shapes = [first.shape[1:], second.shape, weight.shape[1:], *([] if cluster is None else [cluster.shape])]
    if len(set(shapes)) > 1 or not by_seed:
        raise ValueError(
            "one score, one weight (for all seeds, or for each) and one cluster per unit are needed, not "
            f"{first.shape}, {second.shape}, {weight.shape}"
            + ("" if cluster is None else f", {cluster.shape}")
        )
    if not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise ValueError("weights must be finite and not negative")
    difference, counting = first - second, np.broadcast_to(weight > 0, first.shape)
    kept = (np.isfinite(difference) | ~counting).all(axis=0) & counting.any(axis=0)
    gained = (np.where(counting, difference, 0.0) * weight)[:, kept]
    sums, shares = gained, weight[:, kept]
    if cluster is not None:
        names, codes = np.unique(cluster[kept], return_inverse=True)
        sums, shares = (cluster_sums(each, codes, len(names)) for each in (sums, shares))
    weighed = bool(shares.shape[1]) and bool(shares.sum(axis=1).all())
    found = Interval(
        estimate=float((sums.sum(axis=1) / shares.sum(axis=1)).mean()) if weighed else None,
        low=None,
        high=None,
        level=level,
        n_units=int(kept.sum()),
        n_clusters=shares.shape[1],
        n_seeds=len(sums),
        n_excluded=int((~kept).sum()),
    )
    if shares.shape[1] < 2:
        return replace(found, reason=_too_few(found))
    tail = (1 - level) / 2
    means = _means(sums, shares, n, seed) if weighed else np.full(n, np.nan)
    if undefined := int(np.isnan(means).sum()):
        return replace(found, reason=f"no unit counts for a seed in {undefined} of {n} resamples")
    low, high = quantiles(means, [tail, 1 - tail])
    return replace(found, low=float(low), high=float(high), p=_two_sided(means, tolerance))


def _two_sided(means: NDArray[np.float64], tolerance: float) -> float:
    """Return the p-value that belongs to the interval: no p is below 2 / (n + 1)."""
    opposed = min((means <= tolerance).sum(), (means >= -tolerance).sum())
    return float(min(1.0, 2 * (1 + opposed) / (1 + len(means))))


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Return p-values adjusted for their number, in the order given: Holm 1979, jstor.org/stable/4615733."""
    raw = np.asarray(p, dtype=float)
    order = np.argsort(raw)
    steps = np.arange(len(raw), 0, -1) * raw[order]
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def _too_few(found: Interval) -> str:
    if not found.n_units:
        return "no unit has both scores"
    what = "unit" if found.n_units == 1 else "cluster of units"
    return f"only one {what}: nothing to resample"


def _means(sums: NDArray[np.float64], shares: NDArray[np.float64], n: int, seed: int) -> NDArray[np.float64]:
    """Return the weighted mean of each resample (n,): multinomial counts times sums of clusters.

    Shares are one row per seed, or one for all (1, n_clusters). NaN where a seed that is drawn has no weight.
    """
    n_seeds, n_clusters = sums.shape
    counts, rows = _counts(n_clusters, n, seed), np.vstack([sums, shares])
    blocks = [rows @ counts[:, block].astype(float) for block in _blocks(n, n_clusters)]
    by_seed, total = np.split(np.concatenate(blocks, axis=1), [n_seeds])
    drawn = _counts(n_seeds, n, seed + 1) if n_seeds > 1 else np.ones((1, n))
    with np.errstate(invalid="ignore"):
        scores = by_seed / total
    return np.asarray(np.where(drawn > 0, drawn * scores, 0.0).sum(axis=0) / n_seeds)


@lru_cache(maxsize=4)
def _counts(units: int, n: int, seed: int) -> NDArray[np.uint8]:
    """Return how often each cluster (or seed) is drawn in each resample (units, n).

    Kept for the next calls, since the comparisons on one data set share their units. One drawn more than
    255 times has a probability below 1e-500.
    """
    rng = np.random.default_rng(seed)
    counts = np.empty((units, n), dtype=np.uint8)
    for block in _blocks(n, units):
        shape = counts[:, block].T.shape
        drawn = rng.integers(units, size=shape) + units * np.arange(shape[0])[:, None]
        counts[:, block] = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(shape).T
    return counts


def _blocks(n: int, units: int) -> Iterator[slice]:
    step = max(1, BLOCK // units)
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))
