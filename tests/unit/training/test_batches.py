"""Which rows make a batch, and what happens where the device's memory does not suffice."""

from itertools import chain, islice

import numpy as np
import pytest
import torch
from torch import nn

from harness.contracts.cells import ArrayCells
from harness.contracts.run import PlainRun
from harness.records import Budget
from harness.training import encode, seeded, train
from harness.training.batches import Parts, endless_rows

COUNTS = np.random.default_rng(0).poisson(3.0, (60, 4))
CELLS = ArrayCells(counts=COUNTS, genes=list("abcd"))


def test_an_epoch_has_every_cell_once_in_an_order_of_its_own():
    """Batches divide the cells, differ between epochs and repeat with the seed."""

    def epochs(seed):
        batches = [rows.tolist() for rows in islice(endless_rows(23, 10, seed), 6)]
        return batches[:3], batches[3:]

    first, second = epochs(3)
    assert [len(batch) for batch in first] == [10, 10, 3]
    assert sorted(chain(*first)) == sorted(chain(*second)) == list(range(23))
    assert first != second
    assert epochs(3) == (first, second)
    assert epochs(4) != (first, second)


def too_much(most):
    """Return a loss for which a device of so many cells is large enough."""

    def loss(net, values):
        if len(values) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        # An uneven weight per cell: parts must be weighed by it, not by their cells.
        weight = 1 + values[:, 0]
        return ((net(values) - values).square().mean(dim=1) * weight).sum(), weight.sum()

    return loss


def trained(most, **options):
    with seeded(0):
        net = nn.Linear(4, 4)
    run = PlainRun(budget=Budget(unit="steps", amount=12), validation=CELLS)
    history = train(
        net, too_much(most), CELLS, run, prepare=lambda c: c, batch_size=16, learning_rate=0.1, **options
    )
    return torch.cat([p.detach().flatten() for p in net.parameters()]), history


def test_a_batch_in_parts_is_still_that_batch(monkeypatch):
    """Too large for the device, it is taken in quarters: the same weights and losses, and it is recorded."""
    monkeypatch.setattr("harness.training.loop._Training._held_out", lambda *_: iter(()))
    whole, expected = trained(16)
    quarters, found = trained(4)
    assert (expected.batch_parts, found.batch_parts) == (1, 4)
    assert (found.steps, found.cells_seen) == (expected.steps, expected.cells_seen)
    torch.testing.assert_close(quarters, whole, atol=1e-6, rtol=1e-5)
    np.testing.assert_allclose(found.train_loss, expected.train_loss, rtol=1e-5)


def test_what_cannot_be_divided_runs_out_of_memory(monkeypatch):
    """A loss over pairs of cells is never taken in parts, and a single cell has none."""
    monkeypatch.setattr("harness.training.loop._Training._held_out", lambda *_: iter(()))
    with pytest.raises(torch.OutOfMemoryError):
        trained(4, whole_batches=True)
    with pytest.raises(torch.OutOfMemoryError):
        trained(0)


def test_parts_stay_small_once_they_had_to_be():
    """What did not fit once is not tried again."""
    tried = []

    def do(parts):
        tried.append([len(part) for part in parts])
        if max(tried[-1]) > 3:
            raise torch.OutOfMemoryError
        return sum(part.sum() for part in parts)

    parts = Parts()
    assert parts.of(np.arange(10), do) == 45
    assert parts.of(np.arange(5), do) == 10
    assert tried == [[10], [5, 5], [3, 3, 2, 2], [2, 1, 1, 1]]


class Small(nn.Module):
    """A network on a device too small for more than 20 cells."""

    def forward(self, values):
        if len(values) > 20:
            raise torch.OutOfMemoryError
        return 2 * values


def test_encoding_takes_smaller_portions():
    """Sixty cells on a device for twenty: in order, nothing lost."""
    found = encode(Small(), CELLS, PlainRun(), prepare=lambda counts: counts)
    np.testing.assert_array_equal(found, 2 * COUNTS)
