"""The toy cells, and the watch over what guests are given."""

import numpy as np
import pytest

from harness import NotApplicable
from harness.conformance.inputs import (
    Watched,
    levels_of,
    reordered,
    same_rows,
    seen,
    shuffled,
    taken,
    toy_cells,
)
from harness.contracts.cells import Cells
from harness.errors import ContractBroken
from harness.records import SplitRecipe
from harness.splits import KINDS, choose, crosstabs_of


def test_toy_cells_are_always_the_same_and_never_shared():
    """A guest that alters its toy cells spoils nothing but its own check."""
    first, second = toy_cells(), toy_cells()
    np.testing.assert_array_equal(first.counts, second.counts)
    first.counts[:] = 0
    assert second.counts.any()


@pytest.mark.parametrize("kind", KINDS)
def test_toy_cells_admit_every_split(kind):
    """No task is let off because the toy cells cannot be divided as it asks."""
    columns = toy_cells().columns
    for options in ({"seen": 0, "dose": "inner"}, {"seen": 1, "dose": "extreme"}, {"seen": 2}):
        recipe = choose(kind, levels_of(columns), crosstabs_of(columns), {"shots": 1, **options})
        assert isinstance(recipe, SplitRecipe), recipe
        assert recipe.kind == kind


def test_toy_counts_show_every_role():
    """Types, perturbations and batches are visible in the counts: their means differ beyond chance."""
    cells = toy_cells()
    counts = np.log1p(cells.counts)
    for role in ("cell_type", "perturbation", "batch"):
        labels = cells.columns[role]
        means = np.stack([counts[labels == level].mean(axis=0) for level in dict.fromkeys(labels)])
        mixed = shuffled(cells.n_cells)
        chance = np.stack([counts[labels[mixed] == level].mean(axis=0) for level in dict.fromkeys(labels)])
        assert means.var(axis=0).mean() > 1.5 * chance.var(axis=0).mean()


def test_cells_and_genes_in_another_order_are_the_same_cells():
    """Permuting permutes counts, labels and components together."""
    cells = toy_cells()
    order, columns = shuffled(cells.n_cells), shuffled(len(cells.genes))
    other = reordered(taken(cells, order), columns)
    np.testing.assert_array_equal(other.counts[0], cells.counts[order[0]][columns])
    assert other.genes[0] == cells.genes[columns[0]]
    assert other.columns["donor"][5] == cells.columns["donor"][order[5]]
    np.testing.assert_array_equal(other.components[5], cells.components[order[5]])


def test_only_what_was_asked_for_is_seen():
    """A view has these roles and no others."""
    view = seen(toy_cells(), ["cell_type"])
    assert list(view.columns) == ["cell_type"]
    assert view.components is None
    with pytest.raises(NotApplicable, match='no role "protein"'):
        seen(toy_cells(), ["protein"])


def test_watched_cells_are_cells_and_notice_writing():
    """A guest sees ordinary cells; any write into what it was given is noticed by name."""
    watched = Watched(seen(toy_cells(), ["donor"]))
    assert isinstance(watched, Cells)
    batch = next(watched.batches(10))
    watched.verify("nobody")
    batch.data.setflags(write=True)
    batch.data[0] += 1
    with pytest.raises(ContractBroken, match="somebody altered a batch of counts"):
        watched.verify("somebody")


def test_watched_cells_notice_new_labels():
    """Labels are compared by content."""
    watched = Watched(seen(toy_cells(), ["donor"]))
    watched.columns["donor"][3] = "me"
    with pytest.raises(ContractBroken, match='altered the labels of "donor"'):
        watched.verify("somebody")


def test_rows_are_compared_relative_to_the_largest_value():
    """0.05 of 100 is within a thousandth, 0.2 is not, and the cell that differs is shown."""
    expected = np.array([[100.0, 0.0], [1.0, 1.0]])
    same_rows(expected + 0.05, expected, "near", 1e-3)
    found = expected + np.array([[0.0, 0.0], [0.2, 0.0]])
    with pytest.raises(ContractBroken, match=r"far: 1 of 2 cells .*cell 1 is \[1.2, 1\], not \[1, 1\]"):
        same_rows(found, expected, "far", 1e-3)
    with pytest.raises(ContractBroken, match="shape"):
        same_rows(found[:1], expected, "short", 1e-3)
