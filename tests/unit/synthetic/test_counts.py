"""Counts: their law, and that a larger draw extends a smaller one."""

import numpy as np
import pytest
from scipy.stats import nbinom

from harness.errors import Misuse
from harness.synthetic import World
from harness.synthetic.counts import BLOCK, negative_binomial

SMALL = World(genes=60, programmes=4)
PARTS = ("corpus", "evaluation", "perturbed")


@pytest.mark.parametrize("mean", [0.3, 2.0, 12.0])
@pytest.mark.parametrize("dispersion", [0.2, 1.5])
def test_counts_are_negative_binomial(mean, dispersion):
    """Mean, variance = mean + dispersion x mean^2 and share of zeros agree with scipy's distribution."""
    n = 200_000
    counts = negative_binomial(np.full(n, mean), dispersion, np.random.default_rng(0))
    law = nbinom(1 / dispersion, 1 / (1 + dispersion * mean))
    assert law.var() == pytest.approx(mean + dispersion * mean**2)
    assert counts.mean() == pytest.approx(law.mean(), abs=5 * law.std() / n**0.5)
    assert counts.var() == pytest.approx(law.var(), rel=0.05)
    assert (counts == 0).mean() == pytest.approx(law.pmf(0), abs=0.006)


def test_without_dispersion_counts_are_poisson():
    """Variance equals mean."""
    counts = negative_binomial(np.full(100_000, 3.0), 0.0, np.random.default_rng(0))
    assert counts.var() == pytest.approx(3.0, rel=0.03)


def test_mean_counts_follow_the_noiseless_rates():
    """Within a type mean counts are depth x exp(log-rate): z-scores over genes are standard normal."""
    world = World(genes=100, programmes=4, types=3, contexts=1, within=0, label_flip=0, strongest=0.4)
    quiet = World(
        **{**vars(world), "study_effect": 0, "batch_effect": 0, "donor_effect": 0, "depth_spread": 0}
    )
    cells = quiet.corpus(6000)
    for kind in range(3):
        chosen = cells.counts[cells.truth["type"] == kind]
        mean = quiet.depth * np.exp(cells.truth["log_rate"][kind])
        error = np.sqrt((mean + quiet.dispersion * mean**2) / chosen.shape[0])
        z = (np.asarray(chosen.mean(axis=0)).ravel() - mean) / error
        assert abs(z.mean()) < 0.5
        assert 0.75 < z.std() < 1.25


def test_depth_is_the_mean_total():
    """Cells have ``depth`` counts on average where nothing but depth varies, whatever its spread."""
    flat = World(
        genes=50, programmes=2, strongest=0, study_effect=0, batch_effect=0, donor_effect=0, depth=300
    )
    totals = np.asarray(flat.corpus(4000).counts.sum(axis=1)).ravel()
    assert totals.mean() == pytest.approx(300, rel=0.03)


@pytest.mark.parametrize("part", PARTS)
def test_counts_are_whole_float32_csr(part):
    """What the contract of cells asks for."""
    counts = getattr(SMALL, part)(50).counts
    assert (counts.format, counts.dtype, counts.shape) == ("csr", np.float32, (50, 60))
    assert np.all(counts.data == np.rint(counts.data))
    assert counts.data.min() > 0


@pytest.mark.parametrize("part", PARTS)
def test_the_same_knobs_give_the_same_cells(part):
    """Nothing depends on global random state or on what was drawn before."""
    first = getattr(SMALL, part)(80)
    np.random.default_rng(1).normal()
    SMALL.evaluation(10)
    second = getattr(SMALL, part)(80)
    assert (first.counts != second.counts).nnz == 0
    for column in first.obs:
        assert np.array_equal(first.obs[column], second.obs[column])


@pytest.mark.parametrize("part", PARTS)
def test_another_seed_gives_other_cells(part):
    """The seed reaches every part."""
    other = World(genes=60, programmes=4, seed=1)
    assert (getattr(SMALL, part)(80).counts != getattr(other, part)(80).counts).nnz > 100


@pytest.mark.parametrize("part", PARTS)
def test_a_larger_part_begins_with_a_smaller_one(part):
    """Cell i does not depend on how many cells are drawn, across the borders of blocks."""
    small, large = getattr(SMALL, part)(BLOCK + 10), getattr(SMALL, part)(3 * BLOCK)
    assert (small.counts != large.counts[: BLOCK + 10]).nnz == 0
    for column in small.obs:
        assert np.array_equal(small.obs[column], large.obs[column][: BLOCK + 10])
    assert np.array_equal(small.truth["latent"], large.truth["latent"][: BLOCK + 10])


@pytest.mark.parametrize("cells", [0, -3, 2.5, True])
def test_a_part_has_a_whole_number_of_cells(cells):
    """Anything else is refused."""
    with pytest.raises(Misuse, match="whole number of cells"):
        SMALL.corpus(cells)
