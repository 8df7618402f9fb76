"""DE overlap, precision-recall, signs and the rare tail against hand-worked numbers and scikit-learn."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from harness.measures.response import (
    auprc,
    auprc_over_prevalence,
    de_overlap,
    rare_genes,
    rarity_weights,
    sign_accuracy,
    tail_recall,
)
from harness.measures.response.genes import (
    average_precision,
    chance_precision,
    in_top,
    tied_average_precision,
)

A = np.array
EFFECT = A([[3.0, -2, 0.5, 0, -1]])
DE = A([[True, False, True, False, True]])


def test_overlap_by_hand():
    """Three genes are DE (0, 2, 4); the three largest effects are of genes 0, 1, 4: two of three."""
    assert de_overlap(EFFECT, DE) == pytest.approx(2 / 3)
    # Gene 0 left out: two are DE (2, 4), the two largest are 1 and 4.
    assert de_overlap(EFFECT, DE, candidates=[False, True, True, True, True]) == pytest.approx(1 / 2)
    # Genes 0 and 4 are found of weights 1, 4 (gene 2) and 3.
    assert de_overlap(EFFECT, DE, weights=A([1.0, 9, 4, 9, 3])) == pytest.approx(4 / 8)


def test_overlap_where_cells_are_predicted_is_that_of_cell_eval():
    """Only genes significant in the prediction are named, the largest first, at most as many as are DE."""
    said = A([[True, True, False, False, False]])
    assert de_overlap(EFFECT, DE, predicted_significant=said) == pytest.approx(1 / 3)
    rng = np.random.default_rng(0)
    effect, de, said = rng.normal(size=(4, 30)), rng.random((4, 30)) < 0.3, rng.random((4, 30)) < 0.5
    for row, found in enumerate(de_overlap(effect, de, predicted_significant=said)):
        real = set(np.flatnonzero(de[row]))
        ranked = sorted(np.flatnonzero(said[row]), key=lambda gene: -abs(effect[row, gene]))
        assert found == pytest.approx(len(real & set(ranked[: len(real)])) / len(real))


def test_ties_share_places_and_nothing_is_missing_as_zero():
    """No change names 3 of 5 genes by lot: three fifths of what is DE. No DE gene: NaN."""
    assert de_overlap(np.zeros((1, 5)), DE) == pytest.approx(3 / 5)
    assert np.isnan(de_overlap(EFFECT, np.zeros((1, 5), bool)))
    np.testing.assert_allclose(in_top(A([2.0, 1, 1, 1, 0]), 3), [1, 2 / 3, 2 / 3, 2 / 3, 0])
    np.testing.assert_allclose(in_top(A([2.0, 1, 5]), 2, A([True, True, False])), [1, 1, 0])
    assert in_top(A([1.0, 2]), 9).tolist() == [1, 1]
    assert in_top(A([1.0, 2]), 0).tolist() == [0, 0]


def test_a_shifted_control_has_no_preference():
    """The same number added to all genes of the control gives equal effects, but for rounding."""
    control = np.random.default_rng(1).gamma(1, 1, 500)
    de = np.random.default_rng(2).random((1, 500)) < 0.1
    effect = (control + 0.3 - control)[None]
    assert len(np.unique(effect)) > 1
    assert de_overlap(effect, de) == pytest.approx(de.mean())
    assert auprc(effect, de) == pytest.approx(0)


def test_average_precision_by_hand():
    """Wanted at places 1 and 3: (1 + 2 / 3) / 2. A lone wanted of two tied: at place 1 or 2, 3 / 4."""
    assert average_precision(A([3.0, 2, 1]), A([True, False, True])) == pytest.approx(5 / 6)
    assert tied_average_precision(A([3.0, 2, 1]), A([True, False, True])) == pytest.approx(5 / 6)
    assert tied_average_precision(A([1.0, 1]), A([True, False])) == pytest.approx(3 / 4)
    assert chance_precision(1, 2) == pytest.approx(3 / 4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=2, max_size=5))
def test_ties_have_the_mean_of_all_orders(items):
    """Written out: the mean of average precision over every order of tied items; one threshold per tie is
    scikit-learn's."""
    scores, wanted = A([s for s, _ in items], dtype=float), A([w for _, w in items])
    if not wanted.any():
        return
    assert average_precision(scores, wanted) == pytest.approx(average_precision_score(wanted, scores))
    every = []
    for order in permutations(range(len(items))):
        if (np.diff(scores[list(order)]) <= 0).all():
            hits = wanted[list(order)]
            every.append((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits].mean())
    assert tied_average_precision(scores, wanted) == pytest.approx(np.mean(every))


def test_auprc_has_chance_at_zero_and_the_truth_at_one():
    """By hand: two of four genes wanted, found at places 1 and 3.

    AP = 5 / 6. Chance: the 6 placings of 2 in 4 have AP 1, 5/6, 3/4, 7/12, 1/2, 5/12, in the mean 49 / 72.
    """
    effect, wanted = A([[4.0, -3, 2, 1]]), A([[True, False, True, False]])
    assert chance_precision(2, 4) == pytest.approx(49 / 72)
    assert auprc(effect, wanted) == pytest.approx((5 / 6 - 49 / 72) / (1 - 49 / 72))
    assert auprc_over_prevalence(effect, wanted) == pytest.approx((5 / 6 - 1 / 2) / (1 / 2))
    assert auprc(wanted * 1.0, wanted) == pytest.approx(1)
    assert np.isnan(auprc(effect, np.ones((1, 4), bool))).all()
    assert np.isnan(auprc(effect, np.zeros((1, 4), bool))).all()


def test_over_the_prevalence_a_random_order_beats_an_answer_without_preference():
    """Why that form is not ranked: two DE genes of 60, 1,000 random orders."""
    rng = np.random.default_rng(0)
    wanted = np.broadcast_to(np.arange(60) < 2, (1000, 60))
    drawn, none = rng.normal(size=(1000, 60)), np.zeros((1, 60))
    by_lot = auprc_over_prevalence(drawn, wanted)
    assert auprc_over_prevalence(none, wanted[:1]) == pytest.approx(0)
    assert by_lot.mean() > 0.04
    fair = auprc(drawn, wanted)
    assert abs(fair.mean()) < 2.5 * fair.std() / np.sqrt(1000)
    assert auprc(none, wanted[:1]) == pytest.approx(0)


def test_signs_by_hand():
    """Genes 0 and 1 are right, gene 2 wrong, gene 3 not predicted: 2.5 of 4; gene 4 is not asked."""
    effect, truth = A([[1.0, -2, 3, 0, -1]]), A([[2.0, -1, -1, 1, 1]])
    assert sign_accuracy(effect, truth, A([[True] * 4 + [False]])) == pytest.approx(2.5 / 4)
    assert np.isnan(sign_accuracy(effect, truth, np.zeros((1, 5), bool)))


def test_rarity_by_hand():
    """DE in 4, 2 and 0 of 4 training perturbations: weights -log(5/5), -log(3/5), -log(1/5)."""
    training = A([[1, 1, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]], dtype=bool)
    np.testing.assert_allclose(rarity_weights(training), [0, np.log(5 / 3), np.log(5)])
    assert rare_genes(training, 0.5).tolist() == [False, True, True]
    assert rare_genes(training).tolist() == [False, False, True]


def test_tail_by_hand():
    """Of 200 candidates the tail has 2: genes 7 and 9; the answer names 9 and 3."""
    truth, effect = np.zeros((1, 201)), np.zeros((1, 201))
    truth[0, [7, 9, 200]], effect[0, [3, 9, 200]] = [-4, 3, 9], [5, 4, 9]
    candidates = np.arange(201) < 200  # gene 200 is the target
    assert tail_recall(effect, truth, candidates) == pytest.approx(1 / 2)
    assert tail_recall(truth, truth, candidates) == pytest.approx(1)
    assert tail_recall(np.zeros((1, 201)), truth, candidates) == pytest.approx(2 / 200)
    assert np.isnan(tail_recall(effect, np.zeros((1, 201)), candidates))
