"""Squared errors of a plane against scikit-learn's, and on truths that are known."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import StandardScaler

from harness.measures import recovery_errors
from harness.measures.probes import INNER_FOLDS, PENALTIES

RNG = np.random.default_rng(0)
GROUPS = np.array([f"batch-{number}" for number in RNG.integers(5, size=300)], dtype=object)
TRUTH = RNG.normal(size=(300, 4))
EMBEDDING = (TRUTH @ RNG.normal(size=(4, 20)) * 3 + RNG.normal(size=(300, 20)) * 4).astype(np.float32)


def chosen(features, truth, groups):
    """Return the penalty of least squared error on held-out groups, by scikit-learn's ridge regression."""

    def loss(penalty):
        inner = GroupKFold(INNER_FOLDS).split(features, groups=groups)
        return sum(
            (
                (ridge(penalty, features[taught], truth[taught]).predict(features[held]) - truth[held]) ** 2
            ).sum()
            for taught, held in inner
        )

    return min(PENALTIES, key=loss)


def ridge(penalty, features, truth):
    return Ridge(alpha=penalty * len(features)).fit(features, truth)


def test_errors_are_those_of_scikit_learn():
    """Standardised features, ridge whose penalty the other groups choose, one group after the other."""
    errors, of_mean = recovery_errors(EMBEDDING, TRUTH, GROUPS)
    for group in np.unique(GROUPS):
        asked = group == GROUPS
        scaler = StandardScaler().fit(EMBEDDING[~asked].astype(float))
        features, other = scaler.transform(EMBEDDING[~asked].astype(float)), TRUTH[~asked]
        model = ridge(chosen(features, other, GROUPS[~asked]), features, other)
        told = model.predict(scaler.transform(EMBEDDING[asked].astype(float)))
        np.testing.assert_allclose(errors[asked], (TRUTH[asked] - told) ** 2, rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(of_mean[asked], (TRUTH[asked] - other.mean(axis=0)) ** 2)


def test_a_plane_recovers_what_is_linear():
    """An embedding that is the truth, turned: next to nothing is left; noise recovers nothing."""
    turn, _ = np.linalg.qr(RNG.normal(size=(4, 4)))
    errors, of_mean = recovery_errors(TRUTH @ turn, TRUTH, GROUPS)
    assert errors.sum() < 1e-8 * of_mean.sum()
    errors, of_mean = recovery_errors(RNG.normal(size=(300, 20)), TRUTH, GROUPS)
    assert errors.sum() == pytest.approx(of_mean.sum(), rel=0.05)


def test_one_place_for_all_is_the_mean():
    """A constant embedding leaves exactly the error of the mean."""
    errors, of_mean = recovery_errors(np.ones((300, 3)), TRUTH, GROUPS)
    np.testing.assert_allclose(errors, of_mean, rtol=1e-12)


def test_a_group_is_told_by_others_alone():
    """Its own truth has no say: 100 more there leave what is told as it was."""
    asked = GROUPS == "batch-2"
    errors, _ = recovery_errors(EMBEDDING, TRUTH, GROUPS)
    others, _ = recovery_errors(EMBEDDING, TRUTH + 100 * asked[:, None], GROUPS)
    np.testing.assert_allclose(abs(others[asked] ** 0.5 - 100), errors[asked] ** 0.5, atol=1e-9)
