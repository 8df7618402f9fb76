"""Ridge and logistic regression for many penalties, against scikit-learn."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression, RidgeClassifier

from harness.measures.linear import class_codes, logistic_path, ridge_path, rotated

PENALTIES = (10.0, 0.1, 1e-3, 1e-5)


def atlas(cells=150, width=8, classes=4, seed=0):
    """Overlapping clouds with features that go together and are not centred."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, classes, cells)
    features = rng.normal(size=(cells, width)) + 1.5 * rng.normal(size=(classes, width))[kind]
    return features @ (np.eye(width) + rng.normal(size=(width, width)) / 3) + 5, kind


def halves(**others):
    """150 cells to learn from, 300 to be told."""
    x, kind = atlas(cells=450, **others)
    return x[:150], kind[:150], x[150:]


def objective(coefficients, scores, kind, penalty):
    surprise = -log_softmax(scores, axis=1)[np.arange(len(kind)), kind]
    return surprise.mean() + penalty / 2 * (coefficients**2).sum()


def largest(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("width", [8, 400])
@pytest.mark.parametrize("classes", [2, 4])
def test_ridge_is_that_of_scikit_learn(width, classes):
    """At every penalty from one decomposition, with fewer and with more features than cells."""
    x, kind, fresh = halves(width=width, classes=classes)
    for penalty, model in zip(PENALTIES, ridge_path(x, kind, classes, PENALTIES), strict=True):
        peer = RidgeClassifier(alpha=penalty * len(x), solver="cholesky", tol=1e-12).fit(x, kind)
        scores = model.scores(fresh)
        expected = peer.decision_function(fresh)
        found = scores if classes > 2 else scores[:, 1]
        assert largest(found, expected) < 1e-6
        assert (scores.argmax(axis=1) == peer.predict(fresh)).all()


@pytest.mark.parametrize("width", [8, 400])
@pytest.mark.parametrize(("penalty", "close"), [(10.0, 1e-5), (0.1, 1e-4), (1e-3, 1e-3), (1e-5, 0.1)])
def test_logistic_regression_is_that_of_scikit_learn(width, penalty, close):
    """As a second-order search to the end: no worse in what is minimised, and the same probabilities.

    Nearly free planes (the last penalty) move far for a gain of a millionth.
    """
    x, kind, fresh = halves(width=width)
    *_, model = logistic_path(x, kind, 4, [p for p in PENALTIES if p >= penalty])
    peer = LogisticRegression(C=1 / (penalty * len(x)), solver="newton-cg", tol=1e-10, max_iter=1000)
    expected = peer.fit(x, kind).predict_proba(fresh)
    assert model.converged
    best = objective(peer.coef_.T, peer.decision_function(x), kind, penalty)
    assert objective(model.coefficients, model.scores(x), kind, penalty) - best < 1e-5
    assert np.abs(softmax(model.scores(fresh), axis=1) - expected).max() < close


def test_two_classes_have_a_plane_each():
    """scikit-learn gives them one together, whose square is twice the sum of two opposite halves' squares."""
    x, kind = atlas(classes=2)
    model = next(logistic_path(x, kind, 2, [0.01]))
    peer = LogisticRegression(C=2 / (0.01 * len(x)), tol=1e-9, max_iter=50_000).fit(x, kind)
    assert np.abs(softmax(model.scores(x), axis=1) - peer.predict_proba(x)).max() < 1e-4


def test_the_path_does_not_depend_on_where_it_started():
    """A penalty alone gives what it gives after stronger ones."""
    x, kind = atlas()
    *_, after = logistic_path(x, kind, 4, PENALTIES)
    alone = next(logistic_path(x, kind, 4, PENALTIES[-1:]))
    found, expected = (softmax(model.scores(x), axis=1) for model in (after, alone))
    assert np.abs(found - expected).max() < 1e-3


def test_without_features_the_shares_of_the_classes_are_told():
    """Under a strong penalty only the intercepts are left: the logarithms of the shares."""
    x, kind = atlas()
    model = next(logistic_path(x, kind, 4, [1e9]))
    np.testing.assert_allclose(softmax(model.scores(x), axis=1)[0], np.bincount(kind) / len(kind), atol=1e-4)


@pytest.mark.parametrize("width", [8, 400])
def test_features_are_turned_and_nothing_is_lost(width):
    """Along orthogonal axes that restore the centred features; axes of no variance are left out."""
    x = atlas(width=width)[0]
    x[:, -1] = x[:, 0]
    space = rotated(x)
    assert space.axes.shape[1] == min(width - 1, len(x) - 1)
    np.testing.assert_allclose(space.features @ space.axes.T, x - x.mean(axis=0), atol=1e-8)
    np.testing.assert_allclose((space.features**2).sum(axis=0), space.squares, rtol=1e-6)


def test_class_codes():
    """By hand."""
    assert class_codes(np.array([1, 0]), 3).tolist() == [[-1, 1, -1], [1, -1, -1]]
