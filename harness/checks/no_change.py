"""Does a model beat doing nothing? Its paired difference to the best declared baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from harness.statistics import Direction, Interval, holm, paired_difference

FEW_CLUSTERS = 6
"""Below this number of pairs no exact paired test can reach p < 0.05 two-sided (2 / 2**5 = 0.0625)."""

Verdict = Literal["beats", "no_better", "worse", "not_assessed"]


@dataclass(frozen=True, kw_only=True)
class UnitScores:
    """One metric per seed and unit of generalisation.

    Attributes
    ----------
    names
        One name per unit.
    values
        One score per seed and unit (n_seeds, n_units); NaN where the unit does not define it.
    weights
        One weight per unit (n_units,), or per seed and unit (n_seeds, n_units); None for equal weights.
    clusters
        One name per unit, equal for units that are not independent; None where all are.
    """

    names: tuple[str, ...]
    values: NDArray[np.float64]
    weights: NDArray[np.float64] | None = None
    clusters: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model at one size, or a baseline: its headline value (seeds averaged) and its scores per unit.

    ``units`` is None, with a ``reason``, where there are no scores per unit to resample.
    """

    name: str
    value: float
    units: UnitScores | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class Against:
    """A model against one declared baseline.

    Attributes
    ----------
    baseline, value
        Its name and headline value.
    gain
        As in `NoChange`; None, with a ``reason``, where the two cannot be paired.
    reason
        Also where the scores tell the opposite of what the units show: ``p`` is then no finding.
    p, p_holm
        Two-sided p-value of no difference beyond the tolerance, paired by unit, over units and seeds; the
        same after Holm's correction over all declared baselines, in which one without a p-value counts as 1.
    """

    baseline: str
    value: float
    gain: float | None = None
    p: float | None = None
    p_holm: float | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class NoChange:
    """A model against the best of its task's baselines.

    Attributes
    ----------
    verdict
        ``"beats"`` or ``"worse"`` where the whole interval is on that side of the baseline, by more than the
        tolerance; ``"no_better"`` in between. ``"not_assessed"`` also where the headline scores tell the
        opposite of the whole interval: a mean over units is then not what the metric measures.
    gain
        Mean over seeds of the weighted mean over units of the difference, positive where the model is better.
        It is kept where it is not judged.
    value, baseline, baseline_value
        Headline value of the model; name and headline value of the best baseline.
    reason
        Why it was not assessed.
    against
        Every declared baseline that has a score, the best first. The verdict is about the best one alone; to
        say which others are beaten, read ``p_holm``.
    """

    verdict: Verdict
    value: float
    baseline: str | None = None
    baseline_value: float | None = None
    gain: Interval | None = None
    reason: str | None = None
    against: tuple[Against, ...] = ()


def join_seeds(units: Sequence[UnitScores]) -> UnitScores | None:
    """Put the scores of several seeds together; None where the seeds do not share their units."""
    if not units or any((u.names, u.clusters) != (units[0].names, units[0].clusters) for u in units):
        return None
    return replace(units[0], values=np.vstack([each.values for each in units]), weights=_join_weights(units))


def _join_weights(units: Sequence[UnitScores]) -> NDArray[np.float64] | None:
    """Return one row of weights where those of all seeds are the same, else one per seed."""
    if all(each.weights is None for each in units):
        return None
    rows = [
        np.broadcast_to(1.0 if each.weights is None else each.weights, each.values.shape) for each in units
    ]
    together = np.vstack(rows)
    return np.asarray(together[0] if (together == together[0]).all() else together)


def no_change(
    model: Subject,
    baselines: Sequence[Subject],
    direction: Direction = "up",
    tolerance: float = 0.0,
    absent: Mapping[str, str] | None = None,
) -> NoChange:
    """Compare a model with the baseline of best headline value, paired by unit.

    Parameters
    ----------
    model, baselines
        Those of the task's baselines that have a score.
    direction
        ``"down"`` for losses: the gain is then baseline minus model.
    tolerance
        Difference up to which two scores of the metric count as equal, so that rounding is no gain.
    absent
        Declared baselines without a result -> what became of them. The best one may be among them, so the
        gain over the others is then shown but not judged.
    """
    sign = 1 if direction == "up" else -1
    if not baselines:
        return NoChange(
            verdict="not_assessed", value=model.value, reason="no baseline of the task has a score"
        )
    ordered = sorted(baselines, key=lambda subject: -sign * subject.value)
    gains = [_gain(model.units, each.units, sign, tolerance) for each in ordered]
    best, gain = ordered[0], gains[0]
    obstacle = _obstacle(model, best, gain, absent or {}) or _contradiction(
        model, best, gain, sign, tolerance
    )
    return NoChange(
        verdict="not_assessed" if obstacle else _verdict(gain, tolerance),
        value=model.value,
        baseline=best.name,
        baseline_value=best.value,
        gain=gain,
        reason=obstacle,
        against=_against(model, ordered, gains, sign, tolerance, len(absent or {})),
    )


def _against(
    model: Subject,
    baselines: Sequence[Subject],
    gains: Sequence[Interval | None],
    sign: int,
    tolerance: float,
    absent: int,
) -> tuple[Against, ...]:
    """Return every comparison, corrected for all that were declared, those without a result among them."""
    p = [None if gain is None else gain.p for gain in gains]
    adjusted = holm([1.0 if each is None else each for each in p] + [1.0] * absent)
    return tuple(
        Against(
            baseline=each.name,
            value=each.value,
            gain=None if gain is None else gain.estimate,
            p=raw,
            p_holm=None if raw is None else float(corrected),
            reason=_unpaired(model, each, gain) or _contradiction(model, each, gain, sign, tolerance),
        )
        for each, gain, raw, corrected in zip(baselines, gains, p, adjusted, strict=False)
    )


def _verdict(gain: Interval | None, tolerance: float) -> Verdict:
    assert gain is not None
    assert gain.low is not None
    assert gain.high is not None
    if gain.low > tolerance:
        return "beats"
    return "worse" if gain.high < -tolerance else "no_better"


def _obstacle(
    model: Subject, baseline: Subject, gain: Interval | None, absent: Mapping[str, str]
) -> str | None:
    """Return why there is no verdict, if there is none."""
    unpaired = _unpaired(model, baseline, gain)
    if unpaired or gain is None:
        return unpaired
    if absent:
        return "without " + ", ".join(f"{name} ({state})" for name, state in sorted(absent.items()))
    if gain.n_clusters < FEW_CLUSTERS:
        return f"only {gain.n_clusters} independent units"
    return None


def _contradiction(
    model: Subject, baseline: Subject, gain: Interval | None, sign: int, tolerance: float
) -> str | None:
    """Return why the units are not believed, if headline scores tell the opposite of what they show."""
    shown, difference = _verdict(gain, tolerance), sign * (model.value - baseline.value)
    denied = difference < -tolerance if shown == "beats" else difference > tolerance
    if shown == "no_better" or not denied:
        return None
    by_units, by_score = ("better", "worse") if shown == "beats" else ("worse", "better")
    return f"over units it is shown to be {by_units}, and its score is {by_score} by {abs(difference):.2g}"


def _unpaired(model: Subject, baseline: Subject, gain: Interval | None) -> str | None:
    """Return why two subjects have no interval between them, if they have none."""
    for subject in (model, baseline) if gain is None else ():
        if subject.units is None:
            return subject.reason or f"{subject.name} has no scores per unit for this metric"
    if gain is None:
        return "the units do not have unique names, so they cannot be paired"
    return gain.reason


def _gain(
    model: UnitScores | None, baseline: UnitScores | None, sign: int, tolerance: float
) -> Interval | None:
    if model is None or baseline is None:
        return None
    theirs = _in_order_of(model.names, baseline)
    if theirs is None:
        return None
    ours = sign * model.values
    return paired_difference(ours, sign * theirs, model.weights, model.clusters, tolerance=tolerance)


def _in_order_of(names: tuple[str, ...], scores: UnitScores) -> NDArray[np.float64] | None:
    """Return the values, seeds averaged by their weights, in the order of ``names``; NaN for units they lack.

    None if names repeat. A unit that is NaN for a seed that weighs it is NaN: the others do not stand in.
    """
    values = _over_seeds(scores)
    if names == scores.names:
        return values
    known = dict(zip(scores.names, values, strict=True))
    if len(known) < len(scores.names) or len(set(names)) < len(names):
        return None
    return np.array([known.get(name, np.nan) for name in names])


def _over_seeds(scores: UnitScores) -> NDArray[np.float64]:
    """Return the mean over seeds of every unit (n_units,), by the weight that a unit has for each."""
    if scores.weights is None or scores.weights.ndim == 1:
        return np.asarray(scores.values.mean(axis=0))
    total = scores.weights.sum(axis=0)
    summed = np.where(scores.weights > 0, scores.values * scores.weights, 0.0).sum(axis=0)
    return np.asarray(np.divide(summed, total, out=np.full(total.shape, np.nan), where=total > 0))
