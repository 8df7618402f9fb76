"""Log-normalised expression times a Gaussian matrix."""

import numpy as np

from harness import Model
from harness.measures import log_normalised


class RandomProjection(Model):
    """A Gaussian vector per gene, given out in the order of gene names, whatever the order of columns."""

    def initialise(self, genes, run):
        """Draw one vector per gene."""
        super().initialise(genes, run)
        width = self.parameters["width"]
        vectors = np.random.default_rng(run.seed).normal(size=(len(genes), width)) / np.sqrt(width)
        rank = np.argsort(np.argsort(np.array(genes, dtype=str), kind="stable"), kind="stable")
        self.weights = {"vectors": vectors[rank].astype(np.float32)}

    def embed(self, cells, run):
        """Return (cells x width)."""
        return np.concatenate([batch @ self.weights["vectors"] for batch in log_normalised(cells)])
