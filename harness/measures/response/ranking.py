"""Does a model put the perturbations first that lead towards a goal?

A goal is a direction in gene space: to reverse a disease or to reach a state. Perturbations are scored by the
cosine of their predicted effect with the goal, and held against the cosine of their measured effect. Scores
may be any numbers (prior frequency, effect size, expression of the target), so controls go the same way.
Ties are settled by the mean over all orders, so that an answer without preference has the value of chance.

Where effects and the goal are taken from one measured control, its noise is in both and leads towards the
goal, most so for perturbations that do nothing else; what it adds is taken off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.measures.response.genes import RESOLUTION, in_top

Floats = NDArray[np.float64]

PLACES = 10
"""Places that count in the discounted gain: so many candidates are followed up."""
TIE = 1e-12
"""A range of gains smaller than this share of the best is none."""


def towards(effect: ArrayLike, goal: ArrayLike, shared: float = 0.0) -> Floats:
    """Return the cosine of each effect (perturbations x genes) with a goal (genes,); NaN for no effect.

    Parameters
    ----------
    shared
        Variance, summed over genes, of noise that is in effects and goal alike: taken off their product, it
        leaves the product of what they are without it.
    """
    moves, aim = np.asarray(effect, dtype=float), np.asarray(goal, dtype=float)
    length = np.linalg.norm(moves, axis=-1) * np.linalg.norm(aim)
    return np.asarray((moves @ aim - shared) / np.where(length > 0, length, np.nan))


def adjusted_ndcg(scores: ArrayLike, relevance: ArrayLike, k: int) -> float:
    """Return the discounted gain of the first k, as a share of the way from chance to the best order.

    nDCG@k with gain max(relevance, 0) and discount 1 / log2(1 + place), minus its expectation over random
    orders, over one minus that expectation (AnDCG@k of AssayBench, "condensed": perturbations without a
    measured relevance are left out before ranking). Here it is not floored.

    Parameters
    ----------
    scores, relevance
        One per perturbation: what the model says, what was measured (NaN: not measured). A score of NaN is
        no answer and ranks like the lowest.

    Returns
    -------
    0 for chance, 1 for the best order, negative for worse than chance; unchanged by any increasing function
    of the scores. NaN where nothing is relevant or every order is as good.
    """
    said, worth = _measured(scores, relevance)
    gain = np.maximum(worth, 0)
    if len(gain) < 2 or not gain.any():
        return float("nan")
    best, chance = _discounted_gain(gain, gain, k), _discounted_gain(np.zeros(len(gain)), gain, k)
    room = best - chance
    return float((_discounted_gain(said, gain, k) - chance) / room) if room > TIE * best else float("nan")


def published_adjusted_ndcg(scores: ArrayLike, relevance: ArrayLike, k: int) -> float:
    """Return :func:`adjusted_ndcg` with the floor of 0 under which AssayBench publishes it."""
    return float(np.maximum(adjusted_ndcg(scores, relevance, k), 0.0))


def enrichment_factor(scores: ArrayLike, relevance: ArrayLike, share: float = 0.01) -> float:
    """Return how many times more of the best perturbations are among the first than by chance.

    The best ``share`` of perturbations by measured relevance is sought among the first ``share`` by score
    (at least one each). 1 is chance, the number of perturbations over that of sought ones the best, larger is
    better; unchanged by any increasing function of the scores.
    """
    said, worth = _measured(scores, relevance)
    if len(said) < 2 or np.ptp(worth) == 0:
        return float("nan")
    places = int(np.ceil(share * len(said)))
    best, first = in_top(worth, places), in_top(said, places)
    return float((best * first).sum() / places / (places / len(said)))


def top1_regret(scores: ArrayLike, relevance: ArrayLike) -> float:
    """Return what is lost by taking the first perturbation instead of the best: best minus its relevance.

    0 is the best, smaller is better; the best minus the mean relevance is chance. With cosines as relevance
    it is at most about 2. Unchanged by any increasing function of the scores.
    """
    said, worth = _measured(scores, relevance)
    if not len(said):
        return float("nan")
    return float(worth.max() - in_top(said, 1) @ worth)


TARGET_RANKING: Mapping[str, Callable[[ArrayLike, ArrayLike], float]] = MappingProxyType(
    {
        "andcg": partial(adjusted_ndcg, k=PLACES),
        "enrichment_factor": enrichment_factor,
        "top1_regret": top1_regret,
    }
)
"""Scores of an order of perturbations, given what is said and what was measured of each."""


def ranked_towards(effect: Floats, truth: Floats, goal: Floats, shared: float = 0.0) -> dict[str, float]:
    """Return how well predicted effects rank perturbations by where they really lead.

    Parameters
    ----------
    effect, truth
        Predicted and measured effects (perturbations x genes); no effect is no answer.
    goal
        Direction (genes,).
    shared
        Of measured effects and goal, see :func:`towards`.

    Returns
    -------
    A number for each of :data:`TARGET_RANKING`; NaN where all perturbations lead there equally.
    """
    said = np.round(towards(effect, goal), RESOLUTION)
    measured = np.round(towards(truth, goal, shared), RESOLUTION)
    alike = not np.nanstd(measured) > 0
    return {n: float("nan") if alike else score(said, measured) for n, score in TARGET_RANKING.items()}


def _discounted_gain(scores: Floats, gain: Floats, k: int) -> float:
    """Return DCG@k, each place of a group of tied scores having the mean gain of the group."""
    _, group, size = np.unique(-scores, return_inverse=True, return_counts=True)
    by_place = np.repeat(np.bincount(group, weights=gain) / size, size)[:k]
    return float((by_place / np.log2(np.arange(len(by_place)) + 2)).sum())


def _measured(scores: ArrayLike, relevance: ArrayLike) -> tuple[Floats, Floats]:
    """Return both for the perturbations that were measured; no answer ranks like the lowest one."""
    said, worth = np.asarray(scores, dtype=float), np.asarray(relevance, dtype=float)
    known = np.isfinite(worth)
    said = said[known]
    answered = np.isfinite(said)
    lowest = said[answered].min() if answered.any() else 0.0
    return np.where(answered, said, lowest), worth[known]
