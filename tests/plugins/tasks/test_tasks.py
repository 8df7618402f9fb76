"""Tasks on data of known answers; their kernels are tested in tests/unit/measures."""

import numpy as np
import pytest

from harness import ArrayCells, ContractBroken, NotApplicable, PlainRun, Split
from harness.measures import log_normalise
from harness_plugins.tasks.batch_integration.task import BatchIntegration
from harness_plugins.tasks.cell_type_classification.task import CellTypeClassification
from harness_plugins.tasks.perturbation_response.task import PerturbationResponse

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


class TestPerturbation:
    """Three lines of cells, one drug that doubles the first gene in every one of them."""

    rng = np.random.default_rng(0)
    line = np.repeat([0, 1, 2], 80)
    treated = np.tile([False, True], 120)
    rates = np.random.default_rng(1).gamma(2.0, 20.0, (3, 30))
    counts = rng.poisson(rates[line] * np.where(treated[:, None] & (np.arange(30) == 0), 4, 1))
    cells = cells_with(
        counts,
        perturbation=np.where(treated, "drug", "control").astype(object),
        context=column("xyz")[line],
    )
    task = PerturbationResponse(head="ridge")

    def test_the_answer_is_the_mean_of_the_treated(self):
        """No change: the mean squared error is that of the control mean, averaged over lines."""
        found = self.task.baseline("no_change", self.cells, None, RUN)
        x = log_normalise(self.counts).toarray()
        mean = {
            (c, t): x[(self.line == c) & (self.treated == t)].mean(axis=0) for c in range(3) for t in (0, 1)
        }
        errors = [((mean[c, 0] - mean[c, 1]) ** 2).mean() for c in range(3)]
        np.testing.assert_allclose(found.units["mse"], errors, rtol=1e-4)
        assert found.values["mse"] == pytest.approx(np.mean(errors), rel=1e-4)
        assert list(found.unit_names) == ["drug|x", "drug|y", "drug|z"]

    def test_no_change_has_no_delta(self):
        """It is undefined, with a reason, and never a zero."""
        found = self.task.baseline("no_change", self.cells, None, RUN)
        assert "pearson_delta" not in found.values
        assert "pearson_delta" not in found.units
        assert "constant" in found.undefined["pearson_delta"]

    def test_an_effect_that_carries_over_is_found(self):
        """The same gene rises in every line: the effect of the others beats no change."""
        transfer = self.task.baseline("context_transfer", self.cells, None, RUN)
        nothing = self.task.baseline("no_change", self.cells, None, RUN)
        assert transfer.values["mse"] < 0.5 * nothing.values["mse"]
        assert transfer.values["pearson_delta"] > 0.9

    def test_an_embedding_that_tells_lines_apart_is_scored(self):
        """Every metric of the card has a value; one unit per line."""
        embedding = np.eye(3, dtype=np.float32)[self.line]
        found = self.task.evaluate(embedding, self.cells, None, RUN)
        assert found.values.keys() == {"pearson_r", "r2", "mse", "pearson_delta"}
        assert all(len(values) == 3 for values in found.units.values())

    def test_another_head_is_refused(self):
        """A sentence says what there is."""
        with pytest.raises(ContractBroken, match='"forest" is unknown; accepted is "ridge"'):
            PerturbationResponse(head="forest").evaluate(None, self.cells, None, RUN)

    def test_nothing_to_ask(self):
        """One line alone has no other to learn from."""
        alone = cells_with(self.counts[:80], **{k: v[:80] for k, v in self.cells.columns.items()})
        with pytest.raises(NotApplicable, match="two contexts"):
            self.task.baseline("no_change", alone, None, RUN)


@pytest.mark.parametrize("task", [CellTypeClassification(), BatchIntegration(), PerturbationResponse()])
def test_an_unknown_baseline_is_refused(task):
    """The base class says so."""
    with pytest.raises(NotImplementedError):
        task.baseline("nobody", cells_with(np.ones((4, 2))), None, RUN)
