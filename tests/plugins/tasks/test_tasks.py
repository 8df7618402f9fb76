"""Tasks on data of known answers; their kernels are tested in tests/unit/measures."""

import numpy as np
import pytest

from harness import ArrayCells, PlainRun, Split
from harness_plugins.tasks.batch_integration.task import BatchIntegration
from harness_plugins.tasks.cell_type_classification.task import CellTypeClassification

RUN = PlainRun()


def column(values):
    return np.array(list(values), dtype=object)


def cells_with(counts, **columns):
    return ArrayCells(
        counts=np.asarray(counts), genes=[f"g{i}" for i in range(np.shape(counts)[1])], columns=columns
    )


def split(fold, units):
    fold = np.asarray(fold)
    return Split(fold=fold, n_folds=int(fold.max()) + 1, units=column(units), unit_kind="donor")


class TestClassification:
    """Four donors, two of each type would do; here six cells whose neighbours are known."""

    labels = column("AAABBBC")
    place = np.float32([[0], [1], [9], [10], [11], [12], [50]])
    folds = split([0, 1, 0, 0, 1, 1, -1], ["d1", "d2", "d1", "d1", "d2", "d2", "d3"])
    cells = cells_with(np.ones((7, 2)), cell_type=labels)

    def test_by_hand(self):
        """One neighbour: the cell at 9, an A, is nearest to the B at 11; the C is left out."""
        task = CellTypeClassification(neighbours=1)
        found = task.evaluate(self.place, self.cells, self.folds, RUN)
        assert found.values["micro_f1"] == pytest.approx(5 / 6)
        # A: 2 of 3 found, all right: 0.8. B: all 3 found, 3 of 4 right: 6/7.
        assert found.values["macro_f1"] == pytest.approx((0.8 + 6 / 7) / 2)
        assert list(found.unit_names) == ["d1", "d2"]
        np.testing.assert_allclose(found.units["micro_f1"], [2 / 3, 1])
        assert list(found.weights) == [3, 3]
        assert found.notes == {"classes": 2, "cells_tested": 6}

    def test_the_majority_class(self):
        """Fold 0 learns from A, B, B and says B; fold 1 from A, A, B and says A."""
        found = CellTypeClassification(neighbours=1).baseline("majority_class", self.cells, self.folds, RUN)
        assert found.values["micro_f1"] == pytest.approx(2 / 6)


@pytest.mark.parametrize("task", [CellTypeClassification(), BatchIntegration()])
def test_an_unknown_baseline_is_refused(task):
    """The base class says so."""
    with pytest.raises(NotImplementedError):
        task.baseline("nobody", cells_with(np.ones((4, 2))), None, RUN)
