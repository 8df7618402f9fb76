"""The learning saturation point: R0 exactly as published, and every rule with its bootstrap distribution."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harness.statistics import (
    NO_ANSWER,
    Answers,
    Censored,
    Direction,
    Summary,
    censoring,
    central_set,
    crossing,
)

SHARE = 0.95


@dataclass(frozen=True, kw_only=True)
class Saturation:
    """What the published rule answers for one curve.

    Attributes
    ----------
    size
        The saturation point in cells; None, with a ``reason``, where the rule has no answer.
    best
        Best single run over all trained sizes and seeds.
    threshold
        ``0.95 * best``: a run must lie strictly above it.
    censored
        ``"left"`` where the answer is the smallest size tested: the truth may be smaller still.
    n_runs, n_above
        Trained runs, and those above the threshold.
    reason
        Why there is no answer.
    """

    size: int | None
    best: float | None = None
    threshold: float | None = None
    censored: Literal["left"] | None = None
    n_runs: int = 0
    n_above: int = 0
    reason: str | None = None


def published_saturation(scores: Iterable[tuple[int, float]], direction: Direction = "up") -> Saturation:
    """Apply the rule of DenAdel et al. 2026 (doi 10.1038/s41592-026-03120-y) to single runs.

    Leave out the untrained control, take the best single run, keep the runs strictly above 95 % of it; the
    answer is the smallest size among them. It knows no mean, no interval and no floor: one lucky seed is
    enough, and where the floor is high it answers the smallest size by construction.

    Parameters
    ----------
    scores
        (size, score) of every run of one curve; size 0 is the untrained control.
    direction
        The rule was published for scores where larger is better; for others there is no answer.

    Raises
    ------
    ValueError
        A score is NaN or infinite: a missing run must be left out, not handed over as a number.
    """
    runs = [(size, value) for size, value in scores if size > 0]
    if not all(math.isfinite(value) for _, value in runs):
        raise ValueError("a score of the curve is not finite; leave missing runs out")
    if direction != "up":
        return _no_answer("the published rule is not defined where smaller is better", len(runs))
    if not runs:
        return _no_answer("no trained run has a score", 0)
    best = max(value for _, value in runs)
    if best <= 0:
        return _no_answer("the best run is not above zero, so no run lies above 95 % of it", len(runs), best)
    above = [size for size, value in runs if value > SHARE * best]
    return Saturation(
        size=min(above),
        best=best,
        threshold=SHARE * best,
        censored="left" if min(above) == min(size for size, _ in runs) else None,
        n_runs=len(runs),
        n_above=len(above),
    )


def _no_answer(reason: str, n_runs: int, best: float | None = None) -> Saturation:
    return Saturation(size=None, best=best, n_runs=n_runs, reason=reason)


@dataclass(frozen=True, kw_only=True)
class SaturationPoint:
    """What one rule says of one curve, and how sure that is.

    Attributes
    ----------
    size
        The saturation point in cells; None where the rule has no answer: R0 for losses; R2 where the largest
        size falls behind; R3 without an untrained control or a gain over it; R4 without two seeds of a size.
    censored
        ``"left"``: at most this, the smallest size tested; ``"right"``: at least this, only the largest size
        passed; ``"interval"``: between the size before and this one; ``"beyond"``: extrapolated above the
        largest size; ``"none"``: a point, or no answer.
    point
        Size at which the isotonic curve crosses the rule's bar, interpolated on log size (R3).
    distribution
        Size -> share of the bootstrap replicates that answer it; what is missing to 1 had no answer.
    median, set_80, set_95
        Median answer of the replicates; smallest and largest size of a set that holds the true one with 80
        and 95 %: their central part, widened for the few seeds that they were drawn from.
    """

    size: int | None
    censored: Censored
    point: float | None
    distribution: dict[int, float]
    median: int | None
    set_80: tuple[int, int] | None
    set_95: tuple[int, int] | None


def points_of(
    sizes: Sequence[Sequence[int]], answers: Mapping[str, Answers], at: Summary
) -> list[dict[str, SaturationPoint]]:
    """Return rule -> saturation point of every curve.

    Parameters
    ----------
    sizes
        Trained sizes of every curve.
    answers
        Rule -> answers of these curves.
    at
        Their summary, for the points of R3.
    """
    by_rule = {
        rule: _points(sizes, answer, _crossings(sizes, rule, at), at) for rule, answer in answers.items()
    }
    return [dict(zip(by_rule, points, strict=True)) for points in zip(*by_rule.values(), strict=True)]


def _points(
    sizes: Sequence[Sequence[int]], answer: Answers, crossings: Sequence[float | None], at: Summary
) -> list[SaturationPoint]:
    """Return one rule's saturation point of every curve."""
    ends = [central_set(answer.shares, level, at.runs).T.tolist() for level in (0.0, 0.80, 0.95)]
    columns = zip(sizes, answer.position.tolist(), answer.shares.T.tolist(), crossings, *ends, strict=True)
    return [_point(*column) for column in columns]


def _point(
    sizes: Sequence[int],
    position: int,
    shares: Sequence[float],
    point: float | None,
    middle: tuple[int, int],
    of_80: tuple[int, int],
    of_95: tuple[int, int],
) -> SaturationPoint:
    def named(ends: tuple[int, int]) -> tuple[int, int] | None:
        return None if NO_ANSWER in ends else (sizes[ends[0]], sizes[ends[1]])

    return SaturationPoint(
        size=None if position == NO_ANSWER else sizes[position],
        censored=censoring(position, len(sizes)),
        point=None if position == NO_ANSWER else point,
        distribution=dict(zip(sizes, shares, strict=True)),
        median=None if NO_ANSWER in middle else sizes[middle[0]],
        set_80=named(of_80),
        set_95=named(of_95),
    )


def _crossings(sizes: Sequence[Sequence[int]], rule: str, at: Summary) -> list[float | None]:
    """Return where the isotonic curve of every curve crosses the rule's bar; None for rules without one."""
    share = {"R3_80": 0.80, "R3": 0.90, "R3_95": 0.95}.get(rule)
    if share is None:
        return [None] * len(sizes)
    return [_crossing(of_curve, at, row, share) for row, of_curve in enumerate(sizes)]


def _crossing(sizes: Sequence[int], at: Summary, row: int, share: float) -> float | None:
    fitted = at.isotonic[:, row]
    reached = crossing(sizes, fitted, float(at.floor[row] + share * (fitted[-1] - at.floor[row])))
    return None if math.isnan(reached) else reached
