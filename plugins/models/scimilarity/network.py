"""The network, with the layout of names that published weights have."""

from itertools import pairwise

from torch import nn
from torch.nn import functional


def stack(widths, input_dropout, dropout):
    """Return blocks of dropout, linear layer, batch norm and PReLU, and a bare linear layer at the end."""
    *hidden, last = pairwise(widths)
    blocks = [
        nn.Sequential(
            nn.Dropout(dropout if number else input_dropout),
            nn.Linear(before, after),
            nn.BatchNorm1d(after),
            nn.PReLU(),
        )
        for number, (before, after) in enumerate(hidden)
    ]
    return nn.Sequential(*blocks, nn.Linear(*last))


class Encoder(nn.Module):
    """Expression (cells x inputs) -> points on the unit sphere (cells x latent)."""

    def __init__(self, widths, input_dropout=0.0, dropout=0.0):
        super().__init__()
        self.network = stack(widths, input_dropout, dropout)

    def forward(self, values):
        """Return the embedding, of unit length."""
        return functional.normalize(self.network(values))

    @property
    def last(self):
        """The linear layer that ends in the latents."""
        return self.network[-1]


class Network(nn.Module):
    """Encoder and mirrored, untied decoder.

    With three hidden layers of 1,024 and 128 latents the encoder has 22,032,515 parameters at 19,331 genes,
    as published (DenAdel et al. 2026, doi:10.1038/s41592-026-03120-y), and the decoder 22,051,718.
    """

    def __init__(self, widths, input_dropout, dropout):
        super().__init__()
        self.encoder = Encoder(widths, input_dropout, dropout)
        self.decoder = stack(widths[::-1], 0.0, dropout)

    def forward(self, values):
        """Return the embedding (cells x latent) and the reconstruction (cells x inputs)."""
        embedding = self.encoder(values)
        return embedding, self.decoder(embedding)


class Published(nn.Module):
    """An encoder alone, as it is released."""

    def __init__(self, encoder):
        super().__init__()
        self.encoder = encoder


def widths_of(state):
    """Return the widths of an encoder, inputs first and latents last, from its weights by name."""
    weights = {name: value for name, value in state.items() if getattr(value, "ndim", 0) == 2}
    shapes = [weights[name].shape for name in sorted(weights, key=lambda name: int(name.split(".")[1]))]
    return (shapes[0][1], *(after for after, _ in shapes))
