"""Bootstrap intervals over the units of generalisation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

BLOCK = 2_000_000
"""Resampling counts drawn or multiplied at a time, so that memory does not grow with the units."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its percentile bootstrap interval.

    Attributes
    ----------
    estimate
        None where no unit is left.
    low, high
        None, with a ``reason``, where fewer than two units are left.
    level
        Nominal coverage.
    n_units, n_excluded
        Units that entered, and units that could not be paired.
    reason
        Why there is no interval.
    """

    estimate: float | None
    low: float | None
    high: float | None
    level: float
    n_units: int
    n_excluded: int = 0
    reason: str | None = None


def paired_difference(
    a: ArrayLike,
    b: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    n: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Return the weighted mean over units of ``a - b`` with a percentile bootstrap interval.

    Whole units are drawn with replacement, so that ``a`` and ``b`` are resampled jointly (Efron and
    Tibshirani 1993, An Introduction to the Bootstrap, chapter 13). With few units the interval is too
    narrow: for normal differences a nominal 95 % was measured to cover 51 % at 2 units, 75 % at 3, 84 %
    at 5, 90 % at 10, 93 % at 20 and 94 % at 50.

    Parameters
    ----------
    a, b
        One score per unit (n_units,). A unit where either is NaN is left out and counted.
    weights
        One non-negative weight per unit (n_units,); units of weight zero are left out and counted.
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
    first, second = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    weight = np.ones(len(first)) if weights is None else np.asarray(weights, dtype=float)
    if not first.shape == second.shape == weight.shape or first.ndim != 1:
        raise ValueError(
            f"one score and one weight per unit are needed, not {first.shape}, {second.shape}, {weight.shape}"
        )
    if not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise ValueError("weights must be finite and not negative")
    difference = first - second
    kept = np.isfinite(difference) & (weight > 0)
    return _interval(difference[kept], weight[kept], int((~kept).sum()), n=n, level=level, seed=seed)


def _interval(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    excluded: int,
    *,
    n: int,
    level: float,
    seed: int,
) -> Interval:
    units = len(values)
    low = high = reason = None
    if units > 1:
        tail = (1 - level) / 2
        low, high = (float(q) for q in np.quantile(_means(values, weights, n, seed), [tail, 1 - tail]))
    else:
        reason = "only one unit: nothing to resample" if units else "no unit has both scores"
    return Interval(
        estimate=float(np.average(values, weights=weights)) if units else None,
        low=low,
        high=high,
        level=level,
        n_units=units,
        n_excluded=excluded,
        reason=reason,
    )


def _means(
    values: NDArray[np.float64], weights: NDArray[np.float64], n: int, seed: int
) -> NDArray[np.float64]:
    """Return the weighted mean of each resample (n,): multinomial counts times a two-column matrix."""
    columns = np.column_stack([weights * values, weights])
    counts = _counts(len(values), n, seed)
    sums = np.concatenate([counts[rows].astype(float) @ columns for rows in _blocks(n, len(values))])
    return np.asarray(sums[:, 0] / sums[:, 1])


@lru_cache(maxsize=1)
def _counts(units: int, n: int, seed: int) -> NDArray[np.uint8]:
    """Return how often each unit is drawn in each resample (n, units).

    Kept for the next call, since the comparisons on one data set share their units. A unit drawn more than
    255 times has a probability below 1e-500.
    """
    rng = np.random.default_rng(seed)
    counts = np.empty((n, units), dtype=np.uint8)
    for rows in _blocks(n, units):
        block = counts[rows]
        drawn = rng.integers(units, size=block.shape) + units * np.arange(len(block))[:, None]
        counts[rows] = np.bincount(drawn.ravel(), minlength=block.size).reshape(block.shape)
    return counts


def _blocks(n: int, units: int) -> Iterator[slice]:
    step = max(1, BLOCK // units)
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))
