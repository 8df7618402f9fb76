"""Discrimination against hand-worked ranks, pairwise distances of scipy, and what constant answers get."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from harness.measures.response import (
    centroid_accuracy,
    perturbation_discrimination,
    published_discrimination,
)

A = np.array


def knocked_down(seed=0, n=12, genes=30):
    """Measured profiles in which every perturbation lowers its own target strongly."""
    rng = np.random.default_rng(seed)
    truth = 3 + 0.3 * rng.normal(size=(n, genes))
    targets = np.zeros((n, genes), bool)
    targets[np.arange(n), rng.choice(genes, n, replace=False)] = True
    return truth - 2 * targets, targets


def test_ranks_by_hand():
    """Profiles at 0, 2 and 10 on one gene; answers 1.5, 0 and 9.

    1.5 is 1.5 from its own, 0.5 and 8.5 from the others: one of two is farther. 0 is 2 from its own (2), 0
    and 10 from the others: one of two. 9 is nearest to its own.
    """
    truth, predicted = A([[0.0], [2], [10]]), A([[1.5], [0], [9]])
    np.testing.assert_allclose(perturbation_discrimination(predicted, truth), [0.5, 0.5, 1])
    np.testing.assert_allclose(centroid_accuracy(predicted, truth), [0.5, 0.5, 1])
    # Published: 1 - rank / 3 with ranks 1, 1, 0.
    np.testing.assert_allclose(published_discrimination(predicted, truth), [2 / 3, 2 / 3, 1])


def test_l1_and_l2_may_disagree():
    """(2, 2) is 4 away by L1 and sqrt(8) = 2.83 by L2; (3.5, 0) is 3.5 away by both."""
    truth, predicted = A([[2.0, 2], [3.5, 0]]), np.zeros((2, 2))
    assert perturbation_discrimination(predicted, truth).tolist() == [0, 1]
    assert centroid_accuracy(predicted, truth).tolist() == [1, 0]


def test_shares_are_those_of_scipys_distances():
    """Without targets: the share of other columns of cdist beyond the diagonal."""
    rng = np.random.default_rng(1)
    predicted, truth = rng.normal(size=(2, 15, 8))
    for found, metric in ((perturbation_discrimination, "cityblock"), (centroid_accuracy, "euclidean")):
        away = cdist(predicted, truth, metric)
        peer = (away > np.diag(away)[:, None]).sum(axis=1) / 14
        np.testing.assert_allclose(found(predicted, truth), peer)


def test_the_published_form_is_cell_evals():
    """1 - rank / n, the rank by argsort of L1 distances without the own target."""
    truth, targets = knocked_down()
    predicted = truth + np.random.default_rng(2).normal(size=truth.shape)
    for row, found in enumerate(published_discrimination(predicted, truth, targets)):
        kept = ~targets[row]
        away = np.abs(truth[:, kept] - predicted[row, kept]).sum(axis=1)
        assert found == pytest.approx(1 - np.flatnonzero(np.argsort(away) == row)[0] / 12)


def test_identity_of_the_two_forms_without_targets():
    """score = 1 - (1 - published) n / (n - 1)."""
    predicted, truth = np.random.default_rng(3).normal(size=(2, 9, 5))
    published = published_discrimination(predicted, truth)
    np.testing.assert_allclose(
        perturbation_discrimination(predicted, truth), 1 - (1 - published) * 9 / 8, atol=1e-12
    )


def test_targets_of_both_are_left_out():
    """Genes 0 and 1 are the targets and would decide otherwise; gene 2 decides.

    The first answer (0, 0, 1) is 0 from its own truth without the targets and 2 from the other (with them 12
    and 11); the second (0, 0, 1.5) is 1.5 from its own and 0.5 from the other (with them 10.5 and 12.5).
    """
    truth, targets = A([[-12.0, 0, 1], [0, -9, 3]]), A([[True, False, False], [False, True, False]])
    predicted = A([[0.0, 0, 1], [0, 0, 1.5]])
    assert perturbation_discrimination(predicted, truth, targets).tolist() == [1, 0]
    assert perturbation_discrimination(predicted, truth).tolist() == [0, 1]


def test_targets_are_left_out_of_every_comparison_as_written_out():
    """Several targets per perturbation, some shared, one without: pair by pair over the genes that remain."""
    rng = np.random.default_rng(5)
    predicted, truth = rng.normal(size=(2, 10, 12))
    targets = rng.random((10, 12)) < 0.2
    targets[0] = False
    for row, found in enumerate(perturbation_discrimination(predicted, truth, targets)):
        wins = []
        for other in set(range(10)) - {row}:
            kept = ~(targets[row] | targets[other])
            own, away = (np.abs(predicted[row] - truth[each])[kept].sum() for each in (row, other))
            wins.append(away > own)
        assert found == pytest.approx(np.mean(wins))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.floats(-5, 5))
def test_one_answer_for_all_has_one_half_exactly(seed, level):
    """Whatever the answer, with targets and without, with duplicates among the truths."""
    truth, targets = knocked_down(seed)
    truth[3] = truth[4]
    predicted = np.broadcast_to(level * np.random.default_rng(seed).random(truth.shape[1]), truth.shape)
    for scores in (
        perturbation_discrimination(predicted, truth),
        perturbation_discrimination(predicted, truth, targets),
        centroid_accuracy(predicted, truth),
    ):
        assert scores.mean() == pytest.approx(0.5)


def test_the_published_form_rewards_one_answer_for_all():
    """Why it is not ranked: leaving out the own target only lifts the mean of a constant answer far above
    its floor of .5 + 1 / 2n."""
    gained = []
    for seed in range(30):
        truth, targets = knocked_down(seed)
        predicted = np.broadcast_to(np.full(truth.shape[1], 3.0), truth.shape)
        gained.append(published_discrimination(predicted, truth, targets).mean() - (0.5 + 1 / 24))
    assert np.mean(gained) > 0.2


def test_ties_count_one_half():
    """The same truth twice, predicted exactly: the third is farther, the twin is as near."""
    truth = A([[1.0], [1], [5]])
    np.testing.assert_allclose(perturbation_discrimination(truth, truth), [0.75, 0.75, 1])


def test_groups_are_compared_within():
    """Two contexts of two perturbations: as if each were asked for itself; one alone has no rival."""
    predicted, truth = np.random.default_rng(4).normal(size=(2, 5, 3))
    context = A(["x", "y", "x", "y", "z"], dtype=object)
    found = perturbation_discrimination(predicted, truth, groups=context)
    for name in "xy":
        rows = context == name
        np.testing.assert_array_equal(found[rows], perturbation_discrimination(predicted[rows], truth[rows]))
    assert np.isnan(found[4])
    assert np.isnan(centroid_accuracy(predicted[:1], truth[:1])).all()
