"""Baselines of a fold by hand: three genes, two contexts, perturbations named after genes."""

import numpy as np
import pytest

from harness.errors import NotApplicable
from harness.measures.lesson import BASELINES, TRIVIAL, Lesson
from harness.measures.screen import Condition

A = np.array
CONTROLS = {"x": A([4.0, 2, 1]), "y": A([2.0, 2, 2])}


def taught(**effects):
    """Return a lesson in which "a_x" has an effect in x, and so on."""
    conditions = tuple(Condition(name.split("_")[0], "", name.split("_")[1]) for name in effects)
    change = A(list(effects.values()), dtype=float)
    return Lesson(
        conditions=conditions,
        profiles=change + np.stack([CONTROLS[c.context] for c in conditions]),
        cells=np.full(len(conditions), 20),
        significant=np.abs(change) >= 1,
        controls=CONTROLS,
        genes={"a": 0, "b": 1, "c": 2},
    )


KNOWN = taught(a_x=[-2, 1, 0], b_x=[0, -1, -1], a_y=[-1, 1, 0])
ASKED = Condition("c", "", "x")


def test_target_scaling_by_hand():
    """In x, a leaves 2 of 4 of its target and b 1 of 2: one half. The mean effect is (-1, 0, -.5)."""
    found = BASELINES["target_scaling"](KNOWN, ASKED)
    np.testing.assert_allclose(found, [3, 2, 0.5])
    unmeasured = BASELINES["target_scaling"](KNOWN, Condition("elsewhere", "", "x"))
    np.testing.assert_allclose(unmeasured, [3, 2, 0.5])
    double = BASELINES["target_scaling"](KNOWN, Condition("a+c", "", "x"))
    np.testing.assert_allclose(double, [2, 2, 0.5])


def test_the_vote_by_hand():
    """In x gene 0 goes down in one of two, gene 1 up and down (a tie is up), gene 2 down in one."""
    found = BASELINES["majority_vote"](KNOWN, ASKED)
    np.testing.assert_allclose(found - CONTROLS["x"], [-0.5, 1.0, -0.5])


def test_neighbours_count_once_for_all_contexts():
    """Asked where nothing is taught: a has the mean of its two effects, and there are only two neighbours."""
    controls = {**CONTROLS, "z": A([1.0, 1, 1])}
    known = Lesson(**{**vars(taught(a_x=[-2, 1, 0], b_x=[0, -1, -1], a_y=[-1, 1, 0])), "controls": controls})
    found = BASELINES["nearest_targets"](known, Condition("c", "", "z"))
    np.testing.assert_allclose(found - controls["z"], A([[-1.5, 1, 0], [0, -1, -1]]).mean(axis=0))


@pytest.mark.parametrize("name", ["linear", "nearest_targets", "target_scaling"])
def test_without_named_targets_there_is_a_reason(name):
    """Perturbations that are named after no gene."""
    known = taught(drug_x=[1, 0, 0], other_x=[0, 1, 0])
    with pytest.raises(NotApplicable, match="no taught perturbation is named after a measured gene"):
        BASELINES[name](known, ASKED)


def test_what_is_trivial_is_a_baseline():
    """And looks up no gene."""
    assert set(TRIVIAL) < set(BASELINES)
    assert not {"linear", "nearest_targets", "target_scaling", "majority_vote"} & set(TRIVIAL)
