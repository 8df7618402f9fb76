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
    (perturbations,) from 0 to 1, larger is better: the share of others that lie farther; 0.5 for an
    uninformed answer. Scaling and shifting predictions change it. NaN where there is no other. Without
    targets it is 1 - (1 - published) n / (n - 1).
    """
    return _share_farther(predicted, truth, targets, groups, "cityblock")


def centroid_accuracy(predicted: Floats, truth: Floats, groups: ArrayLike | None = None) -> Floats:
    """Return the share of other perturbations' profiles that lie farther (Euclidean) than the own one.

    Centroid accuracy of Systema (Vinas Torne et al. 2025, doi:10.1038/s41587-025-02777-8), called NIR by
    CellSimBench; a tie counts one half. Parameters and result as in :func:`perturbation_discrimination`.
    """
    return _share_farther(predicted, truth, None, groups, "sqeuclidean")


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
    for rows in _groups(groups, len(predicted)):
        away = _distances(predicted[rows], truth[rows], "cityblock")
        if targets is not None:
            away -= _at_targets(predicted[rows], truth[rows], targets[rows])
        n = len(rows)
        found[rows] = 1 - (1 - _farther(np.diag(away)[:, None], away)) * (n - 1) / n
    return found


def _share_farther(
    predicted: Floats,
    truth: Floats,
    targets: Bools | None,
    groups: ArrayLike | None,
    metric: Literal["cityblock", "sqeuclidean"],
) -> Floats:
    found = np.full(len(predicted), np.nan)
    for rows in _groups(groups, len(predicted)):
        p, t = predicted[rows], truth[rows]
        away = _distances(p, t, metric)
        own = np.diag(away)[:, None]
        if targets is not None:
            aimed = targets[rows]
            away, own = away - _at_either_target(p, t, aimed), _own_without(p, t, aimed)
        found[rows] = _farther(own, away)
    return found


def _at_either_target(predicted: Floats, truth: Floats, targets: Bools) -> Floats:
    """Return the part of each L1 distance that lies on genes which either perturbation targets."""
    of_asked = _at_targets(predicted, truth, targets)
    of_other = _at_targets(truth, predicted, targets).T
    return of_asked + of_other - _at_targets(predicted, truth, targets, shared=True)


def _at_targets(left: Floats, right: Floats, targets: Bools, shared: bool = False) -> Floats:
    """Return the part of the L1 distances on the targets of the left profile, or on those of both."""
    part = np.zeros((len(left), len(right)))
    for row, aimed in enumerate(targets):
        gap = np.abs(left[row, aimed] - right[:, aimed])
        part[row] = (gap * targets[:, aimed] if shared else gap).sum(axis=1)
    return part


def _own_without(predicted: Floats, truth: Floats, targets: Bools) -> Floats:
    """Return the distance to the own profile without the targets of the row and of the column."""
    kept = 1.0 - targets
    return np.asarray((np.abs(predicted - truth) * kept) @ kept.T)


def _distances(predicted: Floats, truth: Floats, metric: str) -> Floats:
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(predicted, truth, metric))


def _groups(groups: ArrayLike | None, n: int) -> list[NDArray[np.int64]]:
    """Return the rows of every group of at least two."""
    labels = np.zeros(n) if groups is None else np.asarray(groups)
    found = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return [rows for rows in found if len(rows) > 1]


def _farther(own: Floats, away: Floats) -> Floats:
    """Return for each row the share of other columns farther than the own one, ties counting one half."""
    gap = away - own
    tied = np.abs(gap) <= TIE * np.maximum(np.abs(away), np.abs(own))
    wins = np.where(tied, 0.5, gap > 0)
    np.fill_diagonal(wins, 0)
    return np.asarray(wins.sum(axis=1) / (len(away) - 1))
