"""What more cells bring: gain per decade and per cost, and what diversity adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.checks.curve import Curve
from harness.checks.table import Named
from harness.statistics import (
    Costs,
    Elasticities,
    Estimate,
    Prices,
    Step,
    StopSize,
    elasticities,
    gain_per_decade,
    marginal_gains,
    stop_size,
)

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
    runs = {size: curve.scores(size) for size in sorted(curve.runs)}
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


def _spent(
    runs: Mapping[int, Sequence[float] | NDArray[np.float64]], spent: OF_RUNS | None
) -> NDArray[np.float64] | None:
    known = {0: np.zeros(len(runs.get(0, ()))), **(spent or {})}
    if any(len(known.get(size, ())) != len(scores) for size, scores in runs.items()):
        return None
    return np.concatenate([np.asarray(known[size], dtype=float) for size in runs])


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
    scores = {size: named.curve.scores(size) for size in named.curve.sizes}
    return [(size, runs, known.get(size, [np.nan] * len(runs))) for size, runs in scores.items()]


def _normalised(curve: Curve, scores: NDArray[np.float64]) -> list[float]:
    floor = curve.trivial
    if floor is None:
        floor = float(curve.scores(0).mean()) if 0 in curve.runs else np.nan
    room = curve.best_possible - floor
    worth = curve.sign * room > 0
    return ((scores - floor) / room if worth else np.full(len(scores), np.nan)).tolist()
