"""R0: the learning saturation point exactly as published, for comparability."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from harness.statistics import Direction

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
