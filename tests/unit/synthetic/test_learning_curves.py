"""Positive and negative controls: known benefits of pretraining show up, and absent ones do not.

An embedding is the projection on principal components of n corpus cells; a cell of the evaluation part gets
the label of its five nearest neighbours among other donors.
"""

from functools import cache

import numpy as np
import pytest
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.neighbors import KNeighborsClassifier

from harness.synthetic import WORLDS

COMPONENTS = 20
SIZES = (100, 400, 1600, 6400)
SEEDS = (0, 1, 2)


def logged(population):
    counts = population.counts.toarray().astype(np.float32)
    return np.log1p(counts * (1e4 / np.maximum(counts.sum(axis=1, keepdims=True), 1)))


@cache
def data(world, cells):
    corpus, evaluation = WORLDS[world].corpus(cells), WORLDS[world].evaluation(1200)
    return corpus.obs["study"], logged(corpus), logged(evaluation), evaluation.obs


def loadings(values):
    centred = values - values.mean(axis=0)
    return np.linalg.eigh(centred.T @ centred)[1][:, -COMPONENTS:]


def accuracy(embedding, obs):
    labels, donors = obs["cell_type"].astype(str), obs["donor"].astype(str)
    right = np.zeros(len(labels), dtype=bool)
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    for known, asked in folds.split(embedding, labels, donors):
        model = KNeighborsClassifier(5).fit(embedding[known], labels[known])
        right[asked] = model.predict(embedding[asked]) == labels[asked]
    return right.mean()


def pretrained(world, rows, cells=6400):
    _, corpus, evaluation, obs = data(world, cells)
    return accuracy(evaluation @ loadings(corpus[rows]), obs)


def curve(world, sizes=SIZES):
    orders = [np.random.default_rng(seed).permutation(6400) for seed in SEEDS]
    # The largest size holds the whole corpus, whatever the seed.
    return [
        np.mean([pretrained(world, order[:n]) for order in orders[: 1 if n == 6400 else None]]) for n in sizes
    ]


def untrained(world):
    _, _, evaluation, obs = data(world, 6400)
    random = [np.random.default_rng(seed).normal(size=(evaluation.shape[1], COMPONENTS)) for seed in SEEDS]
    return np.mean([accuracy(evaluation @ loading, obs) for loading in random])


def test_the_default_world_has_a_known_benefit():
    """Accuracy rises with every size, by a lot from 100 to 6,400 cells, and stays below the ceiling."""
    found = curve("atlas")
    assert np.all(np.diff(found) > 0.02), found
    assert 0.5 < found[0] < 0.65
    assert 0.83 < found[-1] < WORLDS["atlas"].label_ceiling


def test_the_references_of_the_default_world_lie_where_they_should():
    """Untrained is far below any pretraining; components of the evaluation cells are strong, and beatable."""
    _, _, evaluation, obs = data("atlas", 6400)
    own = accuracy(evaluation @ loadings(evaluation), obs)
    few, many = curve("atlas", (100, 6400))
    assert untrained("atlas") < few - 0.25
    assert few + 0.1 < own < many - 0.03


def test_the_flat_world_is_flat_at_chance():
    """Labels drawn at random: no size is more than noise away from 1/K."""
    found = curve("flat", (100, 6400))
    chance = WORLDS["flat"].label_ceiling
    assert chance == pytest.approx(1 / 15)
    assert np.all(abs(np.array(found) - chance) < 4 * (chance / 1200) ** 0.5), found


def test_the_easy_world_is_flat_at_its_ceiling():
    """A hundred cells teach everything that can be learnt."""
    few, many = curve("easy", (100, 6400))
    assert abs(many - few) < 0.01
    assert few == pytest.approx(WORLDS["easy"].label_ceiling, abs=0.025)


def test_nothing_teaches_what_the_corpus_does_not_show():
    """Types outside the programmes: pretraining is no better than no training at any size."""
    assert max(curve("beyond", (100, 6400))) < untrained("beyond") + 0.03


def test_studies_help_where_cells_do_not():
    """Each study shows few programmes: cells of many studies teach far more than as many of one study."""
    studies = data("diverse", 6400)[0]
    one, half, many = [], [], []
    for study in range(1, 7):
        single = np.flatnonzero(studies == f"study-{study}")
        spread = np.random.default_rng(study).permutation(6400)[: len(single)]
        one.append(pretrained("diverse", single))
        half.append(pretrained("diverse", single[: len(single) // 2]))
        many.append(pretrained("diverse", spread))
    assert np.mean(one) - np.mean(half) < 0.05, (half, one)
    assert min(many) > max(one), (one, many)
    assert np.mean(many) > np.mean(one) + 0.15, (one, many)
