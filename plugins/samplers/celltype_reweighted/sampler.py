"""Cells re-weighted by cell type: water filling, one cell of every type at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness import Corpus, Run, Sampler


class CellTypeReweighted(Sampler):
    """As many cells of every type as of every other, except that a rare type is taken whole.

    The types give one cell each in turn, in a random order, until ``size`` cells are drawn; a type whose
    cells are used up is passed over. A type thus gives its cells up to a common water level, which is the
    rule of DenAdel et al. 2026 (doi:10.1038/s41592-026-03120-y) with two repairs: a type with exactly as
    many cells as the level is kept, and the remainder of the division goes to types chosen by the seed, so
    that the size is exact. A larger draw only goes on where a smaller one stopped: draws are nested.
    """

    def draw(self, corpus: Corpus, size: int, run: Run) -> NDArray[np.int64]:
        """Return ``size`` distinct row indices (size,).

        Raises
        ------
        ValueError
            Where cells have no cell type.
        """
        types = numbered(corpus.columns["cell_type"])
        return in_turn(types, np.random.default_rng(run.seed))[:size]


def numbered(labels: Iterable[Any]) -> NDArray[np.int64]:
    """Return one number per cell, equal for equal labels."""
    labels = list(labels)
    unlabelled = sum(label is None or label != label or label == "" for label in labels)
    if unlabelled:
        raise ValueError(
            f'{unlabelled:,} of {len(labels):,} cells have no label in the corpus column "cell_type", so '
            "they cannot be weighted by it. Label them, leave them out of the corpus, or use another sampler."
        )
    numbers = {label: number for number, label in enumerate(dict.fromkeys(labels))}
    return np.fromiter((numbers[label] for label in labels), dtype=np.int64, count=len(labels))


def in_turn(groups: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return all cells in the order in which the groups give them, one cell per group and round.

    Cells come in random order within their group, groups in a new random order in every round.
    """
    by_group = ordered_at_random(groups, rng)
    sizes = np.bincount(groups)
    turn = np.arange(len(groups)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return by_group[ordered_at_random(turn, rng)]


def ordered_at_random(keys: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the indices that sort the keys, equal keys in random order."""
    shuffled = rng.permutation(len(keys))
    return shuffled[np.argsort(keys[shuffled], kind="stable")]
