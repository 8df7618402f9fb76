"""Do clusters of an embedding find the cell types?"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RESOLUTIONS = tuple(2 * step / 10 for step in range(1, 11))
"""Leiden resolutions tried; the one of highest NMI counts, as in scib-metrics."""
STARTS = 10
"""Random starts of k-means, of which the tightest clusters count."""


def best_leiden(graph: Any, labels: NDArray[Any], seed: int = 42) -> NDArray[np.int64]:
    """Return the Leiden clusters of highest NMI with the labels over :data:`RESOLUTIONS`.

    The published protocol takes the best Louvain resolution; scib-metrics takes Leiden, and so does this.

    Parameters
    ----------
    graph
        Symmetric connectivities (cells x cells).
    labels
        Cell types (cells,).
    seed
        Of the clustering.
    """
    import igraph
    import numpy as np
    from sklearn.metrics import normalized_mutual_info_score

    network = igraph.Graph.Weighted_Adjacency(graph, mode="directed")
    network.to_undirected(mode="each")

    def clusters(resolution: float) -> NDArray[np.int64]:
        igraph.set_random_number_generator(random.Random(seed))
        found = network.community_leiden("modularity", weights="weight", resolution=resolution)
        return np.asarray(found.membership)

    tried = [clusters(resolution) for resolution in RESOLUTIONS]
    return max(tried, key=lambda found: normalized_mutual_info_score(labels, found))


def kmeans_clusters(place: NDArray[np.float32], n: int, seed: int = 42) -> NDArray[np.int64]:
    """Return the tightest of :data:`STARTS` k-means clusterings into ``n`` clusters."""
    import numpy as np
    from sklearn.cluster import KMeans

    return np.asarray(KMeans(n, n_init=STARTS, random_state=seed).fit_predict(place), dtype=np.int64)


def agreement(types: NDArray[np.str_], clusters: NDArray[np.int64]) -> dict[str, float]:
    """Return normalised mutual information and adjusted Rand index of types and clusters."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    return {
        "nmi": float(normalized_mutual_info_score(types, clusters)),
        "ari": float(adjusted_rand_score(types, clusters)),
    }


def agreement_by_batch(
    types: NDArray[np.str_], clusters: NDArray[np.int64], batches: NDArray[np.str_]
) -> dict[str, NDArray[np.float64]]:
    """Return the part that each batch (sorted by name) has in the agreement of all cells.

    Its cells are held against all cells, not only against each other, so that a batch that lies apart loses
    its score. NMI and ARI are those of sums over cells: of pointwise information shared and owned, and of
    pairs with any other cell. Of one batch that holds all cells they are NMI and ARI.
    """
    import numpy as np
    from sklearn.metrics.cluster import contingency_matrix

    _, batch, counts = np.unique(batches, return_inverse=True, return_counts=True)
    table = contingency_matrix(types, clusters)
    one, other = (np.unique(labels, return_inverse=True)[1] for labels in (types, clusters))
    n, both = len(types), table[one, other]
    of_type, of_cluster = table.sum(axis=1)[one], table.sum(axis=0)[other]

    def total(values: Any) -> Any:
        return np.bincount(batch, weights=values)

    shared = total(np.log(n * both / (of_type * of_cluster)))
    owned = total(np.log(n / of_type) + np.log(n / of_cluster)) / 2
    pairs, typed, clustered = (total(same - 1) for same in (both, of_type, of_cluster))
    chance = typed * clustered / (counts * (n - 1))
    return {"nmi": shared / owned, "ari": (pairs - chance) / ((typed + clustered) / 2 - chance)}
