"""Learning curves as numbers: what the seeds of each size say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Direction = Literal["up", "down"]


@dataclass(frozen=True, kw_only=True)
class AtSize:
    """The seeds of one size.

    Attributes
    ----------
    size
        Cells in the sample; 0 is the untrained control.
    n
        Number of seeds.
    mean, low, high
        Mean, smallest and largest score.
    sd
        Sample standard deviation (n - 1 in the denominator); None for one seed.
    """

    size: int
    n: int
    mean: float
    sd: float | None
    low: float
    high: float


def seed_summary(scores: Iterable[tuple[int, float]]) -> tuple[AtSize, ...]:
    """Summarise (size, score) pairs, one per seed, by size in ascending order."""
    by_size: dict[int, list[float]] = defaultdict(list)
    for size, value in scores:
        by_size[size].append(value)
    return tuple(_at_size(size, values) for size, values in sorted(by_size.items()))


def _at_size(size: int, values: Sequence[float]) -> AtSize:
    return AtSize(
        size=size,
        n=len(values),
        mean=float(np.mean(values)),
        sd=float(np.std(values, ddof=1)) if len(values) > 1 else None,
        low=min(values),
        high=max(values),
    )


def best_size(sizes: Iterable[AtSize], direction: Direction = "up") -> AtSize | None:
    """Return the trained size with the best seed mean, the smaller of two equals; None if there is none.

    The best of several means is biased towards luck: it describes, it does not test.
    """
    sign = 1 if direction == "up" else -1
    trained = [at for at in sizes if at.size > 0]
    return max(trained, key=lambda at: (sign * at.mean, -at.size), default=None)
