"""The scIB metrics of one embedding."""

import numpy as np

from harness import Scores, Task
from harness.measures import integration_scores

WIDTH = 16


class BatchIntegration(Task):
    """Scores of all cells; for biology also the part of each batch, so that batches can be resampled."""

    def evaluate(self, embedding, cells, split, run):
        """Score a frozen embedding."""
        found = integration_scores(embedding, cells.columns["cell_type"], cells.columns["batch"])
        return Scores(
            values=found.values,
            units=found.by_batch,
            unit_names=found.batches,
            weights=found.weights,
            notes={"unit_kind": "batch", **found.notes},
        )

    def baseline(self, name, cells, split, run):
        """Score vectors that know nothing of the cells: the floor of every term."""
        if name != "random_embedding":
            return super().baseline(name, cells, split, run)
        noise = np.random.default_rng(run.seed).normal(size=(cells.n_cells, WIDTH))
        return self.evaluate(noise.astype(np.float32), cells, split, run)
