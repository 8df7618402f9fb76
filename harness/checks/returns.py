"""What more cells bring: gain per decade and per cost, the law of the curve, and what diversity adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.checks.curve import Curve
from harness.checks.table import Named
from harness.statistics import (
    HEADLINE,
    Costs,
    Elasticities,
    Estimate,
    HeldOut,
    Prices,
    Step,
    StopSize,
    elasticities,
    gain_per_decade,
    held_out_largest,
    marginal_gains,
    offset_law,
    select_family,
    stop_size,
)
from harness.statistics import curve as by_size

OF_RUNS = Mapping[int, Sequence[float]]
"""Size -> one number per run, in the order of the curve's."""


@dataclass(frozen=True, kw_only=True)
class MarginalGain:
    """What a curve gains from size to size, and what that costs.

    Attributes
    ----------
    per_decade
        Gain per tenfold of the cells over the whole curve.
    steps
        From every size to the next, the untrained control first where its cost is known or none is.
    stop
        The size at which to stop for a user who pays so much for a gain of 1, where one said so.
    """

    per_decade: Estimate
    steps: tuple[Step, ...]
    stop: StopSize | None


def marginal_gain(
    curve: Curve,
    *,
    gpu_hours: OF_RUNS | None = None,
    kwh: OF_RUNS | None = None,
    prices: Prices | None = None,
    unit: str = "money",
    worth: float | None = None,
) -> MarginalGain:
    """Return the gain of a curve per decade of cells and per unit of cost, with intervals.

    Parameters
    ----------
    gpu_hours, kwh
        What each run cost. The untrained control costs nothing unless it is said; a cost that any trained
        run lacks counts as not measured.
    prices
        For the unit "money".
    unit, worth
        How much of a unit ("gpu_hours", "kwh", "money") the user pays for a gain of 1 in the score.
    """
    runs = {size: _scores(curve, size) for size in sorted(curve.runs)}
    sizes = np.concatenate([np.full(len(scores), float(size)) for size, scores in runs.items()])
    costs = Costs(
        sizes=sizes,
        values=np.concatenate(list(runs.values())),
        gpu_hours=_spent(runs, gpu_hours),
        kwh=_spent(runs, kwh),
        direction=curve.direction,
    )
    return MarginalGain(
        per_decade=gain_per_decade(costs),
        steps=marginal_gains(costs, prices),
        stop=None if worth is None else stop_size(costs, unit, worth, prices),
    )


def _scores(curve: Curve, size: int) -> NDArray[np.float64]:
    """Return one score per run."""
    scores = np.asarray(curve.runs[size], dtype=float)
    return scores.mean(axis=1) if scores.ndim == 2 else scores


def _spent(
    runs: Mapping[int, Sequence[float] | NDArray[np.float64]], spent: OF_RUNS | None
) -> NDArray[np.float64] | None:
    known = {0: np.zeros(len(runs.get(0, ()))), **(spent or {})}
    if any(len(known.get(size, ())) != len(scores) for size, scores in runs.items()):
        return None
    return np.concatenate([np.asarray(known[size], dtype=float) for size in runs])


@dataclass(frozen=True, kw_only=True)
class Law:
    """The law of a curve.

    Attributes
    ----------
    answer
        ``"flat"``: no effect of size; ``"log-linear"``: no sign of saturation; ``"offset"``: a finite
        asymptote, E + A n^-a. The one of most weight by AICc; None, with a ``reason``, without a fit.
    weights
        Their weights.
    families
        Weights of all families.
    limit, exponent
        Of the offset law E + A n^-a, whatever its weight, with bootstrap intervals; None, with a reason,
        where the sizes do not tell them. No exponent over fewer than 1.5 decades.
    held_out
        The largest size as predicted from the smaller ones; None for fewer than three sizes.
    """

    answer: str | None
    weights: Mapping[str, float]
    families: Mapping[str, float]
    limit: Estimate
    exponent: Estimate
    held_out: HeldOut | None
    reason: str | None = None


WORDS = dict(zip(HEADLINE, ("flat", "log-linear", "offset"), strict=True))


def law(curve: Curve) -> Law:
    """Return which law the runs of a curve follow, and how well it predicts the largest size."""
    pairs = [(size, value) for size in curve.sizes for value in _scores(curve, size).tolist()]
    sizes, values = zip(*pairs, strict=True)
    found = select_family(by_size(sizes, values))
    weights = {WORDS[name]: weight for name, weight in found.headline.items()}
    limit, exponent = offset_law(sizes, values)
    return Law(
        answer=max(weights, key=lambda name: weights[name], default=None),
        weights=weights,
        families=found.weights,
        limit=limit,
        exponent=exponent,
        held_out=held_out_largest(sizes, values) if len(curve.sizes) > 2 else None,
        reason=None if weights else "; ".join(sorted(set(found.left_out.values()))),
    )


def diversity_elasticities(curves: Sequence[Named], *, n: int = 1000, seed: int = 0) -> Elasticities:
    """Return how much normalised scores change per decade of cells and of diversity, across all curves.

    Scores are z = (score - floor) / (best possible - floor), the floor being the trivial answer's score, else
    the untrained control's mean. Runs without a diversity, or of a curve without floor or best possible
    score, are left out and counted. A task is one with its data set and metric; data sets are what is
    resampled.
    """
    rows = [
        (z, size, kind, named.names["model"], task, named.names["dataset"])
        for named in curves
        for task in [" / ".join(named.names[name] for name in ("task", "dataset", "metric"))]
        for size, scores, kinds in _diverse(named)
        for z, kind in zip(_normalised(named.curve, scores), kinds, strict=True)
    ]
    z, cells, kinds, models, tasks, sets = zip(*rows, strict=True) if rows else ((),) * 6
    return elasticities(z, cells, kinds, models, tasks, clusters=sets, n=n, seed=seed)


def _diverse(named: Named) -> list[tuple[int, NDArray[np.float64], Sequence[float]]]:
    """Return size, scores and diversities of every trained size; NaN where the table has none."""
    known = named.measured.get("diversity", {})
    scores = {size: _scores(named.curve, size) for size in named.curve.sizes}
    return [(size, runs, known.get(size, [np.nan] * len(runs))) for size, runs in scores.items()]


def _normalised(curve: Curve, scores: NDArray[np.float64]) -> list[float]:
    floor = curve.trivial
    if floor is None:
        floor = float(_scores(curve, 0).mean()) if 0 in curve.runs else np.nan
    room = curve.best_possible - floor
    worth = curve.sign * room > 0
    return ((scores - floor) / room if worth else np.full(len(scores), np.nan)).tolist()
