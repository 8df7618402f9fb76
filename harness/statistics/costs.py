"""What more cells cost and what they bring: gain per cost from size to size, and where to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.statistics.curves import Direction
from harness.statistics.estimates import (
    Estimate,
    Floats,
    draws_within,
    percentile,
    spread_runs,
    too_few_runs,
)


@dataclass(frozen=True, kw_only=True)
class Prices:
    """What the user pays, in a currency of their own: per GPU-hour and per kWh."""

    gpu_hour: float = 0.0
    kwh: float = 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Costs:
    """What the runs of a curve scored and cost, one number per run (n_runs,).

    Attributes
    ----------
    sizes
        Cells; 0 for the untrained control, which costs nothing unless said otherwise.
    values
        Scores, best normalised by floor and ceiling.
    gpu_hours, kwh
        None where they were not measured.
    direction
        ``"down"`` for losses.
    """

    sizes: Floats
    values: Floats
    gpu_hours: Floats | None = None
    kwh: Floats | None = None
    direction: Direction = "up"

    def __post_init__(self) -> None:
        for name in ("sizes", "values", "gpu_hours", "kwh"):
            numbers = getattr(self, name)
            if numbers is not None and np.shape(numbers) != np.shape(self.sizes):
                raise ValueError(f"{name}: one number per run is needed, not {np.shape(numbers)}")
            if numbers is not None and not np.isfinite(numbers).all():
                raise ValueError(f"{name}: a run has no finite number; leave runs without a score out")

    def money(self, prices: Prices) -> Floats | None:
        """Return what each run cost at these prices; None where what has a price was not measured."""
        total = np.zeros(len(self.sizes))
        for used, price in ((self.gpu_hours, prices.gpu_hour), (self.kwh, prices.kwh)):
            if price and used is None:
                return None
            total += price * np.asarray(0.0 if used is None else used)
        return total if prices.gpu_hour or prices.kwh else None


@dataclass(frozen=True, kw_only=True)
class Step:
    """From one size to the next.

    Attributes
    ----------
    start, end
        Cells.
    gain
        Difference of the means, positive where the larger size is better.
    per_decade
        Gain per tenfold of the cells; None from size 0.
    per_cost
        Unit ("gpu_hours", "kwh", "money") -> gain per unit of cost added.
    cost_of_gain
        Unit -> incremental cost-effectiveness, the cost added for a gain of 1. ``high`` is infinite where the
        gain may be none; the value is None, with a reason, where there is no gain, or no cost.
    """

    start: float
    end: float
    gain: Estimate
    per_decade: Estimate
    per_cost: Mapping[str, Estimate]
    cost_of_gain: Mapping[str, Estimate]


@dataclass(frozen=True, kw_only=True)
class StopSize:
    """The size at which to stop for a user who pays so much for a gain of 1.

    Attributes
    ----------
    unit, worth
        The unit of cost, and how much of it the user pays for a gain of 1.
    size
        The size of the largest net benefit, worth * score - cost: no larger one is worth its additional
        cost. With falling returns it is where the gain per cost falls under 1 / worth; with an uneven curve
        it sees past a step that does not pay to one that does.
    at_end
        Whether that is the largest size: then what it would be worth to go on is not known.
    distribution
        Size -> share of the resamples in which it is the one (cost-effectiveness acceptability: Fenwick et
        al. 2001, doi 10.1002/hec.635).
    reason
        Why there is no answer, or no distribution.
    """

    unit: str
    worth: float
    size: float | None
    at_end: bool = False
    distribution: Mapping[float, float]
    reason: str | None = None


def gain_per_decade(costs: Costs, *, n: int = 1000, level: float = 0.95, seed: int = 0) -> Estimate:
    """Return the gain per tenfold of the cells over the whole curve: the slope on log10 cells.

    Least squares over the trained runs; runs are resampled within their size.
    """
    trained = costs.sizes > 0
    x, y = np.log10(costs.sizes[trained]), _sign(costs) * costs.values[trained]
    if len(np.unique(x)) < 2:
        return Estimate(value=None, level=level, reason="there is one trained size: no slope")
    pull = (x - x.mean()) / np.sum((x - x.mean()) ** 2)
    groups = _groups(x)
    obstacle = too_few_runs(groups)
    if obstacle:
        return Estimate(value=float(pull @ y), level=level, reason=obstacle)
    drawn = spread_runs(y, groups)[draws_within(groups, n, seed)]
    return percentile(float(pull @ y), drawn @ pull, level, df=len(y) - int(groups.max()) - 1)


def marginal_gains(
    costs: Costs, prices: Prices | None = None, *, n: int = 1000, level: float = 0.95, seed: int = 0
) -> tuple[Step, ...]:
    """Return the gain from each size to the next, and what it costs.

    Runs are resampled within their size, a run's score and costs together.

    Parameters
    ----------
    prices
        Without them there is no unit "money".
    n
        Resamples.
    """
    units = _units(costs, prices)
    groups = _groups(costs.sizes)
    table = np.stack([_sign(costs) * costs.values, *units.values()])
    sizes, here, drawn = _means(costs.sizes, table, groups, n, seed)
    return tuple(
        _step(
            sizes[j : j + 2],
            dict(zip(("gain", *units), here[:, j + 1] - here[:, j], strict=True)),
            dict(zip(("gain", *units), drawn[:, :, j + 1] - drawn[:, :, j], strict=True)),
            _judge(groups[(groups == j) | (groups == j + 1)], level),
        )
        for j in range(len(sizes) - 1)
    )


def stop_size(
    costs: Costs,
    unit: str,
    worth: float,
    prices: Prices | None = None,
    *,
    n: int = 1000,
    seed: int = 0,
) -> StopSize:
    """Return the size from which on more cells are not worth their cost to the user.

    Parameters
    ----------
    unit
        "gpu_hours", "kwh" or "money".
    worth
        How much of that unit the user pays for a gain of 1 in the score; its reciprocal is the gain per cost
        under which it is time to stop.
    """
    units = _units(costs, prices)
    if unit not in units:
        reason = f'the cost "{unit}" was not measured or has no price; known: {", ".join(units) or "none"}'
        return StopSize(unit=unit, worth=worth, size=None, distribution={}, reason=reason)
    groups = _groups(costs.sizes)
    table = np.stack([_sign(costs) * costs.values, units[unit]])
    sizes, here, drawn = _means(costs.sizes, table, groups, n, seed)
    best = int(np.argmax(worth * here[0] - here[1]))
    chosen = np.argmax(worth * drawn[0] - drawn[1], axis=1)
    obstacle = too_few_runs(groups)
    shares = np.bincount(chosen, minlength=len(sizes)) / n
    return StopSize(
        unit=unit,
        worth=worth,
        size=float(sizes[best]),
        at_end=best == len(sizes) - 1,
        distribution={} if obstacle else dict(zip(sizes.tolist(), shares.tolist(), strict=True)),
        reason=obstacle,
    )


def _sign(costs: Costs) -> int:
    return 1 if costs.direction == "up" else -1


def _groups(sizes: ArrayLike) -> NDArray[np.intp]:
    return np.unique(np.asarray(sizes), return_inverse=True)[1]


def _units(costs: Costs, prices: Prices | None) -> dict[str, Floats]:
    """Return what each run cost by unit, as far as it is known."""
    known = {"gpu_hours": costs.gpu_hours, "kwh": costs.kwh, "money": costs.money(prices or Prices())}
    return {unit: np.asarray(used, dtype=float) for unit, used in known.items() if used is not None}


def _means(
    sizes: Floats, table: Floats, groups: NDArray[np.intp], n: int, seed: int
) -> tuple[Floats, Floats, Floats]:
    """Return the sizes, and the means of every row of runs as they are (n_rows, n_sizes) and resampled.

    The latter are (n_rows, n, n_sizes).
    """
    member = np.eye(int(groups.max()) + 1)[groups]
    member = member / member.sum(axis=0)
    draws = draws_within(groups, n, seed)
    drawn = np.stack([spread_runs(row, groups)[draws] @ member for row in table])
    return np.unique(sizes), table @ member, drawn


Judge = Callable[[float, Floats], Estimate]
"""(value, replicates) -> estimate with the interval that the runs of a step allow."""


def _judge(groups: NDArray[np.intp], level: float) -> Judge:
    obstacle = too_few_runs(groups - groups.min())

    def judge(value: float, replicates: Floats) -> Estimate:
        if obstacle:
            return Estimate(value=float(value), level=level, reason=obstacle)
        return percentile(float(value), replicates, level, df=len(groups) - 2)

    return judge


def _step(ends: Floats, change: Mapping[str, float], drawn: Mapping[str, Floats], judge: Judge) -> Step:
    """Judge a step by the changes of the gain and of each cost, as they are and in the resamples."""
    decades = np.log10(ends[1] / ends[0]) if ends[0] > 0 else np.nan
    per_decade = judge(change["gain"] / decades, drawn["gain"] / decades)
    per_cost = {
        unit: _per_cost(change["gain"], change[unit], drawn["gain"], drawn[unit], judge)
        for unit in change
        if unit != "gain"
    }
    return Step(
        start=float(ends[0]),
        end=float(ends[1]),
        gain=judge(change["gain"], drawn["gain"]),
        per_decade=per_decade if ends[0] > 0 else Estimate(value=None, reason="size 0 has no logarithm"),
        per_cost=per_cost,
        cost_of_gain={unit: _cost_of_gain(estimate) for unit, estimate in per_cost.items()},
    )


def _per_cost(gain: float, cost: float, gains: Floats, added: Floats, judge: Judge) -> Estimate:
    if cost <= 0:
        return Estimate(value=None, reason="the larger size did not cost more")
    if (added <= 0).any():
        reason = "in some resamples the larger size did not cost more"
        return Estimate(value=float(gain / cost), reason=reason)
    return judge(gain / cost, gains / added)


def _cost_of_gain(per_cost: Estimate) -> Estimate:
    """Turn gain per cost over; a gain that may be none has no upper limit of its cost."""
    if per_cost.value is None:
        return per_cost
    if per_cost.value <= 0:
        return Estimate(value=None, level=per_cost.level, reason="it costs more and gains nothing")
    low = high = None
    if per_cost.low is not None and per_cost.high is not None:
        low, high = 1 / per_cost.high, 1 / per_cost.low if per_cost.low > 0 else np.inf
    return Estimate(
        value=1 / per_cost.value, low=low, high=high, level=per_cost.level, reason=per_cost.reason
    )
