"""Rows of matrices on disk: the same rows whatever the layout, and never more in memory than a slab."""

import numpy as np
import pytest
from scipy.sparse import csc_matrix, csr_matrix

from harness.corpus import rows as module
from harness.corpus.rows import DenseRows, SparseRows, positions, slabs, turned


@pytest.fixture(autouse=True)
def small_slabs(monkeypatch):
    """Slabs of 64 values and gaps of 8, so that small matrices are read in many pieces."""
    monkeypatch.setattr(module, "SLAB", 64)
    monkeypatch.setattr(module, "GAP", 8)


@pytest.fixture
def matrix():
    """200 x 30, a tenth of it filled, some rows empty."""
    values = np.random.default_rng(0).poisson(0.1, (200, 30)).astype(np.float32)
    values[[0, 5, 199]] = 0
    return csr_matrix(values)


class Watched:
    """An array that remembers the longest slice it was asked for."""

    def __init__(self, values):
        self.values, self.longest = values, 0
        self.shape, self.dtype = values.shape, values.dtype

    def __getitem__(self, key):
        found = self.values[key]
        self.longest = max(self.longest, found.size)
        return found


def layouts(matrix):
    csc = csc_matrix(matrix)
    return {
        "csr": SparseRows(
            Watched(matrix.data), Watched(matrix.indices), matrix.indptr.astype(np.int64), matrix.shape
        ),
        "csc": turned(Watched(csc.data), Watched(csc.indices), csc.indptr.astype(np.int64), matrix.shape),
        "dense": DenseRows(Watched(matrix.toarray())),
    }


@pytest.mark.parametrize("layout", ["csr", "csc", "dense"])
@pytest.mark.parametrize(
    "wanted", [[], [0], [199], [0, 1, 2], [3, 90, 91, 150], range(200), range(0, 200, 7)]
)
def test_rows_are_those_of_the_matrix(matrix, layout, wanted):
    """Near rows, far rows, empty rows, all rows and none."""
    wanted = np.array(list(wanted), dtype=np.int64)
    found = layouts(matrix)[layout].take(wanted)
    assert found.shape == (len(wanted), 30)
    assert found.has_sorted_indices
    np.testing.assert_array_equal(found.toarray(), matrix[wanted].toarray())


@pytest.mark.parametrize("layout", ["csr", "dense"])
def test_no_read_is_longer_than_a_slab_and_a_row(matrix, layout):
    """All rows of a matrix larger than a slab are read in pieces."""
    source = layouts(matrix)[layout]
    source.take(np.arange(200))
    read = source.data if layout == "csr" else source.values
    assert 0 < read.longest <= 64 + 30
    assert matrix.nnz > 5 * 64


def test_turning_reads_slabs_only(matrix):
    """A CSC matrix is turned without being held."""
    csc = csc_matrix(matrix)
    data, indices = Watched(csc.data), Watched(csc.indices)
    turned(data, indices, csc.indptr.astype(np.int64), matrix.shape)
    assert data.longest <= 64
    assert indices.longest <= 64


def test_far_rows_are_not_read_together(matrix):
    """What lies between two far rows stays on disk."""
    source = layouts(matrix)["csr"]
    source.take(np.array([1, 198]))
    assert source.data.longest <= 30


def test_near_rows_are_read_at_once_and_far_ones_apart():
    """Rows of ten values each: rows 0 and 1 touch, row 2 begins 5 further on, row 3 a hundred."""
    starts = np.array([0, 10, 25, 135])
    assert list(slabs(starts, starts + 10)) == [slice(0, 3), slice(3, 4)]


def test_positions_by_hand():
    """Two values from 5 on, none from 9, three from 0."""
    assert positions(np.array([5, 9, 0]), np.array([2, 0, 3])).tolist() == [5, 6, 0, 1, 2]
