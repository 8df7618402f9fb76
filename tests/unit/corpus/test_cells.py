"""Cells from disk: every layout gives the same counts; alignment and spools keep them."""

import numpy as np
import pytest
from scipy.sparse import csc_matrix, csr_matrix

from harness.contracts.cells import Cells
from harness.corpus import aligned, open_cells, open_spool, spool
from harness.errors import BadData


def dense(cells):
    return np.vstack([batch.toarray() for batch in cells.batches(5)])


@pytest.mark.parametrize("layout", [csr_matrix, csc_matrix, np.asarray])
@pytest.mark.parametrize("place", ["X", "layers/counts", "raw"])
def test_counts_are_the_same_from_every_layout_and_place(save, entry, counts, layout, place):
    """CSR, CSC and dense; X, a layer and raw."""
    other = csr_matrix(np.zeros_like(counts))
    parts = {
        "X": {"x": layout(counts)},
        "layers/counts": {"x": other, "layers": {"counts": layout(counts)}},
        "raw": {"x": other, "raw": layout(counts)},
    }
    cells = open_cells(entry(counts=place), save(**parts[place]))
    assert isinstance(cells, Cells)
    np.testing.assert_array_equal(dense(cells), counts)


def test_rows_come_in_the_order_asked_for_and_may_repeat(save, entry, sparse, counts):
    """Files are read sorted; the caller never notices."""
    cells = open_cells(entry(), save(x=sparse))
    np.testing.assert_array_equal(cells.rows(np.array([7, 1, 7, 0])).toarray(), counts[[7, 1, 7, 0]])


def test_batches_refuse_to_be_written_to(save, entry, sparse):
    """A guest cannot alter its input."""
    cells = open_cells(entry(), save(x=sparse))
    with pytest.raises(ValueError, match="read-only"):
        next(cells.batches()).data[0] = 99


def test_drop_limit_and_labels_agree_with_each_other(save, entry, sparse, counts):
    """The labels belong to the cells that are read."""
    cells = open_cells(entry(drop={"kind": ("B",)}), save(x=sparse), roles=("cell_type",), limit=5)
    assert cells.n_cells == 5
    assert set(cells.columns["cell_type"]) <= {"A", "C"}
    np.testing.assert_array_equal(dense(cells), counts[cells.kept])
    kinds = np.array(["A", "B", "C"] * 4)
    np.testing.assert_array_equal(cells.columns["cell_type"], kinds[cells.kept])


def test_no_column_unless_asked_for(save, entry, sparse):
    """Without roles there is no label in sight."""
    assert open_cells(entry(), save(x=sparse)).columns == {}


def test_counts_are_recovered_from_log_normalised_values(save, entry, counts):
    """expm1 divided by the cell's smallest value gives the counts back where that value is one count."""
    counts[:, 0] = 1
    logged = np.log1p(1e4 * counts / counts.sum(axis=1, keepdims=True))
    cells = open_cells(entry(counts="raw", recover="expm1"), save(raw=csr_matrix(logged)))
    np.testing.assert_array_equal(dense(cells), counts)


def test_values_that_are_no_logged_counts_are_refused(save, entry, counts):
    """Nothing is rounded into counts by force."""
    wild = csr_matrix(np.random.default_rng(1).uniform(0.5, 3, counts.shape))
    with pytest.raises(BadData, match="cannot be recovered"):
        dense(open_cells(entry(recover="expm1"), save(x=wild)))


def test_alignment_by_hand(save, entry):
    """Duplicates are summed, absent genes zero and marked as not measured, foreign genes dropped."""
    cells = open_cells(
        entry(roles={}), save(x=np.array([[1, 2, 4, 8]], np.float32), obs={}, symbols=list("abac"))
    )
    found = aligned(cells, ["c", "z", "a"])
    np.testing.assert_array_equal(dense(found), [[8, 0, 5]])
    assert found.measured.tolist() == [True, False, True]
    assert list(found.genes) == ["c", "z", "a"]


def test_alignment_by_ensembl_id_where_symbols_differ(save, entry):
    """Renamed symbols do not matter when ids are there; versions of ids do not either."""
    cells = open_cells(entry(ensembl="ensembl_id"), save())
    found = aligned(cells, ["new2", "new0"], ["ENSG2", "ENSG0"])
    np.testing.assert_array_equal(dense(found), dense(cells)[:, [2, 0]])


def test_a_spool_is_the_same_cells_without_labels_or_origin(save, entry, sparse, counts, tmp_path):
    """What a model gets of evaluation cells: counts, genes, and nothing else."""
    cells = open_cells(entry(ensembl="ensembl_id"), save(x=sparse), roles=("cell_type",))
    spool(cells, tmp_path / "spool")
    again = open_spool(tmp_path / "spool")
    np.testing.assert_array_equal(dense(again), counts)
    np.testing.assert_array_equal(again.rows(np.array([3, 0, 3])).toarray(), counts[[3, 0, 3]])
    assert again.symbols == cells.symbols
    assert again.ensembl == cells.ensembl
    assert again.columns == {}
    assert str(tmp_path / "cells.h5ad") not in repr(vars(again))
    with pytest.raises(ValueError, match="read-only"):
        again.data[0] = 9


def test_empty_cells_and_empty_matrices_can_be_spooled(save, entry, tmp_path):
    """No count at all is still a data set of cells."""
    cells = open_cells(entry(), save(x=csr_matrix((12, 5), dtype=np.float32)))
    spool(cells, tmp_path / "spool")
    np.testing.assert_array_equal(dense(open_spool(tmp_path / "spool")), np.zeros((12, 5)))
