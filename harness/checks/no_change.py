"""Does a model beat doing nothing? Its paired difference to the best declared baseline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.statistics import Direction, Interval, paired_difference

FEW_UNITS = 6
"""Below this number of pairs no exact paired test can reach p < 0.05 two-sided (2 / 2**5 = 0.0625)."""


@dataclass(frozen=True, kw_only=True)
class UnitScores:
    """One metric per unit of generalisation.

    Attributes
    ----------
    names
        One name per unit.
    values
        One score per unit (n_units,); NaN where the unit does not define it.
    weights
        One weight per unit (n_units,), or None for equal weights.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    weights: NDArray[np.float64] | None = None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model at one size, or a baseline: its headline value and its scores per unit, seeds averaged.

    ``units`` is None, with a ``reason``, where there are no scores per unit to resample.
    """

    name: str
    value: float
    units: UnitScores | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class NoChange:
    """A model against the best of its task's baselines.

    Attributes
    ----------
    verdict
        ``"beats"`` where the whole interval is better than the baseline, else ``"does_not_beat"``.
    gain
        Weighted mean over units of the difference, positive where the model is better.
    value, baseline, baseline_value
        Headline value of the model; name and headline value of the best baseline.
    few_units
        True below :data:`FEW_UNITS`: the interval is then known to be too narrow.
    reason
        Why it was not assessed.
    """

    verdict: Literal["beats", "does_not_beat", "not_assessed"]
    value: float
    baseline: str | None = None
    baseline_value: float | None = None
    gain: Interval | None = None
    few_units: bool = False
    reason: str | None = None


def seed_average(units: Sequence[UnitScores]) -> UnitScores | None:
    """Average the scores of each unit over seeds; None where the seeds do not share their units.

    A unit that is NaN for one seed is NaN in the average: it is not replaced by the other seeds.
    """
    if not units or any(other.names != units[0].names for other in units):
        return None
    values = np.mean([each.values for each in units], axis=0)
    return UnitScores(names=units[0].names, values=values, weights=units[0].weights)


def no_change(
    model: Subject, baselines: Sequence[Subject], direction: Direction = "up", tolerance: float = 0.0
) -> NoChange:
    """Compare a model with the baseline of best headline value, paired by unit.

    Parameters
    ----------
    model, baselines
        Seeds already averaged, see :func:`seed_average`.
    direction
        ``"down"`` for losses: the gain is then baseline minus model.
    tolerance
        Difference up to which two scores of the metric count as equal, so that rounding is no gain.
    """
    sign = 1 if direction == "up" else -1
    if not baselines:
        return NoChange(
            verdict="not_assessed", value=model.value, reason="no baseline of the task has a score"
        )
    best = max(baselines, key=lambda subject: sign * subject.value)
    gain = _gain(model.units, best.units, sign)
    found = NoChange(
        verdict="not_assessed",
        value=model.value,
        baseline=best.name,
        baseline_value=best.value,
        gain=gain,
        reason=_obstacle(model, best) if gain is None else gain.reason,
    )
    if gain is None or gain.low is None:
        return found
    return replace(
        found,
        verdict="beats" if gain.low > tolerance else "does_not_beat",
        few_units=gain.n_units < FEW_UNITS,
    )


def _obstacle(model: Subject, baseline: Subject) -> str:
    for subject in (model, baseline):
        if subject.units is None:
            return subject.reason or f"{subject.name} has no scores per unit for this metric"
    return "the units do not have unique names, so they cannot be paired"


def _gain(model: UnitScores | None, baseline: UnitScores | None, sign: int) -> Interval | None:
    if model is None or baseline is None:
        return None
    theirs = _in_order_of(model.names, baseline)
    if theirs is None:
        return None
    return paired_difference(sign * model.values, sign * theirs, model.weights)


def _in_order_of(names: tuple[str, ...], scores: UnitScores) -> NDArray[np.float64] | None:
    """Return the values in the order of ``names``, NaN for units they lack; None if names repeat."""
    if names == scores.names:
        return scores.values
    known = dict(zip(scores.names, scores.values, strict=True))
    if len(known) < len(scores.names) or len(set(names)) < len(names):
        return None
    return np.array([known.get(name, np.nan) for name in names])
