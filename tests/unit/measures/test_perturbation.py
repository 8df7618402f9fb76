"""Mean expression after a perturbation: by hand, and against scipy and scikit-learn."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.stats import pearsonr
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.preprocessing import StandardScaler

from harness.measures import (
    Means,
    agreement,
    context_transfer,
    mean_expression,
    no_change,
    perturbed_mean,
    ridge_head,
)
from harness.measures.perturbation import RIDGE_PENALTY

A = np.array


def means(**change):
    """Two genes, three contexts, two drugs; every mean a pair of small numbers."""
    mean = {
        ("control", "x"): A([1.0, 1.0]),
        ("control", "y"): A([2.0, 0.0]),
        ("control", "z"): A([0.0, 4.0]),
        ("drug", "x"): A([2.0, 1.0]),
        ("drug", "y"): A([2.0, 3.0]),
        ("drug", "z"): A([1.0, 5.0]),
        ("other", "x"): A([6.0, 6.0]),
    }
    cells = dict.fromkeys(mean, 20) | {("drug", "y"): 60}
    return Means(mean=mean, cells={**cells, **change})


def test_means_are_taken_by_perturbation_and_context():
    """In batches of any size."""
    values = np.arange(12.0).reshape(6, 2)
    what, where = A(["drug", "control"] * 3, dtype=object), A(list("xxyyxx"), dtype=object)
    found = mean_expression([csr_matrix(values[:4]), csr_matrix(values[4:])], what, where)
    expected = {
        ("drug", "x"): values[[0, 4]].mean(axis=0),
        ("control", "x"): values[[1, 5]].mean(axis=0),
        ("drug", "y"): values[2],
        ("control", "y"): values[3],
    }
    assert found.mean.keys() == expected.keys()
    for key, value in expected.items():
        np.testing.assert_allclose(found.mean[key], value)
    assert found.cells == {("drug", "x"): 2, ("control", "x"): 2, ("drug", "y"): 1, ("control", "y"): 1}


def test_what_can_be_asked():
    """A perturbation of another context too, with cells enough of treated and controls in both."""
    assert means().questions() == [("drug", "x"), ("drug", "y"), ("drug", "z")]  # "other" is in x only
    assert means().training("drug", "y") == ["x", "z"]
    few = {("control", "z"): 9}
    assert Means(mean=means().mean, cells={**means().cells, **few}).questions() == [
        ("drug", "x"),
        ("drug", "y"),
    ]


def test_baselines_by_hand():
    """For the drug in z, which they never see treated."""
    assert no_change(means(), "drug", "z").tolist() == [0, 4]
    # Centroids of drug|x, drug|y and other|x count equally.
    np.testing.assert_allclose(perturbed_mean(means(), "drug", "z"), [10 / 3, 10 / 3])
    # Effects (1, 0) of 20 cells in x and (0, 3) of 60 in y.
    np.testing.assert_allclose(context_transfer(means(), "drug", "z"), [0.25, 4 + 2.25])


def test_a_perturbation_seen_nowhere_else_has_the_mean_effect_of_all():
    """In z: (1, 0) of 20 cells, (0, 3) of 60 and (5, 5) of 20, added to the control."""
    np.testing.assert_allclose(context_transfer(means(), "new", "z"), [1.2, 4 + 2.8])


@pytest.mark.parametrize("baseline", [no_change, perturbed_mean, context_transfer])
def test_no_baseline_sees_the_answer(baseline):
    """Whatever happened to the treated cells of the held-out context, the prediction stays the same."""
    seen, spoiled = means(), means()
    spoiled.mean["drug", "z"] = A([1e6, -1e6])
    assert (baseline(seen, "drug", "z") == baseline(spoiled, "drug", "z")).all()


def head_world():
    """Control cells of three contexts with embeddings, and treated ones among them."""
    rng = np.random.default_rng(0)
    context = A(list("xyz"), dtype=object)[rng.integers(0, 3, 200)]
    perturbation = A(["control", "drug"], dtype=object)[rng.integers(0, 2, 200)]
    return rng.normal(size=(200, 4)).astype(np.float32), perturbation, context


def test_the_head_is_ridge_regression_of_scikit_learn():
    """Controls of x and y against the treated mean of their context, applied to the controls of z."""
    embedding, perturbation, context = head_world()
    is_control = perturbation == "control"
    train = is_control & (context != "z")
    scaler = StandardScaler().fit(embedding[train].astype(float))
    targets = np.stack([means().mean["drug", c] for c in context[train]])
    peer = Ridge(alpha=RIDGE_PENALTY * train.sum()).fit(scaler.transform(embedding[train]), targets)
    asked = scaler.transform(embedding[is_control & (context == "z")])
    found = ridge_head(embedding, perturbation, context, means(), ("drug", "z"))
    np.testing.assert_allclose(found, peer.predict(asked).mean(axis=0), rtol=1e-6)


def test_the_head_does_not_see_the_answer():
    """Neither treated cells anywhere, nor the treated mean of the held-out context, change the prediction."""
    embedding, perturbation, context = head_world()
    before = ridge_head(embedding, perturbation, context, means(), ("drug", "z"))
    spoiled, told = embedding.copy(), means()
    spoiled[perturbation == "drug"] = 1e6
    told.mean["drug", "z"] = A([1e6, -1e6])
    assert (ridge_head(spoiled, perturbation, context, told, ("drug", "z")) == before).all()


def test_a_constant_embedding_predicts_the_mean_of_the_training_contexts():
    """Weighted by their control cells; no division by a spread of zero."""
    _, perturbation, context = head_world()
    n = {c: int(((perturbation == "control") & (context == c)).sum()) for c in "xy"}
    expected = (n["x"] * means().mean["drug", "x"] + n["y"] * means().mean["drug", "y"]) / sum(n.values())
    found = ridge_head(np.ones((200, 3), np.float32), perturbation, context, means(), ("drug", "z"))
    np.testing.assert_allclose(found, expected)


def test_agreement_is_that_of_scipy_and_scikit_learn():
    """Three random means of 50 genes."""
    predicted, truth, control = np.random.default_rng(1).normal(size=(3, 50))
    found = agreement(predicted, truth, control)
    assert found["pearson_r"] == pytest.approx(pearsonr(predicted, truth).statistic)
    assert found["r2"] == pytest.approx(r2_score(truth, predicted))
    assert found["mse"] == pytest.approx(((predicted - truth) ** 2).mean())
    assert found["pearson_delta"] == pytest.approx(pearsonr(predicted - control, truth - control).statistic)


def test_what_is_constant_has_no_correlation():
    """No change has no delta; a constant truth has neither r nor R2. Missing is never a score."""
    control, truth = A([1.0, 2.0, 3.0]), A([1.0, 2.5, 3.0])
    found = agreement(control, truth, control)
    assert np.isnan(found["pearson_delta"])
    assert found["pearson_r"] == pytest.approx(pearsonr(control, truth).statistic)
    flat = agreement(control, A([0.1 + 0.2] * 3), control)
    assert np.isnan(flat["pearson_r"])
    assert np.isnan(flat["r2"])
