"""Sizes that are known only to lie in an interval: their distribution and median across tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.statistics.estimates import Floats

CONVERGED = 1e-7
"""Gap per observation, in log-likelihood, at which the distribution counts as found."""
ROUNDS = 100_000


@dataclass(frozen=True, kw_only=True)
class SizeDistribution:
    """The nonparametric maximum-likelihood distribution of interval-censored sizes.

    Attributes
    ----------
    low, high
        Where probability lies, in ascending order (n_steps,): in (low, high], or exactly at ``high`` where
        both are equal. Where inside an interval it lies the data do not say.
    probability
        Of each (n_steps,); they sum to 1.
    log_likelihood
        Of all observations.
    n
        Observations.
    """

    low: Floats
    high: Floats
    probability: Floats
    log_likelihood: float
    n: int

    def at_most(self, size: float) -> tuple[float, float]:
        """Return the smallest and largest probability of a size up to this one that the data allow."""
        return (
            float(self.probability[self.high <= size].sum()),
            float(self.probability[(self.low < size) | (self.high <= size)].sum()),
        )

    def quantile(self, q: float) -> tuple[float, float]:
        """Return the interval (low, high] in which the distribution first reaches ``q``."""
        step = int(np.searchsorted(np.cumsum(self.probability), q - 1e-6))
        step = min(step, len(self.low) - 1)
        return float(self.low[step]), float(self.high[step])

    def median(self) -> tuple[float, float]:
        """Return the interval that holds every median: both steps where exactly half lies up to one."""
        return self.quantile(0.5)[0], self.quantile(0.5 + 2e-6)[1]


@dataclass(frozen=True, kw_only=True)
class MedianSize:
    """The median size across tasks; infinite where more than half lie beyond what was measured.

    Attributes
    ----------
    low, high
        The median lies in (low, high], or at ``high`` where both are equal.
    interval_low, interval_high
        Percentile bootstrap interval, from the lowest low to the highest high; None, with a ``reason``, for
        fewer than two clusters.
    n, n_clusters
        Observations, and how many independent clusters they form.
    """

    low: float
    high: float
    interval_low: float | None
    interval_high: float | None
    level: float
    n: int
    n_clusters: int
    reason: str | None = None


def turnbull(low: ArrayLike, high: ArrayLike, weights: ArrayLike | None = None) -> SizeDistribution:
    """Return the distribution of sizes that are known to lie in (low, high].

    Self-consistency, that is expectation maximisation, over the innermost intervals (Turnbull 1976, doi
    10.1111/j.2517-6161.1976.tb01597.x), until no other distribution can be more than ``CONVERGED`` per
    observation more likely (Gentleman and Geyer 1994, doi 10.1093/biomet/81.3.618). Where all sizes are known
    or censored on the right this is the estimate of Kaplan and Meier.

    Parameters
    ----------
    low, high
        One interval per observation (n,): equal where the size is known; ``low`` 0 where it is "at most
        high"; ``high`` infinite where it is "more than low".
    weights
        How often each observation counts (n,).

    Raises
    ------
    ValueError
        Nothing was observed, an interval ends before it begins, or a number is NaN or negative.
    """
    left, right = _checked(low, high)
    weight = np.ones(len(left)) if weights is None else np.asarray(weights, dtype=float)
    counted = weight > 0
    left, right, weight = left[counted], right[counted], weight[counted]
    starts, ends = _innermost(left, right)
    possible = _holds(left, right, starts, ends).astype(float)
    probability = _self_consistent(possible, weight)
    return SizeDistribution(
        low=starts,
        high=ends,
        probability=probability,
        log_likelihood=float(weight @ np.log(possible @ probability)),
        n=len(left),
    )


def median_size(
    low: ArrayLike,
    high: ArrayLike,
    clusters: Sequence[str] | None = None,
    *,
    n: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> MedianSize:
    """Return the median of interval-censored sizes with a bootstrap interval over clusters.

    Censored sizes are never averaged, and a limit never stands for the size.

    Parameters
    ----------
    low, high
        As `turnbull`.
    clusters
        One name per observation: those of one cluster (curves of one task or data set) are drawn together.
        Each is a cluster of its own where not given.
    n
        Resamples.

    Raises
    ------
    ValueError
        As `turnbull`, or there is not one cluster per observation.
    """
    left, right = _checked(low, high)
    names = np.arange(len(left)) if clusters is None else np.asarray(clusters)
    if len(names) != len(left):
        raise ValueError(
            f"one cluster per observation is needed: {len(left)} observations, {len(names)} clusters"
        )
    codes = np.unique(names, return_inverse=True)[1]
    n_clusters = int(codes.max()) + 1
    here = turnbull(left, right).median()
    ends: tuple[float | None, float | None] = (None, None)
    if n_clusters > 1:
        drawn = _medians(left, right, codes, n, seed)
        ends = (
            float(np.quantile(drawn[:, 0], (1 - level) / 2, method="inverted_cdf")),
            float(np.quantile(drawn[:, 1], (1 + level) / 2, method="inverted_cdf")),
        )
    return MedianSize(
        low=here[0],
        high=here[1],
        interval_low=ends[0],
        interval_high=ends[1],
        level=level,
        n=len(left),
        n_clusters=n_clusters,
        reason=None if n_clusters > 1 else "only one cluster: nothing to resample",
    )


def _medians(left: Floats, right: Floats, codes: NDArray[np.intp], n: int, seed: int) -> Floats:
    """Return the interval of the median in every resample (n, 2)."""
    rng = np.random.default_rng(seed)
    k = int(codes.max()) + 1
    counts = rng.multinomial(k, np.full(k, 1 / k), size=n)
    distinct, which = np.unique(counts, axis=0, return_inverse=True)
    found = [turnbull(left, right, count[codes]).median() for count in distinct]
    return np.array(found)[which.reshape(-1)]


def _innermost(left: Floats, right: Floats) -> tuple[Floats, Floats]:
    """Return the intervals that probability can lie in: a beginning directly followed by an end.

    At one size, a known size begins (0) before anything ends (1) before an open interval begins (2).
    """
    begin = np.where(left == right, 0, 2)
    ends = np.ones(len(right), dtype=int)
    at, kind = np.concatenate([left, right]), np.concatenate([begin, ends])
    order = np.lexsort((kind, at))
    at, kind = at[order], kind[order]
    step = np.flatnonzero((kind[:-1] != 1) & (kind[1:] == 1))
    return at[step], at[step + 1]


def _holds(left: Floats, right: Floats, starts: Floats, ends: Floats) -> NDArray[np.bool_]:
    """Return whether each observation allows each innermost interval (n, n_steps)."""
    after = np.where(
        (starts == ends)[None] & (left < right)[:, None], left[:, None] < starts, left[:, None] <= starts
    )
    return np.asarray(after & (ends <= right[:, None]))


def _self_consistent(possible: Floats, weight: Floats) -> Floats:
    """Return the probabilities (n_steps,) that maximise the likelihood."""
    probability = np.full(possible.shape[1], 1 / possible.shape[1])
    for _ in range(ROUNDS):
        gradient = (weight / (possible @ probability)) @ possible / weight.sum()
        if gradient.max() - 1 < CONVERGED:
            break
        probability = probability * gradient
    return np.asarray(probability / probability.sum())


def _checked(low: ArrayLike, high: ArrayLike) -> tuple[Floats, Floats]:
    left, right = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    if left.shape != right.shape or left.ndim != 1 or not len(left):
        raise ValueError(
            f"one low and one high per observation are needed, not {left.shape} and {right.shape}"
        )
    wrong = ~((left >= 0) & (left <= right) & np.isfinite(left))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        interval = f"({left[first]:g}, {right[first]:g}]"
        raise ValueError(f'an observation must lie in (low, high] with 0 <= low <= high, not "{interval}"')
    return left, right
