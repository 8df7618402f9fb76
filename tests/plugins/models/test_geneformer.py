"""The BERT over ranked genes: its tokens, its size, what it learns, and published folders."""

import json
import os
import pickle
import socket
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix, random_array

from harness import ArrayCells, Budget, PlainRun
from harness.measures import most_variable, neighbour_votes
from harness.synthetic import World
from harness.training import Inputs
from harness_plugins.models.geneformer import CARD, tokens

pytest.importorskip("transformers")
from transformers import BertConfig, BertForMaskedLM, BertForSequenceClassification
from transformers.utils import logging

from harness_plugins.models.geneformer.model import Geneformer, MeanState, configuration, visible

WORLD = World(
    seed=1,
    genes=100,
    types=8,
    zipf=0.0,
    programmes=2,
    strongest=2.0,
    depth=40.0,
    dispersion=0.05,
    label_flip=0.0,
)
SAMPLE = WORLD.corpus(1200).cells()
VALIDATION = ArrayCells(counts=WORLD.corpus(1300).counts[1200:], genes=SAMPLE.genes)
OTHERS = WORLD.evaluation(300)
TOY = {"width": 32, "layers": 2, "heads": 2, "max_tokens": 64, "learning_rate": 1e-2, "batch_size": 32}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def run(seed=0, steps=5, **others):
    return PlainRun(seed=seed, budget=Budget(unit="steps", amount=steps), **others)


def initialised(seed=0, genes=SAMPLE.genes, **change):
    model = Geneformer(**{**CARD.parameters, **TOY, **change})
    model.initialise(genes, PlainRun(seed=seed))
    return model


def plainly(network, ranked, ends=()):
    """Embed cells one at a time, padded to the longest input, as transformers' own documents show it."""
    found = []
    for cell in ranked:
        padded = torch.zeros(1, network.config.max_position_embeddings, dtype=torch.long)
        padded[0, : len(cell)] = torch.from_numpy(cell)
        genes = ~torch.isin(padded[0], torch.tensor([0, *ends]))
        with torch.no_grad():
            states = network.eval().bert(padded, attention_mask=padded > 0, output_hidden_states=True)
        found.append(states.hidden_states[-2][0, genes].mean(dim=0).numpy())
    return np.stack(found)


# -- tokens --------------------------------------------------------------------------------------------


def test_a_hand_worked_cell():
    """Medians over the cells that express a gene, per 10,000: 4,000, 1,500, 2,000, 4,500, and E has none.

    Of the new cell's 20 counts one is 500 per 10,000: A 2,000 / 4,000 = 0.5, B 3,000 / 1,500 = 2,
    C 1,000 / 2,000 = 0.5, D 500 / 4,500 = 0.11. E is unknown. A and C are equal: A has the smaller token.
    """
    corpus = ArrayCells(
        counts=np.array([[4, 2, 0, 4, 0], [2, 0, 3, 5, 0], [8, 1, 1, 0, 0]]), genes=list("ABCDE")
    )
    vocabulary = tokens.Vocabulary.untrained(Inputs.dealt(5, None, seed=0)).seen_in(corpus)
    np.testing.assert_allclose(vocabulary.medians, [4000, 1500, 2000, 4500, 0], rtol=1e-6)
    cells = csr_matrix(np.array([[4, 6, 2, 1, 7], [0, 0, 1, 0, 0], [0, 0, 0, 0, 3]], dtype=np.float32))
    a, b, c, d = 2, 3, 4, 5
    assert vocabulary(cells, 10).tolist() == [[b, a, c, d], [c, 0, 0, 0], [0, 0, 0, 0]]
    assert vocabulary(cells, 2).tolist() == [[b, a], [c, 0], [0, 0]]
    ended = replace(vocabulary, ends=(8, 9))
    assert ended(cells, 4).tolist() == [[8, b, a, 9], [8, c, 9, 0], [8, 9, 0, 0]]


def test_ranks_are_those_of_the_whole_formula():
    """Normalised by each cell's total and by the medians, sorted gene by gene."""
    vocabulary = tokens.Vocabulary.untrained(Inputs.dealt(100, None, seed=0)).seen_in(SAMPLE)
    counts = OTHERS.counts.toarray().astype(np.float64)
    values = counts / counts.sum(axis=1, keepdims=True) * 10_000 / vocabulary.medians
    found = vocabulary(OTHERS.counts, 64)
    for cell, ranked in zip(values, found, strict=True):
        genes = ranked[ranked > 0] - 2
        assert len(set(genes)) == len(genes) == min(64, (cell > 0).sum())
        assert (np.diff(cell[genes]) <= 1e-6).all()
        assert cell[genes].min() >= np.sort(cell)[::-1][len(genes) - 1] - 1e-6


def test_an_untrained_vocabulary_ranks_counts():
    """Its medians are 1."""
    model = initialised()
    assert (model.vocabulary.medians == 1).all()
    ranked = model._tokens(csr_matrix(np.arange(100, dtype=np.float32)[None]))
    assert ranked.tolist() == [list(range(101, 37, -1))]


def sparse(n, genes=40, seed=0):
    rng = np.random.default_rng(seed)
    found = random_array((n, genes), density=0.3, format="csr", rng=rng, data_sampler=rng.exponential)
    found.data = (found.data * 100).astype(np.float32)
    return csr_matrix(found)


@pytest.mark.parametrize(("exact", "tolerance"), [(10**9, 1e-6), (500, 2 ** (1 / 64) - 1)])
def test_medians(monkeypatch, exact, tolerance):
    """Against numpy, gene by gene: exact in small samples, within half a bin in large ones."""
    monkeypatch.setattr(tokens, "EXACT_VALUES", exact)
    table = sparse(999)
    table = csr_matrix(table.multiply(np.arange(40) != 7))
    found = tokens.nonzero_medians((table[start : start + 100] for start in range(0, 999, 100)), 40)
    dense = table.toarray()
    expected = [np.median(gene[gene > 0]) if gene.any() else 0 for gene in dense.T]
    np.testing.assert_allclose(found, expected, rtol=tolerance)
    assert found[7] == 0
    assert exact > 500 or not np.allclose(found, expected, rtol=1e-4)


def test_memory_of_the_medians_does_not_grow_with_the_sample(monkeypatch):
    """Ten times the cells need no more of it."""
    monkeypatch.setattr(tokens, "EXACT_VALUES", 20_000)
    table = sparse(1000)

    def peak(blocks):
        tracemalloc.start()
        tokens.nonzero_medians((table for _ in range(blocks)), 40)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(1)
    assert peak(40) < 1.2 * peak(4)


# -- the network ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n_tokens", "width", "published"),
    [
        (25_426, 256, 10_288_722),
        (25_426, 128, 4_354_258),
        (25_426, 64, 1_989_138),
        (25_426, 32, 957_106),
        (19_331 + 2, 256, 8_722_821),
    ],
)
def test_it_has_the_published_number_of_parameters(n_tokens, width, published):
    """With the published dictionary, and with the protein-coding genes of the founding study."""
    shape = {name: CARD.parameters[name] for name in ("layers", "heads", "max_tokens")}
    with torch.device("meta"):
        network = BertForMaskedLM(configuration(n_tokens, width, **shape))
    assert sum(weight.numel() for weight in network.parameters()) == published


def test_batches_embed_as_one_cell_at_a_time():
    """Whatever the length of cells and the number of tokens at once; padding changes nothing."""
    model = initialised()
    rng = np.random.default_rng(0)
    counts = csr_matrix(rng.poisson(2, (60, 100)) * (rng.random((60, 100)) < rng.random((60, 1)))).astype(
        "f4"
    )
    ranked = model._tokens(counts)
    lengths = (ranked > 0).sum(axis=1)
    assert lengths.min() < 8 < 60 < lengths.max()
    expected = plainly(model.network, [cell[cell > 0] for cell in ranked])
    for budget in (1, 200, 10**6):
        model.parameters["batch_tokens"] = budget
        found = model.embed(ArrayCells(counts=counts, genes=SAMPLE.genes), PlainRun())
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_batches_keep_to_the_budget_of_tokens():
    """Long cells come few at a time, and no cell is padded beyond the longest beside it."""
    model, shapes = initialised(), []
    embedder = MeanState(model.network, (), budget=64)
    embedder.trunk.register_forward_pre_hook(lambda _, given: shapes.append(tuple(given[0].shape)))
    ranked = torch.zeros(9, 40, dtype=torch.long)
    for cell, length in enumerate([40, 3, 0, 30, 20, 2, 2, 2, 1]):
        ranked[cell, :length] = 5
    with torch.no_grad():
        found = embedder.eval()(ranked)
    assert shapes == [(1, 40), (2, 30), (6, 3)]
    assert (found[2] == 0).all()
    assert found[torch.arange(9) != 2].any(dim=1).all()


def test_the_order_of_genes_means_nothing():
    """Genes that swap columns keep their tokens; a model made for another order, with the same weights per
    gene, embeds alike where no two genes of a cell are equal."""
    model, there = initialised(), np.random.default_rng(0).permutation(100)
    genes = [SAMPLE.genes[gene] for gene in there]
    swapped = initialised(genes=genes)
    swapped.network = model.network
    swapped.vocabulary = replace(model.vocabulary, inputs=Inputs(there))
    cells = ArrayCells(counts=OTHERS.counts[:, there], genes=genes)
    expected = model.embed(OTHERS.cells(), PlainRun())
    np.testing.assert_allclose(swapped.embed(cells, PlainRun()), expected, atol=1e-5)

    counts = np.argsort(np.random.default_rng(1).random((20, 100)), axis=1)
    expected = model.embed(ArrayCells(counts=counts, genes=SAMPLE.genes), PlainRun())
    other = initialised(genes=genes)
    other.network.load_state_dict(model.network.state_dict())
    words = other.network.bert.embeddings.word_embeddings.weight
    words.data[2:] = model.network.bert.embeddings.word_embeddings.weight.data[2:][there]
    found = other.embed(ArrayCells(counts=counts[:, there], genes=genes), PlainRun())
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert not np.allclose(model.embed(cells, PlainRun()), found[0], atol=1e-2)


def test_the_loss_is_the_cross_entropy_of_what_is_hidden():
    """Though the head sees few places: by hand from logits everywhere, hidden and shown as in BERT."""
    model = initialised(mask_rate=0.3)
    model.network.eval()
    ranked = torch.from_numpy(model._tokens(OTHERS.counts[:20]))
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        total, number = model._loss(model.network, ranked)
        found = float(total / number)
        torch.manual_seed(0)
        chance, what = torch.rand(2, *ranked.shape)
        others = torch.randint(2, 102, ranked.shape)
    hidden = ((chance < 0.3) & (ranked > 0)).numpy()
    shown = ranked.numpy().copy()
    shown[hidden & (what.numpy() < 0.8)] = 1
    shown[hidden & (what.numpy() >= 0.9)] = others.numpy()[hidden & (what.numpy() >= 0.9)]
    with torch.no_grad():
        logits = model.network(torch.from_numpy(shown), attention_mask=(ranked > 0).long()).logits.double()
    surprise = -torch.log_softmax(logits, dim=-1).gather(2, ranked[..., None])[..., 0].numpy()
    assert found == pytest.approx(surprise[hidden].mean(), rel=1e-5)


def test_how_much_is_hidden_and_how():
    """15 % of the genes; of those 80 % masked, 10 % another gene, 10 % as they are; padding never."""
    seen = {}

    class Watching:
        def bert(self, shown, attention_mask):
            seen.update(shown=shown, visible=attention_mask)
            raise StopIteration

    model = initialised()
    ranked = torch.full((400, 100), 7)
    ranked[:, 80:] = 0
    with torch.random.fork_rng():
        torch.manual_seed(0)
        with pytest.raises(StopIteration):
            model._loss(Watching(), ranked)
    shown = seen["shown"]
    assert (shown[:, 80:] == 0).all()
    assert not seen["visible"][..., 80:].any()
    assert float((shown[:, :80] == 1).float().mean()) == pytest.approx(0.15 * 0.8, abs=0.005)
    changed = shown[:, :80][(shown[:, :80] != 1) & (shown[:, :80] != 7)]
    assert len(changed) / 32_000 == pytest.approx(0.15 * 0.1, abs=0.002)
    assert changed.min() == 2
    assert changed.max() == 101


def test_cells_without_genes_do_no_harm():
    """They have nothing to attend to: alone, and beside others, loss and gradients stay numbers."""
    model = initialised()
    for counts in (np.zeros((3, 100)), np.vstack([np.zeros((1, 100)), np.ones((1, 100))])):
        ranked = torch.from_numpy(model._tokens(csr_matrix(counts, dtype=np.float32)))
        model._loss(model.network, ranked)[0].backward()
        gradients = [weight.grad for weight in model.network.parameters() if weight.grad is not None]
        assert all(gradient.isfinite().all() for gradient in gradients)
    assert visible(torch.zeros(2, 3))[:, 0, 0].tolist() == [[True, False, False]] * 2


# -- what it learns ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted():
    """Return (untrained, trained, history) per seed."""
    torch.set_num_threads(1)
    models = []
    for seed in range(3):
        untrained, model = (initialised(seed, max_tokens=32) for _ in range(2))
        history = model.fit(SAMPLE, run(seed, steps=110, validation=VALIDATION))
        models.append((untrained, model, history))
    return models


def test_the_masked_loss_falls(fitted):
    """It starts at that of a guess among 102 tokens, and falls in cells set apart too."""
    for _, _, history in fitted:
        assert history.train_loss[0] == pytest.approx(np.log(102), rel=0.1)
        assert history.train_loss[-1] < history.train_loss[0] - 0.2
        assert min(history.validation_loss) < history.validation_loss[0] - 0.2


def right(model):
    """Return the share of evaluation cells whose type their neighbours tell."""
    types = OTHERS.obs["cell_type"]
    votes = neighbour_votes(model.embed(OTHERS.cells(), PlainRun()), types, np.arange(len(types)) % 5)
    return float((votes == types).mean())


def test_trained_beats_untrained(fitted):
    """Types are read off better, on average over seeds, in donors that the sample does not have."""
    gains = [right(trained) - right(untrained) for untrained, trained, _ in fitted]
    assert np.mean(gains) > 0.03


def test_with_fewer_tokens_than_genes(tmp_path):
    """Fitted, the variable genes have them; untrained, every gene feeds one. Saved, both are kept."""
    model = initialised(n_genes=20)
    assert (model.vocabulary.inputs.of_gene >= 0).all()
    assert model.network.config.vocab_size == 22
    for _ in range(2):
        model.save(tmp_path)
        again = Geneformer(**model.parameters)
        again.load(tmp_path, SAMPLE.genes)
        expected = model.embed(OTHERS.cells(), PlainRun())
        np.testing.assert_array_equal(again.embed(OTHERS.cells(), PlainRun()), expected)
        model.fit(SAMPLE, run())
    chosen = most_variable(SAMPLE, 20)
    cell = np.zeros((1, 100), np.float32)
    cell[0, chosen] = model.vocabulary.medians * np.arange(20, 0, -1)
    cell[0, np.setdiff1d(np.arange(100), chosen)] = 1000
    assert model._tokens(csr_matrix(cell)).tolist() == [list(range(2, 22))]


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


def test_what_is_saved_is_what_was_fitted(fitted, tmp_path, capfd, monkeypatch):
    """Sizes too, whatever the parameters of who loads it; without noise, network access or random numbers."""
    monkeypatch.setattr(socket.socket, "connect", None)
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    model, before = fitted[0][1], torch.get_rng_state()
    model.save(tmp_path)
    again = Geneformer(**CARD.parameters)
    again.load(tmp_path, SAMPLE.genes)
    assert torch.equal(torch.get_rng_state(), before)
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == (level, bars)
    assert capfd.readouterr() == ("", "")
    expected = model.embed(OTHERS.cells(), PlainRun())
    np.testing.assert_array_equal(again.embed(OTHERS.cells(), PlainRun()), expected)


# -- published weights ---------------------------------------------------------------------------------

GENES = {f"ENSG{number:011}": number for number in range(2, 12)}
MEDIANS = {gene: 1.0 + token / 4 for gene, token in GENES.items()}


def published(folder, dictionary=None, medians=MEDIANS, kind=BertForMaskedLM, **change):
    """Write a folder as the real libraries do: a small network, its tokens and medians."""
    dictionary = {"<pad>": 0, "<mask>": 1, **GENES} if dictionary is None else dictionary
    shape = {"width": 16, "layers": 3, "heads": 2, "max_tokens": 8, **change}
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = kind(configuration(len(dictionary), **shape))
    network.save_pretrained(folder)
    (folder / "token_dictionary.json").write_text(json.dumps(dictionary))
    (folder / "gene_median_dictionary.json").write_text(json.dumps(medians))
    return network


def taken_over(folder):
    model = Geneformer(**CARD.parameters)
    model.load_published(folder, PlainRun())
    return model


def cells_of(genes, n=12):
    counts = np.random.default_rng(0).poisson(1.5, (n, len(genes)))
    return ArrayCells(counts=counts, genes=genes)


def by_hand(cells, medians=MEDIANS, longest=8):
    """Rank each cell's genes with Python's own sort."""
    rows = []
    for counts in np.asarray(cells.counts):
        expressed = [gene for gene, count in zip(cells.genes, counts, strict=True) if count]
        values = {gene: counts[list(cells.genes).index(gene)] / medians[gene] for gene in expressed}
        ranked = sorted(expressed, key=lambda gene: (-values[gene], GENES[gene]))
        rows.append(np.array([GENES[gene] for gene in ranked][:longest]))
    return rows


def test_a_published_folder(tmp_path):
    """Its genes are the dictionary's, its embedding that of transformers asked plainly; saved and loaded."""
    network = published(tmp_path)
    model = taken_over(tmp_path)
    assert model.genes == list(GENES)
    cells = cells_of(model.genes)
    expected = plainly(network, by_hand(cells))
    np.testing.assert_allclose(model.embed(cells, PlainRun()), expected, atol=1e-5)
    (tmp_path / "kept").mkdir()
    model.save(tmp_path / "kept")
    again = Geneformer(**CARD.parameters)
    again.load(tmp_path / "kept", model.genes)
    np.testing.assert_allclose(again.embed(cells, PlainRun()), expected, atol=1e-5)


def test_a_published_folder_with_tokens_at_the_ends(tmp_path):
    """<cls> and <eos> are attended to, take two places, and are not averaged over."""
    dictionary = {"<pad>": 0, "<mask>": 1, **GENES, "<cls>": 12, "<eos>": 13}
    network = published(tmp_path, dictionary)
    model = taken_over(tmp_path)
    assert model.genes == list(GENES)
    cells = cells_of(model.genes)
    ranked = [np.array([12, *cell, 13]) for cell in by_hand(cells, longest=6)]
    expected = plainly(network, ranked, ends=(12, 13))
    np.testing.assert_allclose(model.embed(cells, PlainRun()), expected, atol=1e-5)
    empty = ArrayCells(counts=np.zeros((1, 10)), genes=model.genes)
    assert (model.embed(empty, PlainRun()) == 0).all()


def test_genes_without_a_median_have_no_token(tmp_path):
    """As in the published tokeniser, which knows the genes that are in both dictionaries."""
    _absent, zero, *known = GENES
    published(tmp_path, medians={**{gene: MEDIANS[gene] for gene in known}, zero: 0.0, "ENSG_other": 1.0})
    assert taken_over(tmp_path).genes == known


def test_pickled_dictionaries(tmp_path):
    """As published, with Python's numbers or numpy's, and under names that say which corpus they are of."""
    published(tmp_path)
    expected = taken_over(tmp_path).embed(cells_of(list(GENES)), PlainRun())
    for name, wrap in (("token_dictionary", int), ("gene_median_dictionary", np.float64)):
        path = tmp_path / f"{name}.json"
        read = {gene: wrap(value) for gene, value in json.loads(path.read_text()).items()}
        path.unlink()
        (tmp_path / f"{name}_gc30M.pkl").write_bytes(pickle.dumps(read))
    model = taken_over(tmp_path)
    np.testing.assert_array_equal(model.embed(cells_of(model.genes), PlainRun()), expected)


class Harmful:
    """What must never run."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.mkdir, (str(self.mark),)


def test_a_pickle_runs_no_code(tmp_path):
    """It is refused for what it names, before anything is called."""
    published(tmp_path)
    (tmp_path / "token_dictionary.json").unlink()
    mark = tmp_path / "it ran"
    (tmp_path / "token_dictionary.pkl").write_bytes(pickle.dumps({"<pad>": 0, "ENSG1": Harmful(mark)}))
    with pytest.raises(ValueError, match=r"names (posix|nt)\.mkdir, and only plain numbers are read"):
        taken_over(tmp_path)
    assert not mark.exists()


def other(folder, **dictionaries):
    for name, content in dictionaries.items():
        (folder / f"{name}.json").write_text(content if isinstance(content, str) else json.dumps(content))


def without(folder, name):
    (folder / name).unlink()


def with_old_weights(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


PLAIN = {"<pad>": 0, "<mask>": 1}
STRANGE = {
    "no configuration": (lambda f: without(f, "config.json"), "has no config.json; expected are config.json"),
    "no weights": (with_old_weights, "has no model.safetensors; expected are"),
    "no tokens": (lambda f: without(f, "token_dictionary.json"), "for token_dictionary .* has no file; exp"),
    "no medians": (
        lambda f: without(f, "gene_median_dictionary.json"),
        "for gene_median_dictionary .* has no",
    ),
    "two": (
        lambda f: other(f, token_dictionary_v2=PLAIN),
        "has token_dictionary.json, token_dictionary_v2.json",
    ),
    "another model": (lambda f: other(f, config={"model_type": "t5"}), 'type "t5"; expected is "bert"'),
    "damaged weights": (lambda f: (f / "model.safetensors").write_bytes(b"no"), "weights .* cannot be read"),
    "other sizes": (
        lambda f: published(f.parent, width=32) and (f.parent / "config.json").replace(f / "config.json"),
        "weights .* cannot be read",
    ),
    "no head": (lambda f: published(f, kind=BertForSequenceClassification), "lacks .*BertForMaskedLM"),
    "not JSON": (lambda f: other(f, token_dictionary="{"), '"token_dictionary.json" .* is not JSON'),
    "a list": (lambda f: other(f, token_dictionary=[1]), "is no mapping but a list"),
    "words": (
        lambda f: other(f, gene_median_dictionary={"ENSG1": "x"}),
        "no mapping of gene names to numbers",
    ),
    "other specials": (
        lambda f: other(f, token_dictionary={"<pad>": 1, "<mask>": 0, **GENES}),
        "<pad> and <mask> the tokens 1.0 and 0.0; expected are 0 and 1",
    ),
    "another dictionary": (
        lambda f: other(f, token_dictionary={**PLAIN, "ENSG1": 2}),
        "has 3 tokens up to 2; the network has 12",
    ),
    "a token twice": (
        lambda f: other(f, token_dictionary={**PLAIN, **GENES, "ENSG00000000011": 3}),
        "each of 0 to 11 is expected once",
    ),
    "one end": (
        lambda f: published(f, {**PLAIN, **GENES, "<cls>": 12}),
        "one of <cls> and <eos>; both or none",
    ),
    "no gene in common": (
        lambda f: other(f, gene_median_dictionary={"TP53": 1.0}),
        "no gene .* has a median",
    ),
    "a damaged pickle": (
        lambda f: (
            without(f, "token_dictionary.json"),
            (f / "token_dictionary.pkl").write_bytes(b"\x80\x04"),
        ),
        "cannot be read: .*; the same mapping as JSON is accepted too",
    ),
}


@pytest.mark.parametrize("what", STRANGE)
def test_missing_and_foreign_files_are_refused_in_a_sentence(tmp_path, what):
    """Which file, what was found, what was expected."""
    spoil, sentence = STRANGE[what]
    (tmp_path / "weights").mkdir()
    published(tmp_path / "weights")
    spoil(tmp_path / "weights")
    with pytest.raises(ValueError, match=sentence):
        taken_over(tmp_path / "weights")


def test_the_configuration_is_the_published_one():
    """Word for word, where it differs from BERT's own."""
    found, plain = configuration(100, 256, 6, 4, 2048), BertConfig()
    assert (found.intermediate_size, found.hidden_act, found.hidden_dropout_prob) == (512, "relu", 0.02)
    assert (found.initializer_range, found.layer_norm_eps) == (plain.initializer_range, plain.layer_norm_eps)
    assert found.attention_probs_dropout_prob == 0.02


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_it_is_the_same_model():
    """Trained there and asked here and there, it embeds alike."""
    model = initialised()
    model.fit(SAMPLE, run(device="cuda"))
    there = model.embed(OTHERS.cells(), PlainRun(device="cuda"))
    np.testing.assert_allclose(model.embed(OTHERS.cells(), PlainRun()), there, atol=1e-3)
