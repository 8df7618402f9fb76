"""kBET: are the batches around a cell those of its type?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.measures.integration.admission import MIN_CELLS
from harness.measures.integration.neighbours import neighbours

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALPHA = 0.05
COMPONENTS = 100
FEWEST, MOST = 10, 70
"""Neighbours tested: a quarter of the mean batch of the type, within these bounds."""
SMALL = 500
"""Up to so many cells all eigenvectors are found at once, several times faster than a hundred of them."""
VISITED = 0.75
"""Share of a type's cells that must be in components large enough to test; else all count as rejected."""


def kbet_acceptance(
    graph: Any, types: NDArray[np.str_], batches: NDArray[np.str_], seed: int = 42
) -> NDArray[np.float64]:
    """Return 1 for each cell around which the batches of its type are mixed, 0 where a test rejects that.

    kBET per type (Buettner et al. 2019, doi:10.1038/s41592-018-0254-1; Luecken et al. 2022) in the form of
    scib-metrics: neighbours by diffusion distance within the type, Pearson's chi-squared test at 0.05. Three
    things are otherwise there. Each type has its own number of diffusion components; there it is carried from
    one label to the next, so that names move the score. Eigenvectors are found in float64 from a start that
    the seed fixes, and the inner neighbours are exact.

    Parameters
    ----------
    graph
        Connectivities (cells x cells) of :data:`KBET_NEIGHBOURS` neighbours.
    types, batches
        Cell type and batch (cells,).
    seed
        Of the eigenvectors' start.

    Returns
    -------
    numpy.ndarray
        NaN for cells that no test visits: of types in one batch, or too small for a neighbourhood that leaves
        cells out, and of small components beside large ones.
    """
    import numpy as np

    found = np.full(len(types), np.nan)
    for name in np.unique(types):
        own = np.flatnonzero(types == name)
        if len(set(batches[own])) > 1 and len(own) >= MIN_CELLS:
            found[own] = _of_type(graph[own][:, own].astype(np.float64), batches[own], seed)
    return found


def _of_type(graph: Any, batches: NDArray[np.str_], seed: int) -> NDArray[np.float64]:
    import numpy as np

    code, counts = np.unique(batches, return_inverse=True, return_counts=True)[1:]
    k = int(min(MOST, max(FEWEST, counts.mean() // 4))) + 1
    if len(code) <= k:
        return np.full(len(code), np.nan)
    visited = _large_components(graph, 3 * (k - 1))
    if visited.mean() < VISITED:
        return np.zeros(len(code))
    place = _diffusion_map(graph[visited][:, visited], seed)
    found = np.full(len(code), np.nan)
    found[visited] = _accepted(neighbours(place, k).indices, code[visited])
    return found


def _large_components(graph: Any, smallest: int) -> NDArray[np.bool_]:
    """Return the cells in components of at least ``smallest`` cells; all, where there is one component."""
    import numpy as np
    from scipy.sparse.csgraph import connected_components

    n, component = connected_components(graph, connection="strong")
    sizes: NDArray[np.int64] = np.bincount(component)
    return np.asarray((sizes[component] >= smallest) | (n == 1))


def _diffusion_map(graph: Any, seed: int) -> NDArray[np.float32]:
    """Return places whose distance is the diffusion distance over all times (cells x components)."""
    import numpy as np
    from scipy.sparse import diags
    from scipy.sparse.linalg import eigsh

    def scaled(matrix: Any, weight: Any) -> Any:
        return diags(weight) @ matrix @ diags(weight)

    even = scaled(graph, 1 / np.ravel(graph.sum(axis=0)))
    steps = scaled(even, 1 / np.sqrt(np.ravel(even.sum(axis=0))))
    n = steps.shape[0]
    if n <= SMALL:
        values, vectors = np.linalg.eigh(steps.toarray())
        largest = np.argsort(-np.abs(values))[: min(COMPONENTS, n - 1)]
        values, vectors = values[largest], vectors[:, largest]
    else:
        start = np.random.default_rng(seed).normal(size=n)
        values, vectors = eigsh(steps, k=COMPONENTS, which="LM", v0=start)
    values = values.astype(np.float32)
    stays = values == 1
    return np.asarray(vectors * np.where(stays, 1, values / np.where(stays, 1, 1 - values)), dtype=np.float32)


def _accepted(around: NDArray[np.int32], code: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return where a chi-squared test does not reject that batches around a cell are as everywhere."""
    import numpy as np
    from scipy.special import chdtrc

    n_batches = int(code.max()) + 1
    observed = np.stack([(code[around] == batch).sum(axis=1) for batch in range(n_batches)], axis=1)
    share = np.bincount(code, minlength=n_batches) / len(code)
    there = share > 0
    expected = share[there] * around.shape[1]
    statistic = ((observed[:, there] - expected) ** 2 / expected).sum(axis=1)
    freedom = int(there.sum()) - 1
    if not freedom:
        return np.zeros(len(code), dtype=bool)
    return np.asarray(chdtrc(freedom, statistic) >= ALPHA)
