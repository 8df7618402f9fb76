"""The task, on models of which is known what they can tell."""

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from harness import ArrayCells, ContractBroken, PlainRun, Split
from harness.measures import log_normalise, probe_predictions
from harness_plugins.tasks.gene_shuffled_cells import harness_tasks, task
from harness_plugins.tasks.gene_shuffled_cells.task import GeneShuffledCells

CARD = harness_tasks()[0]
RNG = np.random.default_rng(0)
RATES = RNG.gamma(1.0, 2.0, (3, 30))[RNG.integers(3, size=120)]
CELLS = ArrayCells(counts=RNG.poisson(RATES), genes=[f"g{n}" for n in range(30)])
DONOR = np.arange(120) % 4
SPLIT = Split(
    fold=np.where(np.arange(120) < 8, -1, DONOR % 2),
    n_folds=2,
    units=np.array([f"d{n}" for n in DONOR], dtype=object),
    unit_kind="donor",
)
RUN = PlainRun(seed=1)


class Saying:
    """A model that embeds as a function of dense counts says, and remembers the cells."""

    def __init__(self, say, cells=CELLS):
        self.say, self.cells = say, cells

    def embed(self, cells):
        self.counts = cells.rows(np.arange(cells.n_cells)).toarray()
        return self.say(self.counts).astype(np.float32)


def scored(say, split=SPLIT, **parameters):
    model = Saying(say)
    task = GeneShuffledCells(**{**CARD.parameters, **parameters})
    return task.evaluate(model, CELLS, split, RUN), model


def expression(counts):
    return log_normalise(ArrayCells(counts=counts, genes=CELLS.genes).rows(np.arange(len(counts)))).toarray()


BLIND = {
    "totals": lambda counts: counts.sum(axis=1, keepdims=True),
    "sorted counts": lambda counts: np.sort(counts, axis=1),
    "one place": lambda counts: np.zeros((len(counts), 2)),
}


@pytest.mark.parametrize("probe", ["knn", "ridge", "logistic"])
@pytest.mark.parametrize("blind", BLIND)
def test_whoever_is_blind_to_genes_is_at_the_floor(blind, probe):
    """Exactly, whatever the probe, and in every donor: of a cell and its copy one is told rightly."""
    found, _ = scored(BLIND[blind], probe=probe)
    assert found.values["balanced_accuracy"] == 0.5
    np.testing.assert_array_equal(found.units["balanced_accuracy"], 0.5)
    assert found.values.get("auroc", 0.5) == pytest.approx(0.5, abs=1e-12)
    assert ("auroc" in found.undefined) == (probe == "ridge")


@pytest.mark.parametrize("name", CARD.baselines)
def test_the_baselines_are_the_floor(name):
    """The majority class and the totals say nothing."""
    found = GeneShuffledCells(**CARD.parameters).baseline(name, CELLS, SPLIT, RUN)
    assert found.values["balanced_accuracy"] == 0.5
    assert found.values["auroc"] == pytest.approx(0.5, abs=1e-12)


def test_whoever_knows_the_genes_can_tell():
    """All genes, of which some are high in every type: most cells; noise: half of them."""
    found, _ = scored(expression)
    assert found.values["balanced_accuracy"] > 0.8
    assert found.values["auroc"] > 0.9
    noise, _ = scored(lambda counts: np.random.default_rng(2).normal(size=(len(counts), 4)))
    assert abs(noise.values["balanced_accuracy"] - 0.5) < 0.12


def test_the_model_meets_cells_and_copies_mixed():
    """All of both, in an order that does not tell which is which; a copy has its cell's values."""
    _, model = scored(expression)
    real = {cell.tobytes() for cell in CELLS.rows(np.arange(120)).toarray()}
    is_real = np.array([cell.tobytes() in real for cell in model.counts])
    assert len(is_real) == 240
    assert 115 <= is_real.sum() <= 125
    assert 40 <= is_real[:120].sum() <= 80
    values = [sorted(map(tuple, np.sort(model.counts[which], axis=1))) for which in (is_real, ~is_real)]
    assert values[0] == values[1]


def test_scores_are_those_of_scikit_learn(monkeypatch):
    """Balanced accuracy and the area under the curve of what the probe said, over all and by donor."""
    said = {}

    def listening(embedding, labels, pairs, **asked):
        said["told"] = probe_predictions(embedding, labels, pairs, **asked)
        said["labels"], said["units"] = labels, pairs.units
        for fold in range(2):  # a cell and its copy are held out together
            np.testing.assert_array_equal(*(pairs.tested(fold)[half] for half in (np.s_[:112], np.s_[112:])))
        return said["told"]

    monkeypatch.setattr(task, "probe_predictions", listening)
    found, _ = scored(lambda counts: expression(counts)[:, :3])
    truth, told = said["labels"].astype(str), said["told"].labels.astype(str)
    chances = said["told"].probabilities[:, 1]
    for name, of in [(None, np.ones(224, dtype=bool)), ("d1", said["units"] == "d1")]:
        accuracy = balanced_accuracy_score(truth[of], told[of])
        area = roc_auc_score(truth[of] == "shuffled", chances[of])
        where = found.values if name is None else {n: v[1] for n, v in found.units.items()}
        assert where["balanced_accuracy"] == pytest.approx(accuracy)
        assert where["auroc"] == pytest.approx(area)
    assert found.unit_names == ("d0", "d1", "d2", "d3")
    assert np.average(found.units["balanced_accuracy"], weights=found.weights) == pytest.approx(
        found.values["balanced_accuracy"]
    )


def test_an_unknown_probe_is_refused():
    """A sentence says what there is."""
    with pytest.raises(ContractBroken, match='the probe "knm" is unknown'):
        scored(expression, probe="knm")
