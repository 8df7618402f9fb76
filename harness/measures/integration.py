"""Does an embedding keep cell types apart and batches together? The scIB metrics, through scib-metrics.

Degenerate embeddings are refused before scoring, because the metrics reward them: a constant embedding gets
a perfect BRAS, and a single NaN turns silhouettes into 0.5 in silence. One exact neighbour graph serves all
metrics of an embedding.
"""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import ContractBroken, NotApplicable, NotFinite

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MIN_CELLS = 10
"""Labels and batches with fewer cells are left out and counted."""
GRAPH_NEIGHBOURS = 15
LISI_NEIGHBOURS = 90
RESOLUTIONS = tuple(2 * step / 10 for step in range(1, 11))
"""Leiden resolutions tried; the one of highest NMI counts, as in scib-metrics."""
FLAT = 1e-12
"""Share of an embedding's scale below which its variance counts as none."""


@dataclass(frozen=True, kw_only=True)
class Integration:
    """What the metrics found.

    Attributes
    ----------
    values
        Metric -> score of all cells.
    by_batch
        Metric -> the part of each batch in it (n_batches,): its cells held against all cells.
    batches, weights
        Names of the batches and their numbers of cells.
    notes
        What was left out, clipped or noticed.
    """

    values: Mapping[str, float]
    by_batch: Mapping[str, NDArray[np.float64]]
    batches: tuple[str, ...]
    weights: NDArray[np.float64]
    notes: Mapping[str, Any] = field(default_factory=dict)


def usable_cells(
    labels: NDArray[np.object_], batches: NDArray[np.object_]
) -> tuple[NDArray[np.bool_], dict[str, Any]]:
    """Return which cells belong to labels and batches of at least :data:`MIN_CELLS` cells, and what does not.

    Raises
    ------
    NotApplicable
        Fewer than two labels or two batches are left, or every label is in one batch only.
    """
    import numpy as np

    kept = np.ones(len(labels), dtype=bool)
    while True:
        small = _rare(labels, kept) | _rare(batches, kept)
        if not (kept & small).any():
            break
        kept &= ~small
    for what, values in (("cell type", labels), ("batch", batches)):
        if len(set(values[kept])) < 2:
            raise NotApplicable(f"fewer than 2 of {what} have at least {MIN_CELLS} cells")
    pairs = set(zip(labels[kept], batches[kept], strict=True))
    if len(pairs) == len({label for label, _ in pairs}):
        raise NotApplicable("every cell type is in one batch only, so mixing cannot be told from identity")
    left_out = {
        "cells_left_out": int((~kept).sum()),
        "labels_left_out": sorted(set(labels) - set(labels[kept])),
        "batches_left_out": sorted(set(batches) - set(batches[kept])),
    }
    return kept, left_out


def _rare(values: NDArray[np.object_], kept: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import numpy as np

    names, counts = np.unique(values[kept].astype(str), return_counts=True)
    return np.isin(values.astype(str), names[counts < MIN_CELLS])


def refuse_degenerate(embedding: NDArray[np.floating[Any]], n_cells: int) -> None:
    """Refuse an embedding that the metrics would reward for being broken.

    Raises
    ------
    ContractBroken
        It has another number of rows, or all cells are at one place.
    NotFinite
        It holds NaN or infinite numbers.
    """
    import numpy as np

    if embedding.ndim != 2 or embedding.shape[0] != n_cells:
        raise ContractBroken(
            f"the embedding has shape {embedding.shape}; one row for each of {n_cells:,} cells is needed"
        )
    if not np.isfinite(embedding).all():
        raise NotFinite("the embedding holds NaN or infinite numbers")
    wide = embedding.astype(np.float64)
    if wide.var(axis=0).sum() <= FLAT * max(float((wide**2).mean(axis=0).sum()), 1e-30):
        raise ContractBroken(
            "the embedding has collapsed: all cells are at one place, which batch metrics would call perfect"
        )


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


def best_leiden(graph: Any, labels: NDArray[Any], seed: int = 42) -> NDArray[np.int64]:
    """Return the Leiden clusters of highest NMI with the labels over :data:`RESOLUTIONS`.

    The published protocol takes the best Louvain resolution; scib-metrics takes Leiden, and so does this.
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


def integration_scores(
    embedding: NDArray[np.float32],
    labels: NDArray[np.object_],
    batches: NDArray[np.object_],
    seed: int = 42,
) -> Integration:
    """Return AvgBIO with its terms, BRAS, iLISI and graph connectivity.

    Parameters
    ----------
    embedding
        (cells x width).
    labels, batches
        Cell type and batch (cells,), without missing ones.
    seed
        Of the clustering.

    Raises
    ------
    NotApplicable, ContractBroken, NotFinite
        See :func:`usable_cells` and :func:`refuse_degenerate`.
    """
    import numpy as np

    refuse_degenerate(embedding, len(labels))
    kept, notes = usable_cells(labels, batches)
    x = np.ascontiguousarray(embedding[kept], dtype=np.float32)
    types, groups = labels[kept].astype(str), batches[kept].astype(str)
    refuse_degenerate(x, len(types))
    graph = neighbours(x, min(LISI_NEIGHBOURS, len(x)))
    clusters = best_leiden(
        graph.subset_neighbors(min(GRAPH_NEIGHBOURS, len(x))).knn_graph_connectivities, types, seed
    )
    widths = _silhouettes(x, types)
    return Integration(
        values={**_biology(types, clusters, widths), **_mixing(x, types, groups, graph)},
        **_by_batch(types, clusters, widths, groups),
        notes={
            **notes,
            "neighbours": graph.n_neighbors,
            "duplicates": len(x) - len(np.unique(x, axis=0)),
            "cells_scored": len(x),
        },
    )


def _silhouettes(x: NDArray[np.float32], types: NDArray[np.str_]) -> NDArray[np.float64]:
    from sklearn.metrics import silhouette_samples

    return silhouette_samples(x, types)  # type: ignore[no-any-return]


def _biology(types: Any, clusters: Any, widths: Any) -> dict[str, float]:
    """Return AvgBIO = mean(NMI, ARI, ASW), ASW = (mean silhouette + 1) / 2, and its terms."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

    terms = {
        "nmi": float(normalized_mutual_info_score(types, clusters)),
        "ari": float(adjusted_rand_score(types, clusters)),
        "asw_label": float((widths.mean() + 1) / 2),
    }
    return {"avg_bio": sum(terms.values()) / 3, **terms}


def _mixing(x: Any, types: Any, groups: Any, graph: Any) -> dict[str, float]:
    _keep_compiled()
    from scib_metrics import bras, graph_connectivity, ilisi_knn

    near = graph.subset_neighbors(min(GRAPH_NEIGHBOURS, graph.n_neighbors))
    return {
        "bras": float(bras(x, types, groups)),
        "ilisi": float(ilisi_knn(graph, groups)),
        "graph_connectivity": float(graph_connectivity(near, types)),
    }


def _by_batch(types: Any, clusters: Any, widths: Any, groups: Any) -> dict[str, Any]:
    """Return the part that each batch has in the biology of all cells.

    Its cells are held against all cells, not only against each other, so that a batch that lies apart loses
    its score. NMI and ARI are those of sums over cells: of pointwise information shared and owned, and of
    pairs with any other cell. Of one batch that holds all cells they are NMI and ARI.
    """
    import numpy as np
    from sklearn.metrics.cluster import contingency_matrix

    names, batch, counts = np.unique(groups, return_inverse=True, return_counts=True)
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
    terms = {
        "nmi": shared / owned,
        "ari": (pairs - chance) / ((typed + clustered) / 2 - chance),
        "asw_label": (total(widths) / counts + 1) / 2,
    }
    return {
        "by_batch": {"avg_bio": sum(terms.values()) / 3, **terms},
        "batches": tuple(str(name) for name in names),
        "weights": counts.astype(float),
    }


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
