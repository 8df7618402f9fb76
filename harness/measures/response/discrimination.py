"""Is a prediction nearer to the measured profile of its own perturbation than to those of the others?"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TIE = 1e-9
"""Distances that differ by less than this share of the larger one are equal."""


def perturbation_discrimination(
    predicted: Floats, truth: Floats, targets: Bools | None = None, groups: ArrayLike | None = None
) -> Floats:
    """Return the perturbation discrimination score: how many others lie farther than the own profile.

    Distances are L1 over genes between signed differences from one measured control, which is the same as
    between profiles. For each comparison of the own profile with another's, the genes that either of the two
    perturbations targets are left out: an answer that is the same for all perturbations then has exactly one
    half on average. (Leaving out the own target only, as published, rewards such an answer; see
    :func:`published_discrimination`.) A tie counts one half.

    Parameters
    ----------
    predicted, truth
        Profiles (perturbations x genes).
    targets
        Genes that each perturbation targets directly (perturbations x genes); None where nothing is known.
    groups
        One label per perturbation: only those of one group are compared. A group shares the control and what
        could be learnt, so it is a context in a fold. (Across folds, whose training sets lack each other's
        perturbations, the mean of training perturbations taken negatively tells them apart.) None is one
        group.

    Returns
    -------
    (perturbations,) from 0 to 1: the share of others that lie farther; 0.5 for an uninformed answer. NaN
    where there is no other. Without targets and with L1 it is 1 - (1 - published) n / (n - 1).
    """
    return _share_farther(predicted, truth, targets, groups, "l1")


def centroid_accuracy(predicted: Floats, truth: Floats, groups: ArrayLike | None = None) -> Floats:
    """Return the share of other perturbations' profiles that lie farther (Euclidean) than the own one.

    Centroid accuracy of Systema (Vinas Torne et al. 2025, doi:10.1038/s41587-025-02777-8), called NIR by
    CellSimBench; a tie counts one half. Parameters and result as in :func:`perturbation_discrimination`.
    """
    return _share_farther(predicted, truth, None, groups, "l2")


def published_discrimination(
    predicted: Floats, truth: Floats, targets: Bools | None = None, groups: ArrayLike | None = None
) -> Floats:
    """Return the perturbation discrimination score as cell-eval 0.8 defines it: 1 - rank / n.

    The rank of the own profile (from 0) among all n by L1 distance, without the genes that the perturbation
    itself targets; ties at their mean rank. Shown for comparison, never ranked: its floor is .5 + 1 / (2n),
    and leaving out the strong change of the own target, while others keep theirs, brings the own profile
    nearer to any answer.
    """
    found = np.full(len(predicted), np.nan)
    for row, among in _rivals(groups, len(predicted)):
        kept = np.ones(truth.shape[1], bool) if targets is None else ~targets[row]
        away = np.abs(predicted[row, kept] - truth[among][:, kept]).sum(axis=1)
        own = away[among == row]
        rank = _farther(own, away[among != row])
        found[row] = 1 - (1 - rank) * (len(among) - 1) / len(among)
    return found


def _share_farther(
    predicted: Floats,
    truth: Floats,
    targets: Bools | None,
    groups: ArrayLike | None,
    metric: Literal["l1", "l2"],
) -> Floats:
    found = np.full(len(predicted), np.nan)
    kept = np.ones(truth.shape) if targets is None else 1.0 - targets
    for row, among in _rivals(groups, len(predicted)):
        others = among[among != row]
        away = np.abs(predicted[row] - truth[others])
        own = np.abs(predicted[row] - truth[row])
        if metric == "l2":
            away, own = away**2, own**2
        both = kept[others] * kept[row]
        found[row] = _farther(both @ own, np.einsum("og,og->o", both, away))
    return found


def _rivals(groups: ArrayLike | None, n: int) -> list[tuple[int, NDArray[np.int64]]]:
    """Return every row with the rows of its group, itself among them, where there are at least two."""
    labels = np.zeros(n) if groups is None else np.asarray(groups)
    among = {label: np.flatnonzero(labels == label) for label in np.unique(labels)}
    return [(row, among[labels[row]]) for row in range(n) if len(among[labels[row]]) > 1]


def _farther(own: Floats, others: Floats) -> float:
    """Return the share of others farther than the own distance, ties counting one half."""
    gap = others - own
    tied = np.abs(gap) <= TIE * np.maximum(np.abs(others), np.abs(own))
    return float(np.mean(np.where(tied, 0.5, gap > 0)))
