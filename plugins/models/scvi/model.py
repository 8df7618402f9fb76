"""scVI as the harness sees it; the network, its loss and its training are those of scvi-tools."""

from dataclasses import replace

import numpy as np
import torch
from scipy.sparse import vstack
from scvi.module import VAE  # the library: imports are absolute, this folder is harness_plugins.models.scvi
from torch import nn

from harness import Model
from harness.measures import most_variable
from harness.training import Inputs, classify, encode, fine_tune, seeded

from .published import read_published
from .training import sampled, train


def network(architecture):
    """Return scvi-tools' module for these arguments, in evaluation mode.

    A prior on library sizes, where the architecture has one, is left at zero: it comes with the weights.
    """
    prior = {}
    if not architecture.get("use_observed_lib_size", True):
        nothing = np.zeros((1, architecture["n_batch"]))
        prior = {"library_log_means": nothing, "library_log_vars": nothing}
    return VAE(**architecture, **prior).eval()


class Latent(nn.Module):
    """Raw counts (cells x inputs) -> mean of the approximate posterior q(z|x) (cells x n_latent)."""

    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, counts):
        """Return what ``SCVI.get_latent_representation(give_mean=True)`` returns."""
        no_batch = counts.new_zeros(len(counts), 1)
        return self.vae.inference(counts, no_batch)["qz"].loc


class ScVI(Model):
    """Variational autoencoder of raw counts; no batch key, so that new data sets need none.

    At 19,331 genes it has 12,454,434 parameters, as published (DenAdel et al. 2026,
    doi:10.1038/s41592-026-03120-y), with the library's defaults for all that the card does not name:
    dispersion per gene, batch norm in encoder and decoder, observed library size. Of these, 7,462,408 stand
    in parts that the library builds and this likelihood never uses (the library size encoder and the
    decoder's heads for dropout and dispersion per cell): they keep their random values.

    Unlike the library by itself it trains for the run's budget, warms the KL term up over a share of that
    budget, and looks at the host's validation cells: see :func:`train`.

    The sample stays in memory while training, as scvi-tools wants it: sparse (CSR, 8 bytes per count), it
    grows with the sample. Embedding reads batches from disk.
    """

    def initialise(self, genes, run):
        """Build the network with random weights; with fewer inputs than genes, every gene feeds one."""
        super().initialise(genes, run)
        self.inputs = Inputs.dealt(len(genes), self.parameters["n_genes"], run.seed)
        names = ("n_latent", "n_hidden", "n_layers", "gene_likelihood")
        settings = {name: self.parameters[name] for name in names}
        # One batch and one label are what scvi-tools counts where it is given no key for them.
        self._build({"n_input": self.inputs.width, "n_batch": 1, "n_labels": 1, **settings}, run.seed)

    def _build(self, architecture, seed=0):
        self.architecture = architecture
        with seeded(seed):
            self.vae = network(architecture)

    def fit(self, cells, run):
        """Train on the sample, early stopping on the cells that the host set apart."""
        if self.inputs.width < len(self.genes):
            self.inputs = Inputs.chosen(len(self.genes), most_variable(cells, self.inputs.width))
        return train(
            self.vae,
            self.architecture,
            vstack([self.inputs(counts) for counts in cells.batches()], format="csr"),
            self.inputs(sampled(run.validation, run.seed)) if run.validation else None,
            run,
            batch_size=self.parameters["batch_size"],
            learning_rate=self.parameters["learning_rate"],
        )

    def embed(self, cells, run):
        """Return the posterior means (cells x n_latent)."""
        with seeded(run.seed, run.device):  # the library draws a sample along with the mean
            return encode(Latent(self.vae), cells, run, prepare=self.inputs, precision="float32")

    def fine_tune(self, cells, run):
        """Train the encoder, from which the posterior means come, with a linear head on labelled cells."""
        options = {name: self.parameters[name] for name in ("batch_size", "learning_rate")}
        self.classifier, history = fine_tune(
            Latent(self.vae),
            cells,
            replace(run, precision="float32"),
            prepare=self.inputs,
            whole_batches=True,
            **options,
        )
        return history

    def classify(self, cells, run):
        """Return the chances of the classes, sorted by name (cells x classes)."""
        with seeded(run.seed, run.device):
            return classify(self.classifier, cells, run, prepare=self.inputs)

    def save(self, folder):
        """Write the weights under the names of scvi-tools, what they fit, and which gene feeds which input.

        The library's own file is not written: it holds arrays and tables as pickles, which
        ``weights_only=True`` refuses.
        """
        content = {
            "architecture": self.architecture,
            "inputs": torch.from_numpy(self.inputs.of_gene),
            "weights": {name: value.cpu() for name, value in self.vae.state_dict().items()},
        }
        torch.save(content, folder / "weights.pt")

    def load(self, folder, genes):
        """Read what :meth:`save` wrote; nothing but tensors and plain values is accepted."""
        self.genes = genes
        stored = torch.load(folder / "weights.pt", weights_only=True, map_location="cpu")
        self.inputs = Inputs(stored["inputs"].numpy())
        self._build(stored["architecture"])
        self.vae.load_state_dict(stored["weights"])

    def load_published(self, folder, run):
        """Take over weights, architecture and genes from a folder that scvi-tools' ``SCVI.save`` wrote."""
        self.genes, architecture, weights = read_published(folder)
        self.inputs = Inputs.dealt(len(self.genes), None, run.seed)
        try:
            self._build(architecture)
            self.vae.load_state_dict(weights)
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(
                f'the scVI model in "{folder}" does not fit the network that this version of scvi-tools '
                f"builds from its own settings: {error}"
            ) from error
