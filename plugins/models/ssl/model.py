"""The network, and how it is trained and asked."""

from itertools import pairwise

import torch
from torch import nn

from harness import Model
from harness.measures import log_normalise, most_variable
from harness.training import Inputs, encode, seeded, train


def mlp(widths, dropout):
    """Return linear layers of these widths with activation and dropout between them; the last is bare."""
    layers = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.SELU(), nn.Dropout(dropout)]
    return nn.Sequential(*layers[:-2])


class Network(nn.Module):
    """Encoder and mirrored, untied decoder; no norm, so batches do not matter.

    With hidden widths 512, 512, 256, 256 and 64 latents it has 20,767,683 parameters at 19,331 genes, as
    published (DenAdel et al. 2026, doi:10.1038/s41592-026-03120-y).
    """

    def __init__(self, width, hidden, latent, dropout):
        super().__init__()
        widths = (width, *hidden, latent)
        self.encoder = mlp(widths, dropout)
        self.decoder = mlp(widths[::-1], dropout)

    def forward(self, values):
        """Return restored values (cells x inputs)."""
        return self.decoder(self.encoder(values))


class SSL(Model):
    """Restores hidden expression values; the bottleneck is the embedding.

    Activation (SELU), dropout and masking are those of the released code (Richter et al. 2025,
    doi:10.1038/s42256-024-00934-3). Two things differ: the last layer is linear, where the released code
    defaults to a sigmoid, which cannot reach log-normalised values above 1; and the learning rate is
    constant, where it fell by a tenth every second epoch, so that equal steps mean the same at every size.
    """

    def initialise(self, genes, run):
        """Build the network with random weights; with fewer inputs than genes, every gene feeds one."""
        super().initialise(genes, run)
        self._build(Inputs.dealt(len(genes), self.parameters["n_genes"], run.seed), run.seed)

    def _build(self, inputs, seed=0):
        self.inputs = inputs
        widths = {name: self.parameters[name] for name in ("hidden", "latent", "dropout")}
        with seeded(seed):
            self.network = Network(inputs.width, **widths)

    def fit(self, cells, run):
        """Train on the sample, early stopping on the cells that the host set apart."""
        if self.inputs.width < len(self.genes):
            self.inputs = Inputs.chosen(len(self.genes), most_variable(cells, self.inputs.width))
        return train(
            self.network,
            self._loss,
            cells,
            run,
            prepare=self._values,
            **{name: self.parameters[name] for name in ("batch_size", "learning_rate", "weight_decay")},
        )

    def _values(self, counts):
        """Return log-normalised expression (cells x inputs), sparse."""
        return self.inputs(log_normalise(counts))

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
        stored = {"network": state, "inputs": torch.from_numpy(self.inputs.of_gene)}
        torch.save(stored, folder / "weights.pt")

    def load(self, folder, genes):
        """Read what :meth:`save` wrote; nothing but tensors is accepted."""
        self.genes = genes
        stored = torch.load(folder / "weights.pt", weights_only=True, map_location="cpu")
        self._build(Inputs(stored["inputs"].numpy()))
        self.network.load_state_dict(stored["network"])
