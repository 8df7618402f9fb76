"""Learning curves as numbers: what the seeds of each size say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
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
    ordered = dict(sorted(by_size.items()))
    return tuple(
        AtSize(size=size, n=len(values), mean=mean, sd=sd, low=min(values), high=max(values))
        for (size, values), (mean, sd) in zip(ordered.items(), _spread(ordered.values()), strict=True)
    )


def _spread(groups: Collection[Sequence[float]]) -> list[tuple[float, float | None]]:
    """Return mean and standard deviation of each group, all of them at once."""
    if not groups:
        return []
    n = np.array([len(values) for values in groups])
    runs, starts = np.concatenate([np.asarray(values, dtype=float) for values in groups]), np.cumsum(n) - n
    means = np.add.reduceat(runs, starts) / n
    squares = np.add.reduceat((runs - np.repeat(means, n)) ** 2, starts)
    sd = np.sqrt(squares / np.maximum(n - 1, 1))
    return [
        (mean, own if k > 1 else None)
        for mean, own, k in zip(means.tolist(), sd.tolist(), n.tolist(), strict=True)
    ]


def best_size(sizes: Iterable[AtSize], direction: Direction = "up") -> AtSize | None:
    """Return the trained size with the best seed mean, the smaller of two equals; None if there is none.

    The best of several means is biased towards luck: it describes, it does not test.
    """
    sign = 1 if direction == "up" else -1
    trained = [at for at in sizes if at.size > 0]
    return max(trained, key=lambda at: (sign * at.mean, -at.size), default=None)
