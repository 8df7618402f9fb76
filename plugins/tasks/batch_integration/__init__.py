"""Does the embedding keep cell types apart and batches together?"""

from harness import Metric, TaskCard, hookimpl


@hookimpl
def harness_tasks():
    """Return the card."""
    return [
        TaskCard(
            name="batch_integration",
            version="2",
            entry="harness_plugins.tasks.batch_integration.task:BatchIntegration",
            summary="biology kept and batches mixed in a frozen embedding (scIB metrics)",
            needs=frozenset({"cell_type>=2", "batch>=2"}),
            split="whole",
            metrics=(
                Metric(name="avg_bio", lower=-0.2, tolerance=1e-4),
                Metric(name="nmi", tolerance=1e-4),
                Metric(name="ari", lower=-0.5, tolerance=1e-4),
                Metric(name="asw_label", tolerance=1e-4),
                Metric(name="nmi_kmeans", tolerance=1e-4),
                Metric(name="ari_kmeans", lower=-0.5, tolerance=1e-4),
                Metric(name="clisi", tolerance=1e-4),
                Metric(name="isolated_labels", tolerance=1e-4),
                Metric(name="intra_type_structure", lower=-1.0, tolerance=1e-4),
                Metric(name="bras", tolerance=1e-4),
                Metric(name="ilisi", tolerance=1e-4),
                Metric(name="kbet", tolerance=1e-4),
                Metric(name="graph_connectivity", tolerance=1e-4),
                Metric(name="pcr_comparison", tolerance=1e-4),
            ),
            baselines=("random_embedding",),
            references=("hvg", "target_pca"),
            citation=(
                "Luecken et al. 2022, doi 10.1038/s41592-021-01336-8; BRAS 10.1038/s41587-025-02743-4; "
                "structure within types after 10.1186/s13059-025-03869-z and 10.1016/j.celrep.2020.107576"
            ),
        )
    ]
