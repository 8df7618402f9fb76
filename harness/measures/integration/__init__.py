"""Does an embedding keep cell types apart and batches together? The scIB metrics, guarded and per batch.

Degenerate embeddings are refused before scoring, because the metrics reward them: a constant embedding gets
a perfect BRAS, and a single NaN turns silhouettes into 0.5 in silence. One exact neighbour graph serves all
metrics of an embedding. The formulas are those of scib-metrics; where its functions compile anew for every
size of a cell type, or return no score per cell, the same formula stands here and is tested against it.
"""

from harness.measures.integration.admission import (
    MIN_CELLS,
    Admitted,
    admit,
    refuse_degenerate,
    usable_cells,
)
from harness.measures.integration.clustering import best_leiden, kmeans_clusters
from harness.measures.integration.mixing import kbet_acceptance
from harness.measures.integration.neighbours import (
    GRAPH_NEIGHBOURS,
    KBET_NEIGHBOURS,
    LISI_NEIGHBOURS,
    connectivities,
    in_largest_component,
    lisi,
    neighbours,
)
from harness.measures.integration.scores import Integration, integration_scores
from harness.measures.integration.silhouettes import batch_silhouettes, isolated_types, silhouettes
from harness.measures.integration.structure import explained_by_batch, structure_kept

__all__ = [
    "GRAPH_NEIGHBOURS",
    "KBET_NEIGHBOURS",
    "LISI_NEIGHBOURS",
    "MIN_CELLS",
    "Admitted",
    "Integration",
    "admit",
    "batch_silhouettes",
    "best_leiden",
    "connectivities",
    "explained_by_batch",
    "in_largest_component",
    "integration_scores",
    "isolated_types",
    "kbet_acceptance",
    "kmeans_clusters",
    "lisi",
    "neighbours",
    "refuse_degenerate",
    "silhouettes",
    "structure_kept",
    "usable_cells",
]
