"""What all parts share: programmes and base rates."""

import numpy as np
import pytest

from harness.synthetic import World
from harness.synthetic.structure import generator, structure

SMALL = World(genes=80, programmes=5, strongest=0.2, weakest=0.25)


def test_programmes_are_orthogonal_with_unit_root_mean_square():
    """W'W is genes x identity, and the lab programme is orthogonal to W."""
    shared = structure(SMALL)
    assert np.allclose(shared.W.T @ shared.W, 80 * np.eye(5))
    assert np.allclose(shared.W.T @ shared.lab, 0)
    assert (shared.lab**2).mean() == pytest.approx(1)


def test_strengths_fall_geometrically():
    """From ``strongest`` to ``weakest`` of it."""
    strengths = structure(SMALL).strengths
    assert strengths[0] == pytest.approx(0.2)
    assert strengths[-1] == pytest.approx(0.05)
    assert np.allclose(strengths[1:] / strengths[:-1], 0.25**0.25)


def test_base_rates_sum_to_one():
    """So that depth is the mean number of counts."""
    assert np.exp(structure(SMALL).base).sum() == pytest.approx(1)


def test_purposes_have_random_numbers_of_their_own():
    """Another purpose or number gives an independent stream, the same ones the same stream."""
    draws = [generator(SMALL, *key).normal() for key in (("a",), ("b",), ("a", 0), ("a", 1), ("a",))]
    assert draws[0] == draws[4]
    assert len(set(draws)) == 4


def test_knobs_of_noise_leave_the_structure_alone():
    """A world with other labels or depth keeps its programmes and types, so that worlds can be compared."""
    other = structure(World(genes=80, programmes=5, strongest=0.2, weakest=0.25, depth=9, label_flip=0.5))
    assert np.array_equal(structure(SMALL).centres, other.centres)
    assert np.array_equal(structure(SMALL).W, other.W)
