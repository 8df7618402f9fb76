"""The small neural model: what it learns, what it keeps, what is random about it."""

import numpy as np
import pytest
import torch

from harness import ArrayCells, PlainRun
from harness.measures import log_normalise, most_variable
from harness.records import Budget
from harness_plugins.models.masked_autoencoder.model import MaskedAutoencoder

PARAMETERS = {
    "n_genes": 30,
    "hidden": 32,
    "latent": 4,
    "mask_rate": 0.5,
    "learning_rate": 3e-3,
    "batch_size": 64,
}


def atlas(n, seed):
    """Three types that differ in all of 40 genes."""
    rates = np.random.default_rng(7).gamma(1.0, 3.0, (3, 40))
    draw = np.random.default_rng(seed)
    kind = draw.integers(0, 3, n)
    return ArrayCells(counts=draw.poisson(rates[kind]), genes=[f"g{i:02}" for i in range(40)]), kind


SAMPLE, OTHERS = atlas(600, seed=1)[0], atlas(150, seed=2)[0]
VALIDATION = atlas(100, seed=3)[0]


def run(seed=0, steps=150):
    return PlainRun(seed=seed, budget=Budget(unit="steps", amount=steps), validation=VALIDATION)


def initialised(seed=0, **change):
    model = MaskedAutoencoder(**{**PARAMETERS, **change})
    model.initialise(SAMPLE.genes, PlainRun(seed=seed))
    return model


def fitted(seed=0, steps=150, **change):
    model = initialised(seed, **change)
    model.fit(SAMPLE, run(seed, steps))
    return model


@pytest.fixture(scope="module")
def trained():
    return fitted()


def restored(model, cells):
    """Return the error of restoring each half of the inputs from the other, in units of their variance."""
    values = torch.from_numpy(model.values(cells.rows(np.arange(cells.n_cells))).toarray())
    errors, variances = [], values.var(dim=0)
    for half in (0, 1):
        hidden = torch.zeros(values.shape[1], dtype=torch.bool)
        hidden[half::2] = True
        with torch.no_grad():
            found = model.network(values.masked_fill(hidden, 0.0) * 2)
        errors.append(((found - values).square().mean(dim=0) / variances)[hidden])
    return float(torch.cat(errors).mean())


def test_it_learns_to_restore_what_is_hidden(trained):
    """In cells it has not seen, better than the genes' means, which have an error of one variance."""
    assert restored(trained, OTHERS) < 0.8
    assert restored(initialised(), OTHERS) > 1.0


def test_inputs_are_the_variable_genes_of_the_sample(trained):
    """One each, in order of the genes chosen; untrained, every gene feeds one of the inputs."""
    chosen = most_variable(SAMPLE, 30)
    assert sorted(np.flatnonzero(trained.inputs.of_gene >= 0)) == sorted(chosen)
    np.testing.assert_allclose(
        trained.values(OTHERS.counts).toarray(),
        log_normalise(OTHERS.counts).toarray()[:, chosen],
        rtol=1e-6,
    )
    control = initialised().inputs.of_gene
    assert (np.bincount(control) > 0).all()
    assert len(control) == 40
    assert control.max() + 1 == 30


def test_the_seed_is_the_weights_and_the_batches():
    """Same seed, same embedding; another seed, another one; no global random state is left behind."""
    before = torch.get_rng_state()
    one, same, other = (fitted(seed, steps=10).embed(OTHERS, PlainRun()) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


def test_what_is_saved_is_what_was_fitted(trained, tmp_path):
    """Weights without pickles."""
    trained.save(tmp_path)
    again = MaskedAutoencoder(**PARAMETERS)
    again.load(tmp_path, SAMPLE.genes)
    np.testing.assert_array_equal(again.embed(OTHERS, PlainRun()), trained.embed(OTHERS, PlainRun()))


def test_the_history_tells_of_losses_that_fell():
    """The host keeps it with the fit."""
    history = initialised().fit(SAMPLE, run(steps=100))
    assert (history.steps, history.cells_seen) == (100, 100 * 60)
    assert history.validation_loss[-1] < history.validation_loss[0]


def test_hidden_genes_are_hidden():
    """Where every value is masked the network sees zeros, whatever the cells."""
    model = initialised(mask_rate=0.999999)
    seen = []
    model.network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    model.loss(model.network, torch.rand(8, 30) + 1)
    assert not seen[0].any()


def test_half_masked_input_keeps_its_size_on_average():
    """Shown values are scaled up, as in dropout, so that hiding does not look like less expression."""
    model = initialised()
    seen = []
    model.network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model.loss(model.network, torch.ones(4000, 30))
    assert float(seen[0].mean()) == pytest.approx(1.0, abs=0.02)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_it_is_the_same_model():
    """Trained and asked there, it restores as well; loaded here, it embeds alike."""
    model = initialised()
    model.fit(SAMPLE, PlainRun(device="cuda", budget=Budget(unit="steps", amount=150), validation=VALIDATION))
    there = model.embed(OTHERS, PlainRun(device="cuda"))
    here = model.embed(OTHERS, PlainRun(device="cpu"))
    np.testing.assert_allclose(here, there, atol=1e-3)
