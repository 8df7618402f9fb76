"""The task, on models whose answers are known."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from harness import ArrayCells, PlainRun
from harness.contracts.task import Split
from harness.measures import log_normalise, most_variable
from harness_plugins.tasks.masked_reconstruction import harness_tasks
from harness_plugins.tasks.masked_reconstruction.task import MaskedReconstruction

CARD = harness_tasks()[0]
RNG = np.random.default_rng(0)
RATES = RNG.gamma(1.0, 4.0, (3, 30))[RNG.integers(3, size=120)]
CELLS = ArrayCells(counts=RNG.poisson(RATES), genes=[f"g{i}" for i in range(30)])
TRUTH = log_normalise(CELLS.rows(np.arange(120))).toarray()
FOLD = np.arange(120) % 4
SPLIT = Split(fold=FOLD, n_folds=4, units=np.array([f"d{f}" for f in FOLD], dtype=object), unit_kind="donor")


@dataclass
class Saying:
    """A model that answers what a function of rows says, and remembers what was hidden."""

    say: object
    cells: object = CELLS

    def __post_init__(self):
        self.asked = []

    def reconstruct(self, rows, hidden):
        self.asked.append((rows, hidden))
        return self.say(rows).astype(np.float32)


def scored(say, seed=1, **parameters):
    model = Saying(say)
    task = MaskedReconstruction(**{**CARD.parameters, **parameters})
    return task.evaluate(model, CELLS, SPLIT, PlainRun(seed=seed)), model


def test_the_truth_gains_everything():
    """Answers that are right to float32: R2 of 1."""
    found, _ = scored(lambda rows: TRUTH[rows])
    assert found.values["r2_over_gene_mean"] == pytest.approx(1, abs=1e-6)


def test_gene_means_of_the_other_folds_gain_nothing():
    """The baseline, and a model that says the same: exactly nothing, in each donor too."""
    means = np.array([TRUTH[fold != FOLD].mean(axis=0) for fold in range(4)])
    found, _ = scored(lambda rows: means[FOLD[rows]])
    task = MaskedReconstruction(**CARD.parameters)
    baseline = task.baseline("gene_mean", CELLS, SPLIT, PlainRun(seed=1))
    assert baseline.values["r2_over_gene_mean"] == 0
    assert baseline.values["bits_over_gene_mean"] == 0
    assert found.values["r2_over_gene_mean"] == pytest.approx(0, abs=1e-6)
    assert found.values["mse"] == pytest.approx(baseline.values["mse"], rel=1e-5)
    np.testing.assert_allclose(found.units["r2_over_gene_mean"], 0, atol=1e-6)


def test_errors_are_those_of_hidden_values_alone():
    """Answers of zero: the mean square of what was hidden, recomputed; 15 % of it, in every cell a share."""
    found, model = scored(lambda rows: np.zeros((len(rows), 30)))
    rows, hidden = (np.concatenate(part) for part in zip(*model.asked, strict=True))
    assert found.values["mse"] == pytest.approx((TRUTH[rows] ** 2)[hidden].mean(), rel=1e-6)
    assert hidden.mean() == pytest.approx(0.15, abs=0.02)
    assert (found.weights > 0).all()


def test_r2_is_the_mean_of_its_units_by_what_there_is_to_gain():
    """Cells as units too, whose own R2 may be far below zero where they have next to nothing to tell."""
    noise = np.random.default_rng(0).normal(0, 0.5, TRUTH.shape)
    for split in (SPLIT, replace(SPLIT, units=np.arange(len(TRUTH)).astype(str).astype(object))):
        task = MaskedReconstruction(**CARD.parameters)
        found = task.evaluate(Saying(lambda rows: TRUTH[rows] + noise[rows]), CELLS, split, PlainRun(seed=1))
        scores, weights = found.units["r2_over_gene_mean"], found.weights
        known = weights > 0
        assert list(found.units) == ["r2_over_gene_mean"]  # no other score is a mean of units
        assert (np.isnan(scores) == ~known).all()
        mean = np.average(scores[known], weights=weights[known])
        assert found.values["r2_over_gene_mean"] == pytest.approx(mean, rel=1e-9)
    assert scores[known].mean() < mean - 0.1  # plain means of cells say something else


def test_what_is_hidden_depends_on_neither_model_nor_seed():
    """Two models are asked the same, and so are two seeds of one."""
    two = (lambda rows: TRUTH[rows], lambda rows: 0 * TRUTH[rows])
    asked = [scored(say, seed=seed)[1].asked for seed, say in enumerate(two)]
    for (rows, hidden), (same_rows, same) in zip(*asked, strict=True):
        np.testing.assert_array_equal(rows, same_rows)
        np.testing.assert_array_equal(hidden, same)


def test_a_panel_is_the_most_variable_genes():
    """Only they are hidden."""
    _, model = scored(lambda rows: TRUTH[rows], n_genes=5)
    hidden = np.concatenate([hidden for _, hidden in model.asked]).any(axis=0)
    assert set(np.flatnonzero(hidden)) == set(most_variable(CELLS, 5))


def test_genes_that_are_not_restored_are_left_out_and_counted():
    """A model of half the genes is scored on them; one of fewer has a reason in place of scores."""

    def half(rows):
        answers = TRUTH[rows].copy()
        answers[:, ::2] = np.nan
        return answers

    def few(rows):
        answers = np.full((len(rows), 30), np.nan)
        answers[:, 0] = 1.0
        return answers

    found, _ = scored(half)
    assert found.values["r2_over_gene_mean"] == pytest.approx(1, abs=1e-6)
    assert (found.notes["genes_asked"], found.notes["genes_restored"]) == (30, 15)
    found, _ = scored(few)
    assert found.values == {}
    assert "restores 3% of the genes" in found.undefined["mse"]
