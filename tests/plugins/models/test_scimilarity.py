"""SCimilarity: its size, its triplets, what it learns from labels, and published weights."""

import json
from collections import OrderedDict

import numpy as np
import pytest
import torch
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

from harness import ArrayCells, Budget, NotApplicable, PlainRun
from harness.measures import log_normalise
from harness.synthetic import World
from harness_plugins.models.scimilarity import CARD
from harness_plugins.models.scimilarity.model import SCimilarity
from harness_plugins.models.scimilarity.network import Network
from harness_plugins.models.scimilarity.triplets import semi_hard_triplet_loss

TOY = {"hidden": [48, 48], "latent": 12, "input_dropout": 0.1, "dropout": 0.1, "batch_size": 100}

WORLD = World(
    genes=120,
    programmes=8,
    types=12,
    strongest=0.25,
    depth=1000.0,
    contexts=1,
    private_genes=0,
    interaction_genes=0,
    label_flip=0.0,
)
CORPUS, EVALUATION = WORLD.corpus(1400), WORLD.evaluation(600)
OTHERS = EVALUATION.cells()


def labelled(rows, labels=CORPUS.obs["cell_type"]):
    return ArrayCells(counts=CORPUS.counts[rows], genes=CORPUS.genes, columns={"cell_type": labels[rows]})


SAMPLE, VALIDATION = labelled(slice(1200)), labelled(slice(1200, None))


def initialised(seed=0, **change):
    model = SCimilarity(**{**CARD.parameters, **TOY, **change})
    model.initialise(SAMPLE.genes, PlainRun(seed=seed))
    return model


def trained(model, seed=0, steps=100, sample=SAMPLE, validation=VALIDATION):
    budget = Budget(unit="steps", amount=steps)
    return model.fit(sample, PlainRun(seed=seed, budget=budget, validation=validation))


def embedding(model):
    return model.embed(OTHERS, PlainRun())


def probe(found):
    """Return the accuracy of the five nearest neighbours in telling planted types."""
    types = EVALUATION.truth["type"]
    return KNeighborsClassifier(5).fit(found[:300], types[:300]).score(found[300:], types[300:])


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Matrices this small only wait for each other on more."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


# -- the network ---------------------------------------------------------------------------------------


def test_it_has_the_published_number_of_parameters():
    """Encoder 22,032,515 and decoder 22,051,718 at 19,331 genes, with the card's defaults."""
    widths = (19_331, *CARD.parameters["hidden"], CARD.parameters["latent"])
    with torch.device("meta"):
        network = Network(widths, CARD.parameters["input_dropout"], CARD.parameters["dropout"])
    counted = [
        sum(parameter.numel() for parameter in half.parameters())
        for half in (network.encoder, network.decoder)
    ]
    assert counted == [22_032_515, 22_051_718]


def test_embeddings_have_unit_length_and_inputs_drop_more_than_layers():
    """As in SCimilarity: the unit sphere, dropout 0.4 before the first layer and 0.5 before the others."""
    model = initialised(input_dropout=0.4, dropout=0.5)
    np.testing.assert_allclose(np.linalg.norm(embedding(model), axis=1), 1, rtol=1e-5)
    rates = [layer.p for layer in model.network.encoder.modules() if isinstance(layer, nn.Dropout)]
    assert rates == [0.4, 0.5]


# -- triplets ------------------------------------------------------------------------------------------


def by_hand(points, kinds, margin):
    """Return per pair the losses of all its semi-hard triplets, by three loops."""
    found = []
    for a in range(len(points)):
        for p in range(a + 1, len(points)):
            if kinds[a] != kinds[p] or kinds[a] < 0:
                continue
            to_p = np.linalg.norm(points[a] - points[p])
            losses = []
            for n in range(len(points)):
                to_n = np.linalg.norm(points[a] - points[n])
                if kinds[n] >= 0 and kinds[n] != kinds[a] and to_p**2 < to_n**2 < to_p**2 + margin:
                    losses.append(max(to_p - to_n + margin, 0))
            if losses:
                found.append(losses)
    return found


def test_one_triplet_by_hand():
    """Squared distances 0.09 to the positive; of 0.04, 0.1225 and 1 only the second is semi-hard for 0.2."""
    points = torch.tensor([[0.0], [0.3], [0.2], [-0.35], [1.0], [0.31]])
    kinds = torch.tensor([0, 0, 1, 2, 1, -1])
    found = semi_hard_triplet_loss(points, kinds, margin=0.2)
    assert float(found) == pytest.approx(0.3 - 0.35 + 0.2, abs=1e-6)


def test_the_loss_is_the_brute_force_one():
    """Draws stay within what each pair allows, and are even: their mean is that of all triplets."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(30, 4))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    kinds = rng.integers(-1, 4, 30)
    triplets = by_hand(points, kinds, margin=0.5)
    assert 20 < len(triplets) < 80
    assert max(map(len, triplets)) > 5
    given = torch.tensor(points, dtype=torch.float32), torch.tensor(kinds), 0.5
    with torch.random.fork_rng():
        torch.manual_seed(0)
        draws = np.array([float(semi_hard_triplet_loss(*given)) for _ in range(400)])
    assert draws.std() > 0
    assert draws.min() >= np.mean([min(losses) for losses in triplets]) - 1e-5
    assert draws.max() <= np.mean([max(losses) for losses in triplets]) + 1e-5
    expected = np.mean([np.mean(losses) for losses in triplets])
    assert draws.mean() == pytest.approx(expected, abs=4 * draws.std() / 20)


def test_its_gradient_is_that_of_torch():
    """Of ``TripletMarginLoss``, for the only triplet there is."""
    points = torch.tensor([[0.0, 0.1], [0.3, 0.0], [0.1, 0.5]], requires_grad=True)
    semi_hard_triplet_loss(points, torch.tensor([5, 5, 2]), margin=0.2).backward()
    found, points.grad = points.grad, None
    nn.TripletMarginLoss(margin=0.2)(*points[:, None]).backward()
    torch.testing.assert_close(found, points.grad, atol=1e-4, rtol=1e-4)
    assert found.any()


@pytest.mark.parametrize("kinds", [[0, 0, 0, 0], [0, 1, 2, 3], [-1, -1, -1, -1]])
def test_without_a_triplet_there_is_no_loss(kinds):
    """One type alone, all types alone, nothing known: zero, with a gradient of zeros."""
    points = torch.rand(4, 3, requires_grad=True)
    loss = semi_hard_triplet_loss(points, torch.tensor(kinds), margin=0.05)
    loss.backward()
    assert loss == 0
    assert not points.grad.any()


def test_cells_in_one_place_have_a_finite_gradient():
    """Equal cells have distance zero, whose root has no slope."""
    points = torch.tensor([[1.0, 0.0]] * 3 + [[0.999, 0.01]], requires_grad=True)
    semi_hard_triplet_loss(points, torch.tensor([0, 0, 0, 1]), margin=0.05).backward()
    assert torch.isfinite(points.grad).all()


# -- learning ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_learns_the_planted_types(seed):
    """In cells of other donors and batches: far better than the untrained control."""
    model = initialised(seed)
    control = probe(embedding(model))
    history = trained(model, seed)
    assert probe(embedding(model)) > control + 0.1
    assert min(history.validation_loss) < history.validation_loss[0]


def test_labels_are_what_the_triplets_teach():
    """With triplets alone, labels of other cells teach far less than the cells' own."""
    shuffled = np.random.default_rng(0).permutation(CORPUS.obs["cell_type"])
    own, others = (initialised(triplet_weight=1.0) for _ in "ab")
    trained(own, validation=None)
    trained(others, sample=labelled(slice(1200), shuffled), validation=None)
    assert probe(embedding(own)) > probe(embedding(others)) + 0.15


def test_the_loss_is_the_weighted_sum():
    """By hand, from a network that answers with given points and values."""
    model = initialised(triplet_weight=0.25, margin=0.2, l1=0.5, learning_rate=0.1)
    points = torch.tensor([[0.0], [0.3], [-0.35]])
    values = torch.rand(3, 5)

    class Answers(nn.Module):
        encoder = model.network.encoder

        def forward(self, given):
            return points, given + 2

    size = sum(np.abs(part.detach().numpy()).sum() for part in model.network.encoder.network[2].parameters())
    expected = 0.25 * 0.15 + 0.75 * 4 + 0.5 * 0.1 * size
    total, number = model.loss(Answers(), (values, torch.tensor([0, 0, 1])))
    assert number == 3
    found = total / number
    assert float(found.detach()) == pytest.approx(expected, rel=1e-5)


def test_types_become_numbers_and_unknown_ones_none():
    """Equal types get equal numbers; cells without a label take part in no triplet."""
    types = np.array(["b", "", "a", "b"], dtype=object)
    _, numbers = initialised().prepared(OTHERS.rows(np.arange(4)), types)
    assert numbers.tolist() == [2, -1, 1, 2]


def test_a_single_cell_and_a_single_type_can_be_fitted():
    """Batch norm has nothing to learn from one cell, and triplets nothing from one type."""
    for rows in (slice(1), slice(101)):  # the second ends in a batch of one cell
        model = initialised()
        same = np.full(1400, "type")
        trained(model, steps=3, sample=labelled(rows, same), validation=None)
        assert np.isfinite(embedding(model)).all()


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
    """A fresh object that loads the file embeds the same, running means of batch norm included."""
    model = initialised(n_genes=n_genes)
    trained(model, steps=3)
    model.save(tmp_path)
    again = SCimilarity(**{**CARD.parameters, **TOY, "n_genes": n_genes})
    again.load(tmp_path, SAMPLE.genes)
    np.testing.assert_array_equal(embedding(again), embedding(model))


# -- published weights ---------------------------------------------------------------------------------


def published(folder, form="ckpt", genes=OTHERS.genes):
    """Write a folder as a release has it: seven, four and three units; weights drawn here."""
    sizes = {"network.0.1": (7, len(genes)), "network.1.1": (4, 7), "network.2": (3, 4)}
    rng = np.random.default_rng(0)
    draw = lambda *shape: torch.tensor(rng.uniform(0.5, 1.5, shape), dtype=torch.float32)  # noqa: E731
    state = OrderedDict()
    for layer, (after, before) in sizes.items():
        state[f"{layer}.weight"], state[f"{layer}.bias"] = draw(after, before) - 1, draw(after)
        if layer.endswith(".1"):
            norm, activation = layer[:-1] + "2", layer[:-1] + "3"
            for part in ("weight", "bias", "running_mean", "running_var"):
                state[f"{norm}.{part}"] = draw(after)
            state[f"{norm}.num_batches_tracked"] = torch.tensor(9)
            state[f"{activation}.weight"] = draw(1) - 1
    if form == "ckpt":
        torch.save({"state_dict": state}, folder / "encoder.ckpt")
    else:
        pytest.importorskip("safetensors.torch").save_file(dict(state), folder / "encoder.safetensors")
    (folder / "gene_order.tsv").write_text("\n".join(genes))
    (folder / "layer_sizes.json").write_text(json.dumps({name: list(v.shape) for name, v in state.items()}))
    (folder / "hyperparameters.json").write_text(json.dumps({"latent_dim": 3, "residual": False}))
    return {name: value.double().numpy() for name, value in state.items()}


def taken_over(folder):
    model = SCimilarity(**CARD.parameters)
    model.load_published(folder, PlainRun())
    return model


@pytest.mark.parametrize("form", ["ckpt", "safetensors"])
def test_published_weights_embed_as_worked_in_numpy(form, tmp_path):
    """Linear, batch norm with its running moments, PReLU, twice; linear; unit length. Saving keeps it."""
    state = published(tmp_path, form)
    values = log_normalise(OTHERS.counts).toarray().astype(float)
    for block in ("network.0", "network.1"):
        values = values @ state[f"{block}.1.weight"].T + state[f"{block}.1.bias"]
        centred = (values - state[f"{block}.2.running_mean"]) / np.sqrt(
            state[f"{block}.2.running_var"] + 1e-5
        )
        values = centred * state[f"{block}.2.weight"] + state[f"{block}.2.bias"]
        values = np.where(values > 0, values, state[f"{block}.3.weight"] * values)
    values = values @ state["network.2.weight"].T + state["network.2.bias"]
    expected = values / np.linalg.norm(values, axis=1, keepdims=True)

    model = taken_over(tmp_path)
    assert model.genes == tuple(OTHERS.genes)
    np.testing.assert_allclose(embedding(model), expected, atol=1e-5)

    (tmp_path / "saved").mkdir()
    model.save(tmp_path / "saved")
    again = SCimilarity(**CARD.parameters)
    again.load(tmp_path / "saved", model.genes)
    np.testing.assert_array_equal(embedding(again), embedding(model))


def test_published_weights_restore_nothing_and_say_so(tmp_path):
    """They are an encoder alone: not applicable, with the reason, and no failure."""
    published(tmp_path, "ckpt")
    model = taken_over(tmp_path)
    shown = log_normalise(OTHERS.rows(np.arange(2)))
    with pytest.raises(NotApplicable, match="an encoder alone"):
        model.reconstruct(shown, np.zeros(shown.shape, bool), PlainRun())


def no_genes(folder):
    (folder / "gene_order.tsv").unlink()


def no_weights(folder):
    (folder / "encoder.ckpt").unlink()


def other_genes(folder):
    (folder / "gene_order.tsv").write_text("A\nB\nC\n")


def no_weights_file(folder):
    (folder / "encoder.ckpt").write_text("not weights")


def code_in_a_pickle(folder):
    torch.save({"state_dict": {"network.0.1.weight": nn.Linear(2, 3)}}, folder / "encoder.ckpt")


def another_model(folder):
    torch.save({"state_dict": nn.Linear(3, 2).state_dict()}, folder / "encoder.ckpt")


def bare_tensors(folder):
    torch.save([torch.zeros(3)], folder / "encoder.ckpt")


def residual_blocks(folder):
    (folder / "hyperparameters.json").write_text('{"residual": true}')


def odd_settings(folder):
    (folder / "hyperparameters.json").write_text("[1, 2]")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (odd_settings, 'hyperparameters.json" is not a JSON object'),
        (no_genes, "has no gene_order.tsv; a folder of SCimilarity weights holds"),
        (no_weights, "has no encoder.safetensors or encoder.ckpt"),
        (other_genes, "names 3 genes and the weights in encoder.ckpt have 120 inputs"),
        (no_weights_file, "cannot be read as weights"),
        (code_in_a_pickle, "cannot be read as weights.*weights_only=True"),
        (another_model, "is not an encoder of SCimilarity.*found was weight, bias"),
        (bare_tensors, "cannot be read as weights"),
        (residual_blocks, "residual blocks are not supported"),
    ],
)
def test_a_missing_or_foreign_file_gets_a_sentence(spoil, said, tmp_path):
    """What was expected and what was found, with the path."""
    published(tmp_path)
    spoil(tmp_path)
    with pytest.raises(ValueError, match=said) as caught:
        taken_over(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_foreign_safetensors_file_gets_a_sentence(tmp_path):
    """Bytes that are no safetensors."""
    pytest.importorskip("safetensors")
    published(tmp_path)
    (tmp_path / "encoder.safetensors").write_bytes(b"no weights at all")
    with pytest.raises(ValueError, match=r"encoder\.safetensors.*cannot be read as weights"):
        taken_over(tmp_path)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_on_a_gpu_it_learns_as_well(precision):
    """Trained there it beats the control, and loaded here it embeds alike."""
    model = initialised()
    control = probe(embedding(model))
    budget = Budget(unit="steps", amount=100)
    model.fit(SAMPLE, PlainRun(device="cuda", precision=precision, budget=budget, validation=VALIDATION))
    there = model.embed(OTHERS, PlainRun(device="cuda"))
    assert probe(there) > control + 0.1
    np.testing.assert_allclose(embedding(model), there, atol=1e-2)


@pytest.mark.parametrize("seed", range(2))
def test_one_cell_more_than_a_batch_changes_little(seed):
    """A last batch of one cell, given to batch norm, would cost a fifth of the accuracy."""
    world = World(seed=seed)
    asked = world.evaluation(600).cells()
    types = asked.columns["cell_type"].astype(str)
    toy = {"hidden": (64, 64), "latent": 32, "batch_size": 200, "dropout": 0.1, "input_dropout": 0.1}
    scores = []
    for n in (200, 201):
        corpus = world.corpus(n).cells()
        model = SCimilarity(**{**CARD.parameters, **toy})
        model.initialise(corpus.genes, PlainRun(seed=seed))
        model.fit(corpus, PlainRun(seed=seed, budget=Budget(unit="steps", amount=80)))
        found = model.embed(asked, PlainRun())
        scores.append(KNeighborsClassifier(5).fit(found[::2], types[::2]).score(found[1::2], types[1::2]))
    assert abs(scores[1] - scores[0]) < 0.06, scores
