"""A curve that an adaptive grid asks for: the runs of the whole grid, and those made so far."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from harness.checks import Curve

AT_THE_ENDS = 2
"""Runs at the smallest and at the largest size before anything is judged."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One curve, part of whose runs are made.

    Attributes
    ----------
    asked
        Size -> runs that the whole grid has; size 0 is the untrained control.
    runs
        Size -> scores of those made so far.
    price
        Size -> cost of one run, in any unit; the untrained control costs nothing.
    terms
        What the curve is measured against: further arguments of :class:`harness.checks.Curve`.
    fits
        Questions of equal ``fits`` are answered by the same fits: the first run of one at a size is the first
        of the other too, and is paid for once. None shares nothing.
    """

    asked: Mapping[int, int]
    runs: Mapping[int, Sequence[float]]
    price: Mapping[int, float]
    terms: Mapping[str, Any] = field(default_factory=dict)
    fits: Hashable = None

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Trained sizes of the whole grid in ascending order."""
        return tuple(sorted(size for size, n in self.asked.items() if size > 0 and n > 0))

    def made(self, size: int) -> int:
        """Return how many runs there are at a size."""
        return len(self.runs.get(size, ()))

    @property
    def left(self) -> dict[int, int]:
        """Size -> runs of the whole grid that are not made; sizes without any are left out."""
        left = {size: n - self.made(size) for size, n in self.asked.items()}
        return {size: n for size, n in left.items() if n > 0}

    def curve(self, runs: Mapping[int, Any] | None = None) -> Curve:
        """Return the curve with the runs made so far, or with others."""
        given = self.runs if runs is None else runs
        return Curve(runs={size: scores for size, scores in given.items() if len(scores)}, **self.terms)

    @property
    def judgeable(self) -> bool:
        """Whether the runs made so far say anything: two trained sizes, and two runs of one of them."""
        counts = [self.made(size) for size in self.sizes if self.made(size)]
        return len(counts) > 1 and max(counts) > 1

    @property
    def start(self) -> dict[int, int]:
        """Size -> runs missing at the ends of the ladder and of the untrained control.

        Everything that is left, where those are made and still say nothing; empty once they can be judged.
        """
        ends = {0: self.asked.get(0, 0)}
        ends |= {size: min(AT_THE_ENDS, self.asked[size]) for size in (*self.sizes[:1], *self.sizes[-1:])}
        missing = {size: n - self.made(size) for size, n in ends.items()}
        return {size: n for size, n in missing.items() if n > 0} or ({} if self.judgeable else self.left)


def total_price(counts: Iterable[tuple[Question, Mapping[int, int]]]) -> float:
    """Return what so many runs (question, size -> runs) cost together, shared fits once."""
    paid: dict[tuple[Hashable, int], float] = {}
    for place, (question, runs) in enumerate(counts):
        family = ("alone", place) if question.fits is None else ("shared", question.fits)
        for size, n in runs.items():
            price = n * question.price.get(size, 0.0)
            paid[family, size] = max(paid.get((family, size), 0.0), price)
    return float(np.sum(list(paid.values()))) if paid else 0.0


def price_made(questions: Sequence[Question]) -> float:
    """Return what the runs made so far cost."""
    return total_price((each, {size: each.made(size) for size in each.asked}) for each in questions)


def price_asked(questions: Sequence[Question]) -> float:
    """Return what the whole grid costs."""
    return total_price((each, each.asked) for each in questions)
