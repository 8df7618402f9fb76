"""Agreement of predicted with measured profiles, one number per perturbation.

A profile is the mean log-normalised expression of a perturbation's cells (genes,). Functions take one profile
or one per row (perturbations x genes) and work along the last axis. Where a score is not defined (a constant
side, no gene with weight) it is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

CONSTANT = 1e-10
"""A root mean square below this is the rounding of log-expression, not variation."""


def pearson(a: ArrayLike, b: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Return Pearson's r over genes, each gene counting by its weight; NaN where one side is constant.

    Weights of zero and one choose genes: ``weights=de`` is the correlation over the DE genes. From -1 to 1,
    larger is better; unchanged by scaling (with a positive number) and shifting either side.
    """
    share = _shares(weights, a, b)
    a, b = _centred(a, share), _centred(b, share)
    spread_a, spread_b = _root_mean_square(a, share), _root_mean_square(b, share)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = (share * a * b).sum(axis=-1) / (spread_a * spread_b)
    return np.asarray(np.where(np.minimum(spread_a, spread_b) < CONSTANT, np.nan, r))


def spearman(a: ArrayLike, b: ArrayLike) -> Floats:
    """Return Spearman's rank correlation along the last axis, ties at their mean rank; NaN where constant."""
    from scipy.stats import rankdata

    return pearson(rankdata(a, axis=-1), rankdata(b, axis=-1))


def pearson_delta(
    predicted: ArrayLike, truth: ArrayLike, reference: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """Return Pearson's r between the predicted and the measured difference from a reference.

    Parameters
    ----------
    predicted, truth
        Profiles (perturbations x genes).
    reference
        What differences are taken from (genes,) or (perturbations x genes). The measured control gives the
        customary delta, which rewards what all perturbations share; the mean of the *training* perturbation
        centroids gives that of Systema (Vinas Torne et al. 2025, doi:10.1038/s41587-025-02777-8), and the
        control plus the mean effect in the training contexts gives the context-specific part.

    Returns
    -------
    (perturbations,) from -1 to 1, larger is better. Adding a number to all genes of a prediction changes
    nothing, scaling its difference from the reference neither. Its floor is 0 only against the control: with
    a reference made of n perturbations no change has up to 1 / sqrt(n + 1), because prediction and truth
    share the reference's own deviation.
    """
    reference = np.asarray(reference, dtype=float)
    return pearson(np.asarray(predicted) - reference, np.asarray(truth) - reference, weights)


def mse(predicted: ArrayLike, truth: ArrayLike, weights: ArrayLike | None = None) -> Floats:
    """Return the mean squared error over genes, each gene counting by its weight.

    From 0, smaller is better; scaling and shifting a prediction change it.
    """
    share = _shares(weights, predicted, truth)
    return np.asarray((share * (np.asarray(predicted) - np.asarray(truth)) ** 2).sum(axis=-1))


def r2(
    predicted: ArrayLike, truth: ArrayLike, reference: ArrayLike = 0.0, weights: ArrayLike | None = None
) -> Floats:
    """Return the coefficient of determination of differences from a reference.

    One minus the squared error over the squared deviation of the measured difference from its own (weighted)
    mean over genes: ``sklearn.metrics.r2_score`` with genes as samples and weights as sample weights. With
    weights from :func:`contrast_weights` and the centroid as reference it is the R2_w(delta) of Mejia et al.
    2025 (arXiv:2506.22641); with 0 / 1 weights it is R2 over the chosen genes. At most 1 and never above the
    squared correlation, unbounded below, larger is better; scaling and shifting a prediction change it.
    """
    share = _shares(weights, predicted, truth)
    spread = _root_mean_square(_centred(np.asarray(truth) - np.asarray(reference), share), share)
    return _one_minus(mse(predicted, truth, weights), spread**2)


def skill(
    predicted: ArrayLike, truth: ArrayLike, reference: ArrayLike, weights: ArrayLike | None = None
) -> Floats:
    """Return the share of a reference prediction's squared error that a prediction removes.

    0 for the reference itself, 1 for the truth, negative where the reference is better (Murphy 1988,
    doi:10.1175/1520-0493(1988)116<2417:SSBOTM>2.0.CO;2). Noise that prediction and truth have in common with
    the reference does not help, as it does for the correlation of two differences from one noisy reference.
    Larger is better; scaling and shifting a prediction change it.
    """
    return _one_minus(mse(predicted, truth, weights), mse(reference, truth, weights))


def contrast_weights(t: ArrayLike) -> Floats:
    """Return gene weights that stress what tells a perturbation from all others.

    Absolute t-statistics of the perturbation's cells against the rest, scaled to 0-1, squared, and divided
    by their sum (Mejia et al. 2025, arXiv:2506.22641).

    Parameters
    ----------
    t
        Statistics (perturbations x genes); NaN (a gene that does not vary) counts as 0.

    Returns
    -------
    Weights with sum 1 per perturbation; NaN where all statistics are equal.
    """
    size = np.abs(np.nan_to_num(np.asarray(t, dtype=float), nan=0.0))
    low, high = size.min(axis=-1, keepdims=True), size.max(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = ((size - low) / (high - low)) ** 2
        return np.asarray(weights / weights.sum(axis=-1, keepdims=True))


def expression_stratum(
    mean: ArrayLike, stratum: int = 0, strata: int = 5, floor: float = 0.0
) -> NDArray[np.bool_]:
    """Return which genes lie in a stratum of mean expression, the first being the lowest.

    Strata hold equally many of the genes whose mean exceeds ``floor`` (Ahlmann-Eltze et al. 2025,
    doi:10.1038/s41592-025-02772-6, show scores by rank of expression).

    Parameters
    ----------
    mean
        Mean expression of control cells (genes,) or (perturbations x genes).
    """
    mean = np.asarray(mean, dtype=float)
    seen = mean > floor
    below = np.argsort(np.argsort(np.where(seen, mean, -np.inf), axis=-1, kind="stable"), axis=-1)
    rank = below - (~seen).sum(axis=-1, keepdims=True)
    place = np.floor(rank * strata / np.maximum(seen.sum(axis=-1, keepdims=True), 1))
    return np.asarray(seen & (place == stratum))


def _shares(weights: ArrayLike | None, *like: ArrayLike) -> Floats:
    """Return weights with sum 1 over genes; NaN where no gene has weight."""
    shape = np.broadcast_shapes(*(np.shape(each) for each in like))
    given = np.ones(shape[-1:]) if weights is None else np.asarray(weights, dtype=float)
    total = given.sum(axis=-1, keepdims=True)
    return np.asarray(given / np.where(total > 0, total, np.nan))


def _centred(values: ArrayLike, share: Floats) -> Floats:
    values = np.asarray(values, dtype=float)
    return np.asarray(values - (share * values).sum(axis=-1, keepdims=True))


def _root_mean_square(values: Floats, share: Floats) -> Floats:
    return np.asarray(np.sqrt((share * values**2).sum(axis=-1)))


def _one_minus(error: Floats, whole: Floats) -> Floats:
    return np.asarray(1 - error / np.where(whole > CONSTANT**2, whole, np.nan))
