"""Files of other writers: the one inside scanpy, written in 2018, and column types that anndata knows."""

import importlib.util
from pathlib import Path

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from harness.corpus import Entry, open_cells
from harness.corpus.measure import measure


@pytest.fixture
def pbmc68k():
    """An entry for the 700 PBMC inside scanpy: counts recovered from logged values in ``raw``."""
    return Entry(
        name="pbmc68k",
        kind="dataset",
        file="package:scanpy/datasets/10x_pbmc68k_reduced.h5ad",
        counts="raw",
        recover="expm1",
        roles={"cell_type": "bulk_labels"},
    )


@pytest.mark.filterwarnings("ignore::anndata.OldFormatWarning")  # anndata's, about the age of the file
def test_counts_are_recovered_from_the_file_inside_scanpy(pbmc68k):
    """700 cells x 765 genes, and the counts are those that the library sizes in its obs lead to.

    The stored values are log1p(counts / n_counts x 10,000), rounded to three decimals, where n_counts is the
    total over all genes of the experiment: another way to the counts, which recovery does not use.
    """
    cells = open_cells(pbmc68k, pbmc68k.path(), roles=("cell_type",))
    counts = np.vstack([batch.toarray() for batch in cells.batches(128)])
    package = importlib.util.find_spec("scanpy").submodule_search_locations[0]
    reference = anndata.read_h5ad(Path(package) / "datasets" / "10x_pbmc68k_reduced.h5ad")
    assert list(cells.symbols) == list(reference.raw.var_names)
    assert list(cells.columns["cell_type"]) == list(reference.obs["bulk_labels"])
    size = reference.obs["n_counts"].to_numpy()[:, None]
    np.testing.assert_array_equal(counts, np.rint(np.expm1(reference.raw.X.toarray()) * size / 1e4))


def test_facts_of_the_file_inside_scanpy(pbmc68k):
    """Planning sees ten cell types in 700 cells."""
    facts = measure(pbmc68k, pbmc68k.path())
    assert (facts.n_cells, len(facts.symbols), len(facts.levels["cell_type"])) == (700, 765, 10)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pd.Categorical(["x", "y", "x"]), ["x", "y", "x"]),
        (["x", "y", "x"], ["x", "y", "x"]),
        ([1, 2, 1], ["1", "2", "1"]),
        ([0.5, 2.0, 0.5], ["0.5", "2.0", "0.5"]),
        ([True, False, True], ["True", "False", "True"]),
        (pd.array([1, 2, 1], dtype="Int64"), ["1", "2", "1"]),
        (pd.Categorical([1, 2, 1]), ["1", "2", "1"]),
    ],
)
def test_labels_are_text_whatever_the_column_holds(tmp_path, column, expected):
    """Clusters called 1, 2, ... and doses are labels like any other."""
    obs = pd.DataFrame({"label": column}, index=["p", "q", "r"])
    adata = anndata.AnnData(csr_matrix(np.ones((3, 2), dtype=np.float32)), obs=obs)
    adata.write_h5ad(tmp_path / "cells.h5ad")
    entry = Entry(name="cells", kind="dataset", file="cells.h5ad", roles={"dose": "label"})
    cells = open_cells(entry, tmp_path / "cells.h5ad", roles=("dose",))
    assert cells.columns["dose"].tolist() == expected
    assert cells.columns["dose"].dtype == object


@pytest.mark.parametrize("kind", ["int64", "uint16", "float64", "float32"])
def test_counts_of_every_number_type_become_float32(tmp_path, kind):
    """A file of integers and one of floating numbers are the same data."""
    values = np.array([[0, 3, 1], [2, 0, 70000 if kind != "uint16" else 7]]).astype(kind)
    anndata.AnnData(csr_matrix(values)).write_h5ad(tmp_path / "cells.h5ad")
    cells = open_cells(Entry(name="cells", kind="dataset", file="x"), tmp_path / "cells.h5ad")
    batch = cells.rows(np.array([1, 0]))
    assert batch.dtype == np.float32
    np.testing.assert_array_equal(batch.toarray(), values[[1, 0]])


def test_a_value_stored_in_two_pieces_is_their_sum(tmp_path):
    """CSR allows a place to stand twice, out of order, and zeros to be stored."""
    path = tmp_path / "cells.h5ad"
    anndata.AnnData(csr_matrix(np.array([[5.0, 1, 2, 3]], dtype=np.float32))).write_h5ad(path)
    with h5py.File(path, "r+") as file:
        file["X/indices"][:] = [2, 0, 2, 1]
        file["X/data"][:] = [5, 1, 2, 0]
    batch = open_cells(Entry(name="cells", kind="dataset", file="x"), path).rows(np.array([0]))
    np.testing.assert_array_equal(batch.toarray(), [[1, 0, 7, 0]])
    assert batch.has_canonical_format
    assert batch.nnz == 2
