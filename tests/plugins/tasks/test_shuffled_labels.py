"""The task: chance is known exactly, and a leak shows."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2

from harness import ArrayCells, ContractBroken, PlainRun, Split
from harness_plugins.tasks.shuffled_labels import harness_tasks
from harness_plugins.tasks.shuffled_labels.task import ShuffledLabels

CARD = harness_tasks()[0]
RNG = np.random.default_rng(0)
DONOR = RNG.integers(8, size=400)
KIND = (RNG.random(400)[:, None] > np.cumsum(RNG.dirichlet(np.ones(3), 8), axis=1)[DONOR]).sum(axis=1)
"""Three types in shares that differ much from donor to donor."""
EMBEDDING = (
    3 * RNG.normal(size=(3, 6))[KIND] + RNG.normal(size=(8, 6))[DONOR] + RNG.normal(size=(400, 6))
).astype(np.float32)
CELLS = ArrayCells(
    counts=RNG.poisson(3.0, (400, 9)),
    genes=list("abcdefghi"),
    columns={"cell_type": np.array(["A", "B", "C"], dtype=object)[KIND]},
)
SPLIT = Split(
    fold=np.where(np.arange(400) < 10, -1, DONOR % 4),
    n_folds=4,
    units=np.array([f"d{number}" for number in DONOR], dtype=object),
    unit_kind="donor",
)
BY_CELL = replace(SPLIT, units=np.array([f"cell-{n:03d}" for n in range(400)], dtype=object))


def task(**parameters):
    return ShuffledLabels(**{**CARD.parameters, **parameters})


def scores(split, seeds, metric, **parameters):
    found = (task(**parameters).evaluate(EMBEDDING, CELLS, split, PlainRun(seed=n)) for n in range(seeds))
    return np.array([scores.values[metric] for scores in found])


@pytest.mark.parametrize("split", [SPLIT, BY_CELL], ids=["donors", "cells"])
@pytest.mark.parametrize("probe", ["knn", "ridge"])
def test_nothing_is_found_but_by_chance(split, probe):
    """An embedding that shows true types and donors: ten excesses are of mean 0 and variance 1 in errors."""
    found = scores(split, 10, "excess_in_errors", probe=probe, draws=2)
    assert abs(found.mean()) < 3 / np.sqrt(10)
    assert chi2.cdf((found**2).sum(), 10) == pytest.approx(0.5, abs=0.499)


def test_chance_is_not_the_share_of_the_majority():
    """Donors with few types are told better than 1/3 by chance: that is no leak, and not in the excess."""
    found = task().evaluate(EMBEDDING, CELLS, SPLIT, PlainRun(seed=5))
    assert found.values["chance"] > 0.35
    assert found.values["excess_over_chance"] == pytest.approx(
        found.values["micro_f1"] - found.values["chance"]
    )
    assert set(found.units) == set(found.values) - {"excess_in_errors"}
    for name, value in found.values.items() - {("excess_in_errors", found.values["excess_in_errors"])}:
        assert np.average(found.units[name], weights=found.weights) == pytest.approx(value)
    assert list(found.weights) == np.bincount(DONOR[10:]).tolist()


def test_the_majority_class_has_no_excess_at_all():
    """In no donor: it is right as often as its share."""
    found = task().baseline("majority_class", CELLS, SPLIT, PlainRun(seed=1))
    np.testing.assert_allclose(found.units["excess_over_chance"], 0, atol=1e-12)
    assert found.values["micro_f1"] > 0.2
    assert "one type is told" in found.undefined["excess_in_errors"]


def test_a_leak_shows():
    """An embedding of the permuted labels themselves: all are right; chance is the sum of squared shares."""
    found = task().baseline("label_leak", CELLS, SPLIT, PlainRun(seed=1))
    assert found.values["micro_f1"] == 1
    assert found.values["excess_in_errors"] > 20
    shares = [
        np.bincount(KIND[10:][DONOR[10:] == d], minlength=3) / (DONOR[10:] == d).sum() for d in range(8)
    ]
    expected = np.array([1 - (share**2).sum() for share in shares])
    # Cells outside of all folds take part in the permutation, so shares among the tested move a little.
    np.testing.assert_allclose(found.units["excess_over_chance"], expected, atol=0.04)


def test_a_leak_of_some_labels_shows(monkeypatch):
    """Labels of a fifth of the cells in the embedding: every donor is above chance."""
    from harness_plugins.tasks.shuffled_labels import task as module

    honest = module.probe_predictions
    leaks = np.random.default_rng(3).random(400) < 0.2

    def leaking(embedding, labels, split, **asked):
        known = (labels[:, None] == np.unique(labels)) * leaks[:, None] * 20.0
        return honest(np.hstack([embedding, known.astype(np.float32)]), labels, split, **asked)

    monkeypatch.setattr(module, "probe_predictions", leaking)
    found = task().evaluate(EMBEDDING, CELLS, SPLIT, PlainRun(seed=1))
    assert found.values["excess_in_errors"] > 6
    assert (found.units["excess_over_chance"] > 0).all()


def test_labels_change_places_within_donors(monkeypatch):
    """In every draw others, for every embedding and every seed others, and the same when asked again."""
    from harness_plugins.tasks.shuffled_labels import task as module

    honest, met = module.probe_predictions, []

    def listening(embedding, labels, split, **asked):
        met.append("".join(labels))
        return honest(embedding, labels, split, **asked)

    monkeypatch.setattr(module, "probe_predictions", listening)
    for embedding, seed in [(EMBEDDING, 1), (EMBEDDING, 1), (EMBEDDING + 1, 1), (EMBEDDING, 2)]:
        task(draws=2).evaluate(embedding, CELLS, SPLIT, PlainRun(seed=seed))
    assert met[:2] == met[2:4]
    assert len(set(met)) == 6
    for donor in range(8):
        of = np.flatnonzero(donor == DONOR)
        assert sorted(np.array(list(met[0]))[of]) == sorted(CELLS.columns["cell_type"][of])


def test_draws_are_counted():
    """No draws, no score."""
    with pytest.raises(ContractBroken, match='the parameter "draws" is 0'):
        task(draws=0).evaluate(EMBEDDING, CELLS, SPLIT, PlainRun())
