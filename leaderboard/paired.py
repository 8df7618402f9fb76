"""Did the same runs become better or worse? Paired tests of one model on one task."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

LEVEL = 0.95
FEW = 6
"""Below this number of pairs a two-sided Wilcoxon test cannot reach 0.05 (2 / 2**5 = 0.0625)."""


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Paired differences, positive where the later run is better.

    Attributes
    ----------
    n
        Pairs.
    mean, low, high
        Mean difference with its 95 % interval (paired t); no interval of one pair.
    t_p, wilcoxon_p
        Two-sided p-values of no difference: paired t, and Wilcoxon's signed ranks (from six pairs that
        differ; exact where it can be).
    drop_p
        One-sided p-value of a mean drop by more than the margin (paired t); None of one pair.
    """

    n: int
    mean: float
    low: float | None
    high: float | None
    t_p: float | None
    wilcoxon_p: float | None
    drop_p: float | None


def paired(gains: ArrayLike, margin: float = 0.0) -> Paired:
    """Test paired differences (n_pairs,) against none, and against a drop by ``margin``.

    Where all pairs differ by the same amount nothing is random: p is then 0 or 1.
    """
    values = np.asarray(gains, dtype=float)
    mean, n = float(values.mean()), len(values)
    if n < 2:
        return Paired(n=n, mean=mean, low=None, high=None, t_p=None, wilcoxon_p=None, drop_p=None)
    error = float(values.std(ddof=1)) / math.sqrt(n)
    if error < 1e-12 * max(1.0, abs(mean)):
        known = float(abs(mean) < 1e-12)
        drop_p = float(mean >= -margin)
        return Paired(n=n, mean=mean, low=mean, high=mean, t_p=known, wilcoxon_p=None, drop_p=drop_p)
    interval = stats.ttest_1samp(values, 0.0).confidence_interval(LEVEL)
    return Paired(
        n=n,
        mean=mean,
        low=float(interval.low),
        high=float(interval.high),
        t_p=float(stats.ttest_1samp(values, 0.0).pvalue),
        wilcoxon_p=float(stats.wilcoxon(values).pvalue) if np.count_nonzero(values) >= FEW else None,
        drop_p=float(stats.ttest_1samp(values, -margin, alternative="less").pvalue),
    )
