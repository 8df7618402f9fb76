"""Corpus and evaluation cells: each knob against its exact truth."""

from dataclasses import replace

import numpy as np
import pytest

from harness.errors import Misuse
from harness.synthetic import World

SMALL = World(genes=60, programmes=6)


def spread(n, share):
    """Return four standard errors of a share among n cells."""
    return 4 * (share * (1 - share) / n) ** 0.5


def test_the_parts_have_the_columns_that_tasks_and_samplers_need():
    """Labels of the corpus and of the evaluation part; no donor or batch is in both."""
    corpus, evaluation = SMALL.corpus(500), SMALL.evaluation(500)
    assert set(corpus.obs) == {"cell_type", "study", "batch", "donor"}
    assert set(evaluation.obs) == {"cell_type", "batch", "donor"}
    assert corpus.genes == evaluation.genes
    for role in ("batch", "donor"):
        assert not set(corpus.obs[role]) & set(evaluation.obs[role])


def test_donors_are_nested_in_batches_and_batches_in_studies():
    """Every donor has one batch, every batch one study."""
    obs = SMALL.corpus(1000).obs
    assert len(set(obs["study"])) == SMALL.studies
    assert len(set(obs["batch"])) == SMALL.studies * SMALL.batches
    assert len(set(obs["donor"])) == SMALL.studies * SMALL.batches * SMALL.donors
    for inner, outer in (("donor", "batch"), ("batch", "study")):
        assert len(set(zip(obs[inner], obs[outer], strict=True))) == len(set(obs[inner]))


def test_abundances_fall_as_a_power_of_the_rank():
    """The k-th type has a share proportional to k^-zipf, so that some types are rare."""
    cells = replace(SMALL, types=4, zipf=1.0, label_flip=0.0).corpus(10_000)
    expected = np.array([12, 6, 4, 3]) / 25
    found = np.bincount(cells.truth["type"], minlength=4) / 10_000
    assert np.allclose(cells.truth["abundance"], expected)
    assert np.all(abs(found - expected) < spread(10_000, expected))


@pytest.mark.parametrize("flip", [0.0, 0.3, 1.0])
def test_the_oracle_of_the_latent_reaches_the_label_ceiling(flip):
    """The nearest centre in the true latent space is right in a share 1 - r + r/K of cells, and no more."""
    world = replace(SMALL, types=5, label_flip=flip, within=0.05)
    cells = world.evaluation(8000)
    centres = np.linalg.lstsq(
        cells.truth["W"], (cells.truth["log_rate"] - cells.truth["base"]).T, rcond=None
    )[0].T
    distance = ((cells.truth["latent"][:, None] - centres) ** 2 / cells.truth["strengths"] ** 2).sum(axis=2)
    guessed = np.array([f"type-{k + 1:02d}" for k in distance.argmin(axis=1)])
    right = (guessed == cells.obs["cell_type"].astype(str)).mean()
    assert cells.truth["label_ceiling"] == pytest.approx(1 - flip + flip / 5)
    assert abs(right - cells.truth["label_ceiling"]) <= spread(8000, world.label_ceiling) + 1e-12


def test_studies_cover_programmes_as_the_formula_says():
    """Mean coverage over worlds is 1 - (1 - f)^studies, by hand for f = .3 and 4 studies: .7599."""
    worlds = [World(genes=60, programmes=40, revealed=0.3, studies=4, seed=seed) for seed in range(40)]
    found = [world.corpus(1).truth["coverage"] for world in worlds]
    assert worlds[0].expected_coverage == pytest.approx(0.7599)
    assert np.mean(found) == pytest.approx(0.7599, abs=spread(40 * 40, 0.7599))


def test_a_hidden_programme_does_not_vary():
    """In a study that does not reveal a programme it is 0 in every cell; elsewhere it varies."""
    cells = replace(SMALL, revealed=0.5).corpus(2000)
    revealed = cells.truth["revealed"]
    assert 0 < revealed.mean() < 1
    for study in range(SMALL.studies):
        mine = cells.truth["latent"][cells.obs["study"] == f"study-{study + 1}"]
        assert np.array_equal(mine.std(axis=0) > 0, revealed[study])


def test_evaluation_cells_show_every_programme():
    """The question is asked of all programmes, whatever the studies showed."""
    assert np.all(replace(SMALL, revealed=0.0).evaluation(300).truth["latent"].std(axis=0) > 0)


@pytest.mark.parametrize("outside", [0.0, 0.3, 1.0])
def test_a_share_of_the_label_signal_lies_outside_the_programmes(outside):
    """The squared length of each type's log-rate change divides as the knob says; its size stays."""
    truth = replace(SMALL, label_outside=outside).evaluation(1).truth
    change = truth["log_rate"] - truth["base"]
    inside = change @ truth["W"] @ truth["W"].T / SMALL.genes
    share = ((change - inside) ** 2).sum(axis=1) / (change**2).sum(axis=1)
    whole = SMALL.evaluation(1).truth
    assert np.allclose(share, outside)
    assert np.allclose((change**2).sum(axis=1), ((whole["log_rate"] - whole["base"]) ** 2).sum(axis=1))


def test_no_corpus_cell_shows_what_lies_outside():
    """With all signal outside, the types of corpus cells share one centre."""
    cells = replace(SMALL, label_outside=1.0, within=0.0).corpus(300)
    assert np.all(cells.truth["latent"] == 0)


def test_labs_give_types_away_in_the_corpus_only():
    """A corpus study holds one half of the types; an evaluation batch holds all of them."""
    world = replace(SMALL, types=4, zipf=0.0, lab_effect=0.5, label_flip=0.0)
    corpus, evaluation = world.corpus(2000), world.evaluation(2000)
    study = np.array([int(name.removeprefix("study-")) - 1 for name in corpus.obs["study"]])
    assert np.array_equal(study % 2, corpus.truth["type"] % 2)
    assert len(set(study)) == world.studies
    for batch in set(evaluation.obs["batch"]):
        assert len(set(evaluation.truth["type"][evaluation.obs["batch"] == batch])) == 4


def test_the_programme_of_labs_is_a_shortcut():
    """One direction tells the half of the types in the corpus, and tells nothing in the evaluation part."""

    def reading(cells):
        logged = np.log1p(cells.counts.toarray())
        first = np.linalg.svd(logged - logged.mean(axis=0), full_matrices=False)[0][:, 0]
        return abs(np.corrcoef(first, cells.truth["type"] % 2)[0, 1])

    world = World(genes=100, programmes=4, types=4, zipf=0.0, lab_effect=0.8, strongest=0.05)
    assert reading(world.corpus(600)) > 0.9
    assert reading(world.evaluation(600)) < 0.2


def test_cells_are_handed_on_with_the_roles_asked_for():
    """``Population.cells`` gives what a guest may see, and says which columns there are."""
    population = SMALL.evaluation(20)
    assert set(population.cells("donor").columns) == {"donor"}
    assert set(population.cells().columns) == {"cell_type", "batch", "donor"}
    assert population.cells().n_cells == population.n_cells == 20
    with pytest.raises(Misuse, match='Did you mean "donor"'):
        population.cells("donors")
