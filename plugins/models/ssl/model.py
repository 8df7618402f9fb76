"""The network, and how it is trained and asked."""

from itertools import pairwise

from torch import nn

from harness.training import MaskedNetwork


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


class SSL(MaskedNetwork):
    """Restores hidden expression values; the bottleneck is the embedding.

    Activation (SELU), dropout and masking are those of the released code (Richter et al. 2025,
    doi:10.1038/s42256-024-00934-3). Two things differ: the last layer is linear, where the released code
    defaults to a sigmoid, which cannot reach log-normalised values above 1; and the learning rate is
    constant, where it fell by a tenth every second epoch, so that equal steps mean the same at every size.
    """

    def build(self, width):
        """Return the network for so many inputs."""
        return Network(width, **{name: self.parameters[name] for name in ("hidden", "latent", "dropout")})
