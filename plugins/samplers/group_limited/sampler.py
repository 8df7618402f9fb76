"""Cells of a few groups alone, equally many of each as far as they last."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness import Corpus, NotApplicable, Run, Sampler


class GroupLimited(Sampler):
    """Cells of ``groups`` groups chosen at random, one of each group in turn; a used-up group is passed over.

    At one size, more groups mean more diversity and nothing else. For one seed a larger draw only goes on
    where a smaller one stopped.

    Parameters
    ----------
    by
        The role that names the groups: donor, study, tissue, ...
    groups
        How many groups.
    """

    def __init__(self, by: str = "donor", groups: int = 4) -> None:
        super().__init__(by=by, groups=groups)
        self.by = by
        self.groups = groups

    def draw(self, corpus: Corpus, size: int, run: Run) -> NDArray[np.int64]:
        """Return ``size`` distinct row indices (size,).

        Raises
        ------
        NotApplicable
            There are fewer groups, or the groups chosen have fewer cells.
        """
        rng = np.random.default_rng(run.seed)
        labels = np.asarray(corpus.columns[self.by]).astype(str)
        names = np.unique(labels)
        if len(names) < self.groups:
            raise NotApplicable(
                f"the cells for a fit to see have {len(names)} levels of {self.by}, fewer than {self.groups}"
            )
        chosen = rng.choice(names, self.groups, replace=False)
        cells = rng.permutation(np.flatnonzero(np.isin(labels, chosen)))
        if len(cells) < size:
            raise NotApplicable(
                f"the {self.groups} levels of {self.by} that were chosen ({', '.join(sorted(chosen))}) have "
                f"{len(cells):,} cells, fewer than {size:,}"
            )
        turn = pd.Series(labels[cells]).groupby(labels[cells]).cumcount().to_numpy()
        return cells[np.argsort(turn, kind="stable")][:size].astype(np.int64)
