"""Does the score change with size? Tests, margins and resolutions for one curve or many of one shape.

A curve is given as groups: for every size, in ascending order, an array (..., seeds) with one score per seed.
Axes in front of the seeds are curves; every result has them too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, stats

FloatArray = NDArray[np.float64]
Groups = Sequence[FloatArray]

PERMUTATIONS = 9_999
POWER = float(stats.norm.ppf(0.95) + stats.norm.ppf(0.80))
"""2.49: z of a one-sided 5 % test plus z of 80 % power."""

SHUFFLES = 2_000
"""Shuffles held at a time."""
BLOCK = 50_000
"""Shuffles times curves computed at a time: small enough for the processor's cache."""


@dataclass(frozen=True)
class Pooled:
    """Spread of the seeds within sizes.

    Attributes
    ----------
    sd
        Root of the seed variances pooled by their degrees of freedom (...); with equally many seeds, the
        root of the mean variance. NaN where no size has two seeds.
    df
        Degrees of freedom: runs minus sizes.
    """

    sd: FloatArray
    df: int


@dataclass(frozen=True)
class OneWay:
    """The one-way analysis of variance: F (...) and its p-value (...), NaN without degrees of freedom."""

    f: FloatArray
    p: FloatArray


@dataclass(frozen=True)
class Jonckheere:
    """The Jonckheere-Terpstra test for ordered groups.

    Attributes
    ----------
    statistic
        Pairs of runs of two sizes in which the larger size is better, ties counted half (...).
    z
        Standardised by mean and variance under the hypothesis of no effect, tied values allowed for.
    p_up, p_down
        One-sided normal p-values for a rise and for a fall.
    """

    statistic: FloatArray
    z: FloatArray
    p_up: FloatArray
    p_down: FloatArray


def pooled_spread(groups: Groups) -> Pooled:
    """Return the standard deviation of the seeds, pooled over sizes."""
    squares = sum(((group - group.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1) for group in groups)
    df = sum(group.shape[-1] - 1 for group in groups)
    return Pooled(np.sqrt(squares / df) if df else np.full(np.shape(squares), np.nan), df)


def one_way(groups: Groups) -> OneWay:
    """Return Fisher's F for equal means. Equal scores throughout give F = 0 and p = 1."""
    runs = sum(group.shape[-1] for group in groups)
    df_between, df_within = len(groups) - 1, runs - len(groups)
    centred = _centred(groups)
    total = (np.concatenate(centred, axis=-1) ** 2).sum(axis=-1)
    between = _between(centred)
    if df_between < 1 or df_within < 1:
        return OneWay(np.full(total.shape, np.nan), np.full(total.shape, np.nan))
    with np.errstate(divide="ignore", invalid="ignore"):
        f = (between / df_between) / (np.maximum(total - between, 0) / df_within)
    f = np.where(total == 0, 0.0, f)
    return OneWay(f, np.asarray(stats.f.sf(f, df_between, df_within)))


def permutation_p(groups: Groups, n: int = PERMUTATIONS, seed: int = 0) -> FloatArray:
    """Return the permutation p-value of F: the share of shuffles whose F is as large, the data among them.

    The runs of a curve are dealt anew to its sizes ``n`` times; curves of one call share the shuffles. No p
    is below 1 / (n + 1) (Phipson and Smyth 2010, doi 10.2202/1544-6115.1585). NaN without two sizes and two
    seeds of one size.
    """
    centred = _centred(groups)
    values = np.concatenate(centred, axis=-1)
    flat = values.reshape(-1, values.shape[-1])
    counts = np.array([group.shape[-1] for group in groups])
    if len(counts) < 2 or counts.max() < 2:
        return np.full(values.shape[:-1], np.nan)
    bar = _between(centred).reshape(-1) - 1e-9 * (flat**2).sum(axis=-1)
    beaten = np.zeros(len(flat))
    for dealt in _shuffles(counts, n, seed):
        step = max(1, BLOCK // len(dealt[0]))
        for rows in (slice(start, start + step) for start in range(0, len(flat), step)):
            beaten[rows] += (_dealt_between(flat[rows], dealt) >= bar[rows, None]).sum(axis=-1)
    return ((1 + beaten) / (1 + n)).reshape(values.shape[:-1])


def _shuffles(counts: NDArray[np.int_], n: int, seed: int) -> Iterator[list[FloatArray]]:
    """Yield blocks of shuffles: for orthonormal contrasts of sizes (shuffles, runs), the weights of runs."""
    rng = np.random.default_rng(seed)
    contrasts = linalg.null_space(np.sqrt(counts)[None]).T / np.sqrt(counts)
    labels = np.repeat(np.arange(len(counts)), counts)
    for start in range(0, n, SHUFFLES):
        dealt = rng.permuted(np.tile(labels, (min(SHUFFLES, n - start), 1)), axis=1)
        yield [of_size[dealt] for of_size in contrasts]


def _dealt_between(values: FloatArray, dealt: Groups) -> FloatArray:
    """Return the sum of squares between sizes of every curve after every shuffle (curves, shuffles)."""
    total = np.zeros((len(values), len(dealt[0])))
    for contrast in dealt:
        found = values @ contrast.T
        total += np.square(found, out=found)
    return total


def _centred(groups: Groups) -> list[FloatArray]:
    """Return the groups minus their common mean; equal scores become exact zeros."""
    first = [group - groups[0][..., :1] for group in groups]
    mean = np.concatenate(first, axis=-1).mean(axis=-1, keepdims=True)
    return [group - mean for group in first]


def _between(centred: Groups) -> FloatArray:
    return np.asarray(sum(group.sum(axis=-1) ** 2 / group.shape[-1] for group in centred))


def jonckheere(groups: Groups) -> Jonckheere:
    """Return the Jonckheere-Terpstra test in both directions, by the normal approximation.

    Mean and variance with ties: Hollander, Wolfe and Chicken 2014, Nonparametric Statistical Methods, section
    6.2; no correction for continuity. NaN for fewer than two sizes; z = 0 where all scores are equal.
    """
    statistic = _ordered_pairs(groups)
    counts = np.array([group.shape[-1] for group in groups])
    variance = _jonckheere_variance(counts, _ties(np.concatenate(groups, axis=-1)))
    mean = (counts.sum() ** 2 - (counts**2).sum()) / 4
    with np.errstate(divide="ignore", invalid="ignore"):
        z = (statistic - mean) / np.sqrt(variance)
    z = np.where(variance > 1e-9, z, 0.0 if len(groups) > 1 else np.nan)
    return Jonckheere(statistic, z, stats.norm.sf(z), stats.norm.cdf(z))


def _ordered_pairs(groups: Groups) -> FloatArray:
    statistic = np.zeros(groups[0].shape[:-1])
    for larger, group in enumerate(groups):
        for smaller in groups[:larger]:
            difference = group[..., :, None] - smaller[..., None, :]
            statistic += ((np.sign(difference) + 1) / 2).sum(axis=(-1, -2))
    return statistic


def _ties(values: FloatArray) -> NDArray[np.int_]:
    """Return for every run how many others have its score (..., runs)."""
    ordered = np.sort(values, axis=-1)
    return np.asarray((ordered[..., :, None] == ordered[..., None, :]).sum(axis=-1) - 1)


def _jonckheere_variance(counts: NDArray[np.int_], ties: NDArray[np.int_]) -> FloatArray:
    """Return the variance; a sum over tied groups of t members is one over runs, of 1 / t of each term."""
    n = int(counts.sum())

    def of_sizes(power: int) -> float:
        return float((counts * (counts - 1) * ((2 * counts + 5), (counts - 2), 1)[power]).sum())

    def of_ties(power: int) -> FloatArray:
        return np.asarray((ties * ((2 * ties + 7), (ties - 1), 1)[power]).sum(axis=-1), dtype=float)

    variance = (n * (n - 1) * (2 * n + 5) - of_sizes(0) - of_ties(0)) / 72
    if n > 2:
        variance = variance + of_sizes(1) * of_ties(1) / (36 * n * (n - 1) * (n - 2))
    return np.asarray(variance + of_sizes(2) * of_ties(2) / (8 * n * (n - 1)) if n > 1 else variance)


def mean_difference_p(difference: FloatArray, error: FloatArray, df: float) -> FloatArray:
    """Return the one-sided t test's p-value of a difference being above zero (...).

    Without error (``error`` = 0) it is 0 above zero and 1 else; without degrees of freedom NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        p = np.asarray(stats.t.sf(difference / error, df))
    return np.where(np.asarray(error) == 0, np.where(difference > 0, 0.0, 1.0), p)


def equivalence_p(difference: FloatArray, error: FloatArray, df: float, margin: FloatArray) -> FloatArray:
    """Return the p-value of two one-sided t tests: small where ``difference`` lies within +- ``margin``.

    Schuirmann 1987, doi 10.1007/BF01068419. Without error (``error`` = 0) it is 0 inside and 1 outside.

    Parameters
    ----------
    difference, error
        Estimates and their standard errors (...).
    df
        Degrees of freedom of the errors.
    margin
        Largest difference that counts as none (...); NaN gives NaN.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (margin - np.abs(difference)) / error
    p = np.asarray(stats.t.sf(t, df))
    exact = np.where(np.abs(difference) < margin, 0.0, 1.0)
    return np.where(np.asarray(error) == 0, np.where(np.isnan(margin), np.nan, exact), p)


def resolution(sd: FloatArray, seeds: float, df: float) -> FloatArray:
    """Return the half width of the 95 % interval of a difference of two sizes: t_.975 sd sqrt(2 / seeds).

    A smaller effect cannot be told from none with so many seeds. ``seeds`` may be a harmonic mean.
    """
    return np.asarray(stats.t.ppf(0.975, df) * sd * np.sqrt(2 / seeds))


def paired_resolution(groups: Groups) -> FloatArray:
    """Return the resolution where seed i of all sizes belongs together: t_.975 s_d / sqrt(seeds).

    s_d^2 is the mean variance of the differences between two sizes: twice the residual variance of the
    two-way layout of sizes and seeds.

    Raises
    ------
    ValueError
        The sizes differ in their number of seeds.
    """
    if len({group.shape[-1] for group in groups}) > 1:
        raise ValueError("paired seeds need the same number of seeds at every size")
    scores = np.stack(groups)
    sizes, seeds = scores.shape[0], scores.shape[-1]
    df = (sizes - 1) * (seeds - 1)
    if not df:
        return np.full(scores.shape[1:-1], np.nan)
    residual = scores - scores.mean(axis=0) - scores.mean(axis=-1, keepdims=True)
    residual = residual + scores.mean(axis=(0, -1))[..., None]
    difference = np.sqrt(2 * (residual**2).sum(axis=(0, -1)) / df)
    return np.asarray(stats.t.ppf(0.975, df) * difference / np.sqrt(seeds))


def seeds_needed(sd: FloatArray, margin: FloatArray) -> FloatArray:
    """Return the seeds per size with which a one-sided 5 % test finds ``margin`` with 80 % power.

    2 ((z_.95 + z_.80) sd / margin)^2, rounded up, at least 2; NaN where the margin is not positive.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        needed = np.maximum(2, np.ceil(2 * (POWER * sd / margin) ** 2))
    return np.where(margin > 0, needed, np.nan)


def intraclass_correlation(groups: Groups) -> FloatArray:
    """Return the share of the variance that lies between sizes, not seeds: (MSB - MSW) / (MSB + (k - 1) MSW).

    Shrout and Fleiss 1979, ICC(1,1), doi 10.1037/0033-2909.86.2.420, with the number of seeds k adjusted for
    unequal sizes. Negative estimates are kept.
    """
    counts = np.array([group.shape[-1] for group in groups], dtype=float)
    if len(counts) < 2:
        return np.full(groups[0].shape[:-1], np.nan)
    k = (counts.sum() - (counts**2).sum() / counts.sum()) / (len(counts) - 1)
    between, within = _between(_centred(groups)) / (len(counts) - 1), pooled_spread(groups).sd ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((between - within) / (between + (k - 1) * within))
