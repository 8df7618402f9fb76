"""The task, on models whose answers are known."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score, log_loss

from harness import ArrayCells, PlainRun
from harness.contracts.guards import check_scores
from harness.contracts.task import Split
from harness_plugins.tasks.fine_tuned_classification import harness_tasks
from harness_plugins.tasks.fine_tuned_classification.task import FineTunedClassification

CARD = harness_tasks()[0]
RNG = np.random.default_rng(0)
TYPES = np.array(["b", "a", "c"], dtype=object)[RNG.integers(3, size=90)]
FOLD = np.arange(90) % 3
CELLS = ArrayCells(counts=np.ones((90, 2)), genes=["g", "h"], columns={"cell_type": TYPES})
SPLIT = Split(
    fold=np.where(np.arange(90) < 6, -1, FOLD),
    n_folds=3,
    units=np.array([f"d{f}" for f in FOLD], dtype=object),
    unit_kind="donor",
)


class Taught:
    """Answers with chances drawn per cell, and remembers what it was taught."""

    def __init__(self, lacks=None):
        self.calls, self.lacks = [], lacks
        self.chances = np.random.default_rng(1).dirichlet(np.ones(3), 90)

    def fine_tuned(self, labels, train, test, steps):
        self.calls.append((train, test, steps))
        classes = np.array([name for name in np.unique(labels[train].astype(str)) if name != self.lacks])
        found = self.chances[test][:, : len(classes)]
        return found / found.sum(axis=1, keepdims=True), classes


def scored(subject, **parameters):
    task = FineTunedClassification(**{**CARD.parameters, **parameters})
    return task.evaluate(subject, CELLS, SPLIT, PlainRun())


def test_every_fold_is_taught_the_others():
    """No cell is on both sides, none that is left out on either, and the budget is the card's."""
    subject = Taught()
    scored(subject, steps=17)
    for fold, (train, test, steps) in enumerate(subject.calls):
        assert set(test) == set(np.flatnonzero(SPLIT.fold == fold))
        assert set(train) == set(np.flatnonzero((SPLIT.fold >= 0) & (SPLIT.fold != fold)))
        assert steps == 17
    assert len(subject.calls) == 3


def test_scores_are_those_of_scikit_learn():
    """F1 and log loss of the chances, cell by cell in their places."""
    subject = Taught()
    found = scored(subject)
    tested = SPLIT.fold >= 0
    told = np.array(["a", "b", "c"])[subject.chances.argmax(axis=1)][tested]
    truth = TYPES[tested].astype(str)
    assert found.values["micro_f1"] == pytest.approx(f1_score(truth, told, average="micro"))
    assert found.values["macro_f1"] == pytest.approx(f1_score(truth, told, average="macro"))
    assert found.values["log_loss"] == pytest.approx(log_loss(truth, subject.chances[tested]))
    assert found.unit_names == ("d0", "d1", "d2")


def test_familiar_ground_is_told_by_the_same_models():
    """Cells set apart are asked in their fold, taught in none of it, and have a score beside the tested."""
    apart = np.where((np.arange(90) % 7 == 0) & (SPLIT.fold >= 0), (SPLIT.fold + 1) % 3, -1)
    divided = replace(SPLIT, in_distribution=apart)
    subject = Taught()
    found = FineTunedClassification(**CARD.parameters).evaluate(subject, CELLS, divided, PlainRun())
    check_scores(found, CARD)
    told = np.array(["a", "b", "c"])[subject.chances.argmax(axis=1)]
    right = told == TYPES.astype(str)
    assert found.values["in_distribution_micro_f1"] == pytest.approx(right[apart >= 0].mean())
    assert found.values["micro_f1"] == pytest.approx(right[SPLIT.fold >= 0].mean())
    gap = found.values["in_distribution_micro_f1"] - found.values["micro_f1"]
    assert found.values["micro_f1_gap"] == pytest.approx(gap)
    for fold, (train, asked, _) in enumerate(subject.calls):
        assert set(asked) == set(np.flatnonzero((SPLIT.fold == fold) | (apart == fold)))
        assert not set(train) & set(asked)


def test_without_familiar_ground_the_reason_is_told():
    """No value, and what to ask for."""
    found = scored(Taught())
    check_scores(found, CARD)
    assert "split_in_distribution: true does" in found.undefined["micro_f1_gap"]


def test_a_class_that_was_never_taught_is_never_told():
    """Its cells are wrong, and the others keep their columns."""
    found = scored(Taught(lacks="b"))
    assert 0 < found.values["micro_f1"] < 1 - (TYPES == "b").mean()
    assert "log_loss" in found.undefined


def test_the_majority_is_the_floor():
    """The most frequent type of the other donors."""
    task = FineTunedClassification(**CARD.parameters)
    found = task.baseline("majority_class", CELLS, SPLIT, PlainRun())
    expected = []
    for fold in range(3):
        names, counts = np.unique(TYPES[SPLIT.training(fold)].astype(str), return_counts=True)
        expected += list(TYPES[SPLIT.fold == fold] == names[counts.argmax()])
    assert found.values["micro_f1"] == pytest.approx(np.mean(expected))
