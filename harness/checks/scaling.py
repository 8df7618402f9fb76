"""Scaling laws of losses from anywhere: a tidy table, one run per row, and the law that its runs follow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from threadpoolctl import threadpool_limits

from harness.checks.fitting import WORDS
from harness.checks.plain import plain
from harness.checks.table import number, read_rows, refuse
from harness.errors import Misuse, did_you_mean
from harness.measures import bits_from_nats, gaussian_bits
from harness.statistics import (
    HEADLINE,
    Estimate,
    GridFit,
    HeldOut,
    LackOfFit,
    PowerLaw,
    ScalingLaw,
    curve,
    fit_power_law,
    held_out_largest,
    profile_limit,
    published_grid_fit,
    scaling_law,
    select_family,
)
from harness.statistics.families import aicc

Floats = NDArray[np.float64]
Kind = Literal["mse", "nats", "other"]
"""What a loss is: a mean squared error, a negative log-likelihood in nats, or neither."""
BITS: Mapping[str, Callable[[ArrayLike], Floats]] = MappingProxyType(
    {"mse": gaussian_bits, "nats": bits_from_nats}
)
STARTS = 10
"""Starts of each fit: of the published grid those of smallest objective."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A row: where it stands, its place on the axes, its loss, and the texts of the other columns."""

    line: int
    sizes: tuple[float, ...]
    loss: float
    others: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Law:
    """One fit of L = E + sum of A_i X_i^-a_i to log losses.

    Attributes
    ----------
    limit
        E with its bootstrap interval; None, with a reason, where an axis has no place in the law.
    amplitudes, exponents
        By axis: A_i, and a_i with its bootstrap interval; None, with a reason, where an axis spans fewer than
        1.5 decades, moves together with another one, or has no place in the law.
    """

    limit: Estimate
    amplitudes: Mapping[str, float | None]
    exponents: Mapping[str, Estimate]


@dataclass(frozen=True, kw_only=True)
class OneAxis:
    """What can be asked along one axis alone.

    Attributes
    ----------
    answer
        ``"flat"``: no effect; ``"log-linear"``: no sign of saturation; ``"offset"``: a finite limit. The one
        of most weight by AICc.
    rises
        Whether the losses grow with the size, as the answer's family fits them.
    weights
        Of the three.
    held_out
        The largest size as predicted from the smaller ones.
    """

    answer: str
    rises: bool
    weights: Mapping[str, float]
    held_out: HeldOut


@dataclass(frozen=True, kw_only=True)
class Bits:
    """A loss, what it is in bits, and how many bits it lies below the gene mean's, where that is known."""

    loss: Estimate
    bits: Estimate
    gained: Estimate | None


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """The law that losses follow, and how far it can be trusted.

    Attributes
    ----------
    runs, points, ranges
        Number of runs and of different settings; smallest and largest value by axis.
    mixed
        Column -> its values, where runs that agree on all axes differ in more than their seed.
    least_squares, huber
        The law by least squares on ln L, and by approach 3 of Hoffmann et al. (2022, arXiv 2203.15556).
    profile
        E of least squares with its profile-likelihood interval, infinite where the data set no bound; None,
        with a reason, where an axis has no place in the law.
    lack_of_fit
        Of least squares.
    one_axis
        None for several axes.
    published
        The fit of arXiv 2602.15253 as it was made there; None for several axes or without an exponent.
    bits
        Of ``limit`` (with the profile interval) and ``published`` where there are such, and ``best``
        (smallest mean); empty where the loss is neither a mean squared error nor in nats.
    """

    runs: int
    points: int
    ranges: Mapping[str, tuple[float, float]]
    mixed: Mapping[str, tuple[str, ...]]
    least_squares: Law
    huber: Law
    profile: Estimate
    lack_of_fit: LackOfFit
    one_axis: OneAxis | None
    published: GridFit | None
    bits: Mapping[str, Bits]


def scaling(
    runs: Sequence[Run],
    axes: Sequence[str],
    *,
    kind: Kind = "mse",
    gene_mean: float | None = None,
    replicates: int = 200,
    seed: int = 0,
) -> Scaling:
    """Fit the scaling law of losses.

    Parameters
    ----------
    runs, axes
        From `read_losses`, which refuses those without a law; and the names of their axes.
    kind
        What the loss is, which decides how it is turned into bits.
    gene_mean
        Loss of predicting every gene's mean, in the units of the losses.
    replicates, seed
        Resamples behind the bootstrap intervals; none are drawn where an axis has no place in the law.
    """
    x, y = np.array([run.sizes for run in runs]), np.array([run.loss for run in runs])
    one_axis = _one_axis(x[:, 0], y, replicates, seed) if len(axes) == 1 else None
    with threadpool_limits(1):  # on matrices of a few rows threads only wait for each other
        idle = _idle(x, y, axes, one_axis)
        n = 0 if idle else replicates
        squares = scaling_law(x, y, axes, delta=np.inf, starts=STARTS, n=n, seed=seed)
        huber = scaling_law(x, y, axes, starts=STARTS, n=n, seed=seed)
        profile = _nowhere(idle) if idle else profile_limit(x, y, starts=STARTS)
    law = _law(squares, idle)
    quotable = one_axis and law.exponents[axes[0]].value is not None
    published = published_grid_fit(x[:, 0], y) if quotable else None
    points = _together(runs)
    told = {"best": Estimate(value=min(_mean_loss(point) for point in points))}
    if not idle:
        told = {"limit": profile, **told}
    if published:
        told["published"] = Estimate(value=published.c)
    return Scaling(
        runs=len(runs),
        points=len(points),
        ranges={axis: (float(each.min()), float(each.max())) for axis, each in zip(axes, x.T, strict=True)},
        mixed=dict(_mixed(points)),
        least_squares=law,
        huber=_law(huber, idle),
        profile=profile,
        lack_of_fit=squares.lack_of_fit,
        one_axis=one_axis,
        published=published,
        bits={name: _bits(loss, kind, gene_mean) for name, loss in told.items() if kind in BITS},
    )


def describe(found: Scaling) -> dict[str, Any]:
    """Return a finding as plain data for JSON, with what has to be said beside the published fit."""
    told: dict[str, Any] = plain(found)
    if found.published:
        told["published"]["caveat"] = found.published.caveat
    return told


def _idle(x: Floats, y: Floats, axes: Sequence[str], one_axis: OneAxis | None) -> dict[str, str]:
    """Return the axes that have no place in the law, and why."""
    if one_axis and one_axis.answer != "offset":
        return {axes[0]: f"the losses are {one_axis.answer}"}
    law = _least_squares(x, y)
    spare = {} if one_axis else _spare(x, y, axes, law)
    first = next(iter(spare), None)
    idle = {first: f"without {first} the law fits no worse (AICc); leave it out"} if first else {}
    left = [axis for axis in axes if axis != first]
    for axis, exponent in zip(left, (spare[first] if first else law).exponents, strict=True):
        if exponent <= 0 or (one_axis and one_axis.rises):
            idle[axis] = f"the losses do not fall along {axis}"
        elif axis in spare:  # it may be needed once the first is gone
            idle[axis] = f"without {axis} the law fits no worse (AICc) either, but leave {first} out first"
    return idle


def _spare(x: Floats, y: Floats, axes: Sequence[str], law: PowerLaw) -> dict[str, PowerLaw]:
    """Return, by axis, the laws without it that fit no worse than the one with all axes; the best first."""
    without = {axis: _least_squares(np.delete(x, place, axis=1), y) for place, axis in enumerate(axes)}
    ranked = sorted(without, key=lambda axis: _aicc(without[axis], y))
    return {axis: without[axis] for axis in ranked if _aicc(without[axis], y) <= _aicc(law, y)}


def _least_squares(x: Floats, y: Floats) -> PowerLaw:
    return fit_power_law(x, y, delta=np.inf, starts=STARTS)


def _aicc(law: PowerLaw, y: Floats) -> float:
    """Return AICc of a law by least squares on log losses."""
    n_parameters = 1 + 2 * len(law.exponents)
    return float(aicc(2 * law.objective, len(y), n_parameters, float(np.abs(np.log(y)).max())))


def _nowhere(idle: Mapping[str, str]) -> Estimate:
    """Return the limit of a law in which axes have no place."""
    return Estimate(value=None, reason="; ".join(idle.values()))


def _law(fit: ScalingLaw, idle: Mapping[str, str]) -> Law:
    exponents = {
        axis: replace(exponent, value=None, reason=idle[axis])
        if axis in idle and exponent.value is not None
        else exponent
        for axis, exponent in fit.exponents.items()
    }
    amplitudes = {
        axis: None if exponent.value is None else amplitude
        for (axis, exponent), amplitude in zip(exponents.items(), fit.law.amplitudes, strict=True)
    }
    return Law(limit=_nowhere(idle) if idle else fit.limit, amplitudes=amplitudes, exponents=exponents)


def _one_axis(sizes: Floats, values: Floats, n: int, seed: int) -> OneAxis:
    found = select_family(curve(sizes, values), HEADLINE)
    name = max(found.weights, key=lambda name: found.weights[name])
    smallest, largest = found.fits[name]([sizes.min(), sizes.max()])
    return OneAxis(
        answer=WORDS[name],
        rises=bool(largest > smallest),
        weights={WORDS[name]: weight for name, weight in found.weights.items()},
        held_out=held_out_largest(sizes, values, names=HEADLINE, n=n, seed=seed),
    )


def _bits(loss: Estimate, kind: str, gene_mean: float | None) -> Bits:
    def bits(value: float) -> float:
        return float(BITS[kind](value)) if value > 0 else -np.inf

    gained = None if gene_mean is None else _mapped(loss, lambda value: bits(gene_mean) - bits(value))
    return Bits(loss=loss, bits=_mapped(loss, bits), gained=gained)


def _mapped(estimate: Estimate, monotone: Callable[[float], float]) -> Estimate:
    """Return an estimate that has a value on another scale, with its interval."""
    assert estimate.value is not None
    low, high = (None if end is None else monotone(end) for end in (estimate.low, estimate.high))
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high)
    return Estimate(value=monotone(estimate.value), low=low, high=high, level=estimate.level)


# -- the runs --------------------------------------------------------------------------------------------


def read_losses(
    path: Path, loss: str, axes: Sequence[str], where: Mapping[str, Sequence[str]] = MappingProxyType({})
) -> list[Run]:
    """Read a tidy table (CSV), one run per row.

    Parameters
    ----------
    loss, axes
        Columns of positive numbers.
    where
        Column -> texts: only rows with one of them are read.

    Raises
    ------
    Misuse
        With the row, where the table cannot be read as what it says; or where its runs are too few or too
        alike for a law.
    """

    def check(columns: Sequence[str]) -> None:
        for name in (loss, *axes, *where):
            if name not in columns:
                known = did_you_mean(name, list(columns))
                raise Misuse(f'{path.name}:1: there is no column "{name}".{known}')

    def run(found: Mapping[str, str], line: int) -> Run | None:
        if any(found[name] not in accepted for name, accepted in where.items()):
            return None
        sizes = tuple(_positive(found, axis) for axis in axes)
        others = {name: text for name, text in found.items() if name not in (loss, *axes)}
        return Run(line=line, sizes=sizes, loss=_positive(found, loss), others=others)

    if len({loss, *axes}) <= len(axes):
        raise Misuse(f"the loss and the axes are different columns, not {', '.join((loss, *axes))}")
    runs = [each for each in read_rows(path, check, run) if each is not None]
    if not runs:
        asked = " and ".join(f"{name} = {' or '.join(accepted)}" for name, accepted in where.items())
        raise Misuse(f"{path.name}: there is no run{f' with {asked}' if asked else ''}")
    refuse([f"{path.name}:{complaint}" for complaint in _repeated(runs)])
    refuse([f"{path.name}: {obstacle}" for obstacle in _obstacles(runs, axes)])
    return runs


def _positive(found: Mapping[str, str], column: str) -> float:
    value = number(found[column], column)
    if value <= 0:
        raise ValueError(f'"{column}" is "{found[column]}"; a number above 0 is needed (leave untrained out)')
    return value


def _repeated(runs: Sequence[Run]) -> Iterator[str]:
    """Complain about runs that stand there twice: by their seeds, or equal in all columns."""
    met: dict[object, Run] = {}
    for run in runs:
        what = (run.sizes, *run.others.items())
        first = met.setdefault(what if "seed" in run.others else (*what, run.loss), run)
        if first is not run:
            there = f"stands in line {first.line} already ({first.loss:g} there, {run.loss:g} here)"
            yield f"{run.line}: this run {there}; keep one of them"


def _obstacles(runs: Sequence[Run], axes: Sequence[str]) -> Iterator[str]:
    """Yield why no law can be fitted, if so."""
    for axis, values in zip(axes, zip(*(run.sizes for run in runs), strict=True), strict=True):
        if len(set(values)) == 1:
            yield f'"{axis}" is {values[0]:g} in every row: no law can be fitted along it'
    points, needed = len(_together(runs)), 2 * len(axes) + 2  # one more than the law has parameters
    if points < needed or len(runs) < needed + 2:
        settings = f"{points} different settings of {' and '.join(axes)} in {len(runs)} runs"
        yield f"{settings} are too few; the law needs {needed} in {needed + 2} runs"
    if len({run.loss for run in runs}) == 1:
        yield f"every loss is {runs[0].loss:g}: there is nothing to fit"


def _mixed(points: Sequence[Sequence[Run]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the columns in which runs of a point differ, and are alike elsewhere: neither seeds nor names."""
    for column in points[0][0].others:
        if column == "seed":
            continue
        texts = [[run.others[column] for run in point] for point in points]
        values = {text for point in texts for text in point}
        if any(len(set(point)) > 1 for point in texts) and len(values) < sum(map(len, points)):
            yield column, tuple(sorted(values))


def _together(runs: Sequence[Run]) -> list[list[Run]]:
    """Return the runs that agree on all axes."""
    points: dict[tuple[float, ...], list[Run]] = defaultdict(list)
    for run in runs:
        points[run.sizes].append(run)
    return list(points.values())


def _mean_loss(runs: Sequence[Run]) -> float:
    return sum(run.loss for run in runs) / len(runs)
