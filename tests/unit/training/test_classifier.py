"""Fine-tuning: an encoder and a linear head learn classes."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from harness import ArrayCells, Budget, PlainRun
from harness.measures import log_normalise
from harness.training import classify, fine_tune, seeded

RNG = np.random.default_rng(0)
KIND = RNG.integers(3, size=300)
RATES = RNG.gamma(2.0, 3.0, (3, 20))[KIND]
COUNTS = RNG.poisson(RATES)
NAMES = np.array(["beta", "alpha", "gamma"], dtype=object)[KIND]


def cells(rows, labels=NAMES):
    return ArrayCells(
        counts=COUNTS[rows], genes=[f"g{i}" for i in range(20)], columns={"label": labels[rows]}
    )


TRAIN, HELD, TEST = cells(slice(0, 180)), cells(slice(180, 220)), cells(slice(220, None))


def learnt(steps=300, seed=0, train=TRAIN, held=HELD, encoder=None):
    with seeded(seed):
        encoder = encoder or nn.Sequential(nn.Linear(20, 16), nn.ReLU())
    run = PlainRun(seed=seed, budget=Budget(unit="steps", amount=steps), validation=held)
    return fine_tune(encoder, train, run, prepare=log_normalise, batch_size=32, learning_rate=0.01)


def test_planted_classes_are_learnt_as_well_as_by_logistic_regression():
    """On cells it has not seen; classes are sorted by name."""
    classifier, history = learnt()
    chances = classify(classifier, TEST, PlainRun(), prepare=log_normalise)
    assert classifier.classes.tolist() == ["alpha", "beta", "gamma"]
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-5)
    found = (classifier.classes[chances.argmax(axis=1)] == NAMES[220:]).mean()
    values = log_normalise(TRAIN.rows(np.arange(180)))
    peer = LogisticRegression(max_iter=500).fit(values, NAMES[:180].astype(str))
    assert found >= peer.score(log_normalise(TEST.rows(np.arange(80))), NAMES[220:].astype(str)) - 0.03
    assert found > 0.9
    assert min(history.validation_loss) < history.validation_loss[0]


def test_the_loss_starts_at_that_of_a_guess():
    """Three classes and a head that says nothing yet: log 3 within a little, in nats."""
    _, history = learnt(steps=1, held=None)
    assert history.train_loss[0] == pytest.approx(np.log(3), abs=0.5)


def test_the_whole_network_learns():
    """The encoder's weights move, not only the head's."""
    with seeded(0):
        encoder = nn.Sequential(nn.Linear(20, 16), nn.ReLU())
    before = encoder[0].weight.detach().clone()
    learnt(steps=5, encoder=encoder)
    assert not torch.equal(encoder[0].weight, before)


def test_one_seed_one_result():
    """Head, order and weights: the same seed gives the same bits, another seed others."""
    one, same, other = (
        classify(learnt(10, seed)[0], TEST, PlainRun(), prepare=log_normalise) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_class_that_only_validation_has_is_no_error():
    """It cannot be learnt; cells of it count like a guess."""
    strange = cells(slice(180, 220), np.where(KIND == 0, "delta", NAMES).astype(object))
    classifier, history = learnt(steps=20, held=strange)
    assert classifier.classes.tolist() == ["alpha", "beta", "gamma"]
    assert np.isfinite(history.validation_loss).all()


def test_batch_norm_bears_a_single_cell():
    """A sample of one cell has no variance to learn from."""
    encoder = nn.Sequential(nn.Linear(20, 8), nn.BatchNorm1d(8))
    classifier, _ = learnt(steps=2, train=cells(slice(0, 1)), held=None, encoder=encoder)
    assert classifier.classes.tolist() == [str(NAMES[0])]
