"""Random cells, a share of them replaced by cells of another source."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from harness import Corpus, NotApplicable, Run, Sampler


class SpikeIn(Sampler):
    """A random sample in which a share of the cells is replaced from one source of a joined corpus.

    The size stays what it was, as published: 10 or 50 % of the cells of a random sample gave way to those of
    a perturbation screen. For one seed the cells of each source are prefixes of one permutation, so that a
    small draw is part of a larger one.

    Parameters
    ----------
    share
        Share of the sample, from 0 to 1, rounded to whole cells.
    from_source
        The source that cells are taken from; the one with the fewest cells where not given.
    """

    def __init__(self, share: float = 0.1, from_source: str = "") -> None:
        super().__init__(share=share, from_source=from_source)
        if not 0 <= share <= 1:
            raise ValueError(f"share is {share}; a number from 0 to 1 is accepted")
        self.share = share
        self.from_source = from_source

    def draw(self, corpus: Corpus, size: int, run: Run) -> NDArray[np.int64]:
        """Return ``size`` distinct row indices (size,).

        Raises
        ------
        NotApplicable
            A source has too few cells, or there is none of that name.
        """
        sources = np.asarray(corpus.columns["source"]).astype(str)
        spike = self._source(sources)
        rng = np.random.default_rng(run.seed)
        order = rng.permutation(corpus.n_cells)
        of_spike = sources[order] == spike
        wanted = round(self.share * size)
        drawn = [
            self._first(order[of_spike], wanted, f'the source "{spike}"'),
            self._first(order[~of_spike], size - wanted, "the other sources"),
        ]
        return np.concatenate(drawn).astype(np.int64)

    def _source(self, sources: NDArray[np.str_]) -> str:
        names, counts = np.unique(sources, return_counts=True)
        if len(names) < 2:
            raise NotApplicable(f"all cells for a fit to see are of one source, {names[0]}; two are needed")
        if self.from_source and self.from_source not in names:
            raise NotApplicable(
                f'the corpus has no source "{self.from_source}" for a fit to see; it has {", ".join(names)}'
            )
        return self.from_source or str(names[np.argmin(counts)])

    @staticmethod
    def _first(cells: NDArray[np.int64], wanted: int, where: str) -> NDArray[np.int64]:
        if len(cells) < wanted:
            raise NotApplicable(
                f"there are {len(cells):,} cells in {where}, fewer than the {wanted:,} to be drawn"
            )
        return cells[:wanted]
