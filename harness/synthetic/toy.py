"""A few cells for the tests of a plugin."""

from __future__ import annotations

from harness.contracts.cells import ArrayCells
from harness.synthetic.world import World


def toy_cells(n_cells: int = 120, n_genes: int = 40, n_types: int = 3, seed: int = 0) -> ArrayCells:
    """Return well-separated cells with the columns ``cell_type``, ``batch`` and ``donor``, in milliseconds.

    Parameters
    ----------
    n_cells, n_genes, n_types
        How many; a larger number of cells begins with those of a smaller one.
    seed
        Of everything about them.
    """
    world = World(
        seed=seed,
        genes=n_genes,
        types=n_types,
        programmes=max(1, min(4, n_genes - 2)),
        contexts=1,
        depth=20.0 * n_genes,
        strongest=0.6,
        weakest=0.8,
        label_flip=0.0,
        zipf=0.0,
        private_genes=0,
        interaction_genes=0,
    )
    return world.evaluation(n_cells).cells()
