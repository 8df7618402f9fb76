"""What networks with one input per gene share, on networks whose answers are known."""

import numpy as np
import pytest
import torch
from torch import nn

from harness import ArrayCells, Budget, PlainRun
from harness.measures import log_normalise, most_variable
from harness.training import GeneNetwork, Inputs, MaskedNetwork

COUNTS = np.random.default_rng(0).poisson(np.random.default_rng(1).gamma(1.0, 4.0, (40, 12)))
CELLS = ArrayCells(counts=COUNTS, genes=[f"g{i}" for i in range(12)])
VALUES = log_normalise(CELLS.rows(np.arange(40)))
HIDDEN = np.random.default_rng(2).random((40, 12)) < 0.3
SHOWN = VALUES.multiply(~HIDDEN).tocsr()


class Halves(nn.Module):
    """Answers with twice what it sees; the encoder is the first two inputs."""

    class First(nn.Module):
        def forward(self, values):
            return values[:, :2]

    def __init__(self, width):
        super().__init__()
        self.encoder = self.First()
        self.weight = nn.Parameter(torch.full((width,), 2.0))

    def forward(self, values):
        return self.weight * values


class Doubling(MaskedNetwork):
    """A masked network whose answers are known."""

    def build(self, width):
        return Halves(width)


def initialised(kind=Doubling, **change):
    model = kind(**{"n_genes": None, "mask_rate": 0.5, "batch_size": 10} | change)
    model.initialise(CELLS.genes, PlainRun())
    return model


def test_every_hidden_value_counts_once():
    """By hand: twice what is shown, scaled up by the share that is shown; zero where it is hidden."""
    model = initialised()
    values = torch.from_numpy(VALUES.toarray())
    with torch.random.fork_rng():
        torch.manual_seed(0)
        hidden = torch.rand_like(values) < 0.5
        torch.manual_seed(0)
        total, number = model.loss(model.network, values)
    assert number == hidden.sum()
    torch.testing.assert_close(total, values[hidden].square().sum())


def test_restored_values_are_in_the_genes_places():
    """All genes: twice what is shown, scaled up; nothing is NaN."""
    found = initialised().reconstruct(SHOWN, HIDDEN, PlainRun())
    share = 1 - HIDDEN.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(found, 2 * SHOWN.toarray() / share, rtol=1e-5)


def test_genes_without_an_input_are_not_restored():
    """Fitted on few genes, the others are NaN, and each of the few is in its place."""
    model = initialised(n_genes=5)
    model.fit(CELLS, PlainRun(budget=Budget(unit="steps", amount=1)))
    chosen = most_variable(CELLS, 5)
    nothing = np.zeros_like(HIDDEN)
    found = model.reconstruct(VALUES, nothing, PlainRun())
    weight = model.network.weight.detach().numpy()
    np.testing.assert_allclose(found[:, chosen], VALUES.toarray()[:, chosen] * weight, rtol=1e-5)
    assert np.isnan(np.delete(found, chosen, axis=1)).all()


def test_an_input_of_several_genes_is_shared_out():
    """Untrained on few inputs: their value is dealt back to the genes that feed them, nothing is lost."""
    model = initialised(n_genes=5)
    found = model.reconstruct(VALUES, np.zeros_like(HIDDEN), PlainRun())
    np.testing.assert_allclose(found.sum(axis=1), 2 * VALUES.toarray().sum(axis=1), rtol=1e-5)
    of_gene = Inputs.dealt(12, 5, 0).of_gene
    for one in range(5):
        same = found[:, of_gene == one]
        np.testing.assert_allclose(same, same[:, :1] @ np.ones((1, same.shape[1])), rtol=1e-6)


def test_what_restores_nothing_says_so():
    """A network without an answer for hidden values must not offer the door."""

    class Silent(GeneNetwork):
        def build(self, width):
            return Halves(width)

        def loss(self, network, batch):
            return network(batch).sum(), 1

    with pytest.raises(NotImplementedError, match="must not offer"):
        initialised(Silent).reconstruct(SHOWN, HIDDEN, PlainRun())
