"""How sure a saturation point is: every rule on bootstrap replicates of the runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from harness.statistics.saturation import (
    NO_ANSWER,
    RULES,
    Positions,
    Scores,
    Summary,
    summarise,
    summary_of,
)
from harness.statistics.trend import FloatArray

REPLICATES = 2_000

BLOCK = 32_768
"""Curves times replicates computed at a time: small enough for the processor's cache."""


@dataclass(frozen=True)
class Answers:
    """What one rule says of curves.

    Attributes
    ----------
    position
        The answer (curves,), or NO_ANSWER.
    shares
        Share of the bootstrap replicates that answer each size (sizes, curves); what is missing to 1 had no
        answer.
    """

    position: Positions
    shares: FloatArray


def saturation_points(
    scores: Scores,
    *,
    n: int = REPLICATES,
    seed: int = 0,
    rules: Mapping[str, Callable[[Summary], Positions]] = RULES,
    progress: Callable[[int], object] | None = None,
) -> dict[str, Answers]:
    """Answer every rule for every curve, with its bootstrap distribution.

    Parameters
    ----------
    n
        Bootstrap replicates; curves of one call share their draws.
    seed
        Seed of the resampling.
    progress
        Called with the number of curves finished since the last call.
    """
    n_curves = len(scores.groups[0])
    draws = draw(scores, n, seed)
    found: dict[str, list[Answers]] = {name: [] for name in rules}
    step = max(1, BLOCK // n)
    for start in range(0, n_curves, step):
        block = scores.rows(slice(start, start + step))
        here, resampled = summarise(block), resample(block, draws)
        for name, rule in rules.items():
            found[name].append(Answers(rule(here), _shares(rule(resampled), len(here.runs))))
        if progress:
            progress(len(block.groups[0]))
    return {
        name: Answers(
            np.concatenate([each.position for each in parts]),
            np.concatenate([each.shares for each in parts], axis=1),
        )
        for name, parts in found.items()
    }


def _shares(positions: Positions, n_sizes: int) -> FloatArray:
    return np.stack([(positions == position).mean(axis=-1) for position in range(n_sizes)])


@dataclass(frozen=True)
class Draws:
    """How often each seed, and each unit, is drawn in each replicate.

    Attributes
    ----------
    seeds
        For every size (replicates, seeds), equal for all sizes where seeds are paired.
    control
        For the untrained control, or None.
    units
        Counts of the units (replicates, units), or None.
    """

    seeds: tuple[FloatArray, ...]
    control: FloatArray | None
    units: FloatArray | None


def draw(scores: Scores, n: int, seed: int) -> Draws:
    """Draw seeds within sizes, or whole blocks where paired, and units in the outer level."""
    rng = np.random.default_rng(seed)
    units = _counts(scores.groups[0].shape[2], n, rng) if scores.groups[0].ndim == 3 else None
    seeds = [_counts(group.shape[1], n, rng) for group in scores.groups[: 1 if scores.paired else None]]
    return Draws(
        seeds=tuple(seeds * len(scores.groups) if scores.paired else seeds),
        control=None if scores.control is None else _counts(scores.control.shape[1], n, rng),
        units=units,
    )


def _counts(of: int, n: int, rng: np.random.Generator) -> FloatArray:
    """Return how often each of ``of`` is drawn in ``of`` draws with replacement (n, of)."""
    drawn = rng.integers(of, size=(n, of)) + of * np.arange(n)[:, None]
    return np.bincount(drawn.ravel(), minlength=n * of).reshape(n, of).astype(float)


def resample(scores: Scores, draws: Draws) -> Summary:
    """Return the summary of every replicate (sizes, curves, replicates)."""
    sums = [
        _resampled(group, seeds, draws.units) for group, seeds in zip(scores.groups, draws.seeds, strict=True)
    ]
    floor = None
    if scores.control is not None and draws.control is not None:
        floor = _resampled(scores.control, draws.control, draws.units)[0]
    return summary_of(
        scores,
        mean=np.stack([mean for mean, _, _ in sums]),
        best=np.stack([best for _, best, _ in sums]),
        squares=np.sum([squares for _, _, squares in sums], axis=0),
        floor=floor,
    )


def _resampled(
    runs: FloatArray, seeds: FloatArray, units: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return mean, best and sum of squares about the mean of each replicate (curves, replicates)."""
    of_seeds = runs[..., None] if units is None else runs @ (units / units.shape[1]).T
    values = np.moveaxis(of_seeds, 1, 0)
    centre = runs.reshape(len(runs), -1).mean(axis=1)[:, None]
    centred, n_seeds = values - centre, seeds.shape[1]
    mean = _weighted_sum(centred, seeds) / n_seeds
    squares = _weighted_sum(centred**2, seeds) - n_seeds * mean**2
    return mean + centre, _best_drawn(values, seeds), squares


def _weighted_sum(values: FloatArray, counts: FloatArray) -> FloatArray:
    """Return sums over seeds of values (seeds, curves, replicates or 1) times counts (replicates, seeds)."""
    if values.shape[2] == 1:
        return np.asarray(values[..., 0].T @ counts.T)
    return np.asarray(np.einsum("scb,bs->cb", values, counts))


def _best_drawn(values: FloatArray, counts: FloatArray) -> FloatArray:
    """Return the best score among the seeds drawn."""
    left_out = np.where(counts.T > 0, 0.0, -np.inf)
    return np.asarray(reduce(np.maximum, map(np.add, values, left_out)))


def central_set(shares: FloatArray, level: float, runs: NDArray[np.int_] | None = None) -> NDArray[np.int_]:
    """Return the first and last position of the central ``level`` of distributions (sizes, ...): (2, ...).

    From the (1 - level) / 2 quantile of the answers to that of (1 + level) / 2, both included; NO_ANSWER
    where no replicate has an answer. Drawn seeds spread less than seeds do, by (k - 1) / k in variance, and
    few seeds know little of their spread: given the ``runs`` of every size (sizes,), the tails are those that
    make up for both (expanded percentile interval: Hesterberg 2015, doi 10.1080/00031305.2015.1089789).
    """
    total = shares.sum(axis=0)
    cumulative = np.cumsum(shares, axis=0) / np.where(total > 0, total, 1)
    tail = (1 - level) / 2 if runs is None else _expanded((1 - level) / 2, runs)
    first = (cumulative <= tail).sum(axis=0)
    last = np.minimum((cumulative < 1 - tail - 1e-12).sum(axis=0), len(shares) - 1)
    return np.where(total > 0, np.stack([first, last]), NO_ANSWER)


def _expanded(tail: float, runs: NDArray[np.int_]) -> float:
    """Return Phi(sqrt(k / (k - 1)) t_tail), with k the harmonic mean of the runs; 0 for single runs."""
    k, df = len(runs) / (1 / runs).sum(), runs.sum() - len(runs)
    return float(ndtr(np.sqrt(k / (k - 1)) * stdtrit(df, tail))) if df else 0.0
