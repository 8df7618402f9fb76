"""scVI: against scvi-tools called by hand, and what the harness adds to it."""

import logging.handlers
import os
import pickle
import random

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix, issparse
from sklearn.neighbors import KNeighborsClassifier

from harness import ArrayCells, Budget, NotFinite, PlainRun
from harness.errors import Misuse
from harness.measures import most_variable
from harness.synthetic import World
from harness.training.stopping import PATIENCE
from harness_plugins.models.scvi import CARD

scvi = pytest.importorskip("scvi", reason="scvi-tools is not installed: pip install 'scfm-harness[scvi]'")
anndata = pytest.importorskip("anndata")

from harness_plugins.models.scvi import training  # noqa: E402
from harness_plugins.models.scvi.model import ScVI, network  # noqa: E402

WORLD = World(seed=3, genes=80, types=4, programmes=6, strongest=0.3, depth=300.0)
POPULATION, OTHERS = WORLD.corpus(420).cells(), WORLD.evaluation(200).cells("cell_type")
SMALL = {"n_latent": 4, "n_hidden": 16, "batch_size": 64}


def part(start, stop):
    return ArrayCells(counts=POPULATION.counts[start:stop], genes=POPULATION.genes)


SAMPLE, VALIDATION = part(0, 300), part(300, 420)


def steps(amount, unit="steps", **others):
    return PlainRun(budget=Budget(unit=unit, amount=amount), **others)


def initialised(genes=SAMPLE.genes, seed=0, **change):
    model = ScVI(**{**CARD.parameters, **SMALL, **change})
    model.initialise(genes, PlainRun(seed=seed))
    return model


def fitted(run, cells=SAMPLE, **change):
    model = initialised(seed=run.seed, **change)
    return model, model.fit(cells, run)


def embedded(model, cells=OTHERS):
    return model.embed(cells, PlainRun())


@pytest.fixture(autouse=True)
def _no_trace():
    """Put global random state back: calling scvi-tools by hand leaves its own."""
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    yield
    random.setstate(states[0])
    np.random.set_state(states[1])
    torch.set_rng_state(states[2])


@pytest.fixture
def by_hand(monkeypatch, tmp_path):
    """Return a function that makes, and perhaps trains, a model as the library's documents say."""
    monkeypatch.chdir(tmp_path)
    for name in ("PL_GLOBAL_SEED", "PL_SEED_WORKERS", "XLA_FLAGS"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    for name in ("deterministic", "benchmark"):
        monkeypatch.setattr(torch.backends.cudnn, name, getattr(torch.backends.cudnn, name))
    monkeypatch.setattr(scvi.settings, "_seed", None)

    def make(seed, train_for=0, cells=SAMPLE, setup=None, **settings):
        data = anndata.AnnData(csr_matrix(cells.counts, dtype="float32"))
        data.var_names = list(cells.genes)
        data.obs["chip"] = np.where(np.arange(cells.n_cells) % 2, "first", "second")
        scvi.settings.seed = seed
        scvi.model.SCVI.setup_anndata(data, **(setup or {}))
        model = scvi.model.SCVI(data, **{"n_latent": 4, "n_hidden": 16, "gene_likelihood": "nb", **settings})
        if train_for:
            model.train(
                max_epochs=1000,
                max_steps=train_for,
                accelerator="cpu",
                batch_size=64,
                datasplitter_kwargs={"drop_last": True},
                train_size=1.0,
                shuffle_set_split=False,
                plan_kwargs={"n_epochs_kl_warmup": None, "n_steps_kl_warmup": train_for // 2},
                enable_progress_bar=False,
            )
        return model

    return make


def latents(model, cells=OTHERS):
    """Return what scvi-tools says about cells that it has not seen."""
    data = anndata.AnnData(csr_matrix(cells.counts, dtype="float32"))
    data.var_names = list(cells.genes)
    data.obs["chip"] = "first"
    model.module.eval()
    model.is_trained = True
    return model.get_latent_representation(data)


# -- the model is that of scvi-tools -------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")
def test_it_is_scvi_tools(by_hand):
    """Same seed, same settings, same steps: the same embedding, trained and untrained."""
    np.testing.assert_array_equal(embedded(initialised(seed=5)), latents(by_hand(5)))
    model, _ = fitted(steps(24, seed=5))
    np.testing.assert_array_equal(embedded(model), latents(by_hand(5, train_for=24)))


def test_it_has_as_many_parameters_as_published():
    """12,454,434 at 19,331 genes (DenAdel et al. 2026); what the likelihood never uses is among them."""
    model = initialised([f"g{i}" for i in range(19331)], n_latent=10, n_hidden=128)
    assert sum(weight.numel() for weight in model.vae.parameters()) == 12_454_434
    *_, loss = model.vae.train()(next(training._batches(csr_matrix(np.ones((2, 19331), np.float32)))))
    loss.loss.backward()
    assert sum(weight.numel() for weight in model.vae.parameters() if weight.grad is None) == 7_462_408


def test_it_learns_the_planted_types():
    """Neighbours agree about types more often than untrained, whatever the seed."""
    kind, half = OTHERS.columns["cell_type"], OTHERS.n_cells // 2

    def probe(model):
        values = embedded(model)
        return KNeighborsClassifier(10).fit(values[:half], kind[:half]).score(values[half:], kind[half:])

    for seed in range(3):
        model, _ = fitted(steps(100, seed=seed, validation=VALIDATION))
        assert probe(model) > probe(initialised(seed=seed)) + 0.1


def test_the_untrained_control_sees_all_genes_and_the_fitted_model_the_variable_ones():
    """Where it has fewer inputs than there are genes."""
    model = initialised(n_genes=30)
    assert (np.bincount(model.inputs.of_gene) > 0).all()
    assert model.vae.n_input == 30
    model.fit(SAMPLE, steps(2))
    assert sorted(np.flatnonzero(model.inputs.of_gene >= 0)) == sorted(most_variable(SAMPLE, 30))
    assert embedded(model).shape == (200, 4)


# -- how it is trained ---------------------------------------------------------------------------------


def test_budgets_are_exact():
    """Steps are optimiser steps; an epoch is every cell once, but for the rest that fills no batch."""
    _, history = fitted(steps(7))
    assert (history.steps, history.best_step, history.cells_seen) == (7, 7, 7 * 64)
    _, history = fitted(steps(2, "epochs"))
    assert (history.steps, history.cells_seen, history.epochs) == (8, 512, 512 / 300)
    _, history = fitted(steps(2, "epochs"), part(0, 129))
    assert (history.steps, history.cells_seen) == (4, 256)
    with pytest.raises(Misuse, match="needs a budget"):
        initialised().fit(SAMPLE, PlainRun())


def test_the_kl_term_depends_on_the_budget_and_not_on_the_size_of_the_sample(monkeypatch):
    """Its weight rises over half of the steps, however many epochs they are."""
    taken = training.Plan.training_step
    weights = []

    def spy(plan, batch, number):
        weights.append(float(plan.kl_weight))
        return taken(plan, batch, number)

    monkeypatch.setattr(training.Plan, "training_step", spy)
    for cells in (part(0, 40), SAMPLE):
        weights.clear()
        fitted(steps(8), cells)
        assert weights == [0, 0.25, 0.5, 0.75, 1, 1, 1, 1]


def test_early_stopping_keeps_the_best_weights():
    """A small sample is soon learnt by heart; the ELBO of the host's validation cells says when."""
    model, history = fitted(steps(600, validation=VALIDATION), part(0, 20), learning_rate=0.02)
    best = int(np.argmin(history.validation_loss))
    assert history.steps == history.best_step + PATIENCE * 60 < 600
    assert history.best_step == (best + 1) * 60
    torch.manual_seed(0)
    with torch.no_grad():
        *_, loss = model.vae(next(training._batches(VALIDATION.rows(np.arange(VALIDATION.n_cells)))))
    assert float(loss.loss) == pytest.approx(history.validation_loss[best], rel=1e-5)


def test_validation_cells_are_not_trained_on():
    """They decide when to stop, and nothing else."""
    with_them, history = fitted(steps(20, validation=VALIDATION))
    without, _ = fitted(steps(20))
    assert history.best_step == 20
    np.testing.assert_array_equal(embedded(with_them), embedded(without))


def test_only_some_validation_cells_are_looked_at(monkeypatch):
    """Not more than fit in memory, and not always the first ones."""
    monkeypatch.setattr(training, "MOST_VALIDATION", 5)
    assert training.sampled(VALIDATION, 0).shape[0] == 5
    assert (training.sampled(VALIDATION, 0) != VALIDATION.rows(np.arange(5))).nnz


def test_it_says_how_far_it_is():
    """Ten times, and the last time at the end."""
    said = []
    fitted(steps(20, on_progress=lambda *words: said.append(words)))
    assert [done for done, *_ in said] == list(range(2, 21, 2))
    assert {total for _, total, _ in said} == {20}


def test_a_loss_that_is_no_number_ends_it():
    """With a sentence."""
    with pytest.raises(NotFinite, match="the loss is"):
        fitted(steps(20), learning_rate=1e30)


# -- it leaves no trace --------------------------------------------------------------------------------


def test_the_seed_is_everything_and_stays_inside():
    """Same seed, same result; another seed, another; nobody else's random state is touched."""
    loggers = [logging.getLogger(name) for name in training.LOUD]
    before = [random.getstate(), torch.get_rng_state(), [logger.level for logger in loggers]]
    numpy_before = np.random.get_state()
    one, same, other = (embedded(fitted(steps(5, seed=seed))[0]) for seed in (0, 0, 1))
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert [logger.level for logger in loggers] == before[2]
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before[1])
    assert scvi.settings.seed is None
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_it_is_silent(tmp_path, monkeypatch, capfd, recwarn):
    """No bars, no warnings, no logs, no folder of logs where the user happens to stand."""
    logged = logging.handlers.BufferingHandler(1000)
    for name in training.LOUD:
        monkeypatch.setattr(logging.getLogger(name), "handlers", [logged])
    (tmp_path / "here").mkdir()
    (tmp_path / "scratch").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    fitted(steps(3, scratch=tmp_path / "scratch", validation=VALIDATION))
    assert list((tmp_path / "here").iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list
    assert not logged.buffer


def test_the_sample_stays_sparse_and_is_let_go(monkeypatch):
    """The library keeps what it trained on for as long as the process lives, unless told otherwise."""
    given = []

    def spy(counts):
        given.append(counts)
        return anndata.AnnData(counts)

    monkeypatch.setattr(training, "AnnData", spy)
    kept = set(scvi.model.SCVI._setup_adata_manager_store)
    fitted(steps(2))
    assert issparse(given[0])
    assert set(scvi.model.SCVI._setup_adata_manager_store) == kept
    assert list(scvi.model.SCVI._per_instance_manager_store.values())[-1] == {}


# -- saved, and taken over -----------------------------------------------------------------------------


def test_what_is_saved_is_what_was_fitted(tmp_path):
    """Weights, architecture and inputs."""
    model, _ = fitted(steps(3), n_genes=30)
    model.save(tmp_path)
    again = ScVI(**CARD.parameters)
    again.load(tmp_path, SAMPLE.genes)
    np.testing.assert_array_equal(embedded(again), embedded(model))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"n_latent": 3, "n_layers": 2, "gene_likelihood": "zinb", "use_layer_norm": "both"},
        {"setup": {"batch_key": "chip"}, "use_observed_lib_size": False, "dispersion": "gene-batch"},
        {"setup": {"categorical_covariate_keys": ["chip"]}, "train_for": 0},
    ],
    ids=["as here", "other sizes", "batches", "covariates"],
)
def test_published_weights_are_taken_over(by_hand, tmp_path, change):
    """What the library wrote embeds here as there, and after saving and loading too."""
    published = by_hand(1, **{"train_for": 6, **change})
    published.save(tmp_path / "published")
    model = ScVI(**CARD.parameters)
    model.load_published(tmp_path / "published", PlainRun())
    assert tuple(model.genes) == tuple(SAMPLE.genes)
    expected = latents(published)
    np.testing.assert_allclose(embedded(model), expected, atol=1e-6)
    model.save(tmp_path)
    again = ScVI(**CARD.parameters)
    again.load(tmp_path, model.genes)
    np.testing.assert_allclose(embedded(again), expected, atol=1e-6)


class Trap:
    """A pickle that makes a folder when it is read."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def foreign(content):
    """Return what writes these contents as the file of a model."""
    return lambda folder, by_hand: torch.save(content, folder / "model.pt")


def other_class(folder, by_hand):
    published = by_hand(0)
    published.registry_["model_name"] = "SCANVI"
    published.save(folder, overwrite=True)


def with_batches(folder, by_hand):
    by_hand(0, setup={"batch_key": "chip"}, encode_covariates=True).save(folder, overwrite=True)


def other_architecture(folder, by_hand):
    published = by_hand(0)
    published.init_params_["non_kwargs"]["n_hidden"] = 17
    published.save(folder, overwrite=True)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda folder, _: (folder / "model_params.pt").touch(), "holds no model.pt.*holds model_params.pt"),
        (lambda folder, _: (folder / "model.pt").write_text("words"), "is no file that torch reads"),
        (
            lambda folder, _: (folder / "model.pt").write_bytes(pickle.dumps([1])),
            "is no file that torch reads",
        ),
        (foreign({"model_state_dict": {}}), "KeyError: 'attr_dict'"),
        (foreign([1, 2]), "is not what scvi-tools writes.*TypeError"),
        (foreign({"attr_dict": Trap(os.mkdir, "trapped")}), "is no file that torch reads"),
        (
            foreign({"attr_dict": Trap(eval, "__import__('os').mkdir('trapped')")}),
            "KeyError: 'model_state_dict'",
        ),
        (other_class, "class SCANVI"),
        (with_batches, "encodes batches"),
        (other_architecture, "does not fit the network"),
    ],
)
def test_foreign_folders_are_refused_in_a_sentence(by_hand, tmp_path, write, sentence):
    """And nothing that stands in them is run."""
    folder = tmp_path / "published"
    folder.mkdir()
    write(folder, by_hand)
    with pytest.raises(ValueError, match=sentence):
        ScVI(**CARD.parameters).load_published(folder, PlainRun())
    assert not (tmp_path / "trapped").exists()


def test_a_network_from_plain_values_has_its_prior_in_the_weights():
    """Where the library size is inferred, its prior is a part of what is stored."""
    made = network({"n_input": 5, "n_batch": 2, "n_labels": 1, "use_observed_lib_size": False})
    assert {"library_log_means", "library_log_vars"} <= set(made.state_dict())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_it_is_the_same_model():
    """Trained there, it embeds alike here."""
    model, history = fitted(steps(20, device="cuda", validation=VALIDATION))
    assert history.validation_loss[-1] < history.validation_loss[0]
    there = model.embed(OTHERS, PlainRun(device="cuda"))
    np.testing.assert_allclose(embedded(model), there, atol=1e-3)
