"""The learning saturation point by every rule, R0 exactly as published, with its bootstrap distribution."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

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
    return list(map(_point, sizes, answer.position.tolist(), answer.shares.T.tolist(), crossings, *ends))


def _point(
    sizes: Sequence[int],
    position: int,
    shares: Sequence[float],
    point: float | None,
    middle: tuple[int, int],
    of_80: tuple[int, int],
    of_95: tuple[int, int],
) -> SaturationPoint:
    answered, ever = position != NO_ANSWER, NO_ANSWER not in middle
    return SaturationPoint(
        size=sizes[position] if answered else None,
        censored=censoring(position, len(sizes)),
        point=point if answered else None,
        distribution=dict(zip(sizes, shares, strict=True)),
        median=sizes[middle[0]] if ever else None,
        set_80=(sizes[of_80[0]], sizes[of_80[1]]) if ever else None,
        set_95=(sizes[of_95[0]], sizes[of_95[1]]) if ever else None,
    )


def _crossings(sizes: Sequence[Sequence[int]], rule: str, at: Summary) -> list[float | None]:
    """Return where the isotonic curve of every curve crosses the rule's bar; None for rules without one."""
    share = {"R3_80": 0.80, "R3": 0.90, "R3_95": 0.95}.get(rule)
    if share is None:
        return [None] * len(sizes)
    bar = at.floor + share * (at.isotonic[-1] - at.floor)
    reached = crossing(np.array(sizes).T, at.isotonic, bar).tolist()
    return [None if math.isnan(size) else size for size in reached]
