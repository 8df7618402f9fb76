"""The network, and how it is trained and asked."""

import numpy as np
import torch
from torch import nn

from harness import Model
from harness.measures import gene_moments, log_normalise, log_normalised, variable_genes
from harness.training import seeded, train


class Network(nn.Module):
    """Encoder and mirrored decoder of one hidden layer each; no batch norm, so batches do not matter."""

    def __init__(self, genes, hidden, latent):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(genes, hidden), nn.GELU(), nn.Linear(hidden, latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.GELU(), nn.Linear(hidden, genes))

    def forward(self, values):
        """Return restored values."""
        return self.decoder(self.encoder(values))


class MaskedAutoencoder(Model):
    """Sees the sample's most variable genes; untrained, the first ones of a random order."""

    def initialise(self, genes, run):
        """Build the network with random weights."""
        super().initialise(genes, run)
        width = min(self.parameters["n_genes"], len(genes))
        chosen = np.random.default_rng(run.seed).permutation(len(genes))[:width]
        self._build(np.sort(chosen), run.seed)

    def _build(self, chosen, seed=0):
        self.chosen = chosen
        with seeded(seed):
            self.network = Network(len(chosen), self.parameters["hidden"], self.parameters["latent"])

    def fit(self, cells, run):
        """Train on the sample, early stopping on the cells that the host set apart."""
        moments = gene_moments(log_normalised(cells))
        self.chosen = variable_genes(*moments, len(self.chosen))
        self.history = train(
            self.network,
            self._loss,
            cells,
            run,
            prepare=self._values,
            batch_size=self.parameters["batch_size"],
            learning_rate=self.parameters["learning_rate"],
        )

    def _values(self, counts):
        return log_normalise(counts)[:, self.chosen].toarray()

    def _loss(self, network, values, generator):
        """Return the mean squared error of the masked values."""
        mask = (
            torch.rand(values.shape, generator=generator, device=values.device) < self.parameters["mask_rate"]
        )
        error = (network(values.masked_fill(mask, 0.0)) - values) ** 2
        return (error * mask).sum() / mask.sum().clamp(min=1)

    @torch.inference_mode()
    def embed(self, cells, run):
        """Return the bottleneck of the unmasked values (cells x latent)."""
        encoder = self.network.encoder.to(run.device).eval()
        batches = (torch.from_numpy(self._values(batch)).to(run.device) for batch in cells.batches())
        return np.concatenate([encoder(batch).float().cpu().numpy() for batch in batches])

    def save(self, folder):
        """Write the network's weights and its genes."""
        state = {name: value.cpu() for name, value in self.network.state_dict().items()}
        torch.save({"network": state, "chosen": torch.from_numpy(self.chosen)}, folder / "weights.pt")

    def load(self, folder, genes):
        """Read what :meth:`save` wrote; nothing but tensors is accepted."""
        self.genes = genes
        stored = torch.load(folder / "weights.pt", weights_only=True, map_location="cpu")
        self._build(stored["chosen"].numpy())
        self.network.load_state_dict(stored["network"])
