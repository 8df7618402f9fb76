"""Cells re-weighted by cell type."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import entropy

from harness import ArrayCells, PlainRun
from harness_plugins.samplers.celltype_reweighted.sampler import CellTypeReweighted
from harness_plugins.samplers.random.sampler import Random


def corpus_of(counts):
    """A corpus with so many cells of each type, in a scattered order."""
    labels = np.repeat(np.array(list(counts), dtype=object), list(counts.values()))
    shuffled = np.random.default_rng(0).permutation(labels)
    return ArrayCells(counts=np.zeros((len(labels), 1)), genes=["g"], columns={"cell_type": shuffled})


def drawn(counts, size, seed=0, rule=CellTypeReweighted):
    corpus = corpus_of(counts)
    rows = rule().draw(corpus, size, PlainRun(seed=seed))
    return Counter(corpus.columns["cell_type"][rows])


def water_filling(counts, size):
    """The published rule, with types of exactly q cells kept: cells per type, and the remainder."""
    active, left, taken = dict(counts), size, {}
    while active:
        quota = left // len(active)
        whole = {name: n for name, n in active.items() if n <= quota}
        if not whole:
            return {**taken, **dict.fromkeys(active, quota)}, left - quota * len(active)
        taken.update(whole)
        left -= sum(whole.values())
        active = {name: n for name, n in active.items() if name not in whole}
    return taken, left


def test_worked_example():
    """30 of 100 + 50 + 4 + 2 cells: q = 7 takes c and d whole; the 24 left are 12 each of a and b."""
    assert drawn({"a": 100, "b": 50, "c": 4, "d": 2}, 30) == {"a": 12, "b": 12, "c": 4, "d": 2}


def test_a_type_with_exactly_q_cells_is_kept():
    """20 of 100 + 5 + 5 + 2: q = 5, and d triggers a round in which the published program loses b and c."""
    assert drawn({"a": 100, "b": 5, "c": 5, "d": 2}, 20) == {"a": 8, "b": 5, "c": 5, "d": 2}


def test_the_remainder_goes_to_types_chosen_by_the_seed():
    """11 of three large types are 4 + 4 + 3, and over seeds each of them is sometimes the one with 3."""
    fewest = set()
    for seed in range(20):
        sample = drawn({"a": 100, "b": 50, "c": 50}, 11, seed)
        assert sorted(sample.values()) == [3, 4, 4]
        fewest.add(min(sample, key=sample.get))
    assert fewest == {"a", "b", "c"}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.data())
def test_equals_the_published_loop(numbers, data):
    """Cells per type are those of the published loop; the remainder is at most one cell per type."""
    counts = {f"type {i}": n for i, n in enumerate(numbers)}
    size = data.draw(st.integers(1, sum(numbers)))
    sample, (quotas, remainder) = drawn(counts, size), water_filling(counts, size)
    extra = [sample[name] - quotas[name] for name in counts]
    assert set(extra) <= {0, 1}
    assert sum(extra) == remainder


def test_published_diversity():
    """Where 164 types all reach the quota, entropy is 7.36 bits and inverse Simpson 164, as published at 1 %.

    DenAdel et al. 2026, doi:10.1038/s41592-026-03120-y: rarest type 5,000 cells, quota 1,353; here a tenth.
    """
    sizes = np.geomspace(500, 5_000, 164).astype(int)
    sample = drawn({f"type {i}": n for i, n in enumerate(sizes)}, 164 * 135)
    shares = np.array(list(sample.values())) / sample.total()
    assert entropy(shares, base=2) == pytest.approx(7.36, abs=0.005)
    assert 1 / (shares**2).sum() == pytest.approx(164)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=2, max_size=6), st.data())
def test_types_are_at_least_as_diverse_as_in_a_random_draw(numbers, data):
    """Shannon entropy of the types is never below that of a random draw of the same size."""
    counts = {f"type {i}": n for i, n in enumerate(numbers)}
    size, seed = data.draw(st.integers(1, sum(numbers))), data.draw(st.integers(0, 100))
    reweighted, uniform = (
        entropy(list(drawn(counts, size, seed, rule).values())) for rule in (CellTypeReweighted, Random)
    )
    assert reweighted >= uniform - 1e-12


@pytest.mark.parametrize("missing", [None, float("nan"), ""])
def test_cells_without_a_type_are_refused(missing):
    """A missing label is not a type of its own: the sentence says how many there are."""
    labels = np.array(["a", "b", missing, missing], dtype=object)
    corpus = ArrayCells(counts=np.zeros((4, 1)), genes=["g"], columns={"cell_type": labels})
    with pytest.raises(ValueError, match="2 of 4 cells have no label"):
        CellTypeReweighted().draw(corpus, 2, PlainRun(seed=0))
