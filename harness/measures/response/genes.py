"""Are the genes found that a perturbation really changes, and those that only few perturbations change?

Truth comes as boolean masks of significant genes (perturbations x genes), made from measured cells; a
prediction comes as its effect, the predicted minus the measured control profile. Effects equal up to
:data:`RESOLUTION` are ties, and ties share a place, so that the order of genes never decides.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

RESOLUTION = 9
"""Decimals of an effect that count; what differs behind them is rounding."""
PRIVATE_SHARE = 0.05
TAIL_SHARE = 0.01


def de_overlap(
    effect: Floats,
    significant: Bools,
    *,
    candidates: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    predicted_significant: Bools | None = None,
) -> Floats:
    """Return the share of truly DE genes among equally many genes with the largest predicted effects.

    The differential expression score of the Virtual Cell Challenge (cell-eval's ``overlap_at_N``): with N
    significant genes, the N genes of largest absolute predicted effect are held against them and the
    intersection is divided by N. Where cells are predicted, only genes that are significant in them count.

    Parameters
    ----------
    effect
        Predicted minus measured control profile (perturbations x genes).
    significant
        Truly DE genes (FDR < .05 in Wilcoxon's test with Benjamini-Hochberg, say).
    candidates
        Genes that take part (genes,) or (perturbations x genes): without targets, say. None: all.
    weights
        What finding a gene is worth (genes,), see :func:`rarity_weights`. None: all the same.
    predicted_significant
        Genes significant in predicted cells; None where a model predicts means.

    Returns
    -------
    (perturbations,) from 0 to 1, larger is better; a random order has N / genes on average. Scaling all
    effects changes nothing. NaN without a DE gene, where cell-eval has 0.
    """
    among = _mask(candidates, effect)
    eligible = among if predicted_significant is None else among & predicted_significant
    worth = np.ones(effect.shape[1]) if weights is None else np.asarray(weights, dtype=float)
    return np.array(
        [
            _captured(in_top(_size(row), int(de.sum()), ok), worth * de)
            for row, de, ok in zip(effect, significant & among, eligible, strict=True)
        ]
    )


def auprc(effect: Floats, positives: Bools, *, candidates: ArrayLike | None = None) -> Floats:
    """Return the area under the precision-recall curve, from 0 for a random order to 1.

    Genes are ranked by absolute predicted effect. The average precision AP of a random order of N genes with
    R positives is :func:`chance_precision`, which exceeds the prevalence R / N where positives are few;
    (AP - chance) / (1 - chance) has its floor at 0 whatever R. Tied genes have the mean AP of all their
    orders, so that an answer without preference scores as a random one. AP for DE genes: Zhu et al. 2025,
    doi:10.1093/bib/bbaf426.

    Parameters
    ----------
    effect
        Predicted minus measured control profile (perturbations x genes).
    positives
        Genes to be found (perturbations x genes).
    candidates
        Genes that take part (genes,) or (perturbations x genes). None: all.

    Returns
    -------
    (perturbations,) up to 1, larger is better; negative where worse than a random order. Scaling all effects
    changes nothing. NaN where no or every candidate is positive.
    """

    def beyond_chance(scores: Floats, wanted: Bools) -> float:
        chance = chance_precision(int(wanted.sum()), len(wanted))
        return (tied_average_precision(scores, wanted) - chance) / (1 - chance)

    return _by_ranking(beyond_chance, effect, positives, candidates)


def auprc_over_prevalence(effect: Floats, positives: Bools, *, candidates: ArrayLike | None = None) -> Floats:
    """Return (AP - pi) / (1 - pi) with pi the prevalence of positives, AP as is customary.

    Shown beside :func:`auprc`: with few positives a random order exceeds its floor of 0, and thereby an
    answer without preference. Parameters and result as there.
    """

    def over_prevalence(scores: Floats, wanted: Bools) -> float:
        prevalence = float(wanted.mean())
        return (average_precision(scores, wanted) - prevalence) / (1 - prevalence)

    return _by_ranking(over_prevalence, effect, positives, candidates)


def tied_average_precision(scores: Floats, wanted: Bools) -> float:
    """Return the mean average precision over all orders of tied items.

    At place j of a group of n tied items, r of them wanted, that follows a items with b wanted, an item is
    wanted with chance r / n and then has precision (b + 1 + (j - 1) (r - 1) / (n - 1)) / (a + j) on average
    (McSherry and Najork 2008, doi:10.1007/978-3-540-78646-7_38).

    Parameters
    ----------
    scores
        One per item (items,), higher first.
    wanted
        Which items are to be found, at least one.
    """
    size, found = _tied_groups(scores, wanted)
    n, r, b = (np.repeat(each, size) for each in (size, found, np.cumsum(found) - found))
    place = np.arange(len(scores))
    in_group = place - np.repeat(np.cumsum(size) - size, size)
    precision = (b + 1 + in_group * (r - 1) / np.maximum(n - 1, 1)) / (place + 1)
    return float((r / n * precision).sum() / wanted.sum())


def average_precision(scores: Floats, wanted: Bools) -> float:
    """Return the average precision with one threshold per group of tied items, as scikit-learn has it."""
    size, found = _tied_groups(scores, wanted)
    return float((found * np.cumsum(found) / np.cumsum(size)).sum() / wanted.sum())


@cache
def chance_precision(wanted: int, items: int) -> float:
    """Return the expected average precision of a random order of items of which some are wanted."""
    return tied_average_precision(np.zeros(items), np.arange(items) < wanted)


def sign_accuracy(effect: Floats, truth: Floats, genes: Bools) -> Floats:
    """Return the share of the given genes whose change is predicted in the right direction.

    A predicted effect of zero says nothing and counts one half, so that no change has the floor of a coin.

    Parameters
    ----------
    effect, truth
        Predicted and measured minus measured control profile (perturbations x genes).
    genes
        The DE genes asked about (perturbations x genes).

    Returns
    -------
    (perturbations,) from 0 to 1, larger is better, 0.5 for a coin. Scaling all effects changes nothing. NaN
    without a gene.
    """
    agree = np.sign(np.round(effect, RESOLUTION)) * np.sign(truth)
    right = (1 + agree) / 2
    count = genes.sum(axis=1)
    return np.asarray((right * genes).sum(axis=1) / np.where(count > 0, count, np.nan))


def rare_genes(training: Bools, share: float = PRIVATE_SHARE) -> Bools:
    """Return the genes that at most a share of the training perturbations change.

    Those of them that a perturbation does change are its private genes, the rare tail. They are sought among
    the rare genes only: an answer that names whatever seldom changes gains nothing there.

    Parameters
    ----------
    training
        DE genes of the training perturbations (training perturbations x genes).
    """
    return np.asarray(training.mean(axis=0) <= share)


def rarity_weights(training: Bools) -> Floats:
    """Return what finding a gene is worth: minus the logarithm of how often it is DE in training.

    The frequency is (times + 1) / (perturbations + 1), so that a gene that never was DE has a finite weight
    and one that always is has none.
    """
    return np.asarray(-np.log((training.sum(axis=0) + 1) / (len(training) + 1)))


def tail_recall(
    effect: Floats, truth: Floats, candidates: ArrayLike | None = None, share: float = TAIL_SHARE
) -> Floats:
    """Return how many of the most changed genes are among the same number of predicted ones.

    Parameters
    ----------
    effect, truth
        Predicted and measured minus measured control profile (perturbations x genes).
    candidates
        Genes that take part: without targets and without genes below a detection floor.
    share
        Share of candidates that is the tail, at least one gene.

    Returns
    -------
    (perturbations,) from 0 to 1, larger is better; a random order has about ``share``. Scaling all effects
    changes nothing. NaN without a measured change.
    """
    found = np.full(len(effect), np.nan)
    for row, among in enumerate(_mask(candidates, effect)):
        n_tail = int(np.ceil(share * among.sum()))
        if n_tail and _size(truth[row, among]).any():
            wanted = in_top(_size(truth[row]), n_tail, among)
            found[row] = _captured(in_top(_size(effect[row]), n_tail, among), wanted)
    return found


def in_top(scores: Floats, n: int, among: Bools | None = None) -> Floats:
    """Return the chance of each item to be among the ``n`` of highest score, when ties are drawn by lot.

    Parameters
    ----------
    scores
        One per item (items,).
    n
        Number of places; more than there are items gives each one.
    among
        Items that take part; others have chance 0.

    Returns
    -------
    (items,) with sum min(n, items that take part).
    """
    among = np.ones(len(scores), bool) if among is None else among
    n = min(n, int(among.sum()))
    if n == 0:
        return np.zeros(len(scores))
    threshold = np.sort(scores[among])[-n]
    above, tied = among & (scores > threshold), among & (scores == threshold)
    return np.asarray(above + tied * (n - above.sum()) / tied.sum())


def _tied_groups(scores: Floats, wanted: Bools) -> tuple[NDArray[np.int64], Floats]:
    """Return how many items each group of tied scores has and how many of them are wanted, highest first."""
    order = np.argsort(-scores, kind="stable")
    start = np.flatnonzero(np.diff(scores[order], prepend=np.inf))
    return np.diff(start, append=len(scores)), np.add.reduceat(wanted[order].astype(float), start)


def _by_ranking(
    score: Callable[[Floats, Bools], float], effect: Floats, positives: Bools, candidates: ArrayLike | None
) -> Floats:
    """Return a score of each perturbation's candidates by size of effect; NaN where there is no choice."""
    found = np.full(len(effect), np.nan)
    for row, among in enumerate(_mask(candidates, effect)):
        wanted = positives[row, among]
        if 0 < wanted.sum() < len(wanted):
            found[row] = score(_size(effect[row, among]), wanted)
    return found


def _size(effect: Floats) -> Floats:
    return np.asarray(np.round(np.abs(effect), RESOLUTION))


def _mask(candidates: ArrayLike | None, like: Floats) -> Bools:
    return np.broadcast_to(True if candidates is None else np.asarray(candidates, dtype=bool), like.shape)


def _captured(chosen: Floats, worth: Floats) -> float:
    total = worth.sum()
    return float((chosen * worth).sum() / total) if total > 0 else float("nan")
