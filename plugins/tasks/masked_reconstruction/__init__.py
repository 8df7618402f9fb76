"""Can a model tell hidden expression from the rest of a cell?"""

from math import e, pi

from harness import Identity, Metric, TaskCard, hookimpl


@hookimpl
def harness_tasks():
    """Return the card."""
    return [
        TaskCard(
            name="masked_reconstruction",
            version="3",
            entry="harness_plugins.tasks.masked_reconstruction.task:MaskedReconstruction",
            summary="hidden log-normalised expression of held-out groups, told from the rest of each cell",
            needs=frozenset({"cell_type>=2"}),
            wants=frozenset({"reconstruct"}),
            split="grouped",
            metrics=(
                Metric(name="r2_over_gene_mean", lower=None, floor=0.0, units="weighted"),
                Metric(name="bits_over_gene_mean", lower=None, upper=None, floor=0.0),
                Metric(name="mse", direction="down", upper=None),
                Metric(name="gaussian_bits", direction="down", lower=None, upper=None),
            ),
            identities=(
                Identity(says="bits_over_gene_mean == -0.5 * log2(1 - r2_over_gene_mean)"),
                Identity(says=f"gaussian_bits == 0.5 * log2({2 * pi * e!r} * mse)"),
                Identity(says="r2_over_gene_mean == 0", baseline="gene_mean"),
                Identity(says="bits_over_gene_mean == 0", baseline="gene_mean"),
            ),
            baselines=("gene_mean",),
            parameters={"mask_rate": 0.15, "n_genes": 512, "genes_needed": 0.5},
            citation="after Kendiukhov 2026, arXiv:2602.15253, on the host's split",
        )
    ]
