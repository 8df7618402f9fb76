"""The training loop, on networks small enough to know the answer."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import nn

from harness.contracts.cells import ArrayCells
from harness.contracts.run import PlainRun
from harness.errors import Misuse, NotFinite
from harness.records import Budget
from harness.training import encode, seeded, train
from harness.training.stopping import CHECKS, PATIENCE

RNG = np.random.default_rng(0)


def cells(n_cells=50, n_genes=4, seed=0):
    counts = np.random.default_rng(seed).poisson(3.0, (n_cells, n_genes))
    return ArrayCells(counts=counts, genes=[f"g{i}" for i in range(n_genes)])


def dense(counts):
    return counts.toarray()


def network(seed=0, n_genes=4):
    with seeded(seed):
        return nn.Sequential(nn.Linear(n_genes, 3), nn.Tanh(), nn.Linear(3, n_genes))


def restoring(net, values):
    return (net(values) - values).square().sum(), values.numel()


def masked(net, values):
    hidden = torch.rand_like(values) < 0.5
    return ((net(values.masked_fill(hidden, 0)) - values).square() * hidden).sum(), values.numel()


def times(factor):
    """Return the loss times a factor."""

    def loss(net, values):
        total, weight = restoring(net, values)
        return factor * total, weight

    return loss


def steps(amount, **others):
    return PlainRun(budget=Budget(unit="steps", amount=amount), **others)


def weights(net):
    return torch.cat([value.flatten() for value in net.state_dict().values()])


# -- budgets and batches -------------------------------------------------------------------------------


def test_a_budget_of_steps_is_spent_exactly():
    """Seven steps of 20 out of 50 cells: batches 20, 20, 10, 20, 20, 10, 20."""
    history = train(network(), restoring, cells(), steps(7), prepare=dense, batch_size=20)
    assert (history.steps, history.cells_seen, history.epochs) == (7, 120, 2.4)
    assert history.best_step == 7


def test_a_budget_of_epochs_is_passes_over_the_sample():
    """Three epochs of 50 cells in batches of 20 are nine steps."""
    run = PlainRun(budget=Budget(unit="epochs", amount=3))
    history = train(network(), restoring, cells(), run, prepare=dense, batch_size=20)
    assert (history.steps, history.cells_seen, history.epochs) == (9, 150, 3)


def test_whole_batches_leave_out_what_fills_none():
    """Of 50 cells in batches of 20, two batches an epoch; a sample smaller than a batch is one."""
    seen = []

    def prepare(counts):
        seen.append(dense(counts))
        return seen[-1]

    run = PlainRun(budget=Budget(unit="epochs", amount=3))
    history = train(network(), restoring, cells(), run, prepare=prepare, batch_size=20, whole_batches=True)
    assert (history.steps, history.cells_seen, history.epochs) == (6, 120, 2.4)
    assert {len(batch) for batch in seen} == {20}
    small = train(network(), restoring, cells(), run, prepare=dense, batch_size=64, whole_batches=True)
    assert (small.steps, small.cells_seen) == (3, 150)


def test_a_sample_smaller_than_a_batch():
    """One cell is enough: every step sees it."""
    history = train(network(), restoring, cells(1), steps(4), prepare=dense)
    assert (history.steps, history.cells_seen, history.epochs) == (4, 4, 4)


def test_no_budget_is_a_misuse():
    """How long to train is never guessed."""
    with pytest.raises(Misuse, match="budget"):
        train(network(), restoring, cells(), PlainRun(), prepare=dense)


@dataclass(frozen=True, kw_only=True)
class Counting(ArrayCells):
    """Cells that remember how many rows were asked for at once."""

    asked: list = field(default_factory=list)

    def rows(self, indices):
        self.asked.append(len(indices))
        return super().rows(indices)


def test_no_more_than_a_batch_is_ever_read_at_once():
    """Memory does not grow with the sample, and rows are read only for steps that are taken."""
    given = cells(500)
    watched = Counting(counts=given.counts, genes=given.genes)
    train(network(), restoring, watched, steps(6), prepare=dense, batch_size=64)
    assert watched.asked == [64] * 6


def test_labels_travel_with_their_cells():
    """Whatever the order, each cell of a batch, trained on or held out, comes with its own label."""
    numbers = np.arange(1, 24)
    named = ArrayCells(
        counts=numbers.reshape(-1, 1), genes=["g"], columns={"donor": np.array([f"d{n}" for n in numbers])}
    )
    met = []

    def prepare(counts, donors):
        met.extend(zip(counts.toarray().ravel(), donors, strict=True))
        return counts.toarray()

    run = steps(3, validation=named)
    train(network(n_genes=1), restoring, named, run, prepare=prepare, labels=["donor"], batch_size=10)
    assert len(met) == 46
    assert all(donor == f"d{number:.0f}" for number, donor in met)


def test_a_batch_may_have_parts():
    """Tuples and mappings of arrays reach the loss as such; whole numbers and truth values stay so."""
    met = []

    def prepare(counts):
        values = counts.toarray()
        return {"values": values.astype(np.float64), "parts": (values.astype(np.int64), values > 0)}

    def loss(net, batch):
        met.append((batch["values"].dtype, *(part.dtype for part in batch["parts"])))
        return restoring(net, batch["values"])

    history = train(network(), loss, cells(), steps(2), prepare=prepare, batch_size=20)
    assert met == [(torch.float32, torch.int64, torch.bool)] * 2
    assert history.cells_seen == 40


def test_sparse_is_as_good_as_dense():
    """A sparse matrix becomes dense on the device: the same training and the same encoding."""
    nets = [network(), network()]
    sparse, same = (
        train(net, restoring, cells(), steps(5), prepare=prepare)
        for net, prepare in zip(nets, (lambda counts: counts, dense), strict=True)
    )
    assert sparse == same
    found = encode(nets[0], cells(), PlainRun(), prepare=lambda counts: counts)
    np.testing.assert_array_equal(found, encode(nets[1], cells(), PlainRun(), prepare=dense))


# -- learning ------------------------------------------------------------------------------------------


def rates_of(amount, **schedule):
    """Return the learning rate of every step, as the optimiser sees it."""
    seen = []

    class Recording(torch.optim.AdamW):
        def step(self, closure=None):
            seen.append(self.param_groups[0]["lr"])
            return super().step(closure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "AdamW", Recording)
        train(network(), restoring, cells(), steps(amount), prepare=dense, learning_rate=0.01, **schedule)
    return seen


def test_the_cosine_schedule_is_that_of_torch():
    """Step by step, over the whole budget; without a schedule the rate is constant."""
    peer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.01)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(peer, T_max=7)
    expected = []
    for _ in range(7):
        expected.append(peer.param_groups[0]["lr"])
        peer.step()
        falling.step()
    assert rates_of(7, schedule="cosine") == pytest.approx(expected)
    assert rates_of(7) == [0.01] * 7


def test_the_learning_rate_warms_up_and_falls():
    """By hand: four steps up, five steps down; a warm-up longer than the budget is cut."""
    expected = [0, 0.0025, 0.005, 0.0075, 0.01, 0.008, 0.006, 0.004, 0.002]
    assert rates_of(9, schedule="linear", warm_up=4) == pytest.approx(expected)
    assert rates_of(2, schedule="cosine", warm_up=10) == pytest.approx([0, 0.001])
    assert rates_of(10, warm_up=0.4) == rates_of(10, warm_up=4)
    assert rates_of(2, warm_up=0.1) == rates_of(2)


def test_an_unknown_schedule_is_a_misuse():
    """The sentence says what there is."""
    with pytest.raises(Misuse, match=r'"step".*constant, linear, cosine'):
        rates_of(2, schedule="step")


def test_a_linear_relation_is_learnt():
    """What can be restored exactly is restored: both losses fall by far."""
    given = ArrayCells(counts=RNG.poisson(5, (200, 1)) * np.ones((1, 4)), genes=list("abcd"))
    held = ArrayCells(counts=given.counts[:50], genes=given.genes)
    with seeded(0):
        net = nn.Sequential(nn.Linear(4, 1), nn.Linear(1, 4))
    run = steps(400, validation=held)
    history = train(net, restoring, given, run, prepare=dense, learning_rate=0.05)
    assert history.train_loss[-1] < 0.01 * history.train_loss[0]
    assert min(history.validation_loss) < 0.01


def test_gradients_are_clipped():
    """A loss a million times steeper takes no larger step in total: the first gradient has norm 1."""
    seen = []
    net = network()
    for parameter in net.parameters():
        parameter.register_post_accumulate_grad_hook(lambda p: seen.append(float(p.grad.norm())))
    norms = []

    class Recording(torch.optim.AdamW):
        def step(self, closure=None):
            norms.append(
                math.sqrt(sum(float(p.grad.norm()) ** 2 for g in self.param_groups for p in g["params"]))
            )
            return super().step(closure)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.optim, "AdamW", Recording)
        train(net, times(1e6), cells(), steps(1), prepare=dense)
    assert max(seen) > 1e4
    assert norms == [pytest.approx(1.0, rel=1e-3)]


class Scripted(nn.Module):
    """A network whose validation loss follows a script, and whose weight counts the steps taken."""

    def __init__(self, script):
        super().__init__()
        self.steps = nn.Parameter(torch.zeros(1))
        self.script = iter(script)


def scripted_loss(net, values):
    return (-net.steps.sum() if net.training else torch.tensor(next(net.script)) + 0 * values.sum()), 1


def scripted(script, amount=100):
    net = Scripted(script)
    run = steps(amount, validation=cells(5))
    history = train(net, scripted_loss, cells(), run, prepare=dense, learning_rate=1.0, weight_decay=0.0)
    return net, history


def test_the_best_weights_are_kept():
    """The loss is best at the second of ten looks: its weights are restored, after patience has run out."""
    net, history = scripted([3.0, 1.0, 2.0, 2.0, 1.5, 0.1])
    assert history.validation_loss == (3.0, 1.0, 2.0, 2.0, 1.5)
    assert len(history.validation_loss) == 2 + PATIENCE
    assert (history.best_step, history.steps) == (20, 50)
    assert net.steps.item() == pytest.approx(20, rel=0.01)


def test_without_a_worse_look_training_goes_on_to_the_end():
    """A falling validation loss uses the whole budget, and the last weights are the best."""
    net, history = scripted([1 / look for look in range(1, CHECKS + 1)])
    assert (history.best_step, history.steps) == (100, 100)
    assert net.steps.item() == pytest.approx(100, rel=0.01)


def test_validation_meets_the_same_random_numbers_at_every_look():
    """With a network that does not learn, a loss with random masks is the same number at every look."""
    run = steps(30, validation=cells(40, seed=1))
    history = train(network(), masked, cells(), run, prepare=dense, learning_rate=0.0)
    assert len(set(history.validation_loss)) == 1


def test_looking_at_validation_cells_does_not_change_the_training():
    """The weights after training with and without looks are the same, where the last are the best."""
    nets = [network(), network()]
    for net, held in zip(nets, (None, cells(40)), strict=True):
        run = steps(10, validation=held, seed=3)
        history = train(net, masked, cells(40), run, prepare=dense)
    assert history.best_step == 10
    assert torch.equal(weights(nets[0]), weights(nets[1]))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_named(value):
    """Training does not go on with NaN or infinity."""
    with pytest.raises(NotFinite, match="at step"):
        train(network(), times(value), cells(), steps(20), prepare=dense)


# -- seeds ---------------------------------------------------------------------------------------------


def trained(seed):
    net = nn.Sequential(network(), nn.Dropout(0.5))
    history = train(net, masked, cells(), steps(20, seed=seed), prepare=dense)
    return weights(net), history


def test_one_seed_one_result():
    """Masks, dropout and order are seeded: the same seed gives the same bits, another seed others."""
    (first, history), (again, same), (other, _) = trained(1), trained(1), trained(2)
    assert torch.equal(first, again)
    assert history == same
    assert not torch.equal(first, other)


def test_the_random_state_of_the_process_is_left_alone():
    """What others draw from torch does not depend on whether a model was trained before."""
    torch_before = torch.get_rng_state()
    numpy_before = np.random.get_state()[1:3]
    trained(5)
    assert torch.equal(torch.get_rng_state(), torch_before)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_before[0])


# -- progress and embedding ----------------------------------------------------------------------------


def test_progress_is_told():
    """Each look says how far the work is, up to the end."""
    told = []
    run = steps(25, on_progress=lambda done, total, note: told.append((done, total)))
    train(network(), restoring, cells(), run, prepare=dense)
    assert told[0] == (3, 25)
    assert told[-1] == (25, 25)
    assert len(told) <= CHECKS


def test_encoding_is_in_order_and_in_evaluation_mode():
    """Dropout is off, rows keep their order across batches, the result is float32."""
    net = nn.Sequential(network(), nn.Dropout(0.9)).train()
    given = cells(2500)
    found = encode(net, given, PlainRun(), prepare=dense)
    with torch.no_grad():
        expected = net(torch.tensor(given.counts, dtype=torch.float32)).numpy()
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


# -- on a GPU ------------------------------------------------------------------------------------------


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-3), ("bfloat16", 5e-2)])
def test_a_gpu_learns_what_the_cpu_learns(precision, tolerance):
    """Without random numbers in the loss, both devices come to the same losses."""
    histories = []
    for device in ("cpu", "cuda"):
        run = steps(40, device=device, precision=precision, validation=cells(40, seed=1))
        histories.append(train(network(), restoring, cells(200), run, prepare=dense, learning_rate=0.01))
    np.testing.assert_allclose(histories[1].train_loss, histories[0].train_loss, rtol=tolerance)
    np.testing.assert_allclose(histories[1].validation_loss, histories[0].validation_loss, rtol=tolerance)
