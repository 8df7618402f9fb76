"""Genetic interactions by hand, and why their correlation does not rank."""

import numpy as np
import pytest

from harness.measures.response import interaction, interaction_pearson, interaction_skill

A = np.array
FIRST, SECOND, CONTROL = A([[2.0, 1, 1]]), A([[1.0, 3, 1]]), A([1.0, 1, 1])
TRUTH = A([[2.0, 3, 3]])


def test_interaction_by_hand():
    """Effects (1, 0, 0) and (0, 2, 0) add up to (2, 3, 1); two more on the last gene is the interaction."""
    assert interaction(TRUTH, FIRST, SECOND, CONTROL).tolist() == [[0, 0, 2]]


def test_skill_is_relative_to_adding_up():
    """Adding up has 0, the truth 1, half of the interaction 1 - 1 / 4, its opposite 1 - 16 / 4."""
    parts = (FIRST, SECOND, CONTROL)
    sum_of_parts = FIRST + SECOND - CONTROL
    step = A([[0.0, 0, 1]])
    for predicted, expected in (
        (sum_of_parts, 0),
        (TRUTH, 1),
        (sum_of_parts + step, 0.75),
        (sum_of_parts - 2 * step, -3),
    ):
        assert interaction_skill(predicted, TRUTH, *parts) == pytest.approx(expected)
    assert np.isnan(interaction_pearson(sum_of_parts, TRUTH, *parts))
    assert interaction_pearson(sum_of_parts + step, TRUTH, *parts) == pytest.approx(1)


def test_where_nothing_interacts_no_change_correlates_and_has_no_skill():
    """Why the correlation is not ranked: 40 pairs without interaction, measured with noise."""
    rng = np.random.default_rng(0)

    def measured(effect):
        return effect + 0.3 * rng.normal(size=effect.shape)

    effects = 0.3 * rng.normal(size=(2, 40, 200))
    control = measured(np.zeros(200))
    first, second, truth = (measured(e) for e in (*effects, effects.sum(axis=0)))
    nothing = np.broadcast_to(control, truth.shape)
    assert interaction_pearson(nothing, truth, first, second, control).mean() > 0.3
    assert interaction_skill(nothing, truth, first, second, control).mean() < 0
