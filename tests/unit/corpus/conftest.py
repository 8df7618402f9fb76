"""Small h5ad files to be wrong in every way."""

import anndata
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from harness.corpus import Entry


@pytest.fixture
def counts():
    """Twelve cells, five genes, whole numbers with many zeros."""
    return np.random.default_rng(0).poisson(0.8, size=(12, 5)).astype(np.float32) + np.eye(
        12, 5, dtype=np.float32
    )


@pytest.fixture
def save(tmp_path, counts):
    """Write an h5ad file; keywords replace its parts."""

    def write(name="cells.h5ad", x=None, obs=None, symbols=None, layers=None, raw=None):
        x = counts if x is None else x
        n = x.shape[0]
        table = {"kind": ["A", "B", "C"] * (n // 3), "donor": ["d1", "d2"] * (n // 2)} if obs is None else obs
        index = [f"cell{i}" for i in range(n)]
        adata = anndata.AnnData(x, obs=pd.DataFrame(table, index=index[: len(index)]))
        adata.var_names = symbols or [f"g{i}" for i in range(x.shape[1])]
        adata.var["ensembl_id"] = [f"ENSG{i}.{i}" for i in range(x.shape[1])]
        if raw is not None:
            adata.raw = anndata.AnnData(raw, var=adata.var)
        for layer, values in (layers or {}).items():
            adata.layers[layer] = values
        path = tmp_path / name
        adata.write_h5ad(path)
        return path

    return write


@pytest.fixture
def entry():
    """An entry with cell types and donors; keywords replace its fields."""

    def make(**fields):
        values = {
            "name": "cells",
            "kind": "dataset",
            "file": "cells.h5ad",
            "roles": {"cell_type": "kind", "donor": "donor"},
            "source": ("catalogue.yaml", 7),
        }
        return Entry(**{**values, **fields})

    return make


@pytest.fixture
def sparse(counts):
    """The same counts as CSR."""
    return csr_matrix(counts)
