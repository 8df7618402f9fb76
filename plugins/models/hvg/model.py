"""The reference that any model should beat: the most variable genes, each scaled to unit variance."""

import numpy as np
from sklearn.preprocessing import StandardScaler

from harness import Model
from harness.measures import log_normalised, most_variable


class HighlyVariableGenes(Model):
    """Log-normalised values of the data set's most variable genes, centred and scaled."""

    def embed(self, cells, run):
        """Return (cells x n_genes, or all genes where there are fewer), in the order of gene names."""
        genes = sorted(most_variable(cells, self.parameters["n_genes"]), key=cells.genes.__getitem__)
        values = np.concatenate([batch[:, genes].toarray() for batch in log_normalised(cells)])
        return StandardScaler(copy=False).fit_transform(values)
