"""The transformer of the scaling study: its sizes, what it is blind to, what it learns, what it keeps."""

import numpy as np
import pytest
import torch

from harness import ArrayCells, Budget, PlainRun
from harness.measures import log_normalise, most_variable, neighbour_votes
from harness.synthetic import World
from harness_plugins.models.masked_transformer import CARD
from harness_plugins.models.masked_transformer.model import SIZES, MaskedTransformer, MeanState, Network

WORLD = World(
    seed=1,
    genes=30,
    types=8,
    zipf=0.0,
    programmes=3,
    strongest=1.0,
    weakest=0.8,
    depth=2000.0,
    dispersion=0.05,
    label_flip=0.0,
)
SAMPLE = WORLD.corpus(800).cells()
VALIDATION = WORLD.corpus(900).cells().rows(np.arange(800, 900))
OTHERS = WORLD.evaluation(300)

# What the study's own code prints (arXiv:2602.15253, repository Biodyn-AI/scaling): 512 genes, XL 1,024.
PUBLISHED = {
    "XXS": 533,
    "TINY": 9_953,
    "XS": 132_993,
    "S": 859_137,
    "M": 19_178_497,
    "L": 100_510_801,
    "XL": 341_557_249,
}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(seed=0, steps=10, **others):
    return PlainRun(seed=seed, budget=Budget(unit="steps", amount=steps), **others)


def initialised(seed=0, genes=SAMPLE.genes, **change):
    model = MaskedTransformer(**{**CARD.parameters, "size": "TINY", "learning_rate": 1e-2, **change})
    model.initialise(genes, PlainRun(seed=seed))
    return model


def network(genes=12, size="TINY", seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Network(genes, SIZES[size], dropout=0.1).eval()


def values(cells=5, genes=12):
    return torch.rand(cells, genes, generator=torch.Generator().manual_seed(0)) * 3


@pytest.mark.parametrize("size", SIZES)
def test_all_seven_sizes_have_the_published_number_of_parameters(size):
    """Counted in the network itself, and by the formula."""
    genes = 1024 if size == "XL" else 512
    with torch.device("meta"):
        built = Network(genes, SIZES[size], dropout=0.1)
    assert sum(weight.numel() for weight in built.parameters()) == PUBLISHED[size]
    assert SIZES[size].parameters(genes) == PUBLISHED[size]


def test_the_order_of_genes_means_nothing():
    """Genes that swap places keep their restored values, and the cell its embedding."""
    given, there = network(), torch.randperm(12, generator=torch.Generator().manual_seed(1))
    moved = network(seed=5)
    moved.load_state_dict(given.state_dict())
    moved.gene.weight.data = given.gene.weight.data[there]
    hidden = values() > 2
    with torch.no_grad():
        torch.testing.assert_close(
            moved(values()[:, there], hidden[:, there]), given(values(), hidden)[:, there], atol=1e-5, rtol=0
        )
        torch.testing.assert_close(
            MeanState(moved)(values()[:, there]), MeanState(given)(values()), atol=1e-5, rtol=0
        )


def test_the_order_of_the_data_sets_genes_means_nothing():
    """A model made for the genes in another order, with the same weights per gene, embeds alike."""
    model, there = initialised(), np.random.default_rng(0).permutation(30)
    genes = [SAMPLE.genes[gene] for gene in there]
    other = initialised(genes=genes)
    other.network.load_state_dict(model.network.state_dict())
    other.network.gene.weight.data = model.network.gene.weight.data[there]
    cells = ArrayCells(counts=OTHERS.counts[:, there], genes=genes)
    expected = model.embed(OTHERS.cells(), PlainRun())
    np.testing.assert_allclose(other.embed(cells, PlainRun()), expected, atol=1e-4)
    assert not np.allclose(initialised(genes=genes).embed(cells, PlainRun()), expected, atol=1e-4)


def test_genes_have_identities():
    """A value means something else for another gene."""
    given = network()
    with torch.no_grad():
        assert not torch.allclose(MeanState(given)(values()), MeanState(given)(values().flip(1)), atol=1e-4)


def test_hidden_values_are_hidden():
    """What is restored does not depend on hidden values, and does on those shown."""
    given, hidden = network(), torch.zeros(5, 12, dtype=torch.bool)
    hidden[:, ::3] = True
    changed = torch.where(hidden, 99.0, values())
    with torch.no_grad():
        torch.testing.assert_close(given(changed, hidden), given(values(), hidden))
        assert not torch.allclose(given(changed), given(values()), atol=1e-2)


def test_the_share_of_hidden_values_is_the_mask_rate():
    """Each value by itself, so that cells differ in how many."""
    seen = []

    class Watching(torch.nn.Module):
        def forward(self, values, hidden):
            seen.append(hidden)
            return values

    model = initialised(mask_rate=0.15)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        _, number = model.loss(Watching(), torch.rand(500, 80))
    assert number == seen[0].sum()
    assert float(seen[0].float().mean()) == pytest.approx(0.15, abs=0.01)
    assert float(seen[0].float().sum(dim=1).std()) == pytest.approx((80 * 0.15 * 0.85) ** 0.5, rel=0.1)


def gene_means(means):
    """Return a network of the smallest size whose restored values are these means.

    Nothing is added to what enters it, the mask token is 0, and the head reads the gene's embedding.
    """
    built = network(len(means), "XXS")
    layer = built.encoder.layers[0]
    with torch.no_grad():
        for part in (built.mask, layer.linear2.weight, layer.self_attn.out_proj.weight):
            part.zero_()
        built.gene.weight.copy_(means[:, None])
        built.head.weight.fill_(1.0)
    return built


def test_the_masked_loss_of_the_gene_means_is_the_masked_variance():
    """By hand: values 1, 3 of one gene and 0, 6 of the other have variances 1 and 9 about their means."""
    table = torch.tensor([[1.0, 0.0], [3.0, 6.0]])
    model = initialised(mask_rate=1.0)
    model.network = gene_means(table.mean(dim=0))
    with torch.no_grad():
        total, hidden = model.loss(model.network, table)
        assert (float(total), int(hidden)) == (1 + 1 + 9 + 9, 4)


def test_a_loss_is_a_mean_over_hidden_values_alone():
    """On the sample: the gene means' loss is the mean squared distance of the values that were hidden."""
    table = torch.from_numpy(log_normalise(SAMPLE.counts).toarray())
    model = initialised()
    model.network = gene_means(table.mean(dim=0))
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(3)
        total, number = model.loss(model.network, table)
        found = float(total / number)
        torch.manual_seed(3)
        hidden = (torch.rand_like(table) < 0.15).numpy()
    squared = (table.numpy() - table.numpy().mean(axis=0)) ** 2
    assert found == pytest.approx(squared[hidden].mean(), rel=1e-5)
    assert found == pytest.approx(float(table.var(dim=0).mean()), rel=0.05)


@pytest.fixture(scope="module")
def fitted():
    """Return (untrained, trained, history) per seed."""
    torch.set_num_threads(1)
    models = []
    for seed in range(3):
        model = initialised(seed)
        held = ArrayCells(counts=VALIDATION, genes=SAMPLE.genes)
        history = model.fit(SAMPLE, run(seed, steps=150, validation=held))
        models.append((initialised(seed), model, history))
    return models


def test_the_loss_falls_below_that_of_the_gene_means(fitted):
    """On cells set apart, for every seed."""
    variance = log_normalise(VALIDATION).toarray().var(axis=0).mean()
    for _, _, history in fitted:
        assert history.train_loss[-1] < 0.5 * history.train_loss[0]
        assert min(history.validation_loss) < 0.7 * variance


def right(model):
    """Return the share of evaluation cells whose type their neighbours tell."""
    types = OTHERS.obs["cell_type"]
    votes = neighbour_votes(model.embed(OTHERS.cells(), PlainRun()), types, np.arange(len(types)) % 5)
    return float((votes == types).mean())


def test_trained_beats_untrained(fitted):
    """Types are read off better, for every seed, in donors that the sample does not have."""
    gains = [right(trained) - right(untrained) for untrained, trained, _ in fitted]
    assert min(gains) > 0.05
    assert np.mean(gains) > 0.1


def test_tokens_are_the_variable_genes_of_the_sample():
    """One each; untrained, every gene feeds one of the tokens."""
    model = initialised(n_genes=20)
    control = model.inputs
    assert (control.of_gene >= 0).all()
    model.fit(SAMPLE, run(steps=1))
    chosen = most_variable(SAMPLE, 20)
    assert control.width == model.inputs.width == 20
    np.testing.assert_allclose(
        model.values(OTHERS.counts).toarray(),
        log_normalise(OTHERS.counts).toarray()[:, chosen],
        rtol=1e-6,
    )


def test_the_seed_is_the_weights_and_the_batches():
    """Same seed, same embedding; another seed, another one; no global random state is left behind."""
    before = torch.get_rng_state()
    embeddings = []
    for seed in (0, 0, 1):
        model = initialised(seed)
        model.fit(SAMPLE, run(seed))
        embeddings.append(model.embed(OTHERS.cells(), PlainRun()))
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(embeddings[0], embeddings[1])
    assert not np.allclose(embeddings[0], embeddings[2])


def test_layers_start_with_weights_of_their_own():
    """The layers of torch's encoder are copies of one."""
    one, other = network(size="XS").encoder.layers
    assert not torch.equal(one.self_attn.in_proj_weight, other.self_attn.in_proj_weight)
    assert not torch.equal(one.linear1.weight, other.linear1.weight)


def test_embedding_in_parts_is_embedding_at_once(monkeypatch):
    """Memory is bounded by a number of attention weights, which changes nothing."""
    model = initialised()
    whole = model.embed(OTHERS.cells(), PlainRun())
    monkeypatch.setattr("harness_plugins.models.masked_transformer.model.WEIGHTS_AT_ONCE", 7 * 30**2)
    np.testing.assert_allclose(model.embed(OTHERS.cells(), PlainRun()), whole, atol=1e-5)


def test_what_is_saved_is_what_was_fitted(fitted, tmp_path):
    """Untrained and trained, without pickles."""
    for model in fitted[0][:2]:
        model.save(tmp_path)
        again = MaskedTransformer(**model.parameters)
        again.load(tmp_path, SAMPLE.genes)
        expected = model.embed(OTHERS.cells(), PlainRun())
        np.testing.assert_array_equal(again.embed(OTHERS.cells(), PlainRun()), expected)


def test_an_unknown_size_is_refused():
    """With the names of those that there are."""
    with pytest.raises(ValueError, match='no size "XXL"; there are XXS, TINY'):
        initialised(size="XXL")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_it_is_the_same_model():
    """Trained there and asked here and there, it embeds alike."""
    model = initialised()
    model.fit(SAMPLE, run(device="cuda"))
    there = model.embed(OTHERS.cells(), PlainRun(device="cuda"))
    np.testing.assert_allclose(model.embed(OTHERS.cells(), PlainRun()), there, atol=1e-3)
