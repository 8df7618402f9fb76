"""The one neighbour graph of an embedding, and the metrics that are read from it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

GRAPH_NEIGHBOURS = 15
KBET_NEIGHBOURS = 50
LISI_NEIGHBOURS = 90
"""Neighbours, a cell itself among them, as in scib-metrics."""

FILLED = 1024
"""Number of cells of which JAX sees a multiple."""

STEPS = 64
CLOSE = 1e-5
NARROWEST = 1e-3
"""Bisections, tolerance and smallest bandwidth (share of the mean distance) of UMAP's connectivities."""


def neighbours(embedding: NDArray[np.float32], n: int) -> Any:
    """Return the exact ``n`` nearest neighbours of each cell, itself first at distance exactly 0.

    Self-distances of 6e-7 in place of 0 would move some scores, and approximate neighbours cost a minute of
    compilation.
    """
    import numpy as np
    from scib_metrics.nearest_neighbors import NeighborsResults
    from sklearn.neighbors import NearestNeighbors

    model = NearestNeighbors(n_neighbors=n, algorithm="brute").fit(embedding)
    distances, indices = model.kneighbors(embedding)
    own = np.arange(len(embedding))[:, None]
    distances[indices == own] = 0.0
    order = np.lexsort((indices != own, distances))
    return NeighborsResults(
        indices=np.take_along_axis(indices, order, axis=1).astype(np.int32),
        distances=np.take_along_axis(distances, order, axis=1).astype(np.float32),
    )


def connectivities(graph: Any) -> csr_matrix:
    """Return UMAP's fuzzy union of neighbourhoods (cells x cells): symmetric, from 0 to 1.

    A neighbour at distance d weighs exp(-(d - rho) / sigma), rho being the distance of the nearest cell and
    sigma such that the weights sum to log2(neighbours); both directions join as a + b - ab (McInnes et al.
    2018, arXiv:1802.03426). umap-learn gives the same and compiles for 8 s in every process.
    """
    import numpy as np
    from scipy.sparse import csr_matrix

    distances = graph.distances.astype(np.float64)
    n, k = distances.shape
    nearest = np.where(distances > 0, distances, np.inf).min(axis=1)
    rho = np.where(np.isfinite(nearest), nearest, 0.0)
    beyond = np.maximum(distances - rho[:, None], 0.0)
    mean = np.where(rho > 0, distances.mean(axis=1), distances.mean())
    sigma = np.maximum(_bandwidths(beyond[:, 1:], np.log2(k)), NARROWEST * mean)
    weights = np.exp(-beyond / sigma[:, None])
    weights[graph.indices == np.arange(n)[:, None]] = 0.0
    entries = (weights.ravel(), graph.indices.ravel(), np.arange(0, n * k + 1, k))
    one_way = csr_matrix(entries, shape=(n, n), copy=True)  # the next line works in place
    one_way.eliminate_zeros()
    other = one_way.T.tocsr()
    union: csr_matrix = one_way + other - one_way.multiply(other)
    union.sort_indices()
    return union


def _bandwidths(beyond: NDArray[np.float64], target: float) -> NDArray[np.float64]:
    """Bisect for the sigma at which the sum over neighbours of exp(-beyond / sigma) is ``target``."""
    import numpy as np

    low, high, sigma = np.zeros(len(beyond)), np.full(len(beyond), np.inf), np.ones(len(beyond))
    open_ = np.arange(len(beyond))
    for _ in range(STEPS):
        total = np.exp(-beyond[open_] / sigma[open_, None]).sum(axis=1)
        far = np.abs(total - target) >= CLOSE
        open_, total = open_[far], total[far]
        if not len(open_):
            break
        much = total > target
        high[open_[much]], low[open_[~much]] = sigma[open_[much]], sigma[open_[~much]]
        unbounded = np.isinf(high[open_])
        sigma[open_] = np.where(unbounded, 2 * sigma[open_], (low[open_] + high[open_]) / 2)
    return sigma


def in_largest_component(graph: Any, types: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return 1 for cells in the largest strong component of their type's own neighbour graph, else 0.

    Its mean per type, averaged over types, is the graph connectivity of Luecken et al. 2022
    (doi:10.1038/s41592-021-01336-8).
    """
    import numpy as np
    from scipy.sparse.csgraph import connected_components

    found = np.zeros(len(types))
    for name in np.unique(types):
        own = types == name
        within = graph.knn_graph_distances[own][:, own]
        _, component = connected_components(within, connection="strong")
        found[own] = component == np.bincount(component).argmax()
    return found


def lisi(graph: Any, names: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return the local inverse Simpson index of each cell: how many groups are around it (1 to all).

    Korsunsky et al. 2019 (doi:10.1038/s41592-019-0619-0), by scib-metrics; NaN where it finds no bandwidth.
    Distances are counted from the nearest other cell, which changes no probability and keeps exp(-distance)
    from vanishing in float32 where all cells are far away from each other, as in hundreds of dimensions.
    Rows are filled up to multiples of :data:`FILLED`, so that JAX compiles once for data sets of like size.
    """
    import numpy as np

    _keep_compiled()
    from scib_metrics import lisi_knn
    from scib_metrics.nearest_neighbors import NeighborsResults

    n = len(names)
    filled = np.resize(np.arange(n), n + -n % FILLED)
    beyond = np.maximum(graph.distances - graph.distances[:, 1:2], 0)
    around = NeighborsResults(indices=graph.indices[filled], distances=beyond[filled])
    found = np.asarray(lisi_knn(around, names[filled]), dtype=float)[:n]
    return np.where(found > 0, np.maximum(found, 1.0), np.nan)


def _keep_compiled() -> None:
    """Let JAX keep what it compiles on disk: 9 s become 0.7 in the next process."""
    import jax

    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = os.environ.get("JAX_COMPILATION_CACHE_DIR", str(home / "scfm-harness" / "jax"))
    settings: dict[str, Any] = {
        "jax_compilation_cache_dir": folder,
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
    for name, value in settings.items():
        jax.config.update(name, value)  # type: ignore[no-untyped-call]
