"""How the network is trained, asked and stored."""

import numpy as np
from torch.nn import functional

from harness import NotApplicable
from harness.training import GeneNetwork, Inputs

from .network import Encoder, Network, Published, widths_of
from .published import read_published
from .triplets import semi_hard_triplet_loss


class SCimilarity(GeneNetwork):
    """Metric learning on cell types with reconstruction; the embedding lies on the unit sphere.

    Heimberg et al. 2025 (doi:10.1038/s41586-024-08411-y), in the setting of the founding study (DenAdel et
    al. 2026, doi:10.1038/s41592-026-03120-y). What differs from there: batches are drawn evenly from the
    sample, where rare types and studies were favoured; a positive may come from the anchor's own study,
    because a corpus need not name studies; a negative may be of a kindred type, because no ontology is at
    hand; gradients are clipped; and training stops early, best weights kept, where the study always ran
    50,000 steps.
    """

    def build(self, width):
        """Return the network for so many inputs."""
        widths = (width, *self.parameters["hidden"], self.parameters["latent"])
        return Network(widths, self.parameters["input_dropout"], self.parameters["dropout"])

    def settings(self):
        """Return what the training needs beside the parameters."""
        return super().settings() | {"labels": ["cell_type"], "schedule": "cosine", "whole_batches": True}

    def prepared(self, counts, *labels):
        """Return expression, and a number per cell: equal for equal types of this batch, -1 for unknown."""
        (types,) = labels
        names, numbers = np.unique(types.astype(str), return_inverse=True)
        return self.values(counts), np.where(names[numbers] == "", -1, numbers)

    def loss(self, network, batch):
        """Return the weighted sum of triplet loss and reconstruction error, and the L1 penalty, per cell.

        The penalty is on the layer that ends in the latents and is scaled by the learning rate: that is what
        the released code computes, though it speaks of the first layer. There the rate is the current one,
        here the initial one.
        """
        values, kinds = batch
        if len(values) == 1:
            network.eval()  # a single cell has no variance for batch norm to learn from
        embedding, restored = network(values)
        triplets = semi_hard_triplet_loss(embedding, kinds, self.parameters["margin"])
        reconstruction = functional.mse_loss(restored, values)
        share = self.parameters["triplet_weight"]
        size = sum(part.abs().sum() for part in network.encoder.last.parameters())
        penalty = self.parameters["l1"] * self.parameters["learning_rate"] * size
        found = share * triplets + (1 - share) * reconstruction + penalty
        return found * len(values), len(values)

    def restore(self, network, values, hidden):
        """Return the decoder's answer to what is shown; the network was not trained to miss values."""
        if isinstance(network, Published):
            raise NotApplicable("published weights are an encoder alone, which restores nothing")
        return network(values)[1]

    def load_published(self, folder, run):
        """Take over an encoder and its genes; the sizes are those of the weights."""
        self.genes, encoder = read_published(folder)
        self.inputs = Inputs.dealt(len(self.genes), None, run.seed)
        self.network = Published(encoder)

    def rebuild(self, state):
        """Return the network that was saved: a published one is an encoder alone, of sizes of its own."""
        if any(name.startswith("decoder") for name in state):
            return super().rebuild(state)
        encoder = {name.removeprefix("encoder."): value for name, value in state.items()}
        return Published(Encoder(widths_of(encoder)))
