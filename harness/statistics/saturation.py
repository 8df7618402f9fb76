"""The saturation point of learning curves by several rules.

Scores are turned so that larger is better before they come here. Curves of one shape are computed together:
sizes are the first axis, then curves, then bootstrap replicates where there are some. Answers are positions
in the ascending list of sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from harness.statistics.trend import POWER, FloatArray, pooled_spread

Positions = NDArray[np.int8]
Censored = Literal["none", "left", "right", "beyond", "interval"]

NO_ANSWER = -1
SHARE = 0.95
"""Share of the best that the published rule and its relatives ask for."""
TOLERATED = 0.05
"""Share of the room between floor and ceiling that counts as no difference."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Single runs of curves of one shape, turned so that larger is better.

    Attributes
    ----------
    groups
        For every size in ascending order, scores (curves, seeds), or (curves, seeds, units) where the units
        of generalisation are resampled too; a run's score is then the mean of its units.
    control
        The untrained control likewise, or None.
    ceiling
        Best possible score (curves,); None or NaN where unknown.
    loss
        The scores are losses with their sign changed.
    paired
        Seed i of all sizes belongs together, as for nested samples; every size then has as many seeds.
    """

    groups: tuple[FloatArray, ...]
    control: FloatArray | None = None
    ceiling: FloatArray | None = None
    loss: bool = False
    paired: bool = False

    def __post_init__(self) -> None:
        if self.paired and len({group.shape[1] for group in self.groups}) > 1:
            raise ValueError("paired seeds need the same number of seeds at every size")

    @property
    def runs(self) -> tuple[FloatArray, ...]:
        """One score per run (curves, seeds) of every size."""
        return tuple(_over_units(group) for group in self.groups)

    @property
    def untrained(self) -> FloatArray | None:
        """One score per run of the untrained control (curves, seeds)."""
        return None if self.control is None else _over_units(self.control)

    def rows(self, rows: slice) -> Scores:
        """Return some of the curves."""
        return replace(
            self,
            groups=tuple(group[rows] for group in self.groups),
            control=None if self.control is None else self.control[rows],
            ceiling=None if self.ceiling is None else self.ceiling[rows],
        )


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What the rules look at.

    Attributes
    ----------
    runs
        Seeds of every size (sizes,).
    mean, best
        Mean and best score of every size (sizes, ...).
    sd
        Seed standard deviation pooled over sizes (...).
    floor
        Mean of the untrained control (...), NaN without one.
    ceiling
        Best possible score (...), NaN where unknown.
    loss
        The scores are losses with their sign changed.
    """

    runs: NDArray[np.int_]
    mean: FloatArray
    best: FloatArray
    sd: FloatArray
    floor: FloatArray
    ceiling: FloatArray
    loss: bool = False

    @cached_property
    def isotonic(self) -> FloatArray:
        """The non-decreasing curve nearest to the means, sizes weighted by their seeds (sizes, ...)."""
        return isotonic(self.mean, self.runs)


def summarise(scores: Scores) -> Summary:
    """Return the means, bests and spread of the runs as they are."""
    runs = scores.runs
    spread = pooled_spread(runs)
    return summary_of(
        scores,
        mean=np.stack([run.mean(axis=-1) for run in runs]),
        best=np.stack([run.max(axis=-1) for run in runs]),
        squares=spread.sd**2 * spread.df,
        floor=None if scores.untrained is None else scores.untrained.mean(axis=-1),
    )


def _over_units(runs: FloatArray) -> FloatArray:
    return runs.mean(axis=-1) if runs.ndim == 3 else runs


def summary_of(
    scores: Scores, *, mean: FloatArray, best: FloatArray, squares: FloatArray, floor: FloatArray | None
) -> Summary:
    """Return the summary of means, bests and pooled sums of squares that were computed elsewhere."""
    runs = np.array([group.shape[1] for group in scores.groups])
    df = int(runs.sum() - len(runs))
    unknown = np.full(mean.shape[1:], np.nan)
    ceiling = unknown
    if scores.ceiling is not None:
        ceiling = scores.ceiling.reshape(-1, *([1] * (mean.ndim - 2))) + np.zeros(mean.shape[1:])
    return Summary(
        runs=runs,
        mean=mean,
        best=best,
        sd=np.sqrt(np.maximum(squares, 0) / df) if df else unknown,
        floor=unknown if floor is None else floor,
        ceiling=ceiling,
        loss=scores.loss,
    )


def published(at: Summary) -> Positions:
    """R0: the smallest size with any single run strictly above 95 % of the best run; none for losses.

    DenAdel et al. 2026, doi 10.1038/s41592-026-03120-y.
    """
    if at.loss:
        return np.full(at.mean.shape[1:], NO_ANSWER, dtype=np.int8)
    top = at.best.max(axis=0)
    return np.where(top > 0, _first(at.best > SHARE * top), NO_ANSWER).astype(np.int8)


def on_means(at: Summary) -> Positions:
    """R1: R0 on the means of the seeds. A loss passes below best / 0.95, the same ratio."""
    return _first(_near_best(at))


def persistent(at: Summary) -> Positions:
    """R2: the smallest size from which on all sizes pass R1; none if the largest fails."""
    return _first(np.logical_and.accumulate(_near_best(at)[::-1])[::-1])


def isotonic_gain(at: Summary, share: float) -> Positions:
    """R3: the smallest size whose isotonic mean has ``share`` of the largest size's gain over the floor.

    None without a floor, and where the largest size gains nothing.
    """
    gain = at.isotonic[-1] - at.floor
    passed = at.isotonic >= at.floor + share * gain
    return np.where(gain > 0, len(passed) - passed.sum(axis=0), NO_ANSWER).astype(np.int8)


def non_inferior(at: Summary) -> Positions:
    """R4: the smallest size that no larger one is shown to be able to beat by a margin that matters.

    For every larger size the upper limit of the two-sided 95 % interval of the difference, from the pooled
    sd, lies within max(5 % of ceiling - floor, 2.49 sd sqrt(1 / k + 1 / k')); all larger sizes must pass
    (intersection-union), so no correction for their number is due. The largest size passes for want of a
    larger one: that answer is right-censored. None without seed variance.
    """
    passed = np.ones(at.mean.shape, dtype=bool)
    slack = {}
    for small in range(len(at.mean) - 1):
        for large in range(small + 1, len(at.mean)):
            factor = float(np.sqrt(1 / at.runs[small] + 1 / at.runs[large]))
            if factor not in slack:
                slack[factor] = _slack(at, factor)
            passed[small] &= at.mean[large] - at.mean[small] <= slack[factor]
    return np.where(np.isnan(at.sd), NO_ANSWER, _first(passed)).astype(np.int8)


def _slack(at: Summary, factor: float) -> FloatArray:
    """Return the margin less the half width of the interval."""
    half = stats.t.ppf(0.975, at.runs.sum() - len(at.runs)) * factor
    margin = np.fmax(TOLERATED * (at.ceiling - at.floor), POWER * factor * at.sd)
    return np.asarray(margin - half * at.sd)


def _near_best(at: Summary) -> NDArray[np.bool_]:
    top = at.mean.max(axis=0)
    bar = np.where(top < 0, top / SHARE, np.nan) if at.loss else np.where(top > 0, SHARE * top, np.nan)
    return np.asarray(at.mean > bar)


def _first(passed: NDArray[np.bool_]) -> Positions:
    """Return the first position that passes along the first axis, or NO_ANSWER."""
    found = np.full(passed.shape[1:], NO_ANSWER, dtype=np.int8)
    for position in reversed(range(len(passed))):
        found[passed[position]] = position
    return found


RULES: Mapping[str, Callable[[Summary], Positions]] = {
    "R0": published,
    "R1": on_means,
    "R2": persistent,
    "R3_80": partial(isotonic_gain, share=0.80),
    "R3": partial(isotonic_gain, share=0.90),
    "R3_95": partial(isotonic_gain, share=0.95),
    "R4": non_inferior,
}


def isotonic(mean: FloatArray, weights: NDArray[np.int_]) -> FloatArray:
    """Return the weighted non-decreasing least-squares fit along the first axis.

    The max-min formula: the largest, over starts up to here, of the smallest, over ends from here, of the
    weighted mean between (Robertson, Wright and Dykstra 1988, Order Restricted Statistical Inference,
    theorem 1.4.4); what pooling adjacent violators gives.

    Parameters
    ----------
    mean
        Values (sizes, ...).
    weights
        Weight of every size (sizes,).
    """
    fitted = np.full(mean.shape, -np.inf)
    for start in range(len(mean)):
        total, weight = np.zeros(mean.shape[1:]), 0.0
        averages = []
        for end in range(start, len(mean)):
            total = total + weights[end] * mean[end]
            weight += float(weights[end])
            averages.append(total / weight)
        lowest = averages[-1]
        for end in reversed(range(start, len(mean))):
            lowest = np.minimum(lowest, averages[end - start])
            fitted[end] = np.maximum(fitted[end], lowest)
    return fitted


def crossing(sizes: ArrayLike, fitted: FloatArray, bar: FloatArray | float) -> FloatArray:
    """Return the size at which a fitted curve reaches ``bar`` (...), interpolated on log size.

    The smallest size if it is over the bar, NaN if none is.

    Parameters
    ----------
    sizes, fitted
        Sizes in ascending order, and the values there, which never fall (sizes, ...).
    """
    sizes = np.asarray(sizes, dtype=float)
    first = np.argmax(fitted >= bar, axis=0)[None]

    def start_and_rise(values: FloatArray) -> tuple[FloatArray, FloatArray]:
        start, end = (np.take_along_axis(values, at, axis=0)[0] for at in (np.maximum(first - 1, 0), first))
        return start, end - start

    (log_size, width), (below, rise) = start_and_rise(np.log(sizes)), start_and_rise(fitted)
    with np.errstate(divide="ignore", invalid="ignore"):
        inside = np.exp(log_size + (bar - below) / rise * width)
    return np.select([~(fitted[-1] >= bar), first[0] == 0], [np.nan, sizes[0]], inside)


def censoring(position: int, n_sizes: int) -> Censored:
    """Return what an answer on the grid says of the truth.

    ``"left"``: it may be smaller than the smallest size tested. ``"right"``: only the largest size passes, so
    it may be larger. ``"interval"``: it lies between the size before and this one. ``"none"``: no answer.
    """
    if position == NO_ANSWER:
        return "none"
    if position == 0:
        return "left"
    return "right" if position == n_sizes - 1 else "interval"
