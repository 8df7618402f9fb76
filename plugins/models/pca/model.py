"""Exact PCA, streamed: memory does not grow with the sample. Untrained, it is a Gaussian matrix."""

import numpy as np

from harness import Model
from harness.measures import Components, log_normalised, variable_components


class PCA(Model):
    """Loadings of all genes (genes x components), zero outside the most variable ones of the sample."""

    def initialise(self, genes, run):
        """Draw Gaussian loadings, columns about as long as fitted ones: the founding study's control."""
        super().initialise(genes, run)
        self.weights = self._nothing()
        loadings = np.random.default_rng(run.seed).normal(size=self.weights["loadings"].shape)
        self.weights["loadings"][:] = loadings / np.sqrt(len(genes))

    def _nothing(self):
        width = self.parameters["n_components"]
        shapes = {"mean": len(self.genes), "loadings": (len(self.genes), width), "explained_variance": width}
        return {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}

    def fit(self, cells, run):
        """Replace the loadings by the components of the sample."""
        genes, found = variable_components(cells, self.parameters["n_components"], self.parameters["n_genes"])
        self.weights = self._nothing()
        self.weights["mean"][genes] = found.mean
        self.weights["loadings"][genes] = found.loadings
        self.weights["explained_variance"][:] = found.explained_variance

    def reconstruct(self, values, hidden, run):
        """Return the mean and what the components of the shown values say (cells x genes).

        Hidden values count as the mean, which says nothing; NaN for genes that have no loadings.
        """
        mean, loadings = self.weights["mean"], self.weights["loadings"]
        shown = np.where(hidden, mean, values.toarray())
        found = mean + (shown - mean) @ loadings @ loadings.T
        found[:, ~loadings.any(axis=1)] = np.nan
        return found

    def embed(self, cells, run):
        """Return (cells x n_components)."""
        components = Components(**self.weights)
        return np.concatenate([components.transform(batch) for batch in log_normalised(cells)])
