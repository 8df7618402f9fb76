"""Exact PCA, streamed: memory does not grow with the sample. Untrained, it is a Gaussian matrix."""

import numpy as np

from harness import Model
from harness.measures import log_normalised, variable_components


class PCA(Model):
    """Loadings of all genes (genes x components), zero outside the most variable ones of the sample."""

    def initialise(self, genes, run):
        """Draw Gaussian loadings: the untrained control of the founding study."""
        super().initialise(genes, run)
        shape = (len(genes), self.parameters["n_components"])
        loadings = np.random.default_rng(run.seed).normal(size=shape) / np.sqrt(len(genes))
        self.weights = {"mean": np.zeros(len(genes)), "loadings": loadings}

    def fit(self, cells, run):
        """Find the components of the sample."""
        genes, found = variable_components(cells, self.parameters["n_components"], self.parameters["n_genes"])
        self.weights = {name: np.zeros_like(old) for name, old in self.weights.items()}
        self.weights["mean"][genes] = found.mean
        self.weights["loadings"][genes] = found.loadings

    def embed(self, cells, run):
        """Return (cells x components)."""
        loadings = self.weights["loadings"]
        offset = self.weights["mean"] @ loadings
        return np.concatenate([batch @ loadings - offset for batch in log_normalised(cells)])
