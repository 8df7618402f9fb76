"""Where learning saturates over many tasks: medians of points that are censored, never their average."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.checks.saturation import SaturationPoint
from harness.checks.verdict import Level
from harness.statistics import MedianSize, median_size

RULES = ("R0", "R1", "R2", "R3", "R4")
"""Rules that answer with a size of the ladder."""
PUBLISHED = "R0"
LEARNS = ("beats-baseline", "at-ceiling")

GROUP = ("model", "sampler", "corpus", "budget")
"""What curves have in common whose points are put together."""


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What the rules answered on one curve.

    Attributes
    ----------
    names
        Of model, sampler, corpus and budget, empty where there is none; and of the data set, whose curves are
        drawn together.
    level
        Of its verdict. A curve that is not shown to learn counts for the published rule alone, which knows
        no level.
    saturation
        Rule -> point.
    """

    names: Mapping[str, str]
    level: Level
    saturation: Mapping[str, SaturationPoint]

    def between(self, rule: str) -> tuple[float, float] | None:
        """Return what a rule says of where learning saturates, see :func:`between`; None for nothing."""
        counts = rule == PUBLISHED or self.level in LEARNS
        return between(self.saturation[rule]) if counts else None


@dataclass(frozen=True, kw_only=True)
class Median:
    """The median saturation point of a group by one rule, over its curves.

    Attributes
    ----------
    model, sampler, corpus, budget
        The group.
    size
        The median with its interval; None where no curve has a point.
    n_without
        Curves that are left out: without a point by this rule or, but for the published one, not shown to
        be better than the untrained control and the baselines.
    """

    model: str
    sampler: str | None
    corpus: str | None
    budget: str | None
    rule: str
    size: MedianSize | None
    n_without: int


def medians(answered: Iterable[Answered]) -> list[Median]:
    """Return the median saturation point of every group by every rule, in the order of the groups."""
    groups: dict[tuple[str, ...], list[Answered]] = {}
    for each in answered:
        groups.setdefault(tuple(each.names[name] for name in GROUP), []).append(each)
    return [_median(names, rule, curves) for names, curves in groups.items() for rule in RULES]


def _median(names: Sequence[str], rule: str, curves: Sequence[Answered]) -> Median:
    found = [(curve.between(rule), curve.names["dataset"]) for curve in curves]
    known = [(ends, dataset) for ends, dataset in found if ends is not None]
    size = None
    if known:
        low, high = zip(*(ends for ends, _ in known), strict=True)
        size = median_size(low, high, [dataset for _, dataset in known])
    model, *trained = names
    sampler, corpus, budget = (name or None for name in trained)
    return Median(
        model=model,
        sampler=sampler,
        corpus=corpus,
        budget=budget,
        rule=rule,
        size=size,
        n_without=len(found) - len(known),
    )


def between(point: SaturationPoint) -> tuple[float, float] | None:
    """Return (low, high] in which learning saturates by a point; None without one, or of a single size.

    A ladder of sizes only tells that it is behind the size before; the smallest size only that it is not
    behind it; and where the largest alone passes, larger ones may pass more.
    """
    if point.size is None or len(point.distribution) < 2:
        return None
    before = max((size for size in point.distribution if size < point.size), default=0)
    return float(before), math.inf if point.censored == "right" else float(point.size)
