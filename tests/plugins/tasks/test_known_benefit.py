"""The task: exact floors, a known benefit that shows, and verdicts of both controls."""

from functools import cache

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score

from harness import ArrayCells, ContractBroken, NotApplicable, PlainRun, Split
from harness.checks import Curve, judge
from harness.contracts.cells import View
from harness.measures import log_normalised
from harness.synthetic import WORLDS
from harness_plugins.models.pca.model import PCA
from harness_plugins.models.target_pca.model import TargetPCA
from harness_plugins.tasks import known_benefit, shuffled_labels
from harness_plugins.tasks.known_benefit.task import KnownBenefit, simulated
from harness_plugins.tasks.shuffled_labels.task import ShuffledLabels

SIZES, SEEDS = (100, 400, 1600, 3200), (0, 1, 2)
MARGIN = 0.05
"""By so much every run at the largest size must tell programmes better than any at the smallest."""


def task(**parameters):
    (card,) = known_benefit.harness_tasks()
    return KnownBenefit(**{**card.parameters, **parameters})


class Behind:
    """A model behind doors."""

    def __init__(self, embed):
        self.embed = embed


@cache
def corpus():
    return WORLDS["atlas"].corpus(6400).cells()


@cache
def model(size, seed):
    """Return PCA of so many cells of the corpus; its control for none."""
    found, run = PCA(n_components=20, n_genes=2000), PlainRun(seed=seed)
    found.initialise(corpus().genes, run)
    if size:
        rows = np.sort(np.random.default_rng(seed).permutation(6400)[:size])
        found.fit(View(behind=corpus(), columns={}, chosen=rows), run)
    return found


def asked(found, **parameters):
    """Return what of the programmes can be read off a model."""
    subject = Behind(lambda cells: found.embed(cells, PlainRun()))
    return (
        task(cells=600, **parameters).evaluate(subject, None, None, PlainRun(seed=1)).values["programme_r2"]
    )


def on_own_cells(**parameters):
    own = TargetPCA(n_components=20, n_genes=2000)
    own.initialise(corpus().genes, PlainRun())
    return asked(own, **parameters)


@cache
def curve(**parameters):
    runs = {size: [asked(model(size, seed), **parameters) for seed in SEEDS] for size in (0, *SIZES)}
    return Curve(runs=runs, baselines={"target_pca": [on_own_cells(**parameters)]}, bound=1.0)


def learnable():
    return curve()


def not_learnable():
    return curve(learnable=False)


@cache
def evaluation():
    return WORLDS["atlas"].evaluation(600)


@cache
def embedded(size, seed):
    return model(size, seed).embed(evaluation().cells(), PlainRun())


def with_shuffled_labels(seed):
    """Return the curve of the same models on permuted labels, one draw of them for every run."""
    batch, cells = evaluation().obs["batch"], evaluation().cells()
    fold = np.unique(batch.astype(str), return_inverse=True)[1]
    split = Split(fold=fold, n_folds=4, units=batch, unit_kind="batch")
    (card,) = shuffled_labels.harness_tasks()
    asking = ShuffledLabels(**{**card.parameters, "draws": 1})
    runs = {
        size: [
            asking.evaluate(embedded(size, s), cells, split, PlainRun(seed=seed)).values["excess_over_chance"]
            for s in SEEDS
        ]
        for size in (0, *SIZES)
    }
    return Curve(runs=runs, baselines={"majority_class": [0.0]}, bound=1.0)


def test_more_cells_help_where_they_must():
    """Every run of 3,200 cells beats every run of 100 by the margin, and size by size the means rise."""
    runs = learnable().runs
    assert min(runs[3200]) - max(runs[100]) > MARGIN
    assert np.all(np.diff([np.mean(runs[size]) for size in (0, *SIZES)]) > 0.01)


def test_the_true_programmes_are_the_ceiling_and_the_mean_the_floor():
    """Largest sample, and components of the evaluation cells, lie between."""
    oracle, floor = (
        task(cells=600).baseline(name, None, None, PlainRun(seed=1)).values
        for name in ("true_programmes", "mean_activity")
    )
    assert set(floor.values()) == {0.0}
    best = max(learnable().runs[3200])
    assert 0.3 < on_own_cells() < best < oracle["programme_r2"]
    assert best > oracle["programme_r2"] - 0.15


def test_nothing_helps_where_nothing_can_be_learnt():
    """Activities of other cells: no run at any size explains a hundredth of them."""
    assert np.abs(list(not_learnable().runs.values())).max() < 0.01


def test_no_oracle_knows_what_cannot_be_learnt():
    """So that nobody takes its score for a ceiling."""
    with pytest.raises(NotApplicable, match="no programme tells them"):
        task(cells=200, learnable=False).baseline("true_programmes", None, None, PlainRun())


def test_the_verdict_of_a_known_benefit():
    """It beats the baseline, and has not ended or saturates."""
    (found,) = judge([learnable()], replicates=200)
    assert found.level == "beats-baseline"
    assert found.trend in ("still-improving", "saturates")


def test_the_verdicts_of_negative_controls():
    """No benefit, and no trend but by chance: of seven curves at 5 %, three or more are improbable (.4 %)."""
    curves = [not_learnable(), *(with_shuffled_labels(seed) for seed in range(6))]
    found = [judge([each], replicates=50)[0] for each in curves]
    assert {verdict.level for verdict in found} <= {"no-benefit", "below-baseline"}
    assert sum(verdict.trend not in ("flat", "inconclusive") for verdict in found) <= 2
    assert not any(verdict.trend == "saturates" and verdict.quotable for verdict in found)


def test_scores_are_those_of_scikit_learn():
    """The mean over programmes of R2 on held-out batches, where the penalty is the weakest."""
    population = task(cells=600)._population()
    expression = np.concatenate([b.toarray() for b in log_normalised(population.cells())])
    embedding = np.random.default_rng(0).normal(size=(600, 5)) + population.truth["latent"][:, :5] * 30
    truth = population.truth["latent"] / population.truth["strengths"]
    batches = population.obs["batch"].astype(str)
    found = task(cells=600)._score(embedding, population, PlainRun())
    told, means = np.empty_like(truth), np.empty_like(truth)
    for batch in np.unique(batches):
        known, held = batches != batch, batches == batch
        told[held] = Ridge(alpha=1e-5).fit(embedding[known], truth[known]).predict(embedding[held])
        means[held] = truth[known].mean(axis=0)
    r2 = 1 - ((truth - told) ** 2).sum(axis=0) / ((truth - means) ** 2).sum(axis=0)
    assert found.values["programme_r2"] == pytest.approx(r2.mean(), abs=2e-3)
    assert r2.mean() == pytest.approx(r2_score(truth, told), abs=0.02)  # which knows the mean of the held-out
    assert found.values["strong_programmes_r2"] > found.values["weak_programmes_r2"]
    assert len(expression) == 600


def test_labels_and_data_set_play_no_part():
    """The cells are simulated: the same ones for whoever asks, in batches that no corpus has."""
    population = task(cells=300, batches=5)._population()
    simulated.cache_clear()
    again = task(cells=300, batches=5)._population()
    assert (population.counts != again.counts).nnz == 0
    assert len(np.unique(population.obs["batch"])) == 5
    assert isinstance(population.cells(), ArrayCells)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [({"world": "atlus"}, 'no simulated world "atlus"'), ({"batches": 2}, '"batches" is 2')],
)
def test_what_cannot_be_simulated_is_refused(parameters, sentence):
    """A sentence says what is accepted."""
    with pytest.raises(ContractBroken, match=sentence):
        task(**parameters).baseline("mean_activity", None, None, PlainRun())
