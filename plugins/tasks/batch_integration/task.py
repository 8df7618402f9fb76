"""The scIB metrics of one embedding."""

import numpy as np

from harness import Scores, Task
from harness.measures import corpus_components, integration_scores

WIDTH = 16
COMPONENTS, GENES = 50, 1000
"""What the data are before integration: components of the log-normalised variable genes."""


class BatchIntegration(Task):
    """Scores of all cells, and the part of each batch in them, so that batches can be resampled.

    PCR comparison has no such parts. A metric that these cells do not define has a reason.
    """

    def evaluate(self, embedding, cells, split, run):
        """Score a frozen embedding."""
        found = integration_scores(
            embedding,
            cells.columns["cell_type"],
            cells.columns["batch"],
            before=corpus_components(cells, COMPONENTS, GENES),
        )
        return Scores(
            values=found.values,
            units=found.by_batch,
            unit_names=found.batches,
            weights=found.weights,
            undefined=found.undefined,
            notes={"unit_kind": "batch", **found.notes},
        )

    def baseline(self, name, cells, split, run):
        """Score vectors that know nothing of the cells: the floor of every term."""
        if name != "random_embedding":
            return super().baseline(name, cells, split, run)
        noise = np.random.default_rng(run.seed).normal(size=(cells.n_cells, WIDTH))
        return self.evaluate(noise.astype(np.float32), cells, split, run)
