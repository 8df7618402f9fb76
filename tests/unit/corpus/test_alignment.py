"""Cells on another gene list, against a naive loop and by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from harness import ArrayCells
from harness.corpus import aligned

LETTERS = st.sampled_from(["a", "b", "c", "d", "e", ""])


def dense(cells):
    return np.vstack([batch.toarray() for batch in cells.batches(4)])


@given(own=st.lists(LETTERS, min_size=1, max_size=8), asked=st.lists(LETTERS, min_size=1, max_size=8))
def test_alignment_is_the_naive_loop(own, asked):
    """For every gene asked for, the first time it stands there: the sum of all own genes of that name."""
    counts = np.random.default_rng(len(own)).integers(0, 9, (5, len(own)))
    expected, measured = np.zeros((5, len(asked))), np.zeros(len(asked), dtype=bool)
    for place, name in enumerate(asked):
        if name and name not in asked[:place] and name in own:
            expected[:, place] = counts[:, [n == name for n in own]].sum(axis=1)
            measured[place] = True
    found = aligned(ArrayCells(counts=counts, genes=own), asked)
    np.testing.assert_array_equal(dense(found), expected)
    np.testing.assert_array_equal(found.rows(np.array([4, 0, 4])).toarray(), expected[[4, 0, 4]])
    np.testing.assert_array_equal(found.measured, measured)


def test_genes_that_the_data_set_did_not_measure_stay_unmeasured():
    """A zero that means nothing means nothing on another gene list too."""

    class Partly(ArrayCells):
        measured = property(lambda self: np.array([True, False, False]))

    cells = Partly(counts=np.ones((1, 3)), genes=["a", "b", "a"])
    assert aligned(cells, ["b", "a", "z"]).measured.tolist() == [False, True, False]


def test_aligned_batches_refuse_to_be_written_to():
    """A guest cannot alter its input."""
    cells = ArrayCells(counts=np.ones((2, 2)), genes=["a", "b"])
    batch = next(aligned(cells, ["b"]).batches())
    assert not batch.data.flags.writeable
