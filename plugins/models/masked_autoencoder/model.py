"""The network, and how it is trained and asked."""

from torch import nn

from harness.training import MaskedNetwork


class Network(nn.Module):
    """Encoder and mirrored decoder of one hidden layer each; no batch norm, so batches do not matter."""

    def __init__(self, width, hidden, latent):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, latent))
        self.decoder = nn.Sequential(nn.Linear(latent, hidden), nn.GELU(), nn.Linear(hidden, width))

    def forward(self, values):
        """Return restored values."""
        return self.decoder(self.encoder(values))


class MaskedAutoencoder(MaskedNetwork):
    """Restores hidden expression values; the bottleneck is the embedding."""

    def build(self, width):
        """Return the network for so many inputs."""
        return Network(width, self.parameters["hidden"], self.parameters["latent"])
