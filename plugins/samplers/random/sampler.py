"""Random cells: uniform, without replacement."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness import Corpus, Run, Sampler


class Random(Sampler):
    """The first ``size`` cells of one permutation per seed, so that a small draw is part of a larger one.

    Parameters
    ----------
    independent
        True to draw each size anew, so that the sizes of one seed share cells only by chance.
    """

    def __init__(self, independent: bool = False) -> None:
        super().__init__(independent=independent)
        self.independent = independent

    def draw(self, corpus: Corpus, size: int, run: Run) -> NDArray[np.int64]:
        """Return ``size`` distinct row indices (size,)."""
        seed = [run.seed, size] if self.independent else run.seed
        return np.random.default_rng(seed).permutation(corpus.n_cells)[:size]
