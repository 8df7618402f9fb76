"""The founding study's masked autoencoder: its size, what it learns, what it keeps."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier

from harness import ArrayCells, Budget, PlainRun
from harness.measures import log_normalise, most_variable
from harness.synthetic import World
from harness_plugins.models.ssl import CARD
from harness_plugins.models.ssl.model import SSL, Network

TOY = {"hidden": [48, 24], "latent": 12, "learning_rate": 5e-3, "batch_size": 64}

WORLD = World(
    genes=120,
    programmes=8,
    types=12,
    strongest=0.3,
    depth=1000.0,
    contexts=1,
    private_genes=0,
    interaction_genes=0,
    label_flip=0.0,
)
CORPUS, EVALUATION = WORLD.corpus(1400), WORLD.evaluation(600)
SAMPLE, VALIDATION = (
    ArrayCells(counts=CORPUS.counts[rows], genes=CORPUS.genes) for rows in (slice(1200), slice(1200, None))
)
OTHERS = EVALUATION.cells()


def initialised(seed=0, **change):
    model = SSL(**{**CARD.parameters, **TOY, **change})
    model.initialise(SAMPLE.genes, PlainRun(seed=seed))
    return model


def trained(model, seed=0, steps=130):
    budget = Budget(unit="steps", amount=steps)
    return model.fit(SAMPLE, PlainRun(seed=seed, budget=budget, validation=VALIDATION))


def embedding(model):
    return model.embed(OTHERS, PlainRun())


def probe(found):
    """Return the accuracy of the five nearest neighbours in telling planted types."""
    types = EVALUATION.truth["type"]
    return KNeighborsClassifier(5).fit(found[:300], types[:300]).score(found[300:], types[300:])


def linear_probe(found):
    """Return the variance of the planted programmes that a linear map explains in other cells."""
    inputs = np.column_stack([found, np.ones(len(found))]).astype(float)
    programmes = EVALUATION.truth["latent"]
    weights = np.linalg.lstsq(inputs[:300], programmes[:300], rcond=None)[0]
    left = programmes[300:] - inputs[300:] @ weights
    return 1 - left.var(axis=0).sum() / programmes[300:].var(axis=0).sum()


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Matrices this small only wait for each other on more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_it_has_the_published_number_of_parameters():
    """20,767,683 at 19,331 genes, with the card's defaults."""
    sizes = {name: CARD.parameters[name] for name in ("hidden", "latent", "dropout")}
    with torch.device("meta"):
        network = Network(19_331, **sizes)
    assert sum(parameter.numel() for parameter in network.parameters()) == 20_767_683


def test_layers_are_plain_and_end_bare():
    """Five linear layers each way with activation and dropout between; neither end is activated."""
    with torch.device("meta"):
        network = Network(19_331, (512, 512, 256, 256), 64, dropout=0.1)
    for half in (network.encoder, network.decoder):
        kinds = [type(layer).__name__ for layer in half]
        assert kinds == ["Linear", "SELU", "Dropout"] * 4 + ["Linear"]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_learns_the_planted_programmes(seed):
    """Types by neighbours and programmes by a linear map: far better than the untrained control."""
    model = initialised(seed)
    control = embedding(model)
    history = trained(model, seed)
    found = embedding(model)
    assert probe(found) > probe(control) + 0.1
    assert linear_probe(found) > linear_probe(control) + 0.1
    assert history.validation_loss[-1] < history.validation_loss[0]


def test_the_loss_is_that_of_the_hidden_values_alone():
    """By hand: a network that answers 1 and sees only what is shown, scaled up."""
    seen = []

    def ones(values):
        seen.append(values)
        return torch.ones_like(values)

    values = torch.rand(6, 50) + 1
    with torch.random.fork_rng():
        torch.manual_seed(0)
        total, number = initialised(mask_rate=0.2).loss(ones, values)
    hidden = seen[0] == 0
    assert 0.1 < hidden.float().mean() < 0.3
    scale = 1 - hidden.float().mean(dim=1, keepdim=True)
    torch.testing.assert_close(seen[0][~hidden], (values / scale)[~hidden])
    assert number == hidden.sum()
    torch.testing.assert_close(total, ((1 - values) ** 2)[hidden].sum())


def test_all_genes_or_the_most_variable_ones():
    """Inputs are all genes, log-normalised; with a number, that many, and the control hashes all genes."""
    counts = OTHERS.rows(np.arange(20))
    expected = log_normalise(counts).toarray()
    np.testing.assert_array_equal(initialised().values(counts).toarray(), expected)
    few = initialised(n_genes=30)
    assert few.network.encoder[0].in_features == 30
    np.testing.assert_allclose(few.values(counts).sum(axis=1), expected.sum(axis=1, keepdims=True), rtol=1e-5)
    trained(few, steps=2)
    chosen = most_variable(SAMPLE, 30)
    np.testing.assert_array_equal(few.values(counts).toarray(), expected[:, chosen])


def test_budgets_of_epochs_are_honoured():
    """Two passes over 1,200 cells in batches of 64 are 38 steps."""
    run = PlainRun(budget=Budget(unit="epochs", amount=2))
    history = initialised().fit(SAMPLE, run)
    assert (history.steps, history.epochs, history.cells_seen) == (38, 2, 2400)


def test_the_seed_decides_and_the_rest_is_left_alone():
    """Same seed, same embedding; another seed, another one; no global random state is left behind."""
    before = torch.get_rng_state()

    def result(seed):
        model = initialised(seed)
        trained(model, seed, steps=5)
        return embedding(model)

    one, same, other = result(0), result(0), result(1)
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(one, same)
    assert not np.allclose(one, other)


@pytest.mark.parametrize("n_genes", [None, 30])
def test_what_is_saved_is_what_was_fitted(n_genes, tmp_path):
    """A fresh object that loads the file embeds the same."""
    model = initialised(n_genes=n_genes)
    trained(model, steps=3)
    model.save(tmp_path)
    again = SSL(**{**CARD.parameters, **TOY, "n_genes": n_genes})
    again.load(tmp_path, SAMPLE.genes)
    np.testing.assert_array_equal(embedding(again), embedding(model))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_on_a_gpu_it_learns_as_well(precision):
    """Trained there it beats the control, and loaded here it embeds alike."""
    model = initialised()
    control = probe(embedding(model))
    budget = Budget(unit="steps", amount=130)
    model.fit(SAMPLE, PlainRun(device="cuda", precision=precision, budget=budget, validation=VALIDATION))
    there = model.embed(OTHERS, PlainRun(device="cuda"))
    assert probe(there) > control + 0.1
    np.testing.assert_allclose(embedding(model), there, atol=1e-2)
