"""The learning saturation point by every rule, R0 exactly as published, with its bootstrap distribution."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.statistics import (
    NO_ANSWER,
    Answers,
    Censored,
    Summary,
    censoring,
    central_set,
    crossing,
)


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
