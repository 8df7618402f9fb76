"""Principal components of the data set's own most variable genes."""

import numpy as np

from harness import Model
from harness.measures import log_normalised, variable_components


class TargetPCA(Model):
    """PCA of the cells it is asked to embed."""

    def embed(self, cells, run):
        """Return (cells x n_components)."""
        genes, components = variable_components(
            cells, self.parameters["n_components"], self.parameters["n_genes"]
        )
        return np.concatenate([components.transform(batch[:, genes]) for batch in log_normalised(cells)])
