"""Distances between clouds of cells, for models that predict cells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.errors import NotApplicable

Floats = NDArray[np.float64]


def energy_distance(x: ArrayLike, y: ArrayLike, seed: int, n: int | None = None) -> float:
    """Return the E-distance between two sets of cells: 2 E|X - Y| - E|X - X'| - E|Y - Y'|.

    Euclidean distances (Szekely and Rizzo 2013, doi:10.1016/j.jspi.2013.03.018; for cells Peidli et al. 2024,
    doi:10.1038/s41592-023-02144-y). Means within a set leave out the distance of a cell to itself, so that
    equal distributions have expectation 0, and both sets have equally many cells, drawn without replacement.

    Parameters
    ----------
    x, y
        Cells in gene or component space (cells x dimensions), dense.
    seed
        Of the draw from the larger set.
    n
        Cells per set; None takes the size of the smaller.

    Returns
    -------
    About 0 for one distribution (chance makes it negative), larger where they differ: smaller is better. The
    order of cells and of dimensions does not count; copies of cells raise it, as they are no new cells.

    Raises
    ------
    NotApplicable
        A set has fewer than two cells, or fewer than ``n``.
    """
    x, y = equal_sets(x, y, seed, n)
    return 2 * _mean_distance(x, y) - _mean_within(x) - _mean_within(y)


def effect_p_value(x: ArrayLike, y: ArrayLike, seed: int, draws: int = 999) -> float:
    """Return how often a random division of all cells is as far apart: does a perturbation do anything?

    The E-test of Peidli et al. 2024: (divisions at least as far + 1) / (draws + 1).
    """
    x, y = equal_sets(x, y, seed)
    rng, n = np.random.default_rng(seed), len(x)
    between = _distances(np.vstack([x, y]), np.vstack([x, y]))
    sign = np.concatenate([np.ones(n), -np.ones(n)])
    # The E-distance of a division is a decreasing affine function of s' D s: sets that lie apart have small
    # distances within (+) and large ones between (-).
    observed = sign @ between @ sign
    shuffled = np.stack([rng.permutation(sign) for _ in range(draws)])
    others = np.einsum("dn,dn->d", shuffled @ between, shuffled)
    as_far = others <= observed + 1e-9 * np.abs(observed)
    return float((as_far.sum() + 1) / (draws + 1))


def equal_sets(x: ArrayLike, y: ArrayLike, seed: int, n: int | None = None) -> tuple[Floats, Floats]:
    """Return equally many cells of both sets, drawn without replacement where there are more."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    smaller = min(len(x), len(y))
    wanted = smaller if n is None else n
    if wanted < 2 or wanted > smaller:
        raise NotApplicable(
            f'the E-distance was asked with "{wanted}" cells per set where the smaller has {smaller}; '
            "at least 2 are needed"
        )
    rng = np.random.default_rng(seed)
    chosen = [
        each if len(each) == wanted else each[np.sort(rng.choice(len(each), wanted, replace=False))]
        for each in (x, y)
    ]
    return chosen[0], chosen[1]


def _mean_distance(x: Floats, y: Floats) -> float:
    return float(_distances(x, y).mean())


def _mean_within(x: Floats) -> float:
    return float(_distances(x, x).sum() / (len(x) * (len(x) - 1)))


def _distances(x: Floats, y: Floats) -> Floats:
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(x, y))
