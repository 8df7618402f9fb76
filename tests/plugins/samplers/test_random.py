"""Random cells."""

import numpy as np

from harness import ArrayCells, PlainRun
from harness_plugins.samplers.random.sampler import Random

CORPUS = ArrayCells(counts=np.zeros((1_000, 1)), genes=["g"])


def test_every_cell_is_equally_likely():
    """Three of ten cells, over 2,000 seeds: each in 600 draws, by chi-squared (9 df, p > 1e-4)."""
    corpus = ArrayCells(counts=np.zeros((10, 1)), genes=["g"])
    draws = [Random().draw(corpus, 3, PlainRun(seed=seed)) for seed in range(2_000)]
    counts = np.bincount(np.concatenate(draws), minlength=10)
    assert ((counts - 600) ** 2 / 600).sum() < 33.7


def test_independent_redraws_overlap_only_by_chance():
    """100 and 500 of 1,000 cells drawn independently share about 50 (hypergeometric sd 4.7), not 100."""
    few, many = (Random(independent=True).draw(CORPUS, size, PlainRun(seed=0)) for size in (100, 500))
    assert 30 < len(set(few) & set(many)) < 70
