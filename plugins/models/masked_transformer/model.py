"""The network of arXiv:2602.15253 in its seven sizes, and how it is trained and asked."""

from dataclasses import dataclass

import torch
from torch import nn

from harness.training import MaskedNetwork

WEIGHTS_AT_ONCE = 2**25
"""Attention weights per layer when embedding, so that memory stays bounded whatever the number of genes."""


@dataclass(frozen=True)
class Size:
    """Width, layers, attention heads, and width of the feed-forward part in units of the width."""

    width: int
    layers: int
    heads: int
    multiplier: int

    def parameters(self, n_genes):
        """Return how many parameters the network has, by the formula that gives the published counts."""
        d, m = self.width, self.multiplier
        return n_genes * d + 3 * d + self.layers * ((4 + 2 * m) * d**2 + (9 + m) * d) + d + 1


SIZES = {
    "XXS": Size(1, 1, 1, 1),
    "TINY": Size(16, 1, 1, 1),
    "XS": Size(64, 2, 4, 4),
    "S": Size(128, 4, 8, 4),
    "M": Size(512, 6, 8, 4),
    "L": Size(1020, 8, 12, 4),
    "XL": Size(1536, 12, 16, 4),
}


class Network(nn.Module):
    """A transformer over the genes of a cell, which have identities but no order.

    A gene's token is the sum of its embedding and its projected value; a hidden value is replaced by one
    learned vector. Layers normalise before they attend (Xiong et al. 2020, arXiv:2002.04745), nothing
    normalises at the end, and a linear head restores each gene's value from its state.
    """

    def __init__(self, n_genes, size, dropout):
        super().__init__()
        self.gene = nn.Embedding(n_genes, size.width)
        self.value = nn.Linear(1, size.width)
        self.mask = nn.Parameter(torch.zeros(size.width))
        layer = nn.TransformerEncoderLayer(
            size.width,
            size.heads,
            size.multiplier * size.width,
            dropout,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        self.encoder = nn.TransformerEncoder(layer, size.layers, enable_nested_tensor=False)
        self.head = nn.Linear(size.width, 1)
        self.apply(_initialise)
        nn.init.normal_(self.mask, std=0.02)

    def states(self, values, hidden=None):
        """Return the state of each gene (cells x genes x width) given its value, unless that is hidden."""
        projected = self.value(values[..., None])
        if hidden is not None:
            projected = torch.where(hidden[..., None], self.mask, projected)
        return self.encoder(self.gene.weight + projected)

    def forward(self, values, hidden=None):
        """Return restored values (cells x genes)."""
        return self.head(self.states(values, hidden)).squeeze(-1)


def _initialise(module):
    """Draw weights as published: Xavier for what is linear, N(0, 0.02) for embeddings, biases zero.

    Attention is drawn here too, because copies of one layer would start with the same numbers.
    """
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.MultiheadAttention):
        nn.init.xavier_uniform_(module.in_proj_weight)
    elif isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.02)


class MeanState(nn.Module):
    """The cell embedding: the mean of the genes' states, nothing hidden."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, values):
        """Return (cells x width), a few cells at a time."""
        heads, genes = self.network.encoder.layers[0].self_attn.num_heads, values.shape[1]
        parts = values.split(max(1, WEIGHTS_AT_ONCE // (heads * genes**2)))
        return torch.cat([self.network.states(part).mean(dim=1) for part in parts])


class MaskedTransformer(MaskedNetwork):
    """Restores hidden expression values of a panel of genes (Kendiukhov 2026, arXiv:2602.15253).

    Fitted, the ``n_genes`` tokens are the sample's most variable genes. The untrained control has no sample
    to choose by: there every gene feeds one of as many tokens.

    Three things differ from the study. A cell's counts are normalised over all its genes, there over those of
    the panel; the panel's genes are chosen by the variance of log-normalised expression, there by that of
    counts (seurat_v3); and it trained at a learning rate of 3.125e-5 for 60,000 steps of 4 cells, where the
    default here is for the small sizes and budgets of hundreds of steps. A suite that trains M and larger
    lowers it.
    """

    def build(self, width):
        """Return the network of the size asked for."""
        size = SIZES.get(self.parameters["size"])
        if size is None:
            raise ValueError(
                f'masked_transformer has no size "{self.parameters["size"]}"; there are {", ".join(SIZES)}'
            )
        return Network(width, size, self.parameters["dropout"])

    def encoder(self):
        """Return what gives the mean state of the genes."""
        return MeanState(self.network)

    def restore(self, network, values, hidden):
        """Return the network's answer, which knows what is hidden."""
        return network(values, hidden)
