"""Cells for the tests of a plugin."""

import time

import numpy as np

from harness.contracts.cells import Cells
from harness.synthetic import toy_cells


def test_toy_cells_are_what_was_asked():
    """Sizes, labels and the contract of cells."""
    cells = toy_cells(n_cells=50, n_genes=12, n_types=4, seed=2)
    assert isinstance(cells, Cells)
    assert (cells.n_cells, len(cells.genes), cells.counts.shape) == (50, 12, (50, 12))
    assert set(cells.columns) == {"cell_type", "batch", "donor"}
    assert len(set(cells.columns["cell_type"])) == 4


def test_toy_cells_come_at_once():
    """Milliseconds, so that a test can ask for them anywhere."""
    toy_cells()
    start = time.perf_counter()
    toy_cells()
    assert time.perf_counter() - start < 0.2


def test_types_of_toy_cells_can_be_told_apart():
    """A plugin's test may expect a sensible embedding to find them."""
    cells = toy_cells(n_cells=300)
    logged = np.log1p(cells.counts.toarray())
    labels = cells.columns["cell_type"].astype(str)
    centres = {kind: logged[:150][labels[:150] == kind].mean(axis=0) for kind in set(labels)}
    names = list(centres)
    distance = ((logged[150:, None] - np.array([centres[name] for name in names])) ** 2).sum(axis=2)
    assert (np.array(names)[distance.argmin(axis=1)] == labels[150:]).mean() > 0.95


def test_toy_cells_may_have_very_few_genes():
    """The knobs follow the size."""
    assert toy_cells(n_cells=5, n_genes=3, n_types=2).counts.shape == (5, 3)
