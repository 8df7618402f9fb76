"""How the network is trained, asked and stored."""

import numpy as np
import torch
from torch.nn import functional

from harness import Model
from harness.measures import log_normalise, most_variable
from harness.training import Inputs, encode, seeded, train

from .network import Encoder, Network, widths_of
from .published import read_published
from .triplets import semi_hard_triplet_loss


class SCimilarity(Model):
    """Metric learning on cell types with reconstruction; the embedding lies on the unit sphere.

    Heimberg et al. 2025 (doi:10.1038/s41586-024-08411-y), in the setting of the founding study (DenAdel et
    al. 2026, doi:10.1038/s41592-026-03120-y). What differs from there: batches are drawn evenly from the
    sample, where rare types and studies were favoured; a positive may come from the anchor's own study,
    because a corpus need not name studies; a negative may be of a kindred type, because no ontology is at
    hand; and training stops early, best weights kept, where the study always ran 50,000 steps.
    """

    def initialise(self, genes, run):
        """Build the network with random weights; with fewer inputs than genes, every gene feeds one."""
        super().initialise(genes, run)
        self.inputs = Inputs.dealt(len(genes), self.parameters["n_genes"], run.seed)
        widths = (self.inputs.width, *self.parameters["hidden"], self.parameters["latent"])
        with seeded(run.seed):
            self.network = Network(widths, self.parameters["input_dropout"], self.parameters["dropout"])
        self.encoder = self.network.encoder

    def fit(self, cells, run):
        """Train on the sample and its cell types, early stopping on the cells that the host set apart."""
        if self.inputs.width < len(self.genes):
            self.inputs = Inputs.chosen(len(self.genes), most_variable(cells, self.inputs.width))
        return train(
            self.network,
            self._loss,
            cells,
            run,
            prepare=self._labelled,
            labels=["cell_type"],
            schedule="cosine",
            whole_batches=True,
            **{name: self.parameters[name] for name in ("batch_size", "learning_rate", "weight_decay")},
        )

    def _values(self, counts):
        """Return log-normalised expression (cells x inputs), sparse."""
        return self.inputs(log_normalise(counts))

    def _labelled(self, counts, types):
        """Return expression, and a number per cell: equal for equal types of this batch, -1 for unknown."""
        names, numbers = np.unique(types.astype(str), return_inverse=True)
        return self._values(counts), np.where(names[numbers] == "", -1, numbers)

    def _loss(self, network, batch):
        """Return the weighted sum of triplet loss and reconstruction error, and the L1 penalty.

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
        return share * triplets + (1 - share) * reconstruction + penalty

    def embed(self, cells, run):
        """Return points on the unit sphere (cells x latent)."""
        return encode(self.encoder, cells, run, prepare=self._values)

    def load_published(self, folder, run):
        """Take over an encoder and its genes; the sizes are those of the weights."""
        self.genes, self.encoder = read_published(folder)
        self.inputs = Inputs.dealt(len(self.genes), None, run.seed)

    def save(self, folder):
        """Write the encoder, which is all that an embedding needs, and which gene feeds which input."""
        state = {name: value.cpu() for name, value in self.encoder.state_dict().items()}
        stored = {"encoder": state, "inputs": torch.from_numpy(self.inputs.of_gene)}
        torch.save(stored, folder / "weights.pt")

    def load(self, folder, genes):
        """Read what :meth:`save` wrote; nothing but tensors is accepted."""
        self.genes = genes
        stored = torch.load(folder / "weights.pt", weights_only=True, map_location="cpu")
        self.inputs = Inputs(stored["inputs"].numpy())
        self.encoder = Encoder(widths_of(stored["encoder"]))
        self.encoder.load_state_dict(stored["encoder"])
