"""The network, and how it is trained and asked."""

import torch
from torch import nn

from harness import Model
from harness.measures import log_normalise, most_variable
from harness.training import Inputs, encode, seeded, train


class Network(nn.Module):
    """Encoder and mirrored decoder of one hidden layer each; no batch norm, so batches do not matter."""

    def __init__(self, width, hidden, latent):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, values):
        """Return restored values."""
        return self.decoder(self.encoder(values))


class MaskedAutoencoder(Model):
    """Restores hidden expression values; the bottleneck is the embedding.

    The network has ``n_genes`` inputs. Untrained, every gene feeds one of them, dealt out at random, so that
    the control sees as many genes as there are (feature hashing: Weinberger et al. 2009, arXiv:0902.2206).
    Fitted, each input is one of the sample's most variable genes.
    """

    def initialise(self, genes, run):
        """Build the network with random weights."""
        super().initialise(genes, run)
        self._build(Inputs.dealt(len(genes), self.parameters["n_genes"], run.seed), run.seed)

    def _build(self, inputs, seed=0):
        """Build the network for these inputs."""
        self.inputs = inputs
        with seeded(seed):
            self.network = Network(inputs.width, self.parameters["hidden"], self.parameters["latent"])

    def fit(self, cells, run):
        """Train on the sample, early stopping on the cells that the host set apart; return the history."""
        self.inputs = Inputs.chosen(len(self.genes), most_variable(cells, self.inputs.width))
        return train(
            self.network,
            self._loss,
            cells,
            run,
            prepare=self._values,
            batch_size=self.parameters["batch_size"],
            learning_rate=self.parameters["learning_rate"],
        )

    def _values(self, counts):
        """Return log-normalised expression (cells x inputs), genes of one input summed."""
        return self.inputs(log_normalise(counts)).toarray()

    def _loss(self, network, values):
        """Return the mean squared error of the hidden values.

        The shown ones are scaled up as in dropout, so that nothing hidden looks like everything shown.
        """
        rate = self.parameters["mask_rate"]
        hidden = torch.rand_like(values) < rate
        error = network(values.masked_fill(hidden, 0.0) / (1 - rate)) - values
        return (error.square() * hidden).sum() / hidden.sum().clamp(min=1)

    def embed(self, cells, run):
        """Return the bottleneck, nothing hidden (cells x latent)."""
        return encode(self.network.encoder, cells, run, prepare=self._values)

    def save(self, folder):
        """Write the weights and which gene feeds which input."""
        state = {name: value.cpu() for name, value in self.network.state_dict().items()}
        torch.save({"network": state, "inputs": torch.from_numpy(self.inputs.of_gene)}, folder / "weights.pt")

    def load(self, folder, genes):
        """Read what :meth:`save` wrote; nothing but tensors is accepted."""
        self.genes = genes
        stored = torch.load(folder / "weights.pt", weights_only=True, map_location="cpu")
        self._build(Inputs(stored["inputs"].numpy()))
        self.network.load_state_dict(stored["network"])
