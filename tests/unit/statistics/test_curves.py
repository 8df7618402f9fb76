"""Seed summaries by hand."""

import pytest

from harness.statistics import best_size, seed_summary

CURVE = [(100, 0.5), (0, 0.9), (100, 0.7), (300, 0.6), (0, 0.7)]


def test_summary_by_hand():
    """Sizes ascend; sd has n - 1 in the denominator; one seed has no sd."""
    untrained, small, large = seed_summary(CURVE)
    assert (untrained.size, untrained.n, untrained.mean) == (0, 2, pytest.approx(0.8))
    assert (small.mean, small.sd) == (pytest.approx(0.6), pytest.approx(0.02**0.5))
    assert (small.low, small.high) == (0.5, 0.7)
    assert (large.n, large.sd) == (1, None)


def test_best_size_never_answers_the_untrained_control():
    """The control may be better than every trained size; it is still not the best trained size."""
    assert best_size(seed_summary(CURVE)).size == 100
    assert best_size(seed_summary([(0, 0.9)])) is None


def test_direction_and_ties():
    """Losses are minimised; of two equal means the smaller size is best."""
    summary = seed_summary([(1, 0.3), (10, 0.2), (100, 0.2)])
    assert best_size(summary, "down").size == 10
    assert best_size(summary, "up").size == 1
