"""The reference that any model should beat: the most variable genes, each scaled to unit variance."""

import numpy as np

from harness import Model
from harness.measures import gene_moments, log_normalised, variable_genes


class HighlyVariableGenes(Model):
    """Log-normalised values of the data set's most variable genes, centred and scaled."""

    def embed(self, cells, run):
        """Return (cells x n_genes); a gene that never varies stays zero."""
        mean, variance = gene_moments(log_normalised(cells))
        genes = variable_genes(mean, variance, self.parameters["n_genes"])
        spread = np.sqrt(variance[genes])
        scale = np.divide(1.0, spread, out=np.zeros_like(spread), where=spread > 0)
        return np.concatenate(
            [(batch[:, genes].toarray() - mean[genes]) * scale for batch in log_normalised(cells)]
        )
