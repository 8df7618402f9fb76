"""Does the embedding keep cell types apart and batches together?"""

from functools import partial

from harness import Identity, Metric, TaskCard, hookimpl

# Noise gets the floors of biology; of mixing it gets nearly everything, so that those have none.
score = partial(Metric, tolerance=1e-4, invariant=frozenset({"scale", "shift", "rotation", "names"}))


@hookimpl
def harness_tasks():
    """Return the card."""
    return [
        TaskCard(
            name="batch_integration",
            version="3",
            entry="harness_plugins.tasks.batch_integration.task:BatchIntegration",
            summary="biology kept and batches mixed in a frozen embedding (scIB metrics)",
            needs=frozenset({"cell_type>=2", "batch>=2"}),
            split="whole",
            metrics=(
                score(name="avg_bio", lower=-0.2, floor=1 / 6, units="parts"),
                score(name="nmi", floor=0.0, units="parts"),
                score(name="ari", lower=-0.5, floor=0.0, units="parts"),
                score(name="asw_label", floor=0.5, units="weighted"),
                score(name="nmi_kmeans", floor=0.0, units="parts"),
                score(name="ari_kmeans", lower=-0.5, floor=0.0, units="parts"),
                score(name="clisi"),
                score(name="isolated_labels", floor=0.5),
                score(name="intra_type_structure", lower=-1.0, floor=0.0),
                score(name="bras", invariant=frozenset({"scale", "rotation", "names"})),
                score(name="ilisi"),
                score(name="kbet"),
                score(name="graph_connectivity"),
                score(name="pcr_comparison"),
            ),
            identities=(Identity(says="avg_bio == mean(nmi, ari, asw_label)"),),
            baselines=("random_embedding",),
            references=("hvg", "target_pca"),
            citation=(
                "Luecken et al. 2022, doi 10.1038/s41592-021-01336-8; BRAS 10.1038/s41587-025-02743-4; "
                "structure within types after 10.1186/s13059-025-03869-z and 10.1016/j.celrep.2020.107576"
            ),
        )
    ]
