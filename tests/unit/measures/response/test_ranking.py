"""Target ranking against scikit-learn, hand-worked gains, and chance."""

from itertools import permutations

import numpy as np
import pytest
from sklearn.metrics import ndcg_score

from harness.measures.response import (
    adjusted_ndcg,
    enrichment_factor,
    published_adjusted_ndcg,
    ranked_towards,
    top1_regret,
    towards,
)

A = np.array


def test_cosine_by_hand():
    """(1, 1) and (-3, 0) towards (1, 0): cos 45 degrees, and straight away; no effect has no direction."""
    found = towards(A([[1.0, 1], [-3, 0], [0, 0]]), A([1.0, 0]))
    np.testing.assert_allclose(found, [np.sqrt(0.5), -1, np.nan])


def test_noise_in_effect_and_goal_alike_is_taken_off():
    """Effect (1, 0, ...) and goal (2, 0, ...) are taken from one noisy control. In the mean their product
    is 2, and 2 + genes x variance if nothing is done."""
    rng, genes, noise = np.random.default_rng(0), 20, 0.5
    true = np.eye(1, genes)[0]
    control, treated, reached = noise * rng.normal(size=(3, 4000, genes)) + A([0, 1, 2])[:, None, None] * true
    effect, goal = treated - control, reached - control
    length = np.linalg.norm(effect, axis=1) * np.linalg.norm(goal, axis=1)
    for shared, expected in ((0.0, 2 + genes * noise**2), (genes * noise**2, 2.0)):
        cosine = np.array([towards(e[None], g, shared)[0] for e, g in zip(effect, goal, strict=True)])
        assert (cosine * length).mean() == pytest.approx(expected, abs=0.25)


def test_ranked_towards_is_all_scores_of_the_cosines():
    """Said by predicted effects, measured by true ones, with what is shared taken off the latter alone; all
    alike is nothing to rank."""
    rng = np.random.default_rng(1)
    effect, truth, goal = rng.normal(size=(12, 6)), rng.normal(size=(12, 6)), rng.normal(size=6)
    found = ranked_towards(effect, truth, goal, 0.3)
    said, measured = towards(effect, goal), towards(truth, goal, 0.3)
    assert found == {
        "andcg": pytest.approx(adjusted_ndcg(said, measured, 10)),
        "enrichment_factor": pytest.approx(enrichment_factor(said, measured)),
        "top1_regret": pytest.approx(top1_regret(said, measured)),
    }
    alike = ranked_towards(effect, np.repeat(truth[:1], 12, axis=0), goal)
    assert np.isnan(list(alike.values())).all()


def test_adjusted_gain_by_hand():
    """Relevances 1, 0.5, 0 ranked 2nd, 1st, 3rd, the first two counting.

    Discounts are 1 and 1 / log2(3) = .6309. DCG = .5 + .6309, best 1 + .31546; chance gives every place the
    mean relevance .5: .5 x 1.6309.
    """
    second = 1 / np.log2(3)
    found, best, chance = 0.5 + second, 1 + 0.5 * second, 0.5 * (1 + second)
    expected = (found / best - chance / best) / (1 - chance / best)
    assert adjusted_ndcg([2, 3, 1], [1, 0.5, 0], k=2) == pytest.approx(expected)


def test_it_is_scikit_learns_minus_the_mean_of_all_orders():
    """nDCG@2 of 5 perturbations: chance is the mean over all 120 orders."""
    scores, relevance = A([0.3, 0.1, 0.9, 0.5, 0.2]), A([0.2, 0.8, 0.1, 0.6, 0.0])
    chance = np.mean([ndcg_score([relevance], [order], k=2) for order in permutations(range(5))])
    found = ndcg_score([relevance], [scores], k=2)
    assert adjusted_ndcg(scores, relevance, 2) == pytest.approx((found - chance) / (1 - chance))


def test_chance_best_and_worse_than_chance():
    """No preference has 0, the measured order 1, and the reverse less than 0, which publication hides."""
    relevance = A([0.9, 0.5, 0.2, -0.4, -0.9])
    assert adjusted_ndcg(np.ones(5), relevance, 3) == pytest.approx(0)
    assert adjusted_ndcg(relevance, relevance, 3) == pytest.approx(1)
    assert adjusted_ndcg(-relevance, relevance, 3) < 0
    assert published_adjusted_ndcg(-relevance, relevance, 3) == 0
    assert published_adjusted_ndcg(relevance, relevance, 3) == pytest.approx(1)


def test_only_the_order_counts():
    """Any increasing function of the scores gives the same."""
    rng = np.random.default_rng(0)
    scores, relevance = rng.normal(size=(2, 50))
    for score in (
        lambda s: adjusted_ndcg(s, relevance, 10),
        lambda s: enrichment_factor(s, relevance, 0.1),
        lambda s: top1_regret(s, relevance),
    ):
        assert score(np.exp(3 * scores)) == pytest.approx(score(scores))


def test_what_was_not_measured_is_left_out_and_no_answer_ranks_last():
    """The unmeasured favourite does not take a place; a NaN score is like the lowest."""
    scores, relevance = A([9.0, 3, 2, 1]), A([np.nan, 1, 0.5, 0])
    assert adjusted_ndcg(scores, relevance, 2) == pytest.approx(adjusted_ndcg([3, 2, 1], [1, 0.5, 0], 2))
    assert top1_regret(scores, relevance) == 0
    silent = adjusted_ndcg([3, 2, np.nan], [1, 0.5, 0], 2)
    assert silent == pytest.approx(adjusted_ndcg([3, 2, 2], [1, 0.5, 0], 2))


def test_enrichment_by_hand():
    """Of 200 the best 2 are sought among the first 2; one is there: a half, where chance has 1 / 100."""
    relevance, scores = np.zeros(200), np.zeros(200)
    relevance[[3, 5]], scores[[5, 8]] = [2, 1], [2, 1]
    assert enrichment_factor(scores, relevance) == pytest.approx(0.5 / 0.01)
    assert enrichment_factor(relevance, relevance) == pytest.approx(100)
    assert enrichment_factor(np.zeros(200), relevance) == pytest.approx(1)


def test_regret_by_hand():
    """The choice has .2 where .9 was to be had; without preference the mean (.4) is lost."""
    relevance = A([0.9, 0.2, 0.4])
    assert top1_regret([1, 3, 2], relevance) == pytest.approx(0.7)
    assert top1_regret(relevance, relevance) == 0
    assert top1_regret([1, 1, 1], relevance) == pytest.approx(0.9 - 0.5)


def test_undefined_is_missing():
    """Nothing leads towards the goal, one perturbation, none measured."""
    assert np.isnan(adjusted_ndcg([1, 2], [-1, -2], 1))
    assert np.isnan(adjusted_ndcg([1], [1], 1))
    assert np.isnan(published_adjusted_ndcg([1], [1], 1))
    assert np.isnan(enrichment_factor([1, 2], [3, 3]))
    assert np.isnan(top1_regret([1], [np.nan]))
