"""How good can a prediction be? Oracles from disjoint halves of the measured cells, shown and never ranked.

The cells of every perturbation are divided into two halves. The truth is the mean of the first half; the
technical duplicate is that of the second. Halves never share a cell: resampling 2n cells from n and halving
them, as cell-eval's ceiling does, gives both sides the same noise and a perturbation without any effect a
correlation of about one half.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def halves(seed: int, *labels: ArrayLike) -> NDArray[np.int64]:
    """Divide cells into two disjoint halves within each combination of labels.

    Parameters
    ----------
    seed
        Of the division.
    labels
        One or more labels per cell: perturbation, context, batch or guide.

    Returns
    -------
    Per cell 0 or 1. In each combination the numbers differ by at most one, and the half that gets the odd
    cell is drawn.
    """
    rng = np.random.default_rng(seed)
    half = np.zeros(len(np.asarray(labels[0])), dtype=np.int64)
    for rows in _strata(labels):
        half[rng.permutation(rows)] = (np.arange(len(rows)) + rng.integers(2)) % 2
    return half


def at_most(n: int, seed: int, *labels: ArrayLike) -> NDArray[np.bool_]:
    """Choose at most ``n`` cells of each combination of labels, without replacement.

    Ceilings depend on the cells behind a mean: report them for 25, 50, 100 and all. A smaller choice with
    the same seed is part of a larger one.
    """
    rng = np.random.default_rng(seed)
    chosen = np.zeros(len(np.asarray(labels[0])), dtype=bool)
    for rows in _strata(labels):
        chosen[rng.permutation(rows)[:n]] = True
    return chosen


def spearman_brown(half_correlation: ArrayLike) -> Floats:
    """Return the reliability of the whole from the correlation of its halves: 2 r / (1 + r).

    Spearman 1910 (doi:10.1111/j.2044-8295.1910.tb00206.x) and Brown 1910
    (doi:10.1111/j.2044-8295.1910.tb00207.x).
    """
    r = np.asarray(half_correlation, dtype=float)
    return np.asarray(2 * r / np.where(r > -1, 1 + r, np.nan))


def attainable_correlation(reliability: ArrayLike) -> Floats:
    """Return the correlation of a perfect prediction with a noisy measurement: sqrt(reliability).

    NaN where the reliability is negative: the halves disagree, and nothing can be said.
    """
    reliability = np.asarray(reliability, dtype=float)
    return np.asarray(np.sqrt(np.where(reliability >= 0, reliability, np.nan)))


def interpolated_duplicate(duplicate: Floats, mean: Floats, adjusted_p: Floats) -> Floats:
    """Return the realistic ceiling: the duplicate where genes change, the mean of all where they do not.

    a x duplicate + (1 - a) x mean with a = 1 - adjusted p per gene (Vollenweider and Buehlmann 2026,
    doi:10.64898/2026.04.20.719650).

    Parameters
    ----------
    duplicate
        Profiles of the second half (perturbations x genes).
    mean
        Mean profile of the data set (genes,) or per perturbation.
    adjusted_p
        Of differential expression in the first half, which is the truth; NaN (not tested) counts as 1.
    """
    a = 1 - np.nan_to_num(adjusted_p, nan=1.0)
    return np.asarray(a * duplicate + (1 - a) * mean)


def _strata(labels: tuple[ArrayLike, ...]) -> list[NDArray[np.int64]]:
    """Return the rows of every combination of labels, in an order that does not depend on that of rows."""
    columns = [np.unique(np.asarray(each).astype(str), return_inverse=True)[1] for each in labels]
    code = np.unique(np.stack(columns), axis=1, return_inverse=True)[1].ravel()
    return [np.flatnonzero(code == one) for one in range(code.max(initial=-1) + 1)]
