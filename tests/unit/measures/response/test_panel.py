"""Every declaration is kept: ranges, the truth on top, invariances, missing evidence, missing values."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.audit import audit
from harness.errors import Misuse, NotFinite
from harness.measures.response import DECLARED, SCORES, panel

INVARIANCES = ("scale", "offset", "order")
DRAWS = {"seed": st.integers(0, 500), "factor": st.floats(0.2, 5), "number": st.floats(-3, 3)}


def answers(study, seed):
    """Return a study and an answer with some truth in it."""
    drawn = study(seed, asked=6, training=30, genes=100)
    noise = np.random.default_rng(seed).normal(size=drawn.true.shape)
    return drawn, drawn.true + 0.5 * noise


def contradictions(found):
    """Return what the host would say of unit scores in the light of their declarations."""
    ranges = {name: {"lower": how.lower, "upper": how.upper, "units": "mean"} for name, how in SCORES.items()}
    identities = [{"says": "r2 <= pearson_r ** 2", "of": "units"}]
    return audit({}, {"metrics": ranges, "identities": identities}, units=found)


def transformed(how, predicted, measured, factor, number, seed):
    """Return prediction and evidence after what a score may be invariant under."""
    if how == "scale":
        return measured.control + factor * (predicted - measured.control), measured
    if how == "offset":
        return predicted + number, measured
    genes = np.random.default_rng(seed).permutation(predicted.shape[1])
    evidence = {
        name: value[..., genes]
        for name, value in vars(measured).items()
        if value is not None and name != "groups"
    }
    return predicted[:, genes], replace(measured, **evidence)


@settings(max_examples=12, deadline=None)
@given(**DRAWS)
def test_declared_invariances_hold(study, seed, factor, number):
    """Scaling all effects, adding a number, and reordering genes leave the scores that say so."""
    drawn, predicted = answers(study, seed)
    before = panel(predicted, drawn.measured)
    for how in INVARIANCES:
        after = panel(*transformed(how, predicted, drawn.measured, factor, number, seed))
        for name, score in SCORES.items():
            if how in score.invariant:
                np.testing.assert_allclose(
                    after[name], before[name], atol=1e-7, err_msg=f"{name} under {how}"
                )


@pytest.mark.parametrize("how", INVARIANCES)
def test_invariances_that_are_not_declared_do_not_hold(study, how):
    """In one of five studies at least, so that the declarations say all there is to say."""
    moved = set()
    for seed in range(5):
        drawn, predicted = answers(study, seed)
        predicted = predicted[::-1]  # so poor an answer that no score is at its end
        before = panel(predicted, drawn.measured)
        after = panel(*transformed(how, predicted, drawn.measured, 2.5, 0.7, 0))
        moved |= {name for name in SCORES if not np.allclose(after[name], before[name], equal_nan=True)}
    assert moved == {name for name, score in SCORES.items() if how not in score.invariant}


@settings(max_examples=12, deadline=None)
@given(**DRAWS)
def test_nothing_leaves_its_range_and_nothing_beats_the_truth(study, seed, factor, number):
    """Good, bad and absurd answers are within the declared range; the truth has the declared score."""
    drawn, predicted = answers(study, seed)
    measured = drawn.measured
    top = panel(measured.truth, measured)
    assert contradictions(top) == []
    for answer in (predicted, factor * predicted + number, -predicted, measured.control, 0 * predicted):
        found = panel(answer, measured)
        assert contradictions(found) == []
        for name, score in SCORES.items():
            known = np.isfinite(top[name])
            np.testing.assert_allclose(top[name][known], score.perfect, atol=1e-9, err_msg=name)
            gap = (found[name] - top[name]) * (1 if score.direction == "up" else -1)
            assert not (gap > 1e-9).any(), name


def test_scores_without_evidence_are_left_out(study):
    """Truth and control give some; each need that is missing takes those that need it, and no other."""
    drawn, predicted = answers(study, 2)
    for need in {need for score in SCORES.values() for need in score.needs}:
        found = panel(predicted, replace(drawn.measured, **{need: None}))
        assert found.keys() == {name for name, score in SCORES.items() if need not in score.needs}


def test_one_undefined_perturbation_is_missing_alone(study):
    """Without a DE gene a perturbation has no DE score; the others keep theirs."""
    drawn, predicted = answers(study, 3)
    before = panel(predicted, drawn.measured)
    significant = drawn.measured.significant.copy()
    significant[0] = False
    after = panel(predicted, replace(drawn.measured, significant=significant))
    for name, score in SCORES.items():
        if "significant" in score.needs:
            assert np.isnan(after[name][0]), name
            np.testing.assert_array_equal(after[name][1:], before[name][1:], err_msg=name)


def test_another_shape_is_refused(study):
    """With both shapes in the sentence."""
    drawn, predicted = answers(study, 4)
    with pytest.raises(Misuse, match=r"have shape \(6, 99\); \(6, 100\) were measured"):
        panel(predicted[:, 1:], drawn.measured)


def test_a_missing_answer_is_refused(study):
    """It would otherwise count as nearest to nothing, or be left out of the mean."""
    drawn, predicted = answers(study, 4)
    predicted[2, 5] = np.nan
    with pytest.raises(NotFinite, match="of 1 of 6 perturbations hold NaN"):
        panel(predicted, drawn.measured)


def test_declarations_are_consistent():
    """Floor and truth lie in the range, the truth at its better end where there is one, and every score says
    what it is for."""
    for name, declared in DECLARED.items():
        low = -np.inf if declared.lower is None else declared.lower
        high = np.inf if declared.upper is None else declared.upper
        for value in (declared.perfect, declared.floor):
            assert value is None or low <= value <= high, name
        if declared.rankable and declared.perfect is not None and declared.lower is not None:
            assert declared.perfect == (high if declared.direction == "up" else low), name
        assert declared.because
