"""Can a metric tell a good prediction from a poor one on these data? If not, it is shown and not ranked.

The positive control is an oracle (the technical or the interpolated duplicate), the negative one an answer
that knows nothing of the perturbation: the mean of training perturbations or, where that is the reference and
has no score (the correlation against the centroid), no change. A mean over all *other* asked perturbations
will not do: lacking each one's own part, it lies farther from it than from the others. Scores come per
perturbation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Direction = Literal["up", "down"]

SIGNIFICANCE = 0.05
SOLVED = 0.9


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What a metric can tell on one data set.

    Attributes
    ----------
    dynamic_range
        Median over perturbations of :func:`dynamic_range_fraction`, unclipped.
    published_dynamic_range
        Mean of the same clipped to -1 ... 1, the form in which it is published.
    discrimination
        Baseline discrimination score: share of perturbations where the positive control beats the negative
        one, a tie counting one half.
    p_value
        Of the one-sided sign test that it does in more than half of those without a tie.
    perturbations
        With both controls defined.
    passes
        The median dynamic range is positive and the sign test significant at :data:`SIGNIFICANCE`.
    """

    dynamic_range: float
    published_dynamic_range: float
    discrimination: float
    p_value: float
    perturbations: int
    passes: bool


def calibrate(positive: ArrayLike, negative: ArrayLike, perfect: float, direction: Direction) -> Calibration:
    """Return whether a metric tells the positive from the negative control.

    Parameters
    ----------
    positive, negative
        Scores of the controls (perturbations,); a perturbation with NaN in either is left out.
    perfect
        Score of the truth itself.
    direction
        Of the metric: ``"up"`` where larger is better.
    """
    from scipy.stats import binomtest

    positive, negative = np.asarray(positive, dtype=float), np.asarray(negative, dtype=float)
    known = np.isfinite(positive) & np.isfinite(negative)
    fraction = dynamic_range_fraction(positive[known], negative[known], perfect)
    better = (positive - negative)[known] * (1 if direction == "up" else -1)
    wins, losses = int((better > 0).sum()), int((better < 0).sum())
    decided = wins + losses
    p_value = float(binomtest(wins, decided, alternative="greater").pvalue) if decided else 1.0
    spread = _over_known(np.median, fraction)
    return Calibration(
        dynamic_range=spread,
        published_dynamic_range=_over_known(np.mean, published_dynamic_range(fraction)),
        discrimination=_over_known(np.mean, (1 + np.sign(better)) / 2),
        p_value=p_value,
        perturbations=int(known.sum()),
        passes=bool(spread > 0 and p_value <= SIGNIFICANCE),
    )


def dynamic_range_fraction(positive: ArrayLike, negative: ArrayLike, perfect: float) -> Floats:
    """Return (positive - negative) / (perfect - negative), whichever direction is better.

    1 where the positive control is perfect, 0 where it is no better than the negative one (CellSimBench;
    Mejia et al. 2025, arXiv:2506.22641). Not clipped; NaN where the negative control is perfect.
    """
    positive, negative = np.asarray(positive, dtype=float), np.asarray(negative, dtype=float)
    room = perfect - negative
    return np.asarray((positive - negative) / np.where(room != 0, room, np.nan))


def published_dynamic_range(fraction: ArrayLike) -> Floats:
    """Return a dynamic range fraction as it is published: clipped to -1 ... 1."""
    return np.asarray(np.clip(np.asarray(fraction, dtype=float), -1, 1))


def gap_closed(score: ArrayLike, floor: ArrayLike, ceiling: ArrayLike) -> Floats:
    """Return (score - floor) / (ceiling - floor), unclipped; NaN where the ceiling is the floor."""
    floor = np.asarray(floor, dtype=float)
    room = np.asarray(ceiling, dtype=float) - floor
    return np.asarray((np.asarray(score, dtype=float) - floor) / np.where(room != 0, room, np.nan))


def solved(
    baseline: ArrayLike,
    floor: ArrayLike,
    ceiling: ArrayLike,
    direction: Direction = "up",
    share: float = SOLVED,
) -> Floats:
    """Return 1 where a trivial baseline is within the technical duplicate's range, else 0.

    The range begins at ``share`` of the way from no change to the duplicate or, where a second measurement
    is no better than no change (there is nothing to be predicted), at the duplicate itself. The mean over
    perturbations is the share of evaluations that need no model.

    Parameters
    ----------
    baseline, floor, ceiling
        Scores (perturbations,) of the baseline, of no change, and of the technical duplicate, against the
        same half of the cells.
    direction
        Of the metric.

    Returns
    -------
    (perturbations,): NaN where no change or the duplicate has no score; a baseline without one solves
    nothing.
    """
    sign = 1 if direction == "up" else -1
    score, low, high = (sign * np.asarray(each, dtype=float) for each in (baseline, floor, ceiling))
    begins = high - (1 - share) * np.maximum(high - low, 0)
    return np.asarray(np.where(np.isnan(begins), np.nan, score >= begins))


def effect_strata(size: ArrayLike, strata: int = 3) -> NDArray[np.int64]:
    """Return the stratum of each perturbation by size of effect, 0 the smallest, in equal numbers."""
    size = np.asarray(size, dtype=float)
    rank = np.argsort(np.argsort(size, kind="stable"), kind="stable")
    return np.asarray(rank * strata // max(len(size), 1), dtype=np.int64)


def _over_known(summary: Callable[[Floats], np.floating[Any]], values: Floats) -> float:
    finite = values[np.isfinite(values)]
    return float(summary(finite)) if len(finite) else float("nan")
